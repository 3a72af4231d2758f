package broadcast

import (
	"maps"
	"slices"
	"time"
)

// Measures of deciding.
const (
	// Grace is how late a sound may begin and still be on time: it joins at its position, whatever its rule.
	Grace = 2 * time.Second
	// overrun is how long a sound may go on after its planned end before what comes next takes its place; see latest.
	overrun = time.Second
)

// Decide rules on an instant of trusted time: what sounds, what must stop, what is settled without sound. It
// changes nothing; the agent carries the ruling out, notes it in the state, and asks again by Wake or whenever
// a sound ends or plan or decisions change. Asked late or after a restart it gives the same answers later, and
// over time every slot gets exactly one record: by a verdict or by the sound that ended.
func (p *Plan) Decide(now time.Time, s State) Ruling {
	d := &deciding{p: p, now: now, s: s, slots: p.near(now, s)}
	d.bulletins()
	for _, id := range slices.Sorted(maps.Keys(s.Journal)) {
		if pr := s.Journal[id]; !pr.Ended && pr.Slot.Class != Urgent {
			d.begun(pr)
		}
	}
	for _, sl := range d.slots {
		if _, begun := s.Journal[sl.ID]; !begun && sl.closes().After(s.Accounted) {
			d.unbegun(sl)
		}
	}
	d.choose()
	d.next()
	d.wake()
	return d.Ruling
}

// deciding is the work of one Decide.
type deciding struct {
	Ruling
	p     *Plan
	now   time.Time
	s     State
	slots []Slot

	urgent  *Cue   // bulletin that sounds now
	going   *Cue   // scheduled slot that sounds and may go on
	resume  *Cue   // interrupted or broken slot that may go on from where it would be
	due     *Cue   // slot that begins now
	late    *Cue   // late slot that begins whole now
	armed   []*Cue // scheduled slots that the player holds and that have not begun
	pending []time.Time
	why     string // why the slot planned for now does not sound
}

// near gives the slots that can matter at an instant: from the last closed date on to what a sound beginning
// now can reach, without past dates that have all their records.
func (p *Plan) near(now time.Time, s State) []Slot {
	today := DateOf(now, p.Zone)
	from, to := DateOf(earlier(s.Accounted, now), p.Zone).AddDays(-1), DateOf(now.Add(maxItem), p.Zone)
	if s.Accounted.IsZero() {
		from = today.AddDays(-1)
	}
	var out []Slot
	pins := s.pins(now)
	for i := range p.index.groups {
		if g := &p.index.groups[i]; g.from <= to && from <= g.to && (g.to >= today || !g.recorded(s.Journal)) {
			for _, f := range p.place(g, pins) {
				out = append(out, f.Slot)
			}
		}
	}
	slices.SortFunc(out, inTime)
	return out
}

// recorded tells whether the journal knows every slot of the group.
func (g *group) recorded(journal map[string]Progress) bool {
	for _, c := range g.cands {
		for i := range c.slots {
			if _, known := journal[c.slots[i].ID]; !known {
				return false
			}
		}
	}
	return true
}

// pins are the facts of the journal. What waits in the player for its planned time is none.
func (s *State) pins(now time.Time) []Pin {
	out := make([]Pin, 0, len(s.Journal))
	for _, pr := range s.Journal {
		if !pr.waits(now, s.Lead) {
			out = append(out, pr.Pin)
		}
	}
	return out
}

func (d *deciding) settle(sl Slot, o Outcome, reason string) {
	d.Settled = append(d.Settled, Verdict{Slot: sl, Outcome: o, Reason: reason})
}

// silenced tells why a scheduled slot may not sound at an instant although that is its place.
func (d *deciding) silenced(sl Slot, at time.Time) string {
	switch {
	case d.p.held(at, time.Time{}):
		return ReasonStopped
	case d.p.muted(at):
		return ReasonMuted
	case d.p.withdrawn(sl.Item, at):
		return ReasonWithdrawn
	}
	if _, known := d.p.index.slots[sl.ID]; !known {
		return ReasonCancelled
	}
	return ""
}

