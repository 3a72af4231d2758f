package scheduler

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// What is played whole although late begins the player's lead after that is decided, and ends as much later: until
// then nothing else sounds, nor does it take another's time.
func TestALateSoundHasItsTimeToItself(t *testing.T) {
	const ms = time.Millisecond
	cases := map[string]struct {
		at, length [2]time.Duration
		arrive     [2]time.Duration
		results    [2]string
	}{
		"a second one comes within the lead": {[2]time.Duration{10 * minute, 11 * minute}, [2]time.Duration{minute, minute},
			[2]time.Duration{13 * minute, 13*minute + 100*ms}, [2]string{"played/late_whole", "played/late_whole"}},
		"it would end as the next begins": {[2]time.Duration{10 * minute, 14 * minute}, [2]time.Duration{minute, minute},
			[2]time.Duration{13 * minute, 13 * minute}, [2]string{"played/late_whole", "played/complete"}},
		"it could begin too late by its rule": {[2]time.Duration{10 * minute, 40 * minute}, [2]time.Duration{minute, minute},
			[2]time.Duration{20*minute - 100*ms, 20 * minute}, [2]string{"skipped/late", "played/complete"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				a, b := exact("a", c.at[0], c.length[0], broadcast.LateWhole), exact("b", c.at[1], c.length[1], broadcast.LateWhole)
				for _, cand := range []broadcast.Candidate{a, b} {
					r.store.missing[cand.Items[0].Audio] = true
				}
				r.setPlan(plan(t, 1, nil, a, b))
				r.start()
				pass(c.arrive[0])
				r.store.arrive(a.Items[0].Audio)
				pass(c.arrive[1] - c.arrive[0])
				r.store.arrive(b.Items[0].Audio)
				pass(60 * minute)
				r.stop()
				for i, cand := range []broadcast.Candidate{a, b} {
					p := r.record(slotID(t, cand))
					if got := string(p.Outcome) + "/" + p.Reason; got != c.results[i] {
						t.Errorf("%s is %s, want %s", cand.Broadcast, got, c.results[i])
					}
				}
				h := r.player.heard
				for i := 1; i < len(h); i++ {
					if h[i].at.Before(h[i-1].at.Add(h[i-1].length)) {
						t.Errorf("two at once: %+v", h)
					}
				}
			})
		})
	}
}

// An exercise never crosses quiet hours, by the player's lead neither.
func TestAnExerciseEndsBeforeQuietHours(t *testing.T) {
	for name, c := range map[string]struct {
		spare time.Duration // between its end, if it began at once, and quiet hours
		heard int
	}{
		"with the lead": {300 * time.Millisecond, 1},
		"beyond them":   {200 * time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				quiet := time.Now().Add(30 * minute) // 07:30 in the fleet's zone
				head := plan(t, 1, nil).Head
				head.Rules = broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 5 * 3600, End: 7*3600 + 1800}}})
				first, err := broadcast.NewPlan(head, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.setPlan(first)
				r.start()
				pass(time.Until(quiet) - minute - c.spare)
				head.Version++
				head.Bulletins = []broadcast.Bulletin{{ID: "drill", Kind: "drill", Title: "drill", IssuedAt: time.Now(), Until: time.Now().Add(10 * minute),
					Items: []broadcast.Item{item("d", minute)}}}
				second, err := broadcast.NewPlan(head, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.setPlan(second)
				pass(20 * minute)
				r.stop()
				h := r.player.heard
				if len(h) != c.heard {
					t.Errorf("heard %+v", h)
				}
				for _, x := range h {
					if x.at.Add(x.length).After(quiet) {
						t.Errorf("it goes on in quiet hours: %+v", x)
					}
				}
			})
		})
	}
}

// What is behind its place, for the machine slept in its middle, ends where quiet hours begin, and not a moment later.
func TestASleepPutsNothingIntoQuietHours(t *testing.T) {
	for name, c := range map[string]struct {
		spare, slept time.Duration // between its planned end and quiet hours; in its middle
		result       string
	}{
		"it was to end with the window":       {0, 1500 * time.Millisecond, "cut/late"},
		"it was to end a moment before":       {500 * time.Millisecond, 1500 * time.Millisecond, "cut/late"},
		"it ends in time though it is behind": {5 * time.Second, 500 * time.Millisecond, "played/complete"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				quiet := time.Now().Add(30 * minute) // 07:30 in the fleet's zone
				cand := exact("a", 29*minute-c.spare, minute, broadcast.LateSkip)
				first := plan(t, 1, nil, cand)
				head, days := first.Head, []broadcast.Day{}
				head.Rules = broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 5 * 3600, End: 7*3600 + 1800}}})
				for _, d := range first.Days {
					days = append(days, d)
				}
				p, err := broadcast.NewPlan(head, days)
				if err != nil {
					t.Fatal(err)
				}
				r.setPlan(p)
				r.start()
				pass(29*minute + 30*time.Second)
				r.clock.put(c.slept)
				pass(20 * minute)
				r.stop()
				rec := r.record(slotID(t, cand))
				if got := string(rec.Outcome) + "/" + rec.Reason; got != c.result {
					t.Errorf("it is %s, want %s", got, c.result)
				}
				if h := r.player.heard; len(h) != 1 || h[0].at.Add(h[0].length+c.slept).After(quiet) {
					t.Errorf("heard %+v, and quiet hours begin at %s", h, quiet)
				}
			})
		})
	}
}
