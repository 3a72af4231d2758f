package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

type broadcastOutput struct {
	ETag string `header:"ETag"`
	Body planner.Broadcast
}

func viewBroadcast(b planner.Broadcast) *broadcastOutput {
	return &broadcastOutput{ETag: etag(int64(b.Version)), Body: b}
}

type broadcastBody struct {
	Title    string            `json:"title" minLength:"1" maxLength:"200"`
	Area     string            `json:"area,omitempty" doc:"who answers for it; its author's area, or the lowest that holds all targets"`
	Class    broadcast.Class   `json:"class" enum:"normal,priority"`
	Items    []planner.ItemRef `json:"items" minItems:"1" maxItems:"100" nullable:"false" doc:"reports in their order"`
	When     planner.When      `json:"when" doc:"at or daypart, once or by a rule"`
	Targets  planner.Targets   `json:"targets"`
	Lateness string            `json:"lateness,omitempty" doc:"skip, join or whole:N; join for a time, skip for a daypart"`
	Order    int               `json:"order,omitempty" doc:"place among others in a daypart"`
	Instead  *planner.Instead  `json:"instead,omitempty" doc:"the day of a series in whose place it is heard, once it is approved"`
}

func (b broadcastBody) spec(area string) planner.Spec {
	if b.Area != "" {
		area = b.Area
	}
	return planner.Spec{Title: b.Title, Area: area, Class: b.Class, Owner: broadcast.OwnerHub, Items: b.Items, When: b.When,
		Targets: b.Targets, Lateness: b.Lateness, Order: b.Order, Instead: b.Instead}
}

type broadcastChange struct {
	Title    *string            `json:"title,omitempty" minLength:"1" maxLength:"200"`
	Area     *string            `json:"area,omitempty"`
	Class    *broadcast.Class   `json:"class,omitempty" enum:"normal,priority"`
	Items    *[]planner.ItemRef `json:"items,omitempty" minItems:"1" maxItems:"100"`
	When     *planner.When      `json:"when,omitempty" doc:"as a whole"`
	Targets  *planner.Targets   `json:"targets,omitempty" doc:"as a whole"`
	Lateness *string            `json:"lateness,omitempty"`
	Order    *int               `json:"order,omitempty"`
}

func (c broadcastChange) apply(spec planner.Spec) planner.Spec {
	set(&spec.Title, c.Title)
	set(&spec.Area, c.Area)
	set(&spec.Class, c.Class)
	set(&spec.Items, c.Items)
	set(&spec.When, c.When)
	set(&spec.Targets, c.Targets)
	set(&spec.Lateness, c.Lateness)
	set(&spec.Order, c.Order)
	return spec
}

func set[T any](into, from *T) {
	if from != nil {
		*into = *from
	}
}

type broadcastEditInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version that was seen; 412 STALE_VERSION when there is a newer one"`
	Body    broadcastChange
}

