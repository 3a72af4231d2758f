package orders

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// Bounds of the lane.
const (
	orderLife    = 5 * time.Minute  // an order that took longer is old news: the plan head has it (at most seal.MaxOrderLife)
	together     = 16               // agents that share an order: a signature costs the hub 30 µs, an id each agent 40 bytes of its line
	hurried      = 16               // how many of the latest orders' answers are kept
	hurryTime    = 20 * time.Second // of one order, from SQL to the last agent
	refusalsEach = 10_000           // refusals of one order that are told: one of each agent, of a fleet's size
)

// Sealer gives what seals orders with the hub's urgent key, and that key's id, whose sequence counts: a rotation may change it
// at any time.
type Sealer interface {
	OrderKey() (id string, sealed Sealing)
}

// Sealing seals orders with one key.
type Sealing func(o seal.Order) ([]byte, error)

// Reach gives the agents that targets mean now; planner implements it.
type Reach interface {
	Reached(ctx context.Context, t Targets) ([]string, error)
}

// Agents are those that are connected; push implements it.
type Agents interface {
	Here(agents []string) []string
	Order(envelope []byte, agents []string) (sent int)
	Elsewhere(agent string) bool // connected, to another hub
}

// LaneDeps are what a Lane needs.
type LaneDeps struct {
	Desk   *Desk
	Sealer Sealer
	Reach  Reach
	Agents Agents
	// Refused is told of each agent that refused an order, once, and why.
	Refused func(agent, bulletin, code string)
	// Tell publishes to other hubs alone. Nil: there are none.
	Tell func(bus.Event)
}

// Lane makes bulletins fast: what was approved or cancelled goes as a sealed order to the agents that are connected to
// this hub, before everything else on their lines. It adds speed and no behaviour: the next plan head of each says the
// same (docs/decisions/0006), and an order that is lost is no loss. Its methods are safe for concurrent use.
type Lane struct {
	LaneDeps

	sending sync.Mutex // from taking a sequence to sending it: an agent refuses a lower one that comes later

	mu    sync.Mutex
	sent  []*hurry                                // the latest, oldest first
	asked map[broadcast.Hash]chan wire.OrderState // by envelope: commands under way

	passed []broadcast.Hash // envelopes of other hubs' commands that went to agents here
	others []counts         // what other hubs told, of the latest bulletins
}

// hurry is one approval or cancel on its way.
type hurry struct {
	bulletin string
	kind     seal.OrderKind
	digests  map[broadcast.Hash]bool // of its envelopes
	answers  map[string]bool         // by agent: whether it took it
	told     int                     // of them, to other hubs
}

// NewLane makes a lane; it does nothing before Run.
func NewLane(d LaneDeps) *Lane {
	return &Lane{LaneDeps: d, asked: map[broadcast.Hash]chan wire.OrderState{}}
}

// Run sends orders until ctx ends. Events that it was too slow for are left to the plan heads.
func (l *Lane) Run(ctx context.Context) error {
	events := l.Desk.Bus.Subscribe(bus.Urgent, bus.Relay)
	defer events.Close()
	changed, again, stop := l.ticks()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			l.tellCounts(false)
		case <-again:
			l.tellCounts(true)
		case e := <-events.C():
			if e.Topic == bus.Relay {
				l.hear(e)
			}
			if e.Topic != bus.Urgent {
				continue
			}
			if err := l.hurry(ctx, e.ID); err != nil && ctx.Err() == nil {
				l.Desk.Log.Error("order not sent, agents get it with their plan", "bulletin", e.ID, "err", err)
			}
		}
	}
}

// hurry sends what the bulletin is now.
func (l *Lane) hurry(ctx context.Context, id string) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, hurryTime)
	defer cancel()
	b, err := l.Desk.Bulletin(ctx, id)
	if err != nil {
		return err
	}
	o, ok, err := orderOf(b)
	if err != nil || !ok || l.last(b.ID) == o.Kind { // an event of before, read late
		return err
	}
	agents, err := l.Reach.Reached(ctx, b.Targets)
	if err != nil {
		return err
	}
	agents = l.Agents.Here(agents)
	if len(agents) == 0 {
		return nil
	}
	l.sending.Lock()
	defer l.sending.Unlock()
	key, sealed := l.Sealer.OrderKey()
	if o.Sequence, err = l.next(ctx, key); err != nil {
		return err
	}
	o.IssuedAt = l.Desk.now()
	o.Expires = o.IssuedAt.Add(orderLife)
	sent, err := l.send(o, sealed, b.ID, agents)
	l.Desk.Log.InfoContext(ctx, "order sent", "bulletin", b.ID, "kind", o.Kind, "sequence", o.Sequence, "agents", sent, "took", time.Since(began))
	return err
}

