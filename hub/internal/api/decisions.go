package api

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/internal/broadcast"
)

// decideInput is the commune's say. A hold without a subject stops what plays: the rest of the daypart, outside of
// dayparts an hour.
type decideInput struct {
	IDInput
	Body struct {
		Kind    string    `json:"kind" enum:"hold,release,mute,unmute,skip,move,order,pin" doc:"pin has the PC forget its PIN, for admins"`
		Subject string    `json:"subject,omitempty" maxLength:"300" doc:"the slot for skip and move, the daypart (2026-11-24/morning) for order"`
		To      time.Time `json:"to,omitzero" doc:"for move"`
		Order   []string  `json:"order,omitempty" maxItems:"64" nullable:"false" doc:"for order: broadcasts as they are to follow each other"`
		Until   time.Time `json:"until,omitzero" doc:"for mute; without it until unmute"`
		Reason  string    `json:"reason,omitempty" maxLength:"500"`
	}
}

// DecisionView is what a commune decided about one of its clusters.
type DecisionView struct {
	ID    string `json:"id"`
	Agent string `json:"agent"`
	broadcast.Decision
	ReceivedAt time.Time `json:"received_at" doc:"when the hub got it"`
}

func viewDecision(d orders.Decision) DecisionView {
	return DecisionView{ID: d.ID, Agent: d.Agent, Decision: d.Made, ReceivedAt: d.ReceivedAt}
}

type decisionOutput struct{ Body DecisionView }

func (s *Server) listDecisions(ctx context.Context, in *IDInput) (*pageOutput[DecisionView], error) {
	if _, err := s.agent(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.Orders.Decisions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	items := make([]DecisionView, len(list))
	for i, d := range list {
		items[i] = viewDecision(d)
	}
	return paged(items, ""), nil
}

func (s *Server) decideFor(ctx context.Context, in *decideInput) (*decisionOutput, error) {
	a, err := s.agent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Kind == "pin" && !caller(ctx).May(accounts.Manage) {
		return nil, errForbidden
	}
	d := broadcast.Decision{Kind: in.Body.Kind, Subject: in.Body.Subject, Order: in.Body.Order}
	if !in.Body.To.IsZero() {
		d.To = &in.Body.To
	}
	if !in.Body.Until.IsZero() {
		d.Until = &in.Body.Until
	}
	if d.Kind == "hold" && d.Subject == "" && d.Until == nil {
		if d, err = s.Planner.Stop(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	d.Who, d.Reason = who(ctx).Name, in.Body.Reason
	made, err := s.Orders.Decide(ctx, a.ID, a.Area, d)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{viewDecision(made)}, s.audit(ctx, change{action: "decision." + d.Kind, subject: made.ID, area: a.Area, after: made.Made})
}
