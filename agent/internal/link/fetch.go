package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const (
	coolDown  = 30 * time.Second // a blob that failed is left alone for so long
	stallTime = time.Minute      // a fetch without a frame for so long has failed
	maxPart   = 8 << 20          // a blob of unknown size (a manifest) may not be larger
)

// fetcher fetches one blob at a time: the one whose use is soonest. Should a more urgent one be wanted in the
// middle, it goes first; what was whole chunks of the other stays.
type fetcher struct {
	s       *session
	blobs   Blobs
	meter   Meter
	pace    *pace
	owed    *wire.Got // an acknowledgement that the limit holds back
	current *fetch
	cool    map[broadcast.Hash]time.Time // until when
	delayed bool                         // the next want waits for the limit
	timer   *time.Timer                  // next thing that time alone brings about
}

// fetch is the blob under way.
type fetch struct {
	want Want
	base int64  // where buf belongs, a multiple of broadcast.ChunkSize
	buf  []byte // bytes of the chunk that is not whole yet
	last time.Time
}

func (c *fetch) next() int64 { return c.base + int64(len(c.buf)) }

func newFetcher(s *session) *fetcher {
	return &fetcher{
		s: s, blobs: s.l.o.Blobs, pace: &s.l.pace, cool: map[broadcast.Hash]time.Time{},
	}
}

func (f *fetcher) run(ctx context.Context) error {
	f.timer = time.NewTimer(0)
	defer f.timer.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-f.timer.C:
			err = f.tick()
		case <-f.blobs.WantsChanged():
			err = f.choose()
		case sha256 := <-f.s.gone:
			err = f.failed(sha256, errors.New("the hub does not have it"))
		case sha256 := <-f.s.queued:
			f.held(sha256)
		case chunk := <-f.s.frames:
			err = f.take(ctx, chunk)
		}
		if err != nil {
			return err
		}
	}
}

// tick acknowledges what the limit held back, gives up a fetch that stalled and looks at what has cooled down.
func (f *fetcher) tick() error {
	if f.current != nil && f.owed == nil && time.Since(f.current.last) >= stallTime {
		return f.failed(f.current.want.SHA256, errors.New("nothing came for a minute"))
	}
	return f.choose()
}

// choose makes the soonest want the current fetch.
func (f *fetcher) choose() error {
	now := time.Now()
	for sha256, until := range f.cool {
		if !now.Before(until) {
			delete(f.cool, sha256)
		}
	}
	want, ok := f.blobs.NextWant(func(sha256 broadcast.Hash) bool { _, cool := f.cool[sha256]; return cool })
	defer f.setTimer(now)
	if f.current != nil {
		if ok && want.SHA256 == f.current.want.SHA256 {
			return f.goOn(want, now)
		}
		if err := f.s.send(&wire.StopWant{SHA256: f.current.want.SHA256}); err != nil {
			return err
		}
		f.current, f.owed = nil, nil
	}
	f.delayed = false
	if !ok {
		return nil
	}
	if f.delayed = f.pace.wait(want.Limit, now) > 0; f.delayed {
		return nil
	}
	base := want.Have - want.Have%broadcast.ChunkSize
	f.current = &fetch{want: want, base: base, buf: make([]byte, 0, broadcast.ChunkSize), last: now}
	f.meter.Begin(now)
	f.s.l.o.Log.Debug("fetch begins", "kind", want.Kind, "sha256", want.SHA256, "offset", base, "size", want.Size)
	return f.s.send(&wire.Want{SHA256: want.SHA256, Offset: base, End: want.Size, Window: f.window(), Due: want.Due})
}

// goOn keeps to the current fetch, whose want may have changed: the same audio may be urgent now.
func (f *fetcher) goOn(want Want, now time.Time) error {
	old := f.current.want
	f.current.want.Limit, f.current.want.Due = want.Limit, want.Due
	if !want.Due.IsZero() && !want.Due.Equal(old.Due) {
		if err := f.s.send(&wire.Got{SHA256: want.SHA256, Due: want.Due}); err != nil {
			return err
		}
	}
	return f.pay(now)
}

