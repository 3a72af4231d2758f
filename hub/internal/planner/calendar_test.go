package planner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

func calendar(t *testing.T, w *world, area string, first, last broadcast.Date) []string {
	t.Helper()
	c, err := w.Calendar(context.Background(), area, first, last)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range c.Entries {
		line := fmt.Sprintf("%s-%s %s %s", e.Start.In(w.Zone).Format("02 15:04"), e.End.In(w.Zone).Format("15:04"), e.State, strings.Join(e.Agents, ","))
		for _, s := range e.Skipped {
			line += " without " + s.Report + ": " + s.Reason
		}
		out = append(out, line)
	}
	return out
}

func TestCalendar(t *testing.T) {
	for _, c := range []struct {
		name        string
		arrange     func(*world)
		area        string
		first, last broadcast.Date
		want        []string
	}{
		{"each commune has its own evening", func(w *world) { w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1")) },
			"", "2026-11-23", "2026-11-29", []string{"24 17:00-17:05 approved a1,a3", "24 18:00-18:05 approved a2"}},
		{"one commune sees its own alone", func(w *world) { w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1")) },
			"HD", "2026-11-24", "2026-11-24", []string{"24 18:00-18:05 approved a2"}},
		{"a rule is expanded", func(w *world) {
			w.approve(spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY;COUNT=3"}, "HD", "r1"))
		}, "", "2026-11-25", "2026-11-27", []string{"25 09:00-09:05 approved a2", "26 09:00-09:05 approved a2"}},
		{"a draft is shown, and disturbs nothing that is approved", func(w *world) {
			w.create(spec(When{At: "2026-11-24T09:02:00"}, "HD", "r2"))
			w.approve(spec(When{At: "2026-11-24T09:00:00"}, "HD", "r1"))
			w.clock.set("2026-11-24T08:01:00+07:00")
		}, "", "2026-11-24", "2026-11-24", []string{"24 09:00-09:05 approved a2", "24 09:02-09:07 draft a2 without r2: collision"}},
		{"what does not fit is named", func(w *world) {
			w.reports.put("long", 28, broadcast.ReportApproved)
			w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "long", "r1"))
		}, "", "2026-11-24", "2026-11-24", []string{"24 17:00-17:28 approved a1,a3 without r1: daypart_full"}},
		{"an area without agents shows what they would play", func(w *world) {
			w.area("MOI", "QN")
			w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "MOI", "r1"))
		}, "MOI", "2026-11-24", "2026-11-24", []string{"24 17:00-17:05 approved "}},
		{"beyond what plans reach", func(w *world) {
			w.approve(spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=MONTHLY;COUNT=6"}, "HD", "r1"))
		}, "", "2027-01-01", "2027-02-11", []string{"24 09:00-09:05 approved a2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.arrange(w)
			if got := calendar(t, w, c.area, c.first, c.last); !slices.Equal(got, c.want) {
				t.Errorf("it shows\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
			}
		})
	}
}

func TestCalendarSpan(t *testing.T) {
	w := newWorld(t)
	for _, span := range [][2]broadcast.Date{{"", "2026-11-24"}, {"2026-11-24", "2026-11-23"}, {"2026-11-01", "2026-12-13"}} {
		if _, err := w.Calendar(context.Background(), "", span[0], span[1]); code(err) != "CALENDAR_SPAN" {
			t.Errorf("%v: %v", span, err)
		}
	}
}

func TestComing(t *testing.T) {
	w := newWorld(t)
	ready := &fakeReadiness{}
	w.Readiness = ready
	w.create(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r2")) // nobody waits for a draft
	w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "TL", "r1"))
	for _, c := range []struct {
		name, now string
		want      int
		ahead     bool
	}{{"before it", "2026-11-24T16:00:00+07:00", 1, true}, {"while it sounds", "2026-11-24T17:01:00+07:00", 1, false},
		{"after it, the next one too far ahead", "2026-11-24T17:06:00+07:00", 0, false}} {
		t.Run(c.name, func(t *testing.T) {
			w.clock.set(c.now)
			got, err := w.Coming(context.Background(), "", w.now().Add(5*60*60*1e9))
			if err != nil || len(got) != c.want {
				t.Fatalf("%+v, %v; want %d", got, err, c.want)
			}
			if c.want > 0 && (ready.need.Start.IsZero() == c.ahead || !ready.need.Since.Equal(got[0].Start) || len(ready.need.Agents) != 2 || len(ready.need.Audio) != 1) {
				t.Errorf("readiness was asked for %+v", ready.need)
			}
		})
	}
}

func TestPreviewOfWhatIsNotWritten(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	first := w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1"))
	later := spec(When{At: "2026-11-24T09:02:00", RRule: "FREQ=DAILY"}, "TL", "r1")
	p, err := w.PreviewSpec(ctx, "", later)
	if err != nil || len(p.Occurrences) < 30 || len(p.Conflicts) != 1 || p.Conflicts[0].Winner != first.ID {
		t.Errorf("a new one beside it: %+v, %v", p.Conflicts, err)
	}
	if p, err = w.PreviewSpec(ctx, first.ID, later); err != nil || len(p.Conflicts) != 0 {
		t.Errorf("the same, moved: %+v, %v", p.Conflicts, err)
	}
	if _, err := w.PreviewSpec(ctx, "", spec(When{At: "2026-11-25T03:00:00"}, "TL", "r1")); code(err) != "QUIET_HOURS" {
		t.Errorf("at night: %v", err)
	}
	if page, err := w.List(ctx, Filter{}); err != nil || len(page.Items) != 1 {
		t.Errorf("a preview wrote something: %+v, %v", page, err)
	}
}

func TestMeant(t *testing.T) {
	w := newWorld(t)
	w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1"))
	w.approve(spec(When{At: "2026-11-25T09:00:00"}, "QN", "r1"))
	w.create(spec(When{At: "2026-11-25T10:00:00"}, "QN", "r2"))
	for report, want := range map[string]int{"r1": 3, "r2": 0} {
		if got, err := w.Meant(context.Background(), report); err != nil || len(got) != want {
			t.Errorf("%s is meant for %v, %v; want %d", report, got, err, want)
		}
	}
}
