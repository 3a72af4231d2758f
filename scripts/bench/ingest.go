//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
)

// quarterHour is a long report, as issue and field have them.
const quarterHour = 15 * time.Minute

// ingestTime sets ingest of a 15-minute report beside plain ffmpeg commands with the same filters, in turn;
// the medians count.
func ingestTime(ctx context.Context, dir string) ([]Row, error) {
	const runs = 3
	file, err := speech(ctx, dir, quarterHour)
	if err != nil {
		return nil, err
	}
	var ours, peer []float64
	for range runs {
		own := filepath.Join(dir, "ours")
		if err := os.Mkdir(own, 0o700); err != nil {
			return nil, err
		}
		began := time.Now()
		made, err := hubtest.Ingest(ctx, file, own)
		if err != nil {
			return nil, err
		}
		ours = append(ours, time.Since(began).Seconds())
		began = time.Now()
		for _, c := range hubtest.PlainFFmpeg(file, filepath.Join(dir, "plain.opus"), made) {
			if err := command(ctx, c[0], c[1:]...); err != nil {
				return nil, err
			}
		}
		peer = append(peer, time.Since(began).Seconds())
		if err := os.RemoveAll(own); err != nil {
			return nil, err
		}
	}
	return []Row{beside("ingest-time", "s", median(ours), median(peer), "plain ffmpeg, same filters", 1.1)}, nil
}

// armSeconds is the time from a broadcast's approval until the agent has the plan and 15 minutes of audio,
// checked, over loopback.
func armSeconds(ctx context.Context, dir string) (rows []Row, err error) {
	site, _, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	report, err := approved(ctx, site, dir, quarterHour)
	if err != nil {
		return nil, err
	}
	id, err := site.Schedule(ctx, report.ID, "Tìm hiểu pháp luật", at(time.Now().Add(time.Hour)), "xa")
	if err != nil {
		return nil, err
	}
	approved := time.Now()
	if err := site.AwaitArmed(ctx, id); err != nil {
		return nil, err
	}
	return []Row{against("arm-seconds", "s", time.Since(approved).Seconds(), 2)}, nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func p99(v []float64) float64 {
	slices.Sort(v)
	return v[(len(v)*99-1)/100]
}
