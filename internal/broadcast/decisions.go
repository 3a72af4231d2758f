package broadcast

import (
	"slices"
	"time"
)

// before tells whether d loses against o, a decision about the same subject: the higher counter wins, a tie
// goes to the PC, then the later one.
func (d *Decision) before(o *Decision) bool {
	if d.Counter != o.Counter {
		return d.Counter < o.Counter
	}
	if d.Source != o.Source {
		return o.Source == "pc"
	}
	return d.When.Before(o.When)
}

// decided gives the decision that holds at an instant among those that match, nil when there is none. A
// decision says nothing about the time before it was made.
func (p *Plan) decided(at time.Time, match func(*Decision) bool) *Decision {
	var best *Decision
	for i := range p.Head.Decisions {
		d := &p.Head.Decisions[i]
		if !d.When.After(at) && match(d) && (best == nil || best.before(d)) {
			best = d
		}
	}
	return best
}

// slotDecision is the skip or move that holds for a slot: nil for a slot the commune has no say in. Its say
// is over its own items, and over normal ones of the hub where the policy lets it (Circular 39/2020: the
// commune chooses when a normal item is played).
func (p *Plan) slotDecision(c *cand, slot string, at time.Time) *Decision {
	if c.Owner != OwnerCommune && (c.Class != Normal || !p.Head.Rules.CommuneMayMove) {
		return nil
	}
	return p.decided(at, func(d *Decision) bool {
		return d.Subject == slot && (d.Kind == "skip" || d.Kind == "move" && d.To.After(d.When) && c.movable(*d.To, p.Zone))
	})
}

// orderLead is until when before a daypart the commune may reorder it (design.md, Timetable, rule 3).
const orderLead = 30 * time.Minute

// order is the order the commune gave a daypart in time, nil for none.
func (p *Plan) order(occurrence string, start time.Time) []string {
	d := p.decided(start.Add(-orderLead), func(d *Decision) bool { return d.Kind == "order" && d.Subject == occurrence })
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
	var seen []string
	for _, d := range p.Head.Decisions {
		if d.Kind != "hold" || d.When.After(at) || slices.Contains(seen, d.Subject) {
			continue
		}
		seen = append(seen, d.Subject)
		now := p.decided(at, func(o *Decision) bool {
			return o.Subject == d.Subject && (o.Kind == "hold" || o.Kind == "release") || o.Kind == "release" && o.Subject == ""
		})
		if now.Kind == "hold" && at.Before(p.holdEnds(now)) && !issued.After(now.When) {
			return true
		}
	}
	return false
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
