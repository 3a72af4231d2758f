package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
)

// Source reads audio. It holds no transaction between reads; each chunk is copied out and hashed. While
// it is open its audio is not evicted. ReadAt may be called from any number of goroutines.
type Source struct {
	cache    *Cache
	manifest *broadcast.Manifest
	growing  bool // it was not whole when it was opened
	ahead    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	chunks map[int][]byte // the last chunks read, and the one after
	load   map[int]bool   // being read ahead
}

// Whole tells whether audio is here, all of it.
func (c *Cache) Whole(audio broadcast.Hash) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[audio]
	return f != nil && f.Whole && f.manifest != nil
}

// Open gives the audio, or ErrNotWhole. The caller closes it.
func (c *Cache) Open(audio broadcast.Hash) (*Source, error) {
	urgent := c.isUrgent(audio)
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.files[audio]
	if f == nil || f.manifest == nil || !f.Whole && (!urgent || !c.keepsAhead(f)) {
		return nil, fmt.Errorf("open %s: %w", audio, ErrNotWhole)
	}
	f.pinned++
	return &Source{cache: c, manifest: f.manifest, growing: !f.Whole, chunks: map[int][]byte{}, load: map[int]bool{}}, nil
}

// checkAhead is how much Check reads: an hour of speech, and no more than a slow disk gives in half a second.
const checkAhead = 16 << 20

// Check reads the beginning of it once, so that damage is found before the sound is due. The rest is checked
// like everything else when it is read.
func (s *Source) Check() error {
	for i := range min(len(s.manifest.Chunks), checkAhead/broadcast.ChunkSize) {
		if s.growing && i > 0 {
			break // it is checked as it comes
		}
		if _, err := s.read(i, 0); err != nil {
			return err
		}
	}
	return nil
}

// Size of the audio in bytes.
func (s *Source) Size() int64 { return s.manifest.Size }

// GainDB brings the audio to the target level.
func (s *Source) GainDB() float64 { return s.manifest.GainDB }

// Length is that of the whole audio while its rest was on its way at the opening, else 0.
func (s *Source) Length() time.Duration {
	if !s.growing {
		return 0
	}
	return time.Duration(s.manifest.DurationMS) * time.Millisecond
}

// Close lets the audio go.
func (s *Source) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.ahead.Wait()
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	if f := s.cache.files[s.manifest.Audio]; f != nil {
		f.pinned--
	}
	return nil
}

// ReadAt is io.ReaderAt; its error is a *DamagedError when a chunk is not what it must be.
func (s *Source) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) {
		if off >= s.manifest.Size {
			return n, io.EOF
		}
		i := int(off / broadcast.ChunkSize)
		data, err := s.chunk(i)
		if err != nil {
			return n, err
		}
		k := copy(p[n:], data[off-int64(i)*broadcast.ChunkSize:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

// chunk gives a chunk and begins to read the next one: a slow disk is waited for while nobody waits.
func (s *Source) chunk(i int) ([]byte, error) {
	s.mu.Lock()
	data := s.chunks[i]
	s.mu.Unlock()
	if data == nil {
		var err error
		if data, err = s.read(i, growWait); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks[i] = data
	for k := range s.chunks {
		if k < i-1 || k > i+1 {
			delete(s.chunks, k)
		}
	}
	if next := i + 1; next < len(s.manifest.Chunks) && s.chunks[next] == nil && !s.load[next] && !s.closed {
		s.load[next] = true
		s.ahead.Go(func() { s.readAhead(next) })
	}
	return data, nil
}

func (s *Source) readAhead(i int) {
	data, err := s.read(i, 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.load, i)
	if err == nil { // whoever reads it in earnest meets the error again and is told
		s.chunks[i] = data
	}
}

// chunk reads, copies and checks one chunk; a damaged one is dropped, to be fetched again.
func (c *Cache) chunk(m *broadcast.Manifest, i int) ([]byte, error) {
	raw, err := rawHash(m.Audio)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = c.viewAudio(func(tx *bbolt.Tx) error {
		data = cloneUpTo(tx.Bucket(bucketChunks).Get(chunkKey(raw, i)), broadcast.ChunkSize)
		return nil
	})
	if err == nil && hashOf(data) == m.Chunks[i] {
		return data, nil
	}
	c.o.Log.Error("chunk is damaged, dropping it", "audio", m.Audio, "chunk", i, "error", err)
	c.dropChunk(m.Audio, i)
	return nil, &DamagedError{Audio: m.Audio, Chunk: i}
}

func (c *Cache) dropChunk(audio broadcast.Hash, i int) {
	c.mu.Lock()
	f := c.files[audio]
	if f == nil || !f.has(i) {
		c.mu.Unlock()
		return
	}
	f.set(i, false)
	f.Whole, f.dirty = false, true
	c.used -= chunkLen(f.Size, i)
	c.damaged++
	record := f.fileRecord
	record.Have = bytes.Clone(f.Have)
	c.mu.Unlock()
	if err := c.writeRecord(audio, record); err != nil {
		c.o.Log.Warn("dropped chunk is not noted", "audio", audio, "chunk", i, "error", err)
	}
	c.wantsChanged.Notify()
	c.holdingsChanged.Notify()
}

// Recheck reads all audio that is whole, once and slowly; what is damaged is dropped and fetched anew.
func (c *Cache) Recheck(ctx context.Context) {
	c.mu.Lock()
	hashes := slices.Collect(maps.Keys(c.files))
	c.mu.Unlock()
	checked, damaged := 0, 0
	for _, audio := range hashes {
		if !c.Whole(audio) {
			continue
		}
		s, err := c.Open(audio)
		if err != nil {
			continue // evicted meanwhile
		}
		for i := 0; i < len(s.manifest.Chunks) && ctx.Err() == nil; i++ {
			if _, err := c.chunk(s.manifest, i); err != nil {
				damaged++ // chunk dropped it
			}
		}
		_ = s.Close()
		checked++
	}
	if ctx.Err() == nil {
		c.o.Log.Info("audio is checked", "files", checked, "damaged_chunks", damaged)
	}
	c.wantsChanged.Notify()
}
