package orders

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// line is a lane whose connected agents are played by the test.
type line struct {
	*Lane
	key     seal.Key
	fleet   []string // that targets mean
	here    []string
	got     chan delivery
	mu      sync.Mutex
	refused []string
	away    string    // an agent that another hub has
	rotated *seal.Key // takes the key's place as soon as that was asked for
}

type delivery struct {
	envelope []byte
	agents   []string
}

func (w *world) line() *line {
	w.t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		w.t.Fatal(err)
	}
	l := &line{key: key, got: make(chan delivery, 100)}
	for i := range 40 {
		l.fleet = append(l.fleet, fmt.Sprintf("agent-%02d", i))
	}
	l.here = l.fleet[:35]
	l.Lane = NewLane(LaneDeps{Desk: w.Desk, Sealer: l, Reach: l, Agents: l, Refused: func(agent, bulletin, code string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused = append(l.refused, agent+" "+bulletin+" "+code)
	}})
	heard := hearing{w.Bus, make(chan struct{})}
	w.Bus = heard
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	<-heard.subscribed
	return l
}

// hearing tells when somebody has subscribed.
type hearing struct {
	bus.Bus
	subscribed chan struct{}
}

func (h hearing) Subscribe(topics ...bus.Topic) *bus.Subscription {
	defer close(h.subscribed)
	return h.Bus.Subscribe(topics...)
}

func (l *line) OrderKey() (string, Sealing) {
	defer func() {
		if l.rotated != nil {
			l.key, l.rotated = *l.rotated, nil
		}
	}()
	key := l.key
	return key.ID(), func(o seal.Order) ([]byte, error) { return seal.SealOrder(o, key) }
}
func (l *line) Reached(context.Context, Targets) ([]string, error) { return l.fleet, nil }
func (l *line) Here(agents []string) []string {
	return slices.DeleteFunc(slices.Clone(agents), func(a string) bool { return !slices.Contains(l.here, a) })
}

func (l *line) Order(envelope []byte, agents []string) int {
	l.got <- delivery{envelope, agents}
	return len(agents)
}

func (l *line) Elsewhere(agent string) bool { return agent == l.away }

// next reads the orders that went to n agents.
func (l *line) next(t *testing.T, n int) (orders []seal.Order, envelopes [][]byte) {
	t.Helper()
	seen := map[string]bool{}
	for len(seen) < n {
		select {
		case d := <-l.got:
			var env struct{ Payload []byte }
			var o seal.Order
			if err := json.Unmarshal(d.envelope, &env); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(env.Payload, &o); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(o.Audience.Agents, d.agents) || o.Audience.All || len(o.Audience.Areas) > 0 {
				t.Errorf("an order for %v went to %v", o.Audience, d.agents)
			}
			for _, a := range d.agents {
				if seen[a] {
					t.Errorf("%s got it twice", a)
				}
				seen[a] = true
			}
			orders, envelopes = append(orders, o), append(envelopes, d.envelope)
		case <-time.After(30 * time.Second):
			t.Fatalf("only %d agents were sent to", len(seen))
		}
	}
	return orders, envelopes
}

// A rotation may come between taking a sequence and sealing. A new key that began with the old one's number would have its next
// orders refused as old ones.
func TestAnOrderHasASequenceOfTheKeyThatSealsIt(t *testing.T) {
	w := newWorld(t)
	l := w.line()
	rotated, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.approve(w.write(flood()).ID)
		l.next(t, 35)
	}
	l.rotated = &rotated
	for range 2 {
		w.approve(w.write(flood()).ID)
		orders, envelopes := l.next(t, 35)
		for i, o := range orders {
			var env struct{ Signatures []struct{ KeyID string } }
			if err := json.Unmarshal(envelopes[i], &env); err != nil {
				t.Fatal(err)
			}
			var last uint64
			err := w.DB.NewRaw("SELECT last FROM order_sequence WHERE signer = ?", env.Signatures[0].KeyID).Scan(t.Context(), &last)
			if err != nil || o.Sequence != last {
				t.Errorf("order %d of a key that is at %d, %v", o.Sequence, last, err)
			}
		}
	}
}

