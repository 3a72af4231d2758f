package planner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Tree is all areas at one moment, with what holds in each after inheritance. It is not safe for concurrent
// use: it remembers what it worked out.
type Tree struct {
	areas    map[string]Area
	children map[string][]string // by code; "" has the tops
	rules    map[string]broadcast.Rules
	dayparts map[string][]broadcast.Daypart

	past   []PastName          // oldest first
	merged map[string]string   // what an area that is none any more became a part of
	was    map[string][]string // the other way round
}

func newTree(areas []Area) *Tree {
	t := &Tree{areas: map[string]Area{}, children: map[string][]string{},
		rules: map[string]broadcast.Rules{}, dayparts: map[string][]broadcast.Daypart{}, merged: map[string]string{}, was: map[string][]string{}}
	for _, a := range areas {
		t.areas[a.Code] = a
		t.children[a.Parent] = append(t.children[a.Parent], a.Code)
	}
	for _, c := range t.children {
		slices.Sort(c)
	}
	return t
}

func loadTree(ctx context.Context, db bun.IDB) (*Tree, error) {
	var rows []areaRow
	if err := db.NewSelect().Model(&rows).Order("code").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read areas: %w", err)
	}
	areas := make([]Area, len(rows))
	for i, r := range rows {
		var err error
		if areas[i], err = r.area(); err != nil {
			return nil, err
		}
	}
	t := newTree(areas)
	err := t.loadPast(ctx, db)
	return t, err
}

// Has tells whether there is an area of that code.
func (t *Tree) Has(code string) bool { _, ok := t.areas[code]; return ok }

// All gives the areas by code.
func (t *Tree) All() []Area {
	out := make([]Area, 0, len(t.areas))
	for _, a := range t.areas {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Area) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// Path gives the areas from the top down to code, or to what it became a part of; nothing when it never existed.
func (t *Tree) Path(code string) []Area {
	code = t.Home(code)
	var out []Area
	for a, ok := t.areas[code]; ok && len(out) <= len(t.areas); a, ok = t.areas[a.Parent] {
		out = append(out, a)
	}
	slices.Reverse(out)
	return out
}

// Within tells whether code is the area above or lies below it; everything lies within "".
func (t *Tree) Within(code, above string) bool {
	return above == "" || slices.ContainsFunc(t.Path(code), func(a Area) bool { return a.Code == above })
}

// Tops are the areas that lie in no other, by code.
func (t *Tree) Tops() []string { return slices.Clone(t.children[""]) }

// Below gives code and every area below it; "" gives all.
func (t *Tree) Below(code string) []string {
	var out []string
	if t.Has(code) {
		out = append(out, code)
	}
	for _, child := range t.children[code] {
		out = append(out, t.Below(child)...)
	}
	return out
}

// Common gives the lowest area within which all of codes lie, "" when only the whole tree holds them.
func (t *Tree) Common(codes []string) string {
	var common []Area
	for i, code := range codes {
		path := t.Path(code)
		if i == 0 {
			common = path
		}
		n := 0
		for n < min(len(common), len(path)) && common[n].Code == path[n].Code {
			n++
		}
		common = common[:n]
	}
	if len(common) == 0 {
		return ""
	}
	return common[len(common)-1].Code
}

// Rules gives the policy that holds in an area.
func (t *Tree) Rules(code string) broadcast.Rules {
	if r, ok := t.rules[code]; ok {
		return r
	}
	var policies []broadcast.Policy
	for _, a := range t.Path(code) {
		policies = append(policies, a.Policy)
	}
	r := broadcast.Inherit(policies...)
	t.rules[code] = r
	return r
}

// Holidays gives the holidays of an area, those of the areas above included.
func (t *Tree) Holidays(code string) []Holiday {
	var out []Holiday
	for _, a := range t.Path(code) {
		out = append(out, a.Holidays...)
	}
	slices.SortStableFunc(out, func(a, b Holiday) int { return strings.Compare(string(a.Day), string(b.Day)) })
	return slices.CompactFunc(out, func(a, b Holiday) bool { return a.Day == b.Day })
}

// Dayparts gives the dayparts that an area has, its parents' included, by start.
func (t *Tree) Dayparts(code string) []broadcast.Daypart {
	if d, ok := t.dayparts[code]; ok {
		return d
	}
	var levels [][]broadcast.Daypart
	for _, a := range t.Path(code) {
		levels = append(levels, a.Dayparts)
	}
	d := broadcast.InheritDayparts(levels...)
	t.dayparts[code] = d
	return d
}
