package fleet

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// MoveArea brings the agents and open pairings of an area to another, of which it becomes a part. A name that is taken
// there gets the old area's behind it. done is to be called when it is on disk.
func (f *Fleet) MoveArea(ctx context.Context, tx bun.Tx, code, name, into string) (n int, done func(), err error) {
	var ids []string
	if err := tx.NewSelect().Model((*agentRow)(nil)).Column("id").Where("area = ?", code).Scan(ctx, &ids); err != nil {
		return 0, nil, fmt.Errorf("read agents of area: %w", err)
	}
	_, err = tx.NewUpdate().Model((*agentRow)(nil)).Set("name = name || ?", " ("+name+")").
		Where("area = ? AND name IN (SELECT name FROM agents WHERE area = ?)", code, into).Exec(ctx)
	if err == nil {
		_, err = tx.NewUpdate().Model((*agentRow)(nil)).Set("area = ?", into).Where("area = ?", code).Exec(ctx)
	}
	if err == nil {
		_, err = tx.NewUpdate().Model((*pairingRow)(nil)).Set("area = ?", into).Where("area = ?", code).Exec(ctx)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("move agents: %w", err)
	}
	return len(ids), func() { f.moved(context.WithoutCancel(ctx), ids) }, nil
}

// moved makes memory know where agents are by now: since they were moved, somebody may have changed them again.
func (f *Fleet) moved(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	f.edits.Lock()
	defer f.edits.Unlock()
	var rows []agentRow
	if err := f.o.DB.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		f.o.Log.Error("agents that moved not read", "agents", len(ids), "err", err)
	}
	for i := range rows {
		f.place(&rows[i], "place")
	}
}
