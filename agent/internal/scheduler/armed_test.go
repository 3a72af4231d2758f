package scheduler

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// What the commune decides, and what a new plan says, holds for a slot that is armed as for any other that has not begun.
func TestWhatIsOnlyArmedIsNotAFact(t *testing.T) {
	skip := func(slot string) broadcast.Decision {
		return broadcast.Decision{Kind: "skip", Subject: slot, Who: "operator", When: time.Now(), Source: "pc", Counter: 1}
	}
	move := func(slot string) broadcast.Decision {
		to := time.Now().Add(20 * minute)
		return broadcast.Decision{Kind: "move", Subject: slot, To: &to, Who: "operator", When: time.Now(), Source: "pc", Counter: 1}
	}
	quiet := func(string) broadcast.Decision {
		return broadcast.Decision{Kind: "volume", Percent: 30, Who: "operator", When: time.Now(), Source: "pc", Counter: 1}
	}
	for name, c := range map[string]struct {
		decide func(slot string) broadcast.Decision
		before time.Duration // its time
		result string
		after  time.Duration // of its time, that it is heard
		volume int
	}{
		"skipped": {skip, 2 * time.Second, "skipped/" + broadcast.ReasonDecision, -1, 0},
		"moved":   {move, 2 * time.Second, "played/complete", 20*minute - 2*time.Second, 100},
		"moved when its first frames are with the card": {move, 200 * time.Millisecond, "played/complete", 0, 100},
		"turned down": {quiet, 2 * time.Second, "played/complete", 0, 30},
		"turned down when its first frames are with the card": {quiet, 200 * time.Millisecond, "played/complete", 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t)
				cand := exact("a", 10*minute, 5*minute, broadcast.LateSkip)
				r.setPlan(plan(t, 1, nil, cand))
				r.start()
				pass(10*minute - c.before)
				old := r.plan
				head, days := old.Head, []broadcast.Day{}
				head.Rules.CommuneMayMove = true
				for _, d := range old.Days {
					days = append(days, d)
				}
				head.Version++
				head.Decisions = []broadcast.Decision{c.decide(slotID(t, cand))}
				p, err := broadcast.NewPlan(head, days)
				if err != nil {
					t.Fatal(err)
				}
				r.setPlan(p)
				pass(60 * minute)
				r.stop()
				rec := r.record(slotID(t, cand))
				if got := string(rec.Outcome) + "/" + rec.Reason; got != c.result || rec.Volume != c.volume {
					t.Errorf("it is %s at %d percent, want %s at %d", got, rec.Volume, c.result, c.volume)
				}
				if h := r.player.heard; c.after < 0 && len(h) > 0 || c.after >= 0 && (len(h) != 1 || !h[0].at.Equal(cand.At.Add(c.after))) {
					t.Errorf("heard %+v", h)
				}
			})
		})
	}
}

// A card may be far away, by a sound server on another machine: what is for it comes as much sooner.
func TestACueComesBeforeTheLeadBegins(t *testing.T) {
	for _, lead := range []time.Duration{300 * time.Millisecond, 5 * time.Second} {
		bubble(t, func(t *testing.T) {
			r := newRig(t)
			r.player.lead = lead
			c := exact("a", 10*minute, minute, broadcast.LateSkip)
			var given time.Time
			r.player.length = func(slot string) time.Duration { given = time.Now(); return r.length(slot) }
			r.setPlan(plan(t, 1, nil, c))
			r.start()
			pass(20 * minute)
			r.stop()
			if ahead := c.At.Sub(given); ahead < lead {
				t.Errorf("given %v ahead where the lead is %v", ahead, lead)
			}
		})
	}
}
