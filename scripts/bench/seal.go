//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// sealing measures what a hub needs to give 10,000 agents new heads after one change, from reading the change to the
// last head in the database, and how many heads one core verifies in a second, as an agent does.
func sealing(ctx context.Context, dir string) (rows []Row, err error) {
	const communes, each, times = 1000, 10, 3
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p, err := hubtest.NewProvince(ctx, dir, communes, each)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	var took []float64
	for range times {
		if err := p.Change(ctx); err != nil {
			return nil, err
		}
		began := time.Now()
		n, err := p.Sweep(ctx)
		if err != nil || n != communes*each {
			return nil, fmt.Errorf("sealed %d heads: %w", n, err)
		}
		took = append(took, time.Since(began).Seconds())
	}
	slices.Sort(took)
	verified, err := verifying(ctx, p)
	row := against("verify-heads-per-s", "1/s", verified, 10_000)
	row.Better = "higher"
	return []Row{against("seal-10k-s", "s", took[times/2], 2), row}, err
}

// verifying verifies heads, each for its own agent, on one core.
func verifying(ctx context.Context, p *hubtest.Province) (perSecond float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	root, err := seal.NewKey()
	if err != nil {
		return 0, err
	}
	role := func(k seal.Key) seal.RoleKeys { return seal.RoleKeys{Keys: []string{k.ID()}, Threshold: 1} }
	now, key := time.Now(), p.Key()
	trust, err := seal.NewTrust(seal.TrustDoc{Version: 1, IssuedAt: now, Expires: now.Add(time.Hour), Revoked: []string{},
		Keys:  map[string]seal.PublicKey{root.ID(): root.Public(), key.ID(): key.Public()},
		Roles: seal.Roles{Root: role(root), Planner: role(key), Urgent: role(key), Time: role(key)}}, root)
	if err != nil {
		return 0, err
	}
	const heads = 1000
	agents, envelopes := make([]string, heads), make([][]byte, heads)
	for i := range heads {
		if agents[i], envelopes[i], err = p.Head(ctx, i); err != nil {
			return 0, err
		}
	}
	began, used, n := time.Now(), cpuSeconds(), 0
	for ; time.Since(began) < 3*time.Second; n++ {
		_, _, err := seal.OpenVersioned(trust, seal.Expect{Role: seal.Planner, Type: seal.TypePlanHead, Audience: agents[n%heads], Now: now},
			envelopes[n%heads], func(h broadcast.Head) seal.Header {
				return seal.Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
			})
		if err != nil {
			return 0, err
		}
	}
	return float64(n) / (cpuSeconds() - used), nil
}

// cpuSeconds is the processor time this process has used: what a core does in a second must not depend on who else is
// on the machine.
func cpuSeconds() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}
