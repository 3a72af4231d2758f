package speaker

import (
	"context"
	"time"

	"github.com/loa-vn/loa/internal/mono"
)

const (
	steadyEvery = time.Second
	// steadyMost is how far the programme's time may move in a second and still be followed by what sounds. One that
	// moves further was put right: whoever gave the voices moves them.
	steadyMost = 50 * time.Millisecond
	// steadyLeast is what the first answers of the hub move the clock by on a line that is quick but busy, and no sound
	// is to follow: it is half of what neighbours may be apart. Less adds up.
	steadyLeast = time.Millisecond
)

// steady follows the programme's time by the machine's clock.
type steady struct {
	ask  func() mono.Instant
	last mono.Instant
}

func newSteady(ask func() mono.Instant) *steady {
	s := &steady{ask: ask}
	s.last = s.read()
	return s
}

// read asks a few times: whoever is held up between two clocks gives an instant that is too early.
func (s *steady) read() mono.Instant { return max(s.ask(), s.ask(), s.ask()) }

// moved gives by how much the time has moved since it was asked last, as far as sounds are to follow.
func (s *steady) moved() time.Duration {
	now := s.read()
	d := now.Sub(s.last)
	if d.Abs() < steadyLeast {
		return 0
	}
	s.last = now
	if d.Abs() > steadyMost {
		return 0
	}
	return d
}

// follow tells the children by how much the programme's time has moved, until ctx ends.
func (s *Speaker) follow(ctx context.Context) {
	if s.cfg.Steady == nil {
		return
	}
	steady := newSteady(s.cfg.Steady)
	tick := time.NewTicker(steadyEvery)
	defer tick.Stop()
	var told *session
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		d := steady.moved()
		s.mu.Lock()
		s.shift += d
		shift, session := s.shift, s.session
		s.mu.Unlock()
		if session != nil && (d != 0 || session != told) {
			_ = session.send(shiftTime{int64(shift)}) // a child that is gone hears of it when the next begins
			told = session
		}
	}
}
