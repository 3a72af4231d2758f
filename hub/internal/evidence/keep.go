package evidence

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Owed is a slot that an agent should have a record of.
type Owed struct {
	Agent, Area string
	broadcast.Slot
}

// insertAtOnce keeps one statement below SQLite's limit of 32,766 parameters.
const insertAtOnce = 1000

type unheardRow struct {
	bun.BaseModel `bun:"table:unheard"`
	Agent         string `bun:"agent,pk"`
	Slot          string `bun:"slot,pk"`
	Area          string `bun:"area"`
	Broadcast     string `bun:"broadcast"`
	Report        string `bun:"report"`
	Title         string `bun:"title"`
	Class         string `bun:"class"`
	PlannedStart  int64  `bun:"planned_start"`
	PlannedEnd    int64  `bun:"planned_end"`
}

func (r unheardRow) sum(l *Log) sumRow {
	return sumRow{Half: l.halfOf(r.PlannedStart), Area: r.Area, Report: r.Report, Class: r.Class, Outcome: string(Unknown),
		Plays: 1, PlannedMS: r.PlannedEnd - r.PlannedStart}
}

type stateRow struct {
	bun.BaseModel `bun:"table:evidence_state"`
	Name          string `bun:"name,pk"`
	Value         string `bun:"value"`
}

func (l *Log) state(ctx context.Context, db bun.IDB, name string) (string, error) {
	var row stateRow
	err := db.NewSelect().Model(&row).Where("name = ?", name).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read state of evidence: %w", err)
	}
	return row.Value, nil
}

func (l *Log) setState(ctx context.Context, tx bun.Tx, name, value string) error {
	row := stateRow{Name: name, Value: value}
	if _, err := tx.NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").Set("value = EXCLUDED.value").Exec(ctx); err != nil {
		return fmt.Errorf("write state of evidence: %w", err)
	}
	return nil
}

// Prepare makes the sums where there are none yet, or where they are of another zone's days.
func (l *Log) Prepare(ctx context.Context) error {
	zone, err := l.state(ctx, l.db, "zone")
	if err != nil || zone == l.zone.String() {
		return err
	}
	return l.Rebuild(ctx)
}

