package broadcast

import "time"

const (
	// maxWake bounds how long a ruling holds, because clocks are set and plans arrive.
	maxWake = time.Minute
	// lookAhead is how many days Next is looked for.
	lookAhead = 7
)

// next looks for what begins after now: bulletins first where two begin together.
func (d *deciding) next() {
	d.nextBulletin(d.take)
	for _, c := range d.armed {
		d.take(c)
	}
	d.scheduled(d.slots)
	for i, date := 1, DateOf(d.now, d.p.Zone); d.Next == nil && i <= lookAhead; i++ {
		d.scheduled(d.p.Slots(date.AddDays(i), nil))
	}
	if d.urgent != nil && d.resume != nil && d.urgent.Ends.Before(d.resume.Ends) {
		d.takeAfter(d.urgent.Ends, d.resume.Slot, ReasonResumed)
	}
}

func (d *deciding) take(c *Cue) {
	if c.Begin.After(d.now) && c.Begin.Before(d.p.Head.Expires) && (d.Next == nil || c.Begin.Before(d.Next.Begin)) {
		d.Next = c
	}
}

// takeAfter offers the rest of a slot that an urgent bulletin keeps from its time.
func (d *deciding) takeAfter(t time.Time, sl Slot, reason string) {
	d.take(d.cue(sl, t, t.Sub(sl.Start), sl.End, reason))
}

func (d *deciding) scheduled(slots []Slot) {
	for _, sl := range slots {
		if _, begun := d.s.Journal[sl.ID]; begun || sl.Skip != "" || !sl.End.After(d.now) {
			continue
		}
		switch joins := sl.Lateness.Rule == LateJoin; {
		case d.urgent != nil && sl.Start.Before(d.urgent.Ends):
			if joins && sl.End.After(d.urgent.Ends) {
				d.takeAfter(d.urgent.Ends, sl, ReasonJoined)
			}
		case sl.Start.After(d.now):
			d.take(d.cue(sl, sl.Start, 0, sl.End, ReasonComplete))
		}
	}
}

// wake is the next instant at which the ruling may change by itself.
func (d *deciding) wake() {
	d.Wake = d.now.Add(maxWake)
	at := func(t time.Time) {
		if t.After(d.now) && t.Before(d.Wake) {
			d.Wake = t
		}
	}
	for _, sl := range d.slots {
		at(sl.Start)
		at(sl.End)
	}
	for _, t := range d.pending {
		at(t)
	}
	for _, dec := range d.p.Head.Decisions {
		at(dec.When)
		if dec.Until != nil {
			at(*dec.Until)
		} else if dec.Kind == "hold" {
			at(d.p.holdEnds(&dec))
		}
	}
	for _, w := range d.p.Head.Withdrawals {
		at(w.At)
	}
	if d.Sound != nil {
		at(d.Sound.Ends)
		at(d.p.latest(d.Sound.Ends))
		at(d.Sound.Ends.Add(overrun + 1)) // of a live bulletin
	}
	if d.Next != nil {
		at(d.Next.Begin)
	}
	at(d.p.Head.Expires)
}
