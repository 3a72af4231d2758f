package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/agent/internal/amplifier"
	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/config"
)

// switched tells whether the agent switches its amplifier.
func switched(c config.Agent) bool { return len(c.BeforeSound) > 0 }

func amplifierSwitch(c config.Agent, owner string, log *slog.Logger) amplifier.Switch {
	return amplifier.Switch{Before: c.BeforeSound, After: c.AfterSound, Mark: filepath.Join(c.Data, "amplifier.on"), Owner: owner,
		Limit: amplifier.Limit, Exec: amplifier.Execute, Log: log}
}

// amplify makes the owner of the amplifier's switch.
func (a *App) amplify(p *paired) *amplifier.Amplifier {
	return amplifier.New(amplifier.Options{
		Switch: amplifierSwitch(a.o.Config, amplifier.Agent, a.o.Log), Lead: a.o.Config.AmplifierLead, Now: a.now,
		Next: func() time.Time {
			if _, next := p.scheduler.Playing(); next != nil {
				return next.Start
			}
			return time.Time{}
		},
		Changes: []<-chan struct{}{p.scheduler.Subscribe(), a.clock.Subscribe()},
		Log:     a.o.Log,
	})
}

// amplified tells the amplifier of each cue, which is how it knows of an urgent bulletin at once.
type amplified struct {
	scheduler.Player
	clock *clock.Clock
	p     *paired
}

// Play plays a cue to its end.
func (s amplified) Play(ctx context.Context, c scheduler.Cue) scheduler.Result {
	defer s.p.amplifier.Cue(s.clock.Time(c.At))()
	return s.Player.Play(ctx, c)
}

// withAmplifier does something with the amplifier on, where the agent switches one: a tone that is to be heard.
func withAmplifier(ctx context.Context, o Options, do func(context.Context) error) error {
	if !switched(o.Config) {
		return do(ctx)
	}
	s := amplifierSwitch(o.Config, amplifier.Tone, o.Log)
	if s.Marked() { // it is on already, or the next start switches it off
		return do(ctx)
	}
	defer func() {
		if err := s.Turn(context.WithoutCancel(ctx), false); err != nil {
			o.Log.Error("the amplifier may still be on", "error", err)
		}
	}()
	warm := time.NewTimer(o.Config.AmplifierLead)
	defer warm.Stop()
	if err := s.Turn(ctx, true); err != nil {
		o.Log.Error("the amplifier may be off", "error", err)
		return do(ctx)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-warm.C:
	}
	return do(ctx)
}
