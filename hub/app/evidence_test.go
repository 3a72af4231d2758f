package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/internal/broadcast"
)

// A cluster that says nothing for days is not one for which nothing was planned.
func TestWhatNobodyAccountsForIsUnknown(t *testing.T) {
	ctx, data := t.Context(), t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	now := time.Now()
	a, err := New(ctx, Options{Data: data, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			_ = a.Close()
			t.Fatal(err)
		}
	}
	_, err = a.planner.CreateArea(ctx, planner.Area{Code: "xa-a", Name: "Xã A"})
	must(err)
	r, err := a.library.Create(ctx, library.Meta{Area: "xa-a", Title: "Luật"}, library.Person{ID: "lan"})
	must(err)
	file := filepath.Join(data, "audio")
	must(os.WriteFile(file, []byte("audio"), 0o600))
	must(a.library.Done(ctx, r.ID, library.Finished{File: file, Audio: library.Audio{DurationMS: 60_000}}))
	_, err = a.library.Approve(ctx, r.ID, 0, library.Person{ID: "minh"}, true)
	must(err)
	tomorrow := broadcast.DateOf(now, a.o.Zone).AddDays(1)
	b, err := a.planner.Create(ctx, planner.Spec{Title: "Luật", Area: "xa-a", Items: []planner.ItemRef{{Report: r.ID}},
		When: planner.When{At: string(tomorrow) + "T06:00:00", RRule: "FREQ=DAILY"}, Targets: planner.Targets{Areas: []string{"xa-a"}}}, planner.Person{ID: "lan"})
	must(err)
	_, err = a.planner.Approve(ctx, b.ID, 0, planner.Person{ID: "minh"})
	must(err)
	counted := func() (c evidence.Count) {
		t.Helper()
		sums, err := a.evidence.Sums(ctx, evidence.Query{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)})
		must(err)
		for _, s := range sums {
			c.Add(s.Count)
		}
		return c
	}
	for _, step := range []struct {
		name string
		at   time.Time
		want int64
	}{
		{"the day after is not over for a day", tomorrow.AddDays(1).At(broadcast.EndOfDay/2, a.o.Zone), 0},
		{"it is", tomorrow.AddDays(2).At(0, a.o.Zone).Add(time.Minute), 1},
		{"asked again", tomorrow.AddDays(2).At(0, a.o.Zone).Add(time.Hour), 1},
		{"three days later, in one go", tomorrow.AddDays(5).At(0, a.o.Zone).Add(time.Minute), 4},
	} {
		now = step.at
		must(a.settle(ctx))
		if got := counted(); got.Unknown != step.want || got.Planned != step.want {
			t.Errorf("%s: %+v, want %d unknown", step.name, got, step.want)
		}
	}
	must(a.Close())
}
