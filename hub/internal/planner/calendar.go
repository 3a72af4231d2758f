package planner

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// calendarDays is the longest calendar: six weeks, as a month is drawn.
const calendarDays = 42

// calendarGroups bounds the timetables run for one calendar: agents in equal position share one.
const calendarGroups = 100

// Entry is one time of a broadcast at those of an area who hear it then.
type Entry struct {
	Broadcast string          `json:"broadcast"`
	Version   int             `json:"version"`
	Title     string          `json:"title"`
	Class     broadcast.Class `json:"class"`
	State     State           `json:"state"`
	Key       string          `json:"key"` // 2026-11-24T05:30:00+07:00, or 2026-11-24/morning
	Date      broadcast.Date  `json:"date"`
	Daypart   string          `json:"daypart,omitempty"`
	Start     time.Time       `json:"start"` // of the first item heard; where none is, of the span it was meant for
	End       time.Time       `json:"end"`
	Skipped   []Conflict      `json:"skipped"` // its items that are not heard, and why
	Heard     bool            `json:"heard"`   // at least one item is
	Repeats   bool            `json:"repeats"` // it is one day of a series
	Instead   bool            `json:"instead"` // it stands for one day of a series
	Agents    []string        `json:"agents"`
	audio     []broadcast.Hash
}

// Calendar is what an area's people hear in a span of days, by the timetable that the agents run.
type Calendar struct {
	Entries []Entry
	LeftOff int // positions of agents, or areas, beyond calendarGroups, whose timetables were not run
}

// Calendar gives the days from first to last, both included, at most calendarDays. Drafts are shown as if they were
// approved now, beside what is approved, which they do not disturb. Of an area without agents it tells what agents
// there would play.
func (p *Planner) Calendar(ctx context.Context, area string, first, last broadcast.Date) (Calendar, error) {
	if first == "" || last < first || last >= first.AddDays(calendarDays) {
		return Calendar{}, errCalendarSpan
	}
	c := calendaring{p: p, merged: map[string]*Entry{}}
	for first <= last { // a snapshot reaches from the day before its moment over the horizon
		end := min(last, first.AddDays(horizon-1))
		if err := c.span(ctx, area, first, end); err != nil {
			return Calendar{}, err
		}
		first = end.AddDays(1)
	}
	return c.result(), nil
}

type calendaring struct {
	p       *Planner
	merged  map[string]*Entry
	leftOff int
}

func (c *calendaring) span(ctx context.Context, area string, first, last broadcast.Date) error {
	now := c.p.now()
	if today := broadcast.DateOf(now, c.p.Zone); first < today.AddDays(-daysKept) || last >= today.AddDays(horizon) {
		now = first.At(broadcast.EndOfDay/2, c.p.Zone)
	}
	approved, err := c.p.load(ctx, now)
	if err != nil {
		return err
	}
	drafts, err := c.p.withDrafts(ctx, approved)
	if err != nil {
		return err
	}
	groups := c.groups(area, approved, drafts)
	if n := len(groups) - calendarGroups; n > 0 {
		c.leftOff = max(c.leftOff, n)
		groups = groups[:calendarGroups]
	}
	for _, group := range groups {
		for _, s := range []*snapshot{approved, drafts} {
			if err := c.run(ctx, s, group, first, last, s == drafts); err != nil {
				return err
			}
		}
	}
	return nil
}

// withDrafts gives the snapshot with every draft in it, as if it were approved now.
func (p *Planner) withDrafts(ctx context.Context, s *snapshot) (*snapshot, error) {
	var rows []broadcastRow
	err := p.DB.NewSelect().Model(&rows).Where("state = ?", Draft).Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	with := s.copied()
	for _, row := range rows {
		b, err := row.broadcast()
		if err != nil {
			return nil, err
		}
		with.approved = slices.DeleteFunc(with.approved, func(pl *planned) bool { return pl.ID == b.ID }) // what is heard of it until then
		v := &previewing{p: p, b: b, merged: map[string]*Conflict{}}
		one, err := v.suppose(ctx, with)
		if err != nil {
			return nil, err
		}
		with.approved, with.off = one.approved, one.off
	}
	return with, nil
}

// placeholder is the agent that stands for an area without any; no agent's id begins like this.
const placeholder = "area:"

// groups puts the agents of an area, and the areas in it that have none, together by what they hear and would hear.
func (c *calendaring) groups(area string, s, drafts *snapshot) [][]AgentRef {
	byKey := map[string][]AgentRef{}
	add := func(a AgentRef) {
		now, err := s.position(a)
		then, err2 := drafts.position(a)
		if err == nil && err2 == nil { // their only error is that dayparts cannot be encoded, and they were decoded
			key := a.Area + " " + now.key + " " + then.key
			byKey[key] = append(byKey[key], a)
		}
	}
	inhabited := map[string]bool{}
	for _, a := range s.agents {
		if s.tree.Within(a.Area, area) {
			inhabited[a.Area] = true
			add(a)
		}
	}
	for _, code := range s.tree.Below(area) {
		if !inhabited[code] && len(s.tree.children[code]) == 0 {
			add(AgentRef{ID: placeholder + code, Area: code})
		}
	}
	out := make([][]AgentRef, 0, len(byKey))
	for _, group := range byKey {
		out = append(out, group)
	}
	slices.SortFunc(out, func(a, b []AgentRef) int { return cmp.Compare(a[0].ID, b[0].ID) })
	return out
}

