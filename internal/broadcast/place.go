package broadcast

import (
	"cmp"
	"slices"
	"time"
)

// Slots gives the slots of the date's candidates, and of pins of that date that are in the plan no more: those
// with a place, and those without and why. It is what will be heard if nothing goes wrong.
//
// It is causal (docs/decisions/0003): nothing of a candidate, withdrawal or decision changes anything before it
// was approved or made. Pins are facts: their places are kept and never taken by another.
func (p *Plan) Slots(date Date, pins []Pin) []Slot {
	var out []Slot
	if n := p.index.groupAt(date); n >= 0 {
		for _, f := range p.place(&p.index.groups[n], pins) {
			if f.date == date {
				out = append(out, f.Slot)
			}
		}
	}
	for _, pin := range pins {
		if _, known := p.index.slots[pin.Slot.ID]; !known && pin.Slot.Class != Urgent && DateOf(pin.Slot.Start, p.Zone) == date {
			out = append(out, pin.Slot)
		}
	}
	slices.SortFunc(out, inTime)
	return out
}

func inTime(a, b Slot) int {
	return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.ID, b.ID))
}

// placed is a slot with what the placing needs to know of it.
type placed struct {
	Slot
	date   Date
	fact   time.Time // from here on its place, or that it has none, is a fact; of a pin: what was before did not know of it
	pinned bool
}

// taken is time that others cannot have.
type taken struct {
	Span
	slot     string
	sounding time.Duration // what of it counts into the minutes of a daypart
}

// placing is the forward simulation of one group of dates: between two instants at which something becomes
// known, the timetable is laid out once, and what begins before the next such instant becomes a fact.
type placing struct {
	p     *Plan
	g     *group
	open  []Span
	facts map[string]placed
	taken []taken // by facts
	draft []placed
	now   time.Time // what is known is known by here
}

// place gives the slots of a group. The result is shared and not to be changed.
func (p *Plan) place(g *group, pins []Pin) []placed {
	pins = p.pinsOf(g, pins)
	print := p.memo.print(pins)
	out, ok := p.memo.get(g, print)
	if !ok {
		out = p.placeAnew(g, pins)
		p.memo.put(g, print, out)
	}
	return out
}

// pinsOf gives the pins that matter to a group: of its slots, and of others that take its time. Bulletins
// interrupt and never take a place (rule 7).
func (p *Plan) pinsOf(g *group, pins []Pin) []Pin {
	dates := Span{Start: g.from.At(0, p.Zone), End: g.to.At(EndOfDay, p.Zone)}
	var out []Pin
	for _, pin := range pins {
		own := p.index.slots[pin.Slot.ID] == g
		if pin.Slot.Class != Urgent && (own || dates.Over(Span{Start: pin.Slot.Start, End: later(pin.Slot.End, pin.Ends)})) {
			out = append(out, pin)
		}
	}
	slices.SortFunc(out, func(a, b Pin) int { return inTime(a.Slot, b.Slot) })
	return out
}

func (p *Plan) placeAnew(g *group, pins []Pin) []placed {
	s := &placing{p: p, g: g, open: p.Head.Rules.open(g.from, g.to, p.Zone), facts: map[string]placed{}}
	s.pin(pins)
	epochs := s.epochs()
	for i, from := range epochs {
		s.now = from
		s.layOut()
		if i+1 < len(epochs) {
			s.settle(func(d placed) bool { return d.fact.Before(epochs[i+1]) })
		} else {
			s.settle(func(placed) bool { return true })
		}
	}
	var out []placed
	for _, c := range g.cands {
		for i := range c.slots {
			out = append(out, p.silence(s.facts[c.slots[i].ID]))
		}
	}
	return out
}

// pin makes facts of pins.
func (s *placing) pin(pins []Pin) {
	for _, pin := range pins {
		s.facts[pin.Slot.ID] = placed{Slot: pin.Slot, fact: pin.Slot.Start, pinned: true}
		if pin.Slot.Skip != "" {
			continue
		}
		s.take(pin.Slot)
		if late := (Span{Start: pin.Began, End: pin.Ends}); !pin.Began.IsZero() && late.End.After(pin.Slot.End) {
			s.taken = append(s.taken, taken{Span: late, slot: pin.Slot.ID}) // late and whole: where it really sounds
		}
	}
	for _, c := range s.g.cands { // the plan knows more of a slot than a play record does
		for _, sl := range c.slots {
			if f, ok := s.facts[sl.ID]; ok {
				sl.Start, sl.End, sl.Skip, sl.Against = f.Start, f.End, f.Skip, f.Against
				fact := sl.Start
				if d := s.p.slotDecision(c, sl.ID, fact); d != nil && d.Kind == "move" {
					fact = d.When
				} else if c.At != nil {
					fact = c.ApprovedAt
				}
				s.facts[sl.ID] = placed{Slot: sl, date: c.date, fact: fact, pinned: true}
			}
		}
	}
}

