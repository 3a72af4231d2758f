package planner

import (
	"slices"

	"github.com/loa-vn/loa/internal/broadcast"
)

// place is where a broadcast is heard: agents, and the codes of their areas. Where no agent is yet, the areas
// are the ones meant, so that a broadcast can be prepared before its cluster is paired.
type place struct {
	agents []AgentRef
	areas  []string
	meant  []string // areas, and all that are named or lie below: an agent that is paired there later hears it too
}

// resolve finds where targets are, or errTargetUnknown.
func (t Targets) resolve(tree *Tree, agents []AgentRef) (place, error) {
	known := map[string]bool{}
	for _, a := range agents {
		known[a.ID] = true
	}
	if len(t.Areas)+len(t.Agents) == 0 || len(t.Tags)+len(t.ExceptTags) > 100 || len(t.Areas)+len(t.Agents)+len(t.Except) > 2000 {
		return place{}, errBroadcastInvalid.At("targets")
	}
	for _, code := range t.Areas {
		if !tree.Has(code) {
			return place{}, errTargetUnknown.At("targets.areas")
		}
	}
	for _, id := range t.Agents {
		if !known[id] {
			return place{}, errTargetUnknown.At("targets.agents")
		}
	}
	for _, name := range t.Except {
		if !known[name] && !tree.Has(name) {
			return place{}, errTargetUnknown.At("targets.except")
		}
	}
	borne := tagsOf(tree, agents)
	for _, tag := range slices.Concat(t.Tags, t.ExceptTags) {
		if !borne[tag] {
			return place{}, errTagUnknown
		}
	}
	m := t.matcher()
	var out place
	for _, a := range agents {
		if m.has(tree, a) {
			out.agents = append(out.agents, a)
			out.areas = append(out.areas, a.Area)
		}
	}
	for _, code := range t.Areas {
		out.meant = append(out.meant, tree.Below(code)...)
	}
	out.meant = slices.DeleteFunc(out.meant, func(code string) bool { return m.without(tree, code) })
	if out.meant = sorted(append(out.meant, out.areas...)); len(out.areas) == 0 {
		out.areas = out.meant
	}
	out.areas = sorted(out.areas)
	return out, nil
}

// sorted gives each of names once.
func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return slices.Compact(names)
}

// matcher answers for many agents whether targets mean them.
type matcher struct{ areas, agents, except, tags, exceptTags map[string]bool }

func (t Targets) matcher() matcher {
	return matcher{set(t.Areas), set(t.Agents), set(t.Except), set(t.Tags), set(t.ExceptTags)}
}

// tagsOf are all that areas and agents bear.
func tagsOf(tree *Tree, agents []AgentRef) map[string]bool {
	out := map[string]bool{}
	for _, a := range tree.areas {
		for _, tag := range a.Tags {
			out[tag] = true
		}
	}
	for _, a := range agents {
		for _, tag := range a.Tags {
			out[tag] = true
		}
	}
	return out
}

// bears tells whether one of names is in a set.
func bears(names []string, of map[string]bool) bool {
	return slices.ContainsFunc(names, func(n string) bool { return of[n] })
}

func set(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

func (m matcher) has(tree *Tree, a AgentRef) bool {
	if m.except[a.ID] {
		return false
	}
	named, hit, tagged := m.agents[a.ID], false, len(m.tags) == 0 || bears(a.Tags, m.tags)
	if bears(a.Tags, m.exceptTags) {
		return named
	}
	for code := a.Area; code != ""; code = tree.areas[code].Parent {
		area := tree.areas[code]
		if m.except[code] || bears(area.Tags, m.exceptTags) {
			return named // itself, beside an area left out
		}
		// Targets of long ago may name an area that has become a part of this one.
		hit = hit || m.areas[code] || slices.ContainsFunc(tree.was[code], func(old string) bool { return m.areas[old] })
		tagged = tagged || bears(area.Tags, m.tags)
	}
	return named || hit && tagged
}

func (m matcher) without(tree *Tree, code string) bool {
	return slices.ContainsFunc(tree.Path(code), func(a Area) bool { return m.except[a.Code] })
}

// secondPerson tells whether any area that is meant asks for approval by a second person. With none at all the
// default of the whole fleet holds.
func (p place) secondPerson(tree *Tree) bool {
	if len(p.meant) == 0 {
		return broadcast.Inherit().SecondPerson
	}
	return slices.ContainsFunc(p.meant, func(code string) bool { return tree.Rules(code).SecondPerson })
}
