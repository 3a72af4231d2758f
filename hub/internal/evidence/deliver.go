package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

const (
	insertAtOnce = 1000             // keeps one INSERT below SQLite's limit of 32,766 parameters
	commitAtOnce = 200              // deliveries: an urgent order waits for no more than one commit of them
	commitTime   = 30 * time.Second // for a commit; who waits for it does not end it for the others
)

// deliveries are records that wait to be kept. When a line comes back to a province, ten thousand agents deliver within a
// second, and a disk that confirms a few hundred commits a second would let most of them wait in vain: so what waits is
// committed together. One of those who wait leads: it commits the first of them, and then hands on.
type deliveries struct {
	mu      sync.Mutex
	waiting []*delivery
}

// delivery is records of one agent.
type delivery struct {
	agent string
	rows  []playRow
	turn  chan bool // true: lead; false: it is done

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
	d := &delivery{agent: agent, rows: make([]playRow, len(plays)), turn: make(chan bool, 1)}
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
	if l.join(d) || <-d.turn {
		l.lead(ctx)
	}
	if d.err != nil {
		return nil, nil, d.err
	}
	return ids, d.fresh, nil
}

// join has d wait, and says whether it leads.
func (q *deliveries) join(d *delivery) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, d)
	return len(q.waiting) == 1
}

// lead commits those who wait first, of whom the first leads.
func (l *Log) lead(ctx context.Context) {
	l.mu.Lock()
	group := l.waiting[:min(len(l.waiting), commitAtOnce)]
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTime)
	defer cancel()
	if err := l.commit(ctx, group...); err != nil { // by the fault of one of them, perhaps
		for _, d := range group {
			d.err = l.commit(ctx, d)
		}
	}
	l.mu.Lock()
	l.waiting = slices.Clone(l.waiting[len(group):])
	var next *delivery
	if len(l.waiting) > 0 {
		next = l.waiting[0]
	}
	l.mu.Unlock()
	for _, d := range group[1:] {
		d.turn <- false
	}
	if next != nil {
		next.turn <- true
	}
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
		}
		for _, d := range group {
			var slots []string
			for _, r := range d.rows {
				if isNew[r.ID] {
					d.fresh = append(d.fresh, r.record())
					changed.add(r.sum(l))
					slots = append(slots, r.Slot)
					delete(isNew, r.ID) // the same id twice is one record
				}
			}
			if len(slots) > 0 {
				if err := l.heardAfterAll(ctx, tx, d.agent, slots, changed); err != nil {
					return err
				}
			}
		}
		return changed.write(ctx, tx)
	})
}
