package console

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/loa-vn/loa/agent/internal/decisions"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/commune"
	"github.com/loa-vn/loa/internal/problem"
)

// Sources are the agent's parts as the console asks them. Everything but Pairing may be nil as long as the
// agent is not paired.
type Sources struct {
	Pairing func() Pairing
	Status  func() broadcast.Status
	Plan    func() *broadcast.Plan
	State   func() broadcast.State
	Silence func() string
	// Plays gives the play records of slots planned to start in [from, to).
	Plays func(from, to time.Time) ([]broadcast.Play, error)
	// Decide makes a decision of the commune at this PC; it holds when it returns.
	Decide func(broadcast.Decision) error
	// Decided gives the decisions of this PC, oldest first.
	Decided func() []decisions.Entry
	// Live gives what changes from one moment to the next.
	Live func() Live
	// SetClock takes the time a person set. The console has asked for the PIN.
	SetClock func(time.Time) error
	// MakeOwn makes audio of a file that somebody chose, without a title; OwnAny tells whether files of every kind are
	// read here, or only WAV and Ogg Opus.
	MakeOwn func(context.Context, io.Reader) (broadcast.Own, error)
	OwnAny  func() bool
	// StartTone begins the test tone, or says why it may not be heard now; Tone is how it went.
	StartTone func() error
	Tone      func() Tone

	// What an agent has that is not paired yet, and nobody else: Join begins a pairing, or says what is wrong with what
	// was typed; Compared is a person's word about the six words, false ends the pairing; Enrolment is how it is going.
	Join      func(Join) error
	Compared  func(same bool) error
	Enrolment func() Enrolment
}

// Join is what a person types to pair this agent.
type Join struct{ Hub, HubPin, Code string }

// Stages of an Enrolment.
const (
	EnrolAsking  = "asking"  // the hub is asked
	EnrolWords   = "words"   // a person compares the words
	EnrolWaiting = "waiting" // for the hub's admin
	EnrolDone    = "done"    // the agent's parts begin within a second
	EnrolFailed  = "failed"
)

// Enrolment is how a pairing from the page is going; its zero value is that none was begun.
type Enrolment struct {
	Stage   string         `json:"stage,omitempty"`
	Hub     string         `json:"hub,omitempty"`
	Words   []string       `json:"words,omitempty"`
	Problem *problem.Error `json:"-"` // when it failed
}

// Tone is how the last test tone of this process went.
type Tone struct {
	State     string    `json:"state"` // warming (the amplifier) | sounding | heard | cut | failed
	At        time.Time `json:"at"`
	ReachedMS int64     `json:"reached_card_ms"`
}

// Live is what the page asks for several times a second.
type Live struct {
	At    time.Time           // best known time
	Now   *broadcast.Sounding // nil for nothing
	Level float64             // peak (0..1) of what goes to the card
}

// Pairing is whose agent this is and how its line is.
type Pairing struct {
	Paired     bool       `json:"paired"`
	Agent      string     `json:"agent,omitempty"`
	Name       string     `json:"name,omitempty"`
	Area       string     `json:"area,omitempty"`
	Hub        string     `json:"hub,omitempty"`
	Contact    string     `json:"contact,omitempty"` // whom to call: by the hub's settings, else by the agent's
	Connection Connection `json:"connection"`
}

// Connection to the hub.
type Connection struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"`
	Problem   string    `json:"problem,omitempty"` // code
	Detail    string    `json:"detail,omitempty"`
}

