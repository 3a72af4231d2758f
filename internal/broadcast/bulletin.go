package broadcast

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// repetition k of a bulletin: due at an instant, overtaken by the next one or by the bulletin's end.
type repetition struct {
	b      *Bulletin
	k      int
	due    time.Time
	closes time.Time
	last   bool // the latest that is due
	slots  []Slot
}

// length of the bulletin's audio.
func (b *Bulletin) length() (sum time.Duration) {
	for _, it := range b.Items {
		sum += time.Duration(it.DurationMS) * time.Millisecond
	}
	return sum
}

// times gives when the bulletin is due: at once and, with Repeat, every so often, but never from Until on.
func (b *Bulletin) times() []time.Time {
	out := []time.Time{b.IssuedAt}
	if b.Repeat != nil {
		for k := 1; k < b.Repeat.Count; k++ {
			t := b.IssuedAt.Add(time.Duration(k) * time.Duration(b.Repeat.EveryMS) * time.Millisecond)
			if !t.Before(b.Until) {
				break
			}
			out = append(out, t)
		}
	}
	return out
}

// repetitions gives those due by now.
func (b *Bulletin) repetitions(now time.Time, zone *time.Location) []repetition {
	var out []repetition
	times := b.times()
	for k, due := range times {
		if due.After(now) {
			break
		}
		r := repetition{b: b, k: k, due: due, closes: b.Until, last: true, slots: b.slots(k, due, zone)}
		if k+1 < len(times) {
			r.closes, r.last = times[k+1], times[k+1].After(now)
		}
		for i := range r.slots {
			r.slots[i].Until = r.closes
		}
		out = append(out, r)
	}
	return out
}

func (b *Bulletin) slots(k int, due time.Time, zone *time.Location) []Slot {
	var out []Slot
	key, at := fmt.Sprintf("%s@%d", b.ID, k), due
	for i, it := range b.Items {
		sl := Slot{ID: fmt.Sprintf("%s#%d", key, i), Key: key, Broadcast: b.ID, Title: b.Title, Class: Urgent, Owner: OwnerHub,
			Occurrence: due.In(zone).Format(time.RFC3339), Item: it, Start: at}
		sl.End = at.Add(sl.Length())
		at = sl.End
		out = append(out, sl)
	}
	return out
}

// wish is a bulletin's slot that could sound now.
type wish struct {
	b     *Bulletin
	slot  Slot
	begun bool // its repetition began already
	going bool // it sounds
}

