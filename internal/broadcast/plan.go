package broadcast

import "time"

// Hash is a SHA-256 in lower-case hex: the name of audio and of plan parts.
type Hash string

// Class of a broadcast (Circular 39/2020/TT-BTTTT).
type Class string

// The three classes.
const (
	Normal   Class = "normal"
	Priority Class = "priority"
	Urgent   Class = "urgent"
)

// Owner tells whose item it is: an officer's through the hub, or the commune's own.
type Owner string

// The two owners.
const (
	OwnerHub     Owner = "hub"
	OwnerCommune Owner = "commune"
)

// Head is a plan head: what an agent may trust and play until it gets the next one. It is the full state,
// never a delta, sealed with the planner's role for one agent, and at most 16 KiB as an envelope.
type Head struct {
	Audience    string       `json:"audience"` // agent id
	Version     uint64       `json:"version"`
	IssuedAt    time.Time    `json:"issued_at"`
	Expires     time.Time    `json:"expires"` // nothing plays from here on, an item under way ends
	Zone        string       `json:"zone"`    // the fleet's zone, IANA name
	Area        string       `json:"area"`    // the agent's area code, for people
	Rules       Rules        `json:"rules"`
	Decisions   []Decision   `json:"decisions"`
	Bulletins   []Bulletin   `json:"bulletins"`
	Withdrawals []Withdrawal `json:"withdrawals"`
	Days        []DayRef     `json:"days"`
}

// Plan is a head with the day documents it names, checked as a whole by NewPlan. It is read-only and safe for
// concurrent use; change one by making another (NewPlan, WithDecisions).
type Plan struct {
	Head  Head
	Days  map[Date]Day
	Zone  *time.Location
	index index
	memo  *memo
}

// DayRef names a day document by its hash.
type DayRef struct {
	Date Date  `json:"date"`
	Hash Hash  `json:"sha256"`
	Size int64 `json:"size"`
}

// Day is a day document: one date's dayparts and candidates, shared by all agents with an equal day.
type Day struct {
	Date       Date         `json:"date"`
	Dayparts   []Occurrence `json:"dayparts"`
	Candidates []Candidate  `json:"candidates"`
}

// Occurrence is a daypart on a date: [Start, End), with the spans in which another source speaks.
type Occurrence struct {
	Name     string    `json:"name"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Reserved []Span    `json:"reserved"`
}

// Span is [Start, End).
type Span struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Label string    `json:"label,omitempty"`
}

// Candidate is one occurrence of a broadcast that wants to be heard on a date: at an instant (At), or in a
// daypart by name. What becomes of it, the timetable says.
type Candidate struct {
	Broadcast  string     `json:"broadcast"`
	Version    int        `json:"version"`
	Title      string     `json:"title"`
	Class      Class      `json:"class"`
	Owner      Owner      `json:"owner"`
	ApprovedAt time.Time  `json:"approved_at"` // nothing of it can sound before
	At         *time.Time `json:"at,omitempty"`
	Daypart    string     `json:"daypart,omitempty"`
	Order      int        `json:"order"` // the officers' order within the daypart
	Lateness   Lateness   `json:"lateness"`
	Items      []Item     `json:"items"`
}

// Item is one report within a candidate.
type Item struct {
	Report     string     `json:"report"`
	Title      string     `json:"title"`
	Audio      Hash       `json:"audio"`    // SHA-256 of the distribution file
	Manifest   Hash       `json:"manifest"` // SHA-256 of its Manifest
	DurationMS int64      `json:"duration_ms"`
	ValidFrom  *time.Time `json:"valid_from,omitempty"`
	ValidUntil *time.Time `json:"valid_until,omitempty"`
}

// Manifest describes an audio file so that every chunk of it can be checked alone.
type Manifest struct {
	Audio      Hash    `json:"audio"`
	Size       int64   `json:"size"`
	DurationMS int64   `json:"duration_ms"`
	GainDB     float64 `json:"gain_db"`
	ChunkSize  int64   `json:"chunk_size"` // 65,536
	Chunks     []Hash  `json:"chunks"`
}

// ChunkSize of audio, in bytes (measured in sound.md, bbolt).
const ChunkSize = 64 << 10

// Withdrawal takes a report back: it never plays again, from At on. Another report may have the same audio, such
// as one that was uploaded anew and approved for itself; only a withdrawal that names no report takes the audio.
type Withdrawal struct {
	Report string    `json:"report"`
	Audio  Hash      `json:"audio"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Takes tells whether an item is what was withdrawn.
func (w Withdrawal) Takes(item Item) bool {
	if w.Report != "" {
		return w.Report == item.Report
	}
	return w.Audio != "" && w.Audio == item.Audio
}

// Bulletin is an urgent bulletin in force. It is due at IssuedAt and, with Repeat, Every later, Count times
// in all; an agent that learns of it late plays the latest due one afresh as long as Until is not reached.
type Bulletin struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"` // live | drill: a drill never crosses quiet hours or mute
	Title    string    `json:"title"`
	IssuedAt time.Time `json:"issued_at"`
	Until    time.Time `json:"until"`
	Repeat   *Repeat   `json:"repeat,omitempty"`
	Items    []Item    `json:"items"`
}

// Cancellation is an order's word that a bulletin is taken back; the next head no longer has it.
type Cancellation struct {
	Bulletin string `json:"bulletin"` // id
}

// Repeat of a bulletin.
type Repeat struct {
	EveryMS int64 `json:"every_ms"`
	Count   int   `json:"count"`
}

// Decision of a commune about its own programme, made at the PC or on the hub. Which of two holds is said in overrule.go.
type Decision struct {
	Kind    string     `json:"kind"`    // skip | move | order | hold | release | mute | unmute | volume | pin (the PC forgets its PIN) | own | allow
	Subject string     `json:"subject"` // slot id, or occurrence key for order and hold, the candidate's key for own and allow, or "" for mute
	To      *time.Time `json:"to,omitempty"`
	Order   []string   `json:"order,omitempty"`   // candidate keys in the order wanted, for order
	Until   *time.Time `json:"until,omitempty"`   // for mute and hold
	Percent int        `json:"percent,omitempty"` // for volume: what is scheduled, and drills, are no louder
	Own     *Own       `json:"own,omitempty"`     // for own
	Who     string     `json:"who"`
	When    time.Time  `json:"when"`
	Counter uint64     `json:"counter"`        // after those about the same thing that were known where it was made
	Seen    uint64     `json:"seen,omitempty"` // highest counter of the other place that was known there
	Source  string     `json:"source"`         // pc | hub
	Reason  string     `json:"reason,omitempty"`
}
