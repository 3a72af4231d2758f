package app

import (
	"time"

	"github.com/loa-vn/loa/agent/internal/service"
	"github.com/loa-vn/loa/internal/mono"
)

// How long a part may be silent before it counts as hanging. The scheduler goes round once a minute and waits for the
// disk on its way; the speaker hears from its child every second, and starts another within ten.
const (
	startMost     = 10 * time.Minute // a long look at a damaged database counts in
	schedulerMost = 3 * time.Minute
	speakerMost   = time.Minute
)

// livingOutput is an output that shows that it goes round; one of a test need not.
type livingOutput interface{ Sign() mono.Instant }

// vigil is who tells the service manager that the agent lives.
func (a *App) vigil() service.Watch {
	m := a.o.Service
	return service.Watch{
		Signs: a.signs, Now: a.monoNow, Every: m.Every(), Hung: a.o.Hung, Log: a.o.Log.With("part", "service"),
		Notify: func(state string) {
			if err := m.Notify(state); err != nil {
				a.o.Log.Warn("the service manager does not hear", "error", err)
			}
		},
	}
}

// signs are those of the parts that run now.
func (a *App) signs() []service.Sign {
	a.mu.Lock()
	p, begun := a.paired, a.begun
	a.mu.Unlock()
	if p == nil { // it waits for its pairing, or opens what it keeps
		return []service.Sign{{Part: "start", Last: func() mono.Instant { return begun }, Most: startMost}}
	}
	since := func(last mono.Instant) mono.Instant { return max(last, begun) } // the part may be about to go round first
	signs := []service.Sign{{Part: "scheduler", Last: func() mono.Instant { return since(p.scheduler.Round()) }, Most: schedulerMost}}
	if out, ok := p.output.(livingOutput); ok {
		signs = append(signs, service.Sign{Part: "speaker", Last: func() mono.Instant { return since(out.Sign()) }, Most: speakerMost})
	}
	return signs
}

// begin takes a sign of life of an agent whose parts do not run yet.
func (a *App) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = a.monoNow()
}
