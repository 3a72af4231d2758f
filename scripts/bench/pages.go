//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/loa-vn/loa/internal/e2e/rig"
)

// firstPage is how much script the hub's first page loads, and when it can be used over 1.6 Mbit/s with a round trip of
// 300 ms, in Chromium with an empty cache: the median of 5.
func firstPage(ctx context.Context, dir string) (rows []Row, err error) {
	const visits = 5
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	site, err := rig.NewSite(ctx, rig.SiteOptions{Bin: "bin", Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	officer := rig.People()[0]
	cmd := exec.CommandContext(ctx, "node", "hub/web/bench/ready.mjs", site.URL, officer.Name, officer.Password, strconv.Itoa(visits))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("visit the first page: %w", err)
	}
	var seen struct {
		Bytes   float64
		Seconds []float64
	}
	if err := json.Unmarshal(out, &seen); err != nil || len(seen.Seconds) != visits {
		return nil, fmt.Errorf("read what was seen of the first page: %w\n%s", err, out)
	}
	slices.Sort(seen.Seconds)
	return []Row{
		against("page-script-kb", "kB", seen.Bytes/1000, 200),
		against("page-ready-s", "s", seen.Seconds[visits/2], 3),
	}, nil
}
