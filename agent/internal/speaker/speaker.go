package speaker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	silentLimit = 1500 * time.Millisecond // a child that has said nothing for so long may hang
	hangLimit   = 2500 * time.Millisecond // a child that has said nothing for so long is killed
	startLimit  = 8 * time.Second         // the same until its first frame; it needs 4 s itself to give up
	pauseFirst  = 100 * time.Millisecond
	pauseMost   = time.Second      // a child that is up waits for the card itself
	provenAfter = 10 * time.Second // a child that lived so long was a good one: the next starts soon

	// leadAtRest is the lead before a child has told its own: its two buffers and oto's.
	leadAtRest = 700 * time.Millisecond
	// leadSpare is for decoding and the way to the child.
	leadSpare = 60 * time.Millisecond
)

// Config is what a Speaker needs.
type Config struct {
	Command []string // starts a process that calls Child, for example {"/usr/bin/loa-agent", "speaker"}
	Env     []string // of that process; nil is this one's

	// Calibration is added to the device's buffer (200 ms) where no sound server can be asked for the
	// latency (ALSA alone, Windows): a sound that comes early by 30 ms wants -30 ms. Measured per kind of card.
	Calibration time.Duration

	// Steady tells at which instant of the machine's clock a certain moment of the programme's time lies, always the
	// same one: the machine's clock may run a little faster or slower than the hub's. It is asked once a second, and
	// what sounds follows. nil says that the machine's clock is the programme's.
	Steady func() mono.Instant

	Log *slog.Logger
}

// Speaker keeps a child playing and gives it voices. It implements player.Output.
type Speaker struct {
	cfg Config

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when state or session changes
	state   player.CardState
	session *session // nil while no child is ready
	lead    time.Duration
	level   float32
	levelAt mono.Instant
	sign    mono.Instant  // when a child was started or said something last
	shift   time.Duration // how much later than at the start the programme's time is, by the machine's clock
}

var _ player.Output = (*Speaker)(nil)

// New makes a Speaker; Run starts it.
func New(cfg Config) *Speaker {
	return &Speaker{
		cfg: cfg, changed: make(chan struct{}), lead: leadAtRest,
		state: player.CardState{State: player.CardStarting, Since: mono.Now()}, sign: mono.Now(),
	}
}

// Run starts children, one after the other, until ctx ends.
func (s *Speaker) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { s.follow(ctx) })
	pause, told := pauseFirst, ""
	for ctx.Err() == nil {
		begin := s.live()
		detail := s.runChild(ctx)
		if ctx.Err() != nil {
			break
		}
		s.set(player.CardMissing, detail, nil)
		if detail != told {
			s.cfg.Log.Warn("sound card lost", "detail", detail)
			told = detail
		}
		if mono.Now().Sub(begin) > provenAfter {
			pause, told = pauseFirst, ""
		}
		wait := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		wait.Stop()
		pause = min(2*pause, pauseMost*2/3) // with the jitter, at most pauseMost
	}
	s.set(player.CardMissing, "stopped", nil)
	return nil
}

// set changes state and session; watchers hear of it only when something is different.
func (s *Speaker) set(state player.Condition, detail string, session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.State == state && s.state.Detail == detail && s.session == session {
		return
	}
	if s.state.State != state {
		s.state.Since = mono.Now()
	}
	s.state.State, s.state.Detail, s.session = state, detail, session
	close(s.changed)
	s.changed = make(chan struct{})
}

// stalled tells that the session's child has fallen silent.
func (s *Speaker) stalled(session *session) {
	if current, _ := s.current(); current == session {
		s.set(player.CardStalled, "the speaker process does not answer", session)
	}
}

// live takes a sign of life: a child was started, or has said something.
func (s *Speaker) live() mono.Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sign = mono.Now()
	return s.sign
}

// Sign is when a child was started or said something last: some seconds ago at most, unless one cannot even be killed.
func (s *Speaker) Sign() mono.Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sign
}

// Watch implements player.Output.
func (s *Speaker) Watch() (player.CardState, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.changed
}

// Lead implements player.Output.
func (s *Speaker) Lead() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lead + leadSpare
}

// Level gives the peak (0..1) of what went to the card in the last tenth of a second; 0 when nothing does.
func (s *Speaker) Level() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mono.Now().Sub(s.levelAt) > time.Second {
		return 0
	}
	return float64(s.level)
}

func (s *Speaker) shifted() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shift
}

func (s *Speaker) current() (*session, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session, s.changed
}

// report takes a child's status.
func (s *Speaker) report(session *session, st status) {
	s.mu.Lock()
	s.level, s.levelAt = st.Peak, mono.Now()
	if st.State == stateOK && st.Lead > 0 {
		s.lead = min(time.Duration(st.Lead), 5*time.Second)
	}
	s.mu.Unlock()
	switch st.State {
	case stateOK:
		s.set(player.CardOK, st.Detail, session)
	case stateStalled:
		session.stall()
		s.set(player.CardStalled, st.Detail, session)
	case stateMissing:
		s.set(player.CardMissing, st.Detail, nil)
	case stateDummy:
		s.set(player.CardMissing, "the sound server has no card: "+st.Detail, session)
	default:
		// A child that is not ready yet tells nothing new about the card.
	}
}
