package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/internal/broadcast"
)

// unknown stands where an agent has not yet said how it is.
const unknown = "unknown"

// AgentView is a loudspeaker cluster as it last said of itself; status_at is the age of everything it said.
type AgentView struct {
	ID          string                `json:"id"`
	Name        string                `json:"name"`
	Area        string                `json:"area"`
	State       fleet.State           `json:"state" enum:"active,blocked,revoked"`
	CreatedAt   time.Time             `json:"created_at"`
	Online      bool                  `json:"online"`
	LastSeen    time.Time             `json:"last_seen,omitzero"`
	PlanVersion uint64                `json:"plan_version" doc:"newest plan head it acknowledged"`
	PlanState   string                `json:"plan_state" doc:"active, fetching, refused or unknown"`
	PlanCode    string                `json:"plan_code,omitempty" doc:"why it refused"`
	PlanExpires time.Time             `json:"plan_expires,omitzero"`
	Software    string                `json:"software"`
	OS          string                `json:"os"`
	StatusAt    time.Time             `json:"status_at,omitzero" doc:"when the hub got what follows"`
	Clock       broadcast.ClockStatus `json:"clock"`
	Cache       broadcast.CacheStatus `json:"cache"`
	Card        broadcast.CardStatus  `json:"card"`
	Line        *broadcast.LineStatus `json:"line,omitempty"`
	NowPlaying  *broadcast.Sounding   `json:"now_playing,omitempty"`
	Next        *broadcast.Sounding   `json:"next,omitempty"`
	Outbox      int                   `json:"outbox" doc:"play records not yet acknowledged"`
}

func viewAgent(a fleet.Agent) AgentView {
	v := AgentView{ID: a.ID, Name: a.Name, Area: a.Area, State: a.State, CreatedAt: a.CreatedAt, Online: a.Online, LastSeen: a.LastSeen,
		PlanVersion: a.PlanVersion, PlanState: a.PlanState, PlanCode: a.PlanCode, Software: a.Software, OS: a.OS, StatusAt: a.StatusAt}
	if v.PlanState == "" {
		v.PlanState = unknown
	}
	if st := a.Status; st != nil {
		v.PlanExpires, v.Clock, v.Cache, v.Card = st.PlanExpires, st.Clock, st.Cache, st.Card
		v.Line = st.Line
		v.NowPlaying, v.Next, v.Outbox = st.NowPlaying, st.Next, st.Outbox
	}
	for _, word := range []*string{&v.Clock.Trust, &v.Cache.State, &v.Card.State} {
		if *word == "" {
			*word = unknown
		}
	}
	return v
}

