// Package fleet simulates agents: it takes identities that a hub knows and holds that many connections to it, each an
// agent's as far as the hub can tell (wire, wsconn, seal): it proves its key, follows trust documents, verifies plan
// heads and orders against its floors, and answers. It plays nothing and fetches nothing. Each agent has a goroutine that
// reads and one that writes; Run waits for all of them.
package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// dialling bounds handshakes at once: a storm of them is another measurement.
const dialling = 32

// Identity of an agent.
type Identity struct {
	ID  string
	Key ed25519.PrivateKey
}

// Options of a Fleet.
type Options struct {
	Hub    string // http address
	Agents []Identity
	Trust  []byte // envelope of the trust document that all of them pinned

	// Ordered is called by an agent that verified an order, from its goroutine; nil for none.
	Ordered func(agent string, o seal.Order, at mono.Instant)
}

// Fleet is agents in one process.
type Fleet struct {
	o         Options
	trust     *seal.Trust
	connected atomic.Int64
	planned   atomic.Int64 // agents that have a plan
	slots     chan struct{}

	mu    sync.Mutex
	conns map[string]*wsconn.Conn // of those that are greeted
}

// New makes a fleet; nothing connects before Run.
func New(o Options) (*Fleet, error) {
	trust, err := seal.PinTrust(o.Trust)
	if err != nil {
		return nil, fmt.Errorf("pin trust document: %w", err)
	}
	return &Fleet{o: o, trust: trust, slots: make(chan struct{}, dialling), conns: map[string]*wsconn.Conn{}}, nil
}

// Connected is how many agents are greeted.
func (f *Fleet) Connected() int { return int(f.connected.Load()) }

// Planned is how many agents have verified a plan head.
func (f *Fleet) Planned() int { return int(f.planned.Load()) }

// Say has an agent that is greeted tell its status, as the real one does every 15 s and at each change.
func (f *Fleet) Say(id string, s broadcast.Status) error {
	f.mu.Lock()
	conn := f.conns[id]
	f.mu.Unlock()
	if conn == nil {
		return fmt.Errorf("agent %s is not connected", id)
	}
	data, err := wire.Encode(&wire.Status{Status: s})
	if err != nil {
		return err
	}
	return conn.Send(data)
}

func (f *Fleet) greeted(id string, conn *wsconn.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns[id] = conn
}

// Run keeps the connections until ctx ends, or one fails.
func (f *Fleet) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, who := range f.o.Agents {
		wg.Go(func() {
			a := &agent{fleet: f, Identity: who, trust: f.trust}
			if err := a.run(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("agent %s: %w", who.ID, err))
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// agent is one connection.
type agent struct {
	Identity
	fleet  *Fleet
	conn   *wsconn.Conn
	trust  *seal.Trust
	floors seal.Floors
}

func (a *agent) run(ctx context.Context) error {
	select {
	case a.fleet.slots <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	greeted := sync.OnceFunc(func() { <-a.fleet.slots })
	defer greeted()
	conn, err := wsconn.Dial(ctx, "ws"+a.fleet.o.Hub[len("http"):]+wire.LinkPath, wsconn.DialOptions{Options: wsconn.AgentOptions()})
	if err != nil {
		return err
	}
	a.conn = conn
	return conn.Run(ctx, nil, func(context.Context) error {
		if err := a.greet(); err != nil {
			return err
		}
		greeted()
		a.fleet.greeted(a.ID, conn)
		a.fleet.connected.Add(1)
		defer a.fleet.connected.Add(-1)
		for {
			_, data, err := conn.Read()
			if err != nil {
				return err
			}
			if err := a.take(data); err != nil {
				return err
			}
		}
	})
}

func (a *agent) greet() error {
	challenge, err := read[*wire.Challenge](a.conn)
	if err != nil {
		return err
	}
	hello := &wire.Hello{Agent: a.ID, Nonce: make([]byte, wire.NonceSize), Software: "fleet", OS: "none", TrustVersion: a.trust.Version()}
	_, _ = rand.Read(hello.Nonce) // never fails
	hello.Prove(challenge, a.Key)
	if err := a.send(hello); err != nil {
		return err
	}
	if _, err = read[*wire.Welcome](a.conn); err != nil {
		return err
	}
	return a.send(&wire.Status{Status: broadcast.Status{At: time.Now(), Software: "fleet"}})
}

func read[M wire.Message](conn *wsconn.Conn) (m M, err error) {
	_, data, err := conn.Read()
	if err != nil {
		return m, err
	}
	got, err := wire.Decode(data)
	if err != nil {
		return m, err
	}
	if m, ok := got.(M); ok {
		return m, nil
	}
	return m, fmt.Errorf("the hub sent %s where %T belongs", got.Type(), m)
}

func (a *agent) send(m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return a.conn.Send(data)
}

func (a *agent) take(data []byte) error {
	m, err := wire.Decode(data)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *wire.Order:
		return a.order(m.Envelope, mono.Now())
	case *wire.Plan:
		return a.plan(m.Envelope)
	case *wire.Trust:
		next, err := seal.AcceptTrusts(a.trust, m.Envelopes, time.Now())
		if err != nil {
			return err
		}
		a.trust = next
	}
	return nil
}

func (a *agent) order(envelope []byte, at mono.Instant) error {
	o, floors, err := seal.OpenOrder(a.trust, envelope, seal.Listener{Agent: a.ID}, a.floors, time.Now())
	if err == nil {
		a.floors = floors
		if a.fleet.o.Ordered != nil {
			a.fleet.o.Ordered(a.ID, o, at)
		}
	}
	digest := sha256.Sum256(envelope)
	return a.send(&wire.OrderState{SHA256: broadcast.Hash(hex.EncodeToString(digest[:])), Code: string(seal.CodeOf(err))})
}

func (a *agent) plan(envelope []byte) error {
	head, floor, err := seal.OpenVersioned(a.trust, seal.Expect{Role: seal.Planner, Type: seal.TypePlanHead, Audience: a.ID, Floor: a.floors.Head,
		Now: time.Now()}, envelope, func(h broadcast.Head) seal.Header {
		return seal.Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
	})
	if err != nil {
		return a.send(&wire.PlanState{State: wire.PlanRefused, Code: string(seal.CodeOf(err))})
	}
	if a.floors.Head.Version == 0 {
		a.fleet.planned.Add(1)
	}
	a.floors = a.floors.Merge(seal.Floors{Head: floor})
	return a.send(&wire.PlanState{Version: head.Version, State: wire.PlanActive})
}
