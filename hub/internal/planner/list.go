package planner

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Filter chooses broadcasts; an empty field chooses all.
type Filter struct {
	Areas    []string // codes of the areas that answer for them; nil is every area
	States   []State
	Returned *bool  // whether their author has them back
	Cursor   string // Next of the page before
	Limit    int    // 1 to 200, 50 when 0
}

// Page of broadcasts, newest first; Next is "" on the last one.
type Page struct {
	Items []Broadcast
	Next  string
}

// List gives the broadcasts that a filter chooses, newest first.
func (p *Planner) List(ctx context.Context, f Filter) (Page, error) {
	limit := 50
	if f.Limit > 0 {
		limit = min(f.Limit, 200)
	}
	out := Page{Items: []Broadcast{}}
	if f.Areas != nil && len(f.Areas) == 0 {
		return out, nil
	}
	var rows []broadcastRow
	q := p.DB.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit) + 1) // UUIDv7 sorts by time
	if f.Areas != nil {
		q.Where("area IN (?)", bun.List(f.Areas))
	}
	if len(f.States) > 0 {
		q.Where("state IN (?)", bun.List(f.States))
	}
	if f.Returned != nil {
		q.Where("(returned <> '') = ?", *f.Returned)
	}
	if f.Cursor != "" {
		if _, err := uuid.Parse(f.Cursor); err != nil {
			return Page{}, errCursor
		}
		q.Where("id < ?", f.Cursor)
	}
	if err := q.Scan(ctx); err != nil {
		return Page{}, fmt.Errorf("list broadcasts: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = rows[limit-1].ID
	}
	for _, r := range rows {
		b, err := r.broadcast()
		if err != nil {
			return Page{}, err
		}
		out.Items = append(out.Items, b)
	}
	if err := withHeard(ctx, p.DB, out.Items); err != nil {
		return Page{}, err
	}
	return out, withDaysOff(ctx, p.DB, out.Items)
}
