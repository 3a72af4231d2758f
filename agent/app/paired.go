package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/agent/internal/amplifier"
	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/decisions"
	"github.com/loa-vn/loa/agent/internal/health"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/agent/internal/own"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/agent/internal/playlog"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
)

// paired is what only a paired agent has, in the order the sound flows.
type paired struct {
	link      *link.Link
	cache     *cache.Cache
	decisions *decisions.Book
	own       *own.Shelf // the commune's own audio
	scheduler *scheduler.Scheduler
	amplifier *amplifier.Amplifier // nil where the agent switches none
	player    *player.Player
	output    player.Output
	playlog   *playlog.Log
	health    *health.Health
	tester    *tester
	commands  *commands
	pin       *console.PIN // nil where there is no console
	planned   <-chan struct{}
	log       *slog.Logger
}

// assemble opens what the agent keeps and joins the parts. If it fails, nothing is left open.
func (a *App) assemble(who identity) (p *paired, err error) {
	p = &paired{}
	p.cache, err = cache.Open(cache.Options{
		Dir: a.o.Config.Data, Agent: who.Agent, Limit: int64(a.o.Config.CacheLimit),
		Now: a.now, Trusted: a.trusted, Synced: a.synced, Verified: a.clock.Verified, Metered: metered(a.o.Config),
		Checker: cache.Checker{Command: a.o.Checker}, Log: a.o.Log,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.cache.Close())
		}
	}()
	if p.playlog, err = playlog.Open(p.cache.Records()); err != nil {
		return nil, err
	}
	if p.decisions, err = decisions.Open(p.cache.Decisions(), a.o.Log); err != nil {
		return nil, err
	}
	p.own = own.Open(filepath.Join(a.o.Config.Data, "own"), program("ffmpeg"))
	if p.output, err = a.output(); err != nil {
		return nil, err
	}
	p.player = player.New(p.output, a.monoNow, a.o.Log.With("part", "player"))
	var sounds scheduler.Player = sounder{p.player}
	if switched(a.o.Config) {
		sounds = amplified{Player: sounds, clock: a.clock, p: p}
	}
	p.scheduler = scheduler.New(scheduler.Options{
		Plan: p.plan, Clock: a.clock, Store: store{p.cache, p.own}, Player: sounds,
		Journal: p.cache.Journal(), Records: p.playlog, Log: a.o.Log,
		Changes: []<-chan struct{}{p.cache.SubscribePlan(), p.decisions.Subscribe(), p.cache.Subscribe(), a.clock.Subscribe()},
	})
	if switched(a.o.Config) {
		p.amplifier = a.amplify(p)
	}
	p.health = a.watch(p)
	p.tester = newTester(a, p, p.output)
	p.commands = newCommands(p.cache.Recheck)
	p.pin, p.planned, p.log = a.pin, p.cache.SubscribePlan(), a.o.Log
	p.link, err = a.dial(p, who)
	return p, err
}

// watch joins the parts' states.
func (a *App) watch(p *paired) *health.Health {
	parts := health.Parts{
		Software: a.o.Version,
		Now:      a.now,
		Plan: func() (uint64, time.Time) {
			if plan := p.cache.Plan(); plan != nil {
				return plan.Head.Version, plan.Head.Expires
			}
			return 0, time.Time{}
		},
		Clock: a.clock.Status,
		Cache: p.cache.Status,
		Card: func() (broadcast.CardStatus, <-chan struct{}) {
			state, changed := p.player.WatchCard()
			return broadcast.CardStatus{State: string(state.State), Since: a.clock.Time(state.Since), Detail: state.Detail}, changed
		},
		Playing: p.scheduler.Playing,
		Outbox:  p.playlog.Len,
		Changes: []<-chan struct{}{p.scheduler.Subscribe(), p.cache.SubscribePlan(), p.cache.Subscribe(), a.clock.Subscribe(), p.playlog.Subscribe()},
	}
	parts.Line = func() *broadcast.LineStatus {
		if p.link == nil {
			return nil
		}
		state := p.link.State()
		line := &broadcast.LineStatus{BytesPerS: state.BytesPerS, RoundMS: 2 * a.clock.Status().ErrorMS}
		if state.Connected {
			line.Since = state.Since
		}
		return line
	}
	if p.amplifier != nil {
		parts.Amplifier = p.amplifier.Status
		parts.Changes = append(parts.Changes, p.amplifier.Subscribe())
	}
	if a.page != nil {
		parts.Console = a.page.status
		parts.Changes = append(parts.Changes, a.page.changed.Subscribe())
	}
	return health.New(parts)
}

// dial makes the line to the hub.
func (a *App) dial(p *paired, who identity) (*link.Link, error) {
	hub := who.Hub
	if a.o.Config.Hub != "" {
		hub = a.o.Config.Hub
	}
	secure := security(a.o.Config)
	if secure.Pin == "" {
		secure.Pin = who.Pin
	}
	return link.New(link.Options{
		Hub:      hub,
		Security: secure,
		Identity: link.Identity{Agent: who.Agent, Key: who.key.Private()},
		Software: a.o.Version, OS: runtime.GOOS + "/" + runtime.GOARCH, Boot: a.bootID(),
		Plans: p.cache, Orders: commanded{a, p}, Blobs: blobs{p.cache}, Outbox: p.playlog, Decided: decided{p.decisions}, Reporter: p.health,
		Clock: signedTime{cache: p.cache, clock: a.clock, agent: who.Agent},
		Log:   a.o.Log.With("part", "link"),
	})
}

