package planner

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
)

// What was approved last is heard until what was written since is approved too, or the whole is cancelled
// (docs/decisions/0039): an edit asks for something, it silences nothing.

// standing gives the broadcasts that are in plans at a moment or later, by id, each as it was approved last.
func standing(ctx context.Context, db bun.IDB, now time.Time) ([]Broadcast, error) {
	var rows []broadcastRow
	err := db.NewSelect().Model(&rows).Where("state = ? OR state = ? AND (last_at = 0 OR last_at > ?)", Draft, Approved, store.Millis(now)).Order("id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read broadcasts: %w", err)
	}
	kept, err := lastApproved(ctx, db, Draft)
	if err != nil {
		return nil, err
	}
	var out []Broadcast
	for _, r := range rows {
		if r.State == Draft {
			v, ok := kept[r.ID]
			if !ok {
				continue
			}
			r = v.of(r)
		}
		b, err := r.broadcast()
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// of is the broadcast as it was when this version of it was approved.
func (v versionRow) of(r broadcastRow) broadcastRow {
	r.Version, r.Spec, r.State, r.Returned = v.Version, v.Spec, Approved, ""
	r.EditorID, r.EditorName = v.EditorID, v.EditorName
	r.ApprovedID, r.ApprovedName, r.ApprovedAt = v.ApprovedID, v.ApprovedName, v.ApprovedAt
	return r
}

// lastApproved gives what was approved last of each broadcast in one of the states, by its id.
func lastApproved(ctx context.Context, db bun.IDB, in ...State) (map[string]versionRow, error) {
	return newest(ctx, db, "broadcast IN (SELECT id FROM broadcasts WHERE state IN (?))", bun.List(in))
}

func newest(ctx context.Context, db bun.IDB, where string, arg any) (map[string]versionRow, error) {
	var rows []versionRow
	if err := db.NewSelect().Model(&rows).Where(where, arg).Order("version").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read approved versions: %w", err)
	}
	out := map[string]versionRow{}
	for _, v := range rows {
		out[v.Broadcast] = v
	}
	return out, nil
}

// withHeard fills in which version of drafts is heard while they wait.
func withHeard(ctx context.Context, db bun.IDB, list []Broadcast) error {
	var ids []string
	for _, b := range list {
		if b.State == Draft && b.Version > 1 {
			ids = append(ids, b.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	kept, err := newest(ctx, db, "broadcast IN (?)", bun.List(ids))
	for i := range list {
		if list[i].State == Draft {
			list[i].Heard = kept[list[i].ID].Version
		}
	}
	return err
}
