package push

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
	"github.com/loa-vn/loa/internal/wsconn/pipe"
)

// join makes a peer one of agent-10 to agent-49.
func (w *world) join(t *testing.T, n int) *peer {
	t.Helper()
	p := w.dial(t)
	p.be(byte(n))
	return p
}

// blob is audio of a size, named by a letter.
func (w *world) blob(name string, size int) broadcast.Hash {
	w.mu.Lock()
	defer w.mu.Unlock()
	sha256 := broadcast.Hash(strings.Repeat(name, 64))
	w.blobs[sha256] = noise(size)
	return sha256
}

// fetch wants a blob and takes all of it; frame hears of each frame's bytes.
func (p *peer) fetch(sha256 broadcast.Hash, due time.Time, frame func(int)) {
	p.send(&wire.Want{SHA256: sha256, Window: wire.MaxWindow, Due: due})
	for m := range p.messages {
		switch m := m.(type) {
		case wire.Chunk:
			frame(len(m.Data))
			if m.Last {
				return
			}
			data, err := wire.Encode(&wire.Got{SHA256: sha256, Offset: m.Offset + int64(len(m.Data))})
			if err != nil {
				p.t.Error(err)
			}
			if err := p.conn.Send(data); err != nil {
				return // the test is over
			}
		case error:
			return
		}
	}
}

// TestTheLineOfAllAgents: over real connections, no more comes to all agents together than the limit, each has as much.
func TestTheLineOfAllAgents(t *testing.T) {
	const limit, agents, size = 4 << 20, 16, 512 << 10
	w := newWorldWith(t, nil, func(o *Options) { o.Limit = limit })
	song, due := w.blob("a", size), time.Now().Add(time.Hour)
	peers := make([]*peer, agents)
	for i := range peers {
		peers[i] = w.join(t, 10+i)
	}
	began := time.Now()
	var sum atomic.Int64
	var all sync.WaitGroup
	got := make([]atomic.Int64, agents)
	for i, p := range peers {
		all.Go(func() {
			p.fetch(song, due, func(n int) {
				got[i].Add(int64(n))
				// A frame goes at the instant of its turn at the earliest.
				if most := limit*time.Since(began).Seconds() + limit/8; float64(sum.Add(int64(n))) > most {
					t.Errorf("after %v %d bytes have come, of %.0f", time.Since(began), sum.Load(), most)
				}
			})
		})
	}
	all.Wait()
	if least := time.Duration(float64(agents*size-limit/8) / limit * float64(time.Second)); time.Since(began) < least {
		t.Errorf("all came in %v, which takes %v", time.Since(began), least)
	}
	for i := range got {
		if n := got[i].Load(); n != size {
			t.Errorf("agent %d got %d bytes", i, n)
		}
	}
	if n := w.hub.Queued(); n != 0 {
		t.Errorf("%d agents wait for nothing", n)
	}
}

// TestSoonestSlotFirst: when the line is short, who needs its audio soonest has it first.
func TestSoonestSlotFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const agents, size = 24, 4 * wire.Grain
		w := newWorldWith(t, pipe.Listen(), func(o *Options) { o.Limit = minLimit })
		song := w.blob("a", size)
		peers := make([]*peer, agents)
		for i := range peers {
			peers[i] = w.join(t, 10+i)
		}
		var mu sync.Mutex
		var whole []int // who has it, by how many are due before
		var all sync.WaitGroup
		began := time.Now()
		for i, p := range peers {
			place := i * 7 % agents
			all.Go(func() {
				p.fetch(song, began.Add(time.Duration(1+place)*time.Minute), func(int) {})
				mu.Lock()
				defer mu.Unlock()
				whole = append(whole, place)
			})
		}
		all.Wait()
		// As many as there are shares are served at once.
		for i := 0; i < agents; i += shares {
			together := slices.Sorted(slices.Values(whole[i : i+shares]))
			if together[0] != i || together[shares-1] != i+shares-1 {
				t.Errorf("served in the order %v", whole)
				break
			}
		}
		if took, least := time.Since(began), time.Duration(agents*size/minLimit)*time.Second-time.Second; took < least {
			t.Errorf("all came in %v", took)
		}
	})
}

