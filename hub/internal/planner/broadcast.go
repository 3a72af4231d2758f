package planner

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// State of a broadcast.
type State string

// The states. Only what is approved is in plans; an edit makes a broadcast a draft again, of which the version that was
// approved last stays in them. A cancelled one stays so.
const (
	Draft     State = "draft"
	Approved  State = "approved"
	Cancelled State = "cancelled"
)

// ItemRef names a report in a broadcast.
type ItemRef struct {
	Report string `json:"report"`
}

// When a broadcast is due: at a wall time of the fleet's zone, or in a daypart by name, once or by a rule.
type When struct {
	At           string   `json:"at,omitempty"`            // 2026-11-24T05:30:00, with a rule its first possible time
	Daypart      string   `json:"daypart,omitempty"`       // each area has its own of this name
	Date         string   `json:"date,omitempty"`          // for a daypart: the day, with a rule the first possible one
	RRule        string   `json:"rrule,omitempty"`         // RFC 5545, without DTSTART
	RDates       []string `json:"rdates,omitempty"`        // days besides
	ExDates      []string `json:"exdates,omitempty"`       // days left out
	SkipHolidays bool     `json:"skip_holidays,omitempty"` // not heard on what are holidays where the agent is
}

// Targets of a broadcast: areas with everything below, agents, without except (codes of areas or ids of agents). Tags
// narrow the areas to what bears one of them, itself or by an area above; an agent that is named is meant in any case.
type Targets struct {
	Areas      []string `json:"areas,omitempty"`
	Agents     []string `json:"agents,omitempty"`
	Except     []string `json:"except,omitempty"`
	Tags       []string `json:"tags,omitempty"`
	ExceptTags []string `json:"except_tags,omitempty"`
}

// Spec is what people write in a broadcast.
type Spec struct {
	Title    string          `json:"title"`
	Area     string          `json:"area"` // who answers for it; where empty, the lowest area that holds all targets
	Class    broadcast.Class `json:"class"`
	Owner    broadcast.Owner `json:"owner"`
	Items    []ItemRef       `json:"items"`
	When     When            `json:"when"`
	Targets  Targets         `json:"targets"`
	Lateness string          `json:"lateness"` // skip | join | whole:N; join for a time, skip for a daypart where empty
	Order    int             `json:"order"`    // place among others in a daypart
	Instead  *Instead        `json:"instead,omitempty"`
}

// Instead says that a broadcast is heard in place of one day of a repeating one, which leaves that day as soon as this
// one is approved, whatever becomes of the series.
type Instead struct {
	Broadcast string         `json:"broadcast"`
	Date      broadcast.Date `json:"date"`
}

// Return gives a broadcast back to its author, with words.
type Return struct {
	By    Person    `json:"by"`
	At    time.Time `json:"at"`
	Words string    `json:"words"`
}

// Broadcast (lịch phát) is a programme, when, where and in which class.
type Broadcast struct {
	ID      string `json:"id"`
	Version int    `json:"version"` // raised by every edit; an approval is for one version
	Spec
	State     State            `json:"state"`
	Author    Person           `json:"author"`
	Editor    Person           `json:"editor"` // who wrote this version
	Created   time.Time        `json:"created"`
	Updated   time.Time        `json:"updated"`
	Approved  *Stamp           `json:"approved,omitempty"`
	Cancelled *Stamp           `json:"cancelled,omitempty"`
	Returned  *Return          `json:"returned,omitempty"`      // while its author has it back; the next version clears it
	DaysOff   []broadcast.Date `json:"days_off,omitempty"`      // taken out of it, whatever its version
	Heard     int              `json:"heard_version,omitempty"` // of a draft: what was approved last, and is heard until this is; 0 for none
}

type broadcastRow struct {
	bun.BaseModel `bun:"table:broadcasts"`
	ID            string `bun:"id,pk"`
	Version       int    `bun:"version"`
	Area          string `bun:"area"`
	Title         string `bun:"title"`
	State         State  `bun:"state"`
	Spec          string `bun:"spec"`
	AuthorID      string `bun:"author_id"`
	AuthorName    string `bun:"author_name"`
	EditorID      string `bun:"editor_id"`
	EditorName    string `bun:"editor_name"`
	CreatedAt     int64  `bun:"created_at"`
	UpdatedAt     int64  `bun:"updated_at"`
	ApprovedID    string `bun:"approved_id"`
	ApprovedName  string `bun:"approved_name"`
	ApprovedAt    int64  `bun:"approved_at"`
	CancelledID   string `bun:"cancelled_id"`
	CancelledName string `bun:"cancelled_name"`
	CancelledAt   int64  `bun:"cancelled_at"`
	LastAt        int64  `bun:"last_at"`
	Returned      string `bun:"returned"`
}

