package scheduler

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

// A PC whose hardware clock keeps local time is seven hours ahead until the hub's time comes. What those hours
// hold must not be written off in the meantime.
func TestAHardwareClockThatIsAheadWritesNothingOff(t *testing.T) {
	for name, begun := range map[string]bool{"a new agent": false, "an agent that has run": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 5*time.Hour, 5*minute, broadcast.LateSkip)
				r.setPlan(plan(t, 1, nil, cand))
				if begun {
					r.start()
					pass(minute)
					r.stop()
				}
				r.clock.trust, r.clock.ahead = "plausible", 7*time.Hour
				r.start()
				pass(10 * time.Second)
				r.clock.ahead, r.clock.trust = 0, "synced"
				r.clock.changed.Notify()
				pass(6 * time.Hour)
				r.stop()
				r.want(slotID(t, cand), broadcast.Played, broadcast.ReasonComplete)
			})
		})
	}
}

// What passed while the agent was off is written down once the time is sure.
func TestWhatWasMissedIsRecordedWhenTheTimeIsSure(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		off, on := exact("a", 10*minute, minute, broadcast.LateSkip), exact("b", time.Hour, minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, off, on))
		r.start()
		pass(minute)
		r.stop()
		pass(20 * minute)
		r.clock.trust = "plausible"
		r.start()
		pass(2 * time.Hour)
		r.want(slotID(t, on), broadcast.Played, broadcast.ReasonComplete)
		if n := len(r.disk.records); n != 1 {
			t.Errorf("%d records by a clock that is only plausible", n)
		}
		r.clock.set("synced")
		pass(minute)
		r.stop()
		r.want(slotID(t, off), broadcast.Skipped, broadcast.ReasonOff)
	})
}

func TestTimePutBackWhileSomethingSounds(t *testing.T) {
	cases := map[string]struct {
		rule   broadcast.LatenessRule
		into   time.Duration // the slot sounds for so long
		back   time.Duration
		result string
		heard  time.Duration
	}{
		"by hours, join":       {broadcast.LateJoin, minute, 2 * time.Hour, "cut/clock_untrusted", minute},
		"by hours, skip":       {broadcast.LateSkip, minute, 2 * time.Hour, "cut/clock_untrusted", minute},
		"within it":            {broadcast.LateJoin, 2 * minute, minute, "played/complete", 5 * minute},
		"by a second, at once": {broadcast.LateJoin, 500 * time.Millisecond, time.Second, "played/complete", 5 * minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 3*time.Hour, 5*minute, c.rule)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(3*time.Hour + c.into)
				r.clock.put(-c.back)
				pass(6 * time.Hour)
				r.stop()
				p := r.record(slotID(t, cand))
				if got := string(p.Outcome) + "/" + p.Reason; got != c.result {
					t.Errorf("got %s, want %s", got, c.result)
				}
				if h := r.player.heard; len(h) != 1 || h[0].length != c.heard {
					t.Errorf("heard %+v", h)
				}
			})
		})
	}
}

func TestTimePutBackWhileAnInterruptedSlotWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		cand := exact("a", 3*time.Hour, 30*minute, broadcast.LateJoin)
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		pass(3*time.Hour + minute)
		r.stop() // it is open in the journal
		r.clock.ahead = -2 * time.Hour
		r.start()
		pass(6 * time.Hour)
		r.stop()
		r.want(slotID(t, cand), broadcast.Cut, broadcast.ReasonClock)
		if h := r.player.heard; len(h) != 1 {
			t.Errorf("heard %+v", h)
		}
	})
}

// The machine slept, or its time was put forward: the sound goes on where it would be.
func TestTimePutForwardWhileSomethingSounds(t *testing.T) {
	for rule, want := range map[broadcast.LatenessRule]string{broadcast.LateJoin: "played/resumed", broadcast.LateSkip: "cut/late"} {
		t.Run(string(rule), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 10*minute, 5*minute, rule)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(11 * minute)
				r.clock.put(minute)
				pass(20 * minute)
				r.stop()
				p := r.record(slotID(t, cand))
				if got := string(p.Outcome) + "/" + p.Reason; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				h := r.player.heard
				if rule == broadcast.LateJoin && (len(h) != 2 || h[1].offset != 2*minute+300*time.Millisecond || !h[1].complete) {
					t.Errorf("heard %+v", h)
				}
			})
		})
	}
}

