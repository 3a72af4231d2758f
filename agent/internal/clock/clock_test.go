package clock

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/mono"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine has clocks that follow package time, and a system clock that can be set.
type machine struct {
	begun time.Time
	set   atomic.Int64 // nanoseconds by which the system clock was set
	id    string
}

func (m *machine) clocks() Machine {
	return Machine{BootID: m.id,
		Elapsed:  func() time.Duration { return time.Since(m.begun) },
		Mono:     func() mono.Instant { return mono.Instant(time.Since(m.begun)) },
		Wall:     func() time.Time { return time.Now().Add(time.Duration(m.set.Load())) },
		Hardware: func() (time.Time, error) { return time.Time{}, errors.New("none") }}
}

func open(t *testing.T, file string, m *machine) *Clock {
	t.Helper()
	c, err := Open(Options{File: file, Build: build, Machine: m.clocks(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestARestartKeepsTheTrustOfItsBoot(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	synctest.Test(t, func(t *testing.T) {
		m := &machine{begun: time.Now(), id: "1"}
		c := open(t, file, m)
		changed := c.Subscribe()
		if _, trust := c.Now(); trust != Untrusted {
			t.Fatalf("began %s", trust)
		}
		hub := at("2026-11-25T03:15:00Z")
		asked := m.clocks().Mono()
		<-time.After(20 * time.Millisecond)
		if err := c.Sync(hub, asked, m.clocks().Mono()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		default:
			t.Error("nobody was told")
		}
		<-time.After(time.Hour)
		m.set.Store(int64(-50 * time.Hour)) // the system clock is nobody's business
		again := open(t, file, m)
		now, trust := again.Now()
		if want := hub.Add(10*time.Millisecond + time.Hour); trust != Synced || !now.Equal(want) {
			t.Errorf("%s %v, want %v", trust, now, want)
		}
		if inst := again.Instant(now.Add(time.Minute)); !again.Time(inst).Equal(now.Add(time.Minute)) || inst.Sub(m.clocks().Mono()) != time.Minute {
			t.Errorf("instant %v", inst)
		}
		m.id = "2"
		if _, trust := open(t, file, m).Now(); trust != Untrusted {
			t.Errorf("after a boot: %s", trust)
		}
	})
}

func TestRunSavesTheTickAndSeesAJump(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	synctest.Test(t, func(t *testing.T) {
		m := &machine{begun: time.Now(), id: "1"}
		clocks := m.clocks()
		clocks.Hardware = func() (time.Time, error) { return build.Add(time.Hour), nil }
		c, err := Open(Options{File: file, Build: build, Machine: clocks, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		<-time.After(10*time.Minute + time.Millisecond)
		s, err := load(file)
		if err != nil || s.Probable.Before(build.Add(time.Hour+9*time.Minute)) || s.Trust != Plausible {
			t.Errorf("saved %+v, %v", s, err)
		}
		m.set.Store(int64(time.Hour))
		<-time.After(2 * time.Second)
		if st := c.Status(); st.Trust != Untrusted || st.Detail == "" {
			t.Errorf("after a jump %+v", st)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// The player's clock stands still while the machine sleeps: what rests on it must be told.
func TestASleepIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	synctest.Test(t, func(t *testing.T) {
		m := &machine{begun: time.Now(), id: "1"}
		var asleep atomic.Int64
		clocks := m.clocks()
		clocks.Elapsed = func() time.Duration { return time.Since(m.begun) + time.Duration(asleep.Load()) }
		c, err := Open(Options{File: file, Build: build, Machine: clocks, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Sync(build.Add(time.Hour), clocks.Mono(), clocks.Mono()); err != nil {
			t.Fatal(err)
		}
		changed := c.Subscribe()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx) }()
		told := func() bool {
			<-time.After(lookEvery + time.Millisecond)
			synctest.Wait()
			select {
			case <-changed:
				return true
			default:
				return false
			}
		}
		if told() {
			t.Error("nothing has happened")
		}
		asleep.Store(int64(time.Hour))
		if !told() {
			t.Error("nobody was told")
		}
		if told() {
			t.Error("told twice")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestADamagedFileCostsOnlyTheTrust(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	if err := os.WriteFile(file, []byte(`{"trust":"syn`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, file, &machine{begun: time.Now(), id: "1"})
	if now, trust := c.Now(); trust != Untrusted || now.Before(build) {
		t.Errorf("%s %v", trust, now)
	}
	if err := c.Save(); err != nil {
		t.Error(err)
	}
}

// A sound that goes on after a restart must not move because the clock goes on from a worse answer than it had.
func TestARestartGoesOnFromTheBestAnswer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock.json")
	synctest.Test(t, func(t *testing.T) {
		m := &machine{begun: time.Now(), id: "1"}
		c := open(t, file, m)
		hub := at("2026-11-25T03:15:00Z")
		for _, trip := range []time.Duration{400 * time.Millisecond, 2 * time.Millisecond} {
			asked := m.clocks().Mono()
			<-time.After(trip)
			if err := c.Sync(hub, asked, m.clocks().Mono()); err != nil {
				t.Fatal(err)
			}
		}
		again := open(t, file, m)
		now, _ := again.Now()
		if want := hub.Add(time.Millisecond); !now.Equal(want) || again.Status().ErrorMS != 1 {
			t.Errorf("went on at %v ± %d ms, want %v ± 1 ms", now, again.Status().ErrorMS, want)
		}
	})
}

// The hub's first time is saved beside the tick.
func TestTwoSavesAtOnce(t *testing.T) {
	c := open(t, filepath.Join(t.TempDir(), "clock.json"), &machine{begun: time.Now(), id: "1"})
	var saves sync.WaitGroup
	for range 8 {
		saves.Go(func() {
			for range 20 {
				if err := c.Save(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	saves.Wait()
}

func TestAVerifiedDocumentRaisesTheFloor(t *testing.T) {
	m := &machine{begun: time.Now().Add(-time.Hour), id: "1"}
	m.set.Store(int64(-3 * 365 * 24 * time.Hour))
	c := open(t, filepath.Join(t.TempDir(), "clock.json"), m)
	issued := build.Add(24 * time.Hour)
	c.Verified(issued)
	if now, _ := c.Now(); now.Before(issued) {
		t.Errorf("now %v is before %v", now, issued)
	}
}
