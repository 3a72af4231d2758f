package planner

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// rerunDays is how far back a report heard by the same people is worth a warning (domain.md: the first half
// hour repeats yesterday's programme).
const rerunDays = 7

// Need is audio that agents must have in time.
type Need struct {
	Agents []string
	Audio  []broadcast.Hash
	Start  time.Time // first planned start still to come; zero when there is none
	Since  time.Time // what was heard before does not count; zero counts everything
}

// AgentReadiness is how far an agent is with a broadcast.
type AgentReadiness struct {
	Agent   string `json:"agent"`
	State   string `json:"state"` // queued | receiving | verified | armed | playing | played | missed
	Percent int    `json:"percent"`
}

// Readiness tells how far agents are; fleet implements it.
type Readiness interface {
	Of(ctx context.Context, broadcastID string, version int, need Need) ([]AgentReadiness, error)
}

// Preview is what will become of a broadcast, by the same timetable that the agents run.
type Preview struct {
	Broadcast   string           `json:"broadcast"`
	Version     int              `json:"version"`
	Occurrences []Occurrence     `json:"occurrences"`
	Conflicts   []Conflict       `json:"conflicts"`
	Readiness   []AgentReadiness `json:"readiness"`
}

// Occurrence is one time of a broadcast, at the agents that share it.
type Occurrence struct {
	Key    string         `json:"key"` // 2026-11-24T05:30:00+07:00, or 2026-11-24/morning
	Date   broadcast.Date `json:"date"`
	Start  time.Time      `json:"start,omitzero"` // of the first item heard; none when nothing is
	End    time.Time      `json:"end,omitzero"`
	Agents []string       `json:"agents"`
}

// Preview tells what will become of a broadcast; a draft is looked at as if it were approved now.
func (p *Planner) Preview(ctx context.Context, id string) (Preview, error) {
	b, err := p.Broadcast(ctx, id)
	if err != nil {
		return Preview{}, err
	}
	return p.foresee(ctx, b)
}

// Unwritten stands for the id of a broadcast that is not written yet.
const Unwritten = "draft"

// PreviewSpec tells what would become of a spec that is not written yet, or of the new version of the broadcast id;
// of the former, Unwritten is its id in what it gives.
func (p *Planner) PreviewSpec(ctx context.Context, id string, spec Spec) (Preview, error) {
	if _, err := p.check(ctx, &spec); err != nil {
		return Preview{}, err
	}
	return p.foresee(ctx, Broadcast{ID: cmp.Or(id, Unwritten), Version: 1, Spec: spec, State: Draft})
}

func (p *Planner) foresee(ctx context.Context, b Broadcast) (Preview, error) {
	s, err := p.load(ctx, p.now())
	if err != nil {
		return Preview{}, err
	}
	s.approved = slices.DeleteFunc(s.approved, func(pl *planned) bool { return pl.ID == b.ID })
	v := &previewing{p: p, b: b, merged: map[string]*Conflict{}}
	with, err := v.suppose(ctx, s)
	if err != nil {
		return Preview{}, err
	}
	for _, group := range v.groups(s) {
		if err := v.compare(ctx, s, with, group); err != nil {
			return Preview{}, err
		}
	}
	if err := v.reruns(ctx); err != nil {
		return Preview{}, err
	}
	return v.result(ctx)
}

// previewing is the work of one Preview.
type previewing struct {
	p      *Planner
	b      Broadcast
	ours   *planned // nil while nothing of it can be placed
	agents []string
	occ    []Occurrence
	merged map[string]*Conflict
	order  []string
}

