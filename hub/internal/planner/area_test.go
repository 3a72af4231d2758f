package planner

import (
	"context"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestAreas(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	negative := -1
	for _, c := range []struct {
		name string
		area Area
		want string
	}{
		{"below another", Area{Code: "TL-1", Name: "Thôn 1", Parent: "TL"}, ""},
		{"a code twice", Area{Code: "TL", Name: "Trung Lộc"}, "AREA_EXISTS"},
		{"a code with a space", Area{Code: "T L", Name: "Trung Lộc"}, "AREA_CODE_INVALID"},
		{"no code", Area{Name: "Trung Lộc"}, "AREA_CODE_INVALID"},
		{"no name", Area{Code: "X", Name: "  "}, "AREA_NAME_INVALID"},
		{"an unknown parent", Area{Code: "X", Name: "X", Parent: "Y"}, "AREA_PARENT_UNKNOWN"},
		{"its own parent", Area{Code: "X", Name: "X", Parent: "X"}, "AREA_PARENT_UNKNOWN"},
		{"a daypart that ends before it starts", Area{Code: "X", Name: "X", Dayparts: []broadcast.Daypart{daypart("a", "06:00", "05:00")}}, "DAYPART_INVALID"},
		{"dayparts that overlap", Area{Code: "X", Name: "X", Dayparts: []broadcast.Daypart{daypart("a", "05:00", "06:00"), daypart("b", "05:30", "07:00")}}, "DAYPART_OVERLAP"},
		{"a daypart over an inherited one", Area{Code: "X", Name: "X", Parent: "QN", Dayparts: []broadcast.Daypart{daypart("b", "05:30", "07:00")}}, "DAYPART_OVERLAP"},
		{"a negative limit", Area{Code: "X", Name: "X", Policy: broadcast.Policy{DaypartsPerDay: &negative}}, "POLICY_INVALID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := w.CreateArea(ctx, c.area); code(err) != c.want {
				t.Errorf("got %v, want code %q", err, c.want)
			}
		})
	}
}

func TestEditArea(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name    string
		code    string
		version int64
		change  AreaChange
		want    string
	}{
		{"a new name", "TL", 1, AreaChange{Name: text("Trung Lộc")}, ""},
		{"a stale one", "TL", 1, AreaChange{Name: text("Khác")}, "STALE_VERSION"},
		{"an unknown area", "X", 0, AreaChange{}, "AREA_NOT_FOUND"},
		{"into itself", "QN", 0, AreaChange{Parent: text("QN")}, "AREA_CYCLE"},
		{"into one below", "QN", 0, AreaChange{Parent: text("TL")}, "AREA_CYCLE"},
		{"to the top", "HD", 0, AreaChange{Parent: text("")}, ""},
		{"a daypart of its own", "TL", 0, AreaChange{Dayparts: &[]broadcast.Daypart{daypart("noon", "11:00", "12:00")}}, ""},
		{"a daypart that overlaps one below", "QN", 0, AreaChange{Dayparts: &[]broadcast.Daypart{daypart("lunch", "11:30", "12:30")}}, "DAYPART_OVERLAP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := w.EditArea(ctx, c.code, c.version, c.change); code(err) != c.want {
				t.Errorf("got %v, want code %q", err, c.want)
			}
		})
	}
	a, err := w.Area(ctx, "TL")
	if err != nil || a.Name != "Trung Lộc" || a.Version != 3 {
		t.Errorf("TL is %+v, %v", a, err)
	}
	if err := w.DeleteArea(ctx, "TL"); code(err) != "AREA_IN_USE" {
		t.Errorf("an area with agents is deleted: %v", err)
	}
	if err := w.DeleteArea(ctx, "QN"); code(err) != "AREA_IN_USE" {
		t.Errorf("an area with areas is deleted: %v", err)
	}
	w.agents.list = nil
	if err := w.DeleteArea(ctx, "TL"); err != nil {
		t.Error(err)
	}
	if _, err := w.Area(ctx, "TL"); code(err) != "AREA_NOT_FOUND" {
		t.Errorf("a deleted area: %v", err)
	}
}

func TestTree(t *testing.T) {
	w := newWorld(t)
	tree, err := w.Tree(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !tree.Within("TL", "QN") || tree.Within("QN", "TL") || !tree.Within("TL", "TL") || !tree.Within("TL", "") {
		t.Error("within is wrong")
	}
	for _, c := range []struct {
		codes []string
		want  string
	}{{[]string{"TL", "HD"}, "QN"}, {[]string{"TL"}, "TL"}, {[]string{"TL", "QN"}, "QN"}, {nil, ""}, {[]string{"TL", "none"}, ""}} {
		if got := tree.Common(c.codes); got != c.want {
			t.Errorf("common of %v is %q, want %q", c.codes, got, c.want)
		}
	}
	if d := tree.Dayparts("HD"); len(d) != 2 || d[1].Start.String() != "18:00" {
		t.Errorf("dayparts of HD are %+v", d)
	}
	if r := tree.Rules("HD"); !r.SecondPerson || !r.CommuneMayMove || len(r.Windows) != 1 || r.Windows[0].Start.String() != "05:00" {
		t.Errorf("the default rules are %+v", r)
	}
}
