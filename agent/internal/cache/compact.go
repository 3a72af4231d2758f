package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/durable"
)

// bbolt never gives pages back to the disk: a file that once was large stays large. Where most of it is free, what
// it holds is copied to a new file that takes its place.

const (
	compactFree  = 64 << 20         // less than this is not worth the writing
	compactAgain = 10 * time.Minute // from one that was given up to the next try
)

// errGivenUp says that there was something better to do than to compact.
var errGivenUp = errors.New("compaction is given up")

// turn is a lock whose holder can see that somebody waits for it.
type turn struct {
	mu     sync.Mutex
	queued atomic.Int32
}

func (t *turn) Lock() {
	t.queued.Add(1)
	t.mu.Lock()
	t.queued.Add(-1)
}

func (t *turn) Unlock() { t.mu.Unlock() }

func (t *turn) wanted() bool { return t.queued.Load() > 0 }

// viewAudio reads audio.db in a transaction, which must be short.
func (c *Cache) viewAudio(do func(*bbolt.Tx) error) error {
	c.swapping.RLock()
	defer c.swapping.RUnlock()
	return fenced(func() error { return c.audio.View(do) })
}

// updateAudio writes audio.db.
func (c *Cache) updateAudio(do func(*bbolt.Tx) error) error {
	c.swapping.RLock()
	defer c.swapping.RUnlock()
	return fenced(func() error { return c.audio.Update(do) })
}

// freeInside is how many bytes of audio.db are free to be written again.
func (c *Cache) freeInside() int64 {
	c.swapping.RLock()
	defer c.swapping.RUnlock()
	return int64(c.audio.Stats().FreeAlloc)
}

func (c *Cache) audioPath() string   { return filepath.Join(c.o.Dir, "audio.db") }
func (c *Cache) compactPath() string { return c.audioPath() + ".compact" }

// compactWhenItHelps is called now and then. It compacts when most of the file is free, nothing is being fetched
// that would fill it again, and nothing sounds.
func (c *Cache) compactWhenItHelps(ctx context.Context) error {
	if since := time.Since(c.begun); since < c.compactFrom || !c.worthCompacting(ctx) {
		return nil
	}
	before := c.freeInside()
	err := c.compact(ctx)
	switch {
	case errors.Is(err, errGivenUp):
		c.o.Log.Info("compaction is given up for now", "why", err)
	case errors.Is(err, errAudioClosed):
		return err
	case err != nil:
		c.o.Log.Warn("audio is not compacted", "error", err)
	default:
		c.o.Log.Info("audio is compacted", "freed", before-c.freeInside())
		return nil
	}
	c.compactFrom = time.Since(c.begun) + compactAgain
	return nil
}

func (c *Cache) worthCompacting(ctx context.Context) bool {
	info, err := os.Stat(c.audioPath())
	if err != nil {
		return false
	}
	disk, err := c.o.Free(c.o.Dir)
	if err != nil {
		return false
	}
	free := c.freeInside()
	if !helps(info.Size(), free, disk) {
		return false
	}
	return c.disturbed(ctx, c.damageSeen()) == nil && c.Status().Missing == 0
}

// helps tells whether a file of a size, so much of which is free, is to be compacted: when that gives back more than
// it costs in writing, and the copy has its room.
func helps(size, free, disk int64) bool {
	return free >= compactFree && free >= size-free && disk >= size-free+reserve
}

func (c *Cache) damageSeen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.damaged
}

// disturbed says what is more important than compacting, nil for nothing.
func (c *Cache) disturbed(ctx context.Context, damaged int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: the agent ends", errGivenUp)
	case c.flushing.wanted() || c.waiting > 0:
		return fmt.Errorf("%w: audio comes or goes", errGivenUp)
	case c.damaged != damaged:
		return fmt.Errorf("%w: a chunk is damaged", errGivenUp)
	}
	for _, f := range c.files {
		if f.pinned > 0 {
			return fmt.Errorf("%w: audio is open", errGivenUp)
		}
	}
	return nil
}

