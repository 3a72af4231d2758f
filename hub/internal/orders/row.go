package orders

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

// bulletinRow is a row of table bulletins.
type bulletinRow struct {
	bun.BaseModel `bun:"table:bulletins"`
	ID            string `bun:"id,pk"`
	Kind          Kind   `bun:"kind"`
	Title         string `bun:"title"`
	Area          string `bun:"area"`
	Spec          string `bun:"spec"`
	State         State  `bun:"state"`
	UntilAt       int64  `bun:"until_at"`
	LeavesAt      int64  `bun:"leaves_at"`
	AuthorID      string `bun:"author_id"`
	AuthorName    string `bun:"author_name"`
	CreatedAt     int64  `bun:"created_at"`
	ApprovedID    string `bun:"approved_id"`
	ApprovedName  string `bun:"approved_name"`
	ApprovedAt    int64  `bun:"approved_at"`
	CancelledID   string `bun:"cancelled_id"`
	CancelledName string `bun:"cancelled_name"`
	CancelledAt   int64  `bun:"cancelled_at"`
	CancelledWhy  string `bun:"cancelled_why"`
}

// content is what a row keeps as JSON. Items are as they were when the bulletin was written: the approval is for
// exactly this audio.
type content struct {
	Items   []broadcast.Item `json:"items"`
	Targets Targets          `json:"targets"`
	Repeat  *Repeat          `json:"repeat,omitempty"`
}

func (b Bulletin) row() (bulletinRow, error) {
	spec, err := json.Marshal(content{Items: b.Items, Targets: b.Targets, Repeat: b.Repeat})
	if err != nil {
		return bulletinRow{}, fmt.Errorf("encode bulletin: %w", err)
	}
	return bulletinRow{ID: b.ID, Kind: b.Kind, Title: b.Title, Area: b.Area, Spec: string(spec), State: b.State,
		UntilAt: store.Millis(b.Until), LeavesAt: store.Millis(b.leaves()), AuthorID: b.Author.ID, AuthorName: b.Author.Name,
		CreatedAt: store.Millis(b.Created)}, nil
}

func (r bulletinRow) bulletin(now time.Time) (Bulletin, error) {
	var c content
	if err := json.Unmarshal([]byte(r.Spec), &c); err != nil {
		return Bulletin{}, fmt.Errorf("decode bulletin %s: %w", r.ID, err)
	}
	b := Bulletin{ID: r.ID, Kind: r.Kind, Title: r.Title, Area: r.Area, Items: c.Items, Targets: c.Targets, Until: store.Time(r.UntilAt),
		Repeat: c.Repeat, State: r.State, Author: Person{r.AuthorID, r.AuthorName}, Created: store.Time(r.CreatedAt),
		IssuedAt: store.Time(r.ApprovedAt)}
	if r.ApprovedAt != 0 {
		b.Approved = &Stamp{By: Person{r.ApprovedID, r.ApprovedName}, At: b.IssuedAt}
	}
	if r.CancelledAt != 0 {
		b.Cancelled = &Revocation{By: Person{r.CancelledID, r.CancelledName}, At: store.Time(r.CancelledAt), Reason: r.CancelledWhy}
	}
	if b.State != Cancelled && !now.Before(b.Until) {
		b.State = Ended
	}
	return b, nil
}

// grace covers what delays a beginning at the last moment: fetching, the start of a sound, a clock that is off.
const grace = time.Minute

// leaves is when plan heads need the bulletin no more. One that began before its until goes to its end.
func (b Bulletin) leaves() time.Time { return b.Until.Add(b.Length() + grace) }

// Length of all its audio, heard once.
func (b Bulletin) Length() (sum time.Duration) {
	for _, it := range b.Items {
		sum += time.Duration(it.DurationMS) * time.Millisecond
	}
	return sum
}

// aimed is the bulletin as plan heads have it.
func (b Bulletin) aimed() Aimed {
	out := Aimed{Targets: b.Targets, Leaves: b.leaves(), Bulletin: broadcast.Bulletin{ID: b.ID, Kind: string(b.Kind), Title: b.Title,
		IssuedAt: b.IssuedAt, Until: b.Until, Items: b.Items}}
	if b.Repeat != nil {
		out.Repeat = &broadcast.Repeat{EveryMS: b.Repeat.Every * 1000, Count: b.Repeat.Count}
	}
	return out
}

func load(ctx context.Context, db bun.IDB, id string) (bulletinRow, error) {
	var row bulletinRow
	err := db.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, errNotFound
	} else if err != nil {
		return row, fmt.Errorf("read bulletin: %w", err)
	}
	return row, nil
}
