//go:build linux

// Command bench measures what Loa promises, each row beside a peer in the same run, or beside its goal
// where there is no peer. It prints the rows and writes them to var/bench.json. BENCH=name,… picks some.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Row is one measurement. Ratio is Ours / Peer and is what Goal bounds; where there is no peer, the promised
// figure stands in its place and the goal is 1.
type Row struct {
	Name     string  `json:"name"`
	Ours     float64 `json:"ours"`
	Peer     float64 `json:"peer"`
	PeerName string  `json:"peer_name"`
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio"`
	Goal     float64 `json:"goal"`
	Better   string  `json:"better"` // lower | higher
}

// measurement takes one or more rows in one go.
type measurement struct {
	rows  []string
	take  func(ctx context.Context, dir string) ([]Row, error)
	asked bool // only when it is picked by name: it takes long
}

func measurements() []measurement {
	return []measurement{
		{rows: []string{"ingest-time"}, take: ingestTime},
		{rows: []string{"arm-seconds"}, take: armSeconds},
		{rows: []string{"start-error-mean-ms", "start-error-p99-ms"}, take: startError},
		{rows: []string{"agents-apart-ms"}, take: agentsApart},
		{rows: []string{"card-back-s"}, take: cardBack},
		{rows: []string{"agent-cpu-mpd"}, take: agentCPU},
		{rows: []string{"agent-idle-mb"}, take: agentIdle},
		{rows: []string{"drift-30min-ms"}, take: drift, asked: true},
		{rows: []string{"hub-idle-mb"}, take: hubIdle},
		{rows: []string{"urgent-p99-ms"}, take: urgentDelay},
		{rows: []string{"urgent-loaded"}, take: urgentLoaded},
		{rows: []string{"fanout-cpu-centrifuge", "fanout-cpu-nats", "fanout-cpu-nchan", "fanout-last-centrifuge"}, take: fanout},
		{rows: []string{"conn-memory-centrifuge", "connect-cpu-centrifuge"}, take: connections},
		{rows: []string{"file-cpu-nginx", "file-cpu-bare", "file-cpu-nginx-tls", "file-cpu-bare-tls"}, take: fileCPU},
		{rows: []string{"plan-sweep-10k-s", "plan-sweep-10k-mb"}, take: sweep},
		{rows: []string{"storm-10k-s"}, take: storm},
		{rows: []string{"soak-10k-growth"}, take: soak, asked: true},
		{rows: []string{"plays-100k-sqlite-s"}, take: plays},
		{rows: []string{"plays-100k-postgres-s"}, take: playsPostgres},
		{rows: []string{"evidence-year-s"}, take: evidenceYear},
		{rows: []string{"evidence-year-postgres-s"}, take: evidenceYearPostgres, asked: true},
		{rows: []string{"page-script-kb", "page-ready-s"}, take: firstPage},
		{rows: []string{"fleet-fps"}, take: fleetFPS},
		{rows: []string{"seal-10k-s", "verify-heads-per-s"}, take: sealing},
	}
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "push": // fanout's own server
		if err := pushAlone(); err != nil {
			fmt.Fprintln(os.Stderr, "bench push:", err)
		}
		return
	case len(os.Args) == 4 && os.Args[1] == "files": // one beside a hub that gives files
		if err := bareFiles(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "bench files:", err)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("BENCH")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called, nothing else is deferred
	}
}

func run(ctx context.Context, picked string) error {
	var names []string
	if picked != "" {
		names = strings.Split(picked, ",")
	}
	wanted := func(row string) bool { return names == nil || slices.Contains(names, row) }
	all := measurements()
	for _, n := range names {
		if !slices.ContainsFunc(all, func(m measurement) bool { return slices.Contains(m.rows, n) }) {
			return fmt.Errorf("no row is called %q", n)
		}
	}
	dir, err := os.MkdirTemp("", "loa-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var rows []Row
	var errs []error
	for _, m := range all {
		if !slices.ContainsFunc(m.rows, wanted) || m.asked && names == nil {
			continue
		}
		taken, err := m.take(ctx, filepath.Join(dir, m.rows[0]))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.rows[0], err))
			continue
		}
		for _, r := range taken {
			if wanted(r.Name) {
				rows = append(rows, r)
				show(r)
			}
		}
	}
	return errors.Join(append(errs, write(rows))...)
}

func show(r Row) {
	verdict := "reached"
	if r.Better == "lower" && r.Ratio > r.Goal || r.Better == "higher" && r.Ratio < r.Goal {
		verdict = "MISSED"
	}
	fmt.Printf("%-24s %10.3f %-4s %10.3f %-28s ratio %6.3f, goal %5.2f (%s is better): %s\n",
		r.Name, r.Ours, r.Unit, r.Peer, r.PeerName, r.Ratio, r.Goal, r.Better, verdict)
}

func write(rows []Row) error {
	b, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll("var", 0o700); err != nil {
		return err
	}
	return os.WriteFile("var/bench.json", append(b, '\n'), 0o600)
}

// beside makes a row with a peer.
func beside(name, unit string, ours, peer float64, peerName string, goal float64) Row {
	return Row{name, ours, peer, peerName, unit, ours / peer, goal, "lower"}
}

// against makes a row without one: the promised figure is the peer.
func against(name, unit string, ours, promised float64) Row {
	return Row{name, ours, promised, "promised", unit, ours / promised, 1, "lower"}
}
