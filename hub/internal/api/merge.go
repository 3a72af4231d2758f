package api

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/planner"
)

type mergeInput struct {
	CodeInput
	IfMatch string `header:"If-Match" doc:"the version that was seen"`
	Body    struct {
		Into string `json:"into" minLength:"1" maxLength:"64" doc:"code of the area it becomes a part of"`
	}
}

// MergeView is the area that took the other in, and what went over.
type MergeView struct {
	Area  AreaView        `json:"area"`
	Moved []planner.Moved `json:"moved" nullable:"false"`
}

type mergeOutput struct{ Body MergeView }

// mergeArea brings everything that hangs on an area to another, in one transaction.
func (s *Server) mergeArea(ctx context.Context, in *mergeInput) (*mergeOutput, error) {
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	before, err := s.area(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	if err := s.mine(ctx, in.Body.Into); err != nil {
		return nil, err
	}
	moved, err := s.Planner.Merge(ctx, in.Code, in.Body.Into, version, []planner.Mover{
		{What: "agents", Move: func(ctx context.Context, tx bun.Tx, from planner.Area, into string) (int, func(), error) {
			return s.Fleet.MoveArea(ctx, tx, from.Code, from.Name, into)
		}},
		{What: "people", Move: func(ctx context.Context, tx bun.Tx, from planner.Area, into string) (int, func(), error) {
			return s.Accounts.MoveArea(ctx, tx, from.Code, into, by(ctx))
		}},
		{What: "reports", Move: func(ctx context.Context, tx bun.Tx, from planner.Area, into string) (int, func(), error) {
			n, err := s.Library.MoveArea(ctx, tx, from.Code, into)
			return n, nil, err
		}},
	})
	if err != nil {
		return nil, err
	}
	err = s.audit(ctx, change{action: "area.merge", subject: in.Code, area: in.Body.Into, before: before.Body.Area, after: map[string]any{"into": in.Body.Into, "moved": moved}})
	if err != nil {
		return nil, err
	}
	after, err := s.area(ctx, in.Body.Into)
	if err != nil {
		return nil, err
	}
	return &mergeOutput{MergeView{after.Body, moved}}, nil
}
