package library

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// MoveArea makes one area answer for another's reports, when that becomes a part of it.
func (l *Library) MoveArea(ctx context.Context, tx bun.Tx, code, into string) (int, error) {
	res, err := tx.NewUpdate().Model((*reportRow)(nil)).Set("area = ?", into).Set("version = version + 1").Where("area = ?", code).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("move reports: %w", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