// run adds what a group hears: of the approved snapshot everything, of the one with drafts the drafts alone.
func (c *calendaring) run(ctx context.Context, s *snapshot, group []AgentRef, first, last broadcast.Date, drafts bool) error {
	wanted := map[string]*planned{}
	for _, pl := range s.approved {
		if (pl.State == Draft) == drafts && pl.match.has(s.tree, group[0]) {
			wanted[pl.ID] = pl
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	plan, err := c.p.agentPlan(ctx, s, group[0])
	if err != nil {
		return err
	}
	var agents []string
	for _, a := range group {
		if !strings.HasPrefix(a.ID, placeholder) {
			agents = append(agents, a.ID)
		}
	}
	for date := first; date <= last; date = date.AddDays(1) {
		c.day(measuring{plan, date, plan.Slots(date, nil)}, wanted, agents)
	}
	return nil
}

// day joins a group's slots of a date to entries, and equal entries of several groups to one.
func (c *calendaring) day(m measuring, wanted map[string]*planned, agents []string) {
	owners := map[string]string{}
	for _, sl := range m.slots {
		owners[sl.ID] = sl.Broadcast
	}
	byKey, order := map[string]*Entry{}, []string{}
	for _, sl := range m.slots {
		pl := wanted[sl.Broadcast]
		if pl == nil {
			continue
		}
		e := byKey[sl.Key]
		if e == nil {
			e = &Entry{Broadcast: pl.ID, Version: pl.Version, Title: pl.Title, Class: pl.Class, State: pl.State, Key: sl.Occurrence, Date: m.date,
				Daypart: pl.when.daypart, Start: sl.Start, End: sl.End, Skipped: []Conflict{},
				Repeats: pl.When.repeats(), Instead: pl.Instead != nil}
			byKey[sl.Key], order = e, append(order, sl.Key)
		}
		e.take(sl, owners, m)
	}
	for _, key := range order {
		e := byKey[key]
		id := strings.Join([]string{key, e.Start.String(), e.End.String(), fmt.Sprint(e.Skipped)}, "\x00")
		if have := c.merged[id]; have != nil {
			have.Agents = append(have.Agents, agents...)
			continue
		}
		e.Agents = append([]string{}, agents...)
		c.merged[id] = e
	}
}

func (e *Entry) take(sl broadcast.Slot, owners map[string]string, m measuring) {
	if sl.Skip != "" {
		lost := Conflict{Kind: "skipped", Occurrence: sl.Occurrence, Reason: sl.Skip, Report: sl.Item.Report, Title: sl.Item.Title, Loser: e.Broadcast,
			Agents: []string{}}
		if len(sl.Against) > 0 {
			lost.Winner = owners[sl.Against[0]]
		}
		m.measure(&lost, sl)
		e.Skipped = append(e.Skipped, lost)
		return
	}
	if !e.Heard || sl.Start.Before(e.Start) {
		e.Start = sl.Start
	}
	if !e.Heard || sl.End.After(e.End) {
		e.End = sl.End
	}
	e.Heard = true
	e.audio = append(e.audio, sl.Item.Audio)
}

func (c *calendaring) result() Calendar {
	out := Calendar{Entries: make([]Entry, 0, len(c.merged)), LeftOff: c.leftOff}
	for _, e := range c.merged {
		slices.Sort(e.Agents)
		out.Entries = append(out.Entries, *e)
	}
	slices.SortFunc(out.Entries, func(a, b Entry) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Broadcast, b.Broadcast), cmp.Compare(a.Key, b.Key), slices.Compare(a.Agents, b.Agents))
	})
	return out
}

// Coming is an approved broadcast's next time with how far its agents are.
type Coming struct {
	Entry
	Readiness []AgentReadiness
}

// Coming gives what is heard in an area until an instant, at most two days from now, what sounds now included.
func (p *Planner) Coming(ctx context.Context, area string, until time.Time) ([]Coming, error) {
	now := p.now()
	if until.After(now.AddDate(0, 0, 2)) {
		until = now.AddDate(0, 0, 2)
	}
	c, err := p.Calendar(ctx, area, broadcast.DateOf(now, p.Zone), broadcast.DateOf(until, p.Zone))
	if err != nil {
		return nil, err
	}
	out := []Coming{}
	for _, e := range c.Entries {
		if e.State != Approved || !e.Heard || len(e.Agents) == 0 || !e.End.After(now) || e.Start.After(until) {
			continue
		}
		one := Coming{Entry: e}
		if p.Readiness != nil {
			need := Need{Agents: e.Agents, Audio: e.audio, Since: e.Start}
			if e.Start.After(now) {
				need.Start = e.Start
			}
			if one.Readiness, err = p.Readiness.Of(ctx, e.Broadcast, e.Version, need); err != nil {
				return nil, fmt.Errorf("read readiness: %w", err)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// Meant gives the agents that the broadcasts of a report are for, as they were approved last.
func (p *Planner) Meant(ctx context.Context, report string) ([]string, error) {
	var specs []string
	err := p.DB.NewSelect().TableExpr("broadcast_reports AS r").ColumnExpr("v.spec").
		Join("JOIN broadcasts AS b ON b.id = r.broadcast").
		Join("JOIN broadcast_versions AS v ON v.broadcast = r.broadcast AND v.version = r.version").
		Where("r.report = ?", report).Where("b.state <> ?", Cancelled).
		Where("v.version = (SELECT MAX(version) FROM broadcast_versions WHERE broadcast = b.id)").Scan(ctx, &specs)
	if err != nil {
		return nil, fmt.Errorf("read approved broadcasts: %w", err)
	}
	var out []string
	for _, text := range specs {
		var spec Spec
		if err := json.Unmarshal([]byte(text), &spec); err != nil {
			return nil, fmt.Errorf("decode broadcast: %w", err)
		}
		agents, err := p.Reached(ctx, spec.Targets)
		if err != nil {
			return nil, err
		}
		out = append(out, agents...)
	}
	return sorted(out), nil
}
