package orders

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Had notes what an agent has of the decisions made for it on the hub: those its newest head says, which is asked for only where
// something is waited for, and those that another has overruled.
func (d *Desk) Had(ctx context.Context, agent string, head func(context.Context) ([]broadcast.Decision, error)) error {
	waiting, err := d.DB.NewSelect().Model((*decisionRow)(nil)).Where("agent = ?", agent).Where("had_at = 0").Exists(ctx)
	if err != nil || !waiting {
		return err
	}
	known, err := decisions(ctx, d.DB, d.now(), agent)
	if err != nil {
		return err
	}
	has, err := head(ctx)
	if err != nil {
		return err
	}
	standing := broadcast.Standing(madeOf(known[agent]))
	var had []string
	for _, one := range known[agent] {
		if one.HadAt.IsZero() && (slices.ContainsFunc(has, one.Made.Is) || !slices.ContainsFunc(standing, one.Made.Is)) {
			had = append(had, one.ID)
		}
	}
	if len(had) == 0 {
		return nil
	}
	_, err = d.DB.NewUpdate().Model((*decisionRow)(nil)).Set("had_at = ?", store.Millis(d.now())).Where("id IN (?)", bun.List(had)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note decisions an agent has: %w", err)
	}
	return nil
}
