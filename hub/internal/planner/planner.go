// Package planner turns what officers want into what agents do. It keeps the tree of areas with their
// policies and dayparts, and the broadcasts (lịch phát) with their approvals; it takes reports from library
// and agents from fleet, and gives each agent a sealed plan head over content-addressed day documents, which
// push delivers; to api it gives previews, forecasts and the why. Run compiles whenever something changed and
// after each midnight; it is the only goroutine. All methods are safe for concurrent use, also of several
// hubs on one database: a plan version is reserved there by compare-and-set before it is sealed.
package planner

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Person is who did something.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Stamp is who did something, and when.
type Stamp struct {
	By Person    `json:"by"`
	At time.Time `json:"at"`
}

// Reports gives what planning must know of reports; library implements it.
type Reports interface {
	// Reports gives those of ids that exist.
	Reports(ctx context.Context, ids []string) (map[string]broadcast.Report, error)
	// Withdrawals gives what was withdrawn at since or later, newest first.
	Withdrawals(ctx context.Context, since time.Time) ([]broadcast.Withdrawal, error)
}

// AgentRef is an agent as planning sees it.
type AgentRef struct {
	ID   string
	Area string // code
	Name string
	Tags []string // its own; filled in by planner, which keeps them
}

// Agents gives the agents that get plans; fleet implements it.
type Agents interface {
	List(ctx context.Context) ([]AgentRef, error)
}

// Sealer seals a plan head with the planner's key.
type Sealer interface {
	SealHead(payload []byte) ([]byte, error)
	// HeadKey is the id of that key; heads of another one are sealed anew.
	HeadKey() string
}

// Bulletins gives the urgent bulletins that heads must have at an instant, oldest first; orders implements it.
type Bulletins interface {
	InForce(ctx context.Context, now time.Time) ([]Aimed, error)
}

// Decisions gives what communes decided about their own programme, by agent; orders implements it.
type Decisions interface {
	Standing(ctx context.Context, now time.Time) (map[string][]broadcast.Decision, error)
}

// Heard tells when a report was last heard by agents; evidence implements it.
type Heard interface {
	// HeardSince gives those of agents on which the report was played at since or later, and when it was last.
	HeardSince(ctx context.Context, report string, agents []string, since time.Time) (map[string]time.Time, error)
}

// Deps are what a Planner needs. Bulletins, Decisions, Heard, Plays and Readiness may be nil: then there are none.
type Deps struct {
	DB        *bun.DB
	Blobs     store.Blobs
	Bus       bus.Bus
	Reports   Reports
	Agents    Agents
	Sealer    Sealer
	Bulletins Bulletins
	Decisions Decisions
	Heard     Heard
	Plays     Plays
	Readiness Readiness
	Zone      *time.Location // of the fleet, with its IANA name
	Log       *slog.Logger
	Now       func() time.Time

	// Alone says that no other program writes to the database: who has the newest head is then known from memory.
	Alone bool
}

// Planner keeps areas and broadcasts and compiles plans.
type Planner struct {
	Deps
	wake  chan struct{} // holds one token while something may have changed since the last sweep began
	heads store.Together[*compared]

	mu     sync.Mutex
	used   map[string]bool  // reports that plans of the last sweep depend on; nil before it
	leaves time.Time        // when the first bulletin leaves the heads, zero when there is none
	newest map[string]known // head of each agent, as far as memory knows; see know
	fresh  []string         // agents whose head was kept whole, the last ones in order

	sweeping sync.Mutex                  // one sweep at a time; guards what follows
	compiled map[string]broadcast.DayRef // day documents of the last sweep, by what they are made of
	cleared  broadcast.Date              // last day of the sweep that last cleared old ones away
}

// New makes a Planner on a migrated database.
func New(d Deps) *Planner {
	return &Planner{Deps: d, wake: make(chan struct{}, 1), heads: store.Together[*compared]{Most: compareAtOnce}, newest: map[string]known{}}
}

// now is to the millisecond, as times are kept in SQL, so that a time is the same before and after it was kept.
func (p *Planner) now() time.Time { return p.Now().Truncate(time.Millisecond).In(p.Zone) }
