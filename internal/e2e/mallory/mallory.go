// Package mallory is the malicious hub of the end-to-end tests: it stands where an agent believes its hub to be, holds
// a genuine connection to that hub on the other side, and so has everything but the keys. It takes what the hub says,
// keeps it, lets through what it is told to, and says to the agent whatever the test makes up or has recorded. A Mallory
// is safe for concurrent use; it serves as an http.Handler.
package mallory

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// Message is one thing said on the link, as its bytes.
type Message struct {
	Kind wsconn.Kind
	Data []byte
}

// Type of a control message, "" for a frame.
func (m Message) Type() string {
	if m.Kind == wsconn.Frame {
		return ""
	}
	if decoded, err := wire.Decode(m.Data); err == nil {
		return decoded.Type()
	}
	return ""
}

// Mallory is the stranger.
type Mallory struct {
	hub    string
	server *wsconn.Server
	rest   *httputil.ReverseProxy

	mu       sync.Mutex
	pass     func(Message) bool // of what the hub says, nil for all
	heard    func(Message)      // what the agent says
	recorded []Message
	agent    *side
	joined   chan struct{} // closed when an agent is there
}

// New stands before a hub at an http address.
func New(hub string) (*Mallory, error) {
	to, err := url.Parse(hub)
	if err != nil {
		return nil, err
	}
	return &Mallory{hub: "ws" + strings.TrimPrefix(hub, "http") + wire.LinkPath, server: wsconn.NewServer(wsconn.HubOptions()),
		rest: httputil.NewSingleHostReverseProxy(to), joined: make(chan struct{})}, nil
}

// Pass says what of the hub's words reaches the agent; nil is all.
func (m *Mallory) Pass(pass func(Message) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass = pass
}

// Listen is told everything that the agent says.
func (m *Mallory) Listen(heard func(Message)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = heard
}

// Recorded is everything that the hub has said so far.
func (m *Mallory) Recorded() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.recorded)
}

// Say says something to the agent, whatever it is, and waits until it is written. Without an agent it waits for one.
func (m *Mallory) Say(ctx context.Context, message Message) error {
	for {
		m.mu.Lock()
		agent, joined := m.agent, m.joined
		m.mu.Unlock()
		if agent == nil {
			select {
			case <-joined:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := agent.say(ctx, message); !errors.Is(err, errGone) {
			return err
		}
	}
}

// ServeHTTP implements http.Handler: everything but the link goes through as it is.
func (m *Mallory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != wire.LinkPath {
		m.rest.ServeHTTP(w, r)
		return
	}
	hub, err := wsconn.Dial(r.Context(), m.hub, wsconn.DialOptions{Options: wsconn.AgentOptions()})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	conn, err := m.server.Upgrade(w, r)
	if err != nil {
		hub.Abort(err)
		return
	}
	m.between(r.Context(), newSide(conn), hub)
}

// between carries until one side ends.
func (m *Mallory) between(ctx context.Context, agent *side, hub *wsconn.Conn) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = hub.Run(ctx, nil, func(ctx context.Context) error { return m.fromHub(ctx, hub, agent) })
		agent.conn.Abort(errGone)
	})
	_ = agent.conn.Run(ctx, agent, func(context.Context) error { return m.fromAgent(agent, hub) })
	defer agent.end() // when nobody finds it any more
	hub.Abort(errGone)
	wg.Wait()
	m.mu.Lock()
	if m.agent == agent {
		m.agent, m.joined = nil, make(chan struct{})
	}
	m.mu.Unlock()
}

func (m *Mallory) fromHub(ctx context.Context, hub *wsconn.Conn, agent *side) error {
	for {
		kind, data, err := hub.Read()
		if err != nil {
			return err
		}
		message := Message{kind, slices.Clone(data)}
		m.mu.Lock()
		m.recorded = append(m.recorded, message)
		pass := m.pass
		m.mu.Unlock()
		typ := message.Type()
		if handshake := typ == "challenge" || typ == "welcome" || typ == "refused"; handshake || pass == nil || pass(message) {
			if err := agent.say(ctx, message); err != nil {
				return err
			}
		}
		if typ == "welcome" {
			m.mu.Lock()
			m.agent = agent
			close(m.joined)
			m.mu.Unlock()
		}
	}
}

func (m *Mallory) fromAgent(agent *side, hub *wsconn.Conn) error {
	for {
		kind, data, err := agent.conn.Read()
		if err != nil {
			return err
		}
		message := Message{kind, slices.Clone(data)}
		m.mu.Lock()
		heard := m.heard
		m.mu.Unlock()
		if heard != nil {
			heard(message)
		}
		if err := hub.Send(message.Data); err != nil {
			return err
		}
	}
}

var errGone = errors.New("the agent has gone")

// side is the connection to the agent; it gives frames to its writer.
type side struct {
	conn   *wsconn.Conn
	frames chan []byte
	gone   chan struct{}
}

func newSide(conn *wsconn.Conn) *side {
	return &side{conn: conn, frames: make(chan []byte, 4), gone: make(chan struct{})}
}

func (s *side) end() { close(s.gone) }

// NextFrame implements wsconn.ChunkSource.
func (s *side) NextFrame() ([]byte, error) {
	select {
	case frame := <-s.frames:
		return frame, nil
	default:
		return nil, nil
	}
}

func (s *side) say(ctx context.Context, m Message) error {
	if m.Kind == wsconn.Control {
		err := s.conn.Send(m.Data)
		if !errors.Is(err, wsconn.ErrClosed) {
			return err
		}
		select { // the next connection gets it
		case <-s.gone:
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case s.frames <- m.Data:
		s.conn.Wake()
		return nil
	case <-s.gone:
		return errGone
	case <-ctx.Done():
		return ctx.Err()
	}
}
