package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

const (
	insertAtOnce = 1000 // keeps one INSERT below SQLite's limit of 32,766 parameters
	commitAtOnce = 200  // deliveries: an urgent order waits for no more than one commit of them
)

// delivery is records of one agent, and what became of them.
type delivery struct {
	agent string
	rows  []playRow

	fresh []Record
	err   error
}

// Insert keeps the records of one agent and gives the ids that are safe on disk: all of them, a record that
// was there already included. Nothing is stored when err is not nil.
func (l *Log) Insert(ctx context.Context, agent, area string, plays []broadcast.Play) (ids []string, fresh []Record, err error) {
	if len(plays) == 0 {
		return nil, nil, nil
	}
	received := l.now()
	d := &delivery{agent: agent, rows: make([]playRow, len(plays))}
	ids = make([]string, len(plays))
	for i, p := range plays {
		segments, err := json.Marshal(p.Segments)
		if err != nil {
			return nil, nil, fmt.Errorf("write segments of %s: %w", p.ID, err)
		}
		ids[i] = p.ID
		d.rows[i] = playRow{ID: p.ID, Agent: agent, Area: area, Slot: p.Slot, Broadcast: p.Broadcast, Version: p.Version, Report: p.Report,
			Title: p.Title, Class: string(p.Class), Owner: string(p.Owner), Audio: string(p.Audio), PlannedStart: store.Millis(p.PlannedStart), PlannedEnd: store.Millis(p.PlannedEnd),
			StartedAt: store.Millis(p.StartedAt.Round(time.Millisecond)), EndedAt: store.Millis(p.EndedAt.Round(time.Millisecond)), Outcome: string(p.Outcome), Reason: p.Reason, Volume: p.Volume,
			ReachedMS: p.ReachedMS, MissedMS: p.MissedMS, Segments: string(segments), Clock: p.Clock, ReceivedAt: received.UnixMilli()}
	}
	if err := l.deliveries.Do(ctx, d, l.keep); err != nil {
		return nil, nil, err
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	return ids, d.fresh, nil
}

// keep commits deliveries together, or, when that fails, perhaps by the fault of one of them, each alone.
func (l *Log) keep(ctx context.Context, group []*delivery) error {
	if err := l.commit(ctx, group...); err != nil {
		for _, d := range group {
			d.err = l.commit(ctx, d)
		}
	}
	return nil
}

// commit keeps deliveries in one transaction.
func (l *Log) commit(ctx context.Context, group ...*delivery) error {
	var rows []playRow
	for _, d := range group {
		d.fresh = nil
		rows = append(rows, d.rows...)
	}
	return l.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		changed := sums{}
		isNew := make(map[string]bool, len(rows))
		for rest := rows; len(rest) > 0; {
			part := rest[:min(insertAtOnce, len(rest))]
			rest = rest[len(part):]
			var inserted []string
			if err := tx.NewInsert().Model(&part).On("CONFLICT (id) DO NOTHING").Returning("id").Scan(ctx, &inserted); err != nil {
				return fmt.Errorf("insert plays: %w", err)
			}
			for _, id := range inserted {
				isNew[id] = true
			}
			if err := l.heardAfterAll(ctx, tx, inserted, changed); err != nil {
				return err
			}
		}
		for _, d := range group {
			for _, r := range d.rows {
				if isNew[r.ID] {
					d.fresh = append(d.fresh, r.record())
					changed.add(r.sum(l))
					delete(isNew, r.ID) // the same id twice is one record
				}
			}
		}
		return changed.write(ctx, tx)
	})
}