// last is the kind of the bulletin's latest order, "" for none of late.
func (l *Lane) last(bulletin string) seal.OrderKind {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range slices.Backward(l.sent) {
		if h.bulletin == bulletin {
			return h.kind
		}
	}
	return ""
}

// orderOf is the order that makes a bulletin's state known; false for a state that nobody has to hear of.
func orderOf(b Bulletin) (o seal.Order, ok bool, err error) {
	var body any
	switch {
	case b.State == Cancelled && b.Approved != nil:
		o.Kind, body = seal.OrderCancel, broadcast.Cancellation{Bulletin: b.ID}
	case b.State == Approved:
		if o.Kind = seal.OrderLive; b.Kind != Live {
			o.Kind = seal.OrderDrill
		}
		body = b.aimed().Bulletin
	default:
		return o, false, nil
	}
	if o.Body, err = json.Marshal(body); err != nil {
		return o, false, fmt.Errorf("encode order: %w", err)
	}
	return o, true, nil
}

// send seals the order for the agents, some together, and sends it. All of it has one sequence: an agent is in one
// audience only.
func (l *Lane) send(o seal.Order, sealed Sealing, bulletin string, agents []string) (sent int, err error) {
	h := &hurry{bulletin: bulletin, kind: o.Kind, digests: map[broadcast.Hash]bool{}, answers: map[string]bool{}}
	l.mu.Lock()
	if l.sent = append(l.sent, h); len(l.sent) > hurried {
		l.sent = slices.Delete(l.sent, 0, len(l.sent)-hurried)
	}
	l.mu.Unlock()
	for some := range slices.Chunk(agents, together) {
		o.Audience = seal.OrderAudience{Agents: some}
		envelope, failed := sealed(o)
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		l.mu.Lock()
		h.digests[digestOf(envelope)] = true
		l.mu.Unlock()
		sent += l.Agents.Order(envelope, some)
	}
	return sent, err
}

func digestOf(envelope []byte) broadcast.Hash {
	digest := sha256.Sum256(envelope)
	return broadcast.Hash(hex.EncodeToString(digest[:]))
}

// next takes the key's next sequence, before anything is sealed with it: no two orders have the same.
func (l *Lane) next(ctx context.Context, key string) (sequence uint64, err error) {
	err = l.Desk.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		return tx.NewRaw(`INSERT INTO order_sequence (signer, last) VALUES (?, 1)
			ON CONFLICT (signer) DO UPDATE SET last = order_sequence.last + 1 RETURNING last`, key).Scan(ctx, &sequence)
	})
	if err != nil {
		return 0, fmt.Errorf("take the next order's sequence: %w", err)
	}
	return sequence, nil
}

// OrderState takes what an agent answered to an order. An answer to no order of late, or a second one, counts nothing.
func (l *Lane) OrderState(agent string, s wire.OrderState) {
	l.mu.Lock()
	if l.answered(s) || l.answerBack(agent, s) {
		l.mu.Unlock()
		return
	}
	i := slices.IndexFunc(l.sent, func(h *hurry) bool { return h.digests[s.SHA256] })
	if i < 0 {
		l.mu.Unlock()
		return
	}
	h := l.sent[i]
	if _, twice := h.answers[agent]; twice || len(h.answers) >= refusalsEach {
		l.mu.Unlock()
		return
	}
	h.answers[agent] = s.Code == ""
	l.mu.Unlock()
	if s.Code != "" {
		l.Desk.Log.Warn("agent refuses an order", "agent", agent, "bulletin", h.bulletin, "kind", h.kind, "code", s.Code)
		if l.Refused != nil {
			l.Refused(agent, h.bulletin, s.Code)
		}
	}
}

// Restored makes the next orders of keys, in a database that comes back from a backup, count from rise above its sequences.
func Restored(ctx context.Context, db *bun.DB, signers []string, rise int) error {
	for _, signer := range signers {
		_, err := db.NewRaw(`INSERT INTO order_sequence (signer, last) VALUES (?, ?)
			ON CONFLICT (signer) DO UPDATE SET last = order_sequence.last + EXCLUDED.last`, signer, rise).Exec(ctx)
		if err != nil {
			return fmt.Errorf("raise order sequences: %w", err)
		}
	}
	return nil
}
