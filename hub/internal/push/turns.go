package push

import (
	"container/heap"
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

const (
	// shares is into how many the limit of all agents is divided: one agent has one share at most, however fast its line.
	shares = 8
	// ahead is how much sooner than it is paid for a frame may go, after a pause of all: a timer that is late by some
	// milliseconds must not make the line slower.
	ahead = time.Second / 8
	// mostDebt bounds how long others wait for what urgent audio took beyond the limit, once that has ended.
	mostDebt = time.Second
	// horizon: what is due later than that waits in turn.
	horizon = 24 * time.Hour
)

// turns is who may send the next frame, and when, where all agents together have a limit: whose audio is due soonest,
// and equals in turn. A turn that waits keeps its place, before what comes later and is due now, so that none waits for
// ever. It is pure: the time is an argument. In any span of t it lets limit*t bytes and those of ahead go, and of one agent
// its share of limit*t and a frame. Urgent audio waits for nothing, and is counted.
type turns struct {
	limit   int64     // bytes a second, minLimit or more
	paid    time.Time // when what went is paid for
	asked   uint64    // how often somebody asked
	waiting turnHeap  // by place, then order
	resting turnHeap  // by rested: had its share
}

// minLimit lets the smallest frame go.
const minLimit = wire.Grain * int64(time.Second/ahead)

// turn is one agent's place.
type turn struct {
	due    time.Time // as it was asked for
	size   int64
	place  time.Time // due, if it is between the asking and the horizon
	order  uint64    // of asking
	rested time.Time // when it is paid for by the agent's share
	in     *turnHeap // nil: it asks for nothing
	index  int       // there
	given  bool      // it may send size bytes; they are counted
	wake   func()    // has the one who asked look again; for uplink
}

// largest is the size of frames: all take turns some times a second, on a narrow line too.
func (q *turns) largest() int64 {
	size := int64(wire.Grain)
	for size*2 <= q.limit*int64(ahead)/int64(time.Second) && size < wire.MaxChunk {
		size *= 2
	}
	return size
}

// ask puts a turn in its place: so many bytes of what is due then, zero for now. Asked again for the same it stays there.
func (q *turns) ask(t *turn, due time.Time, size int64, now time.Time) {
	if t.in != nil && t.due.Equal(due) {
		t.size = size
		return
	}
	q.leave(t)
	t.due, t.size, t.place = due, size, due
	if soonest, latest := now, now.Add(horizon); due.Before(soonest) {
		t.place = soonest
	} else if due.After(latest) {
		t.place = latest
	}
	q.asked++
	t.order = q.asked
	q.enter(t, now)
}

func (q *turns) enter(t *turn, now time.Time) {
	t.in = &q.waiting
	if t.rested.After(now) {
		t.in = &q.resting
	}
	heap.Push(t.in, t)
}

// leave takes a turn back. What was given and not used is lost, to the next in line too.
func (q *turns) leave(t *turn) {
	if t.in != nil {
		heap.Remove(t.in, t.index)
		t.in = nil
	}
	t.given = false
}

// give gives the turn that is next now; nil when none is, and after how long to ask again, 0 when nobody waits.
func (q *turns) give(now time.Time) (next *turn, wait time.Duration) {
	for len(q.resting.turns) > 0 && !q.resting.turns[0].rested.After(now) {
		t, _ := heap.Pop(&q.resting).(*turn)
		q.enter(t, now)
	}
	if len(q.waiting.turns) == 0 {
		if len(q.resting.turns) == 0 {
			return nil, 0
		}
		return nil, q.resting.turns[0].rested.Sub(now)
	}
	t := q.waiting.turns[0]
	paid := q.after(now, t.size)
	if paid.After(now) {
		return nil, paid.Sub(now)
	}
	heap.Remove(&q.waiting, t.index)
	q.paid = paid
	t.in, t.given = nil, true
	t.rested = later(t.rested, now).Add(q.takes(shares * t.size))
	return t, 0
}

// spend counts urgent audio, which waits for nothing.
func (q *turns) spend(size int64, now time.Time) {
	if q.paid = q.after(now, size); q.paid.After(now.Add(mostDebt)) {
		q.paid = now.Add(mostDebt)
	}
}

// after is when size bytes more are paid for.
func (q *turns) after(now time.Time, size int64) time.Time {
	return later(q.paid, now.Add(-ahead)).Add(q.takes(size))
}

func (q *turns) takes(size int64) time.Duration {
	return time.Duration(float64(size) / float64(q.limit) * float64(time.Second))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// turnHeap is a heap of turns, of which less tells the next.
type turnHeap struct {
	turns []*turn
	less  func(a, b *turn) bool
}

func newTurns(limit int64) turns {
	return turns{limit: limit,
		waiting: turnHeap{less: func(a, b *turn) bool {
			if c := a.place.Compare(b.place); c != 0 {
				return c < 0
			}
			return a.order < b.order
		}},
		resting: turnHeap{less: func(a, b *turn) bool { return a.rested.Before(b.rested) }}}
}

func (h *turnHeap) Len() int           { return len(h.turns) }
func (h *turnHeap) Less(i, j int) bool { return h.less(h.turns[i], h.turns[j]) }

func (h *turnHeap) Swap(i, j int) {
	h.turns[i], h.turns[j] = h.turns[j], h.turns[i]
	h.turns[i].index, h.turns[j].index = i, j
}

func (h *turnHeap) Push(x any) {
	t, _ := x.(*turn)
	t.index = len(h.turns)
	h.turns = append(h.turns, t)
}

func (h *turnHeap) Pop() any {
	last := len(h.turns) - 1
	t := h.turns[last]
	h.turns[last] = nil
	h.turns = h.turns[:last]
	return t
}
