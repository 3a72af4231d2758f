package broadcast

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// index is what the timetable needs of a plan, made once: candidates with their slots, and the dates that
// must be placed together.
type index struct {
	dates  []Date            // ordered
	groups []group           // ordered, apart
	slots  map[string]*group // by slot id
}

// group is a run of dates that are placed together because something reaches from one into another: an
// exact-time over midnight, or a slot that the commune moved. Mostly a single date.
type group struct {
	from, to Date
	days     []Day
	cands    []*cand
}

// cand is a candidate with its slots, which have no place yet.
type cand struct {
	Candidate
	date  Date
	slots []Slot
}

// maxMove is how far the commune may move a slot, so that few dates are placed together.
const maxMove = 7 * 24 * time.Hour

func newIndex(p *Plan) index {
	ix := index{slots: map[string]*group{}}
	for date := range p.Days {
		ix.dates = append(ix.dates, date)
	}
	slices.Sort(ix.dates)
	var cands []*cand
	var reach []group // date ranges only
	for _, date := range ix.dates {
		reach = append(reach, group{from: date, to: date})
		for _, c := range p.Days[date].Candidates {
			k := p.newCand(date, c)
			cands = append(cands, k)
			if c.At != nil {
				reach = append(reach, p.reach(date, *c.At, k.length()))
			}
		}
	}
	for _, c := range cands {
		for i := range c.slots {
			for _, d := range p.Head.Decisions {
				if d.Kind == "move" && d.Subject == c.slots[i].ID && c.movable(*d.To, p.Zone) {
					reach = append(reach, p.reach(c.date, *d.To, c.slots[i].Length()))
				}
			}
		}
	}
	ix.groups = joinGroups(reach)
	for _, date := range ix.dates {
		g := &ix.groups[ix.groupAt(date)]
		g.days = append(g.days, p.Days[date])
	}
	for _, c := range cands {
		n := ix.groupAt(c.date)
		ix.groups[n].cands = append(ix.groups[n].cands, c)
		for i := range c.slots {
			ix.slots[c.slots[i].ID] = &ix.groups[n]
		}
	}
	return ix
}

func (p *Plan) newCand(date Date, c Candidate) *cand {
	k := &cand{Candidate: c, date: date}
	occurrence, key := c.Occurrence(date, p.Zone), c.Key(date, p.Zone)
	for i, item := range c.Items {
		k.slots = append(k.slots, Slot{ID: fmt.Sprintf("%s#%d", key, i), Key: key, Broadcast: c.Broadcast, Version: c.Version,
			Title: c.Title, Class: c.Class, Owner: c.Owner, Lateness: c.Lateness, Occurrence: occurrence, Item: item})
	}
	return k
}

func (c *cand) length() time.Duration {
	var sum time.Duration
	for _, s := range c.slots {
		sum += s.Length()
	}
	return sum
}

// movable tells whether an instant is near enough for a move.
func (c *cand) movable(to time.Time, zone *time.Location) bool {
	d := to.Sub(c.date.At(0, zone))
	return -maxMove <= d && d <= maxMove
}

// reach is the range of dates that a sound starting at an instant shares with its own date.
func (p *Plan) reach(date Date, at time.Time, length time.Duration) group {
	first, last := DateOf(at, p.Zone), DateOf(at.Add(length-1), p.Zone)
	return group{from: min(date, first), to: max(date, last)}
}

func joinGroups(in []group) []group {
	slices.SortFunc(in, func(a, b group) int { return cmp.Compare(a.from, b.from) })
	var out []group
	for _, g := range in {
		if n := len(out); n > 0 && g.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, g.to)
		} else {
			out = append(out, g)
		}
	}
	return out
}

// groupAt gives the index of the group that holds the date, -1 when none does.
func (ix *index) groupAt(date Date) int {
	return slices.IndexFunc(ix.groups, func(g group) bool { return g.from <= date && date <= g.to })
}
