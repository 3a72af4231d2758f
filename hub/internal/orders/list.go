package orders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Filter chooses bulletins; an empty field chooses all.
type Filter struct {
	Areas  []string // codes of the areas they answer to; nil is every area
	State  State
	Cursor string // Next of the page before
	Limit  int    // 1 to 200, 50 when 0
}

// Page of bulletins, newest first; Next is "" on the last one.
type Page struct {
	Items []Bulletin
	Next  string
}

// List gives the bulletins that a filter chooses, newest first.
func (d *Desk) List(ctx context.Context, f Filter) (Page, error) {
	limit, now := 50, d.now()
	if f.Limit > 0 {
		limit = min(f.Limit, 200)
	}
	out := Page{Items: []Bulletin{}}
	if f.Areas != nil && len(f.Areas) == 0 {
		return out, nil
	}
	var rows []bulletinRow
	q := d.DB.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit) + 1) // UUIDv7 sorts by time
	if f.Areas != nil {
		q.Where("area IN (?)", bun.List(f.Areas))
	}
	switch f.State {
	case "":
	case Cancelled:
		q.Where("state = ?", Cancelled)
	case Ended:
		q.Where("state <> ?", Cancelled).Where("until_at <= ?", store.Millis(now))
	default:
		q.Where("state = ?", f.State).Where("until_at > ?", store.Millis(now))
	}
	if f.Cursor != "" {
		if _, err := uuid.Parse(f.Cursor); err != nil {
			return Page{}, errCursor
		}
		q.Where("id < ?", f.Cursor)
	}
	if err := q.Scan(ctx); err != nil {
		return Page{}, fmt.Errorf("list bulletins: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = rows[limit-1].ID
	}
	for _, r := range rows {
		b, err := r.bulletin(now)
		if err != nil {
			return Page{}, err
		}
		out.Items = append(out.Items, b)
	}
	return out, nil
}

// Bulletin gives one, or BULLETIN_NOT_FOUND.
func (d *Desk) Bulletin(ctx context.Context, id string) (Bulletin, error) {
	row, err := load(ctx, d.DB, id)
	if err != nil {
		return Bulletin{}, err
	}
	return row.bulletin(d.now())
}

// InForce gives the bulletins that plan heads must have at an instant, in the order of their issue.
func (d *Desk) InForce(ctx context.Context, now time.Time) ([]Aimed, error) {
	var rows []bulletinRow
	err := d.DB.NewSelect().Model(&rows).Where("state = ?", Approved).Where("leaves_at > ?", store.Millis(now)).
		Order("approved_at", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read bulletins in force: %w", err)
	}
	out := make([]Aimed, len(rows))
	for i, r := range rows {
		b, err := r.bulletin(now)
		if err != nil {
			return nil, err
		}
		out[i] = b.aimed()
	}
	return out, nil
}

// Needs tells whether a bulletin in force needs an audio or a manifest.
func (d *Desk) Needs(ctx context.Context, sha256 broadcast.Hash) (bool, error) {
	list, err := d.InForce(ctx, d.now())
	return slices.ContainsFunc(list, func(a Aimed) bool {
		return slices.ContainsFunc(a.Items, func(it broadcast.Item) bool { return it.Audio == sha256 || it.Manifest == sha256 })
	}), err
}