// begun rules on a slot that began and has no record yet (rules 6 and 7).
func (d *deciding) begun(pr Progress) {
	sl, end := pr.Slot, later(pr.Slot.End, pr.Ends)
	silenced := d.silenced(sl, later(d.now, pr.armed(d.now)))
	joins := sl.Lateness.Rule == LateJoin && silenced == "" && d.now.Before(end)
	switch {
	case pr.waits(d.now, d.s.Lead) && d.replaced(sl):
		d.Stop = append(d.Stop, Stop{Slot: sl.ID, Reason: ReasonCancelled})
	case pr.Sounding && silenced != "":
		d.Stop = append(d.Stop, Stop{Slot: sl.ID, Reason: silenced})
	case pr.Sounding && d.urgent != nil && d.urgent.Ends.After(pr.armed(d.now)):
		d.Stop = append(d.Stop, Stop{Slot: sl.ID, Reason: ReasonUrgent, Resume: joins})
	case pr.Sounding && !d.now.Before(d.p.latest(end)):
		d.Stop = append(d.Stop, Stop{Slot: sl.ID, Reason: ReasonLate})
	case pr.Sounding && pr.Cued.After(d.now):
		d.armed = append(d.armed, d.cue(sl, pr.Cued, pr.Cued.Sub(sl.Start), pr.Ends, ReasonComplete))
	case pr.Sounding:
		if d.going == nil || pr.Began.Before(d.going.Begin) {
			d.going = d.cue(sl, pr.Began, 0, end, ReasonComplete)
		}
	case joins && d.s.Lacking[sl.ID] != "":
		d.pending = append(d.pending, end)
	case joins:
		d.resume = d.cue(sl, d.now, d.now.Sub(sl.Start), sl.End, ReasonResumed)
		d.pending = append(d.pending, end)
	case pr.Interrupted && silenced != "":
		d.settle(sl, Cut, silenced)
	case pr.Interrupted:
		d.settle(sl, Cut, ReasonUrgent)
	default:
		d.settle(sl, Cut, ReasonPower)
	}
}

// latest is when a sound that was to end at an instant must be stopped: a little later, but where quiet hours begin.
func (p *Plan) latest(end time.Time) time.Time {
	last := end.Add(overrun + 1)
	date := DateOf(end, p.Zone)
	for _, s := range p.Head.Rules.open(date.AddDays(-1), date.AddDays(1), p.Zone) {
		if !end.Before(s.Start) && !end.After(s.End) {
			return earlier(last, s.End)
		}
	}
	return last
}

// waits tells whether a slot is with the player and has its planned time still to come: none of it is on its way to the card.
func (pr *Progress) waits(now time.Time, lead time.Duration) bool {
	return pr.Sounding && pr.Began.After(now.Add(lead)) && pr.Began.Equal(pr.Slot.Start)
}

// replaced tells whether a slot that waits has another place by now, or none.
func (d *deciding) replaced(sl Slot) bool {
	return slices.ContainsFunc(d.slots, func(o Slot) bool { return o.ID == sl.ID && (o.Skip != "" || !o.Start.Equal(sl.Start)) })
}

// armed is when a slot begins that the player holds already, zero for any other.
func (pr *Progress) armed(now time.Time) time.Time {
	if pr.Sounding && pr.Cued.After(now) {
		return pr.Cued
	}
	return time.Time{}
}

// unbegun rules on a slot of the timetable that has not begun.
func (d *deciding) unbegun(sl Slot) {
	switch {
	case sl.Skip != "" && !d.now.Before(sl.End):
		d.settle(sl, Skipped, sl.Skip)
	case sl.Skip != "":
		if !d.now.Before(sl.Start) && sl.Skip != ReasonDaypartFull && sl.Skip != ReasonNoDaypart {
			d.why = sl.Skip
		}
	case d.now.Before(sl.Start):
	case !d.startable(sl):
		d.settle(sl, Skipped, d.missed(sl))
	case d.silenced(sl, d.now) != "":
		d.settle(sl, Skipped, d.silenced(sl, d.now))
	case d.s.Lacking[sl.ID] != "":
		d.pending = append(d.pending, d.graceEnds(sl), sl.closes())
	default:
		d.begin(sl)
	}
}

// startable tells whether the slot, due already, may begin now or later by its lateness rule (rule 5).
func (d *deciding) startable(sl Slot) bool {
	by := d.now.Sub(sl.Start)
	switch {
	case !d.now.Before(d.p.Head.Expires):
		return false
	case d.onTime(sl):
		return true
	case sl.Lateness.Rule == LateJoin:
		return d.now.Before(sl.End)
	case sl.Lateness.Rule == LateWhole:
		return by+d.s.Lead <= time.Duration(sl.Lateness.Minutes)*time.Minute && !d.whole(sl).End.After(d.p.bound(sl))
	}
	return false
}

