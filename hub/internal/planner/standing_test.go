package planner

import (
	"context"
	"slices"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

// edited is an approved daily broadcast at nine for a2, and an edit of it to ten that waits.
func edited(t *testing.T) (w *world, b Broadcast, draft Spec) {
	w = newWorld(t)
	daily := spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY;UNTIL=20261126"}, "HD", "r1")
	b = w.approve(daily)
	daily.When.At, daily.Title = "2026-11-24T10:00:00", "Giờ mới"
	draft = daily
	return w, must(w.Edit(context.Background(), b.ID, 0, draft, ann))(t), draft
}

func (w *world) hears(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := w.days("a2"); !slices.Equal(got, want) {
		t.Errorf("%s heard on %v, want %v", when, got, want)
	}
}

func TestWhatWasApprovedIsHeardUntilTheEditIs(t *testing.T) {
	ctx := context.Background()
	w, b, draft := edited(t)
	w.hears(t, "while the edit waits", "24 09:00", "25 09:00", "26 09:00")
	if b.State != Draft || b.Heard != 1 || b.Version != 2 || b.Approved != nil {
		t.Errorf("%+v", b)
	}
	draft.When.At = "2026-11-24T11:00:00"
	if b = must(w.Edit(ctx, b.ID, 0, draft, ann))(t); b.Heard != 1 {
		t.Errorf("edited again, version %d is heard", b.Heard)
	}
	if b = must(w.Return(ctx, b.ID, 0, binh, "chưa rõ"))(t); b.Heard != 1 {
		t.Errorf("sent back, version %d is heard", b.Heard)
	}
	w.hears(t, "sent back", "24 09:00", "25 09:00", "26 09:00")
	page, err := w.List(ctx, Filter{States: []State{Draft}})
	if err != nil || len(page.Items) != 1 || page.Items[0].Heard != 1 {
		t.Errorf("%+v, %v", page.Items, err)
	}
	if b = must(w.Approve(ctx, b.ID, 0, binh))(t); b.Heard != 0 {
		t.Errorf("approved, and version %d is heard", b.Heard)
	}
	w.hears(t, "approved", "24 11:00", "25 11:00", "26 11:00")
}

func TestWhatIsHeardBesideADraftCanBeSilenced(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		do   func(w *world, b Broadcast) error
		want []string
	}{
		"cancelled": {func(w *world, b Broadcast) error { _, err := w.Cancel(ctx, b.ID, 0, ann); return err }, nil},
		"a day that both have": {func(w *world, b Broadcast) error { _, err := w.LeaveDay(ctx, b.ID, "2026-11-25", ann); return err },
			[]string{"24 09:00", "26 09:00"}},
		"a day that the draft has no more": {func(w *world, b Broadcast) error {
			one := b.Spec
			one.When = When{At: "2026-11-24T10:00:00"}
			if _, err := w.Edit(ctx, b.ID, 0, one, ann); err != nil {
				return err
			}
			_, err := w.LeaveDay(ctx, b.ID, "2026-11-26", ann)
			return err
		}, []string{"24 09:00", "25 09:00"}},
		"its report lost its approval": {func(w *world, _ Broadcast) error {
			w.reports.put("r1", 5, broadcast.ReportDraft)
			return nil
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, b, _ := edited(t)
			if err := c.do(w, b); err != nil {
				t.Fatal(err)
			}
			w.hears(t, name, c.want...)
		})
	}
}

func TestACalendarHasWhatIsHeardAndWhatIsAskedFor(t *testing.T) {
	w, b, _ := edited(t)
	c, err := w.Calendar(context.Background(), "HD", "2026-11-25", "2026-11-25")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.Entries {
		if e.Broadcast != b.ID || !e.Heard || len(e.Skipped) > 0 {
			t.Errorf("%+v", e)
		}
		got = append(got, string(e.State)+" "+e.Start.In(w.Zone).Format("15:04"))
	}
	if want := []string{"approved 09:00", "draft 10:00"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := conflicts(preview(t, w, b)); len(got) != 0 {
		t.Errorf("it is in conflict with what it takes the place of: %v", got)
	}
}

func TestAnAreaIsKeptForWhatIsHeardThere(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	w.area("TL-1", "TL")
	b := w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL-1", "r1"))
	must(w.Edit(ctx, b.ID, 0, spec(When{At: "2026-11-24T09:00:00"}, "HD", "r1"), ann))(t)
	if err := w.DeleteArea(ctx, "TL-1"); code(err) != "AREA_IN_USE" {
		t.Errorf("%v", err)
	}
	must(w.Approve(ctx, b.ID, 0, binh))(t)
	if err := w.DeleteArea(ctx, "TL-1"); err != nil {
		t.Error(err)
	}
}
