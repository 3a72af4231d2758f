package broadcast

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Lateness says what becomes of a slot that could not start on time.
type Lateness struct {
	Rule    LatenessRule
	Minutes int // for LateWhole
}

// LatenessRule is one of the three rules.
type LatenessRule string

// The three rules: never late; at the position where it would be; from its beginning if late by at most N minutes.
const (
	LateSkip  LatenessRule = "skip"
	LateJoin  LatenessRule = "join"
	LateWhole LatenessRule = "whole"
)

// ParseLateness reads "skip", "join" or "whole:N" with N from 1 to 1,440.
func ParseLateness(s string) (Lateness, error) {
	switch {
	case s == string(LateSkip) || s == string(LateJoin):
		return Lateness{Rule: LatenessRule(s)}, nil
	case strings.HasPrefix(s, "whole:"):
		if n, err := strconv.Atoi(s[len("whole:"):]); err == nil && n >= 1 && n <= 1440 {
			return Lateness{Rule: LateWhole, Minutes: n}, nil
		}
	}
	return Lateness{}, fmt.Errorf("lateness %q is not skip, join or whole:N", s)
}

// String is what ParseLateness reads.
func (l Lateness) String() string {
	if l.Rule == LateWhole {
		return fmt.Sprintf("whole:%d", l.Minutes)
	}
	return string(l.Rule)
}

// MarshalText gives String.
func (l Lateness) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what ParseLateness reads.
func (l *Lateness) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLateness(string(b))
	return err
}

// IsZero tells whether no rule is set (a bulletin has none).
func (l Lateness) IsZero() bool { return l == Lateness{} }

// Slot is (broadcast version, occurrence, item) on one agent, placed by the timetable. It leaves exactly
// one play record.
type Slot struct {
	ID         string    `json:"id"`  // Key + "#" + index of the item
	Key        string    `json:"key"` // of the candidate's occurrence: broadcast "/" version "@" Occurrence; of a bulletin: id "@" repetition
	Broadcast  string    `json:"broadcast"`
	Version    int       `json:"version"`
	Title      string    `json:"title"`
	Class      Class     `json:"class"`
	Owner      Owner     `json:"owner"`
	Lateness   Lateness  `json:"lateness,omitzero"`
	Occurrence string    `json:"occurrence"` // "2026-11-24T05:30:00+07:00" for an exact time, "2026-11-24/morning" in a daypart
	Item       Item      `json:"item"`
	Start      time.Time `json:"start"` // planned; for a slot without a place, the span in which it is to be accounted for
	End        time.Time `json:"end"`
	Until      time.Time `json:"until,omitzero"`    // of a bulletin's repetition: it may begin before; else zero
	Skip       string    `json:"skip,omitempty"`    // reason it does not sound, "" when it has its place
	Against    []string  `json:"against,omitempty"` // slot ids it lost to
}

// Length of the slot's audio.
func (s Slot) Length() time.Duration { return time.Duration(s.Item.DurationMS) * time.Millisecond }

// Pin is a fact from the agent's journal or the hub's play log: a slot that began, or was settled. Its place
// moves no more, whatever the plan says now. Began and Ends are when it really sounded (Ends may lie ahead);
// they differ from the planned span only for one that started late, and are zero for one that never began.
type Pin struct {
	Slot  Slot      `json:"slot"`
	Began time.Time `json:"began,omitzero"`
	Ends  time.Time `json:"ends,omitzero"`
}

// Progress is what the agent's journal knows of a slot. A Progress with none of the three marks is one that
// sounded when the agent died.
type Progress struct {
	Pin
	Ended       bool `json:"ended,omitempty"`       // its record is written
	Interrupted bool `json:"interrupted,omitempty"` // an urgent bulletin took its time, it may resume
	Sounding    bool `json:"-"`                     // it is sounding, or armed in the player, in this process

	// Cued is when the latest cue begins; ahead while it is only armed.
	Cued time.Time `json:"-"`
}

// State is what an agent remembers that its plan does not say. Begin, Interrupt, End, Settle, Restarted,
// SetBack and CloseUntil are the only changes it knows; it is not safe for concurrent use.
type State struct {
	// Journal holds, by slot id, every slot that began or was settled and ended after Accounted.
	Journal map[string]Progress `json:"journal"`
	// Accounted: slots that ended by then are closed, nothing is decided about them any more. Kept some time
	// behind now (two days), so that a slot the agent learns of late still gets its record.
	Accounted time.Time `json:"accounted"`
	// Running is since when this process runs with a trusted clock and a plan.
	Running time.Time `json:"-"`
	// Lacking tells, by slot id, why a slot cannot be sounded at present (audio_missing, audio_damaged). It is
	// not cued while it is here, and a bulletin in it silences nothing; if its time passes, this is its reason.
	Lacking map[string]string `json:"-"`
	// Lead is how long after a decision a sound begins at the earliest.
	Lead time.Duration `json:"-"`
}

// Cue is a slot to be sounded: from Offset of its audio at Begin, until Ends.
type Cue struct {
	Slot          Slot          `json:"slot"`
	Begin         time.Time     `json:"begin"`
	Offset        time.Duration `json:"-"`
	Ends          time.Time     `json:"ends"`
	VolumePercent int           `json:"volume_percent"`
	Reason        string        `json:"reason"` // for the record when it ends whole: complete | joined | late_whole | resumed
}

// Verdict settles a slot without (further) sound: it gets its record now.
type Verdict struct {
	Slot    Slot    `json:"slot"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
}

// Stop tells that a slot which sounds (Progress.Sounding) must be silenced. With Resume it keeps its record
// open (State.Interrupt) and Decide will cue it again; otherwise it ends as cut with the reason. One that was
// only armed and not heard yet is forgotten (State.Forget): Decide judges it afresh.
type Stop struct {
	Slot   string `json:"slot"`
	Reason string `json:"reason"`
	Resume bool   `json:"resume"`
}

// Ruling is what holds at one instant, see Plan.Decide.
type Ruling struct {
	Sound   *Cue      // what is to sound now; nil is silence. The one that sounds already, while it may go on
	Next    *Cue      // what sounds next, if nothing changes, to be prepared or armed
	Stop    []Stop    // what sounds and must not; Sound is then what comes instead
	Settled []Verdict // slots whose fate is decided by now and which have no record yet
	Silence string    // why nothing sounds now, a Reason, or "" when simply nothing is due
	Wake    time.Time // the latest instant at which to ask again
}

// Contender is a slot that wanted an instant.
type Contender struct {
	Slot     Slot    `json:"slot"`
	Outcome  Outcome `json:"outcome,omitempty"` // "" for one that is planned and has no record yet
	Reason   string  `json:"reason,omitempty"`
	Recorded bool    `json:"recorded"` // by a play record, not by the timetable
}

// Answer says what sounds, or sounded, at an instant and why, see Plan.Why.
type Answer struct {
	At      time.Time   `json:"at"`
	Winner  *Contender  `json:"winner,omitempty"`
	Losers  []Contender `json:"losers"`
	Silence string      `json:"silence,omitempty"` // a Reason when nothing sounds, "" when nothing was planned
}