// missed tells why a slot can begin no more.
func (d *deciding) missed(sl Slot) string {
	if !d.s.Running.Before(sl.End) {
		return ReasonOff
	}
	if why := d.s.Lacking[sl.ID]; why != "" {
		return why
	}
	if d.urgent != nil && d.urgent.Begin.Before(sl.closes()) {
		return ReasonUrgent
	}
	for _, pr := range d.s.Journal {
		if pr.Slot.Class == Urgent && pr.Began.Before(sl.closes()) && pr.Ends.After(sl.Start) {
			return ReasonUrgent
		}
	}
	if !d.now.Before(d.p.Head.Expires) && sl.closes().After(d.p.Head.Expires) {
		return ReasonPlanEnded
	}
	return ReasonLate
}

// begin takes a slot that may begin: at the position where it would be, or late and whole in a free time.
func (d *deciding) begin(sl Slot) {
	by := d.now.Sub(sl.Start)
	switch whole := d.whole(sl); {
	case by == 0:
		d.due = d.cue(sl, d.now, 0, sl.End, ReasonComplete)
	case d.onTime(sl):
		d.due = d.cue(sl, d.now, by, sl.End, ReasonComplete)
	case sl.Lateness.Rule == LateJoin:
		d.due = d.cue(sl, d.now, by, sl.End, ReasonJoined)
	case d.late == nil && d.undisturbed(sl, whole):
		d.late = d.cue(sl, whole.Start, 0, whole.End, ReasonLateWhole)
	}
	d.pending = append(d.pending, d.graceEnds(sl), sl.closes())
}

// whole is when a slot would sound that is played from its beginning as soon as it can.
func (d *deciding) whole(sl Slot) Span {
	begin := d.now.Add(d.s.Lead)
	return Span{Start: begin, End: begin.Add(sl.Length())}
}

// onTime tells whether a slot that is due can begin now within the grace.
func (d *deciding) onTime(sl Slot) bool {
	return d.now.Before(d.graceEnds(sl)) && d.now.Before(sl.End)
}

// graceEnds is the first instant at which it is too late to decide that a slot begins on time.
func (d *deciding) graceEnds(sl Slot) time.Time { return sl.Start.Add(Grace - d.s.Lead + 1) }

// undisturbed tells whether a late slot can sound whole in a span without touching any other's time, planned or late.
func (d *deciding) undisturbed(late Slot, span Span) bool {
	if !d.p.Head.Rules.Allows(span, d.p.Zone) || d.p.reserved(span) {
		return false
	}
	for _, pr := range d.s.Journal {
		if pr.Sounding && span.Over(Span{Start: pr.Cued, End: pr.Ends}) {
			return false
		}
	}
	return !slices.ContainsFunc(d.slots, func(sl Slot) bool {
		return sl.ID != late.ID && sl.Skip == "" && !d.s.Journal[sl.ID].Ended && span.Over(Span{Start: sl.Start, End: sl.End})
	})
}

// bound is until when a late slot must have ended: the end of its daypart or of the window it was planned in.
func (p *Plan) bound(sl Slot) time.Time {
	date := DateOf(sl.Start, p.Zone)
	for _, s := range p.Head.Rules.open(date, date.AddDays(1), p.Zone) {
		if s.Has(sl.Start) {
			for _, o := range p.Days[date].Dayparts {
				if sl.Occurrence == OccurrenceKey(date, o.Name) && (Span{Start: o.Start, End: o.End}).Has(sl.Start) {
					return earlier(s.End, o.End)
				}
			}
			return s.End
		}
	}
	return sl.Start
}

// reserved tells whether another source speaks at any time of a span.
func (p *Plan) reserved(span Span) bool {
	for date := DateOf(span.Start, p.Zone); date <= DateOf(span.End, p.Zone); date = date.AddDays(1) {
		for _, o := range p.Days[date].Dayparts {
			if slices.ContainsFunc(o.Reserved, span.Over) {
				return true
			}
		}
	}
	return false
}

func (d *deciding) cue(sl Slot, begin time.Time, offset time.Duration, ends time.Time, reason string) *Cue {
	return &Cue{Slot: sl, Begin: begin, Offset: offset, Ends: ends, VolumePercent: d.p.VolumeAt(begin), Reason: reason}
}

// choose takes the one that sounds now.
func (d *deciding) choose() {
	for _, c := range []*Cue{d.urgent, d.going, d.resume, d.due, d.late} {
		if c != nil {
			d.Sound = c
			return
		}
	}
	switch {
	case !d.now.Before(d.p.Head.Expires):
		d.Silence = ReasonPlanEnded
	case d.p.held(d.now, time.Time{}):
		d.Silence = ReasonStopped
	case d.p.muted(d.now):
		d.Silence = ReasonMuted
	default:
		d.Silence = d.why
	}
}
