// Package link joins the hub's push and the agent's link over real websockets on loopback, with stores in
// memory and a cable between them that can be cut: what the two promise each other, without the rest of the
// programs.
package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
)

func TestMain(m *testing.M) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // the proxy's
	toxics.Register("double", new(doubleToxic))
	// The bad line's proxy leaves the data of connections that broke in its pipes.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"))
}

func hashOf(data []byte) broadcast.Hash {
	sum := sha256.Sum256(data)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

// hub is everything push asks for, in memory.
type hub struct {
	*hubtest.Push
	url string

	mu       sync.Mutex
	keys     map[string]string // agent by public key
	heads    map[string]hubtest.Head
	blobs    map[broadcast.Hash][]byte
	plays    map[string]int // how often a record was inserted, by id
	records  map[string]broadcast.Play
	broken   []string // records that came twice and differed
	trusts   [][]byte
	inserted func() // called after an insert, before its acknowledgement
	said     map[string]*said
	changed  chan struct{} // something an agent said
}

// said is what the hub knows of an agent.
type said struct {
	online   int
	status   *broadcast.Status
	plan     wire.PlanState
	holdings map[broadcast.Hash]wire.Holding
}

func newHub(t *testing.T) *hub {
	t.Helper()
	return newHubWith(t, func(*hubtest.PushOptions) {})
}

// newHubWith makes one with other options.
func newHubWith(t *testing.T, edit func(*hubtest.PushOptions)) *hub {
	t.Helper()
	h := &hub{
		keys: map[string]string{}, heads: map[string]hubtest.Head{}, blobs: map[broadcast.Hash][]byte{},
		plays: map[string]int{}, records: map[string]broadcast.Play{}, said: map[string]*said{}, changed: make(chan struct{}, 1),
		trusts: [][]byte{[]byte("trust 1"), []byte("trust 2"), []byte("trust 3")},
	}
	o := hubtest.PushOptions{Fleet: h, Heads: h, Trusts: h, Blobs: h, Time: h, Plays: h, Software: "test"}
	edit(&o)
	h.Push = hubtest.NewPush(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	server := httptest.NewServer(h)
	h.url = server.URL
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("hub's Run: %v", err)
		}
		server.Close()
	})
	return h
}

func (h *hub) addBlob(data []byte) broadcast.Hash {
	h.mu.Lock()
	defer h.mu.Unlock()
	sha256 := hashOf(data)
	h.blobs[sha256] = data
	return sha256
}

func (h *hub) setHead(agent string, version uint64, envelope string) {
	h.mu.Lock()
	h.heads[agent] = hubtest.Head{Version: version, SHA256: hashOf([]byte(envelope)), Envelope: []byte(envelope)}
	h.mu.Unlock()
	h.PlanChanged(agent)
}

// await waits until what the hub knows of an agent is as ok wants it.
func (h *hub) await(t *testing.T, what, agent string, ok func(*said) bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		done := h.said[agent] != nil && ok(h.said[agent])
		h.mu.Unlock()
		if done {
			h.notify() // someone else may wait for the same
			return
		}
		select {
		case <-h.changed:
		case <-deadline:
			t.Fatalf("the hub did not hear: %s", what)
		}
	}
}

func (h *hub) notify() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *hub) hear(agent string, edit func(*said)) {
	h.mu.Lock()
	if h.said[agent] == nil {
		h.said[agent] = &said{holdings: map[broadcast.Hash]wire.Holding{}}
	}
	edit(h.said[agent])
	h.mu.Unlock()
	h.notify()
}

func (h *hub) ByKey(_ context.Context, key ed25519.PublicKey) (id, name, area string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id, ok := h.keys[string(key)]
	if !ok {
		return "", "", "", problem.New("AGENT_UNKNOWN", 404, "không rõ", "unknown")
	}
	return id, "Cụm loa " + id, "xa-01", nil
}

func (h *hub) Online(agent string, _ uint64, _ *wire.Hello, _ string) {
	h.hear(agent, func(s *said) { s.online++ })
}
func (h *hub) Offline(agent string, _ uint64) { h.hear(agent, func(s *said) { s.online-- }) }
func (h *hub) Status(agent string, status broadcast.Status) {
	h.hear(agent, func(s *said) { s.status = &status })
}
func (h *hub) PlanState(agent string, state wire.PlanState) {
	h.hear(agent, func(s *said) { s.plan = state })
}

func (h *hub) Holdings(agent string, holdings wire.Holdings) {
	h.hear(agent, func(s *said) {
		if holdings.Full {
			clear(s.holdings)
		}
		for _, item := range holdings.Items {
			s.holdings[item.SHA256] = item
		}
	})
}

func (h *hub) Newer(_ context.Context, agent string, version uint64, sha256 broadcast.Hash) (hubtest.Head, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if head := h.heads[agent]; head.Version != version || head.SHA256 != sha256 {
		return head, nil
	}
	return hubtest.Head{}, nil
}

func (h *hub) TrustsAfter(_ context.Context, version uint64) ([][]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.trusts[min(version, uint64(len(h.trusts))):], nil
}

func (h *hub) Open(_ context.Context, sha256 broadcast.Hash) (hubtest.Blob, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	data, ok := h.blobs[sha256]
	if !ok {
		return nil, hubtest.ErrNoBlob
	}
	return memory{bytes.NewReader(data)}, nil
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

func (h *hub) SignTime(_ context.Context, agent string, nonce []byte) ([]byte, error) {
	return append([]byte("time for "+agent+" "), nonce...), nil
}

func (h *hub) Insert(_ context.Context, _ string, plays []broadcast.Play) (acked []string, err error) {
	h.mu.Lock()
	for _, play := range plays {
		h.plays[play.ID]++
		if before, twice := h.records[play.ID]; twice && !reflect.DeepEqual(before, play) {
			h.broken = append(h.broken, play.ID)
		}
		h.records[play.ID] = play
		acked = append(acked, play.ID)
	}
	hook := h.inserted
	h.mu.Unlock()
	h.notify()
	if hook != nil {
		hook()
	}
	return acked, nil
}

var _ io.ReaderAt = memory{}
