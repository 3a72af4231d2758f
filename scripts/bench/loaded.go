//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/fleet"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
)

// urgentLoaded is the time from the click that approves an urgent bulletin until its order is at an agent that is idle, while
// others of the hub download over lines of 1 MB/s: the 99th percentile of 1,000, beside that with nobody downloading.
func urgentLoaded(ctx context.Context, dir string) (rows []Row, err error) {
	const idle, busy, perS, bulletins = 1000, 100, 1e6, 4
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	long, err := approved(ctx, site, dir, quarterHour)
	if err != nil {
		return nil, err
	}
	warning, err := approved(ctx, site, dir, 1500*time.Millisecond)
	if err != nil {
		return nil, err
	}
	o, err := enrolled(ctx, site, idle+busy)
	if err != nil {
		return nil, err
	}
	o.Manner = func(agent int) (m fleet.Manner) {
		if agent >= idle {
			m.Line = perS
		}
		return m
	}
	var orders arrivals
	o.Ordered = orders.note
	if err := site.StartHub(ctx); err != nil {
		return nil, err
	}
	c, err := crowd(ctx, o)
	if err != nil {
		return nil, err
	}
	defer c.stop()
	delays := func() (p []float64, err error) { // the 99th percentile of each bulletin, ms
		for range bulletins {
			if err := pass(ctx, 2*time.Second); err != nil { // what the last one left is done
				return nil, err
			}
			late, err := orders.of(ctx, site, warning.ID, o.Agents[:idle], idle+busy)
			if err != nil {
				return nil, err
			}
			p = append(p, p99(late))
		}
		return p, nil
	}
	var quiet, loaded, took []float64
	for range rounds {
		without, err := delays()
		if err != nil {
			return nil, err
		}
		stop := c.download(ctx, o.Agents[idle:], broadcast.Hash(long.SHA256))
		with, err := delays()
		fetches, downloadErr := stop()
		if err := errors.Join(err, downloadErr); err != nil {
			return nil, err
		}
		quiet, loaded, took = append(quiet, without...), append(loaded, with...), append(took, fetches...)
	}
	fmt.Printf("  urgent: %d bulletins to %d agents, p99 median %.1f ms, worst %.1f ms; of them %d downloading %.2f MB/s each: %.1f ms, %.1f ms\n", len(quiet), idle+busy,
		median(quiet), slices.Max(quiet), busy, float64(long.Size)/1e6/median(took), median(loaded), slices.Max(loaded))
	return []Row{beside("urgent-loaded", "ms", median(loaded), median(quiet), "nobody downloads", 2)}, nil
}

// arrivals is when the newest bulletin's order was at which agent.
type arrivals struct {
	mu     sync.Mutex
	at     map[string]mono.Instant
	ceased int // who have its cancel
}

func (a *arrivals) note(agent string, o seal.Order, at mono.Instant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch o.Kind {
	case seal.OrderLive:
		a.at[agent] = at
	case seal.OrderCancel:
		a.ceased++
	}
}

// of has an urgent bulletin go to all agents and cancels it, and gives how many ms after the click its order was at some.
func (a *arrivals) of(ctx context.Context, site *rig.Site, report string, some []fleet.Identity, all int) (late []float64, err error) {
	a.mu.Lock()
	a.at, a.ceased = map[string]mono.Instant{}, 0
	a.mu.Unlock()
	await := func(what string, n func() int) error {
		return rig.Await(ctx, what, func(context.Context) (bool, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return n() == all, nil
		})
	}
	id, clicked, err := shout(ctx, site, report)
	if err != nil {
		return nil, err
	}
	if err := await("the order is everywhere", func() int { return len(a.at) }); err != nil {
		return nil, err
	}
	if err := site.Author.Call(ctx, "POST", "urgent/"+id+"/cancel", nil, nil); err != nil {
		return nil, err
	}
	if err := await("its cancel is everywhere", func() int { return a.ceased }); err != nil {
		return nil, err
	}
	for _, who := range some {
		late = append(late, a.at[who.ID].Sub(clicked).Seconds()*1000)
	}
	return late, nil
}

// download has agents fetch a blob again and again; stop gives how many seconds each fetch took.
func (c *crowded) download(ctx context.Context, agents []fleet.Identity, blob broadcast.Hash) (stop func() (took []float64, err error)) {
	ctx, cancel := context.WithCancel(ctx)
	var all errgroup.Group
	var mu sync.Mutex
	var took []float64
	for _, who := range agents {
		all.Go(func() error {
			for {
				began := time.Now()
				if err := c.Fetch(ctx, who.ID, blob); err != nil {
					return err
				}
				mu.Lock()
				took = append(took, time.Since(began).Seconds())
				mu.Unlock()
			}
		})
	}
	return func() ([]float64, error) {
		cancel()
		if err := all.Wait(); !errors.Is(err, context.Canceled) {
			return nil, err
		}
		return took, nil
	}
}
