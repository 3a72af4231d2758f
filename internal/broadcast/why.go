package broadcast

import (
	"slices"
	"strings"
	"time"
)

// Why says what sounds, or sounded, at an instant and why, and what wanted the instant and did not get it
// (rule 9). Past, present and future are asked the same way: a play record tells what was, for the rest the
// timetable tells what was or is planned. The hub gives play records and an empty state, the agent its state too.
func (p *Plan) Why(at time.Time, s State, plays []Play) Answer {
	w := &asking{p: p, at: at, plays: map[string]Play{}}
	pins := s.pins(p.Head.Expires) // what waits in the player is as good as begun
	for _, play := range plays {
		w.plays[play.Slot] = play
		if _, known := s.Journal[play.Slot]; !known && !play.StartedAt.IsZero() {
			pins = append(pins, PinOf(play))
		}
	}
	seen := map[string]bool{}
	ask := func(sl Slot) {
		if !seen[sl.ID] {
			seen[sl.ID] = true
			w.ask(sl)
		}
	}
	for i := range p.Head.Bulletins {
		b := &p.Head.Bulletins[i]
		for _, r := range b.repetitions(at, p.Zone) {
			for _, sl := range r.slots {
				ask(sl)
			}
		}
	}
	date := DateOf(at, p.Zone)
	if n := p.index.groupAt(date); n >= 0 {
		for _, f := range p.place(&p.index.groups[n], pins) {
			ask(f.Slot)
		}
	}
	for _, pin := range pins { // in the plan no more
		ask(pin.Slot)
	}
	return w.answer()
}

// PinOf makes a pin of the play record of a slot that began, for a preview that knows what happened.
func PinOf(play Play) Pin {
	key := play.Slot[:max(0, strings.LastIndexByte(play.Slot, '#'))]
	occurrence := key[strings.LastIndexByte(key, '@')+1:]
	return Pin{
		Slot: Slot{ID: play.Slot, Key: key, Broadcast: play.Broadcast, Version: play.Version, Title: play.Title, Class: play.Class,
			Occurrence: occurrence, Start: play.PlannedStart, End: play.PlannedEnd,
			Item: Item{Report: play.Report, Title: play.Title, Audio: play.Audio, DurationMS: play.PlannedEnd.Sub(play.PlannedStart).Milliseconds()}},
		Began: play.StartedAt, Ends: play.EndedAt,
	}
}

// asking is the work of one Why.
type asking struct {
	p       *Plan
	at      time.Time
	plays   map[string]Play
	sounded *Contender
	planned []Contender
	losers  []Contender
}

// ask puts a slot that wanted the instant where it belongs.
func (w *asking) ask(sl Slot) {
	span := Span{Start: sl.Start, End: sl.End}
	play, recorded := w.plays[sl.ID]
	switch c := (Contender{Slot: sl, Recorded: recorded, Outcome: play.Outcome, Reason: play.Reason}); {
	case recorded && heardAt(play, w.at):
		w.sounded = &c
	case !span.Has(w.at):
	case recorded:
		w.losers = append(w.losers, c)
	case sl.Skip != "":
		c.Outcome, c.Reason = Skipped, sl.Skip
		w.losers = append(w.losers, c)
	case sl.Class != Urgent && w.p.withdrawn(sl.Item, w.at):
		c.Outcome, c.Reason = Cut, ReasonWithdrawn
		w.losers = append(w.losers, c)
	default:
		w.planned = append(w.planned, c)
	}
}

// onTime is how far a sound may lie from its plan and still be asked for by it: people ask by the second.
const onTime = time.Second

// heardAt tells whether a slot sounded at an instant. Where it began or ended on time, its plan says when.
func heardAt(play Play, at time.Time) bool {
	near := func(sounded, planned time.Time) time.Time {
		if sounded.Sub(planned).Abs() < onTime {
			return planned
		}
		return sounded
	}
	if len(play.Segments) == 0 {
		return Span{Start: near(play.StartedAt, play.PlannedStart), End: near(play.EndedAt, play.PlannedEnd)}.Has(at)
	}
	return slices.ContainsFunc(play.Segments, func(s Segment) bool {
		return Span{Start: near(s.StartedAt, play.PlannedStart), End: near(s.EndedAt, play.PlannedEnd)}.Has(at)
	})
}

// answer settles between what is left: a record wins over a plan, and among the planned a bulletin, silenced
// by the operator or not, over what is scheduled.
func (w *asking) answer() Answer {
	a := Answer{At: w.at, Winner: w.sounded, Losers: w.losers}
	lose := func(c Contender, reason string) {
		if c.Outcome == "" {
			c.Outcome = Skipped
		}
		c.Reason = reason
		a.Losers = append(a.Losers, c)
	}
	slices.SortStableFunc(w.planned, func(x, y Contender) int {
		return first(x.Slot.Class == Urgent, y.Slot.Class == Urgent)
	})
	for _, c := range w.planned {
		switch silent := w.silent(c.Slot); {
		case silent != "":
			lose(c, silent)
		case a.Winner == nil:
			a.Winner = &c
		case a.Winner.Slot.Class == Urgent:
			lose(c, ReasonUrgent)
		default:
			lose(c, ReasonLate)
		}
	}
	if a.Winner == nil {
		a.Silence = w.silence(a.Losers)
	}
	if a.Losers == nil {
		a.Losers = []Contender{}
	}
	return a
}

// silent tells why a planned slot does not sound at the instant.
func (w *asking) silent(sl Slot) string {
	var issued time.Time
	drill := false
	for _, b := range w.p.Head.Bulletins {
		if b.ID == sl.Broadcast && sl.Class == Urgent {
			issued, drill = b.IssuedAt, b.Kind == "drill"
		}
	}
	switch {
	case w.p.held(w.at, issued):
		return ReasonStopped
	case (sl.Class != Urgent || drill) && w.p.muted(w.at):
		return ReasonMuted
	case drill && !w.p.Head.Rules.Allows(Span{Start: sl.Start, End: sl.End}, w.p.Zone):
		return ReasonQuietHours
	case w.p.withdrawn(sl.Item, w.at):
		return ReasonWithdrawn
	}
	return ""
}

// silence tells why nothing sounds, the strongest reason first.
func (w *asking) silence(losers []Contender) string {
	moment := Span{Start: w.at, End: w.at.Add(1)}
	switch {
	case !w.at.Before(w.p.Head.Expires):
		return ReasonPlanEnded
	case w.p.held(w.at, time.Time{}):
		return ReasonStopped
	case w.p.muted(w.at):
		return ReasonMuted
	case !w.p.Head.Rules.Allows(moment, w.p.Zone):
		return ReasonQuietHours
	case w.p.reserved(moment):
		return ReasonReserved
	case len(losers) > 0:
		return losers[0].Reason
	}
	return ""
}
