package clock

import (
	"fmt"
	"time"
)

// Trust says how far a time may be trusted. It is an alias, so that a user can declare its own interface.
type Trust = string

// The three degrees of trust, as in status and play records.
const (
	Synced    Trust = "synced"
	Plausible Trust = "plausible"
	Untrusted Trust = "untrusted"
)

const (
	plausibleSpan  = 60 * 24 * time.Hour // a hardware clock further than this beyond the floor is not believed
	jumpLimit      = 5 * time.Second     // a system clock that moved more than this against the boot-time clock was set
	maxRoundTrip   = 4 * time.Second     // an answer slower than this says too little about now
	backwardLimit  = 5 * time.Second     // signed time may be this much before the floor: hubs are two clocks as well
	driftPerSecond = 50e-6               // of a PC's crystal
	agreeLimit     = 2 * time.Second     // hardware clocks tell whole seconds; a system clock this near is the finer one
	insistFor      = 15 * time.Minute    // a hub that says so long that it is earlier was wrong before (docs/decisions/0041)
	insistOnPast   = 24 * time.Hour      // and where it sealed a document at a later time
)

// saved is what outlives the process.
type saved struct {
	BootID   string        `json:"boot_id"`
	Time     time.Time     `json:"time"`       // trusted time when saved
	Elapsed  time.Duration `json:"elapsed_ns"` // boot-time clock then
	Wall     time.Time     `json:"wall"`       // system clock then
	Trust    Trust         `json:"trust"`
	Error    time.Duration `json:"error_ns"`
	Floor    time.Time     `json:"floor"`    // from documents and signed time: gone below only for a hub that insists
	Probable time.Time     `json:"probable"` // from plausible time: signed time may go below it
}

// reading is the machine's clocks at one moment.
type reading struct {
	bootID   string
	elapsed  time.Duration // since boot, suspend included
	wall     time.Time
	hardware time.Time // zero when there is none
	kept     bool      // a time service says that wall is right
}

// state is the whole of what the clock knows; its methods are pure.
type state struct {
	trust    Trust
	anchor   time.Time     // trusted time
	elapsed  time.Duration // at this boot-time clock
	err      time.Duration // half the round trip of the signed time it rests on
	floor    time.Time
	build    time.Time     // of this program: no hub can be right that says it is earlier
	dated    time.Time     // newest verified document
	doubted  time.Duration // boot-time clock since which signed time lies below the floor, 0 while it does not
	probable time.Time
	wall     time.Time     // system clock at the last look
	looked   time.Duration // boot-time clock at the last look
	detail   string
}

// begin decides what to trust when the agent starts.
func begin(build time.Time, s saved, r reading) state {
	st := state{trust: Untrusted, floor: latest(build, s.Floor), build: build, wall: r.wall, looked: r.elapsed}
	st.probable = latest(st.floor, s.Probable)
	if st.keep(s, r) {
		return st
	}
	switch why := implausible("hardware clock", st.probable, r.hardware); {
	case s.sameBoot(r):
		// Whoever set the system clock since, by hand or from a file, may have set the hardware clock with it.
		st.detail = "the time was not trusted earlier since the machine started, or the system clock was set since"
		st.anchor, st.elapsed = latest(st.probable, r.wall), r.elapsed
	case why != "":
		st.detail = why
		st.anchor, st.elapsed = latest(st.probable, r.wall), r.elapsed
	default:
		st.trust, st.anchor, st.elapsed = Plausible, r.hardware, r.elapsed
		if d := r.wall.Sub(r.hardware); d > -agreeLimit && d < agreeLimit {
			st.anchor = r.wall
		}
		st.detail = "hardware clock"
	}
	return st
}

// sameBoot tells whether s was saved since the machine started.
func (s *saved) sameBoot(r reading) bool {
	return s.BootID != "" && s.BootID == r.bootID && s.Elapsed <= r.elapsed
}

// keep goes on from what was saved if the machine has not been restarted since.
func (st *state) keep(s saved, r reading) bool {
	if !s.sameBoot(r) || s.Trust != Synced && s.Trust != Plausible {
		return false
	}
	if s.Trust == Plausible && jumped(s.Wall, s.Elapsed, r) {
		return false
	}
	st.trust, st.anchor, st.elapsed, st.err = s.Trust, s.Time, s.Elapsed, s.Error
	st.detail = "kept since the last start of the agent"
	return true
}

// implausible says why what a clock tells is not believed, "" when it is.
func implausible(clock string, floor, t time.Time) string {
	switch {
	case t.IsZero():
		return "there is no " + clock
	case t.Before(floor):
		return fmt.Sprintf("the %s says %s, which is past", clock, t.UTC().Format(time.RFC3339))
	case t.After(floor.Add(plausibleSpan)):
		return fmt.Sprintf("the %s says %s, more than 60 days after the last known time", clock, t.UTC().Format(time.RFC3339))
	}
	return ""
}

