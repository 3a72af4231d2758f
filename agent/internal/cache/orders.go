package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/seal"
)

// Codes of refusals of orders that are not seal's: the order is genuine, but cannot be followed.
const (
	codeOrderInvalid = "ORDER_INVALID"  // its body makes no sense
	codeOrderNotKept = "ORDER_NOT_KEPT" // the disk did not take it
	codeOrdersMany   = "ORDERS_TOO_MANY"
)

// Bounds of orders that no head says yet.
const (
	maxOrders   = 64
	orderedFor  = 26 * time.Hour  // a bulletin lasts a day at most, and so does its cancel
	orderedTail = 2 * time.Minute // and it may begin a little late
)

// hurried is an order that was accepted. A head that is issued later says the same, or says that it is over.
type hurried struct {
	Key      string              `json:"key"`
	IssuedAt time.Time           `json:"issued_at"`
	Bulletin *broadcast.Bulletin `json:"bulletin,omitempty"` // to be sounded
	Cancels  string              `json:"cancels,omitempty"`  // id of a bulletin that is taken back
}

// over tells whether nothing depends on it any more: a later head is in force, or its time has passed.
func (h hurried) over(inForce *held, now time.Time) bool {
	if inForce != nil && inForce.says(h) || now.After(h.IssuedAt.Add(orderedFor)) {
		return true
	}
	if h.Bulletin == nil {
		return false
	}
	end := h.Bulletin.Until.Add(orderedTail)
	for _, it := range h.Bulletin.Items {
		end = end.Add(time.Duration(it.DurationMS) * time.Millisecond)
	}
	return now.After(end)
}

// says tells whether a head was issued after an order: it is the full state, and the order counts no more.
func (h *held) says(o hurried) bool { return !h.doc.IssuedAt.Before(o.IssuedAt) }

// Order takes the envelope of an order: verified, committed with its floor, and in force when it returns. It gives the
// code of a refusal, "" for none, and the command where it is one: that has been counted, and is the caller's to follow.
func (c *Cache) Order(ctx context.Context, envelope []byte) (command *broadcast.Command, code string) {
	c.offers.Lock()
	defer c.offers.Unlock()
	if ctx.Err() != nil {
		return nil, codeOrderNotKept
	}
	trust, floors := c.trustAndFloors()
	if trust.Version() < floors.Trust.Version {
		c.refused("order", envelope, codeTrustBehind, nil)
		return nil, codeTrustBehind
	}
	now := c.o.Trusted()
	o, next, err := seal.OpenOrder(trust, envelope, c.listener(), floors, now)
	if err != nil {
		c.refused("order", envelope, string(seal.CodeOf(err)), err)
		return nil, string(seal.CodeOf(err))
	}
	if o.Kind == seal.OrderCommand {
		return c.command(o, next, envelope)
	}
	return nil, c.hurry(o, next, envelope)
}

// hurry takes an order about a bulletin; offers is held.
func (c *Cache) hurry(o seal.Order, next seal.Floors, envelope []byte) (code string) {
	now := c.o.Trusted()
	h, err := readOrder(o)
	if err != nil {
		c.refused("order", envelope, codeOrderInvalid, err)
		return codeOrderInvalid
	}
	orders, ok := c.ordersWith(h, now)
	if !ok {
		c.refused("order", envelope, codeOrdersMany, nil)
		return codeOrdersMany
	}
	if err := c.commitOrder(next, orders); err != nil {
		c.o.Log.Error("order is not kept", "kind", o.Kind, "sequence", o.Sequence, "error", err)
		return codeOrderNotKept
	}
	c.mu.Lock()
	c.plans.floors, c.plans.orders = next, orders
	c.renew()
	c.forgetNeeds()
	c.mu.Unlock()
	c.o.Log.Info("order is accepted", "kind", o.Kind, "sequence", o.Sequence, "bulletin", h.id(), "age", now.Sub(o.IssuedAt))
	c.o.Verified(o.IssuedAt)
	c.planChanged.Notify() // before anything is read from the disk
	c.orderedManifests()
	c.wantsChanged.Notify()
	return ""
}

