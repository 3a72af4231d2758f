//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// approved brings spoken Vietnamese of a length to an approved report.
func approved(ctx context.Context, site *rig.Site, dir string, d time.Duration) (rig.Report, error) {
	file, err := speech(ctx, dir, d)
	if err != nil {
		return rig.Report{}, err
	}
	report, err := site.Ingest(ctx, file, "Tìm hiểu pháp luật", nil)
	if err != nil {
		return rig.Report{}, err
	}
	return report, site.Approve(ctx, "reports/"+report.ID)
}

// armed schedules a report, and waits until every agent has it.
func armed(ctx context.Context, site *rig.Site, report rig.Report, begin time.Time) error {
	id, err := site.Schedule(ctx, report.ID, "Tìm hiểu pháp luật", at(begin), "xa")
	if err != nil {
		return err
	}
	return site.AwaitArmed(ctx, id)
}

// instantOf is when, on the machine's clock, a time is.
func instantOf(t time.Time) mono.Instant { return mono.Now().Add(time.Until(t)) }

// agentCPU is the processor time of the whole agent, parent and child, while it plays as its unit starts it, beside
// mpd's, which plays the same file in the same minutes.
func agentCPU(ctx context.Context, dir string) (rows []Row, err error) {
	const settle, span = 15 * time.Second, 90 * time.Second
	site, agent, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	report, err := approved(ctx, site, dir, settle+span+15*time.Second)
	if err != nil {
		return nil, err
	}
	if _, err := site.Meant(ctx, report.ID); err != nil { // leaves the distribution file
		return nil, err
	}
	begin := time.Now().Add(5 * time.Second).Truncate(time.Second)
	if err := armed(ctx, site, report, begin); err != nil {
		return nil, err
	}
	other, err := soundcard.Start(ctx, filepath.Join(dir, "other"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	peer, err := startMPD(ctx, dir, other.Server(), filepath.Join(dir, report.ID+".opus"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.close()) }()
	if err := pass(ctx, time.Until(begin.Add(settle))); err != nil {
		return nil, err
	}
	if err := slacken(agent.PID(), "loa-agent"); err != nil {
		return nil, err
	}
	spent := func() (ours, theirs time.Duration, err error) {
		ours, err = cpu(agent.PID())
		theirs, err2 := cpu(peer.process.Process.Pid)
		return ours, theirs, errors.Join(err, err2, playing(ctx, site, agent), peer.playing(ctx))
	}
	ours, theirs, err := spent()
	if err != nil {
		return nil, err
	}
	if err := pass(ctx, span); err != nil {
		return nil, err
	}
	oursThen, theirsThen, err := spent()
	if err != nil {
		return nil, err
	}
	percent := func(d time.Duration) float64 { return 100 * d.Seconds() / span.Seconds() }
	return []Row{beside("agent-cpu-mpd", "%", percent(oursThen-ours), percent(theirsThen-theirs), "mpd, same file", 1)}, nil
}

// playing checks that an agent plays.
func playing(ctx context.Context, site *rig.Site, agent *rig.Agent) error {
	var seen struct {
		NowPlaying *struct{ Slot string } `json:"now_playing"`
	}
	if err := site.Chief.Call(ctx, "GET", "agents/"+agent.ID, nil, &seen); err != nil {
		return err
	}
	if seen.NowPlaying == nil {
		return errors.New("the agent does not play")
	}
	return nil
}

// agentIdle is the memory of an agent at rest, parent and child, that has a plan and 15 minutes of audio.
func agentIdle(ctx context.Context, dir string) (rows []Row, err error) {
	site, agent, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	report, err := approved(ctx, site, dir, quarterHour)
	if err != nil {
		return nil, err
	}
	if err := armed(ctx, site, report, time.Now().Add(time.Hour)); err != nil {
		return nil, err
	}
	if err := pass(ctx, 30*time.Second); err != nil { // what arrival and start-up left has gone by then
		return nil, err
	}
	pids, err := family(agent.PID())
	if err != nil {
		return nil, err
	}
	if len(pids) != 2 {
		return nil, fmt.Errorf("the agent is %d processes, not parent and child", len(pids))
	}
	sum := 0.0
	for _, pid := range pids {
		mb, err := anonMB(pid)
		if err != nil {
			return nil, err
		}
		sum += mb
	}
	return []Row{against("agent-idle-mb", "MB", sum, 30)}, nil
}

// cardBack is the longest that a card, given back in the middle of a sound, had to wait for it.
func cardBack(ctx context.Context, dir string) (rows []Row, err error) {
	absences := []time.Duration{300 * time.Millisecond, 2 * time.Second, 4500 * time.Millisecond, 7 * time.Second, 11 * time.Second, 13 * time.Second}
	site, agent, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	report, err := approved(ctx, site, dir, 2*time.Minute)
	if err != nil {
		return nil, err
	}
	begin := time.Now().Add(5 * time.Second).Truncate(time.Second)
	if err := armed(ctx, site, report, begin); err != nil {
		return nil, err
	}
	if err := pass(ctx, time.Until(begin.Add(4*time.Second))); err != nil {
		return nil, err
	}
	var worst time.Duration
	for _, absent := range absences {
		if err := errors.Join(playing(ctx, site, agent), card.RemoveSink()); err != nil {
			return nil, err
		}
		if err := pass(ctx, absent); err != nil {
			return nil, err
		}
		if err := card.RestoreSink(); err != nil {
			return nil, err
		}
		given := mono.Now()
		waited, err := untilSound(ctx, card, given)
		if err != nil {
			return nil, fmt.Errorf("after %v without a card: %w", absent, err)
		}
		worst = max(worst, waited)
		if err := pass(ctx, 3*time.Second); err != nil {
			return nil, err
		}
	}
	return []Row{against("card-back-s", "s", worst.Seconds(), 2)}, nil
}

// untilSound records a card until it gets sound, and gives how long after an instant that was.
func untilSound(ctx context.Context, card *soundcard.Card, since mono.Instant) (time.Duration, error) {
	recording, err := card.Record(ctx)
	if err != nil {
		return 0, err
	}
	defer recording.Stop()
	for span := time.Second; span < 20*time.Second; span += time.Second / 2 {
		if err := recording.Wait(ctx, since.Add(span)); err != nil {
			return 0, err
		}
		for i, v := range recording.PCM() {
			if v > 1e-3 || v < -1e-3 {
				return recording.Fit().Instant(float64(i)).Sub(since), nil
			}
		}
	}
	return 0, errors.New("no sound within 20 s")
}
