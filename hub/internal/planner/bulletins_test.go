package planner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
)

// fakeBulletins is orders.
type fakeBulletins struct {
	mu   sync.Mutex
	list []Aimed
}

func (f *fakeBulletins) InForce(_ context.Context, now time.Time) ([]Aimed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Aimed
	for _, b := range f.list {
		if b.Leaves.After(now) {
			out = append(out, b)
		}
	}
	return out, nil
}

func (f *fakeBulletins) put(list ...Aimed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = list
}

// bulletin of one report, issued now for an hour.
func (w *world) bulletin(id, report string, t Targets) Aimed {
	r := w.reports.m[report]
	now := w.clock.now()
	return Aimed{Targets: t, Leaves: now.Add(time.Hour + time.Minute), Bulletin: broadcast.Bulletin{ID: id, Kind: "live", Title: "Báo động lũ",
		IssuedAt: now.UTC(), Until: now.Add(time.Hour).UTC(), Items: []broadcast.Item{r.Item()}}}
}

// bulletins gives what an agent's head has of them.
func (w *world) bulletins(agent string) []string {
	w.t.Helper()
	plan, _ := w.plan(agent)
	out := []string{}
	for _, b := range plan.Head.Bulletins {
		out = append(out, b.ID)
	}
	return out
}

func TestBulletinsAreInTheHeadsOfThoseMeant(t *testing.T) {
	for _, tc := range []struct {
		name    string
		targets Targets
		want    string // agents
	}{
		{"the province", Targets{Areas: []string{"QN"}}, "a1 a2 a3"},
		{"a commune", Targets{Areas: []string{"TL"}}, "a1 a3"},
		{"an agent", Targets{Agents: []string{"a3"}}, "a3"},
		{"but one commune", Targets{Areas: []string{"QN"}, Except: []string{"TL"}}, "a2"},
		{"but one agent", Targets{Areas: []string{"QN"}, Except: []string{"a3"}}, "a1 a2"},
		{"but one commune with one agent of it", Targets{Areas: []string{"QN"}, Agents: []string{"a1"}, Except: []string{"TL"}}, "a1 a2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, b := newWorld(t), &fakeBulletins{}
			w.Bulletins = b
			w.sweep(3)
			b.put(w.bulletin("b1", "r1", tc.targets))
			want := strings.Fields(tc.want)
			w.sweep(len(want)) // and no other head is made anew
			for _, a := range w.agents.list {
				if got := len(w.bulletins(a.ID)) == 1; got != slices.Contains(want, a.ID) {
					t.Errorf("%s has it: %v", a.ID, got)
				}
			}
			reached, err := w.Reached(t.Context(), tc.targets)
			if err != nil || !slices.Equal(reached, want) {
				t.Errorf("said to reach %v (%v), want %v", reached, err, want)
			}
			w.sweep(0)
			b.put()
			w.sweep(len(want))
			if got := w.bulletins(want[0]); len(got) != 0 {
				t.Errorf("cancelled, but still in the head: %v", got)
			}
		})
	}
}

func TestWithdrawnReportOfABulletin(t *testing.T) {
	w, b := newWorld(t), &fakeBulletins{}
	w.Bulletins = b
	b.put(w.bulletin("b1", "r1", Targets{Areas: []string{"TL"}}))
	w.sweep(3)
	w.reports.withdraw("r1", w.clock.now())
	w.sweep(2)
	plan, _ := w.plan("a1")
	if list := plan.Head.Withdrawals; len(list) != 1 || list[0].Report != "r1" {
		t.Errorf("the head withdraws %v", list)
	}
	if w.ReportChanged("r1"); len(w.wake) == 0 {
		t.Error("nothing is compiled when a bulletin's report changes")
	}
}

// What a bulletin in force holds is silenced by the head alone: that withdrawal is the last to leave it.
func TestWithdrawalOfABulletinComesFirst(t *testing.T) {
	w, b := newWorld(t), &fakeBulletins{}
	w.Bulletins = b
	b.put(w.bulletin("b1", "r1", Targets{Areas: []string{"TL"}}))
	w.approve(spec(When{Daypart: "evening"}, "QN", "r2", "r3"))
	w.reports.withdraw("r1", w.clock.now())
	for _, id := range []string{"r2", "r3"} {
		w.clock.set("2026-11-24T08:01:00+07:00")
		w.reports.withdraw(id, w.clock.now())
	}
	w.sweep(3)
	plan, _ := w.plan("a1")
	if list := plan.Head.Withdrawals; len(list) != 3 || list[0].Report != "r1" {
		t.Errorf("the head withdraws %v", list)
	}
}

