package amplifier

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/change"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lead = 30 * time.Second

// rig is an amplifier whose commands are noted with their times since the start.
type rig struct {
	*Amplifier
	t     *testing.T
	begun time.Time
	stop  func()

	mu   sync.Mutex
	next time.Time
	did  []string
	do   map[string]func(context.Context) error
	told change.Signal
}

func newRig(t *testing.T, mark string) *rig {
	r := &rig{t: t, begun: time.Now(), do: map[string]func(context.Context) error{}}
	r.Amplifier = New(Options{
		Switch: Switch{Before: []string{"on"}, After: []string{"off"}, Mark: mark, Owner: Agent, Limit: Limit, Exec: r.exec, Log: slog.New(slog.DiscardHandler)},
		Lead:   lead, Now: time.Now, Next: func() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.next },
		Changes: []<-chan struct{}{r.told.Subscribe()}, Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return r
}

func (r *rig) exec(ctx context.Context, command []string) error {
	r.mu.Lock()
	r.did = append(r.did, command[0]+" "+time.Since(r.begun).String())
	do := r.do[command[0]]
	r.mu.Unlock()
	if do != nil {
		return do(ctx)
	}
	return nil
}

func (r *rig) plan(next time.Time) {
	r.mu.Lock()
	r.next = next
	r.mu.Unlock()
	r.told.Notify()
}

func (r *rig) pass(d time.Duration) {
	<-time.After(d) // of the bubble
	synctest.Wait()
}

// sound is a cue of the player, given 3 s ahead as the scheduler does; then it sounds for a length.
func (r *rig) sound(length time.Duration, next time.Time) {
	end := r.Cue(time.Now().Add(3 * time.Second))
	r.pass(3 * time.Second)
	r.plan(next)
	r.pass(length)
	end()
}

func (r *rig) want(did ...string) {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.did, did) {
		r.t.Errorf("did %q, want %q", r.did, did)
	}
}

func marked(mark string) bool { _, err := os.Stat(mark); return err == nil }

func bubble(t *testing.T, f func(t *testing.T, mark string)) {
	mark := filepath.Join(t.TempDir(), "amplifier.on")
	synctest.Test(t, func(t *testing.T) { f(t, mark) })
}

func TestOnBeforeASoundAndOffAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		r.plan(r.begun.Add(5 * time.Minute))
		r.pass(4 * time.Minute)
		r.want()
		r.pass(57 * time.Second)
		r.want("on 4m30s")
		if !marked(mark) || r.Status().State != StateOn {
			t.Error("not on")
		}
		r.sound(time.Minute, time.Time{})
		r.pass(time.Minute)
		r.want("on 4m30s", "off 6m10s")
		if marked(mark) || r.Status().State != StateOff {
			t.Error("not off")
		}
		r.stop()
		r.want("on 4m30s", "off 6m10s")
	})
}

func TestOneSwitchingForBackToBackItems(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		r.plan(r.begun.Add(40 * time.Second))
		r.pass(37 * time.Second)
		r.sound(time.Minute, time.Now().Add(3*time.Second+time.Minute+39*time.Second)) // 39 s behind its end
		r.pass(36 * time.Second)
		r.sound(time.Minute, time.Now().Add(3*time.Second+time.Minute+41*time.Second))
		r.pass(38 * time.Second)
		r.sound(time.Minute, time.Time{})
		r.pass(time.Minute)
		r.want("on 10s", "off 3m29s", "on 3m30s", "off 5m10s")
		r.stop()
	})
}

func TestAnUrgentBulletinIsNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		r.pass(time.Minute)
		end := r.Cue(time.Now().Add(300 * time.Millisecond))
		r.want("on 1m0s")
		// The switching-off hangs when the next one comes.
		r.do["off"] = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		r.pass(time.Minute)
		end()
		r.pass(11 * time.Second)
		r.want("on 1m0s", "off 2m10s")
		end = r.Cue(time.Now())
		r.want("on 1m0s", "off 2m10s", "on 2m11s")
		if s := r.Status(); s.State != StateOn {
			t.Errorf("%+v", s)
		}
		r.mu.Lock()
		r.do["off"] = nil
		r.mu.Unlock()
		end()
		r.stop()
		r.want("on 1m0s", "off 2m10s", "on 2m11s", "off 2m11s")
		if marked(mark) {
			t.Error("still marked")
		}
	})
}

func TestAFailureIsToldAndTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		states := r.Subscribe()
		r.do["on"] = func(context.Context) error { return errors.New("no relay") }
		r.plan(r.begun.Add(40 * time.Second))
		r.pass(12 * time.Second)
		<-states
		if s := r.Status(); s.State != StateFailing || !strings.Contains(s.Detail, "before_sound: no relay") {
			t.Errorf("%+v", s)
		}
		r.pass(25 * time.Second)
		r.want("on 10s", "on 15s", "on 25s")
		r.mu.Lock()
		r.do["on"] = nil
		r.mu.Unlock()
		r.sound(time.Minute, time.Time{})
		r.pass(time.Minute)
		r.want("on 10s", "on 15s", "on 25s", "on 45s", "off 1m50s")
		if s := r.Status(); s.State != StateOff || s.Detail != "" {
			t.Errorf("%+v", s)
		}
		r.stop()
	})
}

func TestASwitchingOffThatFailsStaysMarked(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		r.do["off"] = func(context.Context) error { return errors.New("no relay") }
		r.Cue(time.Now())()
		end := r.Cue(time.Now())
		r.pass(time.Second)
		end()
		r.pass(12 * time.Second)
		if s := r.Status(); s.State != StateFailing || !marked(mark) {
			t.Errorf("%+v, marked %t", s, marked(mark))
		}
		r.stop()
		r.want("on 0s", "off 11s", "off 13s")
		if !marked(mark) {
			t.Error("the mark is gone")
		}
	})
}

func TestAHangingCommandIsKilledAndDelaysNothing(t *testing.T) {
	bubble(t, func(t *testing.T, mark string) {
		r := newRig(t, mark)
		r.do["on"] = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		end := r.Cue(time.Now())
		if time.Since(began) != 0 {
			t.Error("the cue waited")
		}
		r.pass(Limit)
		if s := r.Status(); s.State != StateFailing || !strings.Contains(s.Detail, "killed") {
			t.Errorf("%+v", s)
		}
		end()
		if time.Since(began) != Limit {
			t.Error("the end waited")
		}
		r.stop()
		r.want("on 0s", "off 20s")
	})
}

func TestWhatACrashLeftOn(t *testing.T) {
	for name, c := range map[string]struct {
		next time.Duration
		want []string
	}{
		"nothing is due":      {0, []string{"off 10s"}},
		"the next is far":     {time.Hour, []string{"off 10s"}},
		"the next is due":     {lead, []string{"on 0s", "off 40s"}},
		"the next comes soon": {lead + 5*time.Second, []string{"on 5s", "off 45s"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, mark string) {
				if err := os.WriteFile(mark, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				r := newRig(t, mark)
				if c.next > 0 {
					r.plan(r.begun.Add(c.next))
				}
				r.pass(c.next % time.Hour)
				if c.next < time.Hour && c.next > 0 {
					r.plan(time.Time{}) // it was cancelled in the last moment
				}
				r.pass(30 * time.Second)
				r.want(c.want...)
				if marked(mark) {
					t.Error("still marked")
				}
				r.stop()
			})
		})
	}
}

func TestTheToneLeavesOnWhatTheAgentHasSwitchedOn(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "amplifier.on")
	did := []string{}
	s := Switch{Before: []string{"on"}, After: []string{"off"}, Mark: mark, Owner: Tone, Limit: Limit, Log: slog.New(slog.DiscardHandler),
		Exec: func(_ context.Context, c []string) error { did = append(did, c[0]); return nil }}
	agent := s
	agent.Owner = Agent
	for _, err := range []error{s.Turn(t.Context(), true), agent.Turn(t.Context(), true), s.Turn(t.Context(), false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if !s.Marked() || !slices.Equal(did, []string{"on", "on"}) {
		t.Errorf("%q", did)
	}
	if err := agent.Turn(t.Context(), false); err != nil || s.Marked() {
		t.Errorf("%v, still marked %t", err, s.Marked())
	}
}

func TestAMarkThatCannotBeWrittenHoldsUpNothing(t *testing.T) {
	ran := false
	s := Switch{Before: []string{"on"}, Mark: filepath.Join(t.TempDir(), "none", "mark"), Limit: Limit, Log: slog.New(slog.DiscardHandler),
		Exec: func(context.Context, []string) error { ran = true; return nil }}
	if err := s.Turn(t.Context(), true); err != nil || !ran {
		t.Errorf("%v, ran %t", err, ran)
	}
}
