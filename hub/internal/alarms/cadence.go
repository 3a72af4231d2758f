package alarms

import "time"

// When an open alarm is told. The first time it waits a little, so that what is over at once, or becomes part of a
// group, is not told at all; then it is said again three times, ever more rarely, and never after.
const settle = 20 * time.Second

var again = [...]time.Duration{time.Hour, 4 * time.Hour, 24 * time.Hour} //nolint:gochecknoglobals // a constant

// reopen is how soon an alarm that comes back is the same one: a line that comes and goes is not told each time.
const reopen = 15 * time.Minute

// Say is what people are told of an alarm.
type Say string

// The things said.
const (
	SayRaised   Say = "raised"
	SayReminder Say = "reminder"
	SayResolved Say = "resolved"
)

// Due gives what is to be told of an alarm now, "" for nothing. It is a pure function.
func Due(a Alarm, now time.Time) Say {
	silent := now.Before(a.SilencedUntil)
	switch {
	case !a.ResolvedAt.IsZero():
		if a.Told > 0 && !a.EndTold && !a.Replaced && now.Sub(a.ResolvedAt) >= settle {
			return SayResolved // also of one that was silenced: whoever saw to it learns that it helped
		}
	case silent || !a.AckedAt.IsZero():
	case a.Told == 0:
		if now.Sub(a.RaisedAt) >= settle {
			return SayRaised
		}
	case a.Told <= len(again) && now.Sub(a.ToldAt) >= again[a.Told-1]:
		return SayReminder
	}
	return ""
}
