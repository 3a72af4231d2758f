package planner

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

type fakeEvidence struct{ plays []broadcast.Play }

func (f fakeEvidence) HeardSince(_ context.Context, report string, agents []string, since time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for _, p := range f.plays {
		if p.Report == report && !p.StartedAt.Before(since) && slices.Contains(agents, "a1") {
			out["a1"] = p.StartedAt
		}
	}
	return out, nil
}

func (f fakeEvidence) Plays(context.Context, string, time.Time, time.Time) ([]broadcast.Play, error) {
	return f.plays, nil
}

type fakeReadiness struct{ need Need }

func (f *fakeReadiness) Of(_ context.Context, _ string, _ int, need Need) ([]AgentReadiness, error) {
	f.need = need
	return []AgentReadiness{{Agent: "a1", State: "armed", Percent: 100}}, nil
}

func preview(t *testing.T, w *world, b Broadcast) Preview {
	t.Helper()
	p, err := w.Preview(context.Background(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func conflicts(p Preview) []string {
	var out []string
	for _, c := range p.Conflicts {
		out = append(out, strings.Join([]string{c.Kind, c.Occurrence, c.Reason, c.Report, strings.Join(c.Agents, ",")}, " "))
	}
	return out
}

func TestPreviewOfADraft(t *testing.T) {
	w := newWorld(t)
	ready := &fakeReadiness{}
	w.Readiness = ready
	p := preview(t, w, w.create(spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1", "r2")))
	if len(p.Occurrences) != 2 || len(p.Conflicts) != 0 || len(p.Readiness) != 1 {
		t.Fatalf("preview %+v", p)
	}
	for i, want := range []struct{ start, end, agents string }{{"17:00", "17:10", "a1,a3"}, {"18:00", "18:10", "a2"}} {
		o := p.Occurrences[i]
		if got := o.Start.In(w.Zone).Format("15:04"); got != want.start || o.End.In(w.Zone).Format("15:04") != want.end || strings.Join(o.Agents, ",") != want.agents {
			t.Errorf("occurrence %d is %+v, want %v", i, o, want)
		}
	}
	if len(ready.need.Audio) != 2 || !ready.need.Start.Equal(p.Occurrences[0].Start) {
		t.Errorf("readiness was asked for %+v", ready.need)
	}
}

func TestPreviewConflicts(t *testing.T) {
	t.Run("the earlier approval keeps its time", func(t *testing.T) {
		w := newWorld(t)
		first := w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1"))
		w.clock.set("2026-11-24T08:01:00+07:00")
		p := preview(t, w, w.create(spec(When{At: "2026-11-24T09:02:00"}, "QN", "r2")))
		want := []string{"skipped 2026-11-24T09:02:00+07:00 collision r2 a1,a3"}
		if got := conflicts(p); !slices.Equal(got, want) || p.Conflicts[0].Winner != first.ID {
			t.Errorf("conflicts %v, want %v won by %s", p.Conflicts, want, first.ID)
		}
		if len(p.Occurrences) != 2 || !p.Occurrences[0].Start.IsZero() || p.Occurrences[1].Agents[0] != "a2" {
			t.Errorf("occurrences %+v", p.Occurrences)
		}
	})
	t.Run("priority takes it", func(t *testing.T) {
		w := newWorld(t)
		w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1"))
		w.clock.set("2026-11-24T08:01:00+07:00")
		s := spec(When{At: "2026-11-24T09:02:00"}, "QN", "r2")
		s.Class = broadcast.Priority
		if got, want := conflicts(preview(t, w, w.create(s))), []string{"displaces 2026-11-24T09:00:00+07:00 collision r1 a1,a3"}; !slices.Equal(got, want) {
			t.Errorf("conflicts %v, want %v", got, want)
		}
	})
	t.Run("a daypart that is full, and an area without it", func(t *testing.T) {
		w := newWorld(t)
		w.reports.put("long", 28, broadcast.ReportApproved)
		w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "long"))
		off := []broadcast.Daypart{{Name: "evening", Disabled: true}}
		if _, err := w.EditArea(context.Background(), "HD", 0, AreaChange{Dayparts: &off}); err != nil {
			t.Fatal(err)
		}
		got := conflicts(preview(t, w, w.create(spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1"))))
		want := []string{"skipped 2026-11-24/evening daypart_full r1 a1,a3", "skipped 2026-11-24/evening no_daypart r1 a2"}
		if !slices.Equal(got, want) {
			t.Errorf("conflicts %v, want %v", got, want)
		}
	})
	t.Run("quiet hours of some", func(t *testing.T) {
		w := newWorld(t)
		window := broadcast.Window{Start: 6 * 3600, End: 8 * 3600}
		if _, err := w.EditArea(context.Background(), "HD", 0, AreaChange{Policy: &broadcast.Policy{Windows: []broadcast.Window{window}}}); err != nil {
			t.Fatal(err)
		}
		got := conflicts(preview(t, w, w.create(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1"))))
		if want := []string{"skipped 2026-11-24T09:00:00+07:00 quiet_hours r1 a2"}; !slices.Equal(got, want) {
			t.Errorf("conflicts %v, want %v", got, want)
		}
	})
	t.Run("reruns, and reports without audio", func(t *testing.T) {
		w := newWorld(t)
		w.Heard = fakeEvidence{[]broadcast.Play{{Report: "r1", StartedAt: w.clock.now().AddDate(0, 0, -1)}}}
		w.reports.m["new"] = broadcast.Report{ID: "new", Title: "Mới", State: broadcast.ReportProcessing}
		got := conflicts(preview(t, w, w.create(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1", "new"))))
		if want := []string{"unprepared   new a1,a2,a3", "rerun   r1 a1"}; !slices.Equal(got, want) {
			t.Errorf("conflicts %q, want %q", got, want)
		}
	})
}

func TestForecastAndWhy(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	b := w.approve(spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY"}, "TL", "r1"))
	for _, date := range []broadcast.Date{"2026-11-24", "2026-12-20", "2027-03-01"} {
		slots, err := w.Forecast(ctx, "a1", date)
		if err != nil || len(slots) != 1 || slots[0].Skip != "" || slots[0].Broadcast != b.ID {
			t.Errorf("forecast of %s: %+v, %v", date, slots, err)
		}
	}
	if slots, err := w.Forecast(ctx, "a2", "2026-11-24"); err != nil || len(slots) != 0 {
		t.Errorf("forecast of another commune: %+v, %v", slots, err)
	}
	if _, err := w.Forecast(ctx, "a9", "2026-11-24"); code(err) != "AGENT_NOT_FOUND" {
		t.Errorf("forecast of nobody: %v", err)
	}
	at := time.Date(2026, 11, 25, 9, 1, 0, 0, w.Zone)
	if a, err := w.Why(ctx, "a1", at); err != nil || a.Winner == nil || a.Winner.Slot.Broadcast != b.ID {
		t.Errorf("why: %+v, %v", a, err)
	}
	w.Plays = fakeEvidence{[]broadcast.Play{{Slot: b.ID + "/1@2026-11-25T09:00:00+07:00#0", Broadcast: b.ID, Version: 1, Report: "r1",
		PlannedStart: at.Add(-time.Minute), PlannedEnd: at.Add(4 * time.Minute), Outcome: broadcast.Skipped, Reason: broadcast.ReasonCardMissing}}}
	w.clock.set("2026-11-26T08:00:00+07:00")
	a, err := w.Why(ctx, "a1", at)
	if err != nil || a.Winner != nil || len(a.Losers) != 1 || a.Losers[0].Reason != broadcast.ReasonCardMissing {
		t.Errorf("why, by the record: %+v, %v", a, err)
	}
}
