package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
)

var (
	bucketChunks = []byte("chunks") // hash (32 bytes) + index (4 bytes) -> bytes
	bucketFiles  = []byte("files")  // hash (32 bytes) -> fileRecord
)

const (
	flushBytes = 1 << 20         // audio per transaction (sound.md, bbolt)
	flushAfter = 5 * time.Second // or this, on a slow line
)

// ErrNotWhole says that audio is not here, or not all of it.
var ErrNotWhole = errors.New("audio is not whole in the cache")

// DamagedError says that a chunk in the cache is not what its hash says. The chunk is dropped and will be
// fetched again.
type DamagedError struct {
	Audio broadcast.Hash
	Chunk int
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("chunk %d of audio %s is damaged in the cache", e.Chunk, e.Audio)
}

// fileRecord is what audio.db knows of a file; it is written in the transaction of its chunks.
type fileRecord struct {
	Size  int64     `json:"size"`
	Have  []byte    `json:"have"`  // a bit for each chunk
	Whole bool      `json:"whole"` // every chunk is there and together they have the file's hash
	Used  time.Time `json:"used"`  // last time it was wanted or played
}

// file is a fileRecord in memory.
type file struct {
	fileRecord
	manifest *broadcast.Manifest
	pending  map[int][]byte // came, but not committed
	pinned   int            // open sources: not to be evicted
	came     chan struct{}  // closed at the next chunk; nil while nobody waits
	dirty    bool           // told to the hub once it is asked
}

func (f *file) has(i int) bool { return i/8 < len(f.Have) && f.Have[i/8]&(1<<(i%8)) != 0 }

func (f *file) set(i int, on bool) {
	for len(f.Have) <= i/8 {
		f.Have = append(f.Have, 0)
	}
	if on {
		f.Have[i/8] |= 1 << (i % 8)
	} else {
		f.Have[i/8] &^= 1 << (i % 8)
	}
}

func (f *file) chunks() int {
	return int((f.Size + broadcast.ChunkSize - 1) / broadcast.ChunkSize)
}

// prefix is the bytes held from the beginning; with also, those that wait to be committed count.
func (f *file) prefix(also bool) int64 {
	for i := range f.chunks() {
		if _, waits := f.pending[i]; !f.has(i) && (!also || !waits) {
			return int64(i) * broadcast.ChunkSize
		}
	}
	return f.Size
}

// bytes committed.
func (f *file) bytes() int64 {
	var n int64
	for i := range f.chunks() {
		if f.has(i) {
			n += chunkLen(f.Size, i)
		}
	}
	return n
}

func chunkLen(size int64, i int) int64 {
	return min(broadcast.ChunkSize, size-int64(i)*broadcast.ChunkSize)
}

func rawHash(h broadcast.Hash) ([]byte, error) {
	raw, err := hex.DecodeString(string(h))
	if err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("%q is not a SHA-256", h)
	}
	return raw, nil
}

func chunkKey(raw []byte, i int) []byte {
	return binary.BigEndian.AppendUint32(bytes.Clone(raw[:sha256.Size]), uint32(i))
}

func hashOf(b []byte) broadcast.Hash {
	sum := sha256.Sum256(b)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

// loadFiles reads what audio.db holds.
func (c *Cache) loadFiles() error {
	return c.viewAudio(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketFiles).ForEach(func(k, v []byte) error {
			f := &file{pending: map[int][]byte{}}
			if len(k) != sha256.Size || json.Unmarshal(v, &f.fileRecord) != nil || f.Size <= 0 {
				return fmt.Errorf("file record %x is not readable", k)
			}
			c.files[broadcast.Hash(hex.EncodeToString(k))] = f
			c.used += f.bytes()
			return nil
		})
	})
}

