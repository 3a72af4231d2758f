package app

import (
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
)

// judge holds a life to what is promised.
func (l *life) judge(start time.Time) {
	live := map[string]bool{}
	for _, b := range l.bulletins {
		live[b.ID] = b.Kind == "live"
	}
	heard := map[string][]stretch{}
	for _, h := range l.heard {
		length := audio.Duration(h.to - h.from)
		l.tally.sound += length
		l.tally.stretches++
		heard[h.slot] = append(heard[h.slot], h)
		quiet := l.quiet(h)
		switch id, _, _ := strings.Cut(h.slot, "@"); {
		case quiet == 0:
		case live[id]:
			l.tally.live += audio.Duration(quiet)
		case h.waking:
			l.tally.waking += audio.Duration(quiet)
		default:
			l.t().Errorf("%d samples of %s in quiet hours, from %s", quiet, h.slot, h.at.In(l.zone))
		}
	}
	for slot, list := range heard {
		if id, _, _ := strings.Cut(slot, "@"); !live[id] { // a live bulletin begins again after a power cut
			l.once(slot, list)
		}
	}
	l.records(heard, start)
}

// quiet counts the samples of a stretch outside the windows.
func (l *life) quiet(h stretch) int64 {
	begin, end := h.at, h.at.Add(audio.Duration(h.to-h.from))
	allowed := int64(0)
	for date := broadcast.DateOf(begin, l.zone); date <= broadcast.DateOf(end, l.zone); date = date.AddDays(1) {
		for _, w := range l.rules.Windows {
			if !w.Days.Has(date.Weekday()) {
				continue
			}
			// A sample is an instant: it is in the window if that is, first included, end not.
			first, last := samples(date.At(w.Start, l.zone).Sub(begin)), samples(date.At(w.End, l.zone).Sub(begin))
			allowed += max(0, min(last, h.to-h.from)-max(first, 0))
		}
	}
	return h.to - h.from - allowed
}

// samples counts those of a sound that begins at 0 whose instants lie before d, at 48 kHz.
func samples(d time.Duration) int64 {
	n := audio.Frames(d)
	if audio.Duration(n) < d {
		n++
	}
	return n
}

// once: no position of a slot's audio sounds twice.
func (l *life) once(slot string, list []stretch) {
	slices.SortFunc(list, func(a, b stretch) int { return a.at.Compare(b.at) })
	for i := 1; i < len(list); i++ {
		if list[i].from < list[i-1].to {
			l.t().Errorf("%s sounds twice: %+v", slot, list)
		}
	}
}

// records: every slot owed has exactly one, and it claims no more than the card got.
func (l *life) records(heard map[string][]stretch, start time.Time) {
	until := l.now().Add(-2 * stationDay)
	for slot, o := range l.owe {
		if o.end.After(start) && o.end.Before(until) {
			l.tally.owed++
			if len(l.disk.records[slot]) == 0 {
				l.t().Errorf("%s has no record; it was to end at %s", slot, o.end.In(l.zone))
			}
		}
	}
	for slot, list := range l.disk.records {
		if len(list) != 1 {
			l.t().Errorf("%s has %d records: %+v", slot, len(list), list)
		}
		var got int64
		for _, h := range heard[slot] {
			got += h.to - h.from
		}
		if claimed := time.Duration(list[0].ReachedMS) * time.Millisecond; claimed > audio.Duration(got)+time.Millisecond {
			l.t().Errorf("the record of %s claims %s of sound, the card got %s", slot, claimed, audio.Duration(got))
		}
	}
	for slot, list := range heard {
		sounding := l.now().Sub(list[len(list)-1].at) < time.Hour // at the very end
		if len(l.disk.records[slot]) == 0 && !sounding {
			l.t().Errorf("%s was heard and has no record", slot)
		}
	}
}
