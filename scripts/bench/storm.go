//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/postgres"
)

// crowded is a hub with simulated agents that are connected and have their plans.
type crowded struct {
	*fleet.Fleet
	agents []fleet.Identity
	lost   atomic.Int64 // connections that were refused or ended
	why    atomic.Value // the last reason
	stop   func()
}

// crowd connects the agents of a site's commune that o names; stop ends them.
func crowd(ctx context.Context, o fleet.Options) (*crowded, error) {
	c := &crowded{agents: o.Agents}
	o.Lost = func(_ string, err error) {
		c.lost.Add(1)
		c.why.Store(fmt.Sprint(err))
	}
	f, err := fleet.New(o)
	if err != nil {
		return nil, err
	}
	c.Fleet = f
	running, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(running) }()
	c.stop = func() { cancel(); <-ended }
	if err := c.all(ctx); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// all waits until every agent is connected and has a plan.
func (c *crowded) all(ctx context.Context) error {
	err := rig.Await(ctx, "the crowd is connected and has its plans", func(context.Context) (bool, error) {
		return c.Connected() == len(c.agents) && c.Planned() == len(c.agents), nil
	})
	if err != nil {
		err = fmt.Errorf("%w: %d connected, %d with a plan, %d connections lost, last: %v", err, c.Connected(), c.Planned(), c.lost.Load(), c.why.Load())
	}
	return err
}

// enrolled stops a site's hub, writes agents into its database and gives what a fleet needs.
func enrolled(ctx context.Context, site *rig.Site, n int) (o fleet.Options, err error) {
	if err := site.Hub.Stop(); err != nil {
		return o, err
	}
	all, err := hubtest.EnrollIn(ctx, site.Database, site.HubData(), "xa", n)
	if err != nil {
		return o, err
	}
	for _, e := range all {
		o.Agents = append(o.Agents, fleet.Identity(e))
	}
	o.Hub = site.URL
	o.Trust, err = hubtest.TrustOf(site.HubData())
	return o, err
}

// joined has simulated agents join a site's commune and connect.
func joined(ctx context.Context, site *rig.Site, n int) (*crowded, error) {
	o, err := enrolled(ctx, site, n)
	if err != nil {
		return nil, err
	}
	if err := site.StartHub(ctx); err != nil {
		return nil, err
	}
	return crowd(ctx, o)
}

// encrypted has a site's hub, which is stopped, and the agents of o speak TLS from now on; serve starts the hub.
func encrypted(ctx context.Context, site *rig.Site, dir string, o *fleet.Options) (serve func() error, err error) {
	if err := site.HubCommand(ctx, "tls", "init"); err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(site.HubData(), "tls", "ca.pem"))
	if err != nil {
		return nil, err
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: x509.NewCertPool()}
	o.TLS.RootCAs.AppendCertsFromPEM(ca)
	addr := site.URL[len("http://"):]
	o.Hub = "https://" + addr
	return func() (err error) {
		site.Hub, err = rig.Start(site.Program("loa-hub"), []string{"serve"}, []string{"LOA_HUB_DATA=" + site.HubData(), "LOA_HUB_LISTEN=" + addr}, filepath.Join(dir, "tls.log"))
		return err
	}, nil
}

// storm is a hub that was killed and comes back: how long until the last of ten thousand agents is connected again, by TLS.
func storm(ctx context.Context, dir string) (rows []Row, err error) {
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	o, err := enrolled(ctx, site, listeners)
	if err != nil {
		return nil, err
	}
	serve, err := encrypted(ctx, site, dir, &o)
	if err != nil {
		return nil, err
	}
	if err := serve(); err != nil {
		return nil, err
	}
	c, err := crowd(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	var took []float64
	for range rounds {
		if err := pass(ctx, 61*time.Second); err != nil { // after a minute on the line an agent begins its waits anew
			return nil, err
		}
		site.Hub.Kill()
		if err := rig.Await(ctx, "all know that the hub is gone", func(context.Context) (bool, error) { return c.Connected() == 0, nil }); err != nil {
			return nil, err
		}
		before := c.lost.Load()
		begin := time.Now()
		if err := serve(); err != nil {
			return nil, err
		}
		if err := c.all(ctx); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin).Seconds())
		fmt.Printf("  storm: all back after %.1f s, %d attempts failed meanwhile\n", took[len(took)-1], c.lost.Load()-before)
	}
	return []Row{against("storm-10k-s", "s", median(took), 30)}, nil
}

// plays is ten thousand agents that deliver ten records each at once: how long until the hub has acknowledged the last.
func plays(ctx context.Context, dir string) (rows []Row, err error) {
	return playsIn(ctx, dir, "", "plays-100k-sqlite-s", 10)
}

// playsPostgres is the same on a PostgreSQL of its own.
func playsPostgres(ctx context.Context, dir string) (rows []Row, err error) {
	server, err := postgres.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return playsIn(ctx, dir, server.URL("postgres"), "plays-100k-postgres-s", 6)
}

func playsIn(ctx context.Context, dir, database, row string, promised float64) (rows []Row, err error) {
	const each = 10
	site, err := unpairedIn(ctx, database, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	c, err := joined(ctx, site, listeners)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	var took []float64
	for range rounds {
		if err := pass(ctx, 5*time.Second); err != nil {
			return nil, err
		}
		records := make(map[string][]broadcast.Play, len(c.agents))
		for _, a := range c.agents {
			if records[a.ID], err = heardOnce(each); err != nil {
				return nil, err
			}
		}
		begin := time.Now()
		for id, r := range records {
			c.Play(id, r...)
		}
		if err := rig.Await(ctx, "every record is acknowledged", func(context.Context) (bool, error) { return c.Owed() == 0, nil }); err != nil {
			return nil, fmt.Errorf("%w: %d are not", err, c.Owed())
		}
		took = append(took, time.Since(begin).Seconds())
	}
	return []Row{against(row, "s", median(took), promised)}, nil
}

// heardOnce gives records of slots of a minute that were played.
func heardOnce(n int) (out []broadcast.Play, err error) {
	const minute = int64(time.Minute / time.Millisecond)
	for i := range n {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		start := time.Now().Add(-time.Duration(n-i) * time.Hour).UTC().Truncate(time.Millisecond)
		out = append(out, broadcast.Play{ID: id.String(), Slot: fmt.Sprintf("%s@%d#0", id, i), Broadcast: id.String(), Report: id.String(), Class: broadcast.Normal,
			PlannedStart: start, PlannedEnd: start.Add(time.Minute), StartedAt: start, EndedAt: start.Add(time.Minute), Outcome: broadcast.Played,
			Reason: "complete", ReachedMS: minute})
	}
	return out, nil
}