// Rebuild makes the sums anew from the records. Records wait meanwhile.
func (l *Log) Rebuild(ctx context.Context) error {
	return l.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewDelete().Model((*sumRow)(nil)).Where("1 = 1").Exec(ctx); err != nil {
			return fmt.Errorf("drop sums: %w", err)
		}
		found := sums{}
		err := l.halves(ctx, tx, func(half, from, to int64) error {
			for _, table := range []string{
				"SELECT area, report, class, outcome, reason, COUNT(*) AS plays, CAST(SUM(planned_end - planned_start) AS BIGINT) AS planned_ms, CAST(SUM(reached_ms) AS BIGINT) AS heard_ms" +
					" FROM plays WHERE planned_start >= ? AND planned_start < ? GROUP BY area, report, class, outcome, reason",
				"SELECT area, report, class, '" + string(Unknown) + "' AS outcome, '' AS reason, COUNT(*) AS plays, CAST(SUM(planned_end - planned_start) AS BIGINT) AS planned_ms, 0 AS heard_ms" +
					" FROM unheard WHERE planned_start >= ? AND planned_start < ? GROUP BY area, report, class",
			} {
				var rows []sumRow
				if err := tx.NewRaw(table, from, to).Scan(ctx, &rows); err != nil {
					return fmt.Errorf("sum plays: %w", err)
				}
				for _, r := range rows {
					r.Half = half
					found.add(r)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := found.write(ctx, tx); err != nil {
			return err
		}
		return l.setState(ctx, tx, "zone", l.zone.String())
	})
}

// halves gives each half month between the first and the last record or unheard slot, with its bounds [from, to) in
// milliseconds.
func (l *Log) halves(ctx context.Context, tx bun.Tx, each func(half, from, to int64) error) error {
	var first, last sql.NullInt64
	err := tx.NewRaw("SELECT MIN(planned_start), MAX(planned_start) FROM "+
		"(SELECT MIN(planned_start) AS planned_start FROM plays UNION ALL SELECT MAX(planned_start) FROM plays "+
		"UNION ALL SELECT MIN(planned_start) FROM unheard UNION ALL SELECT MAX(planned_start) FROM unheard) AS bounds").Scan(ctx, &first, &last)
	if err != nil {
		return fmt.Errorf("find the first and last play: %w", err)
	}
	if !first.Valid {
		return nil
	}
	for at := l.halfStart(store.Time(first.Int64)); at.UnixMilli() <= last.Int64; at = l.halfEnd(at) {
		if err := each(l.halfOf(at.UnixMilli()), at.UnixMilli(), l.halfEnd(at).UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// Settled is the last date that Settle was called for, "" when it never was.
func (l *Log) Settled(ctx context.Context) (broadcast.Date, error) {
	date, err := l.state(ctx, l.db, "settled")
	return broadcast.Date(date), err
}

// Settle writes down which of a date's slots no record has come of: they are unknown until one comes. Done twice it
// changes nothing.
func (l *Log) Settle(ctx context.Context, date broadcast.Date, owed []Owed) error {
	return l.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		changed := sums{}
		for len(owed) > 0 {
			part := owed[:min(insertAtOnce, len(owed))]
			owed = owed[len(part):]
			if err := l.settle(ctx, tx, part, changed); err != nil {
				return err
			}
		}
		if err := changed.write(ctx, tx); err != nil {
			return err
		}
		return l.setState(ctx, tx, "settled", string(date))
	})
}

func (l *Log) settle(ctx context.Context, tx bun.Tx, owed []Owed, changed sums) error {
	agents, slots := make([]string, len(owed)), make([]string, len(owed))
	rows := make(map[[2]string]unheardRow, len(owed))
	for i, o := range owed {
		agents[i], slots[i] = o.Agent, o.ID
		rows[[2]string{o.Agent, o.ID}] = unheardRow{Agent: o.Agent, Slot: o.ID, Area: o.Area, Broadcast: o.Broadcast, Report: o.Item.Report,
			Title: o.Item.Title, Class: string(o.Class), PlannedStart: store.Millis(o.Start), PlannedEnd: store.Millis(o.End)}
	}
	for _, table := range []string{"plays", "unheard"} { // what has a record, and what was settled before
		var have []struct{ Agent, Slot string }
		err := tx.NewSelect().Table(table).Column("agent", "slot").Where("agent IN (?) AND slot IN (?)", bun.List(agents), bun.List(slots)).Scan(ctx, &have)
		if err != nil {
			return fmt.Errorf("find records of slots: %w", err)
		}
		for _, h := range have {
			delete(rows, [2]string{h.Agent, h.Slot})
		}
	}
	missing := make([]unheardRow, 0, len(rows))
	for _, r := range rows {
		missing = append(missing, r)
		changed.add(r.sum(l))
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := tx.NewInsert().Model(&missing).Exec(ctx); err != nil {
		return fmt.Errorf("write unheard slots: %w", err)
	}
	return nil
}

// heardAfterAll takes out of unheard what fresh records are of; fresh are their ids by agent. Most agents owe nothing.
func (l *Log) heardAfterAll(ctx context.Context, tx bun.Tx, fresh map[string][]string, changed sums) error {
	if len(fresh) == 0 {
		return nil
	}
	var owing []string
	err := tx.NewSelect().Model((*unheardRow)(nil)).Distinct().Column("agent").Where("agent IN (?)", bun.List(slices.Collect(maps.Keys(fresh)))).Scan(ctx, &owing)
	if err != nil {
		return fmt.Errorf("find unheard slots: %w", err)
	}
	var late []string
	for _, agent := range owing {
		late = append(late, fresh[agent]...)
	}
	if len(late) == 0 {
		return nil
	}
	var gone []unheardRow
	err = tx.NewDelete().Model((*unheardRow)(nil)).Where("(agent, slot) IN (SELECT agent, slot FROM plays WHERE id IN (?))", bun.List(late)).Returning("*").Scan(ctx, &gone)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("drop unheard slots: %w", err)
	}
	for _, r := range gone {
		changed.take(r.sum(l))
	}
	return nil
}
