// Package fleet simulates agents, up to 19,000 in a process: it takes identities that a hub knows and holds that many
// connections to it, each from a loopback address of its own and an agent's as far as the hub can tell (wire, wsconn,
// seal): it proves its key, asks the time, follows trust documents, verifies plan heads and orders against its floors,
// answers, keeps play records until they are acknowledged, and dials again as the real one does. It plays nothing, and
// fetches only the blobs that it is told to, which it checks and forgets. Some may have manners: a slow reader, a slow
// line or one that breaks, a wrong clock. Each agent has a goroutine that reads and one that writes while there is
// something to write; Run waits for all of them.
package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// dialling bounds first connections at once: only who has lost one comes back when it likes.
const dialling = 32

// Identity of an agent.
type Identity struct {
	ID  string
	Key ed25519.PrivateKey
}

// Options of a Fleet.
type Options struct {
	Hub    string      // http or https address on loopback
	TLS    *tls.Config // for https
	Agents []Identity
	Trust  []byte                 // envelope of the trust document that all of them pinned
	Manner func(agent int) Manner // nil: all are as they should be

	// Lost is called when a connection was refused or has ended, but not by Run's end; nil for nobody.
	Lost func(agent string, err error)

	// Ordered is called by an agent that verified an order, from its goroutine; nil for none.
	Ordered func(agent string, o seal.Order, at mono.Instant)
}

// Manner is how an agent differs from one with a good PC on a good line.
type Manner struct {
	Skew  time.Duration // of its clock, until the hub has told it the time
	Pause time.Duration // before it reads the next message
	Flap  time.Duration // after so long its line breaks; 0 for never
	Line  int           // bytes a second that come over its line; 0 for as many as the hub sends
}

// Fleet is agents in one process.
type Fleet struct {
	o         Options
	connected atomic.Int64
	planned   atomic.Int64 // agents that have a plan
	owed      atomic.Int64 // play records that are not acknowledged
	slots     chan struct{}
	agents    map[string]*agent
}

// New makes a fleet; nothing connects before Run.
func New(o Options) (*Fleet, error) {
	trust, err := seal.PinTrust(o.Trust)
	if err != nil {
		return nil, fmt.Errorf("pin trust document: %w", err)
	}
	f := &Fleet{o: o, slots: make(chan struct{}, dialling), agents: map[string]*agent{}}
	for i, who := range o.Agents {
		a := &agent{Identity: who, fleet: f, from: address(i), trust: trust, outbox: map[string]broadcast.Play{}}
		if o.Manner != nil {
			a.Manner = o.Manner(i)
		}
		f.agents[who.ID] = a
	}
	return f, nil
}

// Connected is how many agents are greeted.
func (f *Fleet) Connected() int { return int(f.connected.Load()) }

// Planned is how many agents have verified a plan head.
func (f *Fleet) Planned() int { return int(f.planned.Load()) }

// Owed is how many play records no hub has acknowledged.
func (f *Fleet) Owed() int { return int(f.owed.Load()) }

// Say has an agent that is greeted tell its status, as the real one does every 15 s and at each change.
func (f *Fleet) Say(id string, s broadcast.Status) error {
	a := f.agents[id]
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == nil {
		return fmt.Errorf("agent %s is not connected", id)
	}
	return send(a.conn, &wire.Status{Status: s})
}

// Play puts records into an agent's outbox: they are sent now, and at each later connection, until they are acknowledged.
func (f *Fleet) Play(id string, records ...broadcast.Play) {
	a := f.agents[id]
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range records {
		a.outbox[p.ID] = p
	}
	f.owed.Add(int64(len(records)))
	if a.conn != nil {
		_ = send(a.conn, &wire.Plays{Records: records}) // a connection that has ended sends them anew
	}
}

// Run keeps the connections until ctx ends.
func (f *Fleet) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range f.agents {
		wg.Go(func() { a.run(ctx) })
	}
	wg.Wait()
}

// address is an agent's own, as a hub bounds what comes from one.
func address(i int) net.IP { return net.IPv4(127, byte(1+i/62500), byte(i/250%250), byte(1+i%250)) }
