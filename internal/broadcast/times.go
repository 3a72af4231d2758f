package broadcast

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TimeOfDay is a wall time of the fleet's zone in seconds since midnight, 0 to 86,400. As text it is
// "05:00" or "05:00:30"; "24:00" is the end of a day and only an end.
type TimeOfDay int32

// EndOfDay is "24:00".
const EndOfDay TimeOfDay = 24 * 3600

// ParseTimeOfDay reads "HH:MM" or "HH:MM:SS", "24:00" included.
func ParseTimeOfDay(s string) (TimeOfDay, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return 0, fmt.Errorf("time of day %q is not HH:MM", s)
	}
	total := 0
	for i, limit := range []int{24, 59, 59}[:len(parts)] {
		n, err := strconv.ParseUint(parts[i], 10, 8) // takes no sign
		if err != nil || len(parts[i]) != 2 || int(n) > limit {
			return 0, fmt.Errorf("time of day %q is not HH:MM", s)
		}
		total = total*60 + int(n)
	}
	if len(parts) == 2 {
		total *= 60
	}
	if total > int(EndOfDay) {
		return 0, fmt.Errorf("time of day %q is after 24:00", s)
	}
	return TimeOfDay(total), nil
}

// String is "HH:MM", with seconds only where there are any.
func (t TimeOfDay) String() string {
	if t%60 != 0 {
		return fmt.Sprintf("%02d:%02d:%02d", t/3600, t/60%60, t%60)
	}
	return fmt.Sprintf("%02d:%02d", t/3600, t/60%60)
}

// MarshalText gives String.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what ParseTimeOfDay reads.
func (t *TimeOfDay) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTimeOfDay(string(b))
	return err
}

// Weekdays is a set of weekdays; as JSON a list of "mon" … "sun". The empty set means every day.
type Weekdays uint8

// DaysOfWeek are the words for Weekdays, Monday first as in the field's timetables.
var DaysOfWeek = [7]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// EveryDay is Monday to Sunday.
const EveryDay Weekdays = 1<<7 - 1

// Has tells whether day is in the set.
func (w Weekdays) Has(day time.Weekday) bool {
	return w == 0 || w&(1<<((int(day)+6)%7)) != 0
}

// Over tells whether two sets share a day.
func (w Weekdays) Over(o Weekdays) bool { return w == 0 || o == 0 || w&o != 0 }

// MarshalJSON gives a list of words.
func (w Weekdays) MarshalJSON() ([]byte, error) {
	words := []string{}
	for i, word := range DaysOfWeek {
		if w&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return json.Marshal(words)
}

// UnmarshalJSON reads a list of words, each at most once; any other word is refused.
func (w *Weekdays) UnmarshalJSON(b []byte) error {
	var words []string
	if err := json.Unmarshal(b, &words); err != nil {
		return fmt.Errorf("weekdays are not a list of mon … sun: %w", err)
	}
	*w = 0
	for _, word := range words {
		i := slices.Index(DaysOfWeek[:], word)
		if i < 0 {
			return fmt.Errorf("weekday %q is none of mon … sun", word)
		}
		if *w&(1<<i) != 0 {
			return fmt.Errorf("weekday %q is given twice", word)
		}
		*w |= 1 << i
	}
	return nil
}

// Date is a calendar day of the fleet's zone, "2026-11-24".
type Date string

// DateOf is the day of t in zone.
func DateOf(t time.Time, zone *time.Location) Date { return Date(t.In(zone).Format(time.DateOnly)) }

// ParseDate reads "2026-11-24" and refuses days that do not exist.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", fmt.Errorf("date %q is not a day of the calendar (YYYY-MM-DD)", s)
	}
	return Date(s), nil
}

// Weekday of the date.
func (d Date) Weekday() time.Weekday { return d.noon().Weekday() }

// AddDays gives the date n days later.
func (d Date) AddDays(n int) Date { return Date(d.noon().AddDate(0, 0, n).Format(time.DateOnly)) }

func (d Date) noon() time.Time {
	t, _ := time.Parse(time.DateOnly, string(d)) // a Date is checked where it enters
	return t.Add(12 * time.Hour)
}

// At gives the instant of a wall time on the date in zone. A time in the gap of a summer-time change moves
// forward by the gap, in the fold the first of the two counts (design.md, Areas). time.Date does not say
// which of two it gives, so the offsets of the day before and after decide: no zone changes twice in between.
func (d Date) At(t TimeOfDay, zone *time.Location) time.Time {
	if t == EndOfDay {
		return d.AddDays(1).At(0, zone)
	}
	wall := d.noon().Add(time.Duration(t)*time.Second - 12*time.Hour) // as if the zone were UTC
	before, after := offset(wall.Add(-24*time.Hour), zone), offset(wall.Add(24*time.Hour), zone)
	first, second := wall.Add(-before), wall.Add(-after)
	if offset(first, zone) != before && offset(second, zone) == after {
		return second.In(zone)
	}
	return first.In(zone) // before the change, the first of a fold, or forward out of a gap
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, s := t.In(zone).Zone()
	return time.Duration(s) * time.Second
}
