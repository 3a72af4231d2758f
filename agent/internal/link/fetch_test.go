package link

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

func grains(n int) []byte { return bytes.Repeat([]byte{7}, n*wire.Grain) }

// due writes when something is needed, nothing for now.
func due(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(", due 15:04")
}

// fetching runs an agent with wants against a hub that answers each want by what answer adds.
func fetching(t *testing.T, a *agent, answer func(*visit, *frames, *wire.Want)) (*diary, func()) {
	t.Helper()
	d := newDiary()
	_, stop := start(t, a, func(v *visit, out *frames) error {
		if err := v.greet(); err != nil {
			return err
		}
		for {
			m, err := v.next()
			if err != nil {
				return err
			}
			switch m := m.(type) {
			case *wire.Want:
				d.add("want %.1s at %d to %d%s", m.SHA256, m.Offset, m.End, due(m.Due))
				answer(v, out, m)
				v.conn.Wake()
			case *wire.StopWant:
				d.add("stop %.1s", m.SHA256)
			case *wire.Got:
				d.add("got %.1s to %d%s", m.SHA256, m.Offset, due(m.Due))
			}
		}
	})
	return d, stop
}

func TestFetchesThatFail(t *testing.T) {
	const size = 2 * broadcast.ChunkSize
	half := grains(16)
	tests := map[string]struct {
		answer func(*testing.T, *visit, *frames, *wire.Want)
		putErr error
		log    []string // within the first 29 s
		kept   int
	}{
		"gone": {func(_ *testing.T, v *visit, _ *frames, w *wire.Want) { v.send(&wire.Gone{SHA256: w.SHA256}) }, nil,
			[]string{"0s want 1 at 0 to 131072", "0s stop 1", "0s want 2 at 0 to 0", "0s stop 2"}, 0},
		"another blob's bytes are ignored": {func(t *testing.T, _ *visit, out *frames, w *wire.Want) {
			if w.SHA256 == one {
				out.add(t, wire.Chunk{SHA256: two, Data: half})
			}
		}, nil, []string{"0s want 1 at 0 to 131072"}, 0},
		"bytes from elsewhere are ignored": {func(t *testing.T, _ *visit, out *frames, w *wire.Want) {
			out.add(t, wire.Chunk{SHA256: one, Offset: broadcast.ChunkSize, Data: half, Last: true})
		}, nil, []string{"0s want 1 at 0 to 131072"}, 0},
		"it ends too early": {func(t *testing.T, _ *visit, out *frames, w *wire.Want) {
			if w.SHA256 == one {
				out.add(t, wire.Chunk{SHA256: one, Data: half, Last: true})
			}
		}, nil, []string{"0s want 1 at 0 to 131072", "0s stop 1", "0s want 2 at 0 to 0"}, 0},
		"it does not end": {func(t *testing.T, _ *visit, out *frames, w *wire.Want) {
			if w.SHA256 == one {
				out.add(t, wire.Chunk{SHA256: one, Data: half}, wire.Chunk{SHA256: one, Offset: broadcast.ChunkSize, Data: half})
			}
		}, nil, []string{"0s want 1 at 0 to 131072", "0s got 1 to 65536", "0s stop 1", "0s want 2 at 0 to 0"}, broadcast.ChunkSize},
		"it cannot be kept": {func(t *testing.T, _ *visit, out *frames, w *wire.Want) {
			out.add(t, wire.Chunk{SHA256: w.SHA256, Data: half})
		}, errors.New("no room"),
			[]string{"0s want 1 at 0 to 131072", "0s stop 1", "0s want 2 at 0 to 0", "0s stop 2"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAgent()
				a.wants, a.putErr = []Want{{SHA256: one, Size: size}, {SHA256: two}}, test.putErr
				d, stop := fetching(t, a, func(v *visit, out *frames, w *wire.Want) { test.answer(t, v, out, w) })
				<-time.After(29 * time.Second)
				same(t, d.of(""), test.log...)
				stop()
				if len(a.kept[one]) != test.kept || len(a.kept[two]) != 0 {
					t.Errorf("kept %d and %d bytes", len(a.kept[one]), len(a.kept[two]))
				}
			})
		})
	}
}

func TestFailedFetchIsTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, times := newAgent(), 0
		a.wants = []Want{{SHA256: one, Size: wire.Grain}}
		d, stop := fetching(t, a, func(v *visit, out *frames, w *wire.Want) {
			if times++; times == 1 {
				v.send(&wire.Gone{SHA256: one})
				return
			}
			out.add(t, wire.Chunk{SHA256: one, Data: grains(1), Last: true})
		})
		<-time.After(time.Minute)
		same(t, d.of(""), "0s want 1 at 0 to 4096", "0s stop 1", "30s want 1 at 0 to 4096", "30s got 1 to 4096")
		stop()
	})
}

func TestStalledFetchGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		a.wants = []Want{{SHA256: one, Size: 1 << 20}, {SHA256: two, Size: wire.Grain}}
		d, stop := fetching(t, a, func(_ *visit, out *frames, w *wire.Want) {
			if w.SHA256 == two {
				out.add(t, wire.Chunk{SHA256: two, Data: grains(1), Last: true})
			}
		})
		<-time.After(80 * time.Second)
		same(t, d.of(""), "0s want 1 at 0 to 1048576", "1m0s stop 1", "1m0s want 2 at 0 to 4096", "1m0s got 2 to 4096")
		stop()
	})
}

// TestQueuedFetchWaits: a hub that says in time that the want waits for its turn is waited for.
func TestQueuedFetchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		a.wants = []Want{{SHA256: one, Size: wire.Grain}, {SHA256: two, Size: wire.Grain}}
		d, stop := fetching(t, a, func(v *visit, _ *frames, w *wire.Want) {
			for i := range 4 {
				if w.SHA256 == one {
					time.AfterFunc(time.Duration(59*(i+1))*time.Second, func() { v.send(&wire.Queued{SHA256: two}, &wire.Queued{SHA256: one}) })
				}
			}
		})
		<-time.After(5 * time.Minute)
		same(t, d.of(""), "0s want 1 at 0 to 4096", "4m56s stop 1", "4m56s want 2 at 0 to 4096")
		stop()
	})
}

// TestTheHubIsToldWhenItIsNeeded, again when the plan has changed, and without another want: what is under way stays good.
func TestTheHubIsToldWhenItIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		five := time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)
		a := newAgent()
		a.wants = []Want{{SHA256: one, Size: 2 * wire.Grain, Due: five}}
		d, stop := fetching(t, a, func(_ *visit, out *frames, w *wire.Want) { out.add(t, wire.Chunk{SHA256: one, Data: grains(1)}) })
		<-time.After(time.Second)
		for _, at := range []time.Time{five, five.Add(-time.Hour)} {
			a.change("wants", func() { a.wants[0].Due = at })
			<-time.After(time.Second)
		}
		same(t, d.of(""), "0s want 1 at 0 to 8192, due 05:00", "0s got 1 to 4096", "2s got 1 to 0, due 04:00")
		stop()
	})
}

func TestPartOfUnknownSizeIsBounded(t *testing.T) {
	f := fetch{want: Want{SHA256: one}}
	if f.check(maxPart, false) != nil || f.check(maxPart+1, true) == nil {
		t.Error("a part of unknown size is not bounded")
	}
}

func TestWindow(t *testing.T) {
	tests := map[string]struct {
		rate float64
		want int64
	}{
		"unknown":          {0, firstWindow},
		"2 KB/s":           {2000, wire.MinWindow},
		"10 KB/s":          {10_000, 4 * wire.Grain},
		"100 KB/s":         {100_000, 48 * wire.Grain},
		"fibre":            {1e9, wire.MaxWindow},
		"hardly anything ": {1, wire.MinWindow},
	}
	for name, test := range tests {
		if got := (&Meter{rate: test.rate}).Window(); got != test.want {
			t.Errorf("%s: %d, not %d", name, got, test.want)
		}
	}
}

