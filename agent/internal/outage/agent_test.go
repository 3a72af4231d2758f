package outage

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/playlog"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// core is one run of the agent's core, from power on to power off.
type core struct {
	w     *world
	power *power
	cache *cache.Cache
	log   *playlog.Log

	patient bool // the line goes on when the disk takes nothing
}

func (w *world) open(p *power) *core {
	w.t.Helper()
	c, err := cache.Open(cache.Options{Dir: w.dir, Agent: "agent", Limit: 1 << 30, Free: func(string) (int64, error) { return 1 << 40, nil },
		Now: time.Now, Trusted: time.Now, Verified: func(time.Time) {}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	log, err := playlog.Open(c.Records())
	if err != nil {
		w.t.Fatal(err)
	}
	p.watch(c)
	return &core{w: w, power: p, cache: c, log: log}
}

// run is the agent until its power goes or the time comes.
func (k *core) run(until time.Time) {
	ctx, cancel := context.WithCancel(k.w.t.Context())
	s := scheduler.New(scheduler.Options{Plan: k.cache.Plan, Clock: steady{}, Store: shelf{k.cache},
		Player:  player{card: k.w.card, power: k.power, hub: k.w.hub, length: k.w.length},
		Journal: journal{k.cache.Journal(), k.w, k.power}, Records: records{k.log, k.w, k.power}, Log: slog.New(slog.DiscardHandler),
		Changes: []<-chan struct{}{k.cache.SubscribePlan(), k.cache.Subscribe()}})
	var parts sync.WaitGroup
	for _, run := range []func(context.Context) error{k.cache.Run, s.Run, k.line} {
		parts.Go(func() {
			if err := run(ctx); err != nil && k.power.on() {
				k.w.t.Errorf("a part ended: %v", err)
			}
		})
	}
	end := time.NewTimer(time.Until(until))
	defer end.Stop()
	select {
	case <-k.power.gone:
	case <-end.C:
	}
	cancel()
	parts.Wait()
	if err := k.cache.Close(); err != nil && k.power.on() {
		k.w.t.Error(err)
	}
}

// line is the link to the hub: a step of download, of plan and of the outbox at a time.
func (k *core) line(ctx context.Context) error {
	for wait(ctx, 300*time.Millisecond) {
		for _, step := range []func(context.Context) error{k.takePlan, k.download, k.send} {
			if !k.power.on() {
				return nil
			}
			if err := step(ctx); err != nil && !k.patient {
				return err
			}
		}
	}
	return nil
}

func (k *core) takePlan(ctx context.Context) error {
	k.power.boundary()
	version, envelope := k.w.newest()
	if held, _, _ := k.cache.Held(); held >= version {
		return nil
	}
	state := k.cache.Offer(ctx, envelope)
	k.power.boundary()
	if state.State == wire.PlanRefused {
		return errors.New("plan refused: " + state.Code)
	}
	if k.power.on() {
		k.w.held = max(k.w.held, version)
	}
	return nil
}

// download brings one chunk of what is wanted first, and tells the hub what the disk has.
func (k *core) download(ctx context.Context) error {
	want, ok := k.cache.NextWant(func(broadcast.Hash) bool { return false })
	if ok {
		data := k.w.hub.blobs[want.SHA256]
		end := min(int64(len(data)), want.Have+chunk)
		if err := k.cache.Put(ctx, want.SHA256, want.Have, data[want.Have:end], end == int64(len(data))); err != nil {
			return err
		}
	}
	k.power.boundary()
	for _, h := range k.cache.HoldingsSince() {
		if k.power.on() {
			k.w.told[h.SHA256] = h.Have
		}
	}
	return nil
}

// send gives records to the hub and takes its acknowledgements.
func (k *core) send(context.Context) error {
	plays, err := k.log.Pending(2, nil)
	if err != nil {
		return err
	}
	if len(plays) == 0 || !k.power.on() {
		return nil
	}
	ids := []string{}
	for _, p := range plays {
		k.w.receive(p)
		ids = append(ids, p.ID)
	}
	k.power.boundary() // the hub has them, the agent does not know
	k.w.note(plays, func(p broadcast.Play) { k.w.doubt[p.Slot] = true })
	err = k.log.Acked(ids)
	k.power.boundary()
	if err == nil && k.power.on() {
		k.w.note(plays, func(p broadcast.Play) { k.w.gone[p.Slot] = true })
	}
	return err
}

// journal is the scheduler's journal, with the power.
type journal struct {
	cache.Journal
	w     *world
	power *power
}

func (j journal) Write(put map[string][]byte, drop []string) error {
	j.power.boundary()
	err := j.Journal.Write(put, drop)
	j.power.boundary()
	if err == nil && j.w.since.IsZero() && j.power.on() {
		j.w.since = time.Now()
	}
	return err
}

// records is the play log, with the power.
type records struct {
	*playlog.Log
	w     *world
	power *power
}

func (r records) Add(plays ...broadcast.Play) error {
	r.power.boundary()
	if r.power.on() {
		r.w.note(plays, func(p broadcast.Play) { r.w.tried[p.ID] = p })
	}
	err := r.Log.Add(plays...)
	r.power.boundary()
	if err == nil && r.power.on() {
		r.w.note(plays, func(p broadcast.Play) { r.w.kept[p.Slot] = true })
	}
	return err
}
