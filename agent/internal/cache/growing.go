package cache

import (
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// An urgent bulletin sounds as soon as its first seconds are here and its rest comes fast enough to keep ahead of what
// is heard (Circular 39/2020: urgent is played at once).
const (
	growWait  = time.Second // how long a read waits for what is on its way; the player is 2 s ahead of the card
	growSpare = 1.25        // how much faster than it is heard the rest must come
)

// asked is when audio was asked for, and what of it was here.
type asked struct {
	at     time.Duration // since Cache.begun
	have   int64
	urgent bool
}

// ask notes the first time, and the first as urgent: what could wait may have waited, for the hub's line too.
func (c *Cache) ask(w Want, urgent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, again := c.asked[w.SHA256]; !again || urgent && !a.urgent {
		c.asked[w.SHA256] = asked{time.Since(c.begun), w.Have, urgent}
	}
}

// Ready tells whether audio can be opened: it is whole, or a bulletin needs it and its rest keeps ahead.
func (c *Cache) Ready(audio broadcast.Hash) bool {
	urgent := c.isUrgent(audio)
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[audio]
	return f != nil && f.manifest != nil && (f.Whole || urgent && c.keepsAhead(f))
}

func (c *Cache) isUrgent(audio broadcast.Hash) bool {
	return slices.ContainsFunc(c.currentNeeds(), func(n need) bool { return n.urgent && n.hash == audio })
}

// keepsAhead tells whether a file's beginning is here and its rest comes, at the speed so far, before it is heard. The
// caller holds mu.
func (c *Cache) keepsAhead(f *file) bool {
	have, ask := f.prefix(true), c.asked[f.manifest.Audio]
	if have < min(broadcast.ChunkSize, f.Size) {
		return false
	}
	took := (time.Since(c.begun) - ask.at).Seconds()
	sounds := float64(f.manifest.DurationMS) / 1000
	came := float64(have - ask.have)
	// The rest takes took/came seconds a byte; it has to be here when the sound has come to the end.
	return came > 0 && float64(f.Size-have)*took/came*growSpare <= sounds
}

// tell wakes who waits for a chunk; the caller holds the cache's mu.
func (f *file) tell() {
	if f.came != nil {
		close(f.came)
		f.came = nil
	}
}

// read gives a chunk; one that is still on its way is waited for.
func (s *Source) read(i int, wait time.Duration) ([]byte, error) {
	if s.growing {
		if data, err := s.cache.coming(s.manifest, i, wait); data != nil || err != nil {
			return data, err
		}
	}
	return s.cache.chunk(s.manifest, i)
}

// coming gives a chunk that came and is not committed, nothing for one that is, and an error for one that does not come
// in time. What waits was checked when it came.
func (c *Cache) coming(m *broadcast.Manifest, i int, wait time.Duration) ([]byte, error) {
	var over <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	for {
		c.mu.Lock()
		f := c.files[m.Audio]
		if f == nil {
			c.mu.Unlock()
			return nil, fmt.Errorf("read %s: %w", m.Audio, ErrNotWhole)
		}
		data, here := f.pending[i], f.has(i)
		if data == nil && !here && f.came == nil {
			f.came = make(chan struct{})
		}
		came := f.came
		c.mu.Unlock()
		if data != nil || here {
			return data, nil
		}
		if over == nil {
			return nil, fmt.Errorf("read %s at chunk %d: %w", m.Audio, i, ErrNotWhole)
		}
		select {
		case <-came:
		case <-over:
			return nil, fmt.Errorf("read %s at chunk %d: it did not come in time: %w", m.Audio, i, ErrNotWhole)
		}
	}
}
