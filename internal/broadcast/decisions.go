package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// maxSubjects bounds what one order names, as the head that carries it is bounded.
const maxSubjects = 64

// Check tells what keeps a decision from being one, whoever made it.
func (d Decision) Check() error {
	switch {
	case !slices.Contains([]string{"skip", "move", "order", "hold", "release", "mute", "unmute", "volume", "pin", "own", "allow"}, d.Kind):
		return fmt.Errorf("the kind %.20q is unknown", d.Kind)
	case d.When.IsZero() || far(d.When) || d.Source != "pc" && d.Source != "hub":
		return errors.New("the decision has no instant or source")
	case d.Kind == "move" && (d.To == nil || far(*d.To)):
		return errors.New("a move needs an instant to move to")
	case d.Kind == "volume" && (d.Percent < LeastVolume || d.Percent > 100 || d.Subject != "" || d.Until != nil) || d.Kind != "volume" && d.Percent != 0:
		return fmt.Errorf("a volume is from %d to 100 percent", LeastVolume)
	case d.Kind == "pin" && (d.Source != "hub" || d.Subject != ""):
		return errors.New("a PIN is taken back on the hub")
	case d.Until != nil && far(*d.Until):
		return errors.New("it ends at no time there is")
	case len(d.Subject) > 300 || utf8.RuneCountInString(d.Who) > 200 || utf8.RuneCountInString(d.Reason) > 500 || len(d.Order) > maxSubjects:
		return errors.New("it is longer than a decision may be")
	}
	return d.checkOwn()
}

// leastHold is how long a stop holds outside of dayparts at least: what was stopped must not begin again while the
// operator still looks for the reason.
const leastHold = time.Hour

// Stop gives the operator's stop at an instant: it holds the rest of the daypart, and outside of dayparts an hour, or
// until what sounds would have ended, which is later. sounds is that end, zero when nothing sounds.
func (p *Plan) Stop(now, sounds time.Time) Decision {
	today := DateOf(now, p.Zone)
	for _, date := range []Date{today.AddDays(-1), today} { // a daypart may cross midnight
		for _, o := range p.Days[date].Dayparts {
			if (Span{Start: o.Start, End: o.End}).Has(now) {
				return Decision{Kind: "hold", Subject: OccurrenceKey(date, o.Name), When: now, Until: &o.End}
			}
		}
	}
	until := later(now.Add(leastHold), sounds)
	return Decision{Kind: "hold", When: now, Until: &until}
}

// Held gives until when an operator's stop silences an instant; false when none does.
func (p *Plan) Held(at time.Time) (until time.Time, held bool) { return p.holds(at, time.Time{}) }

// Muted gives until when the commune's mute silences an instant, zero for without an end; false when none does.
func (p *Plan) Muted(at time.Time) (until time.Time, muted bool) {
	if !p.muted(at) {
		return time.Time{}, false
	}
	d := p.decided(at, func(d *Decision) bool { return d.family() == "mute" })
	if d.Until != nil {
		until = *d.Until
	}
	return until, true
}

// LeastVolume is the least a commune can turn its volume down to, in percent: to be silent it mutes, which says so.
const LeastVolume = 10

// VolumeAt gives the volume, in percent, of what is scheduled to begin at an instant: that of the policy, or less
// where the commune has turned it down.
func (p *Plan) VolumeAt(t time.Time) int {
	volume := p.Head.Rules.VolumeAt(t, p.Zone)
	if d := p.decided(t, func(d *Decision) bool { return d.Kind == "volume" }); d != nil {
		volume = min(volume, d.Percent)
	}
	return volume
}

// PINTakenBack is when an admin last had the PC forget its PIN; zero for never.
func (p *Plan) PINTakenBack() (at time.Time) {
	for _, d := range p.Head.Decisions {
		if d.Kind == "pin" {
			at = later(at, d.When)
		}
	}
	return at
}

