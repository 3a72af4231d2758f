package app

import (
	"context"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/wire"
)

// States of readiness beyond those of fleet.
const (
	armed   = "armed"   // the audio is whole, and the agent's active plan is the newest, which has the broadcast
	playing = "playing" // it says that it sounds now
	played  = "played"
	missed  = "missed" // it was not heard, or nothing was told about it for a day
)

// silentFor is how long an agent may owe a play record before its slot counts as missed (design.md, Timetable).
const silentFor = 24 * time.Hour

// lookBack is how far back records are looked for: as long as a plan holds.
const lookBack = 36 * 24 * time.Hour

// readiness tells how far agents are with a broadcast, from what fleet, planner and evidence know.
type readiness struct {
	fleet    *fleet.Fleet
	planner  *planner.Planner
	evidence *evidence.Log
	now      func() time.Time
}

// Of implements planner.Readiness. While something is still to come, readiness is about that; afterwards about
// what was heard.
func (r readiness) Of(ctx context.Context, id string, version int, need planner.Need) ([]planner.AgentReadiness, error) {
	b, err := r.planner.Broadcast(ctx, id)
	if err != nil {
		return nil, err
	}
	v := view{readiness: r, broadcast: b, need: need, records: map[string][]evidence.Record{}}
	if b.Approved != nil && b.Version == version {
		v.approved = b.Approved.At
	}
	if need.Start.IsZero() {
		if err := v.read(ctx, version); err != nil {
			return nil, err
		}
	}
	out := make([]planner.AgentReadiness, len(need.Agents))
	plans := map[string]uint64{} // versions of those that have the audio and a plan
	var ready []string
	for i, agent := range need.Agents {
		sounds, plan := r.fleet.Says(agent)
		out[i] = v.one(agent, sounds)
		if out[i].State == fleet.Verified && plan.State == wire.PlanActive && !v.approved.IsZero() {
			plans[agent] = plan.Version
			ready = append(ready, agent)
		}
	}
	heads, err := r.planner.Heads(ctx, ready)
	if err != nil {
		return nil, err
	}
	for i := range out {
		newest, known := heads[out[i].Agent]
		if known && newest.Version == plans[out[i].Agent] && !newest.IssuedAt.Before(v.approved) {
			out[i].State = armed
		}
	}
	return out, nil
}

// view is one look at a broadcast.
type view struct {
	readiness
	broadcast planner.Broadcast
	need      planner.Need
	approved  time.Time // zero while it is not: a head made from then on has it
	records   map[string][]evidence.Record
}

// read gets the records of one version, by agent.
func (v *view) read(ctx context.Context, version int) error {
	q := evidence.Query{Broadcast: v.broadcast.ID, From: v.now().Add(-lookBack), Limit: 1000}
	if !v.need.Since.IsZero() {
		q.From = v.need.Since
	}
	for {
		list, next, err := v.evidence.List(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range list {
			if p.Version == version {
				v.records[p.Agent] = append(v.records[p.Agent], p)
			}
		}
		if q.After = next; next == "" {
			return nil
		}
	}
}

// one tells how far an agent is, but for its plan.
func (v *view) one(agent, sounds string) planner.AgentReadiness {
	out := planner.AgentReadiness{Agent: agent, Percent: 100}
	records := v.records[agent]
	switch {
	case sounds == v.broadcast.ID:
		out.State = playing
	case len(records) > 0 && !records[len(records)-1].StartedAt.IsZero(): // by planned start: the last one is the newest
		out.State = played
	case len(records) > 0, v.silent():
		out.State = missed
	default:
		ready := v.fleet.Ready(agent, v.need.Audio)
		out.State, out.Percent = ready.State, ready.Percent
	}
	return out
}

// silent tells whether everything of an approved broadcast is so long past that no record will come.
func (v *view) silent() bool {
	if v.approved.IsZero() || !v.need.Start.IsZero() {
		return false
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", v.broadcast.When.At, v.planner.Zone)
	if err != nil {
		at, err = time.ParseInLocation(time.DateOnly, v.broadcast.When.Date, v.planner.Zone)
	}
	return err == nil && v.broadcast.When.RRule == "" && v.now().Sub(at) > 2*silentFor
}
