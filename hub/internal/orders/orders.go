// Package orders keeps what must be heard, or fall silent, at once: today the urgent bulletins (bản tin khẩn
// cấp, Circular 39/2020/TT-BTTTT). It takes them from api with their approvals, takes reports from library and
// places from planner, and gives planner the bulletins that plan heads must have; every change is told on the
// bus, which makes planner compile. A Desk is safe for concurrent use, also by several hubs on one database:
// each change is one transaction, and an approval or a cancel counts once.
package orders

import (
	"context"
	"log/slog"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Kind of a bulletin. An exercise is drill: it crosses neither quiet hours nor mute, and is the same otherwise.
type Kind string

// The two kinds.
const (
	Live  Kind = "live"
	Drill Kind = "drill"
)

// State of a bulletin.
type State string

// The states. Ended is not kept: it is what a draft or an approved one becomes at its until.
const (
	Draft     State = "draft"
	Approved  State = "approved"
	Cancelled State = "cancelled"
	Ended     State = "ended"
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

// Revocation takes a bulletin back for ever.
type Revocation struct {
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// Targets of a bulletin: areas with everything below, agents, without except (codes of areas or ids of agents).
type Targets struct {
	Areas      []string `json:"areas,omitempty"`
	Agents     []string `json:"agents,omitempty"`
	Except     []string `json:"except,omitempty"`
	Tags       []string `json:"tags,omitempty"` // narrow the areas, see planner
	ExceptTags []string `json:"except_tags,omitempty"`
}

// Repeat says that a bulletin is heard Count times in all, one beginning every Every seconds.
type Repeat struct {
	Every int64 `json:"every"`
	Count int   `json:"count"`
}

// Spec is what people write in a bulletin.
type Spec struct {
	Kind    Kind
	Title   string // the first report's where empty
	Reports []string
	Targets Targets
	Until   time.Time // an hour from now where zero
	Repeat  *Repeat
}

// Bulletin is an urgent bulletin. It is never edited: what was approved is what is heard.
type Bulletin struct {
	ID        string           `json:"id"`
	Kind      Kind             `json:"kind"`
	Title     string           `json:"title"`
	Area      string           `json:"area"` // lowest that holds all targets; "" is the whole tree
	Items     []broadcast.Item `json:"items"`
	Targets   Targets          `json:"targets"`
	Until     time.Time        `json:"until"`
	Repeat    *Repeat          `json:"repeat,omitempty"`
	State     State            `json:"state"`
	Author    Person           `json:"author"`
	Created   time.Time        `json:"created"`
	IssuedAt  time.Time        `json:"issued_at,omitzero"` // when it was approved
	Approved  *Stamp           `json:"approved,omitempty"`
	Cancelled *Revocation      `json:"cancelled,omitempty"`
}

// Aimed is a bulletin as plan heads have it, with whom it is for and until when.
type Aimed struct {
	broadcast.Bulletin
	Targets Targets
	Leaves  time.Time // it is in heads until then, so that agents end what began and account for what did not
}

// Where is what targets ask for.
type Where struct {
	Area         string // lowest area that holds them all
	SecondPerson bool   // any of them asks for approval by a second person
}

// Reports gives what a bulletin must know of reports; library implements it.
type Reports interface {
	// Reports gives those of ids that exist.
	Reports(ctx context.Context, ids []string) (map[string]broadcast.Report, error)
}

// Places answers for areas and agents; planner implements it.
type Places interface {
	// Where looks targets up, or gives a problem when one does not exist.
	Where(ctx context.Context, t Targets) (Where, error)
	// Room gives a problem when a plan head it is for cannot hold the bulletin.
	Room(ctx context.Context, b Aimed) error
}

// Deps are what a Desk needs.
type Deps struct {
	DB      *bun.DB
	Bus     bus.Bus
	Reports Reports
	Places  Places
	Log     *slog.Logger
	Now     func() time.Time
}

// Desk keeps the bulletins.
type Desk struct{ Deps }

// New makes a Desk on a migrated database.
func New(d Deps) *Desk { return &Desk{d} }

// now is to the millisecond, as times are kept in SQL.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }

// tell says on the bus that a bulletin changed; planner compiles the heads of those it is for.
func (d *Desk) tell(b Bulletin) {
	d.Bus.Publish(bus.Event{Topic: bus.Urgent, Area: b.Area, ID: b.ID, Data: map[string]any{"state": b.State, "kind": b.Kind}})
}