type agentListInput struct {
	Area   string `query:"area" doc:"with everything below it"`
	Online string `query:"online" enum:"true,false"`
	Text   string `query:"q" doc:"part of the name"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// IDInput names one of a kind. It and CodeInput are exported because the library passes over embedded types that are not.
type IDInput struct {
	ID string `path:"id"`
}

type agentOutput struct{ Body AgentView }

func (s *Server) agentRoutes() {
	register(s, op("list-agents", http.MethodGet, "/agents", "Loudspeaker clusters of the person's areas"), s.listAgents)
	register(s, op("get-agent", http.MethodGet, "/agents/{id}", "One cluster"), func(ctx context.Context, in *IDInput) (*agentOutput, error) {
		a, err := s.agent(ctx, in.ID)
		return &agentOutput{viewAgent(a)}, err
	})
	for _, d := range []struct {
		name, summary string
		do            func(context.Context, string) error
	}{
		{"block", "Keep a cluster from connecting, for now; it plays on by the plan it has", s.Fleet.Block},
		{"unblock", "Let a blocked cluster connect again", s.Fleet.Unblock},
		{"revoke", "Make a cluster's key worth nothing, for good: only pairing anew brings it back", s.Fleet.Revoke},
	} {
		register(s, op(d.name+"-agent", http.MethodPost, "/agents/{id}/"+d.name, d.summary), func(ctx context.Context, in *IDInput) (*agentOutput, error) {
			return s.decideAgent(ctx, in.ID, "agent."+d.name, d.do)
		})
	}
	register(s, op("why-agent", http.MethodGet, "/agents/{id}/why", "What plays, played or will play at an instant, and why"), s.why)
	register(s, op("get-desk", http.MethodGet, "/agents/{id}/desk", "What its commune's operator sees: now and next, today and tomorrow, what was decided"), s.getDesk)
	register(s, op("list-decisions", http.MethodGet, "/agents/{id}/decisions", "What its commune decided lately, newest first"), s.listDecisions)
	register(s, op("list-own-items", http.MethodGet, "/own-items", "What communes put in at their PCs and wait to be allowed, soonest first"), s.listOwnItems)
	register(s, created(op("decide", http.MethodPost, "/agents/{id}/decisions", "Decide for the commune: stop, continue, mute, skip, move, order, volume; have the PC forget its PIN; approve its own item")), s.decideFor)
}

// decideAgent changes whether a cluster may connect; one that may not is disconnected at once.
func (s *Server) decideAgent(ctx context.Context, id, action string, do func(context.Context, string) error) (*agentOutput, error) {
	before, err := s.agent(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := do(ctx, id); err != nil {
		return nil, err
	}
	after, err := s.Fleet.Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	state := func(a fleet.Agent) map[string]any { return map[string]any{"name": a.Name, "state": a.State} }
	return &agentOutput{viewAgent(after)}, s.audit(ctx, change{action: action, subject: id, area: after.Area, before: state(before), after: state(after)})
}

// agent gives one of the person's.
func (s *Server) agent(ctx context.Context, id string) (fleet.Agent, error) {
	a, err := s.Fleet.Agent(ctx, id)
	if err != nil {
		return a, err
	}
	return a, s.mine(ctx, a.Area)
}

func (s *Server) listAgents(ctx context.Context, in *agentListInput) (*pageOutput[AgentView], error) {
	if in.Cursor != "" {
		if _, err := uuid.Parse(in.Cursor); err != nil {
			return nil, errCursor
		}
	}
	areas, err := s.chosenAreas(ctx, in.Area)
	if err != nil || areas != nil && len(areas) == 0 {
		return paged[AgentView](nil, ""), err
	}
	f := fleet.Filter{Areas: areas, Text: in.Text, After: in.Cursor, Limit: in.Limit}
	if in.Online != "" {
		online := in.Online == "true"
		f.Online = &online
	}
	agents, err := s.Fleet.Agents(ctx, f)
	if err != nil {
		return nil, err
	}
	items, next := make([]AgentView, len(agents)), ""
	for i, a := range agents {
		items[i] = viewAgent(a)
	}
	if len(agents) == in.Limit {
		next = agents[len(agents)-1].ID
	}
	return paged(items, next), nil
}

// chosenAreas gives the codes of a list that may be narrowed to one area; nil is all of them.
func (s *Server) chosenAreas(ctx context.Context, area string) ([]string, error) {
	if area == "" {
		return s.myAreas(ctx)
	}
	if err := s.mine(ctx, area); err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	if below := tree.Below(area); below != nil {
		return tree.Ever(below), nil
	}
	return []string{}, nil
}

// PairingView is one attempt to bring an agent into the fleet.
type PairingView struct {
	ID        string             `json:"id"`
	Area      string             `json:"area"`
	Name      string             `json:"name"`
	State     fleet.PairingState `json:"state" enum:"waiting,answered,confirmed,dead"`
	Code      string             `json:"code,omitempty" doc:"to be typed at the agent, while it is waited for"`
	Words     string             `json:"words" doc:"six words, once the agent answered: they must be the ones it shows"`
	Agent     string             `json:"agent" doc:"its id, once confirmed"`
	Dead      string             `json:"dead,omitempty" doc:"why it is dead, a code"`
	CreatedBy string             `json:"created_by"`
	CreatedAt time.Time          `json:"created_at"`
	ExpiresAt time.Time          `json:"expires_at"`
}

type pairingOutput struct{ Body PairingView }

func viewPairing(p fleet.Pairing) *pairingOutput {
	return &pairingOutput{PairingView{ID: p.ID, Area: p.Area, Name: p.Name, State: p.State, Code: p.Code, Words: strings.Join(p.Words, " "),
		Agent: p.Agent, Dead: p.Dead, CreatedBy: p.CreatedBy, CreatedAt: p.CreatedAt, ExpiresAt: p.ExpiresAt}}
}

type pairingInput struct {
	Body struct {
		Area string `json:"area" minLength:"1"`
		Name string `json:"name" minLength:"1" maxLength:"200" doc:"of the loudspeaker cluster"`
	}
}

type confirmInput struct {
	IDInput
	Body struct {
		Words string `json:"words" minLength:"1" maxLength:"200" doc:"as they are read at the agent"`
	}
}

func (s *Server) pairingRoutes() {
	register(s, created(op("create-pairing", http.MethodPost, "/pairings", "Open a pairing and get its code")), s.createPairing)
	register(s, op("get-pairing", http.MethodGet, "/pairings/{id}", "How far a pairing is"), func(ctx context.Context, in *IDInput) (*pairingOutput, error) {
		p, err := s.pairing(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return viewPairing(p), nil
	})
	register(s, op("confirm-pairing", http.MethodPost, "/pairings/{id}/confirm", "Say that the six words are the same"), s.confirmPairing)
}

func (s *Server) pairing(ctx context.Context, id string) (fleet.Pairing, error) {
	p, err := s.Fleet.Pairing(ctx, id)
	if err != nil {
		return p, err
	}
	return p, s.mine(ctx, p.Area)
}

func (s *Server) createPairing(ctx context.Context, in *pairingInput) (*pairingOutput, error) {
	if _, err := s.area(ctx, in.Body.Area); err != nil {
		return nil, err
	}
	p, err := s.Fleet.CreatePairing(ctx, in.Body.Area, in.Body.Name, who(ctx).Name)
	if err != nil {
		return nil, err
	}
	return viewPairing(p), s.audit(ctx, change{action: "pairing.create", subject: p.ID, area: p.Area, after: in.Body})
}

func (s *Server) confirmPairing(ctx context.Context, in *confirmInput) (*pairingOutput, error) {
	if _, err := s.pairing(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.Fleet.Confirm(ctx, in.ID, in.Body.Words, who(ctx).Name)
	if err != nil {
		return nil, err
	}
	return viewPairing(p), s.audit(ctx, change{action: "pairing.confirm", subject: p.ID, area: p.Area,
		after: map[string]string{"agent": p.Agent, "name": p.Name}})
}

type whyInput struct {
	IDInput
	At string `query:"at" doc:"2026-12-03T17:00:00 in the fleet's zone, or RFC 3339; now when left out"`
}

// Why says what sounds, or sounded, at an instant, what was in its way, and why.
type Why struct {
	At      time.Time   `json:"at"`
	Winner  *Contender  `json:"winner,omitempty"`
	Losers  []Contender `json:"losers" nullable:"false"`
	Silence string      `json:"silence,omitempty" doc:"a reason when nothing sounds; empty when nothing was planned"`
}

// Contender is one slot that wanted to be heard then.
type Contender struct {
	Slot      string            `json:"slot"`
	Broadcast string            `json:"broadcast"`
	Version   int               `json:"version"`
	Title     string            `json:"title"`
	Class     broadcast.Class   `json:"class"`
	Report    string            `json:"report"`
	Start     time.Time         `json:"start"`
	End       time.Time         `json:"end"`
	Outcome   broadcast.Outcome `json:"outcome,omitempty" doc:"none while it is planned and has no record yet"`
	Reason    string            `json:"reason,omitempty"`
	Recorded  bool              `json:"recorded" doc:"by a play record, not by the timetable"`
}

func viewWhy(a broadcast.Answer) Why {
	w := Why{At: a.At, Losers: []Contender{}, Silence: a.Silence}
	if a.Winner != nil {
		c := viewContender(*a.Winner)
		w.Winner = &c
	}
	for _, c := range a.Losers {
		w.Losers = append(w.Losers, viewContender(c))
	}
	return w
}

func viewContender(c broadcast.Contender) Contender {
	return Contender{Slot: c.Slot.ID, Broadcast: c.Slot.Broadcast, Version: c.Slot.Version, Title: c.Slot.Title, Class: c.Slot.Class,
		Report: c.Slot.Item.Report, Start: c.Slot.Start, End: c.Slot.End, Outcome: c.Outcome, Reason: c.Reason, Recorded: c.Recorded}
}

type whyOutput struct{ Body Why }

func (s *Server) why(ctx context.Context, in *whyInput) (*whyOutput, error) {
	if _, err := s.agent(ctx, in.ID); err != nil {
		return nil, err
	}
	at, err := s.instant("at", in.At)
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = s.Now()
	}
	answer, err := s.Planner.Why(ctx, in.ID, at)
	return &whyOutput{viewWhy(answer)}, err
}
