package fleet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/agenttest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// agent is one simulated agent, over all its connections.
type agent struct {
	Identity
	Manner
	fleet  *Fleet
	from   net.IP
	trust  *seal.Trust
	floors seal.Floors
	plan   wire.Hello // what it says of its plan when it greets
	nonce  []byte     // of the question for the time, nil once it was answered
	early  []byte     // a plan head that came before the answer

	mu       sync.Mutex
	conn     *wsconn.Conn // while it is greeted
	outbox   map[string]broadcast.Play
	fetching *fetch
	meter    agenttest.Meter // of the connection's line
}

// errFlap ends a connection whose line is a bad one.
var errFlap = errors.New("the line broke")

// run connects, again and again.
func (a *agent) run(ctx context.Context) {
	select {
	case a.fleet.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	first := sync.OnceFunc(func() { <-a.fleet.slots })
	defer first()
	var wait agenttest.Backoff
	for {
		began := time.Now()
		err := a.connect(ctx, first)
		first()
		if ctx.Err() != nil {
			return
		}
		if a.fleet.o.Lost != nil {
			a.fleet.o.Lost(a.ID, err)
		}
		again := time.NewTimer(wait.Next(time.Since(began)))
		select {
		case <-again.C:
		case <-ctx.Done():
		}
		again.Stop()
	}
}

// connect is one connection, from dial to end; greeted is called when the hub knows it.
func (a *agent) connect(ctx context.Context, greeted func()) error {
	conn, err := wsconn.Dial(ctx, "ws"+a.fleet.o.Hub[len("http"):]+wire.LinkPath, wsconn.DialOptions{Options: wsconn.AgentOptions(),
		TLS: a.fleet.o.TLS, NetDial: a.dial})
	if err != nil {
		return err
	}
	return conn.Run(ctx, nil, func(context.Context) error {
		if err := a.greet(conn); err != nil {
			return err
		}
		greeted()
		if a.Flap > 0 {
			defer time.AfterFunc(a.Flap, func() { conn.Abort(errFlap) }).Stop()
		}
		if err := a.online(conn); err != nil {
			return err
		}
		defer a.offline()
		for {
			kind, data, err := conn.Read()
			if err != nil {
				return err
			}
			if kind == wsconn.Frame {
				err = a.frame(conn, data)
			} else {
				err = a.take(conn, data)
			}
			if err != nil {
				return err
			}
			if a.Pause > 0 {
				if err := pass(ctx, a.Pause); err != nil {
					return err
				}
			}
		}
	})
}

func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// now is its clock.
func (a *agent) now() time.Time { return time.Now().Add(a.Skew) }

func (a *agent) greet(conn *wsconn.Conn) error {
	challenge, err := read[*wire.Challenge](conn)
	if err != nil {
		return err
	}
	hello := a.plan
	hello.Agent, hello.Nonce, hello.Software, hello.OS, hello.TrustVersion = a.ID, make([]byte, wire.NonceSize), "fleet", "none", a.trust.Version()
	_, _ = rand.Read(hello.Nonce) // never fails
	hello.Prove(challenge, a.Key)
	if err := send(conn, &hello); err != nil {
		return err
	}
	if _, err = read[*wire.Welcome](conn); err != nil {
		return err
	}
	a.nonce, a.early = make([]byte, wire.NonceSize), nil
	_, _ = rand.Read(a.nonce) // never fails
	return errors.Join(send(conn, &wire.Time{Nonce: a.nonce}), send(conn, &wire.Status{Status: broadcast.Status{At: a.now(), Software: "fleet"}}))
}

// online sends what the outbox has.
func (a *agent) online(conn *wsconn.Conn) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn, a.meter = conn, agenttest.Meter{}
	a.fleet.connected.Add(1)
	if len(a.outbox) == 0 {
		return nil
	}
	return send(conn, &wire.Plays{Records: slices.Collect(maps.Values(a.outbox))})
}

func (a *agent) offline() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = nil
	a.fetched(errBroken)
	a.fleet.connected.Add(-1)
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

func send(conn *wsconn.Conn, m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return conn.Send(data)
}

func (a *agent) take(conn *wsconn.Conn, data []byte) error {
	m, err := wire.Decode(data)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *wire.Time:
		told, err := seal.OpenTime(a.trust, m.Envelope, a.nonce, a.ID)
		if err != nil {
			return err
		}
		a.Skew, a.nonce = time.Until(told), nil
		if a.early != nil {
			early := a.early
			a.early = nil
			return a.accept(conn, early)
		}
	case *wire.Order:
		return a.order(conn, m.Envelope, mono.Now())
	case *wire.Plan:
		if a.nonce != nil { // by its own clock it may not be valid yet
			a.early = m.Envelope
			return nil
		}
		return a.accept(conn, m.Envelope)
	case *wire.Trust:
		next, err := seal.AcceptTrusts(a.trust, m.Envelopes, a.now())
		if err != nil {
			return err
		}
		a.trust = next
	case *wire.PlaysAck:
		a.acknowledged(m.IDs)
	case *wire.Gone:
		a.gone(m.SHA256)
	}
	return nil
}

func (a *agent) acknowledged(ids []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := len(a.outbox)
	for _, id := range ids {
		delete(a.outbox, id)
	}
	a.fleet.owed.Add(int64(len(a.outbox) - before))
}

func (a *agent) order(conn *wsconn.Conn, envelope []byte, at mono.Instant) error {
	o, floors, err := seal.OpenOrder(a.trust, envelope, seal.Listener{Agent: a.ID}, a.floors, a.now())
	if err == nil {
		a.floors = floors
		if a.fleet.o.Ordered != nil {
			a.fleet.o.Ordered(a.ID, o, at)
		}
	}
	digest := sha256.Sum256(envelope)
	return send(conn, &wire.OrderState{SHA256: broadcast.Hash(hex.EncodeToString(digest[:])), Code: string(seal.CodeOf(err))})
}

// accept verifies a plan head and takes it for what it plays by.
func (a *agent) accept(conn *wsconn.Conn, envelope []byte) error {
	head, floor, err := seal.OpenVersioned(a.trust, seal.Expect{Role: seal.Planner, Type: seal.TypePlanHead, Audience: a.ID, Floor: a.floors.Head,
		Now: a.now()}, envelope, func(h broadcast.Head) seal.Header {
		return seal.Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
	})
	if err != nil {
		return send(conn, &wire.PlanState{State: wire.PlanRefused, Code: string(seal.CodeOf(err))})
	}
	if a.plan.PlanVersion == 0 {
		a.fleet.planned.Add(1)
	}
	a.floors = a.floors.Merge(seal.Floors{Head: floor})
	digest := sha256.Sum256(envelope)
	a.plan.PlanVersion, a.plan.PlanSHA256 = head.Version, broadcast.Hash(hex.EncodeToString(digest[:]))
	return send(conn, &wire.PlanState{Version: head.Version, State: wire.PlanActive})
}
