package accounts

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// MoveArea makes the people of an area those of another, when it becomes a part of that. done is to be called when it is
// on disk.
func (s *Service) MoveArea(ctx context.Context, tx bun.Tx, code, into string, by By) (n int, done func(), err error) {
	var rows []personRow
	if err := tx.NewSelect().Model(&rows).Where("area = ?", code).Scan(ctx); err != nil {
		return 0, nil, fmt.Errorf("read people of area: %w", err)
	}
	for _, row := range rows {
		before := row
		row.Area = into
		if _, err := tx.NewUpdate().Model(&row).Column("area").WherePK().Exec(ctx); err != nil {
			return 0, nil, fmt.Errorf("move person: %w", err)
		}
		if err := s.line(ctx, tx, by, "person.edit", before, before.said(), row.said()); err != nil {
			return 0, nil, err
		}
	}
	return len(rows), s.lessen, nil
}
