package push

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
	"github.com/loa-vn/loa/internal/wsconn/pipe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second // of the tests

// world is what a Hub asks for, in memory.
type world struct {
	hub     *Hub
	url     string
	netDial func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the network

	mu      sync.Mutex
	refusal error // of ByKey
	head    Head
	broken  int // so many calls of Head fail
	trust   [][]byte
	blobs   map[broadcast.Hash][]byte
	open    int // blobs
	insert  func([]broadcast.Play) ([]string, error)
	online  map[uint64]bool // by connection
	heard   []string
	changed chan struct{}
}

type count64 struct{ n atomic.Int64 }

func (c *count64) Add(f float64) { c.n.Add(int64(f)) }

// heard is a counter that tells.
type heard struct{ w *world }

func (h heard) Add(float64) { h.w.hear("slow") }

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, nil, func(*Options) {})
}

// newWorldWith makes one with other options, behind a listener (nil: the network).
func newWorldWith(t *testing.T, listener *pipe.Listener, edit func(*Options)) *world {
	t.Helper()
	w := &world{blobs: map[broadcast.Hash][]byte{}, online: map[uint64]bool{}, changed: make(chan struct{}, 1)}
	o := Options{
		Fleet: w, Heads: w, Trusts: w, Blobs: w, Time: w, Plays: w, Software: "test", Metrics: Metrics{Slow: heard{w}},
		RetryEvery: 20 * time.Millisecond,
		Allow:      func(_ context.Context, _ string, sha256 broadcast.Hash) bool { return sha256 != foreign },
	}
	edit(&o)
	w.hub = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.hub.Run(ctx) }()
	server := httptest.NewUnstartedServer(w.hub)
	if listener != nil {
		_ = server.Listener.Close() // of a port that is not needed
		server.Listener, w.netDial = listener, listener.Dial
	}
	server.Start()
	w.url = "ws" + server.URL[len("http"):]
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		server.Close()
		if w.open != 0 {
			t.Errorf("%d blobs were left open", w.open)
		}
		if len(w.online) != 0 {
			t.Errorf("%d agents were left online", len(w.online))
		}
	})
	return w
}

func (w *world) hear(format string, args ...any) {
	w.mu.Lock()
	w.heard = append(w.heard, fmt.Sprintf(format, args...))
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *world) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		done := ok()
		w.mu.Unlock()
		if done {
			return
		}
		select {
		case <-w.changed:
		case <-deadline:
			t.Fatalf("%s did not come; heard %v", what, w.heard)
		}
	}
}

func (w *world) ByKey(_ context.Context, key ed25519.PublicKey) (id, name, area string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for n := byte(10); n < 50; n++ {
		if bytes.Equal(key, publicKey(n)) {
			return fmt.Sprintf("agent-%d", n), "Loa thôn bên", "xa-01", nil
		}
	}
	if !bytes.Equal(key, publicKey(1)) {
		return "", "", "", problem.New("AGENT_UNKNOWN", 404, "không rõ", "unknown")
	}
	return "agent-1", "Loa thôn 3", "xa-01", w.refusal
}

func (w *world) Online(agent string, connection uint64, hello *wire.Hello, remote string) {
	w.mu.Lock()
	w.online[connection] = true
	w.mu.Unlock()
	w.hear("online %s %s %s", agent, hello.Software, remote)
}

func (w *world) Offline(agent string, connection uint64) {
	w.mu.Lock()
	delete(w.online, connection)
	w.mu.Unlock()
	w.hear("offline %s", agent)
}
func (w *world) Status(agent string, s broadcast.Status)    { w.hear("status %s", s.Software) }
func (w *world) PlanState(agent string, s wire.PlanState)   { w.hear("plan %d %s", s.Version, s.State) }
func (w *world) Holdings(agent string, h wire.Holdings)     { w.hear("holdings %d", len(h.Items)) }
func (w *world) OrderState(agent string, _ wire.OrderState) {}

func (w *world) Newer(_ context.Context, _ string, version uint64, sha256 broadcast.Hash) (Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken > 0 {
		w.broken--
		return Head{}, errors.New("database is locked")
	}
	if w.head.Version == version && w.head.SHA256 == sha256 {
		return Head{}, nil
	}
	return w.head, nil
}