// bulletins rules on urgent bulletins (Circular 39/2020: urgent is played at once, over everything). Live goes
// before drill; one that began goes to its end before another of its kind; then the later issued goes first.
func (d *deciding) bulletins() {
	var wishes []wish
	known := map[string]bool{}
	for i := range d.p.Head.Bulletins {
		b := &d.p.Head.Bulletins[i]
		for _, r := range b.repetitions(d.now.Add(maxWake), d.p.Zone) { // one may be armed before it is due
			for _, sl := range r.slots {
				known[sl.ID] = true
			}
		}
		for _, r := range b.repetitions(d.now, d.p.Zone) {
			if w, ok := d.repetition(r); ok {
				wishes = append(wishes, w)
			}
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int {
		return cmp.Or(first(a.b.Kind == "live", b.b.Kind == "live"), first(a.going, b.going), first(a.begun, b.begun),
			b.b.IssuedAt.Compare(a.b.IssuedAt), cmp.Compare(a.b.ID, b.b.ID))
	})
	if len(wishes) > 0 {
		d.urgent = d.bulletinCue(wishes[0], d.now)
	}
	for _, id := range sortedUrgent(d.s.Journal) {
		pr := d.s.Journal[id]
		switch {
		case !known[id] && pr.Sounding:
			d.Stop = append(d.Stop, Stop{Slot: id, Reason: ReasonCancelled})
		case !known[id]:
			d.settle(pr.Slot, Cut, ReasonCancelled)
		case pr.Sounding && d.urgent != nil && d.urgent.Slot.ID != id && !d.stopping(id) && d.urgent.Ends.After(pr.armed(d.now)):
			d.Stop = append(d.Stop, Stop{Slot: id, Reason: ReasonUrgent})
		}
	}
}

func sortedUrgent(journal map[string]Progress) []string {
	var out []string
	for id, pr := range journal {
		if pr.Slot.Class == Urgent && !pr.Ended {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (d *deciding) stopping(slot string) bool {
	return slices.ContainsFunc(d.Stop, func(s Stop) bool { return s.Slot == slot })
}

// repetition settles what of a repetition is decided, and gives the slot of it that could sound now.
func (d *deciding) repetition(r repetition) (w wish, ok bool) {
	begun := slices.ContainsFunc(r.slots, func(sl Slot) bool { return !d.s.Journal[sl.ID].Began.IsZero() })
	for _, sl := range r.slots {
		pr, known := d.s.Journal[sl.ID]
		if pr.Ended || !known && !r.closes.After(d.s.Accounted) {
			continue
		}
		over := d.bulletinOver(r, begun, sl, pr)
		switch {
		case pr.Sounding && over != "":
			d.Stop = append(d.Stop, Stop{Slot: sl.ID, Reason: over})
		case known && over != "":
			d.settle(pr.Slot, Cut, over)
		case over != "":
			d.settle(sl, Skipped, over)
		case !ok && (pr.Sounding || d.mayBegin(r.b, sl)):
			w, ok = wish{b: r.b, slot: sl, begun: begun, going: pr.Sounding}, true
		}
	}
	return w, ok
}

// bulletinOver tells why a bulletin's slot will not sound any more, "" while it may.
func (d *deciding) bulletinOver(r repetition, begun bool, sl Slot, pr Progress) string {
	last := r.b.Until
	if begun {
		last = last.Add(r.b.length()) // one that began goes to its end
	}
	switch {
	case d.p.withdrawn(sl.Item, d.now):
		return ReasonWithdrawn
	case d.p.held(d.now, r.b.IssuedAt):
		return ReasonStopped
	case pr.Sounding && r.b.Kind == "drill" && d.p.muted(d.now):
		return ReasonMuted
	case pr.Sounding && (d.now.After(pr.Ends.Add(overrun)) || r.b.Kind == "drill" && !d.now.Before(d.p.latest(pr.Ends))):
		return ReasonLate
	case pr.Sounding:
		return ""
	case !pr.Began.IsZero() && (r.b.Kind == "drill" || !d.now.Before(r.b.Until)):
		return ReasonPower // an exercise is not begun again; a live one is, from its beginning, in the same record
	case !r.last && !begun:
		return ReasonSuperseded
	case !d.now.Before(last):
		return d.unheard(r)
	case !d.now.Before(d.p.Head.Expires):
		return ReasonPlanEnded
	}
	return ""
}

// unheard tells why a repetition passed without being heard.
func (d *deciding) unheard(r repetition) string {
	for _, sl := range r.slots {
		if why := d.s.Lacking[sl.ID]; why != "" {
			return why
		}
	}
	switch {
	case !d.s.Running.Before(r.b.Until):
		return ReasonOff
	case r.b.Kind == "drill" && d.p.muted(r.b.Until.Add(-1)):
		return ReasonMuted
	case r.b.Kind == "drill" && !d.p.Head.Rules.Allows(Span{Start: r.due, End: r.due.Add(r.b.length())}, d.p.Zone):
		return ReasonQuietHours
	}
	return ReasonLate
}

// mayBegin: live crosses windows and mute, an exercise crosses neither.
func (d *deciding) mayBegin(b *Bulletin, sl Slot) bool {
	if d.s.Lacking[sl.ID] != "" {
		return false
	}
	return b.Kind == "live" || !d.p.muted(d.now) && d.p.Head.Rules.Allows(d.whole(sl), d.p.Zone)
}

func (d *deciding) bulletinCue(w wish, begin time.Time) *Cue {
	volume := d.p.Head.Rules.UrgentVolume
	if w.b.Kind != "live" {
		volume = min(volume, d.p.VolumeAt(begin))
	}
	c := &Cue{Slot: w.slot, Begin: begin, Ends: begin.Add(w.slot.Length()), VolumePercent: volume, Reason: ReasonComplete}
	if w.going {
		pr := d.s.Journal[w.slot.ID]
		c.Begin, c.Ends = pr.Cued, pr.Ends // not pr.Began: it may have been begun again, or later than it was first armed
	}
	return c
}

// nextBulletin offers the bulletins' next repetitions, and the next item of the one that sounds.
func (d *deciding) nextBulletin(take func(*Cue)) {
	for i := range d.p.Head.Bulletins {
		b := &d.p.Head.Bulletins[i]
		for k, due := range b.times() {
			if due.After(d.now) {
				d.pending = append(d.pending, due)
				if sl := b.slots(k, due, d.p.Zone)[0]; d.mayFollow(b, sl) {
					take(d.bulletinCue(wish{b: b, slot: sl}, due))
				}
				break
			}
		}
		d.pending = append(d.pending, b.Until, b.Until.Add(b.length()))
		if d.urgent == nil || d.urgent.Slot.Broadcast != b.ID {
			continue
		}
		for _, r := range b.repetitions(d.now, d.p.Zone) {
			for n, sl := range r.slots[1:] {
				if r.slots[n].ID == d.urgent.Slot.ID && !d.s.Journal[sl.ID].Ended {
					take(d.bulletinCue(wish{b: b, slot: sl}, d.urgent.Ends))
				}
			}
		}
	}
}

// mayFollow tells whether a repetition will sound when it is due, by what is known now. One that is due while
// another bulletin sounds waits for that.
func (d *deciding) mayFollow(b *Bulletin, sl Slot) bool {
	waits := d.urgent != nil && sl.Start.Before(d.urgent.Ends)
	drilled := b.Kind == "live" || !d.p.muted(sl.Start) && d.p.Head.Rules.Allows(Span{Start: sl.Start, End: sl.End}, d.p.Zone)
	return !waits && drilled && !d.p.held(sl.Start, b.IssuedAt) && !d.p.withdrawn(sl.Item, sl.Start)
}
