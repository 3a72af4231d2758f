package clock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	lookEvery  = time.Second / 4 // a clock that was set must not be believed, nor a machine that wakes up play on, for longer
	leastSleep = time.Second     // two clocks are not read at once, on a busy machine
	tickEvery  = 3 * time.Minute // the saved tick; a power cut loses at most this much of the floor
)

// Machine is the clocks of the machine. System gives the real ones.
type Machine struct {
	BootID   string                          // changes at every boot; "" when the machine has none
	Elapsed  func() time.Duration            // since boot, time in suspend included
	Mono     func() mono.Instant             // the player's clock
	Wall     func() time.Time                // the system's
	Hardware func() (t time.Time, err error) // the battery-backed one
	Kept     func() bool                     // whether a time service says that the system's is right; nil: nobody can tell
}

// Options of a clock.
type Options struct {
	File    string    // what outlives the process
	Build   time.Time // of this program: no time before it is true
	Machine Machine
	Log     *slog.Logger
}

// Clock is trusted time.
type Clock struct {
	file    string
	machine Machine
	log     *slog.Logger
	changed change.Signal
	saving  sync.Mutex // one writer of the file at a time

	mu    sync.Mutex
	state state
	awake time.Duration // boot-time clock less the player's, which stands still while the machine sleeps
}

// Open reads the saved time and the hardware clock and decides what to trust.
func Open(o Options) (*Clock, error) {
	c := &Clock{file: o.File, machine: o.Machine, log: o.Log}
	before, err := load(o.File)
	if err != nil {
		// A damaged file costs the trust and the tick; the floor of documents comes back with the plan.
		c.log.Warn("saved time is not readable, going on without", "file", o.File, "error", err)
	}
	r := c.read()
	if r.hardware, err = c.machine.Hardware(); err != nil {
		r.hardware = time.Time{}
		c.log.Info("no hardware clock", "error", err)
	}
	c.state, c.awake = begin(o.Build, before, r), r.elapsed-time.Duration(c.machine.Mono())
	c.state.look(r)
	c.log.Info("clock", "trust", c.state.trust, "time", c.state.now(r.elapsed), "detail", c.state.detail)
	return c, nil
}

// Run watches for a system clock that is set and saves the tick; it saves once more at its end.
func (c *Clock) Run(ctx context.Context) error {
	c.keep() // what was made of this boot must outlive a crash of the agent, whatever is done to the clocks then
	look, tick := time.NewTicker(lookEvery), time.NewTicker(tickEvery)
	defer look.Stop()
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.Look() // what was set a moment ago must not pass for trusted at the next start
			return c.Save()
		case <-look.C:
			c.Look()
		case <-tick.C:
			c.keep()
		}
	}
}

// Look compares the machine's clocks once; Run does so every lookEvery.
func (c *Clock) Look() {
	_, before := c.Now()
	_ = c.update(func(st *state) error { st.look(c.read()); return nil }) // cannot fail
	if _, after := c.Now(); after != before {
		c.keep()
	}
	if c.slept() {
		c.changed.Notify()
	}
}

// keep saves; a disk that does not take it costs the floor some minutes and a restart its trust.
func (c *Clock) keep() {
	if err := c.Save(); err != nil {
		c.log.Warn("time is not saved", "error", err)
	}
}

// slept tells whether the machine slept since it was last asked: instants given before are wrong.
func (c *Clock) slept() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.awake
	c.awake = c.machine.Elapsed() - time.Duration(c.machine.Mono())
	return c.awake-was > leastSleep
}

// Now is the time and how far it may be trusted. Untrusted time is for logs only.
func (c *Clock) Now() (time.Time, Trust) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.now(c.machine.Elapsed()), c.state.trust
}

// Instant is when, on the player's clock, it will be t.
func (c *Clock) Instant(t time.Time) mono.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.machine.Mono()
	return at.Add(t.Sub(c.state.now(c.machine.Elapsed())))
}

// Time is what time it was, or will be, at an instant of the player's clock.
func (c *Clock) Time(at mono.Instant) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.machine.Mono()
	return c.state.now(c.machine.Elapsed()).Add(at.Sub(now))
}

// Sync takes a verified signed time that was asked for at asked and came at got.
func (c *Clock) Sync(signed time.Time, asked, got mono.Instant) error {
	taken := false
	err := c.update(func(st *state) error {
		was := st.elapsed
		received := c.machine.Elapsed() - c.machine.Mono().Sub(got)
		err := st.sync(signed, received-got.Sub(asked), received)
		taken = st.elapsed != was
		return err
	})
	if err != nil || !taken {
		return err
	}
	return c.Save() // so that a restart a moment later keeps it
}

// SetByOperator takes the time that a person at the machine set, who has shown the operator's PIN.
func (c *Clock) SetByOperator(t time.Time) error {
	if err := c.update(func(st *state) error { return st.byHand(t, c.read()) }); err != nil {
		return err
	}
	return c.Save()
}

// Verified raises the floor to the date of a verified document.
func (c *Clock) Verified(issued time.Time) {
	_ = c.update(func(st *state) error { // cannot fail
		st.verified(issued, c.machine.Elapsed())
		return nil
	})
}

// Subscribe gives a channel that tells when trust or time are another than what the boot-time clock carries
// on, and when Instant would give other answers because the machine slept: see change.Signal.
func (c *Clock) Subscribe() <-chan struct{} { return c.changed.Subscribe() }

// Status is what the agent says of its clock.
func (c *Clock) Status() broadcast.ClockStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.state.now(c.machine.Elapsed())
	return broadcast.ClockStatus{Trust: c.state.trust, OffsetMS: c.machine.Wall().Sub(now).Milliseconds(),
		ErrorMS: c.state.err.Milliseconds(), Detail: c.state.detail}
}

// Save writes what the next process begins with.
func (c *Clock) Save() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	r := c.read()
	c.state.tick(r.elapsed)
	s := c.state.save(r)
	c.mu.Unlock()
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode saved time: %w", err)
	}
	return durable.Replace(c.file, raw)
}

func (c *Clock) read() reading {
	return reading{bootID: c.machine.BootID, elapsed: c.machine.Elapsed(), wall: c.machine.Wall(), kept: c.machine.Kept != nil && c.machine.Kept()}
}

// update changes the state and tells when trust or time moved.
func (c *Clock) update(change func(*state) error) error {
	c.mu.Lock()
	elapsed := c.machine.Elapsed()
	trust, now := c.state.trust, c.state.now(elapsed)
	err := change(&c.state)
	moved := c.state.trust != trust || !c.state.now(elapsed).Equal(now)
	detail := c.state.detail
	after := c.state.trust
	c.mu.Unlock()
	if after != trust {
		c.log.Info("clock", "trust", after, "detail", detail)
	}
	if moved {
		c.changed.Notify()
	}
	return err
}

func load(file string) (saved, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return saved{}, nil
	}
	if err != nil {
		return saved{}, fmt.Errorf("read saved time: %w", err)
	}
	var s saved
	if err := json.Unmarshal(raw, &s); err != nil {
		return saved{}, fmt.Errorf("parse saved time: %w", err)
	}
	return s, nil
}
