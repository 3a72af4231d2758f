package evidence

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Reach counts on how many agents a report sounded, and how often; of the query only Report and Areas count.
func (l *Log) Reach(ctx context.Context, q Query) (agents, plays int, err error) {
	if q.Areas != nil && len(q.Areas) == 0 {
		return 0, 0, nil
	}
	sel := l.db.NewSelect().Model((*playRow)(nil)).ColumnExpr("COUNT(DISTINCT agent), COUNT(*)").
		Where("report = ?", q.Report).Where("outcome <> ?", broadcast.Skipped)
	if q.Areas != nil {
		sel = sel.Where("area IN (?)", bun.List(q.Areas))
	}
	if err := sel.Scan(ctx, &agents, &plays); err != nil {
		return 0, 0, fmt.Errorf("count plays: %w", err)
	}
	return agents, plays, nil
}
