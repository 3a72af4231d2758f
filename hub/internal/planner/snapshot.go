package planner

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// planDays is how long a head holds.
const planDays = 35

// recentWithdrawals always fit into a head, for agents to cut what sounds and to give the reason.
const recentWithdrawals = 12

// snapshot is everything plans depend on, as it was at one moment. One goroutine uses it at a time.
type snapshot struct {
	now         time.Time
	zone        *time.Location
	first, last broadcast.Date // of the day documents
	tree        *Tree
	agents      []AgentRef
	approved    []*planned // by broadcast id
	withdrawn   []withdrawal
	reports     []string                           // of all approved broadcasts, also of those that wait
	holidays    map[string]map[broadcast.Date]bool // by area
	sigs        map[string]string                  // area -> signature of its dayparts
	bulletins   []aimed                            // oldest first
	decisions   map[string][]broadcast.Decision    // of communes, by agent
	off         map[string]map[broadcast.Date]bool // days that are not heard, by broadcast
}

// planned is an approved broadcast.
type planned struct {
	Broadcast
	when     schedule
	lateness broadcast.Lateness
	match    matcher
	days     map[broadcast.Date]bool
	items    []plannedItem
	digest   string // of all but the days
}

// plannedItem is an item; of a withdrawn report it stays, for the agent's timetable to skip and account for,
// on the days up to the withdrawal, so that the other items of these days keep their slot ids. Its validity ends
// with the withdrawal, so that it is silent whether a head has room for that or not.
type plannedItem struct {
	broadcast.Item
	until broadcast.Date // last day it is in; "" for ever
}

// withdrawal is one with whom it concerns: the targets of every approved version that ever held the report, and
// of the bulletins in force that do.
type withdrawal struct {
	broadcast.Withdrawal
	matches []matcher
}

