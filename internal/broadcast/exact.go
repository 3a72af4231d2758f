package broadcast

import (
	"cmp"
	"slices"
	"time"
)

// block is an exact-time candidate, whose items sound back to back and are never split, or a slot that the
// commune moved to an instant.
type block struct {
	c        *cand
	slots    []Slot
	at       time.Time
	class    Class
	approved time.Time
	id       string
	begun    bool
	lost     string // why it was lost as a whole, by a record of one of its items
	against  []string
	rest     []Slot // what of it is no fact yet, laid out
	end      time.Time
}

// layBlocks drafts the exact-times, the winners first: one that began, then by class, earlier approval, id
// (rule 2). It gives all time taken, by facts and by them.
func (s *placing) layBlocks(blocks []block) []taken {
	for i := range blocks {
		s.lay(&blocks[i])
	}
	slices.SortStableFunc(blocks, func(a, b block) int {
		return cmp.Or(first(a.begun, b.begun), first(a.class == Priority, b.class == Priority), a.approved.Compare(b.approved), cmp.Compare(a.id, b.id))
	})
	busy := slices.Clone(s.taken)
	for _, b := range blocks {
		lost, against := s.hindered(b, busy)
		for _, sl := range b.rest {
			span := Span{Start: sl.Start, End: sl.End}
			reason, rivals := cmp.Or(sl.Skip, lost), against
			if b.begun && reason == "" { // the rest of a block under way is judged item by item, the rules may be new
				reason, rivals = s.hindrance(span, busy)
			}
			if reason != "" {
				if reason != ReasonCollision {
					rivals = nil
				}
				fact := sl.Start
				if lost != "" {
					fact = b.at // a block is lost as a whole, when its time comes
				}
				s.refuse(b.c, sl, span, fact, reason, rivals...)
				continue
			}
			s.draft = append(s.draft, placed{Slot: sl, date: b.c.date, fact: sl.Start})
			busy = append(busy, taken{Span: span, slot: sl.ID, sounding: sl.Length()})
		}
	}
	return busy
}

func first(a, b bool) int {
	if a == b {
		return 0
	}
	if a {
		return -1
	}
	return 1
}

// lay gives the block's slots their times, back to back; what is barred or not valid at its turn takes none.
func (s *placing) lay(b *block) {
	b.end = b.at
	own := Span{Start: b.at, End: b.at.Add(b.c.length())}
	for _, sl := range b.slots {
		if f, ok := s.facts[sl.ID]; ok {
			if f.Skip == "" && own.Has(f.Start) { // one that was moved away is no part of the block
				b.begun, b.end = true, later(b.end, f.End)
			}
			if lostWhole(f.Skip) {
				b.lost, b.against, b.end = f.Skip, f.Against, later(b.end, f.End)
			}
			continue
		}
		sl.Start, sl.End = b.end, b.end.Add(sl.Length())
		sl.Skip = s.barred(b.c, sl)
		if sl.Skip == "" && !sl.Item.validAt(sl.Start) {
			sl.Skip = ReasonNotValid
		}
		if sl.Skip == "" {
			b.end = sl.End
		}
		b.rest = append(b.rest, sl)
	}
}

// lostWhole tells whether a reason is one for which a block is lost as a whole.
func lostWhole(reason string) bool {
	return reason == ReasonCollision || reason == ReasonQuietHours || reason == ReasonReserved
}

// hindered tells why a block that has not begun cannot sound at all.
func (s *placing) hindered(b block, busy []taken) (reason string, against []string) {
	whole := Span{Start: b.at, End: b.end}
	switch {
	case b.begun || !whole.Start.Before(whole.End):
		return "", nil
	case b.lost != "":
		return b.lost, b.against
	case !whole.End.After(s.now):
		return ReasonLate, nil // it became known after it was over
	}
	return s.hindrance(whole, busy)
}

// hindrance tells why a span cannot be had: policy before reserved spans before others' sound (rule 1).
func (s *placing) hindrance(span Span, busy []taken) (reason string, against []string) {
	if !within(s.open, span) {
		return ReasonQuietHours, nil
	}
	for _, day := range s.g.days {
		for _, o := range day.Dayparts {
			if slices.ContainsFunc(o.Reserved, span.Over) {
				return ReasonReserved, nil
			}
		}
	}
	for _, t := range busy {
		if t.Over(span) && !slices.Contains(against, t.slot) {
			against = append(against, t.slot)
		}
	}
	if against != nil {
		return ReasonCollision, against
	}
	return "", nil
}