func (s *placing) take(sl Slot) {
	s.taken = append(s.taken, taken{Span: Span{Start: sl.Start, End: sl.End}, slot: sl.ID, sounding: sl.End.Sub(sl.Start)})
}

// settle turns what is certain of the draft into facts.
func (s *placing) settle(certain func(placed) bool) {
	for _, d := range s.draft {
		if certain(d) {
			s.facts[d.ID] = d
			if d.Skip == "" {
				s.take(d.Slot)
			}
		}
	}
}

// epochs are the instants at which something becomes known, the first before anything of the group can begin.
func (s *placing) epochs() []time.Time {
	p := s.p
	first, last := s.g.from.At(0, p.Zone), s.g.to.At(EndOfDay, p.Zone)
	out := []time.Time{first}
	for _, c := range s.g.cands {
		if c.ApprovedAt.After(first) {
			out = append(out, c.ApprovedAt)
		}
	}
	inside := Span{Start: first, End: last}
	for _, w := range p.Head.Withdrawals {
		if inside.Has(w.At) {
			out = append(out, w.At)
		}
	}
	for _, d := range p.Head.Decisions {
		if (d.Kind == "skip" || d.Kind == "move") && inside.Has(d.When) && p.index.slots[d.Subject] == s.g {
			out = append(out, d.When)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return slices.CompactFunc(out, time.Time.Equal)
}

// layOut drafts every slot that is known and no fact yet.
func (s *placing) layOut() {
	s.draft = s.draft[:0]
	var blocks []block
	queues := map[string][]queued{}
	for _, c := range s.g.cands {
		if c.ApprovedAt.After(s.now) {
			continue
		}
		var rest []Slot
		for _, sl := range c.slots {
			d := s.p.slotDecision(c, sl.ID, s.now)
			if _, fact := s.facts[sl.ID]; !fact && d != nil && d.Kind == "move" {
				blocks = append(blocks, block{c: c, slots: []Slot{sl}, at: *d.To, class: Normal, approved: later(c.ApprovedAt, d.When), id: sl.ID})
			} else {
				rest = append(rest, sl)
			}
		}
		if c.At != nil {
			blocks = append(blocks, block{c: c, slots: rest, at: *c.At, class: c.Class, approved: c.ApprovedAt, id: c.slots[0].Key})
		} else {
			s.queue(queues, c, rest)
		}
	}
	busy := s.layBlocks(blocks)
	for _, day := range s.g.days {
		for i, o := range day.Dayparts {
			key := OccurrenceKey(day.Date, o.Name)
			if q := queues[key]; len(q) > 0 {
				n := s.p.Head.Rules.DaypartsPerDay
				s.fill(o, key, q, busy, n > 0 && i >= n)
			}
		}
	}
}

// queue puts a daypart candidate's slots into its daypart's queue, or says that there is no such daypart.
func (s *placing) queue(queues map[string][]queued, c *cand, slots []Slot) {
	day := s.p.Days[c.date]
	i := slices.IndexFunc(day.Dayparts, func(o Occurrence) bool { return o.Name == c.Daypart })
	key := OccurrenceKey(c.date, c.Daypart)
	for _, sl := range slots {
		if _, fact := s.facts[sl.ID]; fact {
			continue
		}
		if i < 0 {
			span := Span{Start: c.date.At(0, s.p.Zone), End: c.date.At(EndOfDay, s.p.Zone)}
			s.refuse(c, sl, span, span.End.Add(-1), cmp.Or(s.barred(c, sl), ReasonNoDaypart))
			continue
		}
		queues[key] = append(queues[key], queued{c: c, slot: sl, item: slices.IndexFunc(c.slots, func(o Slot) bool { return o.ID == sl.ID })})
	}
}

// barred tells why a slot cannot sound whatever its place, by what is known now.
func (s *placing) barred(c *cand, sl Slot) string {
	if s.p.withdrawn(sl.Item, s.now) {
		return ReasonWithdrawn
	}
	if d := s.p.slotDecision(c, sl.ID, s.now); d != nil && d.Kind == "skip" {
		return ReasonDecision
	}
	return ""
}

// refuse drafts a slot without a place.
func (s *placing) refuse(c *cand, sl Slot, span Span, fact time.Time, reason string, against ...string) {
	sl.Start, sl.End, sl.Skip, sl.Against = span.Start, span.End, reason, against
	s.draft = append(s.draft, placed{Slot: sl, date: c.date, fact: fact})
}

// silence takes the sound of a slot whose place is not used: after the plan's end, in a stop, in a mute. It
// keeps its time, so that nothing moves (rule 5).
func (p *Plan) silence(f placed) placed {
	if f.Skip != "" || f.pinned {
		return f
	}
	switch {
	case !f.Start.Before(p.Head.Expires):
		f.Skip = ReasonPlanEnded
	case p.held(f.Start, time.Time{}):
		f.Skip = ReasonStopped
	case p.muted(f.Start):
		f.Skip = ReasonMuted
	}
	return f
}
