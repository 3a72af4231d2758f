package planner

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/broadcast"
)

// TestPlansFollowTheirBroadcasts: whatever officers write, approve, edit, cancel and withdraw, an agent gets a
// new plan exactly when the days or withdrawals it must know of changed, every agent meant has every occurrence
// in its plan, nobody else has, and a second planner makes the same documents of it.
func TestPlansFollowTheirBroadcasts(t *testing.T) {
	w := newWorld(t)
	w.agents.list = append(w.agents.list, AgentRef{ID: "a4", Area: "HD"})
	w.sweep(4)
	ctx := context.Background()
	// A thousand commits, none of which must survive a power cut.
	w.DB.SetMaxOpenConns(1)
	if _, err := w.DB.Exec("PRAGMA synchronous = OFF"); err != nil && os.Getenv(storetest.Env) == "" {
		t.Fatal(err)
	}
	checks(t, "8")
	rapid.Check(t, func(t *rapid.T) {
		var all []Broadcast
		page, err := w.List(ctx, Filter{States: []State{Draft, Approved}, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Items { // begin empty
			if _, err := w.Cancel(ctx, b.ID, 0, ann); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 4).Draw(t, "broadcasts") {
			b, err := w.Create(ctx, drawSpec(t), ann)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "approved") > 0 {
				if b, err = w.Approve(ctx, b.ID, 0, binh); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "edited since") { // which nobody hears before it is approved
					if _, err := w.Edit(ctx, b.ID, 0, drawSpec(t), ann); err != nil {
						t.Fatal(err)
					}
				}
			}
			all = append(all, b)
		}
		if _, err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		before := map[string]SealedHead{}
		for _, a := range w.agents.list {
			plan, sealed := w.plan(a.ID)
			before[a.ID] = sealed
			holdsExactly(t, w, plan, a, all)
		}

		// One change: only the agents it concerns get another plan.
		changed := all[rapid.IntRange(0, len(all)-1).Draw(t, "changed")]
		if _, err := w.Cancel(ctx, changed.ID, 0, ann); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		tree, err := w.Tree(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m := changed.Targets.matcher()
		for _, a := range w.agents.list {
			_, sealed := w.plan(a.ID)
			concerned := changed.State == Approved && m.has(tree, a)
			if got := sealed.Version != before[a.ID].Version; got != concerned {
				t.Fatalf("cancelling %+v: new plan for %s is %v, want %v", changed.Spec, a.ID, got, concerned)
			}
		}
		if n, err := New(w.Deps).Sweep(ctx); n != 0 || err != nil {
			t.Fatalf("another planner makes %d other plans of the same (%v)", n, err)
		}
	})
}

// checks sets how often rapid draws: each draw here is three sweeps and eight opened plans.
func checks(t *testing.T, n string) {
	old := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", old) })
}

func drawSpec(t *rapid.T) Spec {
	when := rapid.SampledFrom([]When{
		{At: "2026-11-24T09:00:00"}, {At: "2026-11-24T20:00:00", RRule: "FREQ=DAILY", RDates: []string{"2026-11-25"}},
		{At: "2026-11-24T12:00:00", RRule: "FREQ=DAILY;INTERVAL=3", ExDates: []string{"2026-11-27"}},
		{Daypart: "evening", RRule: "FREQ=WEEKLY;BYDAY=TU,TH,SU"}, {Daypart: "morning", RRule: "FREQ=MONTHLY;BYMONTHDAY=-1"},
		{Daypart: "evening", Date: "2026-11-30"},
	}).Draw(t, "when")
	s := Spec{Title: "Thử", When: when, Items: []ItemRef{{rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "report")}}}
	s.Targets.Areas = rapid.SampledFrom([][]string{{"QN"}, {"TL"}, {"HD"}, {"TL", "HD"}}).Draw(t, "areas")
	s.Targets.Except = rapid.SampledFrom([][]string{nil, {"a1"}, {"HD"}, {"a3", "a4"}}).Draw(t, "except")
	s.Class = rapid.SampledFrom([]broadcast.Class{broadcast.Normal, broadcast.Priority}).Draw(t, "class")
	return s
}

func holdsExactly(t *rapid.T, w *world, plan *broadcast.Plan, a AgentRef, all []Broadcast) {
	tree, err := w.Tree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, b := range all {
		if b.State != Approved || !b.Targets.matcher().has(tree, a) {
			continue
		}
		when := b.When
		s, err := when.read("2026-11-24", w.Zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, day := range s.days.Expand("2026-11-23", "2026-12-29") {
			want = append(want, fmt.Sprintf("%s %s", day, b.ID))
		}
	}
	var got []string
	for date, day := range plan.Days {
		for _, c := range day.Candidates {
			got = append(got, fmt.Sprintf("%s %s", date, c.Broadcast))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("%s has %v, want %v", a.ID, got, want)
	}
}
