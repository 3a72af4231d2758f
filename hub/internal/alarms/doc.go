// Package alarms says what will go wrong before it does. It takes what app gathered of clusters and of the hub, judges
// it by pure rules (Judge), joins what has one cause in one place (Group), keeps what is open in SQL, and tells people:
// the bus for pages, e-mail and a signed webhook. What was told is repeated a few times, ever more rarely, never for
// ever; acknowledged it is silent, silenced until an instant.
//
// A Watch is safe for concurrent use. Run looks every few seconds and delivers; a channel that fails is tried again
// without holding up the other.
package alarms

import "time"

// Kind of trouble.
type Kind string

// The kinds. Those of the hub have no cluster.
const (
	WillMiss       Kind = "will_miss"       // what comes next will not be heard
	Offline        Kind = "offline"         // for longer than Limits.Offline
	ClockUntrusted Kind = "clock_untrusted" // it plays nothing
	CardMissing    Kind = "card_missing"    // it plays into the void
	DiskLow        Kind = "disk_low"        // new reports will not fit
	PlanEnding     Kind = "plan_ending"     // it falls silent when its plan ends
	CertEnding     Kind = "cert_ending"     // of the hub: agents and browsers will turn away
	TrustEnding    Kind = "trust_ending"    // the trust document: agents will take no plans any more
	RootKey        Kind = "root_key"        // the root key lies on the hub
)

// Cluster is what is looked at of one.
type Cluster struct {
	ID, Name, Area string
	Online         bool
	LastSeen       time.Time // since it was paired, when it never connected
	Told           bool      // it has told how it is; else the words below say nothing
	Clock          string    // broadcast.ClockStatus.Trust
	Card           string    // broadcast.CardStatus.State
	CardSince      time.Time
	Cache          string // broadcast.CacheStatus.State
	Free           int64  // bytes of its disk
	PlanExpires    time.Time
	Miss           *Miss
}

// Miss is what a cluster will not be heard with.
type Miss struct {
	At      time.Time `json:"at"`
	Title   string    `json:"title"`
	Trouble string    `json:"trouble"` // offline | audio | plan | clock | card
}

// Hub is what is looked at of the hub itself; zero times are of what does not end.
type Hub struct {
	CertEnds, TrustEnds time.Time
	RootKey             bool
}

// Limits say when it is time to tell.
type Limits struct {
	Offline time.Duration // silence that is no short outage any more
	Card    time.Duration // a card may be gone that long: it comes back by itself
	Free    int64         // bytes
	Plan    time.Duration // before its end
	Cert    time.Duration
}

// Usual limits. A plan is renewed daily and holds 35 days: at 7 days it was not renewed for four weeks.
func Usual() Limits {
	return Limits{Offline: 5 * time.Minute, Card: time.Minute, Free: 1 << 30, Plan: 7 * 24 * time.Hour, Cert: 21 * 24 * time.Hour}
}

// Finding is one thing that is wrong with one cluster, or with the hub.
type Finding struct {
	Kind              Kind
	Agent, Name, Area string    // empty for the hub
	Since             time.Time // zero when not known
	Ends              time.Time // of plan, certificate and trust document; of what will be missed its beginning
	Detail            string    // a code: what is missed and why, the state's word
}
