package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
)

// decideInput is the commune's say. A hold without a subject stops what plays: the rest of the daypart, outside of
// dayparts an hour.
type decideInput struct {
	IDInput
	Body struct {
		Kind    string    `json:"kind" enum:"hold,release,mute,unmute,skip,move,order,volume,pin,allow" doc:"pin has the PC forget its PIN, for admins; allow approves an item that the commune put in at its PC, for who may approve"`
		Subject string    `json:"subject,omitempty" maxLength:"300" doc:"the slot for skip and move (skip on an item that the commune put in at its PC, its subject and #0, takes that out), the daypart (2026-11-24/morning) for order, the subject of the decision own for allow"`
		To      time.Time `json:"to,omitzero" doc:"for move: a time of the slot's day"`
		Order   []string  `json:"order,omitempty" maxItems:"64" nullable:"false" doc:"for order: keys of broadcasts as they are to follow each other"`
		Until   time.Time `json:"until,omitzero" doc:"for mute, at most a day; without it until unmute"`
		Percent int       `json:"percent,omitempty" doc:"for volume, from 10 to the policy's most"`
		Reason  string    `json:"reason,omitempty" maxLength:"500" doc:"needed by what changes the programme: mute, skip, move, order, volume"`
	}
}

// DecisionView is what a commune decided about one of its clusters.
type DecisionView struct {
	ID    string `json:"id"`
	Agent string `json:"agent"`
	broadcast.Decision
	ReceivedAt time.Time `json:"received_at" doc:"when the hub got it"`
	HadAt      time.Time `json:"had_at,omitzero" doc:"since when the hub knows that the PC has it; none while the PC is waited for"`
	Holds      bool      `json:"holds" doc:"it is in force: neither over nor overruled by another"`
}

// viewDecisions shows what was decided, newest first.
func viewDecisions(list []orders.Decision, now time.Time) []DecisionView {
	made := make([]broadcast.Decision, len(list))
	for i, d := range list {
		made[i] = d.Made
	}
	standing := broadcast.Standing(made)
	out := make([]DecisionView, len(list))
	for i, d := range list {
		over := d.Made.Until != nil && !now.Before(*d.Made.Until)
		out[i] = DecisionView{ID: d.ID, Agent: d.Agent, Decision: d.Made, ReceivedAt: d.ReceivedAt, HadAt: d.HadAt, Holds: !over && slices.ContainsFunc(standing, d.Made.Is)}
	}
	return out
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
	return paged(viewDecisions(list, s.Now()), ""), nil
}

func (s *Server) decideFor(ctx context.Context, in *decideInput) (*decisionOutput, error) {
	a, err := s.agent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Kind == "pin" && !caller(ctx).May(accounts.Manage) {
		return nil, errForbidden
	}
	if in.Body.Kind == "allow" {
		if !caller(ctx).May(accounts.Approve) {
			return nil, errForbidden
		}
		if _, err := s.Orders.OwnItem(ctx, a.ID, in.Body.Subject); err != nil {
			return nil, err
		}
	}
	d, err := s.wanted(ctx, a, in)
	if err != nil {
		return nil, err
	}
	d.Who, d.Reason = who(ctx).Name, strings.TrimSpace(in.Body.Reason)
	if d.Reason == "" && slices.Contains([]string{"mute", "skip", "move", "order", "volume"}, d.Kind) {
		return nil, commune.ErrReason
	}
	made, err := s.Orders.Decide(ctx, a.ID, a.Area, d)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{viewDecisions([]orders.Decision{made}, s.Now())[0]},
		s.audit(ctx, change{action: "decision." + d.Kind, subject: made.ID, area: a.Area, after: made.Made})
}

// wanted is the decision that is asked for, tried on the agent's programme where it changes that.
func (s *Server) wanted(ctx context.Context, a fleet.Agent, in *decideInput) (broadcast.Decision, error) {
	b := in.Body
	plain := broadcast.Decision{Kind: b.Kind, Subject: b.Subject}
	if subject, ok := strings.CutSuffix(b.Subject, broadcast.OwnSlot("")); ok && b.Kind == "skip" { // the plan that the hub has does not show it
		if _, err := s.Orders.OwnItem(ctx, a.ID, subject); err == nil {
			return plain, nil
		}
	}
	if !b.Until.IsZero() {
		plain.Until = &b.Until
	}
	if slices.Contains([]string{"release", "unmute", "pin", "allow"}, b.Kind) || b.Kind == "hold" && (b.Subject != "" || plain.Until != nil) ||
		b.Kind == "mute" && plain.Until == nil {
		return plain, nil
	}
	desk, err := s.desk(ctx, a)
	switch {
	case err != nil && b.Kind == "hold": // a stop is always taken
		s.Log.Error("stop without a plan", "agent", a.ID, "err", err)
		until := s.Now().Add(time.Hour)
		plain.Until = &until
		return plain, nil
	case err != nil:
		return plain, err
	}
	switch b.Kind {
	case "hold":
		return desk.Stop(), nil
	case "mute":
		return desk.Mute(b.Until)
	case "skip":
		return desk.Skip(b.Subject)
	case "move":
		return desk.Move(b.Subject, b.To)
	case "order":
		return desk.Order(b.Subject, b.Order)
	}
	return desk.Volume(b.Percent)
}
