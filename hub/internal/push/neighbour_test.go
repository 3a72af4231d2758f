package push

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

func TestPace(t *testing.T) {
	var p pace
	now := time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)
	for i := range messagesBurst {
		if d := p.next(now); d != 0 {
			t.Fatalf("message %d waits %v", i, d)
		}
	}
	if d := p.next(now); d != time.Second/messagesPerS {
		t.Errorf("the first beyond the burst waits %v", d)
	}
	if d := p.next(now.Add(time.Minute)); d != 0 {
		t.Errorf("after a minute it waits %v", d)
	}
}

// A neighbour that is slow, lies or floods costs only itself: the other agent has its answers all the time, and at the
// end the hub holds nothing of the bad one.
func TestABadNeighbourCostsOnlyItself(t *testing.T) {
	raw := func(p *peer, data string) error { return p.conn.Send([]byte(data)) }
	neighbours := map[string]func(t *testing.T, w *world, p *peer){
		"says nothing": func(*testing.T, *world, *peer) {},
		"claims to be its neighbour": func(_ *testing.T, _ *world, p *peer) {
			p.send(hello(next[*wire.Challenge](p), agentKey(10))) // with a key of its own
		},
		"proves another challenge": func(_ *testing.T, _ *world, p *peer) {
			next[*wire.Challenge](p)
			h := &wire.Hello{Agent: "agent-10", Nonce: make([]byte, wire.NonceSize)}
			h.Prove(&wire.Challenge{Nonce: make([]byte, wire.NonceSize)}, agentKey(10))
			p.send(h)
		},
		"speaks no JSON": func(_ *testing.T, _ *world, p *peer) { p.be(10); _ = raw(p, "\xff\xfe") },
		"sends more than a message holds": func(_ *testing.T, _ *world, p *peer) {
			p.be(10)
			_ = raw(p, `{"type":"bye","body":{"code":"`+strings.Repeat("x", wire.MaxControl)+`"}}`)
		},
		"floods": func(t *testing.T, _ *world, p *peer) {
			p.be(10)
			began := time.Now()
			for range 11 {
				for range 99 {
					_ = raw(p, `{"type":"mood","body":{}}`)
				}
				p.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)}) // until it was read
				next[*wire.Time](p)
			}
			if took := time.Since(began); took < time.Second {
				t.Errorf("%d messages were taken in %v", 11*100, took)
			}
		},
		"asks for a great deal and reads nothing": func(t *testing.T, w *world, p *peer) {
			p.be(10)
			data := bytes.Repeat([]byte("loa"), 4<<20)
			sha := broadcast.Hash(strings.Repeat("ab", 32))
			w.mu.Lock()
			w.blobs[sha] = data
			w.mu.Unlock()
			p.send(&wire.Want{SHA256: sha, Window: wire.MaxWindow})
			for range 1000 { // and never says that it got anything
				if w.hub.Order(make([]byte, 30_000), []string{"agent-10"}) == 0 {
					return
				}
			}
			t.Error("it is sent to for ever")
		},
		"says that it got what it never asked for": func(_ *testing.T, _ *world, p *peer) {
			p.be(10)
			p.send(&wire.Got{SHA256: broadcast.Hash(strings.Repeat("cd", 32)), Offset: 1 << 40})
		},
	}
	for name, misbehave := range neighbours {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			good := w.greet(t)
			bad := w.dialSlow(t, 2)
			ended := make(chan struct{})
			go func() { defer close(ended); misbehave(t, w, bad) }()
			var worst time.Duration
			for i, over := byte(0), false; !over; i++ {
				select {
				case <-ended:
					over = true
				default:
				}
				began := time.Now()
				good.send(&wire.Time{Nonce: bytes.Repeat([]byte{i}, wire.NonceSize)})
				if m := next[*wire.Time](good); m.Envelope[len(m.Envelope)-1] != i {
					t.Fatal("another's answer")
				}
				worst = max(worst, time.Since(began))
			}
			if worst > 2*time.Second {
				t.Errorf("the neighbour waited %v", worst)
			}
			bad.cancel()
			bad.conn.Abort(wsconn.ErrClosed)
			<-ended
			w.await(t, "the end of the bad one", func() bool { return len(w.online) == 1 })
			good.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
			next[*wire.Time](good)
		})
	}
}

// be makes a peer one of agent-10 to agent-49, past its welcome.
func (p *peer) be(n byte) {
	h := &wire.Hello{Agent: fmt.Sprintf("agent-%d", n), Nonce: make([]byte, wire.NonceSize), Software: "test"}
	h.Prove(next[*wire.Challenge](p), agentKey(n))
	p.send(h)
	next[*wire.Welcome](p)
}
