package broadcast

import (
	"slices"
	"time"
)

// What bounds a programme, for people: see Plan.Room.
const (
	BoundDaypart  = "daypart"
	BoundMinutes  = "minutes_per_daypart"
	BoundDayparts = "dayparts_per_day"
	BoundWindow   = "window"
)

// Room is how much can sound in a daypart of a date, whatever is planned there, and what bounds it: its own length
// without what is reserved and without quiet hours, or the minutes that the policy gives. There is none in a daypart
// beyond the number a day may have, nor in one that the date does not have.
func (p *Plan) Room(date Date, daypart string) (room time.Duration, bound string) {
	dayparts := p.Days[date].Dayparts
	i := slices.IndexFunc(dayparts, func(o Occurrence) bool { return o.Name == daypart })
	rules := p.Head.Rules
	switch {
	case i < 0:
		return 0, BoundDaypart
	case rules.DaypartsPerDay > 0 && i >= rules.DaypartsPerDay:
		return 0, BoundDayparts
	}
	o := dayparts[i]
	whole := []Span{{Start: o.Start, End: o.End}}
	reserved := joinSpans(slices.Clone(o.Reserved))
	room = sum(free(rules.open(date, date.AddDays(1), p.Zone), o.Start, o.End, reserved))
	if bound = BoundDaypart; room < sum(free(whole, o.Start, o.End, reserved)) {
		bound = BoundWindow
	}
	if most := time.Duration(rules.MinutesPerDaypart) * time.Minute; most > 0 && most < room {
		return most, BoundMinutes
	}
	return room, bound
}

// Outside is how much of a span lies in quiet hours.
func (p *Plan) Outside(span Span) time.Duration {
	allowed := p.Head.Rules.open(DateOf(span.Start, p.Zone), DateOf(span.End, p.Zone), p.Zone)
	return span.End.Sub(span.Start) - sum(free(allowed, span.Start, span.End, nil))
}

// Gap gives the first whole minute of a date, from an instant on, at which length can sound without quiet hours,
// reserved spans or what is taken; false when there is none.
func (p *Plan) Gap(date Date, from time.Time, length time.Duration, taken []Span) (time.Time, bool) {
	no := slices.Clone(taken)
	for _, o := range p.Days[date].Dayparts {
		no = append(no, o.Reserved...)
	}
	for _, s := range free(p.Head.Rules.open(date, date, p.Zone), from, date.At(EndOfDay, p.Zone), joinSpans(no)) {
		at := s.Start.Truncate(time.Minute)
		if at.Before(s.Start) {
			at = at.Add(time.Minute)
		}
		if !at.Add(length).After(s.End) {
			return at, true
		}
	}
	return time.Time{}, false
}

func sum(spans []Span) (d time.Duration) {
	for _, s := range spans {
		d += s.End.Sub(s.Start)
	}
	return d
}