func metered(c config.Agent) cache.Metered {
	return cache.Metered{Start: c.DownloadHours.Start, End: c.DownloadHours.End, Limit: int64(c.DownloadLimit)}
}

func security(c config.Agent) link.Security {
	return link.Security{CAFile: c.HubCA, Pin: c.HubPin}
}

// run runs the parts until ctx ends. The order of the end matters: the scheduler fades out and writes its
// journal while player and cache still serve it.
func (p *paired) run(ctx context.Context) error {
	under, stopUnder := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUnder()
	lower, under := errgroup.WithContext(under)
	lower.Go(func() error { return named("cache", p.cache.Run(under)) })
	lower.Go(func() error { return named("player", p.player.Run(under)) })

	if p.amplifier != nil { // it switches off when the last sound has faded out
		lower.Go(func() error { return named("amplifier", p.amplifier.Run(under)) })
	}

	upper, over := errgroup.WithContext(ctx)
	upper.Go(func() error { return named("scheduler", p.scheduler.Run(over)) })
	upper.Go(func() error { return named("link", p.link.Run(over)) })
	upper.Go(func() error { return named("health", p.health.Run(over)) })
	upper.Go(func() error { return named("test tone", p.tester.Run(over)) })
	upper.Go(func() error { return named("commands", p.commands.run(over)) })
	upper.Go(func() error { p.watchPIN(over); return nil })
	upper.Go(func() error { // a lower part that fails ends the upper ones
		select {
		case <-over.Done():
			return nil
		case <-under.Done():
			return errors.New("the cache or the player has ended")
		}
	})
	err := upper.Wait()
	stopUnder()
	return errors.Join(lower.Wait(), err, p.cache.Close())
}

// watchPIN forgets the PIN when a plan says that the hub's admin took it back.
func (p *paired) watchPIN(ctx context.Context) {
	for p.pin != nil {
		if plan := p.cache.Plan(); plan != nil {
			if at := plan.PINTakenBack(); !at.IsZero() {
				if err := p.pin.TakeBack(at); err != nil {
					p.log.Error("the PIN is not taken back yet", "error", err) // with the next plan again
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-p.planned:
		}
	}
}

func named(part string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

// now is the best known time.
func (a *App) now() time.Time {
	t, _ := a.clock.Now()
	return t
}

// trusted is the time if it may be trusted, else zero.
func (a *App) trusted() time.Time {
	t, trust := a.clock.Now()
	if trust == clock.Untrusted {
		return time.Time{}
	}
	return t
}

// synced tells whether the time goes by the hub's.
func (a *App) synced() bool {
	_, trust := a.clock.Now()
	return trust == clock.Synced
}

// sources are what the console may read now.
func (a *App) sources() console.Sources {
	a.mu.Lock()
	p, who := a.paired, a.who
	a.mu.Unlock()
	if p == nil {
		if starting, err := loadIdentity(a.o.Config.Data); err == nil && a.enrol.State().Stage == "" {
			return console.Sources{Pairing: func() console.Pairing { // what it has is being opened: a second, or a check after a crash
				return console.Pairing{Paired: true, Agent: starting.Agent, Name: starting.Name, Area: starting.Area, Hub: starting.Hub, Contact: a.o.Config.Contact}
			}}
		}
		return console.Sources{
			Pairing: func() console.Pairing { return console.Pairing{Name: a.o.Config.Name, Hub: a.o.Config.Hub} },
			Join:    a.enrol.Start, Compared: a.enrol.Compared, Enrolment: a.enrol.State,
		}
	}
	return console.Sources{
		Pairing: func() console.Pairing { return a.pairing(p, who) },
		Status:  p.health.Status,
		Plan:    p.plan,
		State:   p.scheduler.State,
		Silence: p.scheduler.Silence,
		Plays:   p.plays,
		Decide: func(d broadcast.Decision) error {
			_, err := p.decisions.Add(p.cache.Plan(), d)
			return err
		},
		Decided:   p.decisions.List,
		MakeOwn:   p.makeOwn,
		OwnAny:    p.own.Any,
		SetClock:  a.clock.SetByOperator,
		StartTone: p.tester.Start,
		Tone:      p.tester.State,
		Live: func() console.Live {
			now, _ := p.scheduler.Playing()
			return console.Live{At: a.now(), Now: now, Level: p.player.Level()}
		},
	}
}

// plan is the one in force, with what the commune decided at this PC laid over it.
func (p *paired) plan() *broadcast.Plan { return p.decisions.Over(p.cache.Plan()) }

func (a *App) pairing(p *paired, who identity) console.Pairing {
	state := p.link.State()
	v := console.Pairing{Paired: true, Agent: who.Agent, Name: who.Name, Area: who.Area, Hub: who.Hub, Contact: a.o.Config.Contact,
		Connection: console.Connection{Connected: state.Connected, Since: state.Since, Problem: state.Problem, Detail: state.Detail}}
	if plan := p.cache.Plan(); plan != nil && plan.Head.Rules.Contact != "" {
		v.Contact = plan.Head.Rules.Contact
	}
	if a.o.Config.Hub != "" {
		v.Hub = a.o.Config.Hub
	}
	if state.Name != "" {
		v.Name, v.Area = state.Name, state.Area
	}
	return v
}

// plays gives the records of slots planned to start in [from, to).
func (p *paired) plays(from, to time.Time) ([]broadcast.Play, error) {
	var out []broadcast.Play
	err := p.playlog.Each(func(r broadcast.Play) bool {
		if !r.PlannedStart.Before(from) && r.PlannedStart.Before(to) {
			out = append(out, r)
		}
		return true
	})
	return out, err
}
