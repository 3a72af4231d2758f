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

// commitAtOnce is deliveries: an urgent order waits for no more than one commit of them.
const commitAtOnce = 200

// delivery is records of one agent, and what became of them.
type delivery struct {
	plays []broadcast.Play
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
	d := &delivery{plays: plays, rows: make([]playRow, len(plays))}
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
		if err := store.InsertAll(ctx, tx, rows, "ON CONFLICT (id) DO NOTHING", func(id string) { isNew[id] = true }); err != nil {
			return fmt.Errorf("insert plays: %w", err)
		}
		fresh := make(map[string][]string) // ids by agent
		for _, d := range group {
			for i, r := range d.rows {
				if isNew[r.ID] {
					d.fresh = append(d.fresh, r.record(d.plays[i].Segments))
					fresh[r.Agent] = append(fresh[r.Agent], r.ID)
					changed.add(r.sum(l))
					delete(isNew, r.ID) // the same id twice is one record
				}
			}
		}
		if err := l.heardAfterAll(ctx, tx, fresh, changed); err != nil {
			return err
		}
		return changed.write(ctx, tx)
	})
}
