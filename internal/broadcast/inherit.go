package broadcast

import (
	"cmp"
	"slices"
	"time"
)

// What holds where nothing is set anywhere (design.md, Areas, dayparts, policies).
var defaultWindow = Window{Start: 5 * 3600, End: 21 * 3600, Days: EveryDay}

// Inherit gives the rules of an area from the policies on the way down to it, root first. Each can only
// tighten: windows and weekdays intersect, of limits and volumes the smaller holds, a second person once asked
// for stays, a commune once forbidden to move stays so. Whom to call is no limit: the last that says so is the
// nearest. A default holds only where no policy sets anything.
func Inherit(chain ...Policy) Rules {
	r := Rules{UrgentVolume: 100, CommuneMayMove: true}
	second, secondSet := false, false
	var week week
	windowsSet := false
	for _, p := range chain {
		if len(p.Windows) > 0 {
			if windowsSet {
				week = week.intersect(weekOf(p.Windows))
			} else {
				week, windowsSet = weekOf(p.Windows), true
			}
		}
		tighten(&r.DaypartsPerDay, p.DaypartsPerDay)
		tighten(&r.MinutesPerDaypart, p.MinutesPerDaypart)
		tighten(&r.UrgentVolume, p.UrgentVolume)
		r.Volume = append(r.Volume, p.Volume...)
		if p.SecondPerson != nil {
			second, secondSet = second || *p.SecondPerson, true
		}
		if p.Contact != nil {
			r.Contact = *p.Contact
		}
		if p.CommuneMayMove != nil {
			r.CommuneMayMove = r.CommuneMayMove && *p.CommuneMayMove
		}
	}
	if !windowsSet {
		week = weekOf([]Window{defaultWindow})
	}
	r.Windows = week.windows()
	r.Volume = lowestVolume(r.Volume)
	r.SecondPerson = second || !secondSet
	return r
}

// tighten takes the smaller of two limits; 0 is no limit, nil sets nothing.
func tighten(have *int, set *int) {
	if set != nil && (*have == 0 || *set < *have) {
		*have = *set
	}
}

// InheritDayparts gives an area's dayparts from those on the way down to it, root first: a child's replaces
// its parent's of the same name, a disabled one removes it. The result is ordered by start, then name.
func InheritDayparts(chain ...[]Daypart) []Daypart {
	byName := map[string]Daypart{}
	for _, level := range chain {
		for _, d := range level {
			if d.Disabled {
				delete(byName, d.Name)
			} else {
				byName[d.Name] = d
			}
		}
	}
	out := make([]Daypart, 0, len(byName))
	for _, d := range byName {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Daypart) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// Occurrences gives the dayparts of a date as instants, ordered by start. One that a summer-time gap
// swallows does not occur.
func Occurrences(dayparts []Daypart, date Date, zone *time.Location) []Occurrence {
	out := []Occurrence{}
	for _, d := range dayparts {
		o := Occurrence{Name: d.Name, Start: date.At(d.Start, zone), End: date.At(d.End, zone), Reserved: []Span{}}
		if d.Disabled || !d.Days.Has(date.Weekday()) || !o.Start.Before(o.End) {
			continue
		}
		for _, r := range d.Reserved {
			if s := (Span{Start: date.At(r.Start, zone), End: date.At(r.End, zone), Label: r.Label}); s.Start.Before(s.End) {
				o.Reserved = append(o.Reserved, s)
			}
		}
		slices.SortFunc(o.Reserved, func(a, b Span) int { return a.Start.Compare(b.Start) })
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Occurrence) int { return a.Start.Compare(b.Start) })
	return out
}

// stretch is a span of one day's wall time.
type stretch struct{ start, end TimeOfDay }

// week holds the allowed stretches of each weekday, Monday first: ordered, apart from each other.
type week [7][]stretch

func weekOf(windows []Window) week {
	var out week
	for _, w := range windows {
		for day := range out {
			if w.Start < w.End && (w.Days == 0 || w.Days&(1<<day) != 0) {
				out[day] = append(out[day], stretch{w.Start, w.End})
			}
		}
	}
	for day := range out {
		out[day] = joinStretches(out[day])
	}
	return out
}

func joinStretches(in []stretch) []stretch {
	slices.SortFunc(in, func(a, b stretch) int { return cmp.Compare(a.start, b.start) })
	var out []stretch
	for _, s := range in {
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
		} else {
			out = append(out, s)
		}
	}
	return out
}

func (w week) intersect(o week) week {
	var out week
	for day := range w {
		for _, a := range w[day] {
			for _, b := range o[day] {
				if s := (stretch{max(a.start, b.start), min(a.end, b.end)}); s.start < s.end {
					out[day] = append(out[day], s)
				}
			}
		}
	}
	return out
}

// windows gives the week as windows, days with an equal stretch together, by first day and start.
func (w week) windows() []Window {
	out := []Window{}
	for day := range w {
		for _, s := range w[day] {
			same := func(o Window) bool { return o.Start == s.start && o.End == s.end }
			if i := slices.IndexFunc(out, same); i >= 0 {
				out[i].Days |= 1 << day
			} else {
				out = append(out, Window{Start: s.start, End: s.end, Days: 1 << day})
			}
		}
	}
	return out
}

// lowestVolume cuts overlapping rules into spans that do not overlap, each with the smallest of its caps.
func lowestVolume(rules []VolumeRule) []VolumeRule {
	var edges []TimeOfDay
	for _, r := range rules {
		edges = append(edges, r.Start, r.End)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	out := []VolumeRule{}
	for i := 1; i < len(edges); i++ {
		start, end, volume, ruled := edges[i-1], edges[i], 0, false
		for _, r := range rules {
			if r.Start <= start && end <= r.End && (!ruled || r.MaxPercent < volume) {
				volume, ruled = r.MaxPercent, true
			}
		}
		if n := len(out); ruled && n > 0 && out[n-1].End == start && out[n-1].MaxPercent == volume {
			out[n-1].End = end
		} else if ruled {
			out = append(out, VolumeRule{Start: start, End: end, MaxPercent: volume})
		}
	}
	return out
}

// Allows tells whether something may sound during the whole span. Windows that adjoin, also at midnight,
// count as one.
func (r Rules) Allows(span Span, zone *time.Location) bool {
	if !span.Start.Before(span.End) {
		return false
	}
	return within(r.open(DateOf(span.Start, zone), DateOf(span.End, zone), zone), span)
}

// open gives the allowed spans from one date to another, both included, ordered and apart from each other.
func (r Rules) open(from, to Date, zone *time.Location) []Span {
	var out []Span
	for date := from; date <= to; date = date.AddDays(1) {
		for _, w := range r.Windows {
			if s := (Span{Start: date.At(w.Start, zone), End: date.At(w.End, zone)}); w.Days.Has(date.Weekday()) && s.Start.Before(s.End) {
				out = append(out, s)
			}
		}
	}
	return joinSpans(out)
}

// VolumeAt is the cap in force at an instant, in percent: 100 where nothing is set.
func (r Rules) VolumeAt(t time.Time, zone *time.Location) int {
	at := t.In(zone)
	wall := TimeOfDay(at.Hour()*3600 + at.Minute()*60 + at.Second())
	volume := 100
	for _, v := range r.Volume {
		if v.Start <= wall && wall < v.End {
			volume = min(volume, v.MaxPercent)
		}
	}
	return volume
}
