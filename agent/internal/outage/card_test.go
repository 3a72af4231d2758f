package outage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

// steady is a clock in sync, in the bubble's time.
type steady struct{}

func (steady) Now() (time.Time, string)         { return time.Now(), "synced" }
func (steady) Instant(t time.Time) mono.Instant { return mono.Instant(t.UnixNano()) }
func (steady) Time(at mono.Instant) time.Time   { return time.Unix(0, int64(at)) }

// shelf is the cache as the scheduler asks it.
type shelf struct{ *cache.Cache }

func (s shelf) Open(audio broadcast.Hash) (scheduler.Audio, error) {
	source, err := s.Cache.Open(audio)
	if err != nil {
		return nil, err
	}
	return source, nil
}

// heard is one stretch of sound.
type heard struct {
	slot   string
	at     time.Time
	offset time.Duration
	length time.Duration
}

// card is what the sound comes out of. It outlives the agent.
type card struct {
	mu    sync.Mutex
	heard []heard
	wrong string // what sounded that must not
}

func (c *card) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.heard)
}

// player plays on a card while its power is on, and reads all the audio it is given, as a decoder does.
type player struct {
	card   *card
	power  *power
	hub    *hub
	length func(slot string) (time.Duration, broadcast.Hash)
}

func (p player) Lead() time.Duration { return 300 * time.Millisecond }

func (p player) Play(ctx context.Context, c scheduler.Cue) scheduler.Result {
	length, audio := p.length(c.Slot)
	if err := p.read(c.Audio, audio); err != nil {
		p.card.mu.Lock()
		p.card.wrong = fmt.Sprintf("%s: %v", c.Slot, err)
		p.card.mu.Unlock()
		return scheduler.Result{Damaged: true}
	}
	start := time.Unix(0, int64(c.At))
	if !wait(ctx, time.Until(start)) {
		return scheduler.Result{EndedAt: mono.Instant(time.Now().UnixNano()), Cut: true}
	}
	begun, end := time.Now(), start.Add(length-c.Offset)
	complete := true
	for complete && time.Now().Before(end) {
		if complete = wait(ctx, min(time.Second, time.Until(end))); complete {
			c.Progress(scheduler.Progress{StartedAt: c.At, EndedAt: mono.Instant(time.Now().UnixNano()), Reached: time.Since(begun)})
		}
	}
	got := p.power.spent(begun)
	if got > 0 {
		p.card.mu.Lock()
		p.card.heard = append(p.card.heard, heard{c.Slot, begun, c.Offset + begun.Sub(start), got})
		p.card.mu.Unlock()
	}
	res := scheduler.Result{EndedAt: c.At.Add(got), Reached: got, Cut: !complete}
	if got > 0 {
		res.StartedAt = c.At
	}
	return res
}

// read gives an error when the audio is not, byte for byte, what the hub has.
func (p player) read(a scheduler.Audio, want broadcast.Hash) error {
	got := make([]byte, a.Size())
	if _, err := a.ReadAt(got, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(got) != string(p.hub.blobs[want]) {
		return errors.New("other bytes than the hub's")
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
