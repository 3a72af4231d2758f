package push

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

const (
	keptFrames = 64 // 8 MB: all of a report of half an hour
	keptFor    = 10 * time.Second
)

// frames reads the frames of blobs. The last ones are kept for a moment: after a change of plans thousands of agents fetch
// the same report, and each frame of it is read once for all of them. Safe for concurrent use.
type frames struct {
	free sync.Pool // of *frame

	mu     sync.Mutex
	kept   map[place]*frame
	ring   [keptFrames]*frame // the same, in the order of their reading
	next   int                // the oldest there
	forget *time.Timer        // nil while nothing is kept
}

// place is where a frame lies.
type place struct {
	sha256       broadcast.Hash
	offset, size int64
}

// frame is one frame as it is sent. Nobody changes it as long as it has users.
type frame struct {
	place
	data  []byte
	users int // guarded by frames.mu; that it is kept counts as one
}

func newFrames() *frames {
	return &frames{
		free: sync.Pool{New: func() any { return &frame{data: make([]byte, 0, wire.MaxFrame)} }},
		kept: make(map[place]*frame, keptFrames),
	}
}

// get gives the frame of a stream that is next, of size; it is to be put back.
func (f *frames) get(st *stream, size int64) (*frame, error) {
	at := place{st.sha256, st.sent, size}
	if fr := f.find(at); fr != nil {
		return fr, nil
	}
	fr, _ := f.free.Get().(*frame)
	if err := fr.read(at, st); err != nil {
		f.free.Put(fr)
		return nil, err
	}
	f.keep(fr)
	return fr, nil
}

// read reads a frame from a stream's blob.
func (fr *frame) read(at place, st *stream) error {
	fr.place, fr.data = at, fr.data[:wire.HeaderSize+at.size]
	content := fr.data[wire.HeaderSize:]
	n, err := st.blob.ReadAt(content, at.offset)
	if int64(n) < at.size {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read blob %s: %w", at.sha256, err)
	}
	last := at.offset+at.size == st.size
	_, err = wire.AppendHeader(fr.data[:0], wire.Chunk{SHA256: at.sha256, Offset: at.offset, Last: last, Data: content})
	return err
}

func (f *frames) find(at place) *frame {
	f.mu.Lock()
	defer f.mu.Unlock()
	fr := f.kept[at]
	if fr != nil {
		fr.users++
	}
	return fr
}

// keep keeps a frame that its one user has just read, in the place of the oldest.
func (f *frames) keep(fr *frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fr.users = 1
	if f.kept[fr.place] != nil { // another has read it meanwhile
		return
	}
	f.drop(f.next)
	f.ring[f.next], f.kept[fr.place] = fr, fr
	fr.users++
	f.next = (f.next + 1) % keptFrames
	if f.forget == nil {
		f.forget = time.AfterFunc(keptFor, f.forgetAll)
	}
}

// put takes a frame back from one of its users; nil is none.
func (f *frames) put(fr *frame) {
	if fr == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave(fr)
}

// forgetAll gives the memory back; what is still being fetched is read again.
func (f *frames) forgetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.ring {
		f.drop(i)
	}
	f.forget = nil
}

// drop keeps what lies in the ring at i no longer; the caller holds mu.
func (f *frames) drop(i int) {
	if fr := f.ring[i]; fr != nil {
		f.ring[i] = nil
		delete(f.kept, fr.place)
		f.leave(fr)
	}
}

// leave counts a user less; the caller holds mu.
func (f *frames) leave(fr *frame) {
	if fr.users--; fr.users == 0 {
		f.free.Put(fr)
	}
}
