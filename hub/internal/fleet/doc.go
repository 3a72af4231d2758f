// Package fleet knows the agents: it pairs them, tells push whether one may connect, keeps what push hears
// from them (presence, status, plan state, holdings) and gives it to the API and the planner. Truth about
// agents and pairings is in SQL; presence is in memory; last_seen, status and holdings are in memory and
// written in batches, because 10,000 agents say something every 15 s. Every change a page shows is published.
//
// A Fleet is safe for concurrent use. Run writes the batches and ends pairings whose time is over.
package fleet

import (
	"crypto/ed25519"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
)

// State of an agent: whether its key may connect.
type State string

// The states of an agent.
const (
	Active  State = "active"
	Blocked State = "blocked" // for now, by an admin
	Revoked State = "revoked" // its key is worth nothing any more; only pairing anew makes it active
)

// Agent is one loudspeaker cluster.
type Agent struct {
	ID        string
	Name      string
	Area      string // code
	State     State
	Key       ed25519.PublicKey
	CreatedAt time.Time
	Software  string
	OS        string

	Online      bool
	LastSeen    time.Time // zero when it never connected
	PlanVersion uint64    // newest head it acknowledged
	PlanState   string    // wire.PlanActive, PlanFetching, PlanRefused or ""
	PlanCode    string    // why it refused
	Status      *broadcast.Status
	StatusAt    time.Time // when the hub got it
}

// Filter of a list of agents; zero values do not filter.
type Filter struct {
	Areas  []string // codes; an area's subtree is given by the caller
	IDs    []string
	State  State
	Online *bool
	Text   string // part of the name
	After  string // cursor: id of the last one seen
	Limit  int    // at most 1,000, which is also the default
}

// Pairing is one attempt to bring an agent into the fleet.
type Pairing struct {
	ID        string
	Area      string
	Name      string
	State     PairingState
	Code      string   // only while waiting
	Words     []string // once answered
	Agent     string   // id, once confirmed
	CreatedBy string
	CreatedAt time.Time
	ExpiresAt time.Time
	Tries     int    // wrong codes it still stands
	Dead      string // why it is dead, a problem's code
}

// PairingState as the API shows it.
type PairingState string

// The states of a pairing.
const (
	Waiting   PairingState = "waiting"   // for the agent
	Answered  PairingState = "answered"  // the agent knows the code; a person compares the words
	Confirmed PairingState = "confirmed" // the agent is in the fleet
	Dead      PairingState = "dead"
)

// Ready is how far an agent is with what a broadcast needs.
type Ready struct {
	State   string // queued | receiving | verified
	Percent int
}

// The states of Ready.
const (
	Queued    = "queued"
	Receiving = "receiving"
	Verified  = "verified"
)

// Publisher is told of every change that pages show: topics agent and pairing.
type Publisher interface{ Publish(bus.Event) }
