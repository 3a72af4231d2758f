package cache

import (
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestOrderOfDownloads(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	item := func(name string) broadcast.Item {
		return broadcast.Item{Report: name, Audio: broadcast.Hash(name), Manifest: broadcast.Hash("m-" + name), DurationMS: 60_000}
	}
	candidate := func(at time.Time, name string) broadcast.Candidate {
		return broadcast.Candidate{At: &at, Items: []broadcast.Item{item(name)}}
	}
	day := &broadcast.Day{Candidates: []broadcast.Candidate{
		candidate(now.Add(time.Hour), "later"), candidate(now.Add(-time.Minute), "sounding"), candidate(now.Add(-9*time.Hour), "over"),
	}}
	head := &broadcast.Head{
		Days: []broadcast.DayRef{{Hash: "today"}, {Hash: "tomorrow", Size: 7}},
		Bulletins: []broadcast.Bulletin{
			{IssuedAt: now, Until: now.Add(time.Hour), Items: []broadcast.Item{item("flood")}},
			{IssuedAt: now.Add(-2 * time.Hour), Until: now.Add(-time.Second), Items: []broadcast.Item{item("storm")}},
		},
	}
	for name, test := range map[string]struct {
		active bool
		want   []broadcast.Hash
	}{
		"the first plan": {false, []broadcast.Hash{"tomorrow", "m-storm", "m-flood", "m-over", "m-sounding", "m-later", "flood", "sounding", "later"}},
		"a later plan":   {true, []broadcast.Hash{"m-storm", "m-flood", "flood", "tomorrow", "m-over", "m-sounding", "m-later", "sounding", "later"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []broadcast.Hash
			for _, n := range listNeeds([]*broadcast.Head{head}, map[broadcast.Hash]*broadcast.Day{"today": day}, test.active, now) {
				got = append(got, n.hash)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("fetched as %v, want %v", got, test.want)
			}
		})
	}
}
