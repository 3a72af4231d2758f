package link

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// greetTime bounds each step of the handshake.
const greetTime = 20 * time.Second

// session is one connection. Its reader hands what comes to four workers by bounded channels and waits when one
// is full: an honest hub fills none of them.
type session struct {
	l       *Link
	conn    *wsconn.Conn
	goodbye string // code of the hub's bye; only the reader's until it has ended

	frames    chan wire.Chunk // at most two fit a window, four after a change of mind
	gone      chan broadcast.Hash
	queued    chan broadcast.Hash
	documents chan wire.Message // Trust, Plan
	orders    chan []byte
	times     chan timeAnswer
	acks      chan []string
	decided   chan []string
}

type timeAnswer struct {
	envelope []byte
	got      mono.Instant
}

func newSession(l *Link, conn *wsconn.Conn) *session {
	return &session{
		l: l, conn: conn,
		frames: make(chan wire.Chunk, 8), gone: make(chan broadcast.Hash, 8), queued: make(chan broadcast.Hash, 8),
		documents: make(chan wire.Message, 8),
		orders:    make(chan []byte, 8), times: make(chan timeAnswer, 2), acks: make(chan []string, 2), decided: make(chan []string, 2),
	}
}

func (s *session) run(ctx context.Context) error {
	welcome, err := s.greet()
	if err != nil {
		return err
	}
	s.l.connected(welcome)
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, work := range []func(context.Context) error{
		s.takeDocuments, s.takeOrders, newFetcher(s).run, newTalker(s, welcome).run, s.tellDecisions,
	} {
		wg.Go(func() {
			// ErrClosed: the connection is ending in order already.
			if err := work(ctx); err != nil && !errors.Is(err, wsconn.ErrClosed) {
				s.conn.Abort(err)
			}
		})
	}
	err = s.receive(ctx)
	cancel()
	wg.Wait()
	return err
}

// greet proves the agent's key on the hub's nonce.
func (s *session) greet() (*wire.Welcome, error) {
	impatient := time.AfterFunc(greetTime, func() { s.conn.Abort(errors.New("the hub did not greet")) })
	defer impatient.Stop()
	challenge, err := expect[*wire.Challenge](s.conn)
	if err != nil {
		return nil, err
	}
	o := &s.l.o
	hello := &wire.Hello{
		Agent: o.Identity.Agent, Nonce: newNonce(), Software: o.Software, OS: o.OS, Boot: o.Boot,
	}
	hello.PlanVersion, hello.PlanSHA256, hello.TrustVersion = o.Plans.Held()
	hello.Prove(challenge, o.Identity.Key)
	if err := s.send(hello); err != nil {
		return nil, err
	}
	return expect[*wire.Welcome](s.conn)
}

// expect reads the next message, which has to be an M; a refusal is given as the problem it is.
func expect[M wire.Message](conn *wsconn.Conn) (m M, err error) {
	kind, data, err := conn.Read()
	if err != nil {
		return m, err
	}
	if kind != wsconn.Control {
		return m, errors.New("the hub sent a frame during the handshake")
	}
	got, err := wire.Decode(data)
	if err != nil {
		return m, err
	}
	if m, ok := got.(M); ok {
		return m, nil
	}
	switch got := got.(type) {
	case *wire.Refused:
		return m, problem.New(got.Code, 403, got.VI, got.EN)
	case *wire.Bye:
		return m, fmt.Errorf("the hub said bye: %s", got.Code)
	}
	return m, fmt.Errorf("the hub sent %s where %T belongs", got.Type(), m)
}

func newNonce() []byte {
	nonce := make([]byte, wire.NonceSize)
	_, _ = rand.Read(nonce) // never fails
	return nonce
}

func (s *session) send(m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return s.conn.Send(data)
}

// receive reads until the connection ends.
func (s *session) receive(ctx context.Context) error {
	for {
		kind, data, err := s.conn.Read()
		got := mono.Now()
		if err != nil {
			return err
		}
		if kind == wsconn.Frame {
			err = s.receiveFrame(ctx, data)
		} else {
			err = s.receiveControl(ctx, data, got)
		}
		if err != nil {
			s.conn.Close(wsconn.CloseProtocol, "PROTOCOL")
			return err
		}
	}
}

func (s *session) receiveFrame(ctx context.Context, data []byte) error {
	chunk, err := wire.DecodeChunk(append([]byte(nil), data...))
	if err != nil {
		return err
	}
	return hand(ctx, s.frames, chunk)
}

func (s *session) receiveControl(ctx context.Context, data []byte, got mono.Instant) error {
	m, err := wire.Decode(data)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *wire.Plan, *wire.Trust:
		return hand[wire.Message](ctx, s.documents, m)
	case *wire.Order:
		return hand(ctx, s.orders, m.Envelope)
	case *wire.Gone:
		return hand(ctx, s.gone, m.SHA256)
	case *wire.Queued:
		return hand(ctx, s.queued, m.SHA256)
	case *wire.Time:
		return hand(ctx, s.times, timeAnswer{m.Envelope, got})
	case *wire.PlaysAck:
		return hand(ctx, s.acks, m.IDs)
	case *wire.DecisionsAck:
		return hand(ctx, s.decided, m.IDs)
	case *wire.Bye:
		s.goodbye = m.Code
	case *wire.Unknown:
		s.l.o.Log.Debug("message of a newer hub ignored", "type", m.Name)
	default:
		return fmt.Errorf("message %s is not for an agent", m.Type())
	}
	return nil
}

// hand gives v to a worker.
func hand[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return wsconn.ErrClosed
	}
}

// takeDocuments gives sealed documents to the cache, in the order they came, and tells the hub what became of
// the newest head.
func (s *session) takeDocuments(ctx context.Context) error {
	plans := s.l.o.Plans
	told := wire.PlanState{}
	tell := func(now wire.PlanState) error {
		if now == told || now.State == "" {
			return nil
		}
		told = now
		return s.send(&now)
	}
	if err := tell(plans.PlanState()); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-plans.PlanChanged():
			if err := tell(plans.PlanState()); err != nil {
				return err
			}
		case m := <-s.documents:
			switch m := m.(type) {
			case *wire.Trust:
				if err := plans.OfferTrust(ctx, m.Envelopes); err != nil {
					s.l.o.Log.Warn("trust document refused", "err", err)
					told = wire.PlanState{} // as of a head: the hub offers both again
					if err := tell(wire.PlanState{State: wire.PlanRefused, Code: cmp.Or(string(seal.CodeOf(err)), "TRUST_NOT_KEPT")}); err != nil {
						return err
					}
				}
			case *wire.Plan:
				told = wire.PlanState{} // each offer is answered: one that is refused comes again only then
				if err := tell(plans.Offer(ctx, m.Envelope)); err != nil {
					return err
				}
			}
		}
	}
}

// takeOrders has a goroutine of its own, see Orders.
func (s *session) takeOrders(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case envelope := <-s.orders:
			code, log := "ORDER_UNSUPPORTED", []string(nil)
			if s.l.o.Orders != nil {
				code, log = s.l.o.Orders.Order(ctx, envelope)
			}
			digest := sha256.Sum256(envelope)
			state := &wire.OrderState{SHA256: broadcast.Hash(hex.EncodeToString(digest[:])), Code: code, Log: log}
			if err := s.send(state); err != nil {
				return err
			}
		}
	}
}
