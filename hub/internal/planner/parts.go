package planner

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// partsKept is how long a day document stays that no plan names any more: an agent may be fetching it.
const partsKept = 3 * 24 * time.Hour

// partRow is a row of table parts.
type partRow struct {
	bun.BaseModel `bun:"table:parts"`
	SHA256        broadcast.Hash `bun:"sha256,pk"`
	Size          int64          `bun:"size"`
	UsedAt        int64          `bun:"used_at"`
}

// keepParts notes the sweep's day documents as used: the new ones, once a day all of them.
func (p *Planner) keepParts(ctx context.Context, s *snapshot, c *compiler) error {
	seen := map[broadcast.Hash]bool{}
	var rows []partRow
	for key, ref := range c.kept {
		if _, old := c.before[key]; (!old || p.cleared != s.last) && !seen[ref.Hash] {
			seen[ref.Hash] = true
			rows = append(rows, partRow{SHA256: ref.Hash, Size: ref.Size, UsedAt: store.Millis(s.now)})
		}
	}
	for len(rows) > 0 {
		some := rows[:min(len(rows), 500)]
		_, err := p.DB.NewInsert().Model(&some).On("CONFLICT (sha256) DO UPDATE").Set("used_at = EXCLUDED.used_at").Exec(ctx)
		if err != nil {
			return fmt.Errorf("note day documents: %w", err)
		}
		rows = rows[len(some):]
	}
	return nil
}

// clear takes away day documents that no plan named for partsKept. It runs in the first sweep of each day,
// after all that are named were noted as used.
func (p *Planner) clear(ctx context.Context, s *snapshot) error {
	var old []partRow
	before := store.Millis(s.now.Add(-partsKept))
	if err := p.DB.NewSelect().Model(&old).Where("used_at < ?", before).Scan(ctx); err != nil {
		return fmt.Errorf("read old day documents: %w", err)
	}
	for _, part := range old {
		res, err := p.DB.NewDelete().Model(&part).WherePK().Where("used_at < ?", before).Exec(ctx)
		if err != nil {
			return fmt.Errorf("forget old day document: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			continue // another hub uses it again
		}
		if err := p.Blobs.Delete(ctx, part.SHA256); err != nil {
			return fmt.Errorf("clear old day document: %w", err)
		}
	}
	p.cleared = s.last
	return nil
}
