// Package playertest has a fake sound card for tests of whatever uses the player: it takes voices as the real
// one does, lets their time pass on an injected clock (or a synctest bubble's), and records which frames of
// which slot sounded when. It decodes nothing unless asked to, so hundreds of cards run in one process. A Card
// is safe for concurrent use.
package playertest

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// Clock gives a clock that follows package time, and with it the fake time of a synctest bubble. Outside of
// bubbles mono.Now does as well.
func Clock() func() mono.Instant {
	begin := time.Now()
	return func() mono.Instant { return mono.Instant(time.Hour) + mono.Instant(time.Since(begin)) }
}

// Sounded says that frames [From, To) of a slot's audio reached the card, the first of them at At.
type Sounded struct {
	Slot     string
	From, To int64
	At       mono.Instant
}

// End gives the instant at which the last frame had sounded.
func (s Sounded) End() mono.Instant { return s.At.Add(audio.Duration(s.To - s.From)) }

// Card implements player.Output.
type Card struct {
	// Decode makes the card read every voice's PCM in steps of a second as it sounds, to meet damaged audio.
	// Set it before the first Play.
	Decode bool

	// TellEvery is how often a voice's Progress is told what has sounded of it; 0 tells nothing. Set it before the
	// first Play.
	TellEvery time.Duration

	now func() mono.Instant

	mu      sync.Mutex
	state   player.CardState
	changed chan struct{} // closed and replaced at each change of state
	sounded []Sounded
	added   chan struct{} // closed and replaced when sounded grows
	level   float64
}

// New makes a card that is there.
func New(now func() mono.Instant) *Card {
	return &Card{
		now: now, changed: make(chan struct{}), added: make(chan struct{}),
		state: player.CardState{State: player.CardOK, Since: now()},
	}
}

// Set changes the state of the card: player.CardMissing takes it away, player.CardOK gives it back.
func (c *Card) Set(state player.Condition, detail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = player.CardState{State: state, Detail: detail, Since: c.now()}
	close(c.changed)
	c.changed = make(chan struct{})
}

// SetLevel sets what Level gives.
func (c *Card) SetLevel(peak float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level = peak
}

// Level gives what SetLevel set, as a card that measures its peak.
func (c *Card) Level() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level
}

// Sounded gives all that has reached the card, in the order in which it ended. What a voice is still playing is
// not in it until the voice ends, is cut, or the card changes its state.
func (c *Card) Sounded() []Sounded {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sounded)
}

// WaitSounded blocks until n stretches have sounded or ctx ends, and gives them.
func (c *Card) WaitSounded(ctx context.Context, n int) []Sounded {
	for {
		c.mu.Lock()
		sounded, added := slices.Clone(c.sounded), c.added
		c.mu.Unlock()
		if len(sounded) >= n {
			return sounded
		}
		select {
		case <-added:
		case <-ctx.Done():
			return sounded
		}
	}
}

// Run waits for ctx.
func (c *Card) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Watch implements player.Output.
func (c *Card) Watch() (player.CardState, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.changed
}

// Lead is nothing: the fake takes a sound at the instant it is due.
func (c *Card) Lead() time.Duration { return 0 }

// Play implements player.Output.
func (c *Card) Play(ctx context.Context, v player.Voice) player.Heard {
	p := play{card: c, voice: v, end: v.At.Add(audio.Duration(v.End - v.First)), pos: v.First}
	for p.pos < v.End && p.heard.Err == nil {
		state, changed := c.Watch()
		if !p.step(ctx, state.State == player.CardOK, changed) {
			break
		}
	}
	return p.finish()
}

// play is one voice on the fake card.
type play struct {
	card  *Card
	voice player.Voice
	end   mono.Instant
	pos   int64 // everything before it has sounded, or was missed
	heard player.Heard
}

