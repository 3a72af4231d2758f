package cache

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

var bucketParts = []byte("parts") // hash (32 bytes) -> day document or manifest

// needsFor is how long a list of needs serves: what passes in the meantime is fetched in vain, no more.
const needsFor = 10 * time.Minute

// part is the beginning of a day document or manifest.
type part struct {
	hash  broadcast.Hash
	bytes []byte
}

// part reads a day document or manifest; one that is damaged on the disk counts as missing.
func (c *Cache) part(hash broadcast.Hash) ([]byte, bool) {
	raw, err := rawHash(hash)
	if err != nil {
		return nil, false
	}
	var data []byte
	err = fenced(func() error {
		return c.state.View(func(tx *bbolt.Tx) error {
			data = cloneUpTo(tx.Bucket(bucketParts).Get(raw), maxPart)
			return nil
		})
	})
	if err != nil || data == nil || hashOf(data) != hash {
		return nil, false
	}
	return data, true
}

// hasPart tells whether a part is here; each is read and hashed once in a process.
func (c *Cache) hasPart(hash broadcast.Hash) bool {
	c.mu.Lock()
	ok := c.plans.present[hash]
	c.mu.Unlock()
	if ok {
		return true
	}
	if _, ok = c.part(hash); ok {
		c.mu.Lock()
		c.plans.present[hash] = true
		c.mu.Unlock()
	}
	return ok
}

// keepPart stores a part that came whole and looks whether the plan is complete with it.
func (c *Cache) keepPart(n need, data []byte) error {
	raw, err := rawHash(n.hash)
	if err != nil {
		return err
	}
	err = fenced(func() error {
		return c.state.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketParts).Put(raw, data) })
	})
	c.mu.Lock()
	c.noteWrite(err)
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("keep %s %s: %w", n.kind, n.hash, err)
	}
	c.advance()
	return nil
}

// day gives a day document, parsed strictly.
func (c *Cache) day(hash broadcast.Hash) (*broadcast.Day, bool, error) {
	c.mu.Lock()
	day, ok := c.plans.days[hash]
	c.mu.Unlock()
	if ok {
		return day, true, nil
	}
	data, ok := c.part(hash)
	if !ok {
		return nil, false, nil
	}
	parsed, err := seal.Strict[broadcast.Day](data, maxPart)
	if err != nil {
		return nil, true, fmt.Errorf("parse day document: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans.days[hash] = &parsed
	return &parsed, true, nil
}

// manifest sees to it that an item's manifest is known; false when it is not here.
func (c *Cache) manifest(it broadcast.Item) (bool, error) {
	c.mu.Lock()
	known := c.plans.manifests[it.Audio].hash == it.Manifest // an older plan may have had another
	c.mu.Unlock()
	if known {
		return true, nil
	}
	data, ok := c.part(it.Manifest)
	if !ok {
		return false, nil
	}
	parsed, err := seal.Strict[broadcast.Manifest](data, maxPart)
	if err != nil {
		return true, fmt.Errorf("parse manifest: %w", err)
	}
	if err := checkManifest(&parsed, it); err != nil {
		return true, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans.manifests[it.Audio] = named{&parsed, it.Manifest}
	if f := c.files[it.Audio]; f != nil {
		c.follow(f, &parsed)
	}
	return true, nil
}

// checkManifest holds a manifest against the item that names it.
func checkManifest(m *broadcast.Manifest, it broadcast.Item) error {
	switch {
	case m.Audio != it.Audio:
		return fmt.Errorf("manifest of %s instead of %s", m.Audio, it.Audio)
	case m.ChunkSize != broadcast.ChunkSize || m.Size <= 0:
		return errors.New("manifest has another chunk size, or no audio")
	case int64(len(m.Chunks)) != (m.Size+broadcast.ChunkSize-1)/broadcast.ChunkSize:
		return fmt.Errorf("manifest has %d chunks for %d bytes", len(m.Chunks), m.Size)
	}
	for _, h := range append([]broadcast.Hash{m.Audio}, m.Chunks...) {
		if _, err := rawHash(h); err != nil {
			return err
		}
	}
	return nil
}

// currentNeeds is what the plans need from now on, in the order of fetching.
func (c *Cache) currentNeeds() []need {
	now := c.o.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.needs == nil || now.After(c.needsUntil) || now.Before(c.needsUntil.Add(-2*needsFor)) {
		var heads []*broadcast.Head
		for _, h := range []*held{c.plans.pending, c.plans.active} {
			if h != nil && h.code == "" {
				heads = append(heads, &h.doc)
			}
		}
		heads = append(heads, c.orderedHead())
		c.needs = listNeeds(heads, c.plans.days, c.plans.active != nil, now)
		if len(heads) > 0 {
			c.zone = zoneOf(heads[0])
		}
		c.needsUntil = now.Add(needsFor)
	}
	return c.needs
}

// zoneOf is a head's zone; one that does not exist, which a plan would be refused for, is as good as UTC.
func zoneOf(head *broadcast.Head) *time.Location {
	zone, err := time.LoadLocation(head.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// forgetNeeds makes the next currentNeeds count anew; the caller holds mu.
func (c *Cache) forgetNeeds() { c.needs = nil }
