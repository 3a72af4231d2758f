package app

import (
	"context"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/decisions"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/agent/internal/own"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// blobs is the cache as link asks it.
type blobs struct{ *cache.Cache }

// NextWant gives link's form of a want.
func (b blobs) NextWant(skip func(broadcast.Hash) bool) (link.Want, bool) {
	w, ok := b.Cache.NextWant(skip)
	return link.Want(w), ok
}

// decided is the book of decisions as link asks it.
type decided struct{ *decisions.Book }

// Pending gives link's form of them.
func (d decided) Pending(limit int) []wire.Decision {
	var out []wire.Decision
	for _, e := range d.Book.Pending(limit) {
		out = append(out, wire.Decision{ID: e.ID, Decision: e.Decision})
	}
	return out
}

// signedTime verifies the hub's time before the clock takes it.
type signedTime struct {
	cache *cache.Cache
	clock *clock.Clock
	agent string
}

// OfferTime takes the hub's answer to nonce.
func (s signedTime) OfferTime(envelope, nonce []byte, asked, got mono.Instant) error {
	t, err := seal.OpenTime(s.cache.Trust(), envelope, nonce, s.agent)
	if err != nil {
		return err
	}
	return s.clock.Sync(t, asked, got)
}

// store is the cache as the scheduler asks it, with the commune's own shelf beside.
type store struct {
	cache *cache.Cache
	own   *own.Shelf
}

// Whole tells whether audio can be opened.
func (s store) Whole(audio broadcast.Hash) bool { return s.cache.Whole(audio) || s.own.Has(audio) }

// Ready tells whether audio can be opened.
func (s store) Ready(audio broadcast.Hash) bool { return s.cache.Ready(audio) || s.own.Has(audio) }

// Open gives audio.
func (s store) Open(audio broadcast.Hash) (scheduler.Audio, error) {
	if s.own.Has(audio) {
		return s.own.Open(audio)
	}
	source, err := s.cache.Open(audio)
	if err != nil {
		return nil, err
	}
	return source, nil
}

// sounder is the player as the scheduler asks it.
type sounder struct{ player *player.Player }

// Lead is the least time a cue must come before its instant.
func (s sounder) Lead() time.Duration { return s.player.Lead() }

// Play plays a cue to its end.
func (s sounder) Play(ctx context.Context, c scheduler.Cue) scheduler.Result {
	r := s.player.Play(ctx, player.Cue{Slot: c.Slot, Audio: c.Audio, At: c.At, Offset: c.Offset, VolumePercent: c.VolumePercent, GainDB: c.GainDB,
		Progress: func(p player.Progress) { c.Progress(scheduler.Progress(p)) }})
	return scheduler.Result{StartedAt: r.StartedAt, EndedAt: r.EndedAt, Reached: r.Reached, Missed: r.Missed,
		Cut: r.Outcome == player.Cut, Damaged: r.Reason == player.ReasonAudioDamaged}
}