// held takes note that the hub has the current fetch wait: it has not stalled, and the pause is not the line's.
func (f *fetcher) held(sha256 broadcast.Hash) {
	if f.current != nil && f.current.want.SHA256 == sha256 {
		f.current.last = time.Now()
		f.meter.Begin(f.current.last)
	}
}

// window is what the hub may send ahead: 2 s of the line, or of the limit.
func (f *fetcher) window() int64 { return min(f.meter.Window(), f.pace.window(f.current.want.Limit)) }

// pay sends the acknowledgement that was held back, when its time has come.
func (f *fetcher) pay(now time.Time) error {
	if f.owed == nil || f.pace.wait(f.current.want.Limit, now) > 0 {
		return nil
	}
	got := f.owed
	f.owed, f.current.last = nil, now
	f.meter.Begin(now) // the pause was not the line's
	return f.s.send(got)
}

func (f *fetcher) setTimer(now time.Time) {
	wait := time.Hour
	switch {
	case f.owed != nil:
		wait = f.pace.wait(f.current.want.Limit, now)
	case f.current != nil:
		wait = stallTime - now.Sub(f.current.last)
	case f.delayed:
		wait = f.pace.wait(1, now)
	}
	for _, until := range f.cool {
		wait = min(wait, until.Sub(now))
	}
	f.timer.Reset(max(wait, time.Millisecond))
}

// failed leaves a blob alone for a while and goes on with the next.
func (f *fetcher) failed(sha256 broadcast.Hash, cause error) error {
	if f.current == nil || f.current.want.SHA256 != sha256 {
		return nil // of a want that was stopped
	}
	f.s.l.o.Log.Warn("fetch failed", "kind", f.current.want.Kind, "sha256", sha256, "err", cause)
	f.cool[sha256] = time.Now().Add(coolDown)
	return f.choose()
}

// take keeps a frame of the current fetch; others are late ones of a want that was stopped.
func (f *fetcher) take(ctx context.Context, chunk wire.Chunk) error {
	c := f.current
	if c == nil || chunk.SHA256 != c.want.SHA256 || chunk.Offset != c.next() {
		return nil
	}
	end := chunk.Offset + int64(len(chunk.Data))
	if err := c.check(end, chunk.Last); err != nil {
		return f.failed(c.want.SHA256, err)
	}
	switch err := f.keep(ctx, chunk); {
	case ctx.Err() != nil:
		return wsconn.ErrClosed
	case err != nil:
		return f.failed(c.want.SHA256, err)
	}
	c.last = time.Now()
	f.meter.Add(len(chunk.Data), c.last)
	if rate := int64(f.meter.rate); chunk.Last || c.last.Sub(f.meter.told) > time.Second {
		f.meter.told = c.last
		f.s.l.change(func(s *State) { s.BytesPerS = rate })
	}
	f.pace.spend(len(chunk.Data), c.want.Limit, c.last)
	got := &wire.Got{SHA256: c.want.SHA256, Offset: end, Window: f.window()}
	if !chunk.Last {
		f.owed = got
		defer f.setTimer(c.last)
		return f.pay(c.last)
	}
	if err := f.s.send(got); err != nil {
		return err
	}
	f.current, f.owed = nil, nil
	return f.choose()
}

func (c *fetch) check(end int64, last bool) error {
	switch size := c.want.Size; {
	case size > 0 && (end > size || last != (end == size)):
		return fmt.Errorf("the hub's blob ends elsewhere than at %d", size)
	case size == 0 && end > maxPart:
		return fmt.Errorf("a part of unknown size is over %d bytes", maxPart)
	}
	return nil
}

// keep puts the bytes into the cache, chunk by chunk.
func (f *fetcher) keep(ctx context.Context, chunk wire.Chunk) error {
	c, data := f.current, chunk.Data
	for {
		n := min(len(data), broadcast.ChunkSize-len(c.buf))
		c.buf = append(c.buf, data[:n]...)
		data = data[n:]
		last := chunk.Last && len(data) == 0
		if len(c.buf) == broadcast.ChunkSize || last {
			if err := f.blobs.Put(ctx, c.want.SHA256, c.base, c.buf, last); err != nil {
				return fmt.Errorf("keep chunk at %d: %w", c.base, err)
			}
			c.base += int64(len(c.buf))
			c.buf = c.buf[:0]
		}
		if len(data) == 0 {
			return nil
		}
	}
}