// crowd has agents fetch for as long as the test lasts, so that whoever else wants something waits for hours.
func (w *world) crowd(t *testing.T, n int) {
	t.Helper()
	big := w.blob("c", 16<<20)
	var all sync.WaitGroup
	t.Cleanup(all.Wait) // after the ends of their connections
	for i := range n {
		p := w.join(t, 10+i)
		all.Go(func() { p.fetch(big, time.Now(), func(int) {}) })
	}
	synctest.Wait()
}

// TestNothingElseWaits: while an agent waits for its turn it is told so, orders and messages come at once, and so does
// what a bulletin needs, also what was wanted before.
func TestNothingElseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var urgent atomic.Value
		urgent.Store(broadcast.Hash(""))
		w := newWorldWith(t, pipe.Listen(), func(o *Options) {
			o.Limit = minLimit
			o.Urgent = func(_ context.Context, sha256 broadcast.Hash) bool { return sha256 == urgent.Load() }
		})
		w.crowd(t, 30)
		song, flood := w.blob("a", 1<<20), w.blob("b", 1<<20)
		p := w.greet(t)
		tomorrow := time.Now().Add(20 * time.Hour)
		p.send(&wire.Want{SHA256: song, Window: wire.MaxWindow, Due: tomorrow})
		began := time.Now()
		for range 3 {
			if m, _ := (<-p.messages).(*wire.Queued); m == nil || m.SHA256 != song {
				t.Errorf("told %+v", m)
			}
		}
		if waited := time.Since(began); waited < 3*queuedAfter || waited > 80*time.Second {
			t.Errorf("told three times within %v", waited)
		}

		asked := time.Now()
		p.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
		next[*wire.Time](p)
		if w.hub.Order([]byte("speak"), []string{"agent-1"}) != 1 {
			t.Error("order not sent")
		}
		next[*wire.Order](p)
		urgent.Store(flood)
		p.send(&wire.StopWant{SHA256: song})
		p.fetch(flood, time.Time{}, func(int) {})

		p.send(&wire.Want{SHA256: song, Window: 1 << 18, Due: tomorrow})
		p.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
		next[*wire.Time](p) // the want was taken
		p.quiet()
		urgent.Store(song)
		p.send(&wire.Got{SHA256: song, Due: time.Now().Add(-time.Second)})
		if c := next[wire.Chunk](p); c.SHA256 != song || c.Offset != 0 {
			t.Errorf("got %s at %d", c.SHA256, c.Offset)
		}
		if waited := time.Since(asked); waited != 0 {
			t.Errorf("all that took %v", waited)
		}
	})
}

// TestWhoEndsLeavesTheQueue, by a stopped want and by an ended connection.
func TestWhoEndsLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, pipe.Listen(), func(o *Options) { o.Limit = minLimit })
		song := w.blob("a", 1<<20)
		before := w.greet(t)
		before.send(&wire.Want{SHA256: song, Window: wire.MaxWindow})
		next[wire.Chunk](before)
		synctest.Wait()
		if n := w.hub.Queued(); n != 1 {
			t.Errorf("%d wait", n)
		}
		before.send(&wire.StopWant{SHA256: song})
		synctest.Wait()
		if n := w.hub.Queued(); n != 0 {
			t.Errorf("after a stop %d wait", n)
		}
		before.send(&wire.Want{SHA256: song, Window: wire.MaxWindow})
		synctest.Wait()
		if n := w.hub.Queued(); n != 1 {
			t.Errorf("%d wait", n)
		}
		before.conn.Abort(wsconn.ErrClosed)
		synctest.Wait()
		if n := w.hub.Queued(); n != 0 {
			t.Errorf("after the connection's end %d wait", n)
		}
	})
}

// TestWithoutALimitNothingIsMade: a connection with nothing to send costs nothing.
func TestWithoutALimitNothingIsMade(t *testing.T) {
	h := New(Options{})
	s := streams{frames: h.frames, metrics: &h.o.Metrics}
	blob := memory{bytes.NewReader(noise(wire.Grain)), &world{open: 1}}
	if err := s.start(&wire.Want{SHA256: song, Window: wire.MaxWindow}, blob, false); err != nil {
		t.Fatal(err)
	}
	if frame, err := s.NextFrame(); err != nil || len(frame) != wire.HeaderSize+wire.Grain {
		t.Fatalf("a frame of %d bytes: %v", len(frame), err)
	}
	made := testing.AllocsPerRun(1000, func() {
		if frame, err := s.NextFrame(); frame != nil || err != nil {
			t.Error("another frame")
		}
	})
	if made != 0 {
		t.Errorf("%v allocations", made)
	}
}
