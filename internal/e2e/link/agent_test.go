package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/agenttest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/wire"
)

// agent is everything link asks for, in memory.
type agent struct {
	id   string
	link *agenttest.Link

	mu       sync.Mutex
	head     string
	version  uint64
	trust    uint64
	times    int
	wants    []agenttest.Want // in the order of their use
	data     map[broadcast.Hash][]byte
	whole    map[broadcast.Hash]bool
	puts     int      // bytes ever put
	resumed  []int64  // Have of each want that NextWant gave, without repetition
	outbox   []string // ids
	fresh    []wire.Holding
	now      broadcast.Status
	onPut    func(offset int64)
	onChange map[string]chan struct{}
	changed  chan struct{} // for the test
}

// join makes an agent of the hub's fleet and runs its link at the address until the test ends.
func (h *hub) join(t *testing.T, id, url string) *agent {
	t.Helper()
	a := newAgent(id)
	a.start(t, h, url)
	return a
}

func newAgent(id string) *agent {
	a := &agent{
		id: id, data: map[broadcast.Hash][]byte{}, whole: map[broadcast.Hash]bool{}, changed: make(chan struct{}, 1),
		onChange: map[string]chan struct{}{},
	}
	for _, what := range []string{"plan", "wants", "holdings", "outbox", "status"} {
		a.onChange[what] = make(chan struct{}, 1)
	}
	return a
}

func (a *agent) start(t *testing.T, h *hub, url string) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	h.keys[string(public)] = a.id
	h.mu.Unlock()
	a.link, err = agenttest.NewLink(agenttest.LinkOptions{
		Hub: url, Identity: agenttest.LinkIdentity{Agent: a.id, Key: key}, Software: "test", OS: "test", Boot: "1",
		Plans: a, Blobs: a, Outbox: a, Reporter: a, Clock: a,
		Changed: func(agenttest.LinkState) { a.notify() },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.link.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("link's Run: %v", err)
		}
	})
}

func (a *agent) notify() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// edit changes the agent and says what changed.
func (a *agent) edit(what string, change func()) {
	a.mu.Lock()
	change()
	a.mu.Unlock()
	a.notify()
	if ch := a.onChange[what]; ch != nil {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (a *agent) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		a.mu.Lock()
		done := ok()
		a.mu.Unlock()
		if done {
			return
		}
		select {
		case <-a.changed:
		case <-deadline:
			t.Fatalf("agent %s: %s did not come; link %+v", a.id, what, a.link.State())
		}
	}
}

func (a *agent) Held() (uint64, broadcast.Hash, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.version == 0 {
		return 0, "", a.trust
	}
	return a.version, hashOf([]byte(a.head)), a.trust
}

// Offer takes envelopes that read "head N".
func (a *agent) Offer(_ context.Context, envelope []byte) (state wire.PlanState) {
	var version uint64
	if _, err := fmt.Sscanf(string(envelope), "head %d", &version); err != nil {
		return wire.PlanState{State: wire.PlanRefused, Code: "MALFORMED"}
	}
	a.edit("", func() { a.head, a.version = string(envelope), version })
	return a.PlanState()
}

func (a *agent) OfferTrust(_ context.Context, envelopes [][]byte) error {
	a.edit("", func() { a.trust += uint64(len(envelopes)) })
	return nil
}

func (a *agent) PlanState() wire.PlanState {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.version == 0 {
		return wire.PlanState{}
	}
	return wire.PlanState{Version: a.version, State: wire.PlanActive}
}

func (a *agent) PlanChanged() <-chan struct{}     { return a.onChange["plan"] }
func (a *agent) WantsChanged() <-chan struct{}    { return a.onChange["wants"] }
func (a *agent) HoldingsChanged() <-chan struct{} { return a.onChange["holdings"] }
func (a *agent) OutboxChanged() <-chan struct{}   { return a.onChange["outbox"] }
func (a *agent) StatusChanged() <-chan struct{}   { return a.onChange["status"] }

func (a *agent) want(w ...agenttest.Want) { a.edit("wants", func() { a.wants = w }) }

func (a *agent) NextWant(skip func(broadcast.Hash) bool) (agenttest.Want, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, w := range a.wants {
		if !a.whole[w.SHA256] && !skip(w.SHA256) {
			w.Have = int64(len(a.data[w.SHA256]))
			if n := len(a.resumed); n == 0 || a.resumed[n-1] != w.Have {
				a.resumed = append(a.resumed, w.Have)
			}
			return w, true
		}
	}
	return agenttest.Want{}, false
}

// holds says whether the agent has a whole blob.
func (a *agent) holds(sha256 broadcast.Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.whole[sha256]
}

func (a *agent) Put(_ context.Context, sha256 broadcast.Hash, offset int64, data []byte, last bool) error {
	if a.onPut != nil {
		a.onPut(offset)
	}
	a.mu.Lock()
	have := a.data[sha256]
	fits := offset == int64(len(have)) && offset%broadcast.ChunkSize == 0 && (last || len(data) == broadcast.ChunkSize)
	if fits {
		have = append(have, data...)
		a.data[sha256] = have
		a.puts += len(data)
		a.whole[sha256] = last
		a.fresh = append(a.fresh, wire.Holding{SHA256: sha256, Have: int64(len(have)), Whole: last})
	}
	a.mu.Unlock()
	a.edit("holdings", func() {})
	if !fits {
		return fmt.Errorf("%d bytes at %d, have %d", len(data), offset, len(have))
	}
	if last && hashOf(have) != sha256 {
		return errors.New("the blob does not have its hash")
	}
	return nil
}

func (a *agent) Holdings() (all []wire.Holding) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh = nil
	for sha256, data := range a.data {
		all = append(all, wire.Holding{SHA256: sha256, Have: int64(len(data)), Whole: a.whole[sha256]})
	}
	return all
}

func (a *agent) HoldingsSince() []wire.Holding {
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh := a.fresh
	a.fresh = nil
	return fresh
}

func (a *agent) Pending(limit int, skip func(string) bool) (plays []broadcast.Play, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range a.outbox {
		if len(plays) < limit && !skip(id) {
			plays = append(plays, broadcast.Play{ID: id, Title: "Tìm hiểu pháp luật", Outcome: broadcast.Played})
		}
	}
	return plays, nil
}

func (a *agent) Acked(ids []string) error {
	a.edit("", func() {
		a.outbox = slices.DeleteFunc(a.outbox, func(id string) bool { return slices.Contains(ids, id) })
	})
	return nil
}

func (a *agent) Status() broadcast.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *agent) OfferTime(envelope, nonce []byte, asked, got mono.Instant) error {
	if !bytes.Equal(envelope, append([]byte("time for "+a.id+" "), nonce...)) || got < asked {
		return errors.New("not the answer to what was asked")
	}
	a.edit("", func() { a.times++ })
	return nil
}
