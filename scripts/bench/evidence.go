//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/postgres"
)

// year is play records of 400 days: of communes with 5 clusters each that play 5 times a day, copied so many times.
type year struct{ communes, times int }

const (
	yearClusters = 5
	yearPerDay   = 5
	yearDays     = 400
)

// evidenceYear is how long it takes to sum a year of 2 million play records by area and month, on SQLite.
func evidenceYear(ctx context.Context, dir string) (rows []Row, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return year{communes: 200, times: 1}.sum(ctx, "evidence-year-s", "", dir)
}

// evidenceYearPostgres is the same of 10 million on a PostgreSQL of its own.
func evidenceYearPostgres(ctx context.Context, dir string) (rows []Row, err error) {
	server, err := postgres.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return year{communes: 20, times: 50}.sum(ctx, "evidence-year-postgres-s", server.URL("postgres"), dir)
}

// sum makes the year and measures. The year that is summed is the administrative one, 15 December to 14 December.
func (y year) sum(ctx context.Context, row, database, dir string) (rows []Row, err error) {
	zone := time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
	e, err := hubtest.OpenEvidence(ctx, database, dir, zone)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	began := time.Now()
	n, err := y.fill(ctx, e, time.Date(2025, 12, 1, 5, 0, 0, 0, zone))
	if err != nil {
		return nil, err
	}
	fmt.Printf("  %s: of %d records, made in %.0f s\n", row, n, time.Since(began).Seconds())
	from, to := time.Date(2025, 12, 15, 0, 0, 0, 0, zone), time.Date(2026, 12, 15, 0, 0, 0, 0, zone)
	var took []float64
	for range 5 {
		began := time.Now()
		cells, planned, err := e.ByAreaAndMonth(ctx, from, to)
		took = append(took, time.Since(began).Seconds())
		areas := y.communes * y.times
		if want := int64(areas * yearClusters * yearPerDay * 365); err != nil || cells != areas*13 || planned != want {
			return nil, fmt.Errorf("%d cells of %d plays, want %d of %d: %w", cells, planned, areas*13, want, err)
		}
	}
	return []Row{against(row, "s", median(took), 3)}, nil
}

func (y year) fill(ctx context.Context, e *hubtest.Evidence, first time.Time) (records int, err error) {
	t := hubtest.Year{Agents: yearClusters, PerDay: yearPerDay, First: first, Days: yearDays}
	for i := range y.communes {
		t.Areas = append(t.Areas, fmt.Sprintf("xa-%03d", i))
	}
	for i := range 120 {
		t.Topics = append(t.Topics, hubtest.Topic{Title: fmt.Sprintf("Tìm hiểu pháp luật số %d", i+1), Series: "Tìm hiểu pháp luật", LawField: "Đất đai", Language: "vi"})
	}
	records, err = e.Fill(ctx, t)
	if err == nil && y.times > 1 {
		err = e.Multiply(ctx, y.times)
	}
	return records * y.times, err
}
