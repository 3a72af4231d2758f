package alarms

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/store"
)

// Alarm is one thing that people are told of.
type Alarm struct {
	ID       string    `json:"id"`
	Key      string    `json:"key"`
	Kind     Kind      `json:"kind"`
	Area     string    `json:"area"`
	Agent    string    `json:"agent,omitempty"`
	Name     string    `json:"name,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Clusters int       `json:"clusters"`     // how many have it
	Of       int       `json:"of,omitempty"` // of how many of the area, for a grouped one
	Since    time.Time `json:"since,omitzero"`
	Ends     time.Time `json:"ends,omitzero"`

	RaisedAt      time.Time `json:"raised_at"`
	ResolvedAt    time.Time `json:"resolved_at,omitzero"`
	Replaced      bool      `json:"-"`
	AckedAt       time.Time `json:"acked_at,omitzero"`
	AckedBy       string    `json:"acked_by,omitempty"`
	SilencedUntil time.Time `json:"silenced_until,omitzero"`
	SilencedBy    string    `json:"silenced_by,omitempty"`
	Told          int       `json:"-"`
	ToldAt        time.Time `json:"-"`
	EndTold       bool      `json:"-"`
}

// Step gives the alarms that change by what was found: new ones, those that are over, those that are back, and those of
// which more or less is known. known are those that are open or were of late, newest last. It is a pure function but for
// the ids.
func Step(now time.Time, known []Alarm, found []Group) []Alarm {
	now = exact(now)
	latest := map[string]Alarm{}
	for _, a := range known {
		latest[a.Key] = a
	}
	var out []Alarm
	here := map[string]bool{}   // keys
	spoken := map[string]bool{} // kind/agent that some group tells
	for _, g := range found {
		here[g.Key] = true
		for _, f := range g.Findings {
			spoken[single(f)] = true
		}
		a, was := latest[g.Key]
		switch {
		case was && a.ResolvedAt.IsZero():
		case was && now.Sub(a.ResolvedAt) < reopen:
			a.ResolvedAt, a.Replaced, a.EndTold = time.Time{}, false, false
			a.AckedAt, a.AckedBy = time.Time{}, ""
		default:
			a = Alarm{ID: uuid.Must(uuid.NewV7()).String(), Key: g.Key, Kind: g.Kind, RaisedAt: now, SilencedUntil: a.SilencedUntil, SilencedBy: a.SilencedBy}
		}
		a.Area, a.Agent, a.Name, a.Clusters, a.Of = g.Area, g.Agent, g.Name, len(g.Findings), g.Of
		a.Detail, a.Since, a.Ends = g.Findings[0].Detail, exact(g.Since), exact(g.Ends)
		if a != latest[g.Key] {
			out = append(out, a)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(latest)) {
		a := latest[key]
		if !a.ResolvedAt.IsZero() || here[key] {
			continue
		}
		a.ResolvedAt = now
		// A single one that a group tells now is not over; nor is a group that became a larger or smaller one.
		a.Replaced = a.Agent != "" && spoken[key] || a.Agent == "" && overlaps(a, found)
		out = append(out, a)
	}
	return out
}

// overlaps tells whether a grouped alarm goes on as another group: one of its kind that is no single cluster.
func overlaps(a Alarm, found []Group) bool {
	return slices.ContainsFunc(found, func(g Group) bool { return g.Kind == a.Kind && g.Agent == "" && len(g.Findings) >= a.Clusters })
}

// exact is an instant as SQL gives it back, so that alarms can be compared.
func exact(t time.Time) time.Time { return store.Time(store.Millis(t)) }