// What is armed when the machine falls asleep must not sound when it wakes up.
func TestWhatIsArmedOverASleep(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		cand := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		pass(10*minute - 2*time.Second)
		r.clock.put(3 * minute)
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, cand), broadcast.Skipped, broadcast.ReasonLate)
		if h := r.player.heard; len(h) != 0 {
			t.Errorf("heard %+v", h)
		}
	})
}

// Trust lost and found again while the cut is still on its way to the card.
func TestTrustIsBackBeforeTheCutIsConfirmed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.player.linger = 3 * time.Second
		cand := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		pass(12 * minute)
		r.clock.set(untrusted)
		pass(time.Second)
		r.clock.set("synced")
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, cand), broadcast.Cut, broadcast.ReasonClock)
		if n := len(r.disk.records); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// Fetching it again would not mend it; asking for it without a pause would wear out the disk.
func TestAudioThatIsWholeAndNoSound(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		cand := exact("a", 10*minute, 5*minute, broadcast.LateJoin)
		r.store.foreign = map[broadcast.Hash]bool{cand.Items[0].Audio: true}
		r.setPlan(plan(t, 1, nil, cand))
		r.start()
		pass(20 * minute)
		r.stop()
		r.want(slotID(t, cand), broadcast.Skipped, broadcast.ReasonAudioDamaged)
		if r.store.opened > 10 {
			t.Errorf("opened %d times", r.store.opened)
		}
	})
}

// A PC that was off for a holiday owes the records of the whole of it, also of days that the next plan holds no more.
func TestWhatPassedInDaysWithoutPower(t *testing.T) {
	for name, c := range map[string]struct {
		trust string // after the boot
		comes bool   // a new plan
		wait  time.Duration
	}{
		"the plan is the same":                        {"plausible", false, minute},
		"a new plan comes before the hub's time":      {"plausible", true, minute},
		"a new plan comes with the hub's time":        {"plausible", true, 0},
		"untrusted, the plan is the same":             {untrusted, false, minute},
		"untrusted, a new plan comes before the time": {untrusted, true, minute},
		"untrusted, a new plan comes with the time":   {untrusted, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				var cands []broadcast.Candidate
				for day := range 7 {
					cands = append(cands, exact(string(rune('1'+day)), time.Duration(day)*24*time.Hour+10*minute, minute, broadcast.LateSkip))
				}
				r.setPlan(plan(t, 1, nil, cands...))
				r.start()
				pass(24 * time.Hour)
				r.kill()
				pass(5 * 24 * time.Hour)
				r.clock.trust = c.trust
				r.start()
				pass(minute)
				if c.comes {
					r.setPlan(plan(t, 2, nil, cands[5:]...))
				}
				if c.wait > 0 {
					pass(c.wait)
				}
				r.clock.set("synced")
				pass(24 * time.Hour)
				r.stop()
				r.want(slotID(t, cands[0]), broadcast.Played, broadcast.ReasonComplete)
				for _, c := range cands[1:6] {
					r.want(slotID(t, c), broadcast.Skipped, broadcast.ReasonOff)
				}
				r.want(slotID(t, cands[6]), broadcast.Played, broadcast.ReasonComplete)
			})
		})
	}
}

func TestARoundIsMissedByASchedulerThatHangsAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.setPlan(plan(t, 1, nil, exact("a", 10*minute, 5*minute, broadcast.LateSkip)))
		r.start()
		silent := func() time.Duration { return mono.Instant(time.Now().UnixNano()).Sub(r.sched.Round()) }
		for range 30 * 60 { // idle, with a cue on its way, sounding, idle again
			pass(time.Second)
			if d := silent(); d > longest {
				t.Fatalf("no round for %v although nothing hangs", d)
			}
		}
		r.setPlan(plan(t, 2, nil, exact("b", 10*minute, 5*minute, broadcast.LateSkip)))
		pass(5 * minute)
		slow := func(d time.Duration) {
			r.disk.mu.Lock()
			r.disk.slow = d
			r.disk.mu.Unlock()
		}
		slow(10 * minute) // a write that does not come back
		pass(12 * minute)
		if d := silent(); d < longest {
			t.Errorf("a round %v ago beside a disk that hangs", d)
		}
		slow(0)
		pass(10 * minute)
		if d := silent(); d > longest {
			t.Errorf("no round for %v after it came back", d)
		}
		r.stop()
	})
}
