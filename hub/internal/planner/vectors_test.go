package planner

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/conformance"
	"github.com/loa-vn/loa/internal/seal"
)

// What the hub seals for an agent out of areas, policies, dayparts, broadcasts, withdrawals, decisions and bulletins in
// its database is the timetable of the vectors, and its forecast says the same.
func TestTimetableVectors(t *testing.T) {
	conformance.Check(t, "../../../internal/broadcast/testdata/timetable", func(t *testing.T, s *conformance.Scenario) *broadcast.Plan {
		direct := conformance.Direct(t, s)
		w := ofVector(t, direct, s)
		w.sweep(1)
		plan, _ := w.plan("a1")
		if s.Expires != "" { // the hub's plans hold for 35 days; these vectors show how one ends
			plan = until(t, plan, direct.Head.Expires)
		} else if s.Slots != nil && s.Pins == nil {
			forecast, err := w.Forecast(context.Background(), "a1", s.Base())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(places(forecast)), fmt.Sprint(places(direct.Slots(s.Base(), nil))); got != want {
				t.Errorf("the forecast is\n%s, want\n%s", got, want)
			}
		}
		return plan
	})
}

func places(slots []broadcast.Slot) (out []string) {
	for _, sl := range slots {
		out = append(out, fmt.Sprintf("%s %s-%s %s\n", sl.ID, sl.Start.UTC(), sl.End.UTC(), sl.Skip))
	}
	return out
}

func until(t *testing.T, p *broadcast.Plan, expires time.Time) *broadcast.Plan {
	t.Helper()
	head, days := p.Head, []broadcast.Day{}
	head.Expires = expires
	if !head.IssuedAt.Before(expires) {
		head.IssuedAt = expires.Add(-time.Hour)
	}
	for _, ref := range head.Days {
		days = append(days, p.Days[ref.Date])
	}
	p, err := broadcast.NewPlan(head, days)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fakeOrders gives what hub/internal/orders would.
type fakeOrders struct {
	bulletins []Aimed
	decisions []broadcast.Decision
}

func (f fakeOrders) InForce(context.Context, time.Time) ([]Aimed, error) { return f.bulletins, nil }
func (f fakeOrders) Standing(context.Context, time.Time) (map[string][]broadcast.Decision, error) {
	return map[string][]broadcast.Decision{"a1": f.decisions}, nil
}

// ofVector puts a vector's plan back into the database it could have come from: its areas one below the other, and each
// candidate as a broadcast that was approved.
func ofVector(t *testing.T, p *broadcast.Plan, s *conformance.Scenario) *world {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	db, err := store.Open(ctx, storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: &clock{}, reports: &fakeReports{m: map[string]broadcast.Report{}}, agents: &fakeAgents{},
		sealer: &keySealer{key: key}, blobs: &memory{m: map[broadcast.Hash][]byte{}}}
	w.clock.set(s.Time("00:00").Format(time.RFC3339))
	orders := fakeOrders{decisions: p.Head.Decisions}
	for _, b := range p.Head.Bulletins {
		orders.bulletins = append(orders.bulletins, Aimed{Bulletin: b, Targets: Targets{Areas: []string{"level0"}}, Leaves: b.Until.AddDate(0, 0, 1)})
	}
	w.Planner = New(Deps{DB: db.DB, Blobs: w.blobs, Bus: bus.NewLocal(), Reports: w.reports, Agents: w.agents, Sealer: w.sealer,
		Bulletins: orders, Decisions: orders, Zone: p.Zone, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: w.clock.now})
	area := w.areas(s)
	w.agents.list = []AgentRef{{ID: "a1", Area: area}}
	for _, date := range slices.Sorted(datesOf(p)) {
		for _, c := range p.Days[date].Candidates {
			w.insert(date, c, area)
		}
	}
	for _, wd := range p.Head.Withdrawals {
		r := w.reports.m[wd.Report]
		r.State = broadcast.ReportWithdrawn
		w.reports.m[wd.Report] = r
		w.reports.withdrawn = append(w.reports.withdrawn, broadcast.Withdrawal{Report: wd.Report, Audio: r.Audio, At: wd.At, Reason: wd.Reason})
	}
	return w
}

func datesOf(p *broadcast.Plan) func(func(broadcast.Date) bool) {
	return func(yield func(broadcast.Date) bool) {
		for date := range p.Days {
			if !yield(date) {
				return
			}
		}
	}
}

// areas makes one area for each policy of the vector, and gives the lowest, which has the dayparts.
func (w *world) areas(s *conformance.Scenario) string {
	w.t.Helper()
	var dayparts []broadcast.Daypart
	for _, d := range s.Days {
		for _, part := range d.Dayparts {
			if !slices.ContainsFunc(dayparts, func(o broadcast.Daypart) bool { return o.Name == part.Name }) {
				dayparts = append(dayparts, part)
			}
		}
	}
	code, policies := "", s.Policy
	if len(policies) == 0 {
		policies = []broadcast.Policy{{}}
	}
	for i, policy := range policies {
		a := Area{Code: fmt.Sprint("level", i), Name: fmt.Sprint("Cấp ", i), Parent: code, Policy: policy}
		if i == len(policies)-1 {
			a.Dayparts = dayparts
		}
		if _, err := w.CreateArea(context.Background(), a); err != nil {
			w.t.Fatal(err)
		}
		code = a.Code
	}
	return code
}

// insert writes a candidate as an approved broadcast: past Create, which refuses what is over, and makes ids of its own.
func (w *world) insert(date broadcast.Date, c broadcast.Candidate, area string) {
	w.t.Helper()
	ctx := context.Background()
	b := Broadcast{ID: c.Broadcast, Version: c.Version, State: Approved, Author: ann, Editor: ann, Created: c.ApprovedAt, Updated: c.ApprovedAt,
		Approved: &Stamp{By: binh, At: c.ApprovedAt}, Spec: Spec{Title: c.Title, Class: c.Class, Owner: c.Owner, Order: c.Order,
			Lateness: c.Lateness.String(), Targets: Targets{Areas: []string{area}}}}
	if c.At != nil {
		b.When = When{At: c.At.In(w.Zone).Format("2006-01-02T15:04:05")}
	} else {
		b.When = When{Daypart: c.Daypart, Date: string(date)}
	}
	for _, item := range c.Items {
		w.reports.m[item.Report] = broadcast.Report{ID: item.Report, Title: item.Title, State: broadcast.ReportApproved, Audio: item.Audio,
			Manifest: item.Manifest, DurationMS: item.DurationMS, ValidFrom: item.ValidFrom, ValidUntil: item.ValidUntil}
		b.Items = append(b.Items, ItemRef{item.Report})
	}
	row, err := b.row()
	if err != nil {
		w.t.Fatal(err)
	}
	tx, err := w.DB.BeginTx(ctx, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		w.t.Fatal(err)
	}
	if err := keepVersion(ctx, tx, b); err != nil {
		w.t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		w.t.Fatal(err)
	}
}