// command counts a command's sequence before anybody follows it: what was recorded is followed once; offers is held.
func (c *Cache) command(o seal.Order, next seal.Floors, envelope []byte) (*broadcast.Command, string) {
	command, err := seal.Strict[broadcast.Command](o.Body, seal.MaxOrder)
	if err == nil {
		err = command.Check()
	}
	if err != nil {
		c.refused("order", envelope, codeOrderInvalid, err)
		return nil, codeOrderInvalid
	}
	c.mu.Lock()
	orders := slices.Clone(c.plans.orders)
	c.mu.Unlock()
	if err := c.commitOrder(next, orders); err != nil {
		c.o.Log.Error("command is not kept", "do", command.Do, "sequence", o.Sequence, "error", err)
		return nil, codeOrderNotKept
	}
	c.mu.Lock()
	c.plans.floors = next
	c.mu.Unlock()
	c.o.Log.Info("command is accepted", "do", command.Do, "sequence", o.Sequence)
	c.o.Verified(o.IssuedAt)
	return &command, ""
}

// ordersWith gives the orders to keep with a new one: of each bulletin the latest. Where there is no room, a cancel of
// what no plan has makes it; a cancel of what one has is never given up.
func (c *Cache) ordersWith(h hurried, now time.Time) ([]hurried, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.plans
	orders := slices.DeleteFunc(slices.Clone(p.orders), func(old hurried) bool { return old.id() == h.id() || old.over(p.active, now) })
	if len(orders) >= maxOrders {
		idle := slices.IndexFunc(orders, func(o hurried) bool {
			return o.Bulletin == nil && !p.active.has(o.Cancels) && !p.pending.has(o.Cancels)
		})
		if idle < 0 {
			return nil, false
		}
		orders = slices.Delete(orders, idle, idle+1)
	}
	return append(orders, h), true
}

// has tells whether a head has a bulletin; no head has none.
func (h *held) has(bulletin string) bool { return h != nil && has(h.doc.Bulletins, bulletin) }

// refused is the one line of audit that a refused document leaves on this machine; nothing else changes.
func (c *Cache) refused(document string, envelope []byte, code string, err error) {
	c.o.Log.Warn("document refused", "document", document, "code", code, "sha256", hashOf(envelope), "error", err)
}

func (h hurried) id() string {
	if h.Bulletin != nil {
		return h.Bulletin.ID
	}
	return h.Cancels
}

// readOrder reads an order's body by its kind.
func readOrder(o seal.Order) (hurried, error) {
	h := hurried{Key: o.Key, IssuedAt: o.IssuedAt}
	if o.Kind == seal.OrderCancel {
		c, err := seal.Strict[broadcast.Cancellation](o.Body, seal.MaxOrder)
		if err == nil && c.Bulletin == "" {
			err = errors.New("a cancel of nothing")
		}
		h.Cancels = c.Bulletin
		return h, err
	}
	b, err := seal.Strict[broadcast.Bulletin](o.Body, seal.MaxOrder)
	if err != nil {
		return h, err
	}
	if b.Kind != string(o.Kind) { // a drill never sounds as live, whatever its body says
		return h, fmt.Errorf("a bulletin of kind %q in an order of kind %q", b.Kind, o.Kind)
	}
	h.Bulletin = &b
	return h, b.Check()
}

// listener is who this agent is to an order.
func (c *Cache) listener() seal.Listener {
	who := seal.Listener{Agent: c.o.Agent}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plans.active != nil && c.plans.active.doc.Area != "" {
		who.Areas = []string{c.plans.active.doc.Area}
	}
	return who
}

func (c *Cache) commitOrder(floors seal.Floors, orders []hurried) error {
	raw, err := json.Marshal(orders)
	if err != nil {
		return fmt.Errorf("encode orders: %w", err)
	}
	return c.commit(floors, keyOrders, durable.Mark(keyOrders, raw))
}