// Forbids tells why nothing that is not in the timetable may be heard in a span, such as a test tone: "" when it may.
func (p *Plan) Forbids(span Span) string {
	switch {
	case p.held(span.Start, time.Time{}):
		return ReasonStopped
	case p.muted(span.Start):
		return ReasonMuted
	case !p.Head.Rules.Allows(span, p.Zone):
		return ReasonQuietHours
	case p.reserved(span):
		return ReasonReserved
	}
	return ""
}

// decided gives the decision that holds at an instant among those that match, nil when there is none. A
// decision says nothing about the time before it was made.
func (p *Plan) decided(at time.Time, match func(*Decision) bool) *Decision {
	return holding(p.Head.Decisions, func(d *Decision) bool { return !d.When.After(at) && match(d) })
}

// CommuneDecides tells whether a commune may skip and move what is of that class and owner: its own items, and normal
// ones of the hub where the policy lets it (Circular 39/2020: the commune chooses when a normal item is played).
func (r Rules) CommuneDecides(class Class, owner Owner) bool {
	return owner == OwnerCommune && class != Urgent || class == Normal && r.CommuneMayMove
}

// slotDecision is the skip or move that holds for a slot: nil for a slot the commune has no say in.
func (p *Plan) slotDecision(c *cand, slot string, at time.Time) *Decision {
	if !p.Head.Rules.CommuneDecides(c.Class, c.Owner) {
		return nil
	}
	return p.decided(at, func(d *Decision) bool {
		return d.Subject == slot && (d.Kind == "skip" || d.Kind == "move" && d.To.After(d.When) && c.movable(*d.To, p.Zone))
	})
}

// OrderLead is until when before a daypart the commune may reorder it (design.md, Timetable, rule 3).
const OrderLead = 30 * time.Minute

// order is the order the commune gave a daypart in time, nil for none.
func (p *Plan) order(occurrence string, start time.Time) []string {
	d := p.decided(start.Add(-OrderLead), func(d *Decision) bool { return d.Kind == "order" && d.Subject == occurrence })
	if d == nil {
		return nil
	}
	return d.Order
}

// muted tells whether the commune's mute holds at an instant.
func (p *Plan) muted(at time.Time) bool {
	d := p.decided(at, func(d *Decision) bool { return d.Kind == "mute" || d.Kind == "unmute" })
	return d != nil && d.Kind == "mute" && (d.Until == nil || at.Before(*d.Until))
}

// held tells whether an operator's stop silences an instant, for something issued at issued: a bulletin
// issued later than the stop sounds again. The zero issued is for what is scheduled.
func (p *Plan) held(at, issued time.Time) bool {
	_, held := p.holds(at, issued)
	return held
}

// holds gives until when the stops that hold at an instant silence what was issued at issued.
func (p *Plan) holds(at, issued time.Time) (until time.Time, held bool) {
	all := p.Head.Decisions
	for i := range all {
		d := &all[i]
		if d.Kind != "hold" || d.When.After(at) || issued.After(d.When) || !at.Before(p.holdEnds(d)) {
			continue
		}
		if !slices.ContainsFunc(all, func(o Decision) bool { return !o.When.After(at) && o.lifts(d) }) {
			until, held = later(until, p.holdEnds(d)), true
		}
	}
	return until, held
}

// holdEnds is when a stop ends of itself: at its Until, else at the end of its daypart, else of its day.
func (p *Plan) holdEnds(d *Decision) time.Time {
	if d.Until != nil {
		return *d.Until
	}
	date := DateOf(d.When, p.Zone)
	for _, o := range p.Days[date].Dayparts {
		if OccurrenceKey(date, o.Name) == d.Subject {
			return o.End
		}
	}
	return date.At(EndOfDay, p.Zone)
}

// withdrawn tells whether the item was taken back by an instant.
func (p *Plan) withdrawn(item Item, at time.Time) bool {
	return slices.ContainsFunc(p.Head.Withdrawals, func(w Withdrawal) bool { return !w.At.After(at) && w.Takes(item) })
}

// validAt tells whether the report may be heard at an instant.
func (i Item) validAt(t time.Time) bool {
	return (i.ValidFrom == nil || !t.Before(*i.ValidFrom)) && (i.ValidUntil == nil || t.Before(*i.ValidUntil))
}
