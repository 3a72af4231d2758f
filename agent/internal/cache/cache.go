package cache

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/seal"
)

// reserve is disk space that audio never takes: the journal and the play log must always have room.
const reserve = 64 << 20

// retryAfter is how long nothing is fetched after a write failed.
const retryAfter = time.Minute

// Options of a cache.
type Options struct {
	Dir   string                          // the agent's data folder
	Agent string                          // id of this agent: the audience of its documents
	Limit int64                           // most bytes of audio
	Free  func(dir string) (int64, error) // free bytes of the disk; nil asks the system
	Now   func() time.Time                // best known time, for what is needed when
	// Trusted is the time if it may be trusted, else zero: documents are then not held against it.
	Trusted func() time.Time
	// Synced tells whether that time goes by the hub's, and not by a hardware clock alone.
	Synced func() bool
	// Verified is told the date of each document that was verified: time cannot be before it.
	Verified func(issued time.Time)
	// Metered are limits of the line; zero is none.
	Metered Metered
	// Checker looks at the files before they are opened.
	Checker Checker
	Log     *slog.Logger
}

// Cache is what the agent keeps.
type Cache struct {
	o         Options
	floorFile *seal.FloorFile
	state     *bbolt.DB // heads, floors, parts, journal, play log
	audio     *bbolt.DB // chunks
	begun     time.Time // times since then are monotonic

	flushing turn         // one who writes audio at a time
	offers   sync.Mutex   // one document at a time
	swapping sync.RWMutex // audio.db is exchanged under its write lock

	compactFrom time.Duration // not before; owned by Run

	mu           sync.Mutex
	files        map[broadcast.Hash]*file
	dropped      map[broadcast.Hash]bool // to be told to the hub
	used         int64                   // bytes of audio committed
	waiting      int64                   // bytes of audio that came and are not committed
	waitingSince time.Duration
	damaged      int // chunks found damaged since the start
	writeErr     error
	writeFailed  time.Duration
	full         string                   // why something is not fetched, "" when there is room
	partial      part                     // that is being fetched
	asked        map[broadcast.Hash]asked // audio that was asked for in this process
	plans        plans
	needs        []need
	zone         *time.Location // the fleet's, by the newest plan; nil before needs
	needsUntil   time.Time      // when the list of needs must be made anew

	wantsChanged    change.Signal
	holdingsChanged change.Signal
	planChanged     change.Signal
	wholeChanged    change.Signal
	kicked          chan struct{}
	linkWants       <-chan struct{}
	linkHoldings    <-chan struct{}
	linkPlan        <-chan struct{}
}

// Open opens or makes the agent's databases. A damaged one is set aside and begun anew.
func Open(o Options) (*Cache, error) {
	if o.Free == nil {
		o.Free = DiskFree
	}
	c := &Cache{o: o, begun: time.Now(), files: map[broadcast.Hash]*file{}, dropped: map[broadcast.Hash]bool{},
		asked: map[broadcast.Hash]asked{}, kicked: make(chan struct{}, 1)}
	c.o.Log = o.Log.With("part", "cache")
	c.linkWants, c.linkHoldings, c.linkPlan = c.wantsChanged.Subscribe(), c.holdingsChanged.Subscribe(), c.planChanged.Subscribe()
	c.plans.present = map[broadcast.Hash]bool{}
	c.plans.days, c.plans.manifests = map[broadcast.Hash]*broadcast.Day{}, map[broadcast.Hash]named{}
	var err error
	var rebuilt bool
	if c.state, rebuilt, err = openDB(filepath.Join(o.Dir, "state.db"), o.Checker, c.o.Log, stateBuckets()...); err != nil {
		return nil, err
	}
	if c.audio, err = c.openAudio(); err != nil {
		_ = c.state.Close() // the error that counts is the first
		return nil, err
	}
	if err := c.loadPlans(rebuilt); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// openAudio opens audio.db; one whose records are not readable is as damaged as one that does not open.
func (c *Cache) openAudio() (*bbolt.DB, error) {
	path := c.audioPath()
	if err := removeAny(c.compactPath()); err != nil { // a power cut left it
		c.o.Log.Warn("what a compaction left is not removed", "error", err)
	}
	db, _, err := openDB(path, c.o.Checker, c.o.Log, bucketChunks, bucketFiles)
	if err != nil {
		return nil, err
	}
	c.audio = db
	if err = c.loadFiles(); err == nil {
		return db, nil
	}
	if closeErr := db.Close(); closeErr != nil {
		return nil, fmt.Errorf("close audio.db: %w", closeErr)
	}
	if err := setAside(path, err, c.o.Log); err != nil {
		return nil, err
	}
	c.files, c.used = map[broadcast.Hash]*file{}, 0
	db, _, err = openDB(path, c.o.Checker, c.o.Log, bucketChunks, bucketFiles)
	return db, err
}

// Close flushes and closes the files. Sources must be closed before.
func (c *Cache) Close() error {
	err := c.flush()
	if c.floorFile != nil {
		if closeErr := c.floorFile.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("close floors: %w", closeErr)
		}
	}
	for _, db := range []*bbolt.DB{c.audio, c.state} {
		if closeErr := db.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("close cache: %w", closeErr)
		}
	}
	return err
}

// Run commits audio that waits when it is due, until ctx ends; it then commits the rest.
func (c *Cache) Run(ctx context.Context) error {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for {
		c.finishComplete()
		var due <-chan time.Time
		if d, ok := c.dueIn(); ok {
			due = time.After(d)
		}
		select {
		case <-ctx.Done():
			return c.flush()
		case <-c.kicked:
		case <-every.C:
			c.wantsChanged.Notify() // room may have come back, needs may have passed
			c.trim()
			if err := c.compactWhenItHelps(ctx); err != nil {
				return err
			}
		case <-due:
			if err := c.flush(); err != nil {
				c.o.Log.Error("audio is not kept", "error", err)
			}
		}
	}
}

// dueIn is when what waits must be committed.
func (c *Cache) dueIn() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == 0 {
		return 0, false
	}
	return max(0, c.waitingSince+flushAfter-time.Since(c.begun)), true
}

func (c *Cache) kick() {
	select {
	case c.kicked <- struct{}{}:
	default: // Run will look anyway
	}
}

// noteWrite remembers how the last write ended; the caller holds mu.
func (c *Cache) noteWrite(err error) {
	c.writeErr = err
	if err != nil {
		c.writeFailed = time.Since(c.begun)
	}
}

// Subscribe gives a channel that tells when audio became whole, see change.Signal.
func (c *Cache) Subscribe() <-chan struct{} { return c.wholeChanged.Subscribe() }

// SubscribePlan gives a channel that tells when the plan is another.
func (c *Cache) SubscribePlan() <-chan struct{} { return c.planChanged.Subscribe() }