func (w *world) TrustsAfter(_ context.Context, version uint64) ([][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trust[min(version, uint64(len(w.trust))):], nil
}

type memory struct {
	*bytes.Reader
	w *world
}

func (m memory) Close() error {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.w.open--
	return nil
}

func (w *world) Open(_ context.Context, sha256 broadcast.Hash) (store.Blob, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, ok := w.blobs[sha256]
	if !ok {
		return nil, store.ErrNoBlob
	}
	w.open++
	return memory{bytes.NewReader(data), w}, nil
}

func (w *world) SignTime(_ context.Context, agent string, nonce []byte) ([]byte, error) {
	return append([]byte("time "), nonce...), nil
}

func (w *world) Insert(_ context.Context, _ string, plays []broadcast.Play) ([]string, error) {
	return w.insert(plays)
}

func TestHandshakeRefuses(t *testing.T) {
	tests := map[string]struct {
		hello   func(*wire.Challenge) wire.Message
		refusal error
		code    string
	}{
		"a wrong key": {func(c *wire.Challenge) wire.Message { return hello(c, agentKey(2)) }, nil, "AGENT_UNKNOWN"},
		"a blocked agent": {
			func(c *wire.Challenge) wire.Message { return hello(c, agentKey(1)) },
			problem.New("AGENT_BLOCKED", 403, "bị chặn", "blocked"), "AGENT_BLOCKED",
		},
		"a failing database": {
			func(c *wire.Challenge) wire.Message { return hello(c, agentKey(1)) }, errors.New("disk"), "HUB_BUSY",
		},
		"a proof for another challenge": {func(c *wire.Challenge) wire.Message {
			return hello(&wire.Challenge{Nonce: make([]byte, wire.NonceSize)}, agentKey(1))
		}, nil, "LINK_PROOF"},
		"a signature by another key": {func(c *wire.Challenge) wire.Message {
			h := hello(c, agentKey(2))
			h.Key = publicKey(1)
			return h
		}, nil, "LINK_PROOF"},
		"another agent's id": {func(c *wire.Challenge) wire.Message {
			h := &wire.Hello{Agent: "agent-2", Nonce: make([]byte, wire.NonceSize)}
			h.Prove(c, agentKey(1))
			return h
		}, nil, "LINK_IDENTITY"},
		"something else first": {func(*wire.Challenge) wire.Message { return &wire.Bye{Code: "X"} }, nil, "LINK_HELLO"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.refusal = test.refusal
			p := w.dial(t)
			p.send(test.hello(next[*wire.Challenge](p)))
			if m := next[*wire.Refused](p); m.Code != test.code || m.VI == "" || m.EN == "" {
				t.Errorf("refused with %+v", m)
			}
			var closed *wsconn.Closed
			if err := next[error](p); !errors.As(err, &closed) || closed.Code != wsconn.CloseRefused || closed.Text != test.code {
				t.Errorf("closed with %v", err)
			}
			if len(w.heard) != 0 || w.hub.Connected() != 0 {
				t.Errorf("the fleet heard %v", w.heard)
			}
		})
	}
}

func TestRecordedHelloIsWorthNothing(t *testing.T) {
	w := newWorld(t)
	p := w.dial(t)
	recorded := hello(next[*wire.Challenge](p), agentKey(1))
	p.send(recorded)
	next[*wire.Welcome](p)
	again := w.dial(t)
	next[*wire.Challenge](again)
	again.send(recorded)
	if m := next[*wire.Refused](again); m.Code != "LINK_PROOF" {
		t.Errorf("refused with %+v", m)
	}
	if w.hub.Connected() != 1 {
		t.Error("the agent's own connection is gone")
	}
}

func TestRevokedDuringHandshake(t *testing.T) {
	w := newWorld(t)
	p := w.dial(t)
	challenge := next[*wire.Challenge](p)
	asked := 0
	w.hub.o.Fleet = revoking{w, &asked}
	p.send(hello(challenge, agentKey(1)))
	next[*wire.Welcome](p)
	if m := next[*wire.Refused](p); m.Code != "AGENT_REVOKED" {
		t.Errorf("refused with %+v", m)
	}
}

// revoking revokes the agent between the two looks at its key.
type revoking struct {
	*world
	asked *int
}

