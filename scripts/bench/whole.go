//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/wire"
)

// province is a whole hub as a switchboard: what it shouts is a change of the plan of all its agents.
type province struct {
	site     *rig.Site
	report   rig.Report
	agents   []hubtest.Enrolled
	shouting atomic.Int64 // how many changes there were

	mu    sync.Mutex
	heads []held
}

// held is the plan head that an agent has.
type held struct {
	version uint64
	sha256  broadcast.Hash
}

// newProvince is a hub with ten thousand agents, each of which has connected once and has its plan.
func newProvince(ctx context.Context, dir string) (_ *province, err error) {
	site, err := unpaired(ctx, dir)
	if err != nil {
		return nil, err
	}
	p := &province{site: site, heads: make([]held, listeners)}
	defer func() {
		if err != nil {
			err = errors.Join(err, site.Close())
		}
	}()
	if p.report, err = approved(ctx, site, dir, 1500*time.Millisecond); err != nil {
		return nil, err
	}
	if err := site.Hub.Stop(); err != nil {
		return nil, err
	}
	if p.agents, err = hubtest.Enroll(ctx, filepath.Join(dir, "hub"), "xa", listeners); err != nil {
		return nil, err
	}
	if err := site.StartHub(ctx); err != nil {
		return nil, err
	}
	all, err := gather(ctx, p, 201)
	if err != nil {
		return nil, err
	}
	defer all.close()
	return p, rig.Await(ctx, "every agent has its plan", func(context.Context) (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return !slices.ContainsFunc(p.heads, func(h held) bool { return h.version == 0 }), nil
	})
}

func (p *province) pid() int { return p.site.Hub.PID() }

func (p *province) address() (string, []string) {
	return "ws" + p.site.URL[len("http"):] + wire.LinkPath, []string{wire.Protocol}
}

func (p *province) greet(ws *websocket.Conn, i int) (func([]byte) bool, error) {
	who := p.agents[i]
	p.mu.Lock()
	has := p.heads[i]
	p.mu.Unlock()
	err := prove(ws, &wire.Hello{Agent: who.ID, Software: "bench", OS: "none", TrustVersion: 1, PlanVersion: has.version, PlanSHA256: has.sha256}, who.Key)
	if err != nil {
		return nil, err
	}
	var answered int64
	return func(data []byte) bool {
		if !bytes.HasPrefix(data, []byte(`{"type":"plan"`)) || p.take(ws, i, data) != nil {
			return false
		}
		shout := p.shouting.Load()
		first := answered < shout
		answered = shout
		return first
	}, nil
}

// take keeps a head and says so. It is not verified: the agents' processors are their own in the field, and not here.
func (p *province) take(ws *websocket.Conn, i int, data []byte) error {
	m, err := wire.Decode(data)
	if err != nil {
		return err
	}
	plan, ok := m.(*wire.Plan)
	if !ok {
		return fmt.Errorf("not a plan: %s", data)
	}
	var envelope struct{ Payload []byte }
	var head struct{ Version uint64 }
	if err := errors.Join(json.Unmarshal(plan.Envelope, &envelope), json.Unmarshal(envelope.Payload, &head)); err != nil {
		return err
	}
	digest := sha256.Sum256(plan.Envelope)
	p.mu.Lock()
	p.heads[i] = held{head.Version, broadcast.Hash(hex.EncodeToString(digest[:]))}
	p.mu.Unlock()
	return say(ws, &wire.PlanState{Version: head.Version, State: wire.PlanActive})
}

func (p *province) shout(ctx context.Context) error {
	p.shouting.Add(1)
	begin := time.Now()
	_, err := p.site.Schedule(ctx, p.report.ID, "Thông báo", at(begin.Add(time.Hour)), "xa")
	return err
}

func (p *province) close() error { return p.site.Close() }

// again starts the hub anew: memory of an earlier round is no part of the next.
func (p *province) again(ctx context.Context) error {
	return errors.Join(p.site.Hub.Stop(), p.site.StartHub(ctx), pass(ctx, 5*time.Second))
}

// kept is a province between two rounds.
type kept struct{ *province }

func (kept) close() error { return nil }

// connections sets what an agent's connection to the whole hub costs, with proof of key, hello and plan check, beside the
// bare connect of centrifuge.
func connections(ctx context.Context, dir string) (rows []Row, err error) {
	p, err := newProvince(ctx, filepath.Join(dir, "loa"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	var ours, theirs [2][]float64
	for round := range rounds {
		if err := p.again(ctx); err != nil {
			return nil, err
		}
		loa, err := count(ctx, kept{p}, byte(202+2*round))
		if err != nil {
			return nil, fmt.Errorf("loa: %w", err)
		}
		peer, err := startCentrifuge(ctx, dir)
		if err != nil {
			return nil, err
		}
		bare, err := count(ctx, peer, byte(203+2*round))
		if err != nil {
			return nil, fmt.Errorf("centrifuge: %w", err)
		}
		for i, of := range []func(heard) float64{func(h heard) float64 { return h.perConn }, func(h heard) float64 { return h.perConnect }} {
			ours[i], theirs[i] = append(ours[i], of(loa)), append(theirs[i], of(bare))
		}
	}
	return []Row{
		beside("conn-memory-centrifuge", "KB", median(ours[0]), median(theirs[0]), "centrifuge", 0.6),
		beside("connect-cpu-centrifuge", "µs", median(ours[1]), median(theirs[1]), "centrifuge, bare", 1.5),
	}, nil
}

// sweep is one change that hits ten thousand agents: compiled, sealed, all reached.
func sweep(ctx context.Context, dir string) (rows []Row, err error) {
	p, err := newProvince(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	all, err := gather(ctx, p, 220)
	if err != nil {
		return nil, err
	}
	defer all.close()
	var took, grew []float64
	for range rounds {
		if err := pass(ctx, 5*time.Second); err != nil {
			return nil, err
		}
		before, err := anonymous(p.pid())
		if err != nil {
			return nil, err
		}
		most := make(chan int64, 1)
		watching, stop := context.WithCancel(ctx)
		go func() { most <- peak(watching, p.pid()) }()
		last, err := all.shout(ctx)
		stop()
		if grown := <-most - before; err == nil {
			took, grew = append(took, last.Seconds()), append(grew, float64(grown)/(1<<20))
		} else {
			return nil, err
		}
	}
	fmt.Printf("  sweeps: s in turn %.2f\n", took)
	return []Row{against("plan-sweep-10k-s", "s", median(took), 3), against("plan-sweep-10k-mb", "MB", median(grew), 100)}, nil
}

// peak is the most memory that a process holds until ctx ends.
func peak(ctx context.Context, pid int) (most int64) {
	for pass(ctx, 20*time.Millisecond) == nil {
		if now, err := anonymous(pid); err == nil {
			most = max(most, now)
		}
	}
	return most
}
