//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
)

// fleetFPS is how many frames a second Chromium shows of the list of 10,000 clusters, all of them connected by the real
// protocol, while it is scrolled and 500 of them a second say something new.
func fleetFPS(ctx context.Context, dir string) (rows []Row, err error) {
	const areas, each, changes = 100, 100, 500
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: "bin", Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	for i := range areas {
		if err := site.Chief.Call(ctx, "POST", "areas", map[string]any{"code": fmt.Sprintf("xa-%02d", i), "name": fmt.Sprintf("Xã %d", i)}, nil); err != nil {
			return nil, err
		}
	}
	if err := site.Hub.Stop(); err != nil {
		return nil, err
	}
	o := fleet.Options{Hub: site.URL}
	for i := range areas {
		enrolled, err := hubtest.Enroll(ctx, site.HubData(), fmt.Sprintf("xa-%02d", i), each)
		if err != nil {
			return nil, err
		}
		for _, e := range enrolled {
			o.Agents = append(o.Agents, fleet.Identity(e))
		}
	}
	if o.Trust, err = hubtest.TrustOf(site.HubData()); err != nil {
		return nil, err
	}
	if err := site.StartHub(ctx); err != nil {
		return nil, err
	}
	c, err := crowd(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	said := make(chan error, 1)
	talk, quiet := context.WithCancel(ctx)
	go func() { said <- chatter(talk, c.Fleet, o.Agents, changes) }()
	fps, more, err := frames(ctx, site.URL, dir)
	quiet()
	if err := errors.Join(err, <-said); err != nil {
		return nil, err
	}
	fmt.Printf("  fleet: %d rows, %d of them connected, %d changes a second: %s\n", areas*each, len(o.Agents), changes, more)
	return []Row{{Name: "fleet-fps", Ours: fps, Peer: 50, PeerName: "promised", Unit: "fps", Ratio: fps / 50, Goal: 1, Better: "higher"}}, nil
}

// chatter has one agent after the other say another state, so many a second.
func chatter(ctx context.Context, f *fleet.Fleet, agents []fleet.Identity, perSecond int) error {
	const step = 50 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for range perSecond * int(step) / int(time.Second) {
			now := time.Now()
			card := []string{"ok", "missing", "stalled"}[n/len(agents)%3]
			err := f.Say(agents[n%len(agents)].ID, broadcast.Status{At: now, Software: "fleet", PlanExpires: now.AddDate(0, 0, 35),
				Clock: broadcast.ClockStatus{Trust: "synced", OffsetMS: int64(n % 40)}, Card: broadcast.CardStatus{State: card, Since: now},
				Cache: broadcast.CacheStatus{State: "ok", FreeBytes: 50 << 30, LimitBytes: 8 << 30}})
			if err != nil {
				return err
			}
			n++
		}
	}
}

var measured = regexp.MustCompile(`fleet-fps ([0-9.]+), (.*)`)

// frames has Chromium look at the list and tells how many it showed a second, and what else it measured.
func frames(ctx context.Context, url, dir string) (fps float64, more string, err error) {
	cmd := exec.CommandContext(ctx, "npm", "test", "--silent", "--", "--project=fps")
	cmd.Dir = filepath.Join("hub", "web")
	chief := rig.People()[1]
	cmd.Env = append(os.Environ(), "LOA_URL="+url, "LOA_HUB_URL="+url, "LOA_LINE=none", "LOA_SPEECH=none", "LOA_SCREENSHOTS="+dir, "LOA_RESULTS="+filepath.Join(dir, "pages"),
		"LOA_AUTHOR="+chief.Name, "LOA_AUTHOR_PASSWORD="+chief.Password, "LOA_CHIEF="+chief.Name, "LOA_CHIEF_PASSWORD="+chief.Password)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 15 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, "", fmt.Errorf("look at the list: %w\n%s", err, bytes.TrimSpace(out))
	}
	m := measured.FindSubmatch(out)
	if m == nil {
		return 0, "", fmt.Errorf("no frames were counted:\n%s", out)
	}
	fps, err = strconv.ParseFloat(string(m[1]), 64)
	return fps, string(m[2]), err
}
