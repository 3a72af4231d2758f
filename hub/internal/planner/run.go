package planner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// renewBefore is the least that may remain of a head: an agent that goes out of reach at the worst moment
// still has 34 days.
const renewBefore = 34 * 24 * time.Hour

// aheadMost is how far ahead of now a head may have been made: agents bear an hour, hubs' clocks differ a little.
const aheadMost = 10 * time.Minute

// sweepEvery is how often everything is compared even when nobody said that anything changed; it costs little
// when nothing did.
const sweepEvery = 5 * time.Minute

// urgentPause is how long a sweep waits after an urgent bulletin was approved or cancelled: the orders go to the agents
// first (docs/decisions/0017), and the sweep, which says the same, would take the processor from them.
const urgentPause = 300 * time.Millisecond

// AreaChanged says that an area, its policy or its dayparts changed.
func (p *Planner) AreaChanged(string) { p.nudge() }

// BroadcastChanged says that a broadcast changed.
func (p *Planner) BroadcastChanged(string) { p.nudge() }

// AgentChanged says that an agent came, went, or moved to another area.
func (p *Planner) AgentChanged(string) { p.nudge() }

// ReportChanged says that a report was approved, edited or withdrawn. Run hears it from the bus as well.
func (p *Planner) ReportChanged(id string) {
	p.mu.Lock()
	idle := p.used != nil && !p.used[id] // progress of an upload is of no plan
	p.mu.Unlock()
	if !idle {
		p.nudge()
	}
}

// nudge asks for a sweep; many nudges before it begins make one.
func (p *Planner) nudge() {
	select {
	case p.wake <- struct{}{}:
	default: // one is asked for already
	}
}

// Run sweeps at its start, whenever something changed, and after each midnight, until ctx ends. A sweep that
// fails is tried again, after a second at first and after half a minute at most.
func (p *Planner) Run(ctx context.Context) error {
	changes := p.Bus.Subscribe(bus.Report, bus.Urgent, bus.Decision)
	defer changes.Close()
	p.nudge()
	timer := time.NewTimer(0)
	defer timer.Stop()
	wait := time.Duration(0)
	var urgent <-chan time.Time // when the sweep for a bulletin is due
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-changes.C():
			switch {
			case e.Topic == bus.Report:
				p.ReportChanged(e.ID)
			case e.Topic != bus.Urgent:
				p.nudge()
			case urgent == nil:
				urgent = time.After(urgentPause)
			}
			continue
		case <-urgent:
			urgent = nil
		case <-p.wake:
		case <-timer.C:
		}
		if n, err := p.Sweep(ctx); err != nil && ctx.Err() == nil {
			wait = min(max(2*wait, time.Second), 30*time.Second)
			p.Log.Error("compile plans", "err", err, "issued", n, "again_in", wait)
			timer.Reset(wait)
		} else {
			wait = 0
			timer.Reset(p.untilNext())
		}
	}
}

// untilNext is the time to the next midnight of the fleet, and a second so that it is past for sure, to the next
// bulletin's leave, or sweepEvery where that is sooner.
func (p *Planner) untilNext() time.Duration {
	now := p.now()
	tomorrow := broadcast.DateOf(now, p.Zone).AddDays(1).At(0, p.Zone)
	wait := min(tomorrow.Sub(now)+time.Second, sweepEvery)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.leaves.IsZero() {
		wait = min(wait, max(p.leaves.Sub(now), 0)+time.Millisecond)
	}
	return wait
}

// Sweep compiles every agent's plan and issues those whose content changed, or which are due. It says how many.
func (p *Planner) Sweep(ctx context.Context) (int, error) {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	s, err := p.load(ctx, p.now())
	if err != nil {
		return 0, err
	}
	p.remember(s)
	c := newCompiler(p.Blobs, p.compiled)
	drafts, failed := p.drafts(ctx, s, c)
	if err := p.keepParts(ctx, s, c); err != nil {
		return 0, err
	}
	p.compiled = c.kept
	issued, err := p.issueAll(ctx, drafts)
	failed = errors.Join(failed, err)
	if p.cleared != s.last {
		failed = errors.Join(failed, p.clear(ctx, s))
	}
	return issued, failed
}

// issueAll issues in batches, two at a time: while one waits for the database, the other seals.
func (p *Planner) issueAll(ctx context.Context, drafts []draftHead) (issued int, err error) {
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(2)
	for some := range slices.Chunk(drafts, batch) {
		g.Go(func() error {
			n, failed := p.issue(ctx, some)
			mu.Lock()
			defer mu.Unlock()
			issued, err = issued+n, errors.Join(err, failed)
			return nil // one that fails holds up no other
		})
	}
	_ = g.Wait() // err has them all
	return issued, err
}

// remember notes which reports plans depend on, and when the next bulletin leaves them.
func (p *Planner) remember(s *snapshot) {
	used := set(s.reports)
	var leaves time.Time
	for _, b := range s.bulletins {
		for _, item := range b.Items {
			used[item.Report] = true
		}
		if leaves.IsZero() || b.Leaves.Before(leaves) {
			leaves = b.Leaves
		}
	}
	p.mu.Lock()
	p.used, p.leaves = used, leaves
	p.mu.Unlock()
}

// drafts gives the heads that must be issued. What fails for one agent is reported and does not hold up others.
func (p *Planner) drafts(ctx context.Context, s *snapshot, c *compiler) ([]draftHead, error) {
	before, err := p.issued(ctx)
	if err != nil {
		return nil, err
	}
	var out []draftHead
	var errs []error
	for _, a := range s.agents {
		d, err := p.draft(ctx, s, c, a)
		d.row = before[a.ID]
		if err == nil && (d.row.ContentHash != d.content || d.row.due(s.now)) {
			if err = p.acceptable(ctx, s, c, a, d.head); err == nil {
				out = append(out, d)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("compile plan of agent %s: %w", a.ID, err))
		}
	}
	return out, errors.Join(errs...)
}

// due tells whether a head must be made anew though it says the same: it runs out, or a clock that ran ahead made it.
func (r *planRow) due(now time.Time) bool {
	return store.Time(r.ExpiresAt).Sub(now) < renewBefore || store.Time(r.IssuedAt).Sub(now) > aheadMost
}

func (p *Planner) draft(ctx context.Context, s *snapshot, c *compiler, a AgentRef) (draftHead, error) {
	head := s.head(a)
	pos, err := s.position(a)
	if err != nil {
		return draftHead{}, err
	}
	if head.Days, err = c.days(ctx, s, a, pos); err != nil {
		return draftHead{}, err
	}
	content, err := fit(&head)
	head.IssuedAt, head.Expires = s.now, s.now.AddDate(0, 0, planDays)
	return draftHead{head: head, content: content + " " + p.Sealer.HeadKey()}, err
}

// acceptable tells whether an agent would take the plan: what it would refuse is never sealed. Agents whose plans
// differ in nothing but whose they are stand for each other.
func (p *Planner) acceptable(ctx context.Context, s *snapshot, c *compiler, a AgentRef, head broadcast.Head) error {
	pos, err := s.position(a)
	if err != nil {
		return err
	}
	head.Audience, head.Area, head.Days = "", "", nil // the days are the position's
	text, err := json.Marshal(head)
	if err != nil {
		return fmt.Errorf("encode head: %w", err)
	}
	key := string(text) + pos.key
	bad, known := c.checked[key]
	if !known {
		_, bad = p.agentPlan(ctx, s, a)
		c.checked[key] = bad
	}
	return bad
}
