package broadcast

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Outcome of a slot.
type Outcome string

// The three outcomes; each comes with a reason.
const (
	Played  Outcome = "played"
	Cut     Outcome = "cut"
	Skipped Outcome = "skipped"
)

// Play is the one record a slot leaves on its agent: proof of what reached the sound card, and why
// anything did not. Times are the agent's trusted time.
type Play struct {
	ID           string    `json:"id"` // UUIDv7, made by the agent
	Slot         string    `json:"slot"`
	Broadcast    string    `json:"broadcast"` // or the bulletin's id
	Version      int       `json:"version"`
	Report       string    `json:"report"`
	Title        string    `json:"title"`
	Class        Class     `json:"class"`
	Owner        Owner     `json:"owner,omitempty"` // commune: its own item; "" for what is the hub's
	Audio        Hash      `json:"audio"`
	PlannedStart time.Time `json:"planned_start"`
	PlannedEnd   time.Time `json:"planned_end"`
	StartedAt    time.Time `json:"started_at,omitzero"`
	EndedAt      time.Time `json:"ended_at,omitzero"`
	Outcome      Outcome   `json:"outcome"`
	Reason       string    `json:"reason"` // stable word, see the Reason constants
	Volume       int       `json:"volume_percent"`
	ReachedMS    int64     `json:"reached_card_ms"`
	MissedMS     int64     `json:"missed_ms"` // audio that should have sounded and did not reach the card
	Segments     []Segment `json:"segments,omitempty"`
	Clock        string    `json:"clock"` // trust of the clock at the start: synced | plausible
}

// Segment is one stretch of sound of a slot; a slot interrupted and resumed has several.
type Segment struct {
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	OffsetMS  int64     `json:"offset_ms"` // position in the audio at StartedAt
	ReachedMS int64     `json:"reached_card_ms"`
	Ended     string    `json:"ended"` // why it ended: complete | interrupted | stopped | card_missing | power | …
}

// longestMS bounds what a record says of its sound: more than any has, and little enough to be summed.
const longestMS = 7 * 24 * 3_600_000

// Check tells what keeps a record from being one, whoever made it: with it, lists and sums of others' would be nobody's to
// read.
func (p *Play) Check() error {
	long := func(ms int64) bool { return ms < -longestMS || ms > longestMS }
	switch {
	case p.ID == "" || len(p.ID) > 128 || strings.ContainsFunc(p.ID, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%.70q is no id", p.ID)
	case p.Outcome != Played && p.Outcome != Cut && p.Outcome != Skipped:
		return fmt.Errorf("the outcome %.20q is unknown", p.Outcome)
	case far(p.PlannedStart) || far(p.PlannedEnd) || !p.StartedAt.IsZero() && far(p.StartedAt) || !p.EndedAt.IsZero() && far(p.EndedAt):
		return errors.New("it was at no time there is")
	case long(p.ReachedMS) || long(p.MissedMS):
		return errors.New("it sounded longer than anything does")
	}
	return nil
}

// Reasons a slot was cut or skipped. They are stable words of the play log; pages translate them.
const (
	ReasonComplete     = "complete"         // played whole
	ReasonJoined       = "joined"           // played from the position where it would be
	ReasonLateWhole    = "late_whole"       // played whole, late within its rule
	ReasonResumed      = "resumed"          // interrupted and resumed
	ReasonLate         = "late"             // skipped: its lateness rule did not allow a start any more
	ReasonCollision    = "collision"        // skipped: lost against another exact-time
	ReasonDaypartFull  = "daypart_full"     // skipped: could not end inside daypart, window or minutes
	ReasonNoDaypart    = "no_daypart"       // skipped: the area has no such daypart on that day
	ReasonQuietHours   = "quiet_hours"      // skipped: outside the allowed windows
	ReasonDayparts     = "dayparts_per_day" // skipped: the policy allows fewer dayparts a day
	ReasonReserved     = "reserved"         // skipped: another source speaks then
	ReasonNotValid     = "not_valid"        // skipped: the report is not yet or no longer valid
	ReasonWithdrawn    = "withdrawn"        // the report was taken back
	ReasonDecision     = "commune_skipped"  // skipped by the commune
	ReasonStopped      = "stopped"          // the operator's stop
	ReasonMuted        = "muted"            // the commune's mute
	ReasonUrgent       = "urgent"           // an urgent bulletin took its time
	ReasonSuperseded   = "superseded"       // a later repetition of the same bulletin took its place
	ReasonCancelled    = "cancelled"        // taken out of the plan while it sounded or was due
	ReasonPlanEnded    = "plan_ended"       // no valid plan
	ReasonClock        = "clock_untrusted"  // the agent did not know the time
	ReasonOff          = "agent_off"        // the agent did not run
	ReasonPower        = "power"            // cut by a crash or a power cut
	ReasonAudioMissing = "audio_missing"    // the audio had not arrived
	ReasonAudioDamaged = "audio_damaged"    // a chunk did not have its hash
	ReasonCardMissing  = "card_missing"     // nothing reached the sound card
)