type broadcastListInput struct {
	Area     string `query:"area" doc:"with everything below it"`
	State    string `query:"state" enum:"draft,approved,cancelled"`
	Returned string `query:"returned" enum:"yes,no" doc:"whether their author has them back"`
	Cursor   string `query:"cursor"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type previewOutput struct{ Body planner.Preview }

func (s *Server) broadcastRoutes() {
	register(s, created(op("create-broadcast", http.MethodPost, "/broadcasts", "Plan reports for areas")), s.createBroadcast)
	register(s, op("list-broadcasts", http.MethodGet, "/broadcasts", "Broadcasts the person may see, newest first"), s.listBroadcasts)
	register(s, op("get-broadcast", http.MethodGet, "/broadcasts/{id}", "One broadcast"), func(ctx context.Context, in *IDInput) (*broadcastOutput, error) {
		b, err := s.broadcast(ctx, in.ID)
		return viewBroadcast(b), err
	})
	register(s, op("edit-broadcast", http.MethodPatch, "/broadcasts/{id}", "Write a new version, to be approved anew"), s.editBroadcast)
	register(s, op("approve-broadcast", http.MethodPost, "/broadcasts/{id}/approve", "Say that this version may be heard"), s.approveBroadcast)
	register(s, op("cancel-broadcast", http.MethodPost, "/broadcasts/{id}/cancel", "Take it out of every plan for good"), s.cancelBroadcast)
	register(s, op("return-broadcast", http.MethodPost, "/broadcasts/{id}/return", "Give a draft back to its author, with words"), s.returnBroadcast)
	register(s, op("approved-broadcast", http.MethodGet, "/broadcasts/{id}/approved", "What was last approved of it, to see what changed since"), s.approvedBroadcast)
	register(s, op("leave-day", http.MethodPut, "/broadcasts/{id}/days-off/{day}", "Take one day out of a repeating broadcast, at once"), s.leaveDay)
	register(s, op("restore-day", http.MethodDelete, "/broadcasts/{id}/days-off/{day}", "Take the day back in"), s.restoreDay)
	register(s, op("preview-broadcast", http.MethodGet, "/broadcasts/{id}/preview", "What will be heard where, what is in its way, how far agents are"),
		s.preview)
}

// preview shows of a broadcast what happens at the person's own agents: those beside them, and what others planned
// for them, are not theirs to see.
func (s *Server) preview(ctx context.Context, in *IDInput) (*previewOutput, error) {
	if _, err := s.broadcast(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.Planner.Preview(ctx, in.ID)
	own := who(ctx).Area
	if err != nil || own == "" {
		return &previewOutput{p}, err
	}
	agents, err := s.Planner.Reached(ctx, planner.Targets{Areas: []string{own}})
	if err != nil {
		return nil, err
	}
	return &previewOutput{previewOf(p, agents)}, nil
}

// previewOf leaves of a preview what concerns agents, and what concerns none.
func previewOf(p planner.Preview, agents []string) planner.Preview {
	mine := make(map[string]bool, len(agents))
	for _, id := range agents {
		mine[id] = true
	}
	foreign := func(id string) bool { return !mine[id] }
	own := func(of []string) []string { return slices.DeleteFunc(slices.Clone(of), foreign) } // some share one list
	out := planner.Preview{Broadcast: p.Broadcast, Version: p.Version, Occurrences: []planner.Occurrence{}, Conflicts: []planner.Conflict{}}
	for _, o := range p.Occurrences {
		if o.Agents = own(o.Agents); len(o.Agents) > 0 {
			out.Occurrences = append(out.Occurrences, o)
		}
	}
	for _, c := range p.Conflicts {
		none := len(c.Agents) == 0 // nobody hears it yet
		if c.Agents = own(c.Agents); none || len(c.Agents) > 0 {
			out.Conflicts = append(out.Conflicts, c)
		}
	}
	out.Readiness = slices.DeleteFunc(p.Readiness, func(r planner.AgentReadiness) bool { return foreign(r.Agent) })
	return out
}

// broadcast gives one that the person may see: that answers to their area or one above, or is heard in theirs.
func (s *Server) broadcast(ctx context.Context, id string) (planner.Broadcast, error) {
	b, err := s.Planner.Broadcast(ctx, id)
	if err != nil {
		return b, err
	}
	if s.visible(ctx, b.Area) == nil {
		return b, nil
	}
	return b, s.covered(ctx, b.Spec)
}

func (s *Server) listBroadcasts(ctx context.Context, in *broadcastListInput) (*pageOutput[planner.Broadcast], error) {
	areas, err := s.listedAreas(ctx, in.Area)
	if err != nil {
		return nil, err
	}
	f := planner.Filter{Areas: areas, Returned: yesOrNo(in.Returned), Cursor: in.Cursor, Limit: in.Limit}
	if in.State != "" {
		f.States = []planner.State{planner.State(in.State)}
	}
	p, err := s.Planner.List(ctx, f)
	if err != nil {
		return nil, err
	}
	return paged(p.Items, p.Next), nil
}

// covered refuses a person whose area does not hold every target, and the area that answers for it.
func (s *Server) covered(ctx context.Context, spec planner.Spec) error {
	if who(ctx).Area == "" {
		return nil
	}
	areas := append([]string{}, spec.Targets.Areas...)
	if spec.Area != "" {
		areas = append(areas, spec.Area)
	}
	for _, id := range spec.Targets.Agents {
		a, err := s.Fleet.Agent(ctx, id)
		if err != nil {
			return err
		}
		areas = append(areas, a.Area)
	}
	return s.mine(ctx, areas...)
}

func (s *Server) createBroadcast(ctx context.Context, in *struct{ Body broadcastBody }) (*broadcastOutput, error) {
	spec := in.Body.spec(who(ctx).Area)
	if err := s.covered(ctx, spec); err != nil {
		return nil, err
	}
	if err := s.replaces(ctx, spec); err != nil {
		return nil, err
	}
	if err := s.usable(ctx, spec.Items); err != nil {
		return nil, err
	}
	b, err := s.Planner.Create(ctx, spec, plannerPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	return viewBroadcast(b), s.audit(ctx, change{action: "broadcast.create", subject: b.ID, area: b.Area, after: b.Spec})
}

// usable refuses reports that the person may not even see.
func (s *Server) usable(ctx context.Context, items []planner.ItemRef) error {
	areas, err := s.visibleAreas(ctx)
	if err != nil || areas == nil {
		return err
	}
	for _, item := range items {
		r, err := s.Library.Report(ctx, item.Report)
		if err != nil {
			continue // planner says in its words that there is none
		}
		if !slices.Contains(areas, r.Area) {
			return errForeignArea.At("items")
		}
	}
	return nil
}

func (s *Server) editBroadcast(ctx context.Context, in *broadcastEditInput) (*broadcastOutput, error) {
	version, before, err := s.changeable(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	spec := in.Body.apply(before.Spec)
	if err := s.covered(ctx, spec); err != nil {
		return nil, err
	}
	if err := s.usable(ctx, spec.Items); err != nil {
		return nil, err
	}
	b, err := s.Planner.Edit(ctx, in.ID, version, spec, plannerPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	return viewBroadcast(b), s.audit(ctx, change{action: "broadcast.edit", subject: b.ID, area: b.Area, before: before.Spec, after: b.Spec})
}

// changeable gives a broadcast whose every target is the person's and the version they saw, and that version: the one whose
// targets were checked here.
func (s *Server) changeable(ctx context.Context, id, header string) (int, planner.Broadcast, error) {
	version, err := ifMatch(header)
	if err != nil {
		return 0, planner.Broadcast{}, err
	}
	b, err := s.Planner.Broadcast(ctx, id)
	if err != nil {
		return 0, b, err
	}
	if err := s.covered(ctx, b.Spec); err != nil {
		return 0, b, err
	}
	if version != 0 && version != int64(b.Version) {
		return 0, b, errStale
	}
	return b.Version, b, nil
}

func (s *Server) approveBroadcast(ctx context.Context, in *approveInput) (*broadcastOutput, error) {
	b, err := s.Planner.Broadcast(ctx, in.ID)
	if err == nil {
		err = s.replaces(ctx, b.Spec)
	}
	if err != nil {
		return nil, err
	}
	return s.decide(ctx, in, "broadcast.approve", s.Planner.Approve)
}

func (s *Server) cancelBroadcast(ctx context.Context, in *approveInput) (*broadcastOutput, error) {
	return s.decide(ctx, in, "broadcast.cancel", s.Planner.Cancel)
}

func (s *Server) decide(ctx context.Context, in *approveInput, action string,
	do func(context.Context, string, int, planner.Person) (planner.Broadcast, error)) (*broadcastOutput, error) {
	version, before, err := s.changeable(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := do(ctx, in.ID, version, plannerPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	state := func(b planner.Broadcast) map[string]any {
		return map[string]any{"state": b.State, "version": b.Version}
	}
	return viewBroadcast(b), s.audit(ctx, change{action: action, subject: b.ID, area: b.Area, before: state(before), after: state(b)})
}

func plannerPerson(p accounts.Person) planner.Person { return planner.Person{ID: p.ID, Name: p.Name} }
