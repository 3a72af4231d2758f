package scheduler

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

const told = 250 * time.Millisecond // how often the fake card tells

// sum is all that the card got of a slot.
func (p *fakePlayer) sum(slot string) (sum time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.heard {
		if h.slot == slot {
			sum += h.length
		}
	}
	return sum
}

// Whenever the power goes, and however often: the record tells what reached the card, short by no more than a beat
// for each time, and never above it.
func TestKilledAtAnyMomentTheRecordTellsWhatReachedTheCard(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rule := rapid.SampledFrom([]broadcast.LatenessRule{broadcast.LateSkip, broadcast.LateJoin, broadcast.LateWhole}).Draw(rt, "rule")
		kills := rapid.SliceOfN(rapid.IntRange(0, 150_000), 1, 3).Draw(rt, "kills") // ms after the one before
		dead := rapid.IntRange(1, 30_000).Draw(rt, "dead")                          // ms
		var failed string
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			r.player.tell = told
			cand := exact("a", 10*minute, 5*minute, rule)
			r.setPlan(plan(t, 1, nil, cand))
			r.start()
			pass(10 * minute)
			for _, after := range kills {
				pass(time.Duration(after) * time.Millisecond)
				r.kill()
				pass(time.Duration(dead) * time.Millisecond)
				r.start()
			}
			pass(40 * minute)
			r.stop()
			p := r.record(slotID(t, cand))
			claimed, got := time.Duration(p.ReachedMS)*time.Millisecond, r.player.sum(p.Slot)
			if short := got - claimed; short < 0 || short > time.Duration(len(kills))*(beatEvery+told) {
				failed = fmt.Sprintf("claims %v, the card got %v: %+v", claimed, got, p)
			}
		})
		if failed != "" {
			rt.Fatal(failed)
		}
	})
}

func TestABrokenSegment(t *testing.T) {
	cases := map[string]struct {
		kill            time.Duration // after the slot's instant
		share           float64       // of the sound that reaches the card
		slow            time.Duration // of a write
		reached, missed time.Duration
		ended           time.Duration // after its instant
	}{
		"in the first beat":            {kill: 1400 * time.Millisecond, share: 1},
		"after a beat":                 {kill: 2300 * time.Millisecond, share: 1, reached: beatEvery, ended: beatEvery},
		"long after":                   {kill: 79*beatEvery + time.Second, share: 1, reached: 79 * beatEvery, ended: 79 * beatEvery},
		"half of it was lost":          {kill: 80*beatEvery - 100*time.Millisecond, share: 0.5, reached: 79 * beatEvery / 2, missed: 79 * beatEvery / 2, ended: 79 * beatEvery},
		"nothing reached the card":     {kill: 80*beatEvery - 100*time.Millisecond, share: 0, missed: 79 * beatEvery},
		"on a disk that takes a while": {kill: 11100 * time.Millisecond, share: 1, slow: time.Second, reached: 9 * time.Second, ended: 9 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.player.tell, r.player.share, r.disk.slow = told, c.share, c.slow
				cand := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(10*minute + c.kill)
				r.kill()
				r.start()
				pass(10 * minute)
				r.stop()
				p := r.want(slotID(t, cand), broadcast.Cut, broadcast.ReasonPower)
				if reached, missed := ms(p.ReachedMS), ms(p.MissedMS); !near(reached, c.reached) || !near(missed, c.missed) {
					t.Errorf("reached %v, missed %v", reached, missed)
				}
				if len(p.Segments) != 1 || p.Segments[0].ReachedMS != p.ReachedMS || !near(p.Segments[0].EndedAt.Sub(*cand.At), c.ended) {
					t.Errorf("segments %+v", p.Segments)
				}
			})
		})
	}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

func near(a, b time.Duration) bool { return (a - b).Abs() <= 2*told }

// The beats are few, and a card that confirms nothing new costs the disk nothing.
func TestBeatsAreCheap(t *testing.T) {
	cases := map[string]struct {
		tell        time.Duration
		least, most int // writes in five minutes of sound
	}{
		"a card that tells":   {told, 190, 205},
		"a card that is mute": {0, 1, 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				r.player.tell = c.tell
				r.setPlan(plan(t, 1, nil, exact("a", 10*minute, 5*minute, broadcast.LateSkip)))
				r.start()
				pass(9 * minute)
				before := r.disk.count()
				pass(10 * minute)
				if n := r.disk.count() - before; n < c.least || n > c.most {
					t.Errorf("%d writes, want %d to %d", n, c.least, c.most)
				}
				r.stop()
			})
		})
	}
}

// A slot that began on a full disk is in the journal as soon as there is room.
func TestTheJournalIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		c := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, c))
		r.start()
		pass(9 * minute)
		r.disk.setFull(true)
		pass(90 * time.Second)
		r.disk.setFull(false)
		pass(beatEvery + time.Second)
		if r.disk.killed().journal[slotID(t, c)] == nil {
			t.Error("the journal does not know what sounds")
		}
		r.stop()
	})
}

// What the first beat of a power cut took along was heard all the same: nothing may call the slot skipped then.
func TestWhatWasHeardBeforeAPowerCutIsNeverSkipped(t *testing.T) {
	cases := map[string]struct {
		dead   time.Duration // until this long before the slot's end
		share  float64       // of the sound that reaches the card after it
		reason string
	}{
		"back when there is no time for a sound": {dead: 200 * time.Millisecond, share: 1, reason: broadcast.ReasonPower},
		"back without a card":                    {dead: 3 * minute, share: 0, reason: broadcast.ReasonCardMissing},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 10*minute, 5*minute, broadcast.LateJoin)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(10*minute + beatEvery - 100*time.Millisecond)
				r.kill()
				r.player.setShare(c.share)
				pass(time.Until(cand.At.Add(5*minute - c.dead)))
				r.start()
				pass(20 * minute)
				r.stop()
				if p := r.want(slotID(t, cand), broadcast.Cut, c.reason); p.ReachedMS != 0 {
					t.Errorf("record %+v", p)
				}
			})
		})
	}
}

// Stopped again before it could be taken up, a slot that the power broke was interrupted by nothing urgent.
func TestABrokenSlotThatWasOnlyArmedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.player.tell = told
		cand := exact("a", 10*minute, 5*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		pass(11 * minute)
		r.kill()
		r.start()
		pass(r.player.Lead() / 2)
		r.stop()
		pass(10 * minute)
		r.start()
		pass(minute)
		r.stop()
		r.want(slotID(t, cand), broadcast.Cut, broadcast.ReasonPower)
	})
}

// A slot that was armed again after a power cut and had no time left to sound was cut by the power, not by an urgent
// bulletin that never was.
func TestNoBulletinIsMadeUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.player.lead = time.Second
		cand := exact("a", 10*minute, 5*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		for _, before := range []time.Duration{4 * minute, 1500 * time.Millisecond, 800 * time.Millisecond} { // the slot's end
			pass(time.Until(cand.At.Add(5*minute - before)))
			r.kill()
			r.start()
		}
		pass(10 * minute)
		r.stop()
		r.want(slotID(t, cand), broadcast.Cut, broadcast.ReasonPower)
	})
}
