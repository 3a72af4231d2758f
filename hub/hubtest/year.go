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

// OpenEvidence opens the database in a hub's data folder, making it where there is none.
func OpenEvidence(ctx context.Context, data string, zone *time.Location) (*Evidence, error) {
	db, err := store.Open(ctx, "", data)
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

// Scan sums the same from the records alone, as it would be without sums that are kept.
func (e *Evidence) Scan(ctx context.Context, from, to time.Time) (rows int, err error) {
	var found []struct {
		Area  string
		Month string
		Plays int64
		Heard int64
	}
	err = e.db.NewSelect().Table("plays").ColumnExpr("area, strftime('%Y-%m', planned_start / 1000 + 25200, 'unixepoch') AS month, COUNT(*) AS plays, SUM(reached_ms) AS heard").
		Where("planned_start >= ? AND planned_start < ?", from.UnixMilli(), to.UnixMilli()).GroupExpr("area, month, outcome").Scan(ctx, &found)
	return len(found), err
}
