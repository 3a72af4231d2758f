package push

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/wire"
)

// went is a frame that was let go.
type went struct {
	at    time.Time
	agent int
	size  int64
}

// most looks for a span in which more went than rate*t and extra.
func most(frames []went, rate float64, extra int64) error {
	for i := range frames {
		sum := int64(0)
		for _, f := range frames[i:] {
			sum += f.size
			span := f.at.Sub(frames[i].at)
			if allowed := rate*span.Seconds() + float64(extra); float64(sum) > allowed+1 {
				return fmt.Errorf("%d bytes in %v, of %.0f", sum, span, allowed)
			}
		}
	}
	return nil
}

// TestTurns draws what agents and the clock do, in any order, and looks at all that went.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(minLimit, 20<<20).Draw(t, "limit")
		q := newTurns(limit)
		agents := make([]*turn, rapid.IntRange(1, 20).Draw(t, "agents"))
		for i := range agents {
			agents[i] = &turn{}
		}
		agent := rapid.IntRange(0, len(agents)-1)
		size := rapid.Map(rapid.Int64Range(1, q.largest()/wire.Grain), func(n int64) int64 { return n * wire.Grain })
		began := time.Unix(0, 0)
		now := began
		var frames []went
		give := func() bool {
			next, wait := q.give(now)
			if next == nil {
				asking := slices.ContainsFunc(agents, func(a *turn) bool { return a.in != nil })
				if asking != (wait > 0) {
					t.Fatalf("somebody asks: %v, and is to be looked at in %v", asking, wait)
				}
				return false
			}
			for _, a := range agents {
				if a.in != nil && !a.rested.After(now) && (a.place.Before(next.place) || a.place.Equal(next.place) && a.order < next.order) {
					t.Fatalf("one that is due at %v was let go before one of %v", next.place.Sub(began), a.place.Sub(began))
				}
			}
			frames = append(frames, went{now, slices.Index(agents, next), next.size})
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				a := agents[agent.Draw(t, "agent")]
				due := now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(48*time.Hour)).Draw(t, "due")))
				q.ask(a, due, size.Draw(t, "size"), now)
			},
			"give": func(*rapid.T) { give() },
			"give all": func(*rapid.T) {
				for give() {
				}
			},
			"leave": func(t *rapid.T) {
				q.leave(agents[agent.Draw(t, "agent")])
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "wait")))
			},
			"": func(t *rapid.T) {
				if err := most(frames, float64(limit), limit*int64(ahead)/int64(time.Second)); err != nil {
					t.Fatal(err)
				}
				for i := range agents {
					own := slices.DeleteFunc(slices.Clone(frames), func(f went) bool { return f.agent != i })
					if err := most(own, float64(limit)/shares, q.largest()); err != nil {
						t.Fatalf("one agent: %v", err)
					}
				}
			},
		})
	})
}

// run has every agent ask again as soon as it was sent something, for a span.
func run(q *turns, agents []*turn, due func(i int, now time.Time) time.Time, size func(i int) int64, from time.Time, span time.Duration, each func(went)) {
	now := from
	for i, a := range agents {
		q.ask(a, due(i, now), size(i), now)
	}
	for now.Sub(from) < span {
		next, wait := q.give(now)
		if next == nil {
			now = now.Add(wait)
			continue
		}
		i := slices.Index(agents, next)
		each(went{now, i, next.size})
		next.given = false
		q.ask(next, due(i, now), size(i), now)
	}
}

// TestNobodyWaitsForEver: however many others ask for what is needed now, again and again, each is served at the latest when
// its own is due and those before it had one turn.
func TestNobodyWaitsForEver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newTurns(rapid.Int64Range(minLimit, 4<<20).Draw(t, "limit"))
		agents := make([]*turn, rapid.IntRange(2, 60).Draw(t, "agents"))
		for i := range agents {
			agents[i] = &turn{}
		}
		from := time.Unix(0, 0)
		due := from.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "due")))
		served := time.Time{}
		run(&q, agents, func(i int, now time.Time) time.Time {
			if i == 0 {
				return due
			}
			return now
		}, func(int) int64 { return q.largest() }, from, 2*time.Minute, func(f went) {
			if f.agent == 0 && served.IsZero() {
				served = f.at
			}
		})
		if last := due.Add(time.Duration(len(agents)+1) * q.takes(q.largest())); served.IsZero() || served.After(last) {
			t.Fatalf("due after %v, served after %v, which is later than %v", due.Sub(from), served.Sub(from), last.Sub(from))
		}
	})
}