func (r revoking) ByKey(ctx context.Context, key ed25519.PublicKey) (id, name, area string, err error) {
	if *r.asked++; *r.asked > 1 {
		return "", "", "", problem.New("AGENT_REVOKED", 403, "thu hồi", "revoked")
	}
	defer r.hub.Disconnect("agent-1", "AGENT_REVOKED") // finds nobody yet
	return r.world.ByKey(ctx, key)
}

func TestSecondConnectionReplacesTheFirst(t *testing.T) {
	w := newWorld(t)
	first := w.greet(t)
	second := w.greet(t)
	if m := next[*wire.Bye](first); m.Code != "REPLACED" {
		t.Errorf("bye %q", m.Code)
	}
	var closed *wsconn.Closed
	if err := next[error](first); !errors.As(err, &closed) || closed.Code != wsconn.CloseReplaced {
		t.Errorf("the first ended with %v", err)
	}
	w.await(t, "the first going offline", func() bool { return len(w.online) == 1 })
	if n := w.hub.Connected(); n != 1 {
		t.Errorf("%d connected", n)
	}
	second.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
	next[*wire.Time](second)
}

func TestTrustAndHeadAreSent(t *testing.T) {
	w := newWorld(t)
	w.trust = [][]byte{[]byte("trust 1"), []byte("trust 2")}
	w.head = Head{Version: 7, SHA256: foreign, Envelope: []byte("head 7")}
	p := w.greet(t)
	// Together: an agent takes a document that is over only as a step to a later one that is not.
	if m := next[*wire.Trust](p); len(m.Envelopes) != 2 || !bytes.Equal(m.Envelopes[0], w.trust[0]) || !bytes.Equal(m.Envelopes[1], w.trust[1]) {
		t.Errorf("trust is %q", m.Envelopes)
	}
	if m := next[*wire.Plan](p); string(m.Envelope) != "head 7" {
		t.Errorf("plan is %q", m.Envelope)
	}
	w.hub.PlanChanged("agent-1") // nothing new: nothing sent
	w.mu.Lock()
	w.head = Head{Version: 8, SHA256: foreign, Envelope: []byte("head 8")}
	w.trust = append(w.trust, []byte("trust 3"))
	w.mu.Unlock()
	w.hub.PlanChanged("nobody")
	w.hub.Resync()
	if m := next[*wire.Trust](p); string(m.Envelopes[0]) != "trust 3" {
		t.Errorf("trust is %q", m.Envelopes)
	}
	if m := next[*wire.Plan](p); string(m.Envelope) != "head 8" {
		t.Errorf("plan is %q", m.Envelope)
	}
	p.send(&wire.PlanState{Version: 8, State: wire.PlanActive})
	w.await(t, "the plan's state", func() bool { return w.heard[len(w.heard)-1] == "plan 8 active" })
	p.quiet()
}

func TestALongChainOfTrustIsSentInPieces(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.trust = append(w.trust, bytes.Repeat([]byte{byte(i)}, 100+i%5*8<<10))
	}
	p := w.greet(t)
	var got [][]byte
	for len(got) < len(w.trust) {
		got = append(got, next[*wire.Trust](p).Envelopes...)
	}
	if !slices.EqualFunc(got, w.trust, bytes.Equal) {
		t.Errorf("%d documents came, not those that were sent", len(got))
	}
}

// An agent must not keep an old plan because the database did not answer when there was a new one.
func TestAHeadThatCouldNotBeReadIsBroughtLater(t *testing.T) {
	w := newWorld(t)
	w.head, w.broken = Head{Version: 8, SHA256: foreign, Envelope: []byte("head 8")}, 1
	p := w.greet(t)
	if m := next[*wire.Plan](p); string(m.Envelope) != "head 8" {
		t.Errorf("after it connected the plan is %q", m.Envelope)
	}
	w.mu.Lock()
	w.head, w.broken = Head{Version: 9, SHA256: foreign, Envelope: []byte("head 9")}, 2
	w.mu.Unlock()
	w.hub.PlanChanged("agent-1")
	if m := next[*wire.Plan](p); string(m.Envelope) != "head 9" {
		t.Errorf("after a change the plan is %q", m.Envelope)
	}
}