func TestWhere(t *testing.T) {
	w := newWorld(t)
	one := false
	if _, err := w.EditArea(t.Context(), "HD", 0, AreaChange{Policy: &broadcast.Policy{SecondPerson: &one}}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		targets Targets
		want    Where
		code    string
	}{
		{"commune", Targets{Areas: []string{"TL"}}, Where{"TL", true}, ""},
		{"commune without a second person", Targets{Areas: []string{"HD"}}, Where{"HD", false}, ""},
		{"both", Targets{Areas: []string{"HD", "TL"}}, Where{"QN", true}, ""},
		{"agent", Targets{Agents: []string{"a2"}}, Where{"HD", false}, ""},
		{"unknown area", Targets{Areas: []string{"XX"}}, Where{}, "TARGET_UNKNOWN"},
		{"unknown agent", Targets{Agents: []string{"XX"}}, Where{}, "TARGET_UNKNOWN"},
		{"unknown exception", Targets{Areas: []string{"HD"}, Except: []string{"XX"}}, Where{}, "TARGET_UNKNOWN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := w.Where(t.Context(), tc.targets); got != tc.want || code(err) != tc.code {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// What Room lets through always fits, together with the withdrawals that must: also with those that come later.
func TestRoomForBulletins(t *testing.T) {
	for name, withdrawnFirst := range map[string]bool{"withdrawals before": true, "withdrawals after": false} {
		t.Run(name, func(t *testing.T) { roomForBulletins(t, withdrawnFirst) })
	}
}

func roomForBulletins(t *testing.T, withdrawnFirst bool) {
	w, b := newWorld(t), &fakeBulletins{}
	w.Bulletins = b
	for i := range recentWithdrawals {
		id := fmt.Sprintf("0193b2f0-0000-7000-8000-%012d", i)
		w.reports.put(id, 5, broadcast.ReportApproved)
		w.approve(spec(When{Daypart: "evening"}, "QN", id))
	}
	w.sweep(3)
	withdraw := func() {
		for i := range recentWithdrawals {
			w.reports.withdraw(fmt.Sprintf("0193b2f0-0000-7000-8000-%012d", i), w.clock.now())
			w.reports.withdrawn[i].Reason = strings.Repeat("luật đã thay đổi ", 30)
		}
		w.sweep(3)
	}
	if withdrawnFirst {
		withdraw()
	}
	var in []Aimed
	for n := 0; ; n++ {
		next := w.bulletin(fmt.Sprintf("b%d", n), "r1", Targets{Areas: []string{"TL"}})
		next.Title = strings.Repeat("ữ", 200)
		err := w.Room(t.Context(), next)
		if code(err) == "BULLETINS_FULL" {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		in = append(in, next)
		b.put(in...)
		w.sweep(2)
	}
	if !withdrawnFirst {
		withdraw()
	}
	plan, sealed := w.plan("a1")
	t.Logf("%d bulletins in a head of %d bytes", len(in), len(sealed.Envelope))
	if len(plan.Head.Withdrawals) != recentWithdrawals || len(in) < 2 {
		t.Errorf("%d bulletins, %d withdrawals", len(in), len(plan.Head.Withdrawals))
	}
	if err := w.Room(t.Context(), w.bulletin("other", "r1", Targets{Areas: []string{"HD"}})); err != nil {
		t.Errorf("elsewhere there is room: %v", err)
	}
}

func TestRunTakesABulletinOutWhenItLeaves(t *testing.T) {
	w, b := newWorld(t), &fakeBulletins{}
	w.Bulletins, w.Now = b, time.Now // the wait is real: a database has goroutines of its own
	plans := w.Bus.Subscribe(bus.Plan)
	defer plans.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	next := func() string {
		t.Helper()
		select {
		case e := <-plans.C():
			return e.Agent
		case <-time.After(10 * time.Second):
			t.Fatal("no plan was announced")
			return ""
		}
	}
	for range 3 {
		next()
	}
	short := w.bulletin("b1", "r1", Targets{Agents: []string{"a2"}})
	short.IssuedAt = time.Now()
	short.Until = short.IssuedAt.Add(time.Second)
	short.Leaves = short.Until
	b.put(short)
	w.Bus.Publish(bus.Event{Topic: bus.Urgent, ID: "b1"})
	if got := next(); got != "a2" || len(w.bulletins("a2")) != 1 {
		t.Fatalf("a plan for %s with %v", got, w.bulletins("a2"))
	}
	if got := next(); got != "a2" || len(w.bulletins("a2")) != 0 || time.Now().Before(short.Leaves) {
		t.Fatalf("a plan for %s with %v", got, w.bulletins("a2"))
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
