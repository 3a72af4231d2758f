package planner

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestDueIsWhatADayAskedOfEachAgent(t *testing.T) {
	w := newWorld(t)
	once := w.approve(spec(When{At: "2026-11-24T09:00:00"}, "TL", "r1", "r2"))
	daily := w.approve(spec(When{Daypart: "evening", RRule: "FREQ=DAILY"}, "QN", "r3"))
	w.clock.set("2026-11-26T08:00:00+07:00") // the one is over
	got := map[string]string{}
	err := w.Due(context.Background(), "2026-11-24", func(a AgentRef, slots []broadcast.Slot) {
		for _, s := range slots {
			got[a.ID] += s.Item.Report + "@" + s.Start.In(w.Zone).Format("15:04") + " "
			if s.Broadcast != once.ID && s.Broadcast != daily.ID {
				t.Errorf("a slot of %s", s.Broadcast)
			}
		}
	})
	want := map[string]string{"a1": "r1@09:00 r2@09:05 r3@17:00 ", "a2": "r3@18:00 ", "a3": "r1@09:00 r2@09:05 r3@17:00 "}
	if err != nil || len(got) != 3 || got["a1"] != want["a1"] || got["a2"] != want["a2"] || got["a3"] != want["a3"] {
		t.Errorf("due %q, %v; want %q", got, err, want)
	}
}

// merged brings TL into HD in a world where TL has a village.
func merged(t *testing.T, w *world, movers ...Mover) error {
	t.Helper()
	_, err := w.Merge(context.Background(), "TL", "HD", 0, movers)
	return err
}

// follow is what fleet does: the agents of TL go to HD.
func (w *world) follow() Mover {
	return Mover{What: "agents", Move: func(_ context.Context, _ bun.Tx, from Area, into string) (n int, done func(), err error) {
		list := slices.Clone(w.agents.list)
		for i, a := range list {
			if a.Area == from.Code {
				list[i].Area = into
				n++
			}
		}
		return n, func() { w.agents.list = list }, nil
	}}
}

func TestAMergeKeepsWhatIsHeardWhereItWas(t *testing.T) {
	w := newWorld(t)
	w.area("TL-1", "TL")
	w.agents.list = append(w.agents.list, AgentRef{ID: "a4", Area: "TL-1"})
	waits := w.approve(spec(When{At: "2026-11-25T09:00:00"}, "TL", "r1"))
	must(w.Edit(context.Background(), waits.ID, 0, spec(When{At: "2026-11-26T09:00:00"}, "HD", "r1"), ann))(t) // what was approved is heard until this is
	w.approve(spec(When{At: "2026-11-25T10:00:00"}, "QN", "r2"))
	left := spec(When{At: "2026-11-25T11:00:00"}, "QN", "r3")
	left.Targets.Except = []string{"TL"}
	w.approve(left)
	w.sweep(4)
	day := broadcast.Date("2026-11-25")
	before := map[string][]string{}
	for _, a := range []string{"a1", "a2", "a3", "a4"} {
		p, _ := w.plan(a)
		before[a] = heard(p, day)
	}
	if err := merged(t, w, w.follow()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	for a, want := range before {
		p, _ := w.plan(a)
		if got := heard(p, day); !slices.Equal(got, want) {
			t.Errorf("%s hears %q, before %q", a, got, want)
		}
	}
	tree, err := w.Tree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if tree.Has("TL") || tree.Home("TL") != "HD" || tree.areas["TL-1"].Parent != "HD" || !tree.Within("TL", "HD") || tree.Within("TL", "TL-1") {
		t.Errorf("the tree: %+v", tree.areas)
	}
	if got := tree.Ever(tree.Below("HD")); !slices.Equal(got, []string{"HD", "TL-1", "TL"}) {
		t.Errorf("ever in HD: %q", got)
	}
	if _, err := w.CreateArea(context.Background(), Area{Code: "TL", Name: "Mới"}); code(err) != "AREA_EXISTS" {
		t.Errorf("the code was given again: %v", err)
	}
}

func TestMergeRefusesWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.area("TL-1", "TL")
	for _, c := range []struct{ code, into, want string }{
		{"TL", "TL", "AREA_MERGE"}, {"TL", "TL-1", "AREA_MERGE"}, {"QN", "HD", "AREA_MERGE"}, {"XX", "TL", "AREA_NOT_FOUND"}, {"TL", "XX", "AREA_NOT_FOUND"},
	} {
		if _, err := w.Merge(context.Background(), c.code, c.into, 0, nil); code(err) != c.want {
			t.Errorf("%s into %s: %v, want %s", c.code, c.into, err, c.want)
		}
	}
	if _, err := w.Merge(context.Background(), "TL", "HD", 9, nil); code(err) != "STALE_VERSION" {
		t.Errorf("of a version that was not seen: %v", err)
	}
	broken := errors.New("broken")
	err := merged(t, w, Mover{Move: func(context.Context, bun.Tx, Area, string) (int, func(), error) { return 0, nil, broken }})
	tree, err2 := w.Tree(context.Background())
	if !errors.Is(err, broken) || err2 != nil || !tree.Has("TL") || tree.areas["TL-1"].Parent != "TL" {
		t.Errorf("half a merge: %v, %v, %+v", err, err2, tree.areas)
	}
}

func TestNamesOfTheirTime(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for when, name := range map[string]string{"2026-12-01T00:00:00+07:00": "Xã Tân Lập"} {
		w.clock.set(when)
		if _, err := w.EditArea(ctx, "TL", 0, AreaChange{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.set("2027-01-01T00:00:00+07:00")
	if err := merged(t, w, w.follow()); err != nil {
		t.Fatal(err)
	}
	name := "Xã Hải Đông"
	w.clock.set("2027-02-01T00:00:00+07:00")
	if _, err := w.EditArea(ctx, "HD", 0, AreaChange{Name: &name}); err != nil {
		t.Fatal(err)
	}
	tree, err := w.Tree(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ code, when, want string }{
		{"TL", "2026-11-24T05:00:00+07:00", "Địa bàn TL"},
		{"TL", "2026-12-01T00:00:00+07:00", "Xã Tân Lập"},
		{"TL", "2027-03-01T00:00:00+07:00", "Xã Tân Lập"},
		{"HD", "2027-01-31T23:59:59+07:00", "Địa bàn HD"},
		{"HD", "2027-02-01T00:00:00+07:00", "Xã Hải Đông"},
		{"XX", "2027-02-01T00:00:00+07:00", "XX"},
	} {
		if got := tree.NameAt(c.code, at(c.when)); got != c.want {
			t.Errorf("%s at %s: %q, want %q", c.code, c.when, got, c.want)
		}
	}
}