// View is GET /api/v1/status, and what `loa-agent status --json` prints.
type View struct {
	Running bool `json:"running"`
	Pairing
	*broadcast.Status
	Enrolment *Enrolment `json:"enrolment,omitempty"` // nil when the agent is paired
	Silence   string     `json:"silence,omitempty"`   // why nothing sounds although something is due
	Plan      *Summary   `json:"plan,omitempty"`
	Today     []Slot     `json:"today"`
	Own       []OwnItem  `json:"own,omitempty"` // the commune's, still to come

	Held      bool       `json:"held"` // an operator's stop holds
	HeldUntil time.Time  `json:"held_until,omitzero"`
	Muted     bool       `json:"muted"`
	MuteUntil time.Time  `json:"muted_until,omitzero"`      // none when the mute has no end
	Volume    int        `json:"volume_percent,omitempty"`  // of what is scheduled now
	Ceiling   int        `json:"ceiling_percent,omitempty"` // of the policy
	Tone      *Tone      `json:"tone,omitempty"`            // nil when there was none since the agent started
	Decisions []Decision `json:"decisions,omitempty"`       // what the commune decided of late, newest first
}

// Decision of the commune, at this PC or on the hub.
type Decision struct {
	broadcast.Decision
	About string `json:"about,omitempty"` // the title of the commune's own item that it is about
	Told  bool   `json:"told"`            // the hub has it
	Holds bool   `json:"holds"`           // no other about the same thing overruled it
}

// Summary of the plan in force.
type Summary struct {
	Version  uint64    `json:"version"`
	IssuedAt time.Time `json:"issued_at"`
	Expires  time.Time `json:"expires"`
	Days     int       `json:"days"`
	Zone     string    `json:"zone"`
}

// Slot of today.
type Slot = commune.Slot

// Make joins what the sources say now.
func Make(s Sources, running bool) (View, error) {
	v := View{Running: running, Pairing: s.Pairing(), Today: []Slot{}}
	if s.Enrolment != nil {
		e := s.Enrolment()
		v.Enrolment = &e
	}
	if s.Status == nil {
		return v, nil
	}
	status := s.Status()
	v.Status = &status
	if s.Silence != nil {
		v.Silence = s.Silence()
	}
	if s.Tone != nil {
		if tone := s.Tone(); tone.State != "" {
			v.Tone = &tone
		}
	}
	plan := s.Plan()
	if plan == nil {
		return v, nil
	}
	h := plan.Head
	v.Volume, v.Ceiling = plan.VolumeAt(status.At), h.Rules.VolumeAt(status.At, plan.Zone)
	v.Plan = &Summary{Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires, Days: len(h.Days), Zone: h.Zone}
	v.HeldUntil, v.Held = plan.Held(status.At)
	v.MuteUntil, v.Muted = plan.Muted(status.At)
	v.Decisions = decided(s, plan)
	v.Own = ownItems(s, plan, status.At)
	var err error
	v.Today, err = look(s, plan, status).Day(broadcast.DateOf(status.At, plan.Zone))
	return v, err
}

// shown is how many decisions the page lists.
const shown = 20

// decided joins what was decided at this PC with what the plan brought from the hub.
func decided(s Sources, plan *broadcast.Plan) []Decision {
	var all []broadcast.Decision
	told := map[string]bool{}
	key := func(d broadcast.Decision) string {
		return fmt.Sprint(d.Source, d.Kind, d.Subject, d.Counter, d.When.UnixMilli())
	}
	if s.Decided != nil {
		for _, e := range s.Decided() {
			all = append(all, e.Decision)
			told[key(e.Decision)] = e.Acked
		}
	}
	for _, d := range plan.Head.Decisions {
		if _, known := told[key(d)]; !known {
			all, told[key(d)] = append(all, d), true
		}
	}
	titles := map[string]string{}
	for _, d := range all {
		if d.Own != nil {
			titles[d.Subject], titles[broadcast.OwnSlot(d.Subject)] = d.Own.Title, d.Own.Title
		}
	}
	holds := map[string]bool{}
	for _, d := range broadcast.Standing(all) {
		holds[key(d)] = true
	}
	slices.SortStableFunc(all, func(a, b broadcast.Decision) int { return b.When.Compare(a.When) })
	var out []Decision
	for _, d := range all[:min(len(all), shown)] {
		out = append(out, Decision{Decision: d, About: titles[d.Subject], Told: told[key(d)], Holds: holds[key(d)]})
	}
	return out
}