// loadOrders reads the orders that no head says yet. Their signatures were verified when they came. Those of a database that is
// behind are given up, on the disk too: a later one may have taken them back.
func (c *Cache) loadOrders(raw []byte, behind bool) {
	if raw == nil {
		return
	}
	if behind {
		c.o.Log.Error("orders on the disk are older than the last one accepted, the next plan has them")
		if err := c.commitOrder(c.plans.floors, nil); err != nil {
			c.o.Log.Error("they stay on the disk", "error", err)
		}
		return
	}
	text, ok := durable.Unmark(keyOrders, raw)
	if !ok || json.Unmarshal(text, &c.plans.orders) != nil {
		c.o.Log.Error("orders are damaged on the disk, the next plan has them")
		c.plans.orders = nil
	}
}

// orderedItems are the items of bulletins that came by order; the caller holds mu.
func (c *Cache) orderedItems() []broadcast.Item { return bulletinItems(*c.orderedHead()) }

// orderedHead is a head of nothing but these bulletins, for what they need; the caller holds mu.
func (c *Cache) orderedHead() *broadcast.Head {
	head := &broadcast.Head{}
	for _, o := range c.plans.orders {
		if o.Bulletin != nil && (c.plans.active == nil || !c.plans.active.says(o)) {
			head.Bulletins = append(head.Bulletins, *o.Bulletin)
		}
	}
	return head
}

// orderedManifests makes known the manifests that are here of what came by order.
func (c *Cache) orderedManifests() {
	c.mu.Lock()
	items := c.orderedItems()
	c.mu.Unlock()
	for _, it := range items {
		if _, err := c.manifest(it); err != nil {
			c.o.Log.Error("manifest makes no sense", "sha256", it.Manifest, "error", err)
		}
	}
}

// renew makes the plan in force out of the active head and what is newer and must not wait for a slow line: what a
// newer head takes back or decides, the bulletins it has, and orders that no head says yet. The caller holds mu.
func (c *Cache) renew() {
	p := &c.plans
	if p.active == nil {
		p.inForce = nil
		return
	}
	p.inForce = p.active.plan
	if p.pending == nil && !slices.ContainsFunc(p.orders, func(o hurried) bool { return !p.active.says(o) }) {
		return
	}
	for _, additions := range []bool{true, false} { // should what is new make no sense, what is taken back still counts
		doc := p.hastened(additions)
		plan, err := broadcast.NewPlan(doc, slices.Collect(maps.Values(p.active.plan.Days)))
		if err == nil {
			p.inForce = plan
			return
		}
		c.o.Log.Error("what is newer than the plan is not applied yet", "version", p.active.doc.Version, "error", err)
	}
}

// hastened is the active head with what is newer.
func (p *plans) hastened(additions bool) broadcast.Head {
	doc := p.active.plan.Head
	doc.Bulletins = slices.Clone(doc.Bulletins)
	newest := p.active
	if n := p.pending; n != nil {
		doc.Withdrawals = slices.Concat(doc.Withdrawals, n.doc.Withdrawals)
		doc.Decisions = n.doc.Decisions
		doc.Bulletins = slices.DeleteFunc(doc.Bulletins, func(b broadcast.Bulletin) bool { return !has(n.doc.Bulletins, b.ID) })
		if n.code == "" {
			newest = n
			if additions {
				doc.Bulletins = with(doc.Bulletins, n.doc.Bulletins...)
			}
		}
	}
	for _, o := range p.orders {
		switch {
		case newest.says(o):
		case o.Bulletin == nil:
			doc.Bulletins = slices.DeleteFunc(doc.Bulletins, func(b broadcast.Bulletin) bool { return b.ID == o.Cancels })
		case additions:
			doc.Bulletins = with(doc.Bulletins, *o.Bulletin)
		}
	}
	return doc
}

func has(list []broadcast.Bulletin, id string) bool {
	return slices.ContainsFunc(list, func(b broadcast.Bulletin) bool { return b.ID == id })
}

// with adds the bulletins that are not there yet: the same one by head and by order is one.
func with(list []broadcast.Bulletin, more ...broadcast.Bulletin) []broadcast.Bulletin {
	for _, b := range more {
		if !has(list, b.ID) {
			list = append(list, b)
		}
	}
	return list
}
