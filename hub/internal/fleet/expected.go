package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
)

// Expected is an agent that is to be paired, known by area and name before its PC is there.
type Expected struct {
	ID        string
	Area      string
	Name      string
	CreatedBy string
	CreatedAt time.Time
}

type expectedRow struct {
	bun.BaseModel `bun:"table:expected_agents,alias:e"`

	ID        string `bun:"id,pk"`
	Area      string `bun:"area"`
	Name      string `bun:"name"`
	CreatedBy string `bun:"created_by"`
	CreatedAt int64  `bun:"created_at"`
}

// Expect notes agents that are to come, all of them or none; those that are noted already, or in the fleet, are left as
// they are. It gives how many are new.
func (f *Fleet) Expect(ctx context.Context, list []Expected, by string) (added int, err error) {
	err = f.o.DB.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, e := range list {
			name, err := cleanName(e.Name)
			if err != nil {
				return err
			}
			if e.Area == "" {
				return errArea()
			}
			here, err := tx.NewSelect().Model((*agentRow)(nil)).Where("area = ? AND name = ?", e.Area, name).Exists(ctx)
			if err != nil {
				return fmt.Errorf("look for agent: %w", err)
			}
			if here {
				continue
			}
			row := expectedRow{ID: uuid.Must(uuid.NewV7()).String(), Area: e.Area, Name: name, CreatedBy: by, CreatedAt: store.Millis(f.o.Now())}
			done, err := tx.NewInsert().Model(&row).On("CONFLICT (area, name) DO NOTHING").Exec(ctx)
			if err != nil {
				return fmt.Errorf("note expected agent: %w", err)
			}
			n, err := done.RowsAffected()
			if err != nil {
				return fmt.Errorf("note expected agent: %w", err)
			}
			added += int(n)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

// Expecting lists the agents of areas (nil for all) that are still to come, by area and name.
func (f *Fleet) Expecting(ctx context.Context, areas []string) ([]Expected, error) {
	var rows []expectedRow
	q := f.o.DB.NewSelect().Model(&rows).Where("NOT EXISTS (SELECT 1 FROM agents AS a WHERE a.area = e.area AND a.name = e.name)").Order("area", "name").Limit(maxExpected)
	if areas != nil {
		q = q.Where("e.area IN (?)", bun.List(areas))
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list expected agents: %w", err)
	}
	out := make([]Expected, len(rows))
	for i, r := range rows {
		out[i] = Expected{r.ID, r.Area, r.Name, r.CreatedBy, store.Time(r.CreatedAt)}
	}
	return out, nil
}

// maxExpected bounds a list that people work through.
const maxExpected = 5000

// Forget takes an expected agent of one of the areas (nil for all) from the list; one that is not there is no error.
func (f *Fleet) Forget(ctx context.Context, id string, areas []string) error {
	q := f.o.DB.NewDelete().Model((*expectedRow)(nil)).Where("id = ?", id)
	if areas != nil {
		q = q.Where("area IN (?)", bun.List(areas))
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("forget expected agent: %w", err)
	}
	return nil
}
