package cache

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// Codes of refusals that are not seal's: the head is genuine, but cannot be played.
const (
	codePlanInvalid     = "PLAN_INVALID"
	codeManifestInvalid = "PLAN_MANIFEST_INVALID"
	codeNotKept         = "PLAN_NOT_KEPT" // the disk did not take it
	codeTrustBehind     = "TRUST_BEHIND"  // the trust document on the disk is older than one accepted before
)

// held is a plan head that was verified and accepted.
type held struct {
	doc      broadcast.Head
	envelope []byte
	plan     *broadcast.Plan // once all its parts are here; guarded by Cache.mu
	code     string          // why it cannot be played, "" while nothing is known against it
	hastened bool            // what of it cannot wait is in force already
}

// plans is what is known of plans; it is guarded by Cache.mu.
type plans struct {
	trust     *seal.Trust
	floors    seal.Floors
	active    *held // the newest head whose parts are all here
	pending   *held // newer, but not all its parts are here
	orders    []hurried
	inForce   *broadcast.Plan // what the scheduler goes by: active, and what is newer and cannot wait; see renew
	days      map[broadcast.Hash]*broadcast.Day
	manifests map[broadcast.Hash]named // by audio
	present   map[broadcast.Hash]bool  // parts that were seen whole on the disk
}

// named is a manifest with the name it is known by.
type named struct {
	*broadcast.Manifest
	hash broadcast.Hash
}

// newest is the head accepted last.
func (p *plans) newest() *held {
	if p.pending != nil {
		return p.pending
	}
	return p.active
}

// Plan is the plan to go by, nil when there is none.
func (c *Cache) Plan() *broadcast.Plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plans.inForce
}

// Trust is the trust document pinned.
func (c *Cache) Trust() *seal.Trust {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plans.trust
}

// Held is what the hub is told at each connection: version and hash of the envelope of the newest head, and
// the trust document's version.
func (c *Cache) Held() (version uint64, sha256 broadcast.Hash, trust uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.plans.newest(); h != nil {
		version, sha256 = h.doc.Version, hashOf(h.envelope)
	}
	return version, sha256, c.plans.trust.Version()
}

// Offer takes the envelope of a plan head: verified, committed with its floor, and active at once if its parts
// are here.
func (c *Cache) Offer(ctx context.Context, envelope []byte) wire.PlanState {
	c.offers.Lock()
	defer c.offers.Unlock()
	if err := ctx.Err(); err != nil {
		return c.PlanState()
	}
	trust, floors := c.trustAndFloors()
	if trust.Version() < floors.Trust.Version {
		c.refused("plan", envelope, codeTrustBehind, nil)
		return wire.PlanState{State: wire.PlanRefused, Code: codeTrustBehind}
	}
	doc, floor, err := seal.OpenVersioned(trust, seal.Expect{Role: seal.Planner, Type: seal.TypePlanHead, Audience: c.o.Agent,
		Floor: floors.Head, Now: c.o.Trusted()}, envelope, headerOf)
	if err != nil {
		c.refused("plan", envelope, string(seal.CodeOf(err)), err)
		return wire.PlanState{Version: doc.Version, State: wire.PlanRefused, Code: string(seal.CodeOf(err))}
	}
	if _, sha, _ := c.Held(); sha == hashOf(envelope) {
		return c.PlanState()
	}
	next := floors.Merge(seal.Floors{Head: floor})
	if err := c.commitHead(next, doc, envelope); err != nil {
		c.o.Log.Error("plan is not kept", "version", doc.Version, "error", err)
		return wire.PlanState{Version: doc.Version, State: wire.PlanRefused, Code: codeNotKept}
	}
	c.mu.Lock()
	c.plans.floors = next
	c.plans.pending = &held{doc: doc, envelope: bytes.Clone(envelope)}
	c.forgetNeeds()
	c.mu.Unlock()
	c.o.Log.Info("plan is accepted", "version", doc.Version, "days", len(doc.Days), "bulletins", len(doc.Bulletins))
	c.o.Verified(doc.IssuedAt)
	c.advance()
	return c.PlanState()
}

func headerOf(h broadcast.Head) seal.Header {
	return seal.Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
}

// OfferTrust takes the trust documents after the one held, in order; all or none.
func (c *Cache) OfferTrust(_ context.Context, envelopes [][]byte) error {
	c.offers.Lock()
	defer c.offers.Unlock()
	current, floors := c.trustAndFloors()
	current = current.Knowing(floors.Trust)
	next, err := seal.AcceptTrusts(current, envelopes, c.o.Trusted())
	early := seal.CodeOf(err) == seal.FromFuture && !c.o.Synced()
	if early {
		// The clock is a hardware clock's, and may have stood still for longer than the rotation is old. The hub's time cannot put it
		// right before the key that signs it now is known.
		next, err = seal.AcceptTrusts(current, envelopes, time.Time{})
	}
	if err != nil {
		c.refused("trust", slices.Concat(envelopes...), string(seal.CodeOf(err)), err)
		return fmt.Errorf("accept trust document: %w", err)
	}
	if next == current {
		return nil
	}
	floors = floors.Merge(seal.Floors{Trust: next.Floor()})
	if err := c.commitTrust(floors, next); err != nil {
		return fmt.Errorf("keep trust document: %w", err)
	}
	c.mu.Lock()
	c.plans.trust, c.plans.floors = next, floors
	c.mu.Unlock()
	c.o.Log.Info("trust document is accepted", "version", next.Version())
	if !early { // else the hub's time says which of the two was wrong
		c.o.Verified(next.Doc().IssuedAt)
	}
	c.dropRevoked(next)
	return nil
}

