package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

type urgentBody struct {
	Kind    orders.Kind       `json:"kind" enum:"live,drill" doc:"a drill crosses neither quiet hours nor mute"`
	Title   string            `json:"title,omitempty" maxLength:"200" doc:"the first report's when left out"`
	Items   []planner.ItemRef `json:"items" minItems:"1" maxItems:"10" nullable:"false" doc:"approved reports in their order"`
	Targets planner.Targets   `json:"targets"`
	Until   time.Time         `json:"until,omitzero" doc:"end of the bulletin, at most 24 h from now; in 1 h when left out"`
	Repeat  *urgentRepeat     `json:"repeat,omitempty" doc:"heard once when left out"`
}

type urgentRepeat struct {
	Every int64 `json:"every" minimum:"60" maximum:"86400" doc:"seconds from one beginning to the next"`
	Count int   `json:"count" minimum:"1" maximum:"100" doc:"times in all"`
}

type urgentCancelInput struct {
	IDInput
	Body *struct {
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

type urgentListInput struct {
	Area   string       `query:"area" doc:"with everything below it"`
	State  orders.State `query:"state" enum:"draft,approved,cancelled,ended"`
	Cursor string       `query:"cursor"`
	Limit  int          `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// Reach is how many loudspeaker clusters a bulletin is for.
type Reach struct {
	Agents int `json:"agents"`
	Online int `json:"online" doc:"those connected at this moment"`
	Taken  int `json:"taken" doc:"those that answered that they took the latest order of it; others have it with their next plan"`
}

// UrgentView is a bulletin with whom it reaches now.
type UrgentView struct {
	orders.Bulletin
	Reach Reach `json:"reach" doc:"as areas, clusters and connections are now"`
}

type urgentOutput struct{ Body UrgentView }

// Reached is one loudspeaker cluster that a bulletin is for.
type Reached struct {
	Agent  string `json:"agent"`
	Name   string `json:"name"`
	Area   string `json:"area"`
	Online bool   `json:"online"`
	Silent string `json:"silent,omitempty" doc:"why it would stay silent now: quiet_hours, of a drill only"`
}

func (s *Server) urgentRoutes() {
	register(s, created(op("create-urgent", http.MethodPost, "/urgent", "Write an urgent bulletin, to be approved")), s.createUrgent)
	register(s, op("list-urgent", http.MethodGet, "/urgent", "Urgent bulletins the person may see, newest first"), s.listUrgent)
	register(s, op("get-urgent", http.MethodGet, "/urgent/{id}", "One urgent bulletin"), func(ctx context.Context, in *IDInput) (*urgentOutput, error) {
		b, err := s.urgent(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return s.viewUrgent(ctx, b)
	})
	register(s, op("reach-urgent", http.MethodGet, "/urgent/{id}/reach", "Every cluster it is for, and which of them a drill would not sound on now"), s.reachUrgent)
	register(s, op("approve-urgent", http.MethodPost, "/urgent/{id}/approve", "Put it in force: it is heard at once"), s.approveUrgent)
	register(s, op("cancel-urgent", http.MethodPost, "/urgent/{id}/cancel", "Take it back for good: its sound stops"), s.cancelUrgent)
}

func (s *Server) viewUrgent(ctx context.Context, b orders.Bulletin) (*urgentOutput, error) {
	agents, err := s.Planner.Reached(ctx, planner.Targets(b.Targets))
	if err != nil {
		return nil, err
	}
	v := UrgentView{Bulletin: b, Reach: Reach{Agents: len(agents)}}
	for _, id := range agents {
		if s.Fleet.IsOnline(id) {
			v.Reach.Online++
		}
	}
	v.Reach.Taken, _ = s.Lane.Taken(b.ID)
	return &urgentOutput{v}, nil
}

// reachUrgent names the clusters before anybody approves: a drill that reaches the wrong village is no drill there.
func (s *Server) reachUrgent(ctx context.Context, in *IDInput) (*pageOutput[Reached], error) {
	b, err := s.urgent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	agents, err := s.Planner.Aimed(ctx, planner.Targets(b.Targets))
	if err != nil {
		return nil, err
	}
	quiet, err := s.Planner.Quiet(ctx, b.Length())
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	var out []Reached
	for _, a := range agents {
		if !covers(tree, who(ctx).Area, a.Area) {
			continue // as in a preview, everybody sees their own clusters alone
		}
		r := Reached{Agent: a.ID, Name: a.Name, Area: a.Area, Online: s.Fleet.IsOnline(a.ID)}
		if b.Kind == orders.Drill && quiet(a.Area) {
			r.Silent = broadcast.ReasonQuietHours
		}
		out = append(out, r)
	}
	return paged(out, ""), nil
}

// urgent gives one that the person may see: that answers to their area or one above, or is heard in theirs alone.
func (s *Server) urgent(ctx context.Context, id string) (orders.Bulletin, error) {
	b, err := s.Orders.Bulletin(ctx, id)
	if err != nil {
		return b, err
	}
	if s.visible(ctx, b.Area) == nil {
		return b, nil
	}
	return b, s.aimedByMe(ctx, b.Targets)
}

// aimedByMe refuses a person whose area does not hold every target.
func (s *Server) aimedByMe(ctx context.Context, t orders.Targets) error {
	return s.covered(ctx, planner.Spec{Targets: planner.Targets(t)})
}

func (s *Server) listUrgent(ctx context.Context, in *urgentListInput) (*pageOutput[orders.Bulletin], error) {
	areas, err := s.listedAreas(ctx, in.Area)
	if err != nil {
		return nil, err
	}
	p, err := s.Orders.List(ctx, orders.Filter{Areas: areas, State: in.State, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return paged(p.Items, p.Next), nil
}

func (s *Server) createUrgent(ctx context.Context, in *struct{ Body urgentBody }) (*urgentOutput, error) {
	body := in.Body
	targets := orders.Targets(body.Targets)
	if err := s.aimedByMe(ctx, targets); err != nil {
		return nil, err
	}
	if err := s.usable(ctx, body.Items); err != nil {
		return nil, err
	}
	spec := orders.Spec{Kind: body.Kind, Title: body.Title, Targets: targets, Until: body.Until, Repeat: (*orders.Repeat)(body.Repeat)}
	for _, item := range body.Items {
		spec.Reports = append(spec.Reports, item.Report)
	}
	p := who(ctx)
	b, err := s.Orders.Create(ctx, spec, orders.Person{ID: p.ID, Name: p.Name})
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, change{action: "urgent.create", subject: b.ID, area: b.Area, after: b}); err != nil {
		return nil, err
	}
	return s.viewUrgent(ctx, b)
}

func (s *Server) approveUrgent(ctx context.Context, in *IDInput) (*urgentOutput, error) {
	return s.decideUrgent(ctx, in.ID, "urgent.approve", s.Orders.Approve)
}

func (s *Server) cancelUrgent(ctx context.Context, in *urgentCancelInput) (*urgentOutput, error) {
	reason := ""
	if in.Body != nil {
		reason = in.Body.Reason
	}
	return s.decideUrgent(ctx, in.ID, "urgent.cancel", func(ctx context.Context, id string, by orders.Person) (orders.Bulletin, error) {
		return s.Orders.Cancel(ctx, id, reason, by)
	})
}

func (s *Server) decideUrgent(ctx context.Context, id, action string,
	do func(context.Context, string, orders.Person) (orders.Bulletin, error)) (*urgentOutput, error) {
	before, err := s.Orders.Bulletin(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.aimedByMe(ctx, before.Targets); err != nil {
		return nil, err
	}
	p := who(ctx)
	b, err := do(ctx, id, orders.Person{ID: p.ID, Name: p.Name})
	if err != nil {
		return nil, err
	}
	err = s.audit(ctx, change{action: action, subject: b.ID, area: b.Area, before: map[string]any{"state": before.State}, after: decided(b)})
	if err != nil {
		return nil, err
	}
	return s.viewUrgent(ctx, b)
}

// decided is what an audit line says of an approval or a cancel.
func decided(b orders.Bulletin) map[string]any {
	out := map[string]any{"state": b.State, "kind": b.Kind}
	if b.Cancelled != nil {
		out["reason"] = b.Cancelled.Reason
	}
	return out
}
