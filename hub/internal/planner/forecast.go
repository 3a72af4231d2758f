package planner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

// Plays gives play records; evidence implements it.
type Plays interface {
	// Plays gives an agent's records whose planned start lies in [from, to).
	Plays(ctx context.Context, agent string, from, to time.Time) ([]broadcast.Play, error)
}

var errAgentNotFound = problem.New("AGENT_NOT_FOUND", 404,
	"Không có cụm loa này. Hãy chọn lại trong danh sách.",
	"There is no such agent. Choose one from the list.")

// Forecast gives an agent's slots of a date, past or to come: those with a place, and those without and why.
func (p *Planner) Forecast(ctx context.Context, agent string, date broadcast.Date) ([]broadcast.Slot, error) {
	plan, plays, err := p.around(ctx, agent, date)
	if err != nil {
		return nil, err
	}
	var pins []broadcast.Pin
	for _, play := range plays {
		if !play.StartedAt.IsZero() {
			pins = append(pins, broadcast.PinOf(play))
		}
	}
	return plan.Slots(date, pins), nil
}

// Why tells what sounds, or sounded, at an agent at an instant, and why.
func (p *Planner) Why(ctx context.Context, agent string, at time.Time) (broadcast.Answer, error) {
	plan, plays, err := p.around(ctx, agent, broadcast.DateOf(at, p.Zone))
	if err != nil {
		return broadcast.Answer{}, err
	}
	return plan.Why(at, broadcast.State{}, plays), nil
}

// Desk gives the programme of an agent as its operator looks at it from afar, now. What was decided at the PC and has not
// come yet is not in it.
func (p *Planner) Desk(ctx context.Context, agent string) (commune.Desk, error) {
	now := p.now()
	plan, plays, err := p.around(ctx, agent, broadcast.DateOf(now, p.Zone))
	if err != nil {
		return commune.Desk{}, err
	}
	return commune.Desk{Plan: plan, Now: now, Source: "hub", Plays: func(from, to time.Time) (out []broadcast.Play, err error) {
		for _, play := range plays {
			if !play.PlannedStart.Before(from) && play.PlannedStart.Before(to) {
				out = append(out, play)
			}
		}
		return out, nil
	}}, nil
}

// around makes an agent's plan around a date from what is approved today, with the play records of the date
// and the days beside it. The farther back the date, the more the records are the answer: what was cancelled
// since is in them only.
func (p *Planner) around(ctx context.Context, agent string, date broadcast.Date) (*broadcast.Plan, []broadcast.Play, error) {
	now := p.now()
	if today := broadcast.DateOf(now, p.Zone); date < today || date >= today.AddDays(horizon) {
		now = date.At(broadcast.EndOfDay/2, p.Zone)
	}
	s, err := p.load(ctx, now)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(s.agents, func(a AgentRef) bool { return a.ID == agent })
	if i < 0 {
		return nil, nil, errAgentNotFound
	}
	plan, err := p.agentPlan(ctx, s, s.agents[i])
	if err != nil || p.Plays == nil {
		return plan, nil, err
	}
	plays, err := p.Plays.Plays(ctx, agent, date.AddDays(-1).At(0, p.Zone), date.AddDays(2).At(0, p.Zone))
	if err != nil {
		return nil, nil, fmt.Errorf("read play log: %w", err)
	}
	return plan, plays, nil
}