func TestTheLaneHurriesWhatWasApprovedAndCancelled(t *testing.T) {
	w := newWorld(t)
	l := w.line()
	b := w.write(flood())
	w.approve(b.ID)
	live, envelopes := l.next(t, 35)
	for _, o := range live {
		var got broadcast.Bulletin
		if err := json.Unmarshal(o.Body, &got); err != nil {
			t.Fatal(err)
		}
		if o.Kind != seal.OrderLive || o.Sequence != live[0].Sequence || o.Expires.Sub(o.IssuedAt) > seal.MaxOrderLife ||
			got.ID != b.ID || got.Kind != "live" || !got.IssuedAt.Equal(w.at) || len(got.Items) != 1 {
			t.Errorf("%+v %s", o, o.Body)
		}
	}
	digest := func(envelope []byte) broadcast.Hash {
		sum := sha256.Sum256(envelope)
		return broadcast.Hash(hex.EncodeToString(sum[:]))
	}
	l.OrderState("agent-00", wire.OrderState{SHA256: digest(envelopes[0])})
	l.OrderState("agent-00", wire.OrderState{SHA256: digest(envelopes[0]), Code: "SEAL_EXPIRED"}) // a second answer
	l.OrderState("agent-01", wire.OrderState{SHA256: digest(envelopes[0]), Code: "SEAL_CLOCK_UNTRUSTED"})
	l.OrderState("agent-02", wire.OrderState{SHA256: digest([]byte("never sent")), Code: "SEAL_EXPIRED"})
	if taken, refused := l.Taken(b.ID); taken != 1 || refused != 1 {
		t.Errorf("taken by %d, refused by %d", taken, refused)
	}
	l.mu.Lock()
	if got := strings.Join(l.refused, ", "); got != "agent-01 "+b.ID+" SEAL_CLOCK_UNTRUSTED" {
		t.Errorf("refusals: %s", got)
	}
	l.mu.Unlock()

	if _, err := w.Cancel(t.Context(), b.ID, "", binh); err != nil {
		t.Fatal(err)
	}
	cancels, _ := l.next(t, 35)
	if o := cancels[0]; o.Kind != seal.OrderCancel || o.Sequence <= live[0].Sequence || string(o.Body) != `{"bulletin":"`+b.ID+`"}` {
		t.Errorf("%+v %s", o, o.Body)
	}

	drill := flood()
	drill.Kind = Drill
	d := w.write(drill)
	w.approve(d.ID)
	if o, env := l.next(t, 35); o[0].Kind != seal.OrderDrill || !strings.Contains(string(env[0]), seal.TypeDrill) {
		t.Errorf("a drill went out as %+v in %s", o[0], env[0])
	}

	never := w.write(flood()) // nobody has heard of a draft
	if _, err := w.Cancel(t.Context(), never.ID, "", binh); err != nil {
		t.Fatal(err)
	}
	last := w.write(flood())
	w.approve(last.ID)
	if o, _ := l.next(t, 35); !strings.Contains(string(o[0].Body), last.ID) {
		t.Errorf("the cancel of a draft was sent: %s", o[0].Body)
	}
}

func TestSequencesOfSeveralHubsAreNeverEqual(t *testing.T) {
	w := newWorld(t)
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	const hubs, each = 4, 25
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var wg sync.WaitGroup
	for range hubs {
		l := NewLane(LaneDeps{Desk: w.Desk, Sealer: &line{key: key}})
		wg.Go(func() {
			for range each {
				n, err := l.next(t.Context(), key.ID())
				mu.Lock()
				if err != nil || seen[n] {
					t.Errorf("sequence %d: twice, or %v", n, err)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != hubs*each || !seen[1] || !seen[hubs*each] {
		t.Errorf("%d sequences", len(seen))
	}
}
