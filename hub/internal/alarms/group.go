package alarms

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// A place where at least groupLeast clusters, and half of all it has, have the same trouble has one cause and gets one
// alarm: a district whose line was cut is one thing to see to, not fifty.
const groupLeast = 5

// deepest ends a walk up a tree that has no top.
const deepest = 100

// Group is findings that are told as one: of one kind, of one cluster, of one area, or of the hub.
type Group struct {
	Key      string // tells it from others, for as long as it lasts
	Kind     Kind
	Agent    string // of a single one
	Name     string // of the cluster; "" otherwise
	Area     string
	Findings []Finding
	Of       int       // clusters in the area, of a grouped one
	Since    time.Time // earliest known
	Ends     time.Time // earliest
}

// Parents gives the area above an area, "" above the top.
type Parents map[string]string

// Gather joins findings by area. clusters are how many each area has itself. Every finding is in exactly one group, and
// no group lies within another of its kind. A group that is open already (by its key) stays one until its last cluster is
// well: a district that comes back bit by bit is not told as many single troubles. It is a pure function.
func Gather(findings []Finding, up Parents, clusters map[string]int, open map[string]bool) []Group {
	byKind := map[Kind][]Finding{}
	for _, f := range findings {
		byKind[f.Kind] = append(byKind[f.Kind], f)
	}
	all := sums(clusters, up)
	var out []Group
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		own := map[string]int{}
		for _, f := range byKind[kind] {
			if f.Agent != "" {
				own[f.Area]++
			}
		}
		bad := sums(own, up)
		anew := joiner(up, bad, all)
		joined := func(area string) bool { return anew(area) || bad[area] > 0 && open[grouped(kind, area)] }
		groups := map[string]*Group{}
		for _, f := range byKind[kind] {
			key, area := placeOf(f, up, joined)
			g := groups[key]
			if g == nil {
				g = &Group{Key: key, Kind: kind, Area: area, Since: f.Since, Ends: f.Ends}
				groups[key] = g
			}
			g.Findings = append(g.Findings, f)
			g.Since, g.Ends = earliest(g.Since, f.Since), earliest(g.Ends, f.Ends)
			if key == single(f) {
				g.Agent, g.Name = f.Agent, f.Name
			} else {
				g.Of = all[area]
			}
		}
		for _, key := range slices.Sorted(maps.Keys(groups)) {
			out = append(out, *groups[key])
		}
	}
	return out
}

func single(f Finding) string { return string(f.Kind) + "/" + cmp.Or(f.Agent, "hub") }

// placeOf is where a finding is told: the highest area above it that has one cause, else the cluster itself.
func placeOf(f Finding, up Parents, joined func(area string) bool) (key, area string) {
	found := ""
	for a, steps := f.Area, 0; f.Agent != "" && a != "" && steps < deepest; a, steps = up[a], steps+1 {
		if joined(a) {
			found = a
		}
	}
	if found == "" {
		return single(f), f.Area
	}
	return grouped(f.Kind, found), found
}

func grouped(kind Kind, area string) string { return string(kind) + "/area:" + area }

// joiner tells of each area whether it has one cause. An area of which nearly everything lies in one area below has not:
// that one is where to look, and what else is wrong in the area has causes of its own.
func joiner(up Parents, bad, all map[string]int) func(area string) bool {
	most := map[string]int{} // of one area directly below
	for a, n := range bad {
		if p := up[a]; p != "" {
			most[p] = max(most[p], n)
		}
	}
	return func(a string) bool {
		return bad[a] >= groupLeast && 2*bad[a] >= all[a] && (most[a] < groupLeast || bad[a]-most[a] >= groupLeast)
	}
}

// sums adds to each area what lies below it.
func sums(own map[string]int, up Parents) map[string]int {
	out := map[string]int{}
	for area, n := range own {
		for a, steps := area, 0; a != "" && steps < deepest; a, steps = up[a], steps+1 {
			out[a] += n
		}
	}
	return out
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
