package planner

import (
	"context"
	"slices"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// days gives the dates of a week on which an agent hears anything, with when.
func (w *world) days(agent string) (out []string) {
	w.t.Helper()
	for date := broadcast.Date("2026-11-24"); date < "2026-11-30"; date = date.AddDays(1) {
		slots, err := w.Forecast(context.Background(), agent, date)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range slots {
			if s.Skip == "" {
				out = append(out, string(date[8:])+s.Start.In(w.Zone).Format(" 15:04"))
			}
		}
	}
	return out
}

func TestADayLeavesASeriesAndStaysAwayWhenItIsEdited(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	daily := spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY;UNTIL=20261127"}, "HD", "r1")
	b := w.approve(daily)
	b = must(w.LeaveDay(ctx, b.ID, "2026-11-25", ann))(t)
	if b.State != Approved || !slices.Equal(b.DaysOff, []broadcast.Date{"2026-11-25"}) {
		t.Errorf("it is %s with days off %v", b.State, b.DaysOff)
	}
	if got, want := w.days("a2"), []string{"24 09:00", "26 09:00", "27 09:00"}; !slices.Equal(got, want) {
		t.Errorf("heard on %v, want %v", got, want)
	}
	daily.When.At = "2026-11-24T10:00:00"
	must(w.Edit(ctx, b.ID, 0, daily, ann))(t)
	must(w.Approve(ctx, b.ID, 0, binh))(t)
	if got, want := w.days("a2"), []string{"24 10:00", "26 10:00", "27 10:00"}; !slices.Equal(got, want) {
		t.Errorf("after an edit heard on %v, want %v", got, want)
	}
	must(w.RestoreDay(ctx, b.ID, "2026-11-25"))(t)
	if got, want := w.days("a2"), []string{"24 10:00", "25 10:00", "26 10:00", "27 10:00"}; !slices.Equal(got, want) {
		t.Errorf("restored, heard on %v, want %v", got, want)
	}
	for day, want := range map[broadcast.Date]string{"2026-11-28": "NO_SUCH_DAY", "2026-11-23": "TIME_IN_PAST", "2026-02-31": "DATE_INVALID"} {
		if _, err := w.LeaveDay(ctx, b.ID, day, ann); code(err) != want {
			t.Errorf("leave %s: %v, want %s", day, err, want)
		}
	}
}

func TestOneDayInsteadOfASeries(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	daily := spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY;UNTIL=20261127"}, "HD", "r1")
	series := w.approve(daily)
	one := spec(When{At: "2026-11-24T08:30:00"}, "HD", "r2") // Wednesday's, on Tuesday
	one.Instead = &Instead{Broadcast: series.ID, Date: "2026-11-25"}
	b := w.create(one)
	if got, want := w.days("a2"), []string{"24 09:00", "25 09:00", "26 09:00", "27 09:00"}; !slices.Equal(got, want) {
		t.Errorf("while it waits for approval, heard on %v, want %v", got, want)
	}
	if got := conflicts(preview(t, w, b)); len(got) != 0 {
		t.Errorf("it is in conflict with what it stands for: %v", got)
	}
	must(w.Approve(ctx, b.ID, 0, binh))(t)
	replaced := []string{"24 08:30", "24 09:00", "26 09:00", "27 09:00"}
	if got := w.days("a2"); !slices.Equal(got, replaced) {
		t.Errorf("heard on %v, want %v", got, replaced)
	}
	must(w.Edit(ctx, series.ID, 0, daily, ann))(t)
	must(w.Approve(ctx, series.ID, 0, binh))(t)
	if got := w.days("a2"); !slices.Equal(got, replaced) {
		t.Errorf("after an edit of the series heard on %v, want %v", got, replaced)
	}
	// It was moved to an earlier day: on the day after that, the series does not come back.
	w.clock.set("2026-11-26T08:00:00+07:00")
	if got := w.days("a2"); slices.Contains(got, "25 09:00") {
		t.Errorf("the day came back: %v", got)
	}
	w.clock.set(morningOf)
	must(w.Cancel(ctx, b.ID, 0, ann))(t)
	if got, want := w.days("a2"), []string{"24 09:00", "25 09:00", "26 09:00", "27 09:00"}; !slices.Equal(got, want) {
		t.Errorf("cancelled, heard on %v, want %v", got, want)
	}
	for name, c := range map[string]struct {
		when When
		in   Instead
		want string
	}{
		"a day it has not": {When{At: "2026-11-24T08:30:00"}, Instead{series.ID, "2026-11-28"}, "NO_SUCH_DAY"},
		"no series":        {When{At: "2026-11-24T08:30:00"}, Instead{b.ID, "2026-11-24"}, "BROADCAST_CANCELLED"},
		"nothing":          {When{At: "2026-11-24T08:30:00"}, Instead{"none", "2026-11-25"}, "BROADCAST_NOT_FOUND"},
		"a series itself":  {When{At: "2026-11-24T08:30:00", RRule: "FREQ=DAILY"}, Instead{series.ID, "2026-11-25"}, "BROADCAST_INVALID"},
	} {
		s := spec(c.when, "HD", "r2")
		s.Instead = &c.in
		if _, err := w.Create(ctx, s, ann); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestHolidaysAreEachAreasOwn(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	s := spec(When{At: "2026-11-24T09:00:00", RRule: "FREQ=DAILY;UNTIL=20261126", SkipHolidays: true}, "QN", "r1")
	w.approve(s)
	all := spec(When{At: "2026-11-24T10:00:00", RRule: "FREQ=DAILY;UNTIL=20261126"}, "QN", "r2")
	w.approve(all)
	w.sweep(3)
	must(w.EditArea(ctx, "HD", 0, AreaChange{Holidays: &[]Holiday{{Day: "2026-11-25", Name: "Hội làng"}}}))(t)
	w.sweep(1) // only the agent there
	if got, want := w.days("a2"), []string{"24 09:00", "24 10:00", "25 10:00", "26 09:00", "26 10:00"}; !slices.Equal(got, want) {
		t.Errorf("where it is a holiday heard on %v, want %v", got, want)
	}
	if got := w.days("a1"); len(got) != 6 {
		t.Errorf("beside it heard on %v", got)
	}
	must(w.EditArea(ctx, "QN", 0, AreaChange{Holidays: &[]Holiday{{Day: "2026-11-26", Name: "Nghỉ"}}}))(t)
	if got, want := w.days("a2"), []string{"24 09:00", "24 10:00", "25 10:00", "26 10:00"}; !slices.Equal(got, want) {
		t.Errorf("with one from above heard on %v, want %v", got, want)
	}
	for _, bad := range []Holiday{{Day: "2026-11-31", Name: "x"}, {Day: "2026-11-30"}} {
		if _, err := w.EditArea(ctx, "HD", 0, AreaChange{Holidays: &[]Holiday{bad}}); code(err) != "HOLIDAY_INVALID" {
			t.Errorf("holiday %+v: %v", bad, err)
		}
	}
}

func TestTagsNarrowAreas(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	if _, err := w.Create(ctx, Spec{Title: "x", When: When{At: "2026-11-24T09:00:00"}, Items: []ItemRef{{"r1"}}, Targets: Targets{Areas: []string{"QN"}, Tags: []string{"biên giới"}}}, ann); code(err) != "TAG_UNKNOWN" {
		t.Errorf("a tag that nobody bears: %v", err)
	}
	must(w.TagAgent(ctx, "a1", []string{" biên  giới ", "chợ"}))(t)
	must(w.EditArea(ctx, "HD", 0, AreaChange{Tags: &[]string{"biên giới"}}))(t)
	for _, c := range []struct {
		name    string
		targets Targets
		want    []string
	}{
		{"of an agent and of an area", Targets{Areas: []string{"QN"}, Tags: []string{"biên giới"}}, []string{"a1", "a2"}},
		{"one of two is enough", Targets{Areas: []string{"TL"}, Tags: []string{"biên giới", "chợ"}}, []string{"a1"}},
		{"within the areas alone", Targets{Areas: []string{"HD"}, Tags: []string{"chợ"}}, []string{}},
		{"beside an agent that is named", Targets{Areas: []string{"QN"}, Agents: []string{"a3"}, Tags: []string{"chợ"}}, []string{"a1", "a3"}},
		{"left out by a tag of an agent", Targets{Areas: []string{"QN"}, ExceptTags: []string{"chợ"}}, []string{"a2", "a3"}},
		{"left out by a tag of an area", Targets{Areas: []string{"QN"}, ExceptTags: []string{"biên giới"}}, []string{"a3"}},
		{"and without one agent", Targets{Areas: []string{"QN"}, Tags: []string{"biên giới"}, Except: []string{"a2"}}, []string{"a1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := must(w.Reached(ctx, c.targets))(t)
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("reached %v, want %v", got, c.want)
			}
		})
	}
	tags := must(w.Tags(ctx, "TL"))(t)
	if len(tags) != 2 || tags[0].Tag != "biên giới" || !slices.Equal(tags[0].Agents, []string{"a1"}) || len(tags[0].Areas) != 0 {
		t.Errorf("tags of one commune are %+v", tags)
	}
	if _, err := w.TagAgent(ctx, "a1", []string{"hai\ndòng", ""}); code(err) != "TAG_INVALID" {
		t.Errorf("a tag that is none: %v", err)
	}
	if _, err := w.TagAgent(ctx, "a9", nil); code(err) != "AGENT_NOT_FOUND" {
		t.Errorf("tags of nobody: %v", err)
	}
	s := spec(When{At: "2026-11-24T09:00:00"}, "QN", "r1")
	s.Targets.Tags = []string{"chợ"}
	w.approve(s)
	if len(w.days("a1")) != 1 || len(w.days("a3")) != 0 {
		t.Errorf("a1 hears %v, a3 %v", w.days("a1"), w.days("a3"))
	}
	must(w.TagAgent(ctx, "a3", []string{"chợ"}))(t)
	if len(w.days("a3")) != 1 {
		t.Error("an agent that got the tag later does not hear it")
	}
}

func TestSentBackWithWords(t *testing.T) {
	ctx, w := context.Background(), newWorld(t)
	s := spec(When{At: "2026-11-24T09:00:00"}, "HD", "r1")
	b := w.create(s)
	if _, err := w.Return(ctx, b.ID, 0, binh, "  "); code(err) != "WORDS_MISSING" {
		t.Errorf("without words: %v", err)
	}
	b = must(w.Return(ctx, b.ID, 1, binh, "Sai giờ"))(t)
	if b.Returned == nil || b.Returned.Words != "Sai giờ" || b.Returned.By != binh || b.State != Draft || b.Version != 1 {
		t.Errorf("sent back it is %+v", b)
	}
	inbox := func(back bool) int {
		return len(must(w.List(ctx, Filter{States: []State{Draft}, Returned: &back}))(t).Items)
	}
	if inbox(true) != 1 || inbox(false) != 0 {
		t.Errorf("%d are sent back, %d wait", inbox(true), inbox(false))
	}
	s.When.At = "2026-11-24T10:00:00"
	b = must(w.Edit(ctx, b.ID, 0, s, ann))(t)
	if b.Returned != nil || inbox(false) != 1 {
		t.Errorf("written anew it is %+v", b)
	}
	if v := must(w.LastApproved(ctx, b.ID))(t); v.Version != 0 || v.Spec != nil {
		t.Errorf("approved before: %+v", v)
	}
	must(w.Return(ctx, b.ID, 0, binh, "Còn sai"))(t)
	b = must(w.Approve(ctx, b.ID, 0, binh))(t)
	if b.Returned != nil {
		t.Error("approved, it is still sent back")
	}
	if _, err := w.Return(ctx, b.ID, 0, binh, "x"); code(err) != "BROADCAST_NOT_DRAFT" {
		t.Errorf("what is approved: %v", err)
	}
	s.Title = "Khác"
	must(w.Edit(ctx, b.ID, 0, s, ann))(t)
	if v := must(w.LastApproved(ctx, b.ID))(t); v.Version != 2 || v.Spec.Title != "Tìm hiểu pháp luật" || v.Approved.By != binh {
		t.Errorf("approved before: %+v", v)
	}
}
