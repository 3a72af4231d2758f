package planner

import (
	"context"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Due calls each with what every agent was to do on a date, as far as what is approved today tells: the slots of which it
// leaves a record. What was cancelled or edited since is in the records only.
func (p *Planner) Due(ctx context.Context, date broadcast.Date, each func(AgentRef, []broadcast.Slot)) error {
	s, err := p.load(ctx, date.At(0, p.Zone)) // from its beginning, so that what came once that morning is in it
	if err != nil {
		return err
	}
	s.first, s.last = date.AddDays(-daysKept), date // of the other days nobody asks
	for _, a := range s.agents {
		if err := ctx.Err(); err != nil {
			return err
		}
		plan, err := p.agentPlan(ctx, s, a)
		if err != nil {
			return err
		}
		each(a, plan.Slots(date, nil))
	}
	return nil
}
