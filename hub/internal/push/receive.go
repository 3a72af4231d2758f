package push

import (
	"context"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// errProtocol ends a session whose agent breaks the protocol.
var errProtocol = errors.New("agent breaks the protocol")

// serve reads until the connection ends. One message at a time: an agent that asks for much waits for itself,
// and one that asks too often is kept to its pace.
func (s *session) serve(ctx context.Context) error {
	for {
		_, data, err := s.conn.Read()
		if err != nil {
			return err
		}
		count(s.hub.o.Metrics.Messages, 1)
		do := s.aside
		if wire.IsGot(data) { // as many as the line is fast, and little work
			do = s.guarded
		}
		if err := do(func() error { return s.take(ctx, data) }); err != nil {
			return err
		}
	}
}

// take handles one message.
func (s *session) take(ctx context.Context, data []byte) error {
	m, err := wire.Decode(data)
	if got, _ := m.(*wire.Got); err == nil && (got == nil || !got.Due.IsZero()) {
		if err := s.pace.wait(ctx); err != nil {
			return err
		}
	}
	if err == nil {
		err = s.receive(m)
	}
	switch {
	case errors.Is(err, wsconn.ErrClosed), errors.Is(err, wsconn.ErrSlow):
		return err
	case err != nil:
		s.conn.Close(wsconn.CloseProtocol, "PROTOCOL")
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}

func (s *session) receive(m wire.Message) error {
	fleet := s.hub.o.Fleet
	switch m := m.(type) {
	case *wire.Time:
		return s.signTime(m)
	case *wire.PlanState:
		fleet.PlanState(s.agent, *m)
		s.planState(m)
	case *wire.Status:
		fleet.Status(s.agent, m.Status)
	case *wire.Holdings:
		fleet.Holdings(s.agent, *m)
	case *wire.Plays:
		return s.takePlays(m.Records)
	case *wire.Decisions:
		return s.takeDecisions(m.Items)
	case *wire.Want:
		return s.startStream(m)
	case *wire.Got:
		s.outgoing.got(m)
		if !m.Due.IsZero() {
			s.outgoing.hasten(m.SHA256, m.Due, s.urgent(m.SHA256))
		}
		s.conn.Serve()
	case *wire.StopWant:
		s.outgoing.stop(m.SHA256)
		s.conn.Wake() // another stream may have room now
	case *wire.OrderState:
		if s.hub.o.Orders != nil {
			s.hub.o.Orders.OrderState(s.agent, *m)
		}
	case *wire.Bye:
		s.conn.Close(wsconn.CloseNormal, "")
	case *wire.Unknown:
		count(s.hub.o.Metrics.Unknown, 1)
	default:
		return fmt.Errorf("message %s is not for a hub", m.Type())
	}
	return nil
}

func (s *session) signTime(m *wire.Time) error {
	if len(m.Nonce) == 0 {
		return errors.New("time has no nonce")
	}
	ctx, cancel := call()
	defer cancel()
	envelope, err := s.hub.o.Time.SignTime(ctx, s.agent, m.Nonce)
	if err != nil {
		s.log().Error("time not signed", "err", err)
		return nil
	}
	return s.send(&wire.Time{Envelope: envelope})
}

// takePlays acknowledges only what is committed; the agent keeps and sends the others again.
func (s *session) takePlays(plays []broadcast.Play) error {
	ctx, cancel := call()
	defer cancel()
	count(s.hub.o.Metrics.Plays, len(plays))
	acked, err := s.hub.o.Plays.Insert(ctx, s.agent, plays)
	if err != nil {
		s.log().Error("play records not kept", "records", len(plays), "err", err)
	}
	// An empty answer too: it tells the agent that the hub has done what it could.
	return s.send(&wire.PlaysAck{IDs: acked})
}

// takeDecisions acknowledges only what is committed, as takePlays does.
func (s *session) takeDecisions(made []wire.Decision) error {
	if s.hub.o.Decided == nil {
		return nil
	}
	ctx, cancel := call()
	defer cancel()
	acked, err := s.hub.o.Decided.Take(ctx, s.agent, made)
	if err != nil {
		s.log().Error("decisions not kept", "decisions", len(made), "err", err)
	}
	return s.send(&wire.DecisionsAck{IDs: acked})
}

func (s *session) startStream(m *wire.Want) error {
	ctx, cancel := call()
	defer cancel()
	s.outgoing.stop(m.SHA256)
	if allow := s.hub.o.Allow; allow != nil && !allow(ctx, s.agent, m.SHA256) {
		s.log().Warn("blob is not for this agent", "sha256", m.SHA256)
		return s.send(&wire.Gone{SHA256: m.SHA256})
	}
	blob, err := s.hub.o.Blobs.Open(ctx, m.SHA256)
	if err != nil {
		if !errors.Is(err, store.ErrNoBlob) {
			s.log().Error("blob not opened", "sha256", m.SHA256, "err", err)
		}
		return s.send(&wire.Gone{SHA256: m.SHA256})
	}
	if size := blob.Size(); m.Offset > size || m.End > size || m.End != size && m.End%wire.Grain != 0 {
		_ = blob.Close() // read only
		return s.send(&wire.Gone{SHA256: m.SHA256})
	}
	err = s.outgoing.start(m, blob, s.urgent(m.SHA256))
	if err != nil {
		_ = blob.Close() // read only
		return err
	}
	s.conn.Wake()
	return nil
}

// urgent tells whether a bulletin needs a blob. The hub itself knows: an agent cannot say so.
func (s *session) urgent(sha256 broadcast.Hash) bool {
	if s.outgoing.limit == nil || s.hub.o.Urgent == nil {
		return false
	}
	ctx, cancel := call()
	defer cancel()
	return s.hub.o.Urgent(ctx, sha256)
}
