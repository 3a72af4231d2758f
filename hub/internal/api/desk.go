package api

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/internal/commune"
)

// DeskView is one cluster as its operator needs it from afar: what the page at the PC shows, as far as the hub knows it.
type DeskView struct {
	AgentView
	At         time.Time           `json:"at" doc:"the hub's time"`
	Today      []commune.Slot      `json:"today" nullable:"false"`
	Tomorrow   []commune.Slot      `json:"tomorrow" nullable:"false"`
	Orderables []commune.Orderable `json:"orderables" nullable:"false" doc:"dayparts of today and tomorrow whose order can still be changed"`
	Held       bool                `json:"held" doc:"a stop holds"`
	HeldUntil  time.Time           `json:"held_until,omitzero"`
	Muted      bool                `json:"muted"`
	MutedUntil time.Time           `json:"muted_until,omitzero" doc:"none when the mute has no end"`
	Volume     int                 `json:"volume_percent" doc:"of what is scheduled now"`
	Ceiling    int                 `json:"ceiling_percent" doc:"of the policy"`
	Decisions  []DecisionView      `json:"decisions" nullable:"false" doc:"what was decided of late, at the PC and on the hub, newest first"`
}

// shownDecisions is how many the page has.
const shownDecisions = 30

type deskOutput struct{ Body DeskView }

// desk is an agent's programme, to decide at.
func (s *Server) desk(ctx context.Context, a fleet.Agent) (commune.Desk, error) {
	d, err := s.Planner.Desk(ctx, a.ID)
	if a.Online && a.Status != nil {
		d.Playing = a.Status.NowPlaying
	}
	return d, err
}

func (s *Server) getDesk(ctx context.Context, in *IDInput) (*deskOutput, error) {
	a, err := s.agent(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	desk, err := s.desk(ctx, a)
	if err != nil {
		return nil, err
	}
	v := DeskView{AgentView: viewAgent(a), At: desk.Now, Orderables: desk.Orderables()}
	if !a.Online {
		v.NowPlaying, v.Next = nil, nil // what it last said is over
	}
	today := desk.Today()
	if v.Today, err = desk.Day(today); err != nil {
		return nil, err
	}
	if v.Tomorrow, err = desk.Day(today.AddDays(1)); err != nil {
		return nil, err
	}
	v.HeldUntil, v.Held = desk.Plan.Held(desk.Now)
	v.MutedUntil, v.Muted = desk.Plan.Muted(desk.Now)
	v.Volume, v.Ceiling = desk.Plan.VolumeAt(desk.Now), desk.Plan.Head.Rules.VolumeAt(desk.Now, desk.Plan.Zone)
	list, err := s.Orders.Decisions(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	v.Decisions = viewDecisions(list, desk.Now)
	v.Decisions = v.Decisions[:min(len(v.Decisions), shownDecisions)]
	return &deskOutput{v}, nil
}