// putAudio takes one chunk of audio.
func (c *Cache) putAudio(m *broadcast.Manifest, offset int64, data []byte) error {
	i := int(offset / broadcast.ChunkSize)
	if offset < 0 || offset%broadcast.ChunkSize != 0 || i >= len(m.Chunks) || int64(len(data)) != chunkLen(m.Size, i) {
		return fmt.Errorf("chunk at %d of audio %s has a wrong place or length", offset, m.Audio)
	}
	if hashOf(data) != m.Chunks[i] {
		return fmt.Errorf("chunk %d of audio %s is not what its hash says", i, m.Audio)
	}
	c.mu.Lock()
	f := c.fileFor(m)
	if f.has(i) {
		c.mu.Unlock()
		return nil
	}
	if c.waiting == 0 {
		c.waitingSince = time.Since(c.begun)
	}
	if _, again := f.pending[i]; !again {
		c.waiting += int64(len(data))
	}
	f.pending[i] = bytes.Clone(data)
	f.tell()
	flush := c.waiting >= flushBytes || f.prefix(true) == f.Size
	c.mu.Unlock()
	if !flush {
		c.kick()
		return nil
	}
	return c.flush()
}

// fileFor gives the file of a manifest; the caller holds mu.
func (c *Cache) fileFor(m *broadcast.Manifest) *file {
	f, ok := c.files[m.Audio]
	if !ok {
		f = &file{fileRecord: fileRecord{Size: m.Size}, pending: map[int][]byte{}}
		c.files[m.Audio] = f
	}
	c.follow(f, m)
	return f
}

// follow has a file go by a manifest; the caller holds mu. Where the sizes differ the file began by a manifest that lied, or its
// record is damaged: what is there counts as far as it has its hashes.
func (c *Cache) follow(f *file, m *broadcast.Manifest) {
	f.manifest = m
	if f.Size == m.Size {
		return
	}
	c.used -= f.bytes()
	f.Size, f.Whole = m.Size, false
	c.used += f.bytes()
}

// flush commits the chunks that wait, in one transaction, and finishes files that are complete now.
func (c *Cache) flush() error {
	c.flushing.Lock()
	defer c.flushing.Unlock()
	batch := c.takeWaiting()
	if len(batch) == 0 {
		return nil
	}
	err := c.updateAudio(func(tx *bbolt.Tx) error { return writeBatch(tx, batch) })
	c.settle(batch, err)
	if err != nil {
		return fmt.Errorf("keep audio: %w", err)
	}
	for hash, b := range batch {
		if b.complete {
			c.finish(hash)
		}
	}
	c.holdingsChanged.Notify()
	return nil
}

// batch is what one flush writes of one file.
type batch struct {
	record   fileRecord
	chunks   map[int][]byte
	complete bool
}

func (c *Cache) takeWaiting() map[broadcast.Hash]*batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[broadcast.Hash]*batch{}
	for hash, f := range c.files {
		if len(f.pending) == 0 {
			continue
		}
		b := &batch{record: f.fileRecord, chunks: make(map[int][]byte, len(f.pending))}
		after := &file{fileRecord: f.fileRecord}
		after.Have = bytes.Clone(f.Have)
		for i, data := range f.pending {
			b.chunks[i] = data
			after.set(i, true)
		}
		b.record.Have, b.record.Used = after.Have, c.o.Now()
		b.complete = after.prefix(false) == after.Size
		out[hash] = b
	}
	c.waiting = 0
	return out
}

func writeBatch(tx *bbolt.Tx, batch map[broadcast.Hash]*batch) error {
	for hash, b := range batch {
		raw, err := rawHash(hash)
		if err != nil {
			return err
		}
		for i, data := range b.chunks {
			if err := tx.Bucket(bucketChunks).Put(chunkKey(raw, i), data); err != nil {
				return fmt.Errorf("put chunk: %w", err)
			}
		}
		if err := putRecord(tx, raw, b.record); err != nil {
			return err
		}
	}
	return nil
}

func putRecord(tx *bbolt.Tx, raw []byte, r fileRecord) error {
	v, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode file record: %w", err)
	}
	if err := tx.Bucket(bucketFiles).Put(raw, v); err != nil {
		return fmt.Errorf("put file record: %w", err)
	}
	return nil
}

