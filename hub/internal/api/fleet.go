package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/internal/broadcast"
)

// FleetRow is a cluster in a line, for a list of all of them; everything but name, area and state is as old as status_at.
type FleetRow struct {
	ID       string      `json:"id"`
	Name     string      `json:"name"`
	Area     string      `json:"area"`
	State    fleet.State `json:"state" enum:"active,blocked,revoked"`
	Online   bool        `json:"online"`
	LastSeen time.Time   `json:"last_seen,omitzero"`
	StatusAt time.Time   `json:"status_at,omitzero"`
	Plan     string      `json:"plan" doc:"active, fetching, refused or unknown"`
	Clock    string      `json:"clock"`
	OffsetMS int64       `json:"offset_ms,omitempty"`
	Cache    string      `json:"cache"`
	Missing  int         `json:"missing,omitempty" doc:"audio files of the plan not yet whole"`
	Free     int64       `json:"free,omitempty" doc:"bytes of the disk"`
	Card     string      `json:"card"`
	Playing  string      `json:"playing,omitempty" doc:"title of what sounds"`
	Next     time.Time   `json:"next,omitzero" doc:"when it plays next"`
	Software string      `json:"software,omitempty"`
}

func viewRow(a fleet.Agent) FleetRow {
	v := viewAgent(a)
	r := FleetRow{ID: v.ID, Name: v.Name, Area: v.Area, State: v.State, Online: v.Online, LastSeen: v.LastSeen, StatusAt: v.StatusAt,
		Plan: v.PlanState, Clock: v.Clock.Trust, OffsetMS: v.Clock.OffsetMS, Cache: v.Cache.State, Missing: v.Cache.Missing,
		Free: v.Cache.FreeBytes, Card: v.Card.State, Software: v.Software}
	if v.NowPlaying != nil {
		r.Playing = v.NowPlaying.Title
	}
	if v.Next != nil {
		r.Next = v.Next.Start
	}
	return r
}

type fleetOutput struct {
	Body struct {
		Whole bool       `json:"whole" doc:"items are all there are; what was known before is void"`
		Mark  string     `json:"mark" doc:"to be given for what comes next"`
		Now   time.Time  `json:"now" doc:"the hub's clock, to count ages by"`
		Items []FleetRow `json:"items" nullable:"false"`
	}
}

func (s *Server) fleetRoutes() {
	o := op("fleet", http.MethodGet, "/fleet", "All clusters of the person's areas in short, or those of which something was heard behind a mark")
	o.Description = "Asked with the mark of the answer before, whenever an agent event came or some seconds passed; merged by id, no cluster is lost " +
		"or doubled, whatever happened to the stream of events."
	o.Middlewares = huma.Middlewares{pack}
	register(s, o, s.fleet)
	register(s, op("command-agent", http.MethodPost, "/agents/{id}/commands", "Have a connected cluster do something now, and wait for its answer"), s.command)
}

func (s *Server) fleet(ctx context.Context, in *struct {
	Mark string `query:"mark" maxLength:"100"`
}) (*fleetOutput, error) {
	areas, err := s.myAreas(ctx)
	if err != nil {
		return nil, err
	}
	out := &fleetOutput{}
	b := s.Fleet.Since(in.Mark, areas)
	out.Body.Whole, out.Body.Mark, out.Body.Now = b.Whole, b.Mark, s.Now()
	out.Body.Items = make([]FleetRow, len(b.Agents))
	for i, a := range b.Agents {
		out.Body.Items[i] = viewRow(a)
	}
	return out, nil
}

type commandInput struct {
	IDInput
	Body struct {
		Do string `json:"do" enum:"tone,restart,recheck,log" doc:"sound the test tone; start again; check all audio and fetch what is damaged; the last lines of its log"`
	}
}

type commandOutput struct {
	Body struct {
		Code string   `json:"code" doc:"why it would not, empty when it did; see docs/codes.md"`
		Log  []string `json:"log" nullable:"false"`
	}
}

func (s *Server) command(ctx context.Context, in *commandInput) (*commandOutput, error) {
	a, err := s.agent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.audit(ctx, change{action: "agent.command", subject: a.ID, area: a.Area, after: in.Body}); err != nil { // what cannot be noted is not done
		return nil, err
	}
	answer, err := s.Lane.Command(ctx, a.ID, broadcast.Command{Do: in.Body.Do})
	if err != nil {
		return nil, err
	}
	out := &commandOutput{}
	out.Body.Code, out.Body.Log = answer.Code, answer.Log
	if out.Body.Log == nil {
		out.Body.Log = []string{}
	}
	return out, nil
}
