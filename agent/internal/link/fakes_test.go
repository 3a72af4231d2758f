package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
	"github.com/loa-vn/loa/internal/wsconn/pipe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
}

// agent is everything a Link asks for.
type agent struct {
	mu      sync.Mutex
	wants   []Want
	kept    map[broadcast.Hash][]byte
	putErr  error
	outbox  []broadcast.Play
	decided []wire.Decision
	times   int
	offered []string
	refuses string // code by which every head is refused
	state   wire.PlanState
	changed map[string]chan struct{}
}

func newAgent() *agent {
	a := &agent{kept: map[broadcast.Hash][]byte{}, changed: map[string]chan struct{}{}}
	for _, what := range []string{"plan", "wants", "holdings", "outbox", "decided", "status"} {
		a.changed[what] = make(chan struct{}, 1)
	}
	return a
}

func (a *agent) change(what string, edit func()) {
	a.mu.Lock()
	edit()
	a.mu.Unlock()
	select {
	case a.changed[what] <- struct{}{}:
	default:
	}
}

func (a *agent) Held() (uint64, broadcast.Hash, uint64) { return 0, "", 1 }
func (a *agent) Offer(_ context.Context, envelope []byte) wire.PlanState {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offered = append(a.offered, string(envelope))
	if a.refuses != "" {
		return wire.PlanState{State: wire.PlanRefused, Code: a.refuses}
	}
	a.state = wire.PlanState{Version: uint64(len(a.offered)), State: wire.PlanFetching}
	return a.state
}
func (a *agent) OfferTrust(context.Context, [][]byte) error { return errors.New("not trusted") }
func (a *agent) Order(_ context.Context, e []byte) (string, []string) {
	return "CODE_" + string(e), []string{"a line"}
}
func (a *agent) PlanState() wire.PlanState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}
func (a *agent) PlanChanged() <-chan struct{}     { return a.changed["plan"] }
func (a *agent) WantsChanged() <-chan struct{}    { return a.changed["wants"] }
func (a *agent) HoldingsChanged() <-chan struct{} { return a.changed["holdings"] }
func (a *agent) OutboxChanged() <-chan struct{}   { return a.changed["outbox"] }
func (a *agent) StatusChanged() <-chan struct{}   { return a.changed["status"] }
func (a *agent) Holdings() []wire.Holding         { return nil }
func (a *agent) HoldingsSince() []wire.Holding    { return []wire.Holding{{SHA256: one, Have: 1}} }
func (a *agent) Status() broadcast.Status         { return broadcast.Status{Software: "test"} }

func (a *agent) NextWant(skip func(broadcast.Hash) bool) (Want, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.wants {
		if !skip(w.SHA256) {
			w.Have = int64(len(a.kept[w.SHA256]))
			return w, true
		}
	}
	return Want{}, false
}

func (a *agent) Put(_ context.Context, sha256 broadcast.Hash, offset int64, data []byte, last bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.putErr != nil {
		return a.putErr
	}
	if offset != int64(len(a.kept[sha256])) {
		return errors.New("not where it belongs")
	}
	a.kept[sha256] = append(a.kept[sha256], data...)
	if last {
		a.wants = slices.DeleteFunc(a.wants, func(w Want) bool { return w.SHA256 == sha256 })
	}
	return nil
}

func (a *agent) Pending(limit int, skip func(string) bool) (plays []broadcast.Play, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.outbox {
		if len(plays) < limit && !skip(p.ID) {
			plays = append(plays, p)
		}
	}
	return plays, nil
}

func (a *agent) Acked(ids []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outbox = slices.DeleteFunc(a.outbox, func(p broadcast.Play) bool { return slices.Contains(ids, p.ID) })
	return nil
}

// book is the agent's decisions; Outbox has methods of the same names.
type book struct{ *agent }

func (b book) DecisionsChanged() <-chan struct{} { return b.changed["decided"] }

func (b book) Pending(limit int) []wire.Decision {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.decided[:min(limit, len(b.decided))])
}

func (b book) Acked(ids []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.decided = slices.DeleteFunc(b.decided, func(d wire.Decision) bool { return slices.Contains(ids, d.ID) })
	return nil
}

func (a *agent) OfferTime(envelope, nonce []byte, asked, got mono.Instant) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !bytes.Equal(envelope, nonce) || got < asked {
		return errors.New("not the answer")
	}
	a.times++
	return nil
}

// visit is one connection as the hub by hand sees it.
type visit struct {
	t    *testing.T
	conn *wsconn.Conn
}

func (v *visit) send(messages ...wire.Message) {
	for _, m := range messages {
		data, err := wire.Encode(m)
		if err != nil {
			v.t.Error(err)
			return
		}
		_ = v.conn.Send(data) // the agent may be gone, the test sees it elsewhere
	}
}

// next reads one message.
func (v *visit) next() (wire.Message, error) {
	_, data, err := v.conn.Read()
	if err != nil {
		return nil, err
	}
	m, err := wire.Decode(data)
	if err != nil {
		v.t.Error(err)
	}
	return m, err
}

func (v *visit) greet() error {
	challenge := &wire.Challenge{Nonce: newNonce()}
	v.send(challenge)
	m, err := v.next()
	if err != nil {
		return err
	}
	if h, ok := m.(*wire.Hello); !ok || !h.Proven(challenge) || h.Agent != "agent-1" {
		v.t.Errorf("hello is %+v", m)
	}
	v.send(&wire.Welcome{Agent: "agent-1", Name: "Loa", Area: "xa-01", StatusEveryMS: 15_000})
	return nil
}

// frames are a ChunkSource that a test fills.
type frames struct {
	mu   sync.Mutex
	list [][]byte
}

func (f *frames) add(t *testing.T, chunks ...wire.Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range chunks {
		b, err := wire.EncodeChunk(c)
		if err != nil {
			t.Error(err)
		}
		f.list = append(f.list, b)
	}
}

func (f *frames) NextFrame() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.list) == 0 {
		return nil, nil
	}
	next := f.list[0]
	f.list = f.list[1:]
	return next, nil
}

// start runs a Link to a hub by hand until stop is called, or the test ends.
func start(t *testing.T, a *agent, serve func(*visit, *frames) error) (l *Link, stop func()) {
	t.Helper()
	h := pipe.Listen() // the hub, by hand
	server := wsconn.NewServer(wsconn.HubOptions())
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			return
		}
		out := &frames{}
		_ = conn.Run(r.Context(), out, func(context.Context) error { return serve(&visit{t, conn}, out) })
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = web.Serve(h) }()
	l, err := New(Options{
		Hub: "http://localhost", Identity: Identity{"agent-1", testKey()}, Software: "test", OS: "test", Boot: "1",
		Plans: a, Orders: a, Blobs: a, Outbox: a, Decided: book{a}, Reporter: a, Clock: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.netDial = h.Dial
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		_ = web.Close()
		<-served
	})
	t.Cleanup(stop)
	return l, stop
}