// compact copies audio.db and puts the copy in its place. Nobody waits for it longer than one small transaction
// takes, or the exchange of the files: whoever writes or opens audio meanwhile makes it give up. A power cut leaves
// the one file or the other.
func (c *Cache) compact(ctx context.Context) error {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	err := c.copyAudio(ctx)
	if err == nil {
		err = c.swapAudio()
	}
	if err != nil {
		return errors.Join(err, removeAny(c.compactPath()))
	}
	return nil
}

// copyAudio writes what audio.db holds to a new file, durably.
func (c *Cache) copyAudio(ctx context.Context) error {
	if err := removeAny(c.compactPath()); err != nil {
		return err
	}
	to, err := tryOpen(c.compactPath(), [][]byte{bucketChunks, bucketFiles})
	if err != nil {
		return err
	}
	damaged := c.damageSeen()
	for _, bucket := range [][]byte{bucketChunks, bucketFiles} {
		for from, more := []byte(nil), true; more && err == nil; {
			if err = c.disturbed(ctx, damaged); err == nil {
				from, more, err = c.copySome(to, bucket, from)
			}
		}
	}
	if err == nil {
		err = c.disturbed(ctx, damaged)
	}
	return errors.Join(err, to.Close())
}

// copySome copies about a flush's bytes of a bucket, those after a key, and gives the last key; more is false when
// there were no more.
func (c *Cache) copySome(to *bbolt.DB, bucket, after []byte) (last []byte, more bool, err error) {
	var keys, values [][]byte
	err = c.viewAudio(func(tx *bbolt.Tx) error {
		cur, size := tx.Bucket(bucket).Cursor(), 0
		k, v := cur.Seek(after)
		if after != nil && bytes.Equal(k, after) {
			k, v = cur.Next()
		}
		for ; k != nil && size < flushBytes; k, v = cur.Next() {
			if len(v) > maxPart {
				return fmt.Errorf("value of %x has %d bytes", k, len(v))
			}
			keys, values, size = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v)), size+len(v)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read audio: %w", err)
	}
	if len(keys) == 0 {
		return nil, false, nil
	}
	err = to.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		b.FillPercent = 1 // the keys come in order
		for i := range keys {
			if err := b.Put(keys[i], values[i]); err != nil {
				return fmt.Errorf("put: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("copy audio: %w", err)
	}
	return keys[len(keys)-1], true, nil
}

// errAudioClosed says that audio.db could not be opened again; the agent must be started anew.
var errAudioClosed = errors.New("audio.db does not open any more")

// swapAudio puts the copy in the place of audio.db. Readers wait for it: a rename and an open.
func (c *Cache) swapAudio() error {
	c.swapping.Lock()
	defer c.swapping.Unlock()
	if err := c.audio.Close(); err != nil {
		return fmt.Errorf("close audio.db: %w", err)
	}
	renamed := os.Rename(c.compactPath(), c.audioPath()) // Windows takes it only of files that nobody has open
	if renamed == nil {
		renamed = durable.SyncDir(c.o.Dir)
	}
	db, err := tryOpen(c.audioPath(), [][]byte{bucketChunks, bucketFiles})
	if err != nil {
		return fmt.Errorf("%w: %w", errAudioClosed, err)
	}
	c.audio = db
	if renamed != nil {
		return fmt.Errorf("put the compacted audio in place: %w", renamed)
	}
	return nil
}

func removeAny(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
	}
	return nil
}

// trim evicts what is above the limit, which may have been lowered: first what nobody needs, then what is needed last.
func (c *Cache) trim() {
	for c.overLimit() {
		victim, ok := c.victim(c.o.Now())
		if !ok {
			return
		}
		c.o.Log.Info("evicting audio", "audio", victim, "why", "the cache's limit was lowered")
		if !c.drop(victim) && c.stuck(victim) {
			return
		}
	}
}

func (c *Cache) overLimit() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used > c.o.Limit
}