// step lets time pass until the end, the next change of the card or the end of ctx; false means cut.
func (p *play) step(ctx context.Context, there bool, changed <-chan struct{}) bool {
	if ctx.Err() != nil {
		p.heard.Cut = true
		return false
	}
	p.skipTo(p.at(p.card.now())) // a cue in the past joins where it would be
	from := p.pos
	next := p.end
	if p.card.Decode {
		next = min(next, max(p.voice.At, p.card.now()).Add(time.Second))
	}
	more := true
	to := p.at(next)
	switch p.pass(ctx, next, there, changed) {
	case passed:
		if next == p.end {
			to = p.voice.End // not a frame less because instants are whole nanoseconds
		}
	case cardChanged:
		to = p.at(p.card.now())
	case cutOff:
		to = p.at(p.card.now())
		p.heard.Cut, more = true, false
	}
	if there {
		p.sound(from, to)
	} else if to > from {
		p.heard.CardMissing = true
	}
	p.skipTo(to)
	return more
}

// What ended a pass.
const (
	passed = iota
	cardChanged
	cutOff
)

// pass lets time go on until next, telling the voice's progress.
func (p *play) pass(ctx context.Context, next mono.Instant, there bool, changed <-chan struct{}) int {
	timer := time.NewTimer(next.Sub(p.card.now()))
	defer timer.Stop()
	var tell <-chan time.Time
	if p.card.TellEvery > 0 && p.voice.Progress != nil {
		ticker := time.NewTicker(p.card.TellEvery)
		defer ticker.Stop()
		tell = ticker.C
	}
	for {
		select {
		case <-tell:
			p.tell(p.at(p.card.now()), there)
		case <-timer.C:
			return passed
		case <-changed:
			return cardChanged
		case <-ctx.Done():
			return cutOff
		}
	}
}

// tell gives the progress up to position to, which is being heard if the card is there.
func (p *play) tell(to int64, there bool) {
	h := p.heard
	if more := to - p.pos; there && more > 0 {
		if h.Reached == 0 {
			h.StartedAt = p.voice.At.Add(audio.Duration(p.pos - p.voice.First))
		}
		h.Reached += more
		h.EndedAt = p.voice.At.Add(audio.Duration(to - p.voice.First))
	}
	h.Missed = max(to-p.voice.First-h.Reached, 0)
	p.voice.Progress(h)
}

// at gives the position that is due at instant.
func (p *play) at(instant mono.Instant) int64 {
	due := p.voice.First + audio.Frames(instant.Sub(p.voice.At))
	return min(max(due, p.voice.First), p.voice.End)
}

func (p *play) skipTo(pos int64) { p.pos = max(p.pos, pos) }

func (p *play) sound(from, to int64) {
	if p.card.Decode {
		to = p.decode(from, to)
	}
	if to <= from {
		return
	}
	at := p.voice.At.Add(audio.Duration(from - p.voice.First))
	s := Sounded{Slot: p.voice.Slot, From: from, To: to, At: at}
	if p.heard.Reached == 0 {
		p.heard.StartedAt = at
	}
	p.heard.Reached += to - from
	p.heard.EndedAt = s.End()
	p.heard.Complete = to == p.voice.End
	p.card.add(s)
}

func (p *play) decode(from, to int64) int64 {
	buf := make([]float32, to-from)
	for n := int64(0); n < to-from; {
		m, err := p.voice.PCM.ReadAt(buf[n:], from+n)
		n += int64(m)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				p.heard.Err = err
			}
			return from + n
		}
	}
	return to
}

func (p *play) finish() player.Heard {
	if p.heard.Err != nil {
		p.pos = p.voice.End // the rest will never be heard
	}
	p.heard.Missed = max(p.pos-p.voice.First-p.heard.Reached, 0)
	if p.heard.EndedAt == 0 {
		p.heard.EndedAt = p.card.now()
	}
	return p.heard
}

// add records a stretch; one that goes on where the slot's last one ended is joined to it.
func (c *Card) add(s Sounded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	joined := false
	for i := range c.sounded {
		if l := &c.sounded[i]; c.Decode && l.Slot == s.Slot && l.To == s.From && s.At.Sub(l.End()).Abs() < time.Millisecond {
			l.To, joined = s.To, true
		}
	}
	if !joined {
		c.sounded = append(c.sounded, s)
	}
	close(c.added)
	c.added = make(chan struct{})
}
