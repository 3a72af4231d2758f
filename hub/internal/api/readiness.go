package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

type readinessInput struct {
	Area  string `query:"area" doc:"with everything below it; the person's own when left out"`
	Hours int    `query:"hours" minimum:"1" maximum:"48" default:"24" doc:"how far ahead"`
}

// ReadinessView is what comes next, and who will miss it.
type ReadinessView struct {
	At    time.Time    `json:"at"`
	Items []ComingView `json:"items" nullable:"false" doc:"approved broadcasts by their next times, what sounds now included"`
}

// ComingView is one coming time of a broadcast.
type ComingView struct {
	Broadcast string          `json:"broadcast"`
	Title     string          `json:"title"`
	Class     broadcast.Class `json:"class"`
	Daypart   string          `json:"daypart,omitempty"`
	Start     time.Time       `json:"start"`
	End       time.Time       `json:"end"`
	Agents    []AgentComing   `json:"agents" nullable:"false"`
}

// AgentComing is how far one cluster is, and what keeps it.
type AgentComing struct {
	Agent    string    `json:"agent"`
	Name     string    `json:"name"`
	Area     string    `json:"area"`
	State    string    `json:"state" enum:"queued,receiving,verified,armed,playing,played,missed"`
	Percent  int       `json:"percent" doc:"of the audio"`
	Online   bool      `json:"online"`
	LastSeen time.Time `json:"last_seen,omitzero"`
	Trouble  string    `json:"trouble,omitempty" enum:"offline,audio,plan,clock,card" doc:"what to see to first; empty when it will be heard"`
}

type readinessOutput struct{ Body ReadinessView }

// ReachView is how far a report got.
type ReachView struct {
	Heard   int `json:"heard" doc:"clusters of the person's areas on which it sounded"`
	Plays   int `json:"plays" doc:"times it sounded, all clusters together"`
	Planned int `json:"planned" doc:"clusters of the person's areas that approved broadcasts still mean it for"`
}

type reachOutput struct{ Body ReachView }

func (s *Server) readinessRoutes() {
	register(s, op("readiness", http.MethodGet, "/readiness", "Who will miss what comes next, and why"), s.readiness)
	register(s, op("report-reach", http.MethodGet, "/reports/{id}/reach", "How many clusters a report reached, and is planned for"), s.reach)
}

func (s *Server) readiness(ctx context.Context, in *readinessInput) (*readinessOutput, error) {
	area, err := s.place(ctx, in.Area)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	coming, err := s.Planner.Coming(ctx, area, now.Add(time.Duration(in.Hours)*time.Hour))
	if err != nil {
		return nil, err
	}
	out := ReadinessView{At: now, Items: []ComingView{}}
	agents := map[string]fleet.Agent{}
	for _, c := range coming {
		v := ComingView{Broadcast: c.Broadcast, Title: c.Title, Class: c.Class, Daypart: c.Daypart, Start: c.Start, End: c.End, Agents: []AgentComing{}}
		for _, r := range c.Readiness {
			a, known := agents[r.Agent]
			if !known {
				if a, err = s.Fleet.Agent(ctx, r.Agent); err != nil {
					return nil, err
				}
				agents[r.Agent] = a
			}
			v.Agents = append(v.Agents, viewComing(a, r))
		}
		out.Items = append(out.Items, v)
	}
	return &readinessOutput{out}, nil
}

func viewComing(a fleet.Agent, r planner.AgentReadiness) AgentComing {
	return AgentComing{Agent: a.ID, Name: a.Name, Area: a.Area, State: r.State, Percent: r.Percent, Online: a.Online, LastSeen: a.LastSeen, Trouble: Trouble(a, r.State)}
}

// Trouble says what keeps an agent from being heard with what it is in a state of readiness for, "" for nothing. One that
// is armed plays without the hub; what its clock or card last said still counts.
func Trouble(a fleet.Agent, state string) string {
	trouble := ""
	switch state {
	case "playing", "played":
		return ""
	case "queued", "receiving":
		trouble = "audio"
	case "verified":
		trouble = "plan"
	}
	switch st := a.Status; {
	case trouble != "" && !a.Online:
		return "offline"
	case trouble != "" || st == nil:
		return trouble
	case st.Clock.Trust == "untrusted":
		return "clock"
	case st.Card.State != "" && st.Card.State != "ok":
		return "card"
	}
	return ""
}

func (s *Server) reach(ctx context.Context, in *IDInput) (*reachOutput, error) {
	if _, err := s.report(ctx, in.ID); err != nil {
		return nil, err
	}
	areas, err := s.myAreas(ctx)
	if err != nil {
		return nil, err
	}
	planned, err := s.Planner.Meant(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if own := who(ctx).Area; own != "" { // how many others have is not theirs to know
		agents, err := s.Planner.Reached(ctx, planner.Targets{Areas: []string{own}})
		if err != nil {
			return nil, err
		}
		planned = slices.DeleteFunc(planned, func(id string) bool { return !slices.Contains(agents, id) })
	}
	out := ReachView{Planned: len(planned)}
	out.Heard, out.Plays, err = s.Evidence.Reach(ctx, evidence.Query{Report: in.ID, Areas: areas})
	return &reachOutput{out}, err
}
