//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

const sentence = "Theo Điều 20 Bộ luật Dân sự, người thành niên là người từ đủ mười tám tuổi trở lên. Mời bà con nghe tiếp chuyên mục Tìm hiểu pháp luật. "

// speech writes spoken Vietnamese of at least d, as a radio station would send it: MP3, 44.1 kHz, stereo.
func speech(ctx context.Context, dir string, d time.Duration) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	text, wav, mp3 := filepath.Join(dir, "text.txt"), filepath.Join(dir, "speech.wav"), filepath.Join(dir, "speech.mp3")
	if err := os.WriteFile(text, []byte(strings.Repeat(sentence, 2+int(d.Seconds()/6))), 0o600); err != nil {
		return "", err
	}
	if err := command(ctx, "espeak-ng", "-v", "vi", "-f", text, "-w", wav); err != nil {
		return "", err
	}
	return mp3, command(ctx, "ffmpeg", "-v", "error", "-y", "-i", wav, "-t", fmt.Sprintf("%.3f", d.Seconds()), "-ar", "44100", "-ac", "2", "-b:a", "128k", mp3)
}

func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// unpaired starts a site with one commune and no agent.
func unpaired(ctx context.Context, dir string) (*rig.Site, error) { return unpairedIn(ctx, "", dir) }

// unpairedIn is unpaired of a hub whose settings name a database.
func unpairedIn(ctx context.Context, database, dir string) (*rig.Site, error) {
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: "bin", Dir: dir, Database: database})
	if err != nil {
		return nil, err
	}
	err = site.Chief.Call(ctx, "POST", "areas", map[string]any{"code": "xa", "name": "Xã",
		"policy": map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}}}, nil)
	if err != nil {
		return nil, errors.Join(err, site.Close())
	}
	return site, nil
}

// commune starts a site with one commune and one agent on a virtual sound card.
func commune(ctx context.Context, dir string) (*rig.Site, *rig.Agent, *soundcard.Card, error) {
	card, err := soundcard.Start(ctx, filepath.Join(dir, "card"))
	if err != nil {
		return nil, nil, nil, err
	}
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, nil, nil, errors.Join(err, card.Close())
	}
	agent, err := site.AddAgent(ctx, "xa", "dai-xa", "PULSE_SERVER="+card.Server())
	if err != nil {
		return nil, nil, nil, errors.Join(err, site.Close(), card.Close())
	}
	return site, agent, card, nil
}

func at(t time.Time) map[string]any {
	return map[string]any{"at": t.In(time.FixedZone("", 7*3600)).Format("2006-01-02T15:04:05")}
}

// startError is how far from its instant the first sample of each of 30 plays was at the card.
func startError(ctx context.Context, dir string) (rows []Row, err error) {
	const plays, every = 30, 4 * time.Second
	site, agent, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	report, err := approved(ctx, site, dir, 2500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	meant, err := site.Meant(ctx, report.ID)
	if err != nil {
		return nil, err
	}
	recording, err := card.Record(ctx)
	if err != nil {
		return nil, err
	}
	defer recording.Stop()
	first := time.Now().Add(12 * time.Second).Truncate(time.Second)
	ids := make([]string, plays)
	for i := range plays {
		if ids[i], err = site.Schedule(ctx, report.ID, fmt.Sprint(i), at(first.Add(time.Duration(i)*every)), "xa"); err != nil {
			return nil, err
		}
	}
	var off []float64
	for i := range plays {
		planned := mono.Now().Add(time.Until(first.Add(time.Duration(i) * every)))
		if err := recording.Wait(ctx, planned.Add(every-200*time.Millisecond)); err != nil {
			return nil, err
		}
		onset := soundcard.MeasureStart(recording, meant, planned)
		if onset.Correlation < 0.9 {
			records, err := site.AwaitPlays(ctx, agent.ID, ids[i], 1) // what the agent says of it tells machine from defect
			return nil, errors.Join(fmt.Errorf("play %d was not heard: correlation %.3f, recorded as %+v", i, onset.Correlation, records), err)
		}
		off = append(off, onset.Error.Seconds()*1000)
	}
	mean := 0.0
	for i, e := range off {
		mean += e / plays
		off[i] = math.Abs(e)
	}
	return []Row{
		against("start-error-mean-ms", "ms", math.Abs(mean), 3),
		against("start-error-p99-ms", "ms", p99(off), 10),
	}, nil
}

// hubIdle is the memory of a hub that has started and has one agent, at rest.
func hubIdle(ctx context.Context, dir string) (rows []Row, err error) {
	site, _, card, err := commune(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close(), card.Close()) }()
	select {
	case <-time.After(20 * time.Second): // start-up's garbage has gone by then
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	mb, err := anonMB(site.Hub.PID())
	return []Row{against("hub-idle-mb", "MB", mb, 64)}, err
}

// anonMB is a process's own memory, RssAnon, in MB of 2^20 bytes.
func anonMB(pid int) (float64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kb float64
		if _, err := fmt.Sscanf(lines.Text(), "RssAnon: %f kB", &kb); err == nil {
			return kb / 1024, nil
		}
	}
	return 0, fmt.Errorf("no RssAnon for process %d", pid)
}
