package app

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// connected gives the lane the agents that push holds; push is made after it.
type connected struct{ app *App }

func (c connected) Here(agents []string) []string { return c.app.push.Here(agents) }
func (c connected) Order(envelope []byte, agents []string) (sent int) {
	sent = c.app.push.Order(envelope, agents)
	c.app.metrics.Orders.Add(float64(sent))
	return sent
}
func (c connected) Elsewhere(agent string) bool {
	return c.app.hubs != nil && c.app.fleet.IsOnline(agent)
}

// answering is the fleet as push tells it of agents, with word of plans that an agent refuses, and of those it takes.
type answering struct {
	*fleet.Fleet
	refused, taken func(agent string, s wire.PlanState)
}

// PlanState implements push.Fleet.
func (r answering) PlanState(agent string, s wire.PlanState) {
	if s.State == wire.PlanRefused {
		r.refused(agent, s)
	} else {
		r.taken(agent, s) // before the event, after which pages ask
	}
	r.Fleet.PlanState(agent, s)
}

// refusalLog bounds the audit lines that agents can cause: one of each agent in a while, and none that says what its last
// one said. The agent's own log has every one.
type refusalLog struct {
	mu   sync.Mutex
	last map[string]lastRefusal
}

type lastRefusal struct {
	what string
	at   time.Time
}

const refusalEvery = 10 * time.Second

// fresh tells whether a refusal gets its line.
func (r *refusalLog) fresh(agent, what string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]lastRefusal{}
	}
	if last, known := r.last[agent]; known && (last.what == what || now.Sub(last.at).Abs() < refusalEvery) {
		return false
	}
	r.last[agent] = lastRefusal{what, now}
	return true
}

// orderRefused writes the audit line of an order that an agent did not take.
func (a *App) orderRefused(agent, bulletin, code string) {
	a.record(agent, "order.refuse", map[string]any{"bulletin": bulletin, "code": code})
}

// planRefused writes the audit line of a plan that an agent did not take.
func (a *App) planRefused(agent string, s wire.PlanState) {
	a.record(agent, "plan.refuse", map[string]any{"version": s.Version, "code": s.Code})
}

// planTaken notes the decisions that an agent now has: those of an accepted head hold at once, also while its documents still come.
func (a *App) planTaken(agent string, s wire.PlanState) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := a.orders.Had(ctx, agent, func(ctx context.Context) ([]broadcast.Decision, error) {
		return a.planner.Carried(ctx, agent, s.Version)
	})
	if err != nil {
		a.o.Logger.Error("decisions that an agent has not noted", "agent", agent, "err", err)
	}
}

func (a *App) record(agent, action string, what map[string]any) {
	after, err := json.Marshal(what)
	if err != nil || !a.refusals.fresh(agent, action+string(after), a.o.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	area := ""
	if known, err := a.fleet.Agent(ctx, agent); err == nil {
		area = known.Area
	}
	if err := a.accounts.Record(ctx, accounts.Entry{Who: "agent:" + agent, Origin: "link", Action: action, Subject: agent, Area: area, After: after}); err != nil {
		a.o.Logger.Error("refusal has no audit line", "agent", agent, "action", action, "err", err)
	}
}