// load reads a snapshot. It is not one transaction: a change in between nudges another sweep.
func (p *Planner) load(ctx context.Context, now time.Time) (*snapshot, error) {
	today := broadcast.DateOf(now, p.Zone)
	s := &snapshot{now: now, zone: p.Zone, first: today.AddDays(-daysKept), last: today.AddDays(horizon - 1),
		sigs: map[string]string{}, holidays: map[string]map[broadcast.Date]bool{}, off: map[string]map[broadcast.Date]bool{}}
	var err error
	if s.agents, err = p.agents(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(s.agents, func(a, b AgentRef) int { return strings.Compare(a.ID, b.ID) })
	if s.tree, err = p.Tree(ctx); err != nil {
		return nil, err
	}
	if err := s.loadBulletins(ctx, p); err != nil {
		return nil, err
	}
	if p.Decisions != nil {
		if s.decisions, err = p.Decisions.Standing(ctx, now); err != nil {
			return nil, err
		}
	}
	if err := s.loadWithdrawals(ctx, p); err != nil {
		return nil, err
	}
	if err := s.loadDaysOff(ctx, p); err != nil {
		return nil, err
	}
	if err := s.loadApproved(ctx, p); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *snapshot) loadApproved(ctx context.Context, p *Planner) error {
	all, err := standing(ctx, p.DB, s.now)
	if err != nil {
		return err
	}
	var ids []string
	for _, b := range all {
		if b.Approved.At.After(s.now) { // since the reading began: a head is not older than what it has
			s.now = b.Approved.At
		}
		for _, item := range b.Items {
			ids = append(ids, item.Report)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	s.reports = ids
	reports, err := p.Reports.Reports(ctx, ids)
	if err != nil {
		return fmt.Errorf("read reports: %w", err)
	}
	for _, b := range all {
		if err := s.add(b, reports); err != nil {
			return err
		}
	}
	return nil
}

// add puts an approved broadcast into the snapshot. While one of its reports is not approved the whole of it
// waits: the programme that was approved is not the one that would be heard.
func (s *snapshot) add(b Broadcast, reports map[string]broadcast.Report) error {
	pl := &planned{Broadcast: b, match: b.Targets.matcher(), days: map[broadcast.Date]bool{}}
	for _, ref := range b.Items {
		r := reports[ref.Report]
		switch {
		case r.State == broadcast.ReportApproved:
			pl.items = append(pl.items, plannedItem{Item: local(r.Item(), s.zone)})
		case r.State == broadcast.ReportWithdrawn && r.Audio != "":
			pl.items = append(pl.items, s.takenBack(r))
		default:
			return nil
		}
	}
	var err error
	when := b.When
	if pl.when, err = when.read(broadcast.Date(when.Date), s.zone); err != nil {
		return fmt.Errorf("read when of broadcast %s: %w", b.ID, err)
	}
	if pl.lateness, err = broadcast.ParseLateness(b.Lateness); err != nil {
		return fmt.Errorf("read lateness of broadcast %s: %w", b.ID, err)
	}
	for _, day := range pl.when.days.Expand(s.first, s.last) {
		pl.days[day] = true
	}
	text, err := json.Marshal([]any{b.ID, b.Version, b.Approved.At, pl.items})
	if err != nil {
		return fmt.Errorf("encode broadcast: %w", err)
	}
	for _, item := range pl.items {
		text = append(text, item.until...)
	}
	pl.digest = hash(text)
	if in := b.Instead; in != nil {
		s.leave(in.Broadcast, in.Date)
	}
	s.approved = append(s.approved, pl)
	return nil
}

// local writes an item's times in the fleet's zone, so that a day document reads well and is the same always.
func local(item broadcast.Item, zone *time.Location) broadcast.Item {
	inZone(zone, &item.ValidFrom, &item.ValidUntil)
	return item
}

func inZone(zone *time.Location, times ...**time.Time) {
	for _, t := range times {
		if *t != nil {
			in := (*t).In(zone)
			*t = &in
		}
	}
}

// takenBack is an item of a withdrawn report; one of long ago is in no day document.
func (s *snapshot) takenBack(r broadcast.Report) plannedItem {
	item := plannedItem{Item: local(r.Item(), s.zone), until: "0"}
	if i := slices.IndexFunc(s.withdrawn, func(w withdrawal) bool { return w.Report == r.ID }); i >= 0 {
		at := s.withdrawn[i].At
		item.until = broadcast.DateOf(at, s.zone)
		if item.ValidUntil == nil || item.ValidUntil.After(at) {
			item.ValidUntil = &at
		}
	}
	return item
}

func (s *snapshot) loadWithdrawals(ctx context.Context, p *Planner) error {
	list, err := p.Reports.Withdrawals(ctx, s.now.AddDate(0, 0, -planDays))
	if err != nil || len(list) == 0 {
		return err
	}
	ids := make([]string, len(list))
	for i, w := range list {
		ids[i] = w.Report
	}
	var rows []struct {
		Report string `bun:"report"`
		Spec   string `bun:"spec"`
	}
	err = p.DB.NewSelect().TableExpr("broadcast_reports AS r").ColumnExpr("r.report, v.spec").
		Join("JOIN broadcast_versions AS v ON v.broadcast = r.broadcast AND v.version = r.version").
		Where("r.report IN (?)", bun.List(ids)).Scan(ctx, &rows)
	if err != nil {
		return fmt.Errorf("read approved versions: %w", err)
	}
	matches := map[string][]matcher{}
	for _, r := range rows {
		var spec Spec
		if err := json.Unmarshal([]byte(r.Spec), &spec); err != nil {
			return fmt.Errorf("decode approved version: %w", err)
		}
		matches[r.Report] = append(matches[r.Report], spec.Targets.matcher())
	}
	for _, b := range s.bulletins {
		for _, item := range b.Items {
			matches[item.Report] = append(matches[item.Report], b.match)
		}
	}
	for _, w := range list {
		if m := matches[w.Report]; len(m) > 0 {
			w.At = w.At.In(s.zone)
			w.Reason = short(w.Reason, 160)
			s.withdrawn = append(s.withdrawn, withdrawal{w, m})
		}
	}
	return nil
}

// short cuts a text to n bytes at a letter's border.
func short(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n-len("…")], "") + "…"
}
