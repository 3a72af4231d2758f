package cache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestWhenCompactingHelps(t *testing.T) {
	const gib, mib = 1 << 30, 1 << 20
	for _, c := range []struct {
		name             string
		size, free, disk int64
		helps            bool
	}{
		{"most of it is free", 4 * gib, 3 * gib, 8 * gib, true},
		{"half of it is free", 2 * gib, 1 * gib, 8 * gib, true},
		{"a little is free", 4 * gib, 1 * gib, 8 * gib, false},
		{"it is small", 40 * mib, 39 * mib, 8 * gib, false},
		{"the copy has no room", 4 * gib, 3 * gib, 1 * gib, false},
	} {
		if got := helps(c.size, c.free, c.disk); got != c.helps {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// roomy gives a cache that once was large and holds little now.
func roomy(t *testing.T) (*hub, *rig, broadcast.Item) {
	h := newHub(t)
	r := newRig(t, h)
	r.cache.audio.NoSync = true
	kept, gone := h.report(5*chunk+7), h.report(1100*chunk)
	r.offer(h.head(nil, kept, gone))
	r.fetch(h, 100)
	r.offer(h.head(nil, kept))
	r.fetch(h, 100)
	if !r.cache.drop(gone.Audio) {
		t.Fatal("nothing was dropped")
	}
	return h, r, kept
}

func (r *rig) audioSize() int64 {
	r.t.Helper()
	info, err := os.Stat(filepath.Join(r.dir, "audio.db"))
	if err != nil {
		r.t.Fatal(err)
	}
	return info.Size()
}

func TestCompactionGivesTheDiskBackWhatIsFree(t *testing.T) {
	h, r, kept := roomy(t)
	before := r.audioSize()
	if err := r.cache.compactWhenItHelps(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := r.audioSize(); before < 64<<20 || after > 2<<20 {
		t.Errorf("the file had %d bytes and has %d", before, after)
	}
	if err := r.read(h, kept); err != nil {
		t.Error(err)
	}
	more := h.report(3 * chunk) // it is written to as before
	r.offer(h.head(nil, kept, more))
	r.fetch(h, 100)
	r.close()
	r.open()
	for _, it := range []broadcast.Item{kept, more} {
		if err := r.read(h, it); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	}
}

// What plays, comes or goes is never held up by it.
func TestCompactionGivesWay(t *testing.T) {
	_, r, kept := roomy(t)
	before := r.audioSize()
	c := r.cache
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cases := map[string]struct {
		ctx  context.Context
		busy func() (free func())
	}{
		"audio is open": {t.Context(), func() func() {
			s, err := c.Open(kept.Audio)
			if err != nil {
				t.Fatal(err)
			}
			return func() { _ = s.Close() }
		}},
		"a download waits to be committed": {t.Context(), func() func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.waiting++
			return func() { c.waiting-- }
		}},
		"somebody waits to write": {t.Context(), func() func() {
			c.flushing.queued.Add(1)
			return func() { c.flushing.queued.Add(-1) }
		}},
		"the agent ends": {ended, func() func() { return func() {} }},
	}
	for name, k := range cases {
		t.Run(name, func(t *testing.T) {
			free := k.busy()
			defer free()
			if err := c.compact(k.ctx); !errors.Is(err, errGivenUp) {
				t.Errorf("compact: %v", err)
			}
			if err := c.compactWhenItHelps(k.ctx); err != nil {
				t.Error(err)
			}
			if r.audioSize() != before {
				t.Error("it was compacted all the same")
			}
			if _, err := os.Stat(c.compactPath()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the copy is left over: %v", err)
			}
		})
	}
}

// A writer that comes in the middle waits for one step, and a reader for none.
func TestAWriterInTheMiddleOfACompaction(t *testing.T) {
	h, r, kept := roomy(t)
	c := r.cache
	done := make(chan error, 1)
	writer := make(chan bool, 1)
	c.flushing.Lock() // as compact does
	go func() { writer <- c.drop(kept.Audio) }()
	for !c.flushing.wanted() {
		if err := r.read(h, kept); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		defer c.flushing.Unlock()
		done <- c.copyAudio(t.Context())
	}()
	if err := <-done; !errors.Is(err, errGivenUp) {
		t.Errorf("copy: %v", err)
	}
	if !<-writer {
		t.Error("the writer did not get its turn")
	}
}

func TestWhatAPowerCutLeavesOfACompaction(t *testing.T) {
	h, r, kept := roomy(t)
	left := r.cache.compactPath()
	r.close()
	if err := os.WriteFile(left, []byte("half a copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if err := r.read(h, kept); err != nil {
		t.Error(err)
	}
}

func TestALimitThatWasLowered(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	first, last, unneeded := h.report(4*chunk), h.report(4*chunk), h.report(4*chunk)
	r.offer(h.head(nil, unneeded))
	r.fetch(h, 100)
	r.offer(h.head(nil, first, last))
	r.fetch(h, 100)
	r.close()
	r.limit = 9 * chunk
	r.open()
	r.cache.trim()
	if !r.cache.Whole(first.Audio) || !r.cache.Whole(last.Audio) || r.cache.files[unneeded.Audio] != nil {
		t.Error("something that is needed went before what is not")
	}
	r.close()
	r.limit = 5 * chunk
	r.open()
	r.cache.trim()
	if !r.cache.Whole(first.Audio) || r.cache.Whole(last.Audio) {
		t.Error("what is needed last was not the next to go")
	}
	if w, ok := r.cache.NextWant(never); ok {
		t.Errorf("it is fetched again: %+v", w)
	}
}

// It happens by itself, in a cache that runs; one that was given up is tried again later.
func TestCompactionByTheMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r, kept := roomy(t)
		before := r.audioSize()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.cache.Run(ctx) }()
		pass := func(d time.Duration) {
			<-time.After(d)
			synctest.Wait()
		}
		open, err := r.cache.Open(kept.Audio)
		if err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		if r.audioSize() != before {
			t.Error("it was compacted while audio was open")
		}
		if err := open.Close(); err != nil {
			t.Error(err)
		}
		pass(compactAgain + time.Minute)
		if after := r.audioSize(); after == before {
			t.Error("nothing was compacted")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
