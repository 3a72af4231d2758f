package broadcast

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// queued is a slot that waits for its turn in a daypart.
type queued struct {
	c     *cand
	slot  Slot
	item  int
	stale bool // its turn came when its report was not valid
}

// fill drafts a daypart: from its start, or from now, the best slot that fits takes the next time, until
// nothing fits any more (rules 3 and 4).
func (s *placing) fill(o Occurrence, key string, queue []queued, busy []taken, uncounted bool) {
	span := Span{Start: o.Start, End: o.End}
	queue = slices.DeleteFunc(queue, func(q queued) bool {
		reason := s.barred(q.c, q.slot)
		switch {
		case reason != "":
		case uncounted:
			reason = ReasonDayparts
		case !o.End.After(s.now):
			reason = ReasonLate // approved after the daypart was over
		default:
			return false
		}
		s.refuse(q.c, q.slot, span, o.End.Add(-1), reason)
		return true
	})
	if len(queue) == 0 {
		return
	}
	s.rank(queue, s.p.order(key, o.Start))
	gaps, left := s.room(o, s.now, busy)
	var used time.Duration
	for i, gap := range gaps {
		for t := gap.Start; t.Before(gap.End); {
			later, hoped := gaps[i+1:], left
			if then := s.knownAt(t, busy); len(then) < len(busy) {
				later, hoped = s.room(o, t, then)
			}
			n := s.pick(queue, t, gap.End, left-used, later, hoped-used)
			if n < 0 {
				t = nextChange(queue, t)
				continue
			}
			q := queue[n]
			queue = slices.Delete(queue, n, n+1)
			q.slot.Start, q.slot.End = t, t.Add(q.slot.Length())
			s.draft = append(s.draft, placed{Slot: q.slot, date: q.c.date, fact: t})
			t, used = q.slot.End, used+q.slot.Length()
		}
	}
	for _, q := range queue {
		reason := ReasonDaypartFull
		switch {
		case len(free(s.open, o.Start, o.End, nil)) == 0:
			reason = ReasonQuietHours
		case q.stale || !q.validWithin(span):
			reason = ReasonNotValid
		}
		s.refuse(q.c, q.slot, span, o.End.Add(-1), reason)
	}
}

// room gives the free stretches of a daypart from an instant on, and how much of its minutes is left. What
// sounds at an exact time inside the daypart counts into its minutes.
func (s *placing) room(o Occurrence, from time.Time, busy []taken) (gaps []Span, left time.Duration) {
	left = math.MaxInt64
	if n := s.p.Head.Rules.MinutesPerDaypart; n > 0 {
		left = time.Duration(n) * time.Minute
	}
	var no []Span
	for _, b := range busy {
		no = append(no, b.Span)
		if over := earlier(b.End, o.End).Sub(later(b.Start, o.Start)); over > 0 {
			left -= min(over, b.sounding)
		}
	}
	no = joinSpans(append(no, o.Reserved...))
	return free(s.open, later(o.Start, from), o.End, no), left
}

// knownAt gives of the time taken what was known to be taken at t: not what a pin shows to have begun since.
func (s *placing) knownAt(t time.Time, busy []taken) []taken {
	since := func(b taken) bool { f := s.facts[b.slot]; return f.pinned && f.fact.After(t) }
	if !slices.ContainsFunc(busy, since) {
		return busy
	}
	return slices.DeleteFunc(slices.Clone(busy), since)
}

// pick gives the first of the queue that can begin at t and end before the gap and the minutes do, -1 when
// none can. An item waits for an earlier one of its own candidate that could still hope, at t, for a later
// place: a programme's order is kept as long as it can be.
func (s *placing) pick(queue []queued, t, end time.Time, left time.Duration, gaps []Span, hoped time.Duration) int {
	var waiting []*cand
	for i := range queue {
		q := &queue[i]
		length := q.slot.Length()
		fits := length <= left && !t.Add(length).After(end)
		switch {
		case length > hoped || slices.Contains(waiting, q.c) || s.follows(q, t):
		case !q.slot.Item.validAt(t):
			q.stale = q.stale || fits
		case fits:
			return i
		case slices.ContainsFunc(gaps, func(g Span) bool { return g.End.Sub(g.Start) >= length }):
			waiting = append(waiting, q.c)
		}
	}
	return -1
}

// follows tells whether an earlier item of the same candidate is known to begin after t.
func (s *placing) follows(q *queued, t time.Time) bool {
	return slices.ContainsFunc(q.c.slots[:q.item], func(sl Slot) bool {
		f, fact := s.facts[sl.ID]
		return fact && f.Skip == "" && f.Start.After(t) && sl.Item.validAt(t)
	})
}

// nextChange is when a queued report becomes valid or ceases to be, far away when none does.
func nextChange(queue []queued, t time.Time) time.Time {
	next := t.AddDate(1, 0, 0)
	for _, q := range queue {
		for _, edge := range []*time.Time{q.slot.Item.ValidFrom, q.slot.Item.ValidUntil} {
			if edge != nil && edge.After(t) && edge.Before(next) {
				next = *edge
			}
		}
	}
	return next
}

func (q *queued) validWithin(span Span) bool {
	from, until := q.slot.Item.ValidFrom, q.slot.Item.ValidUntil
	return (from == nil || from.Before(span.End)) && (until == nil || until.After(span.Start))
}

// rank orders a daypart's queue (rule 3): priority before normal, the hub's before the commune's, then the
// officers' order, the earlier approval, the id. An order of the commune comes before that: for priority
// items always (Circular 39/2020), for normal ones where the policy lets it, else only among its own.
func (s *placing) rank(queue []queued, order []string) {
	place := func(q queued) int {
		if i := slices.Index(order, q.slot.Key); i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(queue, func(a, b queued) int {
		class := first(a.c.Class == Priority, b.c.Class == Priority)
		wanted := cmp.Compare(place(a), place(b))
		if bound := a.c.Class == Normal && !s.p.Head.Rules.CommuneMayMove; bound && (a.c.Owner != OwnerCommune || b.c.Owner != OwnerCommune) {
			wanted = 0
		}
		return cmp.Or(class, wanted, first(a.c.Owner == OwnerHub, b.c.Owner == OwnerHub), cmp.Compare(a.c.Order, b.c.Order),
			a.c.ApprovedAt.Compare(b.c.ApprovedAt), cmp.Compare(a.slot.Key, b.slot.Key), cmp.Compare(a.item, b.item))
	})
}
