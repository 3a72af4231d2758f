package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/agent/internal/service"
	"github.com/loa-vn/loa/agent/internal/speaker"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/mono"
)

// Options of an agent.
type Options struct {
	Config  config.Agent
	Version string    // of this program
	Built   time.Time // no time before it is true; zero takes the one in the source
	Log     *slog.Logger

	// Output is the sound card; nil starts the speaker's child process: this program with the argument "speaker".
	Output player.Output
	// Checker is the command that looks at a database before it is opened, see cache.CheckChild; nil checks nothing.
	Checker []string
	// Service is the service manager that started this process, if one did.
	Service service.Manager
	// Hung, if not nil, is called when a part hangs: it ends the process where no manager does.
	Hung func()
	// Machine is the clocks; nil takes this machine's.
	Machine *clock.Machine
}

// App is one agent.
type App struct {
	o       Options
	machine clock.Machine
	clock   *clock.Clock
	page    *page         // nil when none is wanted
	pin     *console.PIN  // nil when there is no console
	enrol   *enroller     // pairs from the console
	tail    *tail         // of the log, for the hub's admin
	started chan struct{} // closed when the paired parts run

	mu     sync.Mutex
	paired *paired
	who    identity
	begun  mono.Instant // when an agent whose parts do not run yet went round last, or they began to
}

// born is the date of the source: a clock before it is wrong, whatever it rests on.
func born() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }

const (
	stampSlack = 24 * time.Hour            // the clock of who committed may have been ahead
	stampMost  = 25 * 365 * 24 * time.Hour // a stamp further from the source than this is broken
)

// builtAt reads the linker's stamp, Unix seconds; one that is missing or broken gives the date of the source.
func builtAt(stamp string) time.Time {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	at := time.Unix(seconds, 0).UTC().Add(-stampSlack)
	if err != nil || at.Before(born()) || at.After(born().Add(stampMost)) {
		return born()
	}
	return at
}

// watchPairing is how often an agent without a pairing looks for one.
const watchPairing = time.Second

// New makes the data folder, opens the clock and binds the console's address, if it is free. Run does the rest.
func New(o Options) (*App, error) {
	if o.Built.Before(born()) {
		o.Built = born()
	}
	if err := makeDataDir(o.Config.Data); err != nil {
		return nil, err
	}
	a := &App{o: o, started: make(chan struct{}), tail: &tail{}}
	a.o.Log = slog.New(slog.NewMultiHandler(o.Log.Handler(), slog.NewTextHandler(a.tail, nil)))
	o.Log = a.o.Log
	a.enrol = newEnroller(a)
	if o.Machine != nil {
		a.machine = *o.Machine
	} else {
		a.machine = clock.System("")
	}
	var err error
	a.clock, err = clock.Open(clock.Options{File: filepath.Join(o.Config.Data, "clock.json"), Build: o.Built, Machine: a.machine, Log: o.Log})
	if err != nil {
		return nil, err
	}
	if o.Config.Console == config.ConsoleOff {
		return a, nil
	}
	a.pin = console.NewPIN(filepath.Join(o.Config.Data, pinFile), a.monoNow)
	a.page = newPage(o.Config.Console, o.Log, func(l net.Listener) *console.Console { return console.New(l, a.pin, a.sources, o.Log) })
	a.page.bind()
	return a, nil
}

// ConsoleAddr is where the console is reached, "" while it is not.
func (a *App) ConsoleAddr() string {
	if a.page == nil {
		return ""
	}
	return a.page.addr()
}

// Started closes when the agent is paired and its parts run.
func (a *App) Started() <-chan struct{} { return a.started }

// Status is how the agent is; false while it is not paired.
func (a *App) Status() (broadcast.Status, bool) {
	a.mu.Lock()
	p := a.paired
	a.mu.Unlock()
	if p == nil {
		return broadcast.Status{}, false
	}
	return p.health.Status(), true
}

// Run is the agent until ctx ends: it serves the console, waits for a pairing, then plays. What sounds when
// ctx ends is faded out and left open, so that the next start goes on with it.
func (a *App) Run(ctx context.Context) error {
	jobs, ctx := errgroup.WithContext(ctx)
	run := func(name string, job func(context.Context) error) {
		jobs.Go(func() error {
			if err := job(ctx); err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	a.begin()
	run("clock", a.clock.Run)
	run("service", a.vigil().Run)
	if a.page != nil {
		run("console", a.page.run)
		run("pairing", a.enrol.Run)
	}
	run("agent", a.play)
	return jobs.Wait()
}

// play waits for the pairing and runs what needs one.
func (a *App) play(ctx context.Context) error {
	who, err := a.awaitPairing(ctx)
	if err != nil {
		return err
	}
	p, err := a.assemble(who)
	if err != nil {
		return err
	}
	a.begin()
	a.mu.Lock()
	a.paired, a.who = p, who
	a.mu.Unlock()
	close(a.started)
	return p.run(ctx)
}

// awaitPairing reads whose agent this is; loa-agent pair may write it while we wait.
func (a *App) awaitPairing(ctx context.Context) (identity, error) {
	tick := time.NewTicker(watchPairing)
	defer tick.Stop()
	told := false
	for {
		a.begin()
		who, err := loadIdentity(a.o.Config.Data)
		if !unpaired(err) {
			return who, err
		}
		if !told {
			a.o.Log.Warn("not paired with a hub; open the console, or run: loa-agent pair --hub ADDRESS --code CODE --data " + a.o.Config.Data)
			told = true
		}
		select {
		case <-ctx.Done():
			return identity{}, ctx.Err()
		case <-tick.C:
		}
	}
}

func (a *App) output() (player.Output, error) {
	if a.o.Output != nil {
		return a.o.Output, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	c := speaker.Config{Command: []string{self, "speaker"}, Log: a.o.Log.With("part", "speaker")}
	if a.clock != nil { // the doctor has none
		moment := a.now()
		c.Steady = func() mono.Instant { return a.clock.Instant(moment) }
	}
	return speaker.New(c), nil
}

// bootID changes with each boot of the machine, "" when that is not known.
func (a *App) bootID() string { return a.machine.BootID }

func (a *App) monoNow() mono.Instant { return a.machine.Mono() }