// suppose gives the snapshot with the broadcast in it, approved now unless it is already. Reports that are not
// approved yet count as if they were; those without audio cannot be placed and are named.
func (v *previewing) suppose(ctx context.Context, s *snapshot) (*snapshot, error) {
	ids := make([]string, len(v.b.Items))
	for i, item := range v.b.Items {
		ids[i] = item.Report
	}
	reports, err := v.p.Reports.Reports(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	b := v.b
	b.Items = nil
	for _, item := range v.b.Items {
		r := reports[item.Report]
		if r.Audio == "" || r.DurationMS <= 0 {
			v.note(Conflict{Kind: "unprepared", Report: item.Report, Title: r.Title, Loser: b.ID}, nil)
			continue
		}
		if r.State == broadcast.ReportDraft {
			r.State = broadcast.ReportApproved
			reports[item.Report] = r
		}
		b.Items = append(b.Items, item)
	}
	with := s.copied()
	if len(b.Items) == 0 || b.State == Cancelled {
		return with, nil
	}
	if b.Approved == nil {
		b.Approved = &Stamp{At: s.now}
	}
	if err := with.add(b, reports); err != nil {
		return nil, err
	}
	if n := len(with.approved); n > len(s.approved) {
		v.ours = with.approved[n-1]
	}
	return with, nil
}

// groups puts the broadcast's agents together that have the same rules and days without it.
func (v *previewing) groups(s *snapshot) [][]AgentRef {
	m := v.b.Targets.matcher()
	byKey := map[string][]AgentRef{}
	for _, a := range s.agents {
		if !m.has(s.tree, a) {
			continue
		}
		v.agents = append(v.agents, a.ID)
		if pos, err := s.position(a); err == nil { // its only error is that dayparts cannot be encoded, and they were decoded
			byKey[a.Area+" "+pos.key] = append(byKey[a.Area+" "+pos.key], a)
		}
	}
	var out [][]AgentRef
	for _, group := range byKey {
		out = append(out, group)
	}
	slices.SortFunc(out, func(a, b []AgentRef) int { return cmp.Compare(a[0].ID, b[0].ID) })
	return out
}

// compare runs the timetable of a group with and without the broadcast.
func (v *previewing) compare(ctx context.Context, s, with *snapshot, group []AgentRef) error {
	if v.ours == nil {
		return nil
	}
	after, err := v.p.agentPlan(ctx, with, group[0])
	if err != nil {
		return err
	}
	before, err := v.p.agentPlan(ctx, s, group[0])
	if err != nil {
		return err
	}
	agents := make([]string, len(group))
	for i, a := range group {
		agents[i] = a.ID
	}
	for date := broadcast.DateOf(s.now, s.zone); date <= s.last; date = date.AddDays(1) {
		if v.ours.days[date] {
			v.compareDay(date, before.Slots(date, nil), after, agents)
		}
	}
	return nil
}

func (v *previewing) compareDay(date broadcast.Date, before []broadcast.Slot, plan *broadcast.Plan, agents []string) {
	after := plan.Slots(date, nil)
	m := measuring{plan, date, after}
	heard := map[string]bool{}
	for _, sl := range before {
		heard[sl.ID] = sl.Skip == ""
	}
	byID := map[string]broadcast.Slot{}
	for _, sl := range after {
		byID[sl.ID] = sl
	}
	var occ *Occurrence
	for _, sl := range after {
		switch {
		case sl.Broadcast != v.b.ID:
			if heard[sl.ID] && sl.Skip != "" {
				c := Conflict{Kind: "displaces", Occurrence: sl.Occurrence, Reason: sl.Skip, Report: sl.Item.Report,
					Title: sl.Item.Title, Winner: v.b.ID, Loser: sl.Broadcast}
				m.measure(&c, sl)
				c.Elsewhere = m.elsewhere(v.b.ID)
				v.note(c, agents)
			}
			continue
		case occ == nil:
			v.occ = append(v.occ, Occurrence{Key: sl.Occurrence, Date: date, Agents: agents})
			occ = &v.occ[len(v.occ)-1]
		}
		if sl.Skip != "" {
			c := Conflict{Kind: "skipped", Occurrence: sl.Occurrence, Reason: sl.Skip, Report: sl.Item.Report, Title: sl.Item.Title, Loser: v.b.ID}
			if len(sl.Against) > 0 {
				c.Winner = byID[sl.Against[0]].Broadcast
			}
			m.measure(&c, sl)
			c.Elsewhere = m.elsewhere(v.b.ID)
			v.note(c, agents)
			continue
		}
		if occ.Start.IsZero() || sl.Start.Before(occ.Start) {
			occ.Start = sl.Start
		}
		if sl.End.After(occ.End) {
			occ.End = sl.End
		}
	}
}

// note keeps a conflict once, with everyone it concerns.
func (v *previewing) note(c Conflict, agents []string) {
	have, ok := v.merged[c.key()]
	if !ok {
		have = &c
		v.merged[c.key()] = have
		v.order = append(v.order, c.key())
	}
	have.Agents = append(have.Agents, agents...)
	if c.OverMS > have.OverMS { // of several communes, the one with the least room
		have.OverMS, have.Bound, have.Limit = c.OverMS, c.Bound, c.Limit
	}
}

// reruns warns of reports that the same agents played lately.
func (v *previewing) reruns(ctx context.Context) error {
	if v.p.Heard == nil || v.ours == nil || len(v.agents) == 0 {
		return nil
	}
	since := v.p.now().AddDate(0, 0, -rerunDays)
	seen := map[string]bool{}
	for _, item := range v.ours.items {
		if seen[item.Report] {
			continue
		}
		seen[item.Report] = true
		heard, err := v.p.Heard.HeardSince(ctx, item.Report, v.agents, since)
		if err != nil {
			return fmt.Errorf("read play log: %w", err)
		}
		byDay := map[broadcast.Date][]string{}
		for agent, at := range heard {
			day := broadcast.DateOf(at, v.p.Zone)
			byDay[day] = append(byDay[day], agent)
		}
		for _, day := range slices.Backward(slices.Sorted(maps.Keys(byDay))) {
			v.note(Conflict{Kind: "rerun", Report: item.Report, Title: item.Title, Heard: day}, byDay[day])
		}
	}
	return nil
}

func (v *previewing) result(ctx context.Context) (Preview, error) {
	out := Preview{Broadcast: v.b.ID, Version: v.b.Version, Occurrences: v.occurrences(), Conflicts: []Conflict{}, Readiness: []AgentReadiness{}}
	for _, key := range v.order {
		c := *v.merged[key]
		if c.Agents == nil {
			c.Agents = v.agents
		}
		slices.Sort(c.Agents)
		out.Conflicts = append(out.Conflicts, c)
	}
	if v.p.Readiness == nil || v.ours == nil || len(v.agents) == 0 || v.b.Created.IsZero() {
		return out, nil
	}
	need := Need{Agents: v.agents}
	for _, item := range v.ours.items {
		need.Audio = append(need.Audio, item.Audio)
	}
	for _, o := range out.Occurrences {
		if o.Start.After(v.p.now()) {
			need.Start = o.Start
			break
		}
	}
	list, err := v.p.Readiness.Of(ctx, v.b.ID, v.b.Version, need)
	if err != nil {
		return out, fmt.Errorf("read readiness: %w", err)
	}
	out.Readiness = append(out.Readiness, list...)
	return out, nil
}

// occurrences joins the groups that hear an occurrence at the same time.
func (v *previewing) occurrences() []Occurrence {
	out := []Occurrence{}
	slices.SortStableFunc(v.occ, func(a, b Occurrence) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	for _, o := range v.occ {
		if n := len(out); n > 0 && out[n-1].Key == o.Key && out[n-1].Start.Equal(o.Start) && out[n-1].End.Equal(o.End) {
			out[n-1].Agents = slices.Concat(out[n-1].Agents, o.Agents)
			slices.Sort(out[n-1].Agents)
			continue
		}
		out = append(out, o)
	}
	return out
}
