//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
)

// evidenceYear is how long it takes to sum a year of 2 million play records by area and month, on SQLite. The year is the
// administrative one, 15 December to 14 December.
func evidenceYear(ctx context.Context, dir string) (rows []Row, err error) {
	const communes, clusters, perDay, days, times = 200, 5, 5, 400, 5
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	zone := time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)
	e, err := hubtest.OpenEvidence(ctx, dir, zone)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	first := time.Date(2025, 12, 1, 5, 0, 0, 0, zone)
	y := hubtest.Year{Agents: clusters, PerDay: perDay, First: first, Days: days}
	for i := range communes {
		y.Areas = append(y.Areas, fmt.Sprintf("xa-%03d", i))
	}
	for i := range 120 {
		y.Topics = append(y.Topics, hubtest.Topic{Title: fmt.Sprintf("Tìm hiểu pháp luật số %d", i+1), Series: "Tìm hiểu pháp luật", LawField: "Đất đai", Language: "vi"})
	}
	n, err := e.Fill(ctx, y)
	if err != nil || n != communes*clusters*perDay*days {
		return nil, fmt.Errorf("%d records: %w", n, err)
	}
	from, to := time.Date(2025, 12, 15, 0, 0, 0, 0, zone), time.Date(2026, 12, 15, 0, 0, 0, 0, zone)
	var took []float64
	for range times {
		began := time.Now()
		cells, planned, err := e.ByAreaAndMonth(ctx, from, to)
		took = append(took, time.Since(began).Seconds())
		if want := int64(communes * clusters * perDay * 365); err != nil || cells != communes*13 || planned != want {
			return nil, fmt.Errorf("%d cells of %d plays, want %d of %d: %w", cells, planned, communes*13, want, err)
		}
	}
	began := time.Now()
	if _, err := e.Scan(ctx, from, to); err != nil {
		return nil, err
	}
	fmt.Printf("evidence-year-s: of %d records; a scan of them all takes %.2f s\n", n, time.Since(began).Seconds())
	return []Row{against("evidence-year-s", "s", median(took), 3)}, nil
}