// TestMeterFindsTheLine simulates lines: a window is sent, travels, and is acknowledged.
func TestMeterFindsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(3000, 5e6).Draw(t, "bytes per second")
		trip := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(800*time.Millisecond)).Draw(t, "round trip"))
		now := time.Unix(0, 0)
		m := &Meter{}
		m.Begin(now)
		var window int64
		for range 60 {
			window = m.Window()
			now = now.Add(trip + time.Duration(float64(window)/rate*float64(time.Second)))
			m.Add(int(window), now)
		}
		if most := max(2*rate, wire.MinWindow); float64(window) > most {
			t.Fatalf("window %d is more than 2 s of %.0f bytes/s", window, rate)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := Backoff{rand: func(n int64) int64 { return n - 1 }}
	var spans []string
	for _, lasted := range []time.Duration{0, 0, 0, 0, 0, 0, 59 * time.Second, time.Minute, 0} {
		spans = append(spans, b.Next(lasted).Round(100*time.Millisecond).String())
	}
	want := "[2.1s 4.1s 8.1s 16.1s 30.1s 30.1s 30.1s 2.1s 4.1s]"
	if got := fmt.Sprint(spans); got != want {
		t.Errorf("waits at most %s, not %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		var b Backoff
		for range rapid.IntRange(1, 20).Draw(t, "failures") {
			if w := b.Next(0); w < 100*time.Millisecond || w > maxWait+100*time.Millisecond {
				t.Fatalf("waits %v", w)
			}
		}
	})
}

// credited is a hub's stream of one blob: it sends frames while they fit the window.
type credited struct {
	mu                        sync.Mutex
	size, sent, acked, window int64
}

func (c *credited) hear(m wire.Message) {
	switch m := m.(type) {
	case *wire.Want:
		c.size, c.sent, c.acked, c.window = m.End, m.Offset, m.Offset, m.Window
	case *wire.Got:
		c.acked, c.window = m.Offset, m.Window
	}
}

func (c *credited) fill(t *testing.T, v *visit, out *frames) {
	for c.sent < c.size {
		frame := min(max(c.window/2, wire.Grain)/wire.Grain*wire.Grain, wire.MaxChunk, c.size-c.sent)
		if c.sent+frame > c.acked+c.window {
			break
		}
		out.add(t, wire.Chunk{SHA256: one, Offset: c.sent, Data: grains(int(frame / wire.Grain)), Last: c.sent+frame == c.size})
		c.sent += frame
	}
	v.conn.Wake()
}

// TestLimitHoldsBackTheCredit fetches under a limit on a fast line: no more comes than is paid for and 2 s ahead;
// without its limit the rest comes at once.
func TestLimitHoldsBackTheCredit(t *testing.T) {
	const limit, size = 16 << 10, 8 << 20
	synctest.Test(t, func(t *testing.T) {
		a, c := newAgent(), &credited{}
		a.wants = []Want{{SHA256: one, Size: size, Limit: limit}}
		began := time.Now()
		_, stop := start(t, a, func(v *visit, out *frames) error {
			if err := v.greet(); err != nil {
				return err
			}
			for {
				m, err := v.next()
				if err != nil {
					return err
				}
				c.mu.Lock()
				c.hear(m)
				c.fill(t, v, out)
				since := time.Since(began)
				if most := int64(since.Seconds()*limit) + 2*limit; c.sent > most && since < time.Minute {
					t.Errorf("%d bytes came in %v, want at most %d", c.sent, since, most)
				}
				c.mu.Unlock()
			}
		})
		<-time.After(time.Minute - time.Millisecond)
		c.mu.Lock()
		if least := int64(55 * limit); c.sent < least {
			t.Errorf("only %d bytes came in a minute, want at least %d", c.sent, least)
		}
		c.mu.Unlock()
		<-time.After(time.Millisecond)
		a.change("wants", func() { a.wants[0].Limit = 0 })
		<-time.After(time.Second)
		stop()
		if len(a.kept[one]) != size {
			t.Errorf("a second after its limit was lifted %d bytes have come", len(a.kept[one]))
		}
	})
}

// TestLimitIsForAllBlobsTogether: many small files do not each begin with a window of their own.
func TestLimitIsForAllBlobsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgent()
		for _, name := range []byte("123456789") {
			a.wants = append(a.wants, Want{SHA256: broadcast.Hash(bytes.Repeat([]byte{name}, 64)), Size: wire.Grain, Limit: wire.Grain})
		}
		d, stop := fetching(t, a, func(_ *visit, out *frames, w *wire.Want) {
			out.add(t, wire.Chunk{SHA256: w.SHA256, Data: grains(1), Last: true})
		})
		<-time.After(3500 * time.Millisecond)
		stop()
		same(t, d.of("want"), "0s want 1 at 0 to 4096", "1s want 2 at 0 to 4096", "2s want 3 at 0 to 4096", "3s want 4 at 0 to 4096")
	})
}