// TestEqualsTakeTurns: agents with the same due get as many turns, and the line is full.
func TestEqualsTakeTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newTurns(rapid.Int64Range(minLimit, 4<<20).Draw(t, "limit"))
		agents, turns := make([]*turn, rapid.IntRange(shares, 60).Draw(t, "agents")), []int{}
		for i := range agents {
			agents[i] = &turn{}
		}
		turns = make([]int, len(agents))
		from, sum := time.Unix(0, 0), int64(0)
		run(&q, agents, func(int, time.Time) time.Time { return from.Add(time.Hour) }, func(int) int64 { return q.largest() }, from, time.Minute, func(f went) {
			turns[f.agent]++
			sum += f.size
			if slices.Max(turns)-slices.Min(turns) > 1 {
				t.Fatalf("turns are %v", turns)
			}
		})
		if least := q.limit * 59; sum < least {
			t.Fatalf("%d bytes went in a minute, not %d", sum, least)
		}
	})
}

func TestWhatIsDueTomorrowWaitsInTurn(t *testing.T) {
	q, now := newTurns(1<<20), time.Unix(0, 0)
	next := &turn{}
	week := &turn{}
	q.ask(week, now.Add(7*24*time.Hour), wire.Grain, now)
	q.ask(next, now.Add(30*time.Hour), wire.Grain, now.Add(time.Second)) // asked later
	soon := &turn{}
	q.ask(soon, now.Add(23*time.Hour), wire.Grain, now.Add(2*time.Second))
	for i, want := range []*turn{soon, week, next} {
		if got, _ := q.give(now.Add(3 * time.Second)); got != want {
			t.Errorf("turn %d is another's", i)
		}
	}
}

func TestAChangedWantHasAnotherPlace(t *testing.T) {
	q, now := newTurns(1<<20), time.Unix(0, 0)
	a, b := &turn{}, &turn{}
	q.ask(a, now.Add(2*time.Hour), wire.Grain, now)
	q.ask(b, now.Add(time.Hour), wire.Grain, now)
	q.ask(a, now.Add(time.Minute), 2*wire.Grain, now)
	q.ask(a, now.Add(time.Minute), wire.Grain, now)
	if got, _ := q.give(now); got != a || a.size != wire.Grain {
		t.Error("what is due sooner now waits behind")
	}
	q.leave(a) // not used
	q.leave(a)
	if got, _ := q.give(now); got != b {
		t.Error("the other is not next")
	}
	if got, wait := q.give(now); got != nil || wait != 0 {
		t.Errorf("somebody is left, for %v", wait)
	}
}

// TestUrgentAudioIsCountedNotHeld: it makes others wait, for a second at most once it has ended.
func TestUrgentAudioIsCountedNotHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, now := newTurns(rapid.Int64Range(minLimit, 20<<20).Draw(t, "limit")), time.Unix(0, 0)
		var all []went
		urgent := rapid.SliceOfN(rapid.Int64Range(1, wire.MaxChunk), 1, 200).Draw(t, "urgent")
		for _, size := range urgent {
			q.spend(size, now)
			all = append(all, went{now, 1, size})
		}
		a := &turn{}
		q.ask(a, now, q.largest(), now)
		next, wait := q.give(now)
		if next != nil {
			all = append(all, went{now, 0, a.size})
			if err := most(all, float64(q.limit), q.limit*int64(ahead)/int64(time.Second)); err != nil {
				t.Fatal(err)
			}
			return
		}
		if longest := mostDebt + q.takes(a.size); wait > longest {
			t.Fatalf("after urgent audio others wait for %v", wait)
		}
		if next, _ := q.give(now.Add(wait)); next != a {
			t.Fatal("not let go when it was to be looked at again")
		}
	})
}