// dropRevoked forgets heads whose key the trust document revokes. A key that only left its role does not take
// its head along: an agent that goes offline between the two must not fall silent.
func (c *Cache) dropRevoked(trust *seal.Trust) {
	revoked := func(h *held) bool { return h != nil && trust.Disowns(h.envelope, seal.TypePlanHead) }
	c.mu.Lock()
	active, pending, orders := revoked(c.plans.active), revoked(c.plans.pending), len(c.plans.orders)
	if active {
		c.plans.active = nil
	}
	if pending {
		c.plans.pending = nil
	}
	c.plans.orders = slices.DeleteFunc(c.plans.orders, func(o hurried) bool { return trust.Revoked(o.Key) })
	ordered := len(c.plans.orders) < orders // the disk has them until the next order: each start drops them again
	c.renew()
	c.forgetNeeds()
	c.mu.Unlock()
	if active || pending {
		c.o.Log.Warn("plan of a revoked key is dropped")
		if err := c.forgetHeads(active, pending); err != nil {
			c.o.Log.Error("plan of a revoked key stays on the disk", "error", err)
		}
	}
	if active || pending || ordered {
		c.planChanged.Notify()
		c.wantsChanged.Notify()
	}
}

func (c *Cache) forgetHeads(active, pending bool) error {
	return c.state.Update(func(tx *bbolt.Tx) error {
		heads := tx.Bucket(bucketHeads)
		if active {
			if err := heads.Delete(keyActive); err != nil {
				return fmt.Errorf("drop head: %w", err)
			}
		}
		if pending {
			return heads.Delete(keyPending)
		}
		return nil
	})
}

// PlanState is the state of the newest head.
func (c *Cache) PlanState() wire.PlanState {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.plans.newest()
	switch {
	case h == nil:
		return wire.PlanState{}
	case h.code != "":
		return wire.PlanState{Version: h.doc.Version, State: wire.PlanRefused, Code: h.code}
	case h == c.plans.pending:
		return wire.PlanState{Version: h.doc.Version, State: wire.PlanFetching}
	}
	return wire.PlanState{Version: h.doc.Version, State: wire.PlanActive}
}

// PlanChanged tells when PlanState may be another; link reads it.
func (c *Cache) PlanChanged() <-chan struct{} { return c.linkPlan }

func (c *Cache) trustAndFloors() (*seal.Trust, seal.Floors) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.plans.trust, c.plans.floors
}

// advance makes the pending head active if all its parts are here.
func (c *Cache) advance() {
	defer func() {
		c.wantsChanged.Notify()
		c.planChanged.Notify()
		c.kick()
	}()
	c.orderedManifests()
	c.mu.Lock()
	h := c.plans.pending
	settled := h == nil || h.code != ""
	c.mu.Unlock()
	if settled {
		return
	}
	plan, code := c.assemble(h)
	c.mu.Lock()
	if c.plans.pending != h {
		c.mu.Unlock()
		return
	}
	h.code, h.plan = code, plan
	c.forgetNeeds()
	if plan == nil {
		if !h.hastened || code != "" {
			h.hastened = true
			c.renew()
		}
		c.mu.Unlock()
		if code != "" {
			c.o.Log.Error("plan cannot be played", "version", h.doc.Version, "code", code)
		}
		return
	}
	c.plans.active, c.plans.pending = h, nil
	c.renew()
	c.mu.Unlock()
	if err := c.commitActive(h); err != nil {
		// It is played all the same; the next start makes it active again.
		c.o.Log.Error("active plan is not noted", "version", h.doc.Version, "error", err)
	}
	c.o.Log.Info("plan is active", "version", h.doc.Version, "expires", h.doc.Expires)
}

// assemble joins a head with its parts: nil while some are missing, and why they make no plan, if so.
func (c *Cache) assemble(h *held) (plan *broadcast.Plan, code string) {
	days := make([]broadcast.Day, 0, len(h.doc.Days))
	items := bulletinItems(h.doc)
	for _, ref := range h.doc.Days {
		day, ok, err := c.day(ref.Hash)
		if err != nil || ok && day.Date != ref.Date {
			c.o.Log.Error("day document makes no sense", "sha256", ref.Hash, "error", err)
			return nil, codePlanInvalid
		}
		if !ok {
			continue
		}
		days = append(days, *day)
		for _, cand := range day.Candidates {
			items = append(items, cand.Items...)
		}
	}
	complete := len(days) == len(h.doc.Days)
	for _, it := range items {
		if withdrawn(&h.doc, it) {
			continue // the hub may have none of it any more
		}
		ok, err := c.manifest(it)
		if err != nil {
			c.o.Log.Error("manifest makes no sense", "sha256", it.Manifest, "error", err)
			return nil, codeManifestInvalid
		}
		complete = complete && ok
	}
	if !complete {
		return nil, ""
	}
	plan, err := broadcast.NewPlan(h.doc, days)
	if err != nil {
		c.o.Log.Error("plan makes no sense", "version", h.doc.Version, "error", err)
		return nil, codePlanInvalid
	}
	return plan, ""
}

func bulletinItems(h broadcast.Head) []broadcast.Item {
	var items []broadcast.Item
	for _, b := range h.Bulletins {
		items = append(items, b.Items...)
	}
	return items
}
