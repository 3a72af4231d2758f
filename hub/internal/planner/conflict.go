package planner

import (
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Conflict is something a planner should know before approving.
type Conflict struct {
	Kind       string         `json:"kind"` // skipped: ours is not heard | displaces: another is not, because of ours | rerun: heard lately | unprepared: the report has no audio yet
	Occurrence string         `json:"occurrence,omitempty"`
	Reason     string         `json:"reason,omitempty"` // a broadcast.Reason
	Report     string         `json:"report"`           // that is not heard, or heard again
	Title      string         `json:"title"`
	Winner     string         `json:"winner,omitempty"`   // broadcast that is heard instead
	Loser      string         `json:"loser,omitempty"`    // broadcast that is not heard
	OverMS     int64          `json:"over_ms,omitempty"`  // what is planned goes so far beyond its bound; 0: there is room, but not in one piece
	Bound      string         `json:"bound,omitempty"`    // daypart | minutes_per_daypart | dayparts_per_day | window
	Limit      int            `json:"limit,omitempty"`    // of the policy, where that is the bound
	Elsewhere  Elsewhere      `json:"elsewhere,omitzero"` // where the whole broadcast has room, at the first of the agents
	Heard      broadcast.Date `json:"heard,omitempty"`    // of a rerun: the last day on which these agents heard it
	Agents     []string       `json:"agents"`
}

// Elsewhere is a place in the timetable that is free: an instant, or a daypart of a date.
type Elsewhere struct {
	At      time.Time      `json:"at,omitzero"`
	Daypart string         `json:"daypart,omitempty"`
	Date    broadcast.Date `json:"date,omitempty"`
}

func (c Conflict) key() string {
	return strings.Join([]string{c.Kind, c.Occurrence, c.Reason, c.Report, c.Winner, c.Loser, string(c.Heard)}, "\x00")
}

// measuring tells of one agent's date how far what is planned goes beyond what may be.
type measuring struct {
	plan  *broadcast.Plan
	date  broadcast.Date
	slots []broadcast.Slot
}

// measure says of a slot that has no place which bound it meets, and by how much all that is planned there exceeds it.
func (m measuring) measure(c *Conflict, sl broadcast.Slot) {
	daypart := daypartOf(sl)
	rules := m.plan.Head.Rules
	switch {
	case sl.Skip == broadcast.ReasonDayparts:
		c.Bound, c.Limit = broadcast.BoundDayparts, rules.DaypartsPerDay
	case sl.Skip == broadcast.ReasonQuietHours && daypart == "":
		c.Bound, c.OverMS = broadcast.BoundWindow, m.outside(sl).Milliseconds()
	case sl.Skip == broadcast.ReasonDaypartFull, sl.Skip == broadcast.ReasonQuietHours:
		var room time.Duration
		room, c.Bound = m.plan.Room(m.date, daypart)
		if c.Bound == broadcast.BoundMinutes {
			c.Limit = rules.MinutesPerDaypart
		}
		c.OverMS = max(0, m.wanted(m.date, daypart, m.slots)-room).Milliseconds()
	}
}

// outside is how much of the broadcast that an exact slot belongs to lies in quiet hours: it sounds as a whole or not.
func (m measuring) outside(sl broadcast.Slot) time.Duration {
	span := broadcast.Span{Start: sl.Start, End: sl.End}
	for _, other := range m.slots {
		if other.Key == sl.Key {
			span.Start, span.End = earliest(span.Start, other.Start), latest(span.End, other.End)
		}
	}
	return m.plan.Outside(span)
}

// wanted is how long everything is that should sound in a daypart; exact times in it count with what of them lies in it.
func (m measuring) wanted(date broadcast.Date, daypart string, slots []broadcast.Slot) (sum time.Duration) {
	dayparts := m.plan.Days[date].Dayparts
	i := slices.IndexFunc(dayparts, func(o broadcast.Occurrence) bool { return o.Name == daypart })
	for _, sl := range slots {
		switch {
		case daypartOf(sl) == daypart && (sl.Skip == "" || sl.Skip == broadcast.ReasonDaypartFull || sl.Skip == broadcast.ReasonQuietHours):
			sum += sl.Length()
		case daypartOf(sl) == "" && sl.Skip == "" && i >= 0:
			sum += max(0, earliest(sl.End, dayparts[i].End).Sub(latest(sl.Start, dayparts[i].Start)))
		}
	}
	return sum
}

// aheadDays is how far another daypart is looked for.
const aheadDays = 7

// elsewhere finds where a broadcast of the date fits as a whole: at an exact time later that day, or in the next daypart
// with room for it.
func (m measuring) elsewhere(id string) Elsewhere {
	var length time.Duration
	var from time.Time
	var taken []broadcast.Span
	var daypart string
	for _, sl := range m.slots {
		switch {
		case sl.Broadcast == id:
			length += sl.Length()
			daypart = daypartOf(sl)
			if from.IsZero() || sl.Start.Before(from) {
				from = sl.Start
			}
		case sl.Skip == "":
			taken = append(taken, broadcast.Span{Start: sl.Start, End: sl.End})
		}
	}
	if daypart == "" {
		at, _ := m.plan.Gap(m.date, from, length, taken)
		return Elsewhere{At: at}
	}
	passed := false
	for date := m.date; date < m.date.AddDays(aheadDays); date = date.AddDays(1) {
		slots := m.slots
		if date != m.date {
			slots = m.plan.Slots(date, nil)
		}
		others := slices.DeleteFunc(slices.Clone(slots), func(sl broadcast.Slot) bool { return sl.Broadcast == id })
		for _, o := range m.plan.Days[date].Dayparts {
			if room, _ := m.plan.Room(date, o.Name); passed && m.wanted(date, o.Name, others)+length <= room {
				return Elsewhere{Daypart: o.Name, Date: date}
			}
			passed = passed || o.Name == daypart
		}
	}
	return Elsewhere{}
}

// daypartOf is the name of the daypart that a slot was placed in, "" for an exact time.
func daypartOf(sl broadcast.Slot) string {
	_, name, _ := strings.Cut(sl.Occurrence, "/")
	return name
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
