package cache

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// Want is a blob that is needed and not whole.
type Want struct {
	SHA256 broadcast.Hash
	Have   int64 // bytes held from its beginning
	Size   int64 // 0 when not known
	Kind   string
	Due    time.Time // when it may sound first; zero for what is needed now
	Limit  int64     // most bytes a second, 0 for none
}

// maxPart bounds a day document or a manifest: 24 hours of audio have a manifest of 400 KB.
const maxPart = 4 << 20

// NextWant is the blob to fetch next, except what skip says; false when there is none, no room, or all of it waits
// for the hours of a metered line. It may evict audio that is needed later, or not at all, to make room.
func (c *Cache) NextWant(skip func(broadcast.Hash) bool) (Want, bool) {
	trusted := c.o.Trusted()
	for _, n := range c.currentNeeds() {
		if skip(n.hash) {
			continue
		}
		w, wanted := c.wantOf(n)
		if !wanted {
			continue
		}
		c.mu.Lock()
		r := c.rationOf(n, w.Size-w.Have, trusted)
		c.mu.Unlock()
		if r.waits {
			continue
		}
		if n.kind == kindAudio {
			if !c.makeRoom(n, w.Size-w.Have) {
				continue
			}
			c.ask(w, n.urgent)
		}
		if w.Limit = r.limit; n.kind == kindAudio || n.urgent {
			w.Due = n.use
		}
		return w, true
	}
	return Want{}, false
}

// WantsChanged tells when NextWant may have another answer.
func (c *Cache) WantsChanged() <-chan struct{} { return c.linkWants }

// wantOf tells what is missing of a need.
func (c *Cache) wantOf(n need) (Want, bool) {
	w := Want{SHA256: n.hash, Size: n.size, Kind: n.kind}
	if n.kind != kindAudio {
		if c.hasPart(n.hash) {
			return Want{}, false
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.partial.hash == n.hash && n.size > 0 { // else nobody knows whether there is more
			w.Have = int64(len(c.partial.bytes))
		}
		return w, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.plans.manifests[n.hash]
	if !ok {
		return Want{}, false // its manifest comes first
	}
	w.Size = m.Size
	f := c.files[n.hash]
	if f == nil {
		return w, true
	}
	w.Have = f.prefix(true)
	return w, w.Have < f.Size
}

// makeRoom sees to it that bytes more of audio fit, for a need. The limit and the disk both count.
func (c *Cache) makeRoom(n need, bytes int64) bool {
	for {
		why := c.lacksRoom(bytes)
		c.mu.Lock()
		c.full = why
		c.mu.Unlock()
		if why == "" {
			return true
		}
		victim, ok := c.victim(n.use)
		if !ok {
			return false
		}
		c.o.Log.Info("evicting audio", "audio", victim, "why", why)
		if !c.drop(victim) && c.stuck(victim) {
			return false
		}
	}
}

// stuck tells whether a victim stays because the disk does not let it go, rather than because it was opened.
func (c *Cache) stuck(victim broadcast.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[victim]
	return f != nil && f.pinned == 0
}

// lacksRoom says why bytes more do not fit, "" when they do.
func (c *Cache) lacksRoom(bytes int64) string {
	c.mu.Lock()
	used, failed := c.used+c.waiting, c.writeErr
	since := time.Since(c.begun) - c.writeFailed
	c.mu.Unlock()
	if failed != nil && since < retryAfter {
		return fmt.Sprintf("the disk took no more a moment ago: %v", failed)
	}
	if used+bytes > c.o.Limit {
		return "the cache's limit is reached"
	}
	free, err := c.o.Free(c.o.Dir)
	if err != nil {
		return fmt.Sprintf("the disk's free space is not known: %v", err)
	}
	// Pages that deletions left free inside the file are used again before it grows.
	if free+c.freeInside() < bytes+reserve {
		return "the disk is full"
	}
	return ""
}

// victim is the audio to evict for something needed at use: what nobody needs, the longest unused first,
// then what is needed last, if that is later than use. Never what is open.
func (c *Cache) victim(use time.Time) (broadcast.Hash, bool) {
	uses := map[broadcast.Hash]time.Time{}
	for _, n := range c.currentNeeds() {
		uses[n.hash] = n.use
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var best broadcast.Hash
	var bestUse, bestUsed time.Time
	for hash, f := range c.files {
		next, needed := uses[hash]
		if !needed {
			next = forever
		}
		if f.pinned > 0 || !next.After(use) {
			continue
		}
		if best == "" || next.After(bestUse) || next.Equal(bestUse) && f.Used.Before(bestUsed) {
			best, bestUse, bestUsed = hash, next, f.Used
		}
	}
	return best, best != ""
}

// Put keeps bytes of a wanted blob.
func (c *Cache) Put(ctx context.Context, hash broadcast.Hash, offset int64, data []byte, last bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("put %s: %w", hash, err)
	}
	i := slices.IndexFunc(c.currentNeeds(), func(n need) bool { return n.hash == hash })
	if i < 0 {
		return fmt.Errorf("put %s: the plan does not need it any more", hash)
	}
	n := c.currentNeeds()[i]
	if n.kind != kindAudio {
		return c.putPart(n, offset, data, last)
	}
	c.mu.Lock()
	m := c.plans.manifests[hash].Manifest
	c.mu.Unlock()
	if m == nil {
		return fmt.Errorf("put %s: its manifest is not here", hash)
	}
	if err := c.putAudio(m, offset, data); err != nil {
		return err
	}
	if n.urgent {
		c.wholeChanged.Notify() // its first seconds may be enough
	}
	return nil
}

// putPart gathers a day document or manifest in memory, one at a time; it is small, and worth nothing before it is whole.
func (c *Cache) putPart(n need, offset int64, data []byte, last bool) error {
	c.mu.Lock()
	if offset == 0 {
		c.partial = part{hash: n.hash}
	}
	have := c.partial.bytes
	if c.partial.hash != n.hash || offset != int64(len(have)) || len(have)+len(data) > maxPart {
		c.partial = part{}
		c.mu.Unlock()
		return fmt.Errorf("put %s: %d bytes at %d do not follow %d", n.hash, len(data), offset, len(have))
	}
	have = append(have, data...)
	c.partial.bytes = have
	if !last {
		c.mu.Unlock()
		return nil
	}
	c.partial = part{}
	c.mu.Unlock()
	if hashOf(have) != n.hash {
		return fmt.Errorf("put %s: the bytes do not have that hash", n.hash)
	}
	return c.keepPart(n, have)
}

// Holdings is everything held.
func (c *Cache) Holdings() []wire.Holding { return c.holdings(func(*file) bool { return true }) }

// HoldingsSince is what changed since the last call of it or of Holdings.
func (c *Cache) HoldingsSince() []wire.Holding {
	return c.holdings(func(f *file) bool { return f.dirty })
}

// HoldingsChanged tells when HoldingsSince has something.
func (c *Cache) HoldingsChanged() <-chan struct{} { return c.linkHoldings }

func (c *Cache) holdings(which func(*file) bool) []wire.Holding {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []wire.Holding
	for hash := range c.dropped {
		out = append(out, wire.Holding{SHA256: hash})
	}
	clear(c.dropped)
	for hash, f := range c.files {
		if which(f) {
			out = append(out, wire.Holding{SHA256: hash, Have: f.prefix(false), Size: f.Size, Whole: f.Whole})
		}
		f.dirty = false
	}
	return out
}
