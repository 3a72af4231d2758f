package broadcast

import (
	"slices"
	"time"
)

// Has tells whether the instant lies in [Start, End).
func (s Span) Has(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Over tells whether two spans share time.
func (s Span) Over(o Span) bool { return s.Start.Before(o.End) && o.Start.Before(s.End) }

// joinSpans orders spans and makes one of those that overlap or adjoin. Labels are lost.
func joinSpans(in []Span) []Span {
	slices.SortFunc(in, func(a, b Span) int { return a.Start.Compare(b.Start) })
	out := in[:0]
	for _, s := range in {
		if n := len(out); n > 0 && !s.Start.After(out[n-1].End) {
			out[n-1].End = later(out[n-1].End, s.End)
		} else {
			out = append(out, Span{Start: s.Start, End: s.End})
		}
	}
	return out
}

// within tells whether one of the joined spans holds the whole of s.
func within(joined []Span, s Span) bool {
	return slices.ContainsFunc(joined, func(o Span) bool { return !s.Start.Before(o.Start) && !s.End.After(o.End) })
}

// free gives what is left of the joined spans in [from, to) without the taken ones.
func free(joined []Span, from, to time.Time, taken []Span) []Span {
	var out []Span
	for _, s := range joined {
		at, end := later(s.Start, from), earlier(s.End, to)
		for _, t := range taken {
			if t.Start.After(at) && at.Before(end) {
				out = append(out, Span{Start: at, End: earlier(t.Start, end)})
			}
			at = later(at, t.End)
		}
		if at.Before(end) {
			out = append(out, Span{Start: at, End: end})
		}
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
