package amplifier

import "time"

const (
	never = time.Duration(1<<63 - 1)

	// hold is how long the amplifier stays on after the last sound, so that its end is not clipped, and that the
	// timetable can say what follows: at the start, too, when a crash left it on.
	hold = 10 * time.Second
	// look bounds how long an answer holds: the machine may have slept, or its clock been set.
	look = 10 * time.Second
)

// answer is what the amplifier must be.
type answer int

const (
	off  answer = iota
	keep        // as it is, if it is on: no command for the sake of a pause
	on
)

// moment is all the rule knows of an instant.
type moment struct {
	ahead time.Duration // until the next sound begins, 0 and less while one sounds, never when none is known
	idle  time.Duration // since the amplifier was needed last
}

// rule says what the amplifier must be and how long that holds if nothing new is heard of. Two sounds less than
// lead + hold apart are one switching.
func rule(m moment, lead time.Duration) (answer, time.Duration) {
	switch {
	case m.ahead <= lead:
		return on, look
	case m.idle < hold:
		return keep, min(look, hold-m.idle, m.ahead-lead)
	default:
		return off, min(look, m.ahead-lead)
	}
}

// memory is what the rule must know of the time before.
type memory struct {
	needs bool      // by the latest answer
	until time.Time // it was needed until then, zero for never
}

// ask is the rule at an instant of a clock that only goes forward.
func (m *memory) ask(now time.Time, ahead, lead time.Duration) (answer, time.Duration) {
	if m.needs {
		m.until = now
	}
	idle := never
	if !m.until.IsZero() {
		idle = now.Sub(m.until)
	}
	want, wait := rule(moment{ahead, idle}, lead)
	m.needs = want == on
	return want, wait
}
