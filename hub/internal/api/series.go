package api

import (
	"context"

	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

type dayInput struct {
	IDInput
	Day string `path:"day" doc:"2026-11-24"`
}

type approvedOutput struct{ Body planner.Approvals }

// replaces refuses a person who may not change the series that a broadcast takes a day from, when they write it and when
// they approve it.
func (s *Server) replaces(ctx context.Context, spec planner.Spec) error {
	if spec.Instead == nil {
		return nil
	}
	series, err := s.Planner.Broadcast(ctx, spec.Instead.Broadcast)
	if err != nil {
		return err
	}
	return s.covered(ctx, series.Spec)
}

func (s *Server) leaveDay(ctx context.Context, in *dayInput) (*broadcastOutput, error) {
	return s.changeDay(ctx, in, "broadcast.leave-day", func(ctx context.Context, day broadcast.Date) (planner.Broadcast, error) {
		return s.Planner.LeaveDay(ctx, in.ID, day, plannerPerson(who(ctx)))
	})
}

func (s *Server) restoreDay(ctx context.Context, in *dayInput) (*broadcastOutput, error) {
	return s.changeDay(ctx, in, "broadcast.restore-day", func(ctx context.Context, day broadcast.Date) (planner.Broadcast, error) {
		return s.Planner.RestoreDay(ctx, in.ID, day)
	})
}

func (s *Server) changeDay(ctx context.Context, in *dayInput, action string,
	do func(context.Context, broadcast.Date) (planner.Broadcast, error)) (*broadcastOutput, error) {
	day, err := broadcast.ParseDate(in.Day)
	if err != nil {
		return nil, errTime.At("day")
	}
	_, before, err := s.changeable(ctx, in.ID, "")
	if err != nil {
		return nil, err
	}
	b, err := do(ctx, day)
	if err != nil {
		return nil, err
	}
	return viewBroadcast(b), s.audit(ctx, change{action: action, subject: b.ID, area: b.Area,
		before: map[string]any{"days_off": before.DaysOff}, after: map[string]any{"days_off": b.DaysOff}})
}

func (s *Server) returnBroadcast(ctx context.Context, in *returnInput) (*broadcastOutput, error) {
	version, _, err := s.changeable(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := s.Planner.Return(ctx, in.ID, version, plannerPerson(who(ctx)), in.Body.Words)
	if err != nil {
		return nil, err
	}
	return viewBroadcast(b), s.audit(ctx, change{action: "broadcast.return", subject: b.ID, area: b.Area,
		after: map[string]any{"state": b.State, "version": b.Version, "words": b.Returned.Words}})
}

func (s *Server) approvedBroadcast(ctx context.Context, in *IDInput) (*approvedOutput, error) {
	if _, err := s.broadcast(ctx, in.ID); err != nil {
		return nil, err
	}
	v, err := s.Planner.LastApproved(ctx, in.ID)
	return &approvedOutput{v}, err
}

// TagsView is every tag a person can plan by.
type TagsView struct {
	Items []planner.Tag `json:"items" nullable:"false"`
}

type tagsOutput struct{ Body TagsView }

type tagAgentInput struct {
	IDInput
	Body struct {
		Tags []string `json:"tags" maxItems:"20" nullable:"false" doc:"as a whole"`
	}
}

type agentTagsOutput struct {
	Body struct {
		Tags []string `json:"tags" nullable:"false"`
	}
}

func (s *Server) listTags(ctx context.Context, _ *struct{}) (*tagsOutput, error) {
	tags, err := s.Planner.Tags(ctx, who(ctx).Area)
	return &tagsOutput{TagsView{tags}}, err
}

func (s *Server) tagAgent(ctx context.Context, in *tagAgentInput) (*agentTagsOutput, error) {
	a, err := s.Fleet.Agent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.mine(ctx, a.Area); err != nil {
		return nil, err
	}
	out := &agentTagsOutput{}
	if out.Body.Tags, err = s.Planner.TagAgent(ctx, in.ID, in.Body.Tags); err != nil {
		return nil, err
	}
	return out, s.audit(ctx, change{action: "agent.tag", subject: in.ID, area: a.Area, after: out.Body.Tags})
}
