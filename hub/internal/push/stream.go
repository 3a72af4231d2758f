package push

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// maxStreams is how many wants an agent may have open; it needs one, and a second while it changes its mind.
const maxStreams = 4

// stream is one want being served.
type stream struct {
	sha256 broadcast.Hash
	blob   store.Blob // nil when all is sent and only acknowledgements are missing
	size   int64
	end    int64
	sent   int64
	acked  int64
	window int64
	due    time.Time // when the agent needs it; zero for now
	urgent bool      // a bulletin needs it: it waits for nobody's turn
}

// streams is the wsconn.ChunkSource of a session: it gives a frame only while all unacknowledged bytes together
// are within the receiver's window, so that a control message is never behind more than that; and only when it is the
// session's turn, where all agents together have a limit.
type streams struct {
	frames  *frames
	metrics *Metrics
	limit   *limited // nil for no limit

	mu     sync.Mutex
	open   []*stream // in the order they were asked for
	frame  *frame    // the one being written; only the writer's
	closed bool
}

// limited is a session's place on a line with a limit.
type limited struct {
	line   *uplink
	turn   turn
	queued func(broadcast.Hash) // tells the agent that it waits
	since  time.Time            // it waits, or was told so; zero while it does not wait
}

// may tells whether a frame of a stream may be sent now; the stream's session is woken otherwise when it may.
func (l *limited) may(st *stream, size int64) bool {
	if st.urgent {
		l.leave()
		l.line.spend(size)
		return true
	}
	if l.line.may(&l.turn, st.due, size) {
		l.since = time.Time{}
		return true
	}
	switch now := time.Now(); {
	case l.since.IsZero():
		l.since = now
	case now.Sub(l.since) >= queuedAfter:
		l.since = now
		l.queued(st.sha256)
	}
	return false
}

// leave says that there is nothing that waits.
func (l *limited) leave() {
	l.since = time.Time{}
	l.line.leave(&l.turn)
}

// start begins to serve a want; the blob is then the streams' to close.
func (s *streams) start(w *wire.Want, blob store.Blob, urgent bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.open) >= maxStreams {
		return fmt.Errorf("more than %d blobs wanted at once", maxStreams)
	}
	end := w.End
	if end == 0 {
		end = blob.Size()
	}
	s.open = append(s.open, &stream{
		sha256: w.SHA256, blob: blob, size: blob.Size(), end: end, sent: w.Offset, acked: w.Offset, window: w.Window,
		due: w.Due, urgent: urgent,
	})
	return nil
}

func (s *streams) got(g *wire.Got) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, st := range s.open {
		if st.sha256 != g.SHA256 {
			continue
		}
		// An acknowledgement of what was not sent, or again, changes nothing.
		if g.Offset > st.acked && g.Offset <= st.sent {
			st.acked = g.Offset
		}
		if g.Window != 0 {
			st.window = g.Window
		}
		if st.blob == nil && st.acked == st.end {
			s.open = slices.Delete(s.open, i, i+1)
		}
		return
	}
}

// hasten changes when what is served is needed.
func (s *streams) hasten(sha256 broadcast.Hash, due time.Time, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.open {
		if st.sha256 == sha256 {
			st.due, st.urgent = due, urgent
		}
	}
}

func (s *streams) stop(sha256 broadcast.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(st *stream) bool {
		if st.sha256 == sha256 {
			st.closeBlob()
		}
		return st.sha256 == sha256
	})
}

// close ends all streams, after the writer has ended.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.limit != nil {
		s.limit.leave()
	}
	for _, st := range s.open {
		st.closeBlob()
	}
	s.open = nil
	s.written()
}

func (st *stream) closeBlob() {
	if st.blob != nil {
		_ = st.blob.Close() // read only
		st.blob = nil
	}
}

// NextFrame implements wsconn.ChunkSource.
func (s *streams) NextFrame() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written()
	st, size := s.front()
	switch {
	case st == nil && s.limit != nil:
		s.limit.leave()
	case st != nil && (s.limit == nil || s.limit.may(st, size)):
		return s.next(st, size)
	}
	return nil, nil
}

// written puts the frame back that was given last.
func (s *streams) written() {
	s.frames.put(s.frame)
	s.frame = nil
}

// front is the stream that is next, an urgent one first, and how much of it; nil when nothing is to be sent or the window
// is full.
func (s *streams) front() (front *stream, size int64) {
	unacked := int64(0)
	for _, st := range s.open {
		unacked += st.sent - st.acked
		if st.blob != nil && (front == nil || st.urgent && !front.urgent) {
			front = st
		}
	}
	if front == nil {
		return nil, 0
	}
	size = min(frameSize(front.window), front.end-front.sent)
	if s.limit != nil {
		size = min(size, s.limit.line.largest)
	}
	if unacked > 0 && unacked+size > front.window {
		return nil, 0
	}
	return front, size
}

// next gives the frame at st.sent.
func (s *streams) next(st *stream, size int64) ([]byte, error) {
	fr, err := s.frames.get(st, size)
	if err != nil {
		return nil, err
	}
	s.frame = fr
	st.sent += size
	if st.sent == st.end {
		st.closeBlob()
	}
	count(s.metrics.Frames, 1)
	count(s.metrics.Bytes, int(size))
	return fr.data, nil
}

// frameSize is half the window, so that one frame is under way while the other is acknowledged; a power of two,
// so that frames lie on chunks.
func frameSize(window int64) int64 {
	size := int64(wire.Grain)
	for size*2 <= window/2 && size < wire.MaxChunk {
		size *= 2
	}
	return size
}
