package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loa-vn/loa/hub/internal/fleet"
)

// ExpectedView is a cluster that is to be paired.
type ExpectedView struct {
	ID        string    `json:"id"`
	Area      string    `json:"area"`
	Name      string    `json:"name"`
	CreatedBy string    `json:"created_by"`
	CreatedAt time.Time `json:"created_at"`
}

// ToExpect is one cluster of a list that somebody brings.
type ToExpect struct {
	Area string `json:"area" minLength:"1"`
	Name string `json:"name" minLength:"1" maxLength:"200"`
}

type expectInput struct {
	Body struct {
		Items []ToExpect `json:"items" minItems:"1" maxItems:"1000" nullable:"false"`
	}
}

type expectOutput struct {
	Body struct {
		Added int `json:"added" doc:"how many are new; those that are known already are left as they are"`
	}
}

func (s *Server) expectedRoutes() {
	register(s, op("list-expected", http.MethodGet, "/pairings/expected", "Clusters that are still to be paired"), func(ctx context.Context, _ *struct{}) (*pageOutput[ExpectedView], error) {
		areas, err := s.myAreas(ctx)
		if err != nil {
			return nil, err
		}
		list, err := s.Fleet.Expecting(ctx, areas)
		if err != nil {
			return nil, err
		}
		items := make([]ExpectedView, len(list))
		for i, e := range list {
			items[i] = ExpectedView(e)
		}
		return paged(items, ""), nil
	})
	register(s, op("expect-agents", http.MethodPost, "/pairings/expected", "Note clusters that are to be paired, all of them or none"), s.expect)
	register(s, op("forget-expected", http.MethodDelete, "/pairings/expected/{id}", "Take one from that list"), func(ctx context.Context, in *IDInput) (*struct{}, error) {
		areas, err := s.myAreas(ctx)
		if err != nil {
			return nil, err
		}
		if err := s.Fleet.Forget(ctx, in.ID, areas); err != nil {
			return nil, err
		}
		return nil, s.audit(ctx, change{action: "expected.forget", subject: in.ID, area: who(ctx).Area})
	})
}

func (s *Server) expect(ctx context.Context, in *expectInput) (*expectOutput, error) {
	list := make([]fleet.Expected, len(in.Body.Items))
	known := map[string]bool{}
	for i, e := range in.Body.Items {
		if !known[e.Area] { // whether it is there, and the person's
			if _, err := s.area(ctx, e.Area); err != nil {
				return nil, err
			}
			known[e.Area] = true
		}
		list[i] = fleet.Expected{Area: e.Area, Name: e.Name}
	}
	added, err := s.Fleet.Expect(ctx, list, who(ctx).Name)
	if err != nil {
		return nil, err
	}
	out := &expectOutput{}
	out.Body.Added = added
	return out, s.audit(ctx, change{action: "expected.add", area: who(ctx).Area, after: map[string]any{"items": len(list), "added": added}})
}
