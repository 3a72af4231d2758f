package push

import (
	"sync"
	"time"
)

// queuedAfter is how long a want waits before its agent is told, and told again. A waiting connection looks at each of its
// pings, so that it comes within twice that: well before the minute after which an agent takes a want for failed.
const queuedAfter = 15 * time.Second

// uplink is the hub's line to all agents together, where it has a limit: it lets the connection whose turn it is send a frame.
type uplink struct {
	largest int64 // size of frames

	mu    sync.Mutex
	turns turns
	timer *time.Timer // when to look again
}

// newUplink makes one for so many bytes a second, nil for no limit.
func newUplink(limit int64) *uplink {
	if limit <= 0 {
		return nil
	}
	u := &uplink{turns: newTurns(max(limit, minLimit))}
	u.largest = u.turns.largest()
	u.timer = time.AfterFunc(time.Hour, u.look)
	u.timer.Stop()
	return u
}

// may tells whether a frame may be sent at once; else t is woken when it is its turn, and is to ask again.
func (u *uplink) may(t *turn, due time.Time, size int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !t.given || t.size != size || !t.due.Equal(due) {
		u.turns.ask(t, due, size, time.Now())
		u.give(t)
	}
	given := t.given
	t.given = false
	return given
}

// look gives turns to those who wait, when time has made room.
func (u *uplink) look() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.give(nil)
}

// give wakes all whose turn it is, but for the one that asks; the caller holds mu.
func (u *uplink) give(asks *turn) {
	for {
		next, wait := u.turns.give(time.Now())
		switch {
		case next == nil && wait > 0:
			u.timer.Reset(wait)
			return
		case next == nil:
			return
		case next != asks:
			next.wake()
		}
	}
}

// spend counts urgent audio that is sent.
func (u *uplink) spend(size int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turns.spend(size, time.Now())
}

// leave says that a connection has nothing to send.
func (u *uplink) leave(t *turn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.turns.leave(t)
}

// waiting is how many connections wait for their turn.
func (u *uplink) waiting() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.turns.waiting.Len() + u.turns.resting.Len()
}