// versionRow is a version that was approved.
type versionRow struct {
	bun.BaseModel `bun:"table:broadcast_versions"`
	Broadcast     string `bun:"broadcast,pk"`
	Version       int    `bun:"version,pk"`
	Spec          string `bun:"spec"`
	EditorID      string `bun:"editor_id"`
	EditorName    string `bun:"editor_name"`
	ApprovedID    string `bun:"approved_id"`
	ApprovedName  string `bun:"approved_name"`
	ApprovedAt    int64  `bun:"approved_at"`
}

type usedRow struct {
	bun.BaseModel `bun:"table:broadcast_reports"`
	Report        string `bun:"report,pk"`
	Broadcast     string `bun:"broadcast,pk"`
	Version       int    `bun:"version,pk"`
}

func (b Broadcast) row() (broadcastRow, error) {
	spec, err := json.Marshal(b.Spec)
	if err != nil {
		return broadcastRow{}, fmt.Errorf("encode broadcast: %w", err)
	}
	r := broadcastRow{ID: b.ID, Version: b.Version, Area: b.Area, Title: b.Title, State: b.State, Spec: string(spec),
		AuthorID: b.Author.ID, AuthorName: b.Author.Name, EditorID: b.Editor.ID, EditorName: b.Editor.Name,
		CreatedAt: store.Millis(b.Created), UpdatedAt: store.Millis(b.Updated)}
	if b.Approved != nil {
		r.ApprovedID, r.ApprovedName, r.ApprovedAt = b.Approved.By.ID, b.Approved.By.Name, store.Millis(b.Approved.At)
	}
	if b.Cancelled != nil {
		r.CancelledID, r.CancelledName, r.CancelledAt = b.Cancelled.By.ID, b.Cancelled.By.Name, store.Millis(b.Cancelled.At)
	}
	if b.Returned != nil {
		text, err := json.Marshal(b.Returned)
		if err != nil {
			return broadcastRow{}, fmt.Errorf("encode return: %w", err)
		}
		r.Returned = string(text)
	}
	return r, nil
}

func (r broadcastRow) broadcast() (Broadcast, error) {
	b := Broadcast{ID: r.ID, Version: r.Version, State: r.State,
		Author: Person{r.AuthorID, r.AuthorName}, Editor: Person{r.EditorID, r.EditorName},
		Created: store.Time(r.CreatedAt), Updated: store.Time(r.UpdatedAt),
		Approved:  stamp(r.ApprovedID, r.ApprovedName, r.ApprovedAt),
		Cancelled: stamp(r.CancelledID, r.CancelledName, r.CancelledAt)}
	if err := json.Unmarshal([]byte(r.Spec), &b.Spec); err != nil {
		return b, fmt.Errorf("decode broadcast %s: %w", r.ID, err)
	}
	if r.Returned == "" {
		return b, nil
	}
	if err := json.Unmarshal([]byte(r.Returned), &b.Returned); err != nil {
		return b, fmt.Errorf("decode return of broadcast %s: %w", r.ID, err)
	}
	return b, nil
}

func stamp(id, name string, at int64) *Stamp {
	if at == 0 {
		return nil
	}
	return &Stamp{By: Person{id, name}, At: store.Time(at)}
}

// Broadcast gives one broadcast.
func (p *Planner) Broadcast(ctx context.Context, id string) (Broadcast, error) {
	return loadBroadcast(ctx, p.DB, id)
}

func loadBroadcast(ctx context.Context, db bun.IDB, id string) (Broadcast, error) {
	var row broadcastRow
	err := db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Broadcast{}, errBroadcastNotFound
	} else if err != nil {
		return Broadcast{}, fmt.Errorf("read broadcast: %w", err)
	}
	b, err := row.broadcast()
	if err != nil {
		return b, err
	}
	all := []Broadcast{b}
	if err := withHeard(ctx, db, all); err != nil {
		return b, err
	}
	err = withDaysOff(ctx, db, all)
	return all[0], err
}