// An agent whose clock was wrong, or whose disk was full, refuses a head that it takes a little later.
func TestARefusedHeadIsOfferedAgain(t *testing.T) {
	w := newWorld(t)
	w.head = Head{Version: 8, SHA256: foreign, Envelope: []byte("head 8")}
	p := w.greet(t)
	for range 3 {
		if m := next[*wire.Plan](p); string(m.Envelope) != "head 8" {
			t.Fatalf("plan is %q", m.Envelope)
		}
		p.send(&wire.PlanState{State: wire.PlanRefused, Code: "FROM_FUTURE"})
	}
	next[*wire.Plan](p)
	p.send(&wire.PlanState{Version: 8, State: wire.PlanActive})
	w.await(t, "the plan's state", func() bool { return w.heard[len(w.heard)-1] == "plan 8 active" })
	w.hub.Resync()
	p.quiet()
}

func TestPlaysAreAcknowledgedAfterTheirCommit(t *testing.T) {
	w := newWorld(t)
	p := w.greet(t)
	w.insert = func([]broadcast.Play) ([]string, error) { return nil, errors.New("disk full") }
	plays := &wire.Plays{Records: []broadcast.Play{{ID: "1"}, {ID: "2"}}}
	p.send(plays)
	if m := next[*wire.PlaysAck](p); len(m.IDs) != 0 {
		t.Errorf("acknowledged %v, of which nothing is kept", m.IDs)
	}
	w.insert = func(plays []broadcast.Play) ([]string, error) { return []string{plays[1].ID}, nil }
	p.send(plays)
	if m := next[*wire.PlaysAck](p); len(m.IDs) != 1 || m.IDs[0] != "2" {
		t.Errorf("acknowledged %v", m.IDs)
	}
}

func TestAPanicEndsOneLinkOnly(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	w.insert = func([]broadcast.Play) ([]string, error) {
		if calls.Add(1) == 1 {
			panic("a fault of ours")
		}
		return []string{"1"}, nil
	}
	p, plays := w.greet(t), &wire.Plays{Records: []broadcast.Play{{ID: "1"}}}
	p.send(plays)
	if err := next[error](p); errors.Is(err, wsconn.ErrSilent) {
		t.Errorf("the link ended by %v", err)
	}
	p = w.greet(t)
	p.send(plays)
	if m := next[*wire.PlaysAck](p); len(m.IDs) != 1 {
		t.Errorf("acknowledged %v", m.IDs)
	}
}

func TestProtocolBreakEndsTheLink(t *testing.T) {
	tests := map[string]string{
		"no JSON":                `hello`,
		"a hub's message":        `{"type":"plan","body":{"envelope":"AAAA"}}`,
		"a field out of bounds":  `{"type":"want","body":{"sha256":"x","offset":0,"window":1}}`,
		"time without a nonce":   `{"type":"time","body":{"envelope":"AAAA"}}`,
		"hello again":            `{"type":"hello","body":{}}`,
		"more than 100 records ": `{"type":"plays","body":{"records":[]}}`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.greet(t)
			if err := p.conn.Send([]byte(data)); err != nil {
				t.Fatal(err)
			}
			var closed *wsconn.Closed
			if err := next[error](p); !errors.As(err, &closed) || closed.Code != wsconn.CloseProtocol {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestNewerAgentIsTolerated(t *testing.T) {
	w := newWorld(t)
	var unknown count64
	w.hub.o.Metrics.Unknown = &unknown
	p := w.greet(t)
	if err := p.conn.Send([]byte(`{"type":"mood","body":{"x":1}}`)); err != nil {
		t.Fatal(err)
	}
	p.send(&wire.Time{Nonce: bytes.Repeat([]byte{5}, wire.NonceSize)})
	if m := next[*wire.Time](p); !bytes.HasPrefix(m.Envelope, []byte("time \x05")) {
		t.Errorf("time is %q", m.Envelope)
	}
	if unknown.n.Load() != 1 {
		t.Error("the unknown message was not counted")
	}
}

func TestDisconnectSaysWhy(t *testing.T) {
	w := newWorld(t)
	p := w.greet(t)
	w.hub.Disconnect("agent-1", "AGENT_REVOKED")
	if m := next[*wire.Bye](p); m.Code != "AGENT_REVOKED" {
		t.Errorf("bye %q", m.Code)
	}
	var closed *wsconn.Closed
	if err := next[error](p); !errors.As(err, &closed) || closed.Code != wsconn.CloseRefused {
		t.Errorf("ended with %v", err)
	}
	if w.hub.Order([]byte("speak"), []string{"agent-2"}) != 0 {
		t.Error("an order for nobody was sent")
	}
}
