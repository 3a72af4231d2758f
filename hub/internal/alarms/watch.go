package alarms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/bus"
)

// look is how often the fleet is judged.
const look = 5 * time.Second

// View is what app gathers for a look.
type View struct {
	Clusters []Cluster
	Hub      Hub
	Parents  Parents
}

// Publisher is told of every alarm that changed: topic alarm.
type Publisher interface{ Publish(bus.Event) }

// Options of a Watch.
type Options struct {
	DB     bun.IDB
	Events Publisher
	Look   func(ctx context.Context) (View, error)
	Limits Limits
	Mail   *Mail    // nil for none
	Hook   *Webhook // nil for none
	Log    *slog.Logger
	Now    func() time.Time
}

// Watch keeps the alarms.
type Watch struct {
	o        Options
	channels []channel

	mu    sync.Mutex // one look, or one person's decision, at a time
	stats map[string]Channel
}

// channel is one way to people.
type channel interface {
	name() string
	to() string
	// send tells notices, all at once or in order; done is how many were told when it fails.
	send(ctx context.Context, notices []Notice) (done int, err error)
}

// Channel is how one way to people does.
type Channel struct {
	Name     string
	To       string
	LastSent time.Time
	Error    string // of the last attempt, "" when it worked
}

// New makes a Watch; Run makes it look.
func New(o Options) *Watch {
	w := &Watch{o: o, stats: map[string]Channel{}}
	if o.Mail != nil {
		w.channels = append(w.channels, o.Mail)
	}
	if o.Hook != nil {
		w.channels = append(w.channels, o.Hook)
	}
	for _, c := range w.channels {
		w.stats[c.name()] = Channel{Name: c.name(), To: c.to()}
	}
	return w
}

// Run looks until ctx ends, and delivers beside it: a mail server that hangs holds up no look.
func (w *Watch) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range w.channels {
		wg.Go(func() { w.deliver(ctx, c) })
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := w.Once(ctx); err != nil && ctx.Err() == nil {
			w.o.Log.Error("alarms not looked at, again in a moment", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Once looks at everything one time: what is new is raised, what is over resolved, what is due put in the channels' way.
func (w *Watch) Once(ctx context.Context) error {
	view, err := w.o.Look(ctx)
	if err != nil {
		return fmt.Errorf("look at the fleet: %w", err)
	}
	clusters := map[string]int{}
	for _, c := range view.Clusters {
		clusters[c.Area]++
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.o.Now()
	known, err := w.known(ctx, now)
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, a := range known {
		open[a.Key] = open[a.Key] || a.ResolvedAt.IsZero()
	}
	groups := Gather(Judge(now, w.o.Limits, view.Clusters, view.Hub), view.Parents, clusters, open)
	var errs []error
	for _, a := range Step(now, known, groups) {
		errs = append(errs, w.put(ctx, a))
	}
	return errors.Join(append(errs, w.say(ctx, now))...)
}

// say writes a notice for each channel of every alarm that is due, and notes that it was told.
func (w *Watch) say(ctx context.Context, now time.Time) error {
	known, err := w.known(ctx, now)
	if err != nil {
		return err
	}
	for _, a := range known {
		say := Due(a, now)
		if say == "" {
			continue
		}
		if say == SayResolved {
			a.EndTold = true
		} else {
			a.Told, a.ToldAt = a.Told+1, now
		}
		if err := w.tell(ctx, a, say, now); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watch) publish(a Alarm) {
	w.o.Events.Publish(bus.Event{Topic: bus.Alarm, Area: a.Area, Agent: a.Agent, ID: a.ID, Data: map[string]any{"kind": a.Kind, "open": a.ResolvedAt.IsZero()}})
}
