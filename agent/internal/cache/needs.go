package cache

import (
	"cmp"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Kinds of blobs.
const (
	kindDay      = "day"
	kindManifest = "manifest"
	kindAudio    = "audio"
)

// need is a blob that the plan names.
type need struct {
	hash   broadcast.Hash
	kind   string
	size   int64 // 0 when not known
	use    time.Time
	urgent bool
}

// forever is the use of what the plan does not need: it is the first to be evicted.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// listNeeds gives what heads need from now on, most urgent first: what bulletins need, where a head is active, by which
// they sound at once; day documents, without which nothing is known; manifests, without which a head is not active;
// then audio. Of each kind the bulletins' come first, then what is used soonest.
func listNeeds(heads []*broadcast.Head, days map[broadcast.Hash]*broadcast.Day, active bool, now time.Time) []need {
	var all []need
	for _, head := range heads {
		add := func(it broadcast.Item, use, until time.Time, urgent bool) {
			if withdrawn(head, it) {
				return
			}
			// A head is active only with all its manifests, those of items that are over too.
			all = append(all, need{hash: it.Manifest, kind: kindManifest, use: use, urgent: urgent})
			if !until.Before(now) {
				all = append(all, need{hash: it.Audio, kind: kindAudio, use: use, urgent: urgent})
			}
		}
		for _, b := range head.Bulletins {
			for _, it := range b.Items {
				add(it, b.IssuedAt, b.Until, true)
			}
		}
		for _, ref := range head.Days {
			day := days[ref.Hash]
			if day == nil {
				all = append(all, need{hash: ref.Hash, kind: kindDay, size: ref.Size, use: now})
				continue
			}
			for _, cand := range day.Candidates {
				use, until := useOf(day, cand)
				for _, it := range cand.Items {
					add(it, use, until, false)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b need) int {
		return cmp.Or(before(active && a.urgent, active && b.urgent), before(a.kind == kindDay, b.kind == kindDay),
			before(a.kind == kindManifest, b.kind == kindManifest), before(a.urgent, b.urgent), a.use.Compare(b.use))
	})
	return firstOfEach(all)
}

// before puts what is so before what is not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// useOf is when a candidate may begin and when it is surely over. Its place inside a daypart is the
// timetable's matter; for the order of downloads the daypart's start is enough.
func useOf(day *broadcast.Day, c broadcast.Candidate) (use, until time.Time) {
	var length time.Duration
	for _, it := range c.Items {
		length += time.Duration(it.DurationMS) * time.Millisecond
	}
	if c.At != nil {
		// whole:N may begin N minutes late; a moved one stays within its day.
		return *c.At, c.At.Add(length + time.Duration(c.Lateness.Minutes)*time.Minute + time.Hour)
	}
	for _, o := range day.Dayparts {
		if o.Name == c.Daypart {
			return o.Start, o.End.Add(time.Hour)
		}
	}
	return forever, time.Time{} // no such daypart on that day: it will not sound
}

func withdrawn(head *broadcast.Head, it broadcast.Item) bool {
	return slices.ContainsFunc(head.Withdrawals, func(w broadcast.Withdrawal) bool { return w.Takes(it) })
}

// firstOfEach keeps the soonest use of each blob.
func firstOfEach(all []need) []need {
	seen := map[broadcast.Hash]bool{}
	out := all[:0:0]
	for _, n := range all {
		if !seen[n.hash] {
			seen[n.hash] = true
			out = append(out, n)
		}
	}
	return out
}
