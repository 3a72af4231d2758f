package amplifier

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
)

// State words of broadcast.AmplifierStatus.
const (
	StateOn      = "on"
	StateOff     = "off"
	StateFailing = "failing"
)

// Options of an amplifier.
type Options struct {
	Switch Switch
	Lead   time.Duration    // before a sound
	Now    func() time.Time // best known time, in which Next and Cue speak
	Next   func() time.Time // when the next sound begins, zero for none
	// Changes tell that Now or Next are other than they were expected to be.
	Changes []<-chan struct{}
	Log     *slog.Logger
}

// Amplifier is the owner of the switch.
type Amplifier struct {
	o       Options
	changed change.Signal // the state, for others
	cued    change.Signal // the cues, for Run
	wake    <-chan struct{}
	ended   chan turn

	// Owned by Run.
	is      position
	memory  memory       // by the monotonic clock
	turning *turn        // the command that runs, nil for none
	failed  map[bool]int // times in a row, by direction
	retry   time.Time    // not before then the same again
	tried   bool         // the direction that is meant by retry

	mu       sync.Mutex
	cues     map[int]time.Time // with the player, by the order they came
	last     int
	state    string
	problems map[bool]string // what the last command of each direction failed with
}

// position is what is known of the amplifier.
type position int

const (
	isOff position = iota
	isOn
	unknown // a command is under way, failed, or a crash came between
)

// turn is one run of a command.
type turn struct {
	on     bool
	cancel context.CancelFunc
	err    error
}

// New makes an amplifier; Run moves it.
func New(o Options) *Amplifier {
	o.Log = o.Log.With("part", "amplifier")
	a := &Amplifier{o: o, ended: make(chan turn, 1), failed: map[bool]int{}, cues: map[int]time.Time{}, problems: map[bool]string{}, state: StateOff}
	a.wake = a.cued.Subscribe()
	return a
}

// Cue says that a sound is with the player and begins at an instant; the function it gives says that it has ended.
// Neither blocks.
func (a *Amplifier) Cue(begin time.Time) (ended func()) {
	a.mu.Lock()
	a.last++
	id := a.last
	a.cues[id] = begin
	a.mu.Unlock()
	a.cued.Notify()
	return func() {
		a.mu.Lock()
		delete(a.cues, id)
		a.mu.Unlock()
		a.cued.Notify()
	}
}

// Status is how it is.
func (a *Amplifier) Status() broadcast.AmplifierStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := broadcast.AmplifierStatus{State: a.state}
	for _, on := range []bool{true, false} {
		if p := a.problems[on]; p != "" {
			if s.Detail != "" {
				s.Detail += "; "
			}
			s.State, s.Detail = StateFailing, s.Detail+nameOf(on)+": "+p
		}
	}
	return s
}

// Subscribe gives a channel that tells when Status is another.
func (a *Amplifier) Subscribe() <-chan struct{} { return a.changed.Subscribe() }

// Run moves the switch until ctx ends, and leaves it off.
func (a *Amplifier) Run(ctx context.Context) error {
	changes, merged := change.Merge(ctx, append([]<-chan struct{}{a.wake}, a.o.Changes...)...)
	defer merged()
	if a.o.Switch.Marked() {
		a.o.Log.Warn("the amplifier was left on")
		a.is, a.memory.until = unknown, time.Now()
		a.show(StateOn)
	}
	for {
		wake := time.NewTimer(a.step(ctx))
		select {
		case <-ctx.Done():
			wake.Stop()
			a.shutDown(ctx)
			return nil
		case t := <-a.ended:
			a.finish(t)
		case <-changes:
		case <-wake.C:
		}
		wake.Stop()
	}
}

// step begins what is to be done and gives how long nothing else is.
func (a *Amplifier) step(ctx context.Context) time.Duration {
	want, wait := a.memory.ask(time.Now(), a.ahead(), a.o.Lead)
	switch {
	case a.turning != nil:
		if want == on && !a.turning.on { // an urgent bulletin does not wait for the end of a switching-off
			a.turning.cancel()
		}
	case want == on && a.is != isOn:
		wait = min(wait, a.turn(ctx, true))
	case want == off && a.is != isOff:
		wait = min(wait, a.turn(ctx, false))
	}
	return max(wait, time.Millisecond)
}

// ahead is how long it is to the next sound.
func (a *Amplifier) ahead() time.Duration {
	now, least := a.o.Now(), never
	if next := a.o.Next(); !next.IsZero() && next.After(now.Add(-hold)) { // older than that it is not to be believed
		least = next.Sub(now)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, begin := range a.cues {
		least = min(least, begin.Sub(now))
	}
	return least
}

// turn begins a command, or gives how long it must wait after a failure of the same.
func (a *Amplifier) turn(ctx context.Context, on bool) time.Duration {
	if wait := time.Until(a.retry); a.failed[on] > 0 && a.tried == on && wait > 0 {
		return wait
	}
	a.o.Log.Info("amplifier", "command", nameOf(on))
	a.is, a.tried = unknown, on
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // shutDown cancels what must not go on
	t := &turn{on: on, cancel: cancel}
	a.turning = t
	go func() { a.ended <- turn{on: on, cancel: cancel, err: a.o.Switch.Turn(ctx, on)} }() // finish or shutDown waits for it
	return look
}

// Failures are tried again, less and less often: a relay that is gone comes back with a person.
const (
	retryFirst = 5 * time.Second
	retryMost  = 5 * time.Minute
)

// finish takes a command's end.
func (a *Amplifier) finish(t turn) {
	t.cancel()
	a.turning = nil
	switch {
	case errors.Is(t.err, context.Canceled): // it was needed, or the agent ends
		return
	case t.err != nil:
		a.retry = time.Now().Add(min(retryMost, retryFirst<<min(a.failed[t.on], 16)))
		a.failed[t.on]++
		a.o.Log.Error("the amplifier's command failed; the programme goes on", "command", nameOf(t.on), "error", t.err)
		a.told(t.on, t.err.Error())
		return
	}
	a.failed[t.on], a.is = 0, isOff
	if t.on {
		a.is = isOn
	}
	a.told(t.on, "")
	a.show(map[bool]string{true: StateOn, false: StateOff}[t.on])
}

func (a *Amplifier) told(on bool, trouble string) {
	a.mu.Lock()
	moved := a.problems[on] != trouble
	a.problems[on] = trouble
	a.mu.Unlock()
	if moved {
		a.changed.Notify()
	}
}

func (a *Amplifier) show(state string) {
	a.mu.Lock()
	moved := a.state != state
	a.state = state
	a.mu.Unlock()
	if moved {
		a.changed.Notify()
	}
}

// shutDown ends what runs and switches off. It takes the time limit of one command, and what a killed one needs, at most.
func (a *Amplifier) shutDown(ctx context.Context) {
	if a.turning != nil {
		if a.turning.on {
			a.turning.cancel()
		}
		a.finish(<-a.ended)
	}
	if a.is == isOff {
		return
	}
	a.o.Log.Info("amplifier", "command", nameOf(false))
	a.finish(turn{cancel: func() {}, err: a.o.Switch.Turn(context.WithoutCancel(ctx), false)})
}
