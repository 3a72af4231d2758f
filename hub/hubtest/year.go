package hubtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Year says which play records a hub's database gets: each day every agent of every area has PerDay of them.
type Year struct {
	Areas  []string
	Agents int // in each area
	Topics []Topic
	PerDay int
	First  time.Time // planned start of the first, in the fleet's zone
	Days   int
}

// Topic is what a report is about.
type Topic struct{ Title, Series, LawField, Language string }

// Evidence is the play log of a hub that need not run.
type Evidence struct {
	db  *store.DB
	log *evidence.Log
}

// OpenEvidence opens a hub's database, by default the one in its data folder, making it where there is none.
func OpenEvidence(ctx context.Context, database, data string, zone *time.Location) (*Evidence, error) {
	db, err := store.Open(ctx, database, data)
	if err != nil {
		return nil, err
	}
	e := &Evidence{db, evidence.New(db.DB, zone, time.Now)}
	if err = db.Migrate(ctx); err == nil {
		err = e.log.Prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// Close closes the database.
func (e *Evidence) Close() error { return e.db.Close() }

// Fill writes the records as push brings them from agents, and gives how many there are. Of ten, eight are heard, one is
// cut and one is not played.
func (e *Evidence) Fill(ctx context.Context, y Year) (records int, err error) {
	lib := library.New(library.Deps{DB: e.db.DB, Bus: bus.NewLocal(), Now: time.Now})
	reports := make([]string, len(y.Topics))
	for i, t := range y.Topics {
		r, err := lib.Create(ctx, library.Meta{Title: t.Title, Series: t.Series, LawFields: []string{t.LawField}, Language: t.Language}, library.Person{ID: "fill", Name: "fill"})
		if err != nil {
			return 0, err
		}
		reports[i] = r.ID
	}
	for a, area := range y.Areas {
		for n := range y.Agents {
			agent := fmt.Sprintf("%s-%d", area, n)
			plays := make([]broadcast.Play, 0, y.Days*y.PerDay)
			for day := range y.Days {
				for i := range y.PerDay {
					k := day*y.PerDay + i
					topic := (day*len(reports)/max(y.Days, 1) + i + a) % len(reports) // a report is heard for some weeks
					plays = append(plays, record(reports[topic], y.Topics[topic].Title, y.First.AddDate(0, 0, day).Add(time.Duration(i)*5*time.Minute), k+a+n))
				}
			}
			if _, _, err := e.log.Insert(ctx, agent, area, plays); err != nil {
				return records, err
			}
			records += len(plays)
		}
	}
	return records, nil
}

// Multiply has a PostgreSQL database hold so many times the records, each time of areas and agents of their own. Ten million
// by Fill would take an hour; the sums are then made as a hub makes them when it starts without any.
func (e *Evidence) Multiply(ctx context.Context, times int) error {
	var indexes []struct{ Name, Definition string }
	err := e.db.NewRaw("SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE tablename = 'plays' AND indexname <> 'plays_pkey'").Scan(ctx, &indexes)
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	var columns string
	err = e.db.NewRaw("SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_name = 'plays' AND column_name NOT IN ('id', 'area', 'agent')").Scan(ctx, &columns)
	if err != nil {
		return fmt.Errorf("list columns: %w", err)
	}
	var statements []string
	for _, i := range indexes {
		statements = append(statements, "DROP INDEX "+i.Name)
	}
	statements = append(statements, fmt.Sprintf("INSERT INTO plays (id, area, agent, %s) SELECT n || '-' || id, area || '-' || n, agent || '-' || n, %s FROM generate_series(2, %d) AS n, plays", columns, columns, times))
	for _, i := range indexes {
		statements = append(statements, i.Definition)
	}
	for _, statement := range append(statements, "ANALYZE plays") {
		if _, err := e.db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("multiply records: %w", err)
		}
	}
	return e.log.Rebuild(ctx)
}

func record(report, title string, at time.Time, kind int) broadcast.Play {
	id := uuid.Must(uuid.NewV7()).String()
	p := broadcast.Play{ID: id, Slot: id, Broadcast: report, Version: 1, Report: report, Title: title, Class: broadcast.Normal, PlannedStart: at, PlannedEnd: at.Add(5 * time.Minute),
		StartedAt: at, EndedAt: at.Add(5 * time.Minute), Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, Volume: 80, ReachedMS: 300_000, Clock: "synced"}
	switch kind % 10 {
	case 3:
		p.Outcome, p.Reason, p.EndedAt, p.ReachedMS = broadcast.Cut, broadcast.ReasonPower, at.Add(2*time.Minute), 120_000
	case 7:
		p.Outcome, p.Reason, p.StartedAt, p.EndedAt, p.ReachedMS = broadcast.Skipped, broadcast.ReasonOff, time.Time{}, time.Time{}, 0
	}
	return p
}

// ByAreaAndMonth sums a span as the yearly report does, and gives the number of rows and what was planned.
func (e *Evidence) ByAreaAndMonth(ctx context.Context, from, to time.Time) (rows int, planned int64, err error) {
	sums, err := e.log.Sums(ctx, evidence.Query{From: from, To: to}, evidence.ByArea, evidence.ByMonth)
	for _, s := range sums {
		planned += s.Planned
	}
	return len(sums), planned, err
}
