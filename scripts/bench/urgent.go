//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// urgentDelay is the time from the click that approves an urgent bulletin until its first sample is at the card of an
// agent that holds the audio, while the same bulletin goes to 1,000 other agents of the hub: the worst of 20, which is
// their p99.
func urgentDelay(ctx context.Context, dir string) (rows []Row, err error) {
	const agents, times = 1000, 20
	site, agent, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	file, err := speech(ctx, dir, 1500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	report, err := site.Ingest(ctx, file, "Báo động lũ", nil)
	if err != nil {
		return nil, err
	}
	if err := site.Approve(ctx, "reports/"+report.ID); err != nil {
		return nil, err
	}
	meant, err := site.Meant(ctx, report.ID)
	if err != nil {
		return nil, err
	}
	c, err := joined(ctx, site, agents)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	if err := settled(ctx, site, agent); err != nil {
		return nil, err
	}
	recording, err := card.Record(ctx)
	if err != nil {
		return nil, err
	}
	defer recording.Stop()
	var delays []float64
	for i := range times + 1 {
		id, approved, err := shout(ctx, site, report.ID)
		if err != nil {
			return nil, err
		}
		if i == 0 { // the agent fetches the audio
			if _, err := site.AwaitPlays(ctx, agent.ID, id, 1); err != nil {
				return nil, err
			}
		}
		if err := recording.Wait(ctx, approved.Add(5*time.Second)); err != nil {
			return nil, err
		}
		if err := site.Author.Call(ctx, "POST", "urgent/"+id+"/cancel", nil, nil); err != nil { // plan heads have room for a few only
			return nil, err
		}
		if i == 0 {
			continue
		}
		onset := soundcard.MeasureStart(recording, meant, approved.Add(time.Second))
		if onset.Correlation < 0.9 {
			records, err := site.AwaitPlays(ctx, agent.ID, id, 1)
			return nil, errors.Join(fmt.Errorf("bulletin %d was not heard: correlation %.3f, recorded as %+v", i, onset.Correlation, records), err)
		}
		delays = append(delays, onset.At.Sub(approved).Seconds()*1000)
	}
	fmt.Printf("  urgent: %d bulletins to %d agents, median %.0f ms, worst %.0f ms\n", times, agents+1, median(delays), slices.Max(delays))
	return []Row{against("urgent-p99-ms", "ms", p99(delays), 1000)}, nil
}

// settled waits until the real agent has its plan of the hub that was started again.
func settled(ctx context.Context, site *rig.Site, agent *rig.Agent) error {
	return rig.Await(ctx, "the agent has its plan", func(ctx context.Context) (bool, error) {
		var a struct {
			Online    bool
			PlanState string `json:"plan_state"`
		}
		err := site.Chief.Call(ctx, "GET", "agents/"+agent.ID, nil, &a)
		return a.Online && a.PlanState == "active", err
	})
}

// shout writes an urgent bulletin and approves it, and says when the second person clicked.
func shout(ctx context.Context, site *rig.Site, report string) (id string, clicked mono.Instant, err error) {
	var b struct{ ID string }
	err = site.Author.Call(ctx, "POST", "urgent", map[string]any{
		"kind": "live", "items": []map[string]string{{"report": report}}, "targets": map[string]any{"areas": []string{"xa"}}}, &b)
	if err != nil {
		return "", 0, err
	}
	clicked = mono.Now()
	return b.ID, clicked, site.Approve(ctx, "urgent/"+b.ID)
}