// settle brings memory to what the disk holds after a flush.
func (c *Cache) settle(batch map[broadcast.Hash]*batch, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hash, b := range batch {
		f := c.files[hash]
		for i, data := range b.chunks {
			if bytes.Equal(f.pending[i], data) {
				delete(f.pending, i)
			}
			if err == nil && !f.has(i) {
				f.set(i, true)
				c.used += int64(len(data))
			}
		}
		f.Used, f.dirty = b.record.Used, true
	}
	c.noteWrite(err)
}

// finish looks whether the chunks of a complete file together have its hash: a manifest could lie. The caller
// holds flushing.
func (c *Cache) finish(hash broadcast.Hash) {
	c.mu.Lock()
	f := c.files[hash]
	if f == nil { // evicted meanwhile
		c.mu.Unlock()
		return
	}
	manifest := f.manifest
	c.mu.Unlock()
	sum := sha256.New()
	for i := range manifest.Chunks {
		data, err := c.chunk(manifest, i)
		if err != nil {
			c.o.Log.Error("audio cannot be read back", "audio", hash, "error", err)
			return // the chunk was dropped and is wanted again
		}
		sum.Write(data)
	}
	if broadcast.Hash(hex.EncodeToString(sum.Sum(nil))) != hash {
		c.o.Log.Error("audio is not what its manifest says, dropping it", "audio", hash)
		c.erase(hash)
		return
	}
	c.mu.Lock()
	f.Whole = true
	record := f.fileRecord
	record.Have = bytes.Clone(f.Have)
	c.mu.Unlock()
	if err := c.writeRecord(hash, record); err != nil {
		c.o.Log.Warn("whole audio is not marked", "audio", hash, "error", err)
	}
	c.wholeChanged.Notify()
}

// finishComplete finishes files whose last chunk was committed by a process that ended there.
func (c *Cache) finishComplete() {
	c.mu.Lock()
	var complete []broadcast.Hash
	for hash, f := range c.files {
		if f.manifest != nil && !f.Whole && f.prefix(false) == f.Size {
			complete = append(complete, hash)
		}
	}
	c.mu.Unlock()
	for _, hash := range complete {
		c.flushing.Lock()
		c.finish(hash)
		c.flushing.Unlock()
	}
}

func (c *Cache) writeRecord(hash broadcast.Hash, r fileRecord) error {
	raw, err := rawHash(hash)
	if err != nil {
		return err
	}
	return c.updateAudio(func(tx *bbolt.Tx) error { return putRecord(tx, raw, r) })
}

// drop forgets a file and its chunks; false when it does not: it is open, or the disk does not let us.
func (c *Cache) drop(hash broadcast.Hash) bool {
	c.flushing.Lock() // a flush in the middle would write chunks of a file that is gone
	defer c.flushing.Unlock()
	return c.erase(hash)
}

// erase is drop for who holds flushing.
func (c *Cache) erase(hash broadcast.Hash) bool {
	c.mu.Lock()
	f := c.files[hash]
	if f == nil || f.pinned > 0 {
		c.mu.Unlock()
		return false
	}
	whole := f.Whole
	f.Whole = false // nobody opens it from here on
	c.mu.Unlock()
	err := c.eraseChunks(hash)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.o.Log.Error("audio is not dropped", "audio", hash, "error", err)
		f.Whole = whole
		c.noteWrite(err)
		return false
	}
	c.used -= f.bytes()
	for _, data := range f.pending {
		c.waiting -= int64(len(data))
	}
	delete(c.files, hash)
	c.dropped[hash] = true
	c.holdingsChanged.Notify()
	return true
}

func (c *Cache) eraseChunks(hash broadcast.Hash) error {
	raw, err := rawHash(hash)
	if err != nil {
		return err
	}
	return c.updateAudio(func(tx *bbolt.Tx) error {
		cur := tx.Bucket(bucketChunks).Cursor()
		// Seek anew each time: after a deletion Next may skip a key.
		for k, _ := cur.Seek(raw); bytes.HasPrefix(k, raw); k, _ = cur.Seek(raw) {
			if err := cur.Delete(); err != nil {
				return fmt.Errorf("delete chunk: %w", err)
			}
		}
		return tx.Bucket(bucketFiles).Delete(raw)
	})
}
