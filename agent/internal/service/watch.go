package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/internal/mono"
)

// Sign is what shows that a part of the agent goes round.
type Sign struct {
	Part string
	Last func() mono.Instant // when it did last
	Most time.Duration       // it hangs when it has not for longer
}

// Watch tells the machine's service manager that the agent is there, and that it lives for as long as every part does.
type Watch struct {
	Signs  func() []Sign // of the parts that run now
	Now    func() mono.Instant
	Notify func(state string) // to the manager, in the words of sd_notify(3)
	Every  time.Duration      // between two looks
	// Hung, if not nil, is called once when a part hangs: where the manager itself does not end who falls silent.
	Hung func()
	Log  *slog.Logger
}

// What systemd is told, sd_notify(3).
const (
	ready    = "READY=1"
	alive    = "WATCHDOG=1"
	stopping = "STOPPING=1"
)

// Run looks until ctx ends. A part that hangs is named in the log, and the manager hears nothing until it goes round again.
func (w Watch) Run(ctx context.Context) error {
	w.Notify(ready)
	look := time.NewTicker(w.Every)
	defer look.Stop()
	told := ""
	for {
		switch hangs := w.hangs(); {
		case hangs == "":
			told = ""
			w.Notify(alive)
		case hangs != told:
			told = hangs
			w.Log.Error("a part of the agent hangs", "hangs", hangs)
			if w.Hung != nil {
				w.Hung()
			}
		}
		select {
		case <-ctx.Done():
			w.Notify(stopping)
			return nil
		case <-look.C:
		}
	}
}

// hangs names the first part that has not gone round for too long, "" when all do.
func (w Watch) hangs() string {
	for _, s := range w.Signs() {
		if w.Now().Sub(s.Last()) > s.Most {
			return s.Part
		}
	}
	return ""
}
