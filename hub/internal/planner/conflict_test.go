package planner

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// told writes a preview's conflicts with how far they go beyond what, and where else there is room.
func told(w *world, p Preview) (out []string) {
	for _, c := range p.Conflicts {
		line := fmt.Sprint(c.Kind, " ", c.Report, " ", time.Duration(c.OverMS)*time.Millisecond, " over ", c.Bound, " ", c.Limit)
		switch e := c.Elsewhere; {
		case e.Daypart != "":
			line += fmt.Sprint(" else ", e.Date, " ", e.Daypart)
		case !e.At.IsZero():
			line += " else " + e.At.In(w.Zone).Format("15:04")
		}
		out = append(out, line)
	}
	return out
}

func TestConflictsSayByHowMuchAndWhereElse(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(*world)
		spec    Spec
		want    []string
	}{
		{"a daypart that is full, to the second", func(w *world) {
			w.reports.m["r9"] = broadcast.Report{ID: "r9", State: broadcast.ReportApproved, Audio: w.reports.m["r1"].Audio, Manifest: w.reports.m["r1"].Manifest, DurationMS: 28*60_000 + 12_000}
			w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r9"))
		}, spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r1"), []string{"skipped r1 3m12s over daypart 0 else 2026-11-25 morning"}},
		{"the minutes of the policy", func(w *world) {
			w.policy("TL", broadcast.Policy{MinutesPerDaypart: new(8)})
		}, spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r1", "r2"), []string{"skipped r2 2m0s over minutes_per_daypart 8"}},
		{"the dayparts of the policy", func(w *world) {
			w.policy("TL", broadcast.Policy{DaypartsPerDay: new(1)})
		}, spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r1"), []string{"skipped r1 0s over dayparts_per_day 1 else 2026-11-25 morning"}},
		{"quiet hours of one commune", func(w *world) {
			w.policy("TL", broadcast.Policy{Windows: []broadcast.Window{{Start: 5 * 3600, End: 20 * 3600}}})
		}, spec(When{At: "2026-11-24T19:52:00"}, "QN", "r1", "r2"), []string{"skipped r1 2m0s over window 0", "skipped r2 2m0s over window 0"}},
		{"an exact time that another has, and the next that is free", func(w *world) {
			w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1"))
			w.clock.set("2026-11-24T08:01:00+07:00")
		}, spec(When{At: "2026-11-24T09:02:00"}, "TL", "r2"), []string{"skipped r2 0s over  0 else 09:05"}},
		{"the largest of several communes", func(w *world) {
			w.policy("TL", broadcast.Policy{MinutesPerDaypart: new(8)})
			w.policy("HD", broadcast.Policy{MinutesPerDaypart: new(7)})
		}, spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1", "r2"), []string{"skipped r2 3m0s over minutes_per_daypart 7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			if got := told(w, preview(t, w, w.create(c.spec))); !slices.Equal(got, c.want) {
				t.Errorf("it tells\n\t%q\nwant\n\t%q", got, c.want)
			}
		})
	}
}

func TestRerunsAreToldByDay(t *testing.T) {
	w := newWorld(t)
	w.Heard = heardAt{"a1": w.clock.now().AddDate(0, 0, -3), "a2": w.clock.now().AddDate(0, 0, -3).Add(time.Hour), "a3": w.clock.now().AddDate(0, 0, -1)}
	p := preview(t, w, w.create(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1")))
	got := []string{}
	for _, c := range p.Conflicts {
		got = append(got, fmt.Sprint(c.Kind, " ", c.Heard, " ", c.Agents))
	}
	if want := []string{"rerun 2026-11-23 [a3]", "rerun 2026-11-21 [a1 a2]"}; !slices.Equal(got, want) {
		t.Errorf("it tells %q, want %q", got, want)
	}
}

type heardAt map[string]time.Time

func (h heardAt) HeardSince(context.Context, string, []string, time.Time) (map[string]time.Time, error) {
	return h, nil
}

func (w *world) policy(area string, p broadcast.Policy) {
	w.t.Helper()
	if _, err := w.EditArea(context.Background(), area, 0, AreaChange{Policy: &p}); err != nil {
		w.t.Fatal(err)
	}
}
