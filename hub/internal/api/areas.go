package api

import (
	"context"
	"net/http"

	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

// AreaView is an area with what holds in it after inheritance.
type AreaView struct {
	planner.Area
	Rules     broadcast.Rules     `json:"rules" doc:"policies of all areas from the top down, tightened"`
	Effective []broadcast.Daypart `json:"effective_dayparts" doc:"own and inherited dayparts"`
	Inherited []string            `json:"inherited" nullable:"false" doc:"names of dayparts that come from above, which the commune itself cannot change"`
}

type areaOutput struct {
	ETag string `header:"ETag"`
	Body AreaView
}

type areaBody struct {
	Code     string              `json:"code" minLength:"1" maxLength:"64" doc:"never changes"`
	Name     string              `json:"name" minLength:"1" maxLength:"200"`
	Parent   string              `json:"parent,omitempty"`
	Policy   broadcast.Policy    `json:"policy,omitzero"`
	Dayparts []broadcast.Daypart `json:"dayparts,omitempty"`
	Tags     []string            `json:"tags,omitempty"`
	Holidays []planner.Holiday   `json:"holidays,omitempty"`
}

type areaChange struct {
	Name     *string              `json:"name,omitempty"`
	Parent   *string              `json:"parent,omitempty" doc:"empty: to the top"`
	Policy   *broadcast.Policy    `json:"policy,omitempty" doc:"as a whole"`
	Dayparts *[]broadcast.Daypart `json:"dayparts,omitempty" doc:"as a whole"`
	Tags     *[]string            `json:"tags,omitempty" doc:"as a whole"`
	Holidays *[]planner.Holiday   `json:"holidays,omitempty" doc:"as a whole"`
}

// CodeInput names an area.
type CodeInput struct {
	Code string `path:"code"`
}

type areaEditInput struct {
	CodeInput
	IfMatch string `header:"If-Match" doc:"the version that was seen"`
	Body    areaChange
}

type areaListInput struct {
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

func (s *Server) areaRoutes() {
	register(s, op("list-areas", http.MethodGet, "/areas", "Areas of the person, by code"), s.listAreas)
	register(s, op("get-area", http.MethodGet, "/areas/{code}", "One area"), func(ctx context.Context, in *CodeInput) (*areaOutput, error) {
		return s.area(ctx, in.Code)
	})
	register(s, created(op("create-area", http.MethodPost, "/areas", "Add an area to the tree")), s.createArea)
	register(s, op("edit-area", http.MethodPatch, "/areas/{code}", "Change an area"), s.editArea)
	register(s, op("merge-area", http.MethodPost, "/areas/{code}/merge", "Make an area a part of another; what was heard keeps its name"), s.mergeArea)
}

func viewArea(tree *planner.Tree, a planner.Area) AreaView {
	v := AreaView{Area: a, Rules: tree.Rules(a.Code), Effective: tree.Dayparts(a.Code), Inherited: []string{}}
	for _, d := range tree.Dayparts(a.Parent) {
		v.Inherited = append(v.Inherited, d.Name)
	}
	return v
}

// area gives one area of the person's.
func (s *Server) area(ctx context.Context, code string) (*areaOutput, error) {
	a, err := s.Planner.Area(ctx, code)
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	if !covers(tree, who(ctx).Area, code) {
		return nil, errForeignArea
	}
	return &areaOutput{ETag: etag(a.Version), Body: viewArea(tree, a)}, nil
}

func (s *Server) listAreas(ctx context.Context, in *areaListInput) (*pageOutput[AreaView], error) {
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	own := who(ctx).Area
	items, next := []AreaView{}, ""
	for _, a := range tree.All() {
		if a.Code <= in.Cursor || !covers(tree, own, a.Code) {
			continue
		}
		if len(items) == in.Limit {
			next = items[len(items)-1].Code
			break
		}
		items = append(items, viewArea(tree, a))
	}
	return paged(items, next), nil
}

func (s *Server) createArea(ctx context.Context, in *struct{ Body areaBody }) (*areaOutput, error) {
	b := in.Body
	if err := s.mine(ctx, b.Parent); err != nil {
		return nil, err
	}
	a, err := s.Planner.CreateArea(ctx, planner.Area{Code: b.Code, Name: b.Name, Parent: b.Parent, Policy: b.Policy, Dayparts: b.Dayparts, Tags: b.Tags, Holidays: b.Holidays})
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, change{action: "area.create", subject: a.Code, area: a.Code, after: a}); err != nil {
		return nil, err
	}
	return s.area(ctx, a.Code)
}

func (s *Server) editArea(ctx context.Context, in *areaEditInput) (*areaOutput, error) {
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	before, err := s.area(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	if in.Body.Parent != nil {
		if err := s.mine(ctx, *in.Body.Parent); err != nil {
			return nil, err
		}
	}
	a, err := s.Planner.EditArea(ctx, in.Code, version, planner.AreaChange{Name: in.Body.Name, Parent: in.Body.Parent,
		Policy: in.Body.Policy, Dayparts: in.Body.Dayparts, Tags: in.Body.Tags, Holidays: in.Body.Holidays})
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, change{action: "area.edit", subject: a.Code, area: a.Code, before: before.Body.Area, after: a}); err != nil {
		return nil, err
	}
	return s.area(ctx, a.Code)
}