// jumped tells whether the system clock was set since it said wall at the boot-time clock elapsed.
func jumped(wall time.Time, elapsed time.Duration, r reading) bool {
	d := r.wall.Sub(wall) - (r.elapsed - elapsed)
	return d > jumpLimit || d < -jumpLimit
}

// look compares the system clock with the boot-time clock: plausible time ends when somebody set it. A time that is
// not trusted takes the system clock while a time service keeps it (docs/decisions/0013).
func (st *state) look(r reading) {
	if st.trust == Plausible && jumped(st.wall, st.looked, r) {
		st.trust, st.detail = Untrusted, "the system clock was set while only the hardware clock vouched for the time"
	}
	st.wall, st.looked = r.wall, r.elapsed
	if st.trust == Untrusted && r.kept && implausible("system clock", st.probable, r.wall) == "" {
		st.trust, st.anchor, st.elapsed, st.err = Plausible, r.wall, r.elapsed, 0
		st.detail = "the system clock, kept by a time service (NTP)"
	}
}

// byHand takes the time an operator set. A person may put right a hardware clock that was ahead, so only what is
// verified bounds it below; people write minutes, so what was verified in that minute is not after it.
func (st *state) byHand(t time.Time, r reading) error {
	if st.trust == Synced {
		return errSynced
	}
	if st.floor.Sub(t) < time.Minute {
		t = latest(t, st.floor)
	}
	if t.Before(st.floor) || t.After(st.probable.Add(plausibleSpan)) {
		return errImplausible
	}
	st.trust, st.anchor, st.elapsed, st.err = Plausible, t, r.elapsed, 0
	st.probable, st.wall, st.looked = t, r.wall, r.elapsed
	st.detail = "set by the operator"
	return nil
}

// now is trusted time at a boot-time clock; it never goes below the floor.
func (st *state) now(elapsed time.Duration) time.Time {
	return latest(st.floor, st.anchor.Add(elapsed-st.elapsed))
}

// sync takes the hub's signed time, asked for at sent and received at received.
func (st *state) sync(signed time.Time, sent, received time.Duration) error {
	trip := received - sent
	if trip < 0 || trip > maxRoundTrip {
		return fmt.Errorf("signed time took %v, more than %v", trip, maxRoundTrip)
	}
	now := signed.Add(trip / 2)
	if err := st.doubt(now, received); err != nil {
		return err
	}
	if st.trust == Synced && trip/2 > st.uncertainty(received) {
		return nil // what we have is better: a slow line must not move a good clock
	}
	st.trust, st.anchor, st.elapsed, st.err = Synced, now, received, trip/2
	st.detail = "signed time of the hub"
	// A time that was only plausible may have been ahead; the hub's fresh signature puts that right.
	st.floor, st.probable = latest(st.floor, now.Add(-trip/2)), now
	return nil
}

// doubt says why a signed time is not believed. One that is earlier than what the hub signed before may be right: its clock was
// ahead then, and the agent has gone on from that ever since. It must say so for a while, for long where a document is later.
func (st *state) doubt(now time.Time, elapsed time.Duration) error {
	if !now.Before(st.floor.Add(-backwardLimit)) {
		st.doubted = 0
		return nil
	}
	if st.doubted == 0 {
		st.doubted = elapsed
	}
	wait := insistFor
	if now.Before(st.dated.Add(-backwardLimit)) {
		wait = insistOnPast
	}
	if elapsed-st.doubted < wait || now.Before(st.build.Add(-backwardLimit)) {
		return fmt.Errorf("signed time %s is before %s, the latest that was known", now.UTC().Format(time.RFC3339), st.floor.UTC().Format(time.RFC3339))
	}
	st.floor, st.dated, st.doubted = st.build, time.Time{}, 0
	return nil
}

// uncertainty is how far a synced time may be off by now.
func (st *state) uncertainty(elapsed time.Duration) time.Duration {
	return st.err + time.Duration(float64(elapsed-st.elapsed)*driftPerSecond)
}

// tick raises the floors to the time that has passed.
func (st *state) tick(elapsed time.Duration) {
	now := st.now(elapsed)
	switch st.trust {
	case Synced:
		st.floor = latest(st.floor, now.Add(-st.uncertainty(elapsed)))
		st.probable = latest(st.probable, now)
	case Plausible:
		st.probable = latest(st.probable, now)
	}
}

// verified raises the floor to the date of a verified document. A synced clock knows better than a document's
// date: one from a hub whose clock was ahead must not take it along.
func (st *state) verified(issued time.Time, elapsed time.Duration) {
	if now := st.now(elapsed); issued.After(now) {
		if st.trust == Synced {
			issued = now
		} else {
			st.anchor, st.elapsed = issued, elapsed // it was behind: it goes on from here
		}
	}
	st.floor, st.dated = latest(st.floor, issued), latest(st.dated, issued)
}

// save gives what the next process begins with.
func (st *state) save(r reading) saved {
	return saved{BootID: r.bootID, Time: st.now(r.elapsed), Elapsed: r.elapsed, Wall: r.wall, Trust: st.trust,
		Error: st.uncertainty(r.elapsed), Floor: st.floor, Probable: st.probable}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
