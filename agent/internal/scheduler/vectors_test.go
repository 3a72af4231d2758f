package scheduler

import (
	"cmp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
)

// The scheduler plays every vector of the timetable: what the card gets and what is recorded is what the vector says.
func TestTimetableVectors(t *testing.T) {
	conformance.CheckAgent(t, "../../../internal/broadcast/testdata/timetable",
		func(t *testing.T, p *broadcast.Plan, from, to time.Time, off []broadcast.Span) (out []conformance.Record) {
			synctest.Test(t, func(t *testing.T) { out = playVector(t, p, from, to, off) })
			return out
		})
}

func playVector(t *testing.T, p *broadcast.Plan, from, to time.Time, off []broadcast.Span) []conformance.Record {
	r := newRig(t)
	r.player.lead = 0 // a vector knows no card, which takes a moment
	r.clock.ahead = time.Until(from)
	r.setPlan(p)
	until := func(at time.Time) {
		now, _ := r.clock.Now()
		pass(at.Sub(now))
	}
	running := false
	if len(off) == 0 || off[0].Start.After(from) {
		r.disk.journal[accountedKey], _ = from.MarshalText() // it has run before
		r.start()
		running = true
	}
	for _, span := range off {
		if running {
			until(span.Start)
			r.kill()
		} else {
			r.disk.journal[accountedKey], _ = from.MarshalText()
		}
		until(span.End)
		r.start()
		running = true
	}
	until(to.Add(-time.Millisecond))
	records := slices.Clone(r.disk.records)
	r.stop()
	var out []conformance.Record
	for _, p := range records {
		rec := conformance.Record{Slot: broadcast.Slot{ID: p.Slot, Broadcast: p.Broadcast, Class: p.Class, Start: p.PlannedStart, End: p.PlannedEnd}, Outcome: p.Outcome, Reason: p.Reason}
		for _, h := range r.player.heard {
			if h.slot == p.Slot {
				begin := h.at.Add(r.clock.ahead)
				rec.Sound = append(rec.Sound, conformance.Sound{From: begin, To: begin.Add(h.length), Offset: h.offset, Volume: h.volume})
			}
		}
		slices.SortFunc(rec.Sound, func(a, b conformance.Sound) int { return cmp.Compare(a.From.UnixNano(), b.From.UnixNano()) })
		out = append(out, rec)
	}
	return out
}
