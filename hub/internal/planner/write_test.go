package planner

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

func TestCreate(t *testing.T) {
	w := newWorld(t)
	w.reports.put("failed", 5, broadcast.ReportFailed)
	w.reports.put("gone", 5, broadcast.ReportWithdrawn)
	w.reports.put("new", 0, broadcast.ReportProcessing)
	w.reports.put("old", 5, broadcast.ReportApproved)
	old := w.reports.m["old"]
	until := w.clock.now()
	old.ValidUntil = &until
	w.reports.m["old"] = old
	at := func(s string) When { return When{At: s} }
	for _, c := range []struct {
		name string
		spec Spec
		edit func(*Spec)
		want string
	}{
		{"an exact time", spec(at("2026-11-24T09:00:00"), "QN", "r1"), nil, ""},
		{"without seconds", spec(at("2026-11-24T09:00"), "QN", "r1"), nil, ""},
		{"with an offset", spec(at("2026-11-24T02:00:00Z"), "QN", "r1"), nil, ""},
		{"a report that is being processed", spec(at("2026-11-24T09:00:00"), "QN", "new"), nil, ""},
		{"a daypart by rule", spec(When{Daypart: "evening", RRule: "FREQ=WEEKLY;BYDAY=TU,TH,SU"}, "QN", "r1"), nil, ""},
		{"a daypart on a day", spec(When{Daypart: "evening", Date: "2026-11-24"}, "QN", "r1"), nil, ""},
		{"no title", spec(at("2026-11-24T09:00:00"), "QN", "r1"), func(s *Spec) { s.Title = " " }, "BROADCAST_INVALID"},
		{"no items", spec(at("2026-11-24T09:00:00"), "QN"), nil, "BROADCAST_INVALID"},
		{"urgent has its own way", spec(at("2026-11-24T09:00:00"), "QN", "r1"), func(s *Spec) { s.Class = broadcast.Urgent }, "BROADCAST_INVALID"},
		{"a lateness nobody knows", spec(at("2026-11-24T09:00:00"), "QN", "r1"), func(s *Spec) { s.Lateness = "whole:0" }, "BROADCAST_INVALID"},
		{"time and daypart", spec(When{At: "2026-11-24T09:00:00", Daypart: "evening"}, "QN", "r1"), nil, "BROADCAST_INVALID"},
		{"no when", spec(When{}, "QN", "r1"), nil, "BROADCAST_INVALID"},
		{"no targets", spec(at("2026-11-24T09:00:00"), "", "r1"), nil, "BROADCAST_INVALID"},
		{"past", spec(at("2026-11-24T07:59:00"), "QN", "r1"), nil, "TIME_IN_PAST"},
		{"a past day", spec(When{Daypart: "evening", Date: "2026-11-23"}, "QN", "r1"), nil, "TIME_IN_PAST"},
		{"a daypart that is over", spec(When{Daypart: "morning", Date: "2026-11-24"}, "QN", "r1"), nil, "TIME_IN_PAST"},
		{"a rule that ended", spec(When{At: "2026-01-01T09:00:00", RRule: "FREQ=DAILY;COUNT=3"}, "QN", "r1"), nil, "TIME_IN_PAST"},
		{"30 February", spec(at("2027-02-30T09:00:00"), "QN", "r1"), nil, "DATE_INVALID"},
		{"25 o'clock", spec(at("2026-11-24T25:00:00"), "QN", "r1"), nil, "DATE_INVALID"},
		{"half a second", spec(at("2026-11-24T09:00:00.5"), "QN", "r1"), nil, "DATE_INVALID"},
		{"the year 20261", spec(at("20261-11-24T09:00:00"), "QN", "r1"), nil, "DATE_INVALID"},
		{"31 November for a daypart", spec(When{Daypart: "evening", Date: "2026-11-31"}, "QN", "r1"), nil, "DATE_INVALID"},
		{"an exception that is no day", spec(When{Daypart: "evening", RRule: "FREQ=DAILY", ExDates: []string{"2026-02-30"}}, "QN", "r1"), nil, "DATE_INVALID"},
		{"an exception at another time", spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY", ExDates: []string{"2026-11-25T09:30:00"}}, "QN", "r1"), nil, "DATE_INVALID"},
		{"every hour", spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=HOURLY"}, "QN", "r1"), nil, "RRULE_UNSUPPORTED"},
		{"a rule without a day", spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "QN", "r1"), nil, "RRULE_UNSUPPORTED"},
		{"a daypart nobody has", spec(When{Daypart: "noon", RRule: "FREQ=DAILY"}, "QN", "r1"), nil, "DAYPART_UNKNOWN"},
		{"a daypart nobody has, once", spec(When{Daypart: "noon"}, "QN", "r1"), nil, "DAYPART_UNKNOWN"},
		{"an area nobody knows", spec(at("2026-11-24T09:00:00"), "QN XX", "r1"), nil, "TARGET_UNKNOWN"},
		{"an agent nobody knows", spec(at("2026-11-24T09:00:00"), "QN", "r1"), func(s *Spec) { s.Targets.Agents = []string{"a9"} }, "TARGET_UNKNOWN"},
		{"except what nobody knows", spec(at("2026-11-24T09:00:00"), "QN", "r1"), func(s *Spec) { s.Targets.Except = []string{"a9"} }, "TARGET_UNKNOWN"},
		{"a report nobody knows", spec(at("2026-11-24T09:00:00"), "QN", "r9"), nil, "REPORT_UNKNOWN"},
		{"a report that failed", spec(at("2026-11-24T09:00:00"), "QN", "failed"), nil, "REPORT_UNUSABLE"},
		{"a report taken back", spec(at("2026-11-24T09:00:00"), "QN", "gone"), nil, "REPORT_UNUSABLE"},
		{"a report no longer valid", spec(at("2026-11-24T09:00:00"), "QN", "old"), nil, "REPORT_EXPIRED"},
		{"at night", spec(at("2026-11-24T23:00:00"), "QN", "r1"), nil, "QUIET_HOURS"},
		{"over the end of the allowed hours", spec(at("2026-11-24T20:56:00"), "QN", "r1"), nil, "QUIET_HOURS"},
		{"just inside them", spec(at("2026-11-24T20:55:00"), "QN", "r1"), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.edit != nil {
				c.edit(&c.spec)
			}
			b, err := w.Create(context.Background(), c.spec, ann)
			if code(err) != c.want {
				t.Fatalf("got %v, want code %q", err, c.want)
			}
			if err != nil {
				return
			}
			if got, err := w.Broadcast(context.Background(), b.ID); err != nil || got.State != Draft || got.Area != "QN" || got.Version != 1 {
				t.Fatalf("it was kept as %+v, %v", got, err)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	w := newWorld(t)
	exact := w.create(spec(When{At: "2026-11-24T09:00"}, "TL HD", "r1"))
	if exact.Lateness != "join" || exact.When.At != "2026-11-24T09:00:00" || exact.Area != "QN" || exact.Class != broadcast.Normal {
		t.Errorf("an exact time becomes %+v", exact.Spec)
	}
	next := w.create(spec(When{Daypart: "morning"}, "TL", "r1"))
	if next.Lateness != "skip" || next.When.Date != "2026-11-25" || next.Area != "TL" {
		t.Errorf("the next morning becomes %+v", next.Spec)
	}
	today := w.create(spec(When{Daypart: "evening"}, "TL", "r1"))
	if today.When.Date != "2026-11-24" {
		t.Errorf("the next evening becomes %+v", today.Spec)
	}
	w.clock.set("2026-11-24T17:10:00+07:00")
	if b := w.create(spec(When{Daypart: "evening"}, "TL", "r1")); b.When.Date != "2026-11-25" {
		t.Errorf("in the middle of an evening the next one becomes %+v", b.Spec)
	}
	if plan := w.approve(spec(When{Daypart: "evening", Date: "2026-11-24"}, "TL", "r1")); plan.When.Date != "2026-11-24" {
		t.Errorf("this evening becomes %+v", plan.Spec)
	}
}

func TestApproval(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	b := w.create(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1"))
	if _, err := w.Approve(ctx, b.ID, 0, ann); code(err) != "SELF_APPROVAL" {
		t.Errorf("its author approves it: %v", err)
	}
	if _, err := w.Approve(ctx, b.ID, 2, binh); code(err) != "STALE_VERSION" {
		t.Errorf("another version is approved: %v", err)
	}
	if b, err := w.Approve(ctx, b.ID, 1, binh); err != nil || b.State != Approved || b.Approved.By != binh {
		t.Errorf("approved: %+v, %v", b, err)
	}
	if _, err := w.Approve(ctx, b.ID, 1, binh); err != nil {
		t.Errorf("approved twice: %v", err)
	}
	if _, err := w.Edit(ctx, b.ID, 7, b.Spec, binh); code(err) != "STALE_VERSION" {
		t.Errorf("a stale edit: %v", err)
	}
	edited, err := w.Edit(ctx, b.ID, 1, b.Spec, binh)
	if err != nil || edited.State != Draft || edited.Approved != nil || edited.Version != 2 {
		t.Fatalf("edited: %+v, %v", edited, err)
	}
	for _, by := range []Person{ann, binh} { // one began it, one wrote this version
		if _, err := w.Approve(ctx, b.ID, 0, by); code(err) != "SELF_APPROVAL" {
			t.Errorf("%s approves what is theirs: %v", by.Name, err)
		}
	}
	if _, err := w.Approve(ctx, "nothing", 0, binh); code(err) != "BROADCAST_NOT_FOUND" {
		t.Errorf("nothing is approved: %v", err)
	}

	w.reports.put("r1", 5, broadcast.ReportDraft)
	if _, err := w.Approve(ctx, b.ID, 0, Person{"p-chi", "Chi"}); code(err) != "REPORT_NOT_APPROVED" {
		t.Errorf("approved with a draft of a report: %v", err)
	}
	w.reports.put("r1", 0, broadcast.ReportApproved)
	if _, err := w.Approve(ctx, b.ID, 0, Person{"p-chi", "Chi"}); code(err) != "REPORT_UNUSABLE" {
		t.Errorf("approved with a report that no plan can hold: %v", err)
	}
	w.reports.put("r1", 5, broadcast.ReportApproved)
	w.clock.set("2026-11-24T09:00:00+07:00")
	if _, err := w.Approve(ctx, b.ID, 0, Person{"p-chi", "Chi"}); code(err) != "TIME_IN_PAST" {
		t.Errorf("approved too late: %v", err)
	}
	if b, err := w.Cancel(ctx, b.ID, 0, ann); err != nil || b.State != Cancelled {
		t.Errorf("cancelled: %+v, %v", b, err)
	}
	if _, err := w.Approve(ctx, b.ID, 0, binh); code(err) != "BROADCAST_CANCELLED" {
		t.Errorf("approved after it was cancelled: %v", err)
	}
	if _, err := w.Edit(ctx, b.ID, 0, spec(When{At: "2026-11-25T09:00:00"}, "QN", "r1"), ann); code(err) != "BROADCAST_CANCELLED" {
		t.Errorf("edited after it was cancelled: %v", err)
	}
}

// meanwhile does something while an approval looks at the world.
type meanwhile struct {
	*fakeAgents
	do func()
}

func (m *meanwhile) List(ctx context.Context) ([]AgentRef, error) {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return m.fakeAgents.List(ctx)
}

func TestApprovalMeetsWhatHappensMeanwhile(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name  string
		do    func(w *world, id string) error
		want  string
		state State
	}{
		{"it is cancelled", func(w *world, id string) error { _, err := w.Cancel(ctx, id, 0, ann); return err }, "BROADCAST_CANCELLED", Cancelled},
		{"another approves it", func(w *world, id string) error { _, err := w.Approve(ctx, id, 0, Person{"p-chi", "Chi"}); return err }, "", Approved},
		{"it is edited", func(w *world, id string) error {
			_, err := w.Edit(ctx, id, 0, spec(When{At: "2026-11-24T10:00:00"}, "QN", "r1"), ann)
			return err
		}, "STALE_VERSION", Draft},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.create(spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1"))
			w.Agents = &meanwhile{w.agents, func() {
				if err := c.do(w, b.ID); err != nil {
					t.Error(err)
				}
			}}
			if _, err := w.Approve(ctx, b.ID, 0, binh); code(err) != c.want {
				t.Errorf("approved with %v, want %q", err, c.want)
			}
			if b, err := w.Broadcast(ctx, b.ID); err != nil || b.State != c.state {
				t.Errorf("it is %s, %v, want %s", b.State, err, c.state)
			}
		})
	}
}

func TestSecondPersonIsTheRuleOfAllTargets(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	alone := false
	w.area("A", "")
	if _, err := w.EditArea(ctx, "A", 0, AreaChange{Policy: &broadcast.Policy{SecondPerson: &alone}}); err != nil {
		t.Fatal(err)
	}
	w.agents.list = append(w.agents.list, AgentRef{ID: "a5", Area: "A"})
	one := w.create(spec(When{At: "2026-11-24T09:00:00"}, "A", "r1"))
	if _, err := w.Approve(ctx, one.ID, 0, ann); err != nil {
		t.Errorf("where one person is enough: %v", err)
	}
	both := w.create(spec(When{At: "2026-11-24T09:00:00"}, "A TL", "r1"))
	if _, err := w.Approve(ctx, both.ID, 0, ann); code(err) != "SELF_APPROVAL" {
		t.Errorf("where one of two areas wants a second person: %v", err)
	}
	two := true
	w.area("A1", "A")
	if _, err := w.EditArea(ctx, "A1", 0, AreaChange{Policy: &broadcast.Policy{SecondPerson: &two}}); err != nil {
		t.Fatal(err)
	}
	below := w.create(spec(When{At: "2026-11-24T09:00:00"}, "A", "r1"))
	if _, err := w.Approve(ctx, below.ID, 0, ann); code(err) != "SELF_APPROVAL" {
		t.Errorf("where an area that has no agent yet wants a second person: %v", err)
	}
	without := spec(When{At: "2026-11-24T09:00:00"}, "A", "r1")
	without.Targets.Except = []string{"A1"}
	if _, err := w.Approve(ctx, w.create(without).ID, 0, ann); err != nil {
		t.Errorf("without the area that wants a second person: %v", err)
	}
}

func TestList(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	var ids []string
	for range 5 {
		ids = append([]string{w.create(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1")).ID}, ids...)
	}
	w.create(spec(When{At: "2026-11-24T09:00:00"}, "HD", "r1"))
	var got []string
	f := Filter{Areas: []string{"TL"}, States: []State{Draft}, Limit: 2}
	for {
		page, err := w.List(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page.Items {
			got = append(got, b.ID)
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("pages give %v, want %v", got, ids)
	}
	if _, err := w.List(ctx, Filter{Cursor: "x"}); code(err) != "CURSOR_INVALID" {
		t.Errorf("a bad cursor gives %v", err)
	}
	if page, err := w.List(ctx, Filter{Areas: []string{}}); err != nil || len(page.Items) != 0 {
		t.Errorf("no areas give %d, %v", len(page.Items), err)
	}
}

func TestEveryRefusalSpeaksBothLanguages(t *testing.T) {
	for _, p := range []*problem.Error{errStale, errSelfApproval, errAreaNotFound, errAreaExists, errAreaCode, errAreaName, errAreaParent,
		errAreaCycle, errAreaInUse, errBroadcastNotFound, errBroadcastInvalid, errCancelled, errTimeInPast, errDateInvalid, errDaypartUnknown,
		errTargetUnknown, errReportUnknown, errReportUnusable, errReportNotApproved, errReportExpired, errQuietHours, errCursor,
		errAgentNotFound, unsupported("Hãy sửa.", "Correct it."), badDate("when", "x")} {
		if p.Code == "" || p.Status < 400 || p.VI == p.EN || !strings.HasSuffix(p.EN, ".") || !strings.Contains(strings.ToLower(p.VI), "hãy") {
			t.Errorf("%s does not say in both languages what to do next: %s / %s", p.Code, p.VI, p.EN)
		}
	}
}

func TestTargets(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for _, c := range []struct {
		name    string
		targets Targets
		agents  string
	}{
		{"everything below", Targets{Areas: []string{"QN"}}, "a1 a2 a3"},
		{"one agent", Targets{Agents: []string{"a2"}}, "a2"},
		{"without an agent", Targets{Areas: []string{"QN"}, Except: []string{"a3"}}, "a1 a2"},
		{"without an area", Targets{Areas: []string{"QN"}, Except: []string{"TL"}}, "a2"},
		{"without an area, but one agent of it", Targets{Areas: []string{"QN"}, Agents: []string{"a1"}, Except: []string{"TL"}}, "a1 a2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, err := w.Tree(ctx)
			if err != nil {
				t.Fatal(err)
			}
			place, err := c.targets.resolve(tree, w.agents.list)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, a := range place.agents {
				got = append(got, a.ID)
			}
			if text := strings.Join(got, " "); text != c.agents {
				t.Errorf("agents %s, want %s", text, c.agents)
			}
		})
	}
}
