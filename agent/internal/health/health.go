// Package health joins the state of each part of the agent into one broadcast.Status: it asks clock, cache,
// player, scheduler and play log, and gives the status to link and console. It keeps no state of its own but
// the last status it told of, so that link hears of each change that people care about and of no other. A
// part that cannot tell is said to be unknown. All methods are safe for concurrent use.
package health

import (
	"context"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
)

// look is how often a change is looked for that nobody told of.
const look = time.Second

// Parts are the agent's parts, each as the question health asks it.
type Parts struct {
	Software string
	Now      func() time.Time // best known time
	Plan     func() (version uint64, expires time.Time)
	Clock    func() broadcast.ClockStatus
	Cache    func() broadcast.CacheStatus
	// Card gives the state and a channel that closes at its next change.
	Card    func() (broadcast.CardStatus, <-chan struct{})
	Playing func() (now, next *broadcast.Sounding)
	Outbox  func() int
	// Amplifier is nil where the agent does not switch one.
	Amplifier func() broadcast.AmplifierStatus
	// Line is nil where nobody tells of it.
	Line func() *broadcast.LineStatus
	// Console is nil where there is no operator's page, and gives nil while it is served.
	Console func() *broadcast.ConsoleStatus
	// Changes of parts that tell of them.
	Changes []<-chan struct{}
}

// Health is the agent's state of all its parts.
type Health struct {
	parts   Parts
	changed change.Signal
	link    <-chan struct{}
}

// New makes a Health; Run makes it tell of changes.
func New(p Parts) *Health {
	h := &Health{parts: p}
	h.link = h.changed.Subscribe()
	return h
}

// Status is how the agent is now.
func (h *Health) Status() broadcast.Status {
	p := h.parts
	s := broadcast.Status{At: p.Now(), Software: p.Software, Clock: p.Clock(), Cache: p.Cache(), Outbox: p.Outbox()}
	s.PlanVersion, s.PlanExpires = p.Plan()
	s.Card, _ = p.Card()
	s.NowPlaying, s.Next = p.Playing()
	if p.Amplifier != nil {
		a := p.Amplifier()
		s.Amplifier = &a
	}
	if p.Line != nil {
		s.Line = p.Line()
	}
	if p.Console != nil {
		s.Console = p.Console()
	}
	for _, word := range []*string{&s.Clock.Trust, &s.Cache.State, &s.Card.State} {
		if *word == "" {
			*word = "unknown"
		}
	}
	return s
}

// StatusChanged tells when a state word, the plan or what plays is another; link reads it.
func (h *Health) StatusChanged() <-chan struct{} { return h.link }

// Run looks for changes until ctx ends.
func (h *Health) Run(ctx context.Context) error {
	changes, merged := change.Merge(ctx, h.parts.Changes...)
	defer merged()
	tick := time.NewTicker(look)
	defer tick.Stop()
	var last essence
	for {
		_, card := h.parts.Card()
		if e := essenceOf(h.Status()); e != last {
			last = e
			h.changed.Notify()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-card:
		case <-tick.C:
		}
	}
}

// essence is what makes a status worth telling at once; bytes and milliseconds can wait for the next one.
type essence struct {
	plan                   uint64
	trust, cache, card     string
	clockDetail, cacheSays string
	now, next              string
	missing, outbox        int
	amplifier              broadcast.AmplifierStatus
	console                string
}

func essenceOf(s broadcast.Status) essence {
	e := essence{plan: s.PlanVersion, trust: s.Clock.Trust, cache: s.Cache.State, card: s.Card.State,
		clockDetail: s.Clock.Detail, cacheSays: s.Cache.Detail, missing: s.Cache.Missing, outbox: s.Outbox}
	if s.Amplifier != nil {
		e.amplifier = *s.Amplifier
	}
	if s.Console != nil {
		e.console = s.Console.Code
	}
	if s.NowPlaying != nil {
		e.now = s.NowPlaying.Slot
	}
	if s.Next != nil {
		e.next = s.Next.Slot
	}
	return e
}
