package planner

import (
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// schedule is a When that was read: on which days, and at which wall time or in which daypart.
type schedule struct {
	days    Recurrence
	at      broadcast.TimeOfDay
	daypart string // "" for an exact time
}

// firstYear and lastYear bound the days people may name; outside lies a slip of the hand.
const firstYear, lastYear = "2000", "2200"

const wallLayout = "2006-01-02T15:04:05"

// read checks a When and writes it in its one normal form. today stands in where a repeating daypart names no
// first day.
func (w *When) read(today broadcast.Date, zone *time.Location) (schedule, error) {
	var s schedule
	var first broadcast.Date
	var err error
	switch {
	case (w.At == "") == (w.Daypart == ""):
		return s, errBroadcastInvalid.At("when")
	case w.At != "" && w.Date != "":
		return s, errBroadcastInvalid.At("when.date")
	case w.At != "":
		if first, s.at, err = parseWall(w.At, zone); err != nil {
			return s, badDate("when.at", w.At)
		}
		w.At = string(first) + "T" + midnight(first).Add(time.Duration(s.at)*time.Second).Format(time.TimeOnly)
	default:
		if first, s.daypart = today, w.Daypart; w.Date != "" {
			if first, err = parseDay(w.Date); err != nil {
				return s, badDate("when.date", w.Date)
			}
		}
		w.Date = string(first)
	}
	if s.days, err = ParseRecurrence(w.RRule, first, s.at, zone); err != nil {
		return s, err
	}
	if s.days.plus, err = s.dates("when.rdates", w.RDates, zone); err != nil {
		return s, err
	}
	s.days.minus, err = s.dates("when.exdates", w.ExDates, zone)
	return s, err
}

// dates reads a list of days; a time in it must be the broadcast's own, or it would mean nothing and be lost
// in silence.
func (s schedule) dates(field string, texts []string, zone *time.Location) ([]broadcast.Date, error) {
	if len(texts) > mostDates {
		return nil, errBroadcastInvalid.At(field)
	}
	var out []broadcast.Date
	for _, text := range texts {
		day, err := parseDay(text)
		if err != nil {
			var at broadcast.TimeOfDay
			if day, at, err = parseWall(text, zone); err != nil || s.daypart == "" && at != s.at {
				return nil, badDate(field, text)
			}
		}
		out = append(out, day)
	}
	return out, nil
}

// parseDay reads 2026-11-24, and 20261124 as iCalendar writes it.
func parseDay(text string) (broadcast.Date, error) {
	if t, err := time.Parse("20060102", text); err == nil {
		text = t.Format(time.DateOnly)
	}
	day, err := broadcast.ParseDate(text)
	if err == nil && (string(day) < firstYear || string(day) > lastYear) {
		return "", errDateInvalid
	}
	return day, err
}

// parseWall reads a wall time of the fleet's zone; one with an offset is taken to the fleet's zone.
func parseWall(text string, zone *time.Location) (broadcast.Date, broadcast.TimeOfDay, error) {
	text = strings.ToUpper(text)
	for _, layout := range []string{wallLayout, "2006-01-02T15:04", "20060102T150405", time.RFC3339, "20060102T150405Z"} {
		t, err := time.Parse(layout, text)
		if err != nil || t.Nanosecond() != 0 {
			continue
		}
		if strings.Contains(layout, "Z") {
			t = t.In(zone)
		}
		day, err := parseDay(t.Format(time.DateOnly))
		return day, broadcast.TimeOfDay(t.Hour()*3600 + t.Minute()*60 + t.Second()), err
	}
	return "", 0, errDateInvalid
}

// last is the last day anything of it can be, "" when that is open.
func (s schedule) last() broadcast.Date {
	last := s.days.until
	switch {
	case s.days.rule == nil:
		last = s.days.start
	case last == "":
		return ""
	}
	return slices.Max(append([]broadcast.Date{last}, s.days.plus...))
}

// lastAt is an instant after everything of it, late starts included; 0 when open. Broadcasts past it need not
// be read any more.
func (s schedule) lastAt(zone *time.Location) time.Time {
	last := s.last()
	if last == "" {
		return time.Time{}
	}
	return last.AddDays(1+daysKept).At(0, zone)
}

// repeats tells whether it is on more than one day.
func (w When) repeats() bool { return w.RRule != "" || len(w.RDates) > 0 }
