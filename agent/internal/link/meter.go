package link

import (
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

// firstWindow is for a line of which nothing is known, as at the beginning of each connection: an order is not behind
// more than one frame even on the slowest. A fast line shows itself within some round trips.
const firstWindow = wire.MinWindow

// windowTime: an order is never behind more than this much of the line (design.md, Pairing and link).
const windowTime = 2 * time.Second

// Meter measures the line while something is fetched and gives the window for it.
type Meter struct {
	rate  float64 // bytes a second, 0 while unknown
	bytes int
	since time.Time
	told  time.Time // when State last heard of rate
}

// Begin says that what comes is measured from now on: the time between fetches is not the line's.
func (m *Meter) Begin(now time.Time) { m.bytes, m.since = 0, now }

// Add counts n bytes. A measurement is half a window: as much as is sent without an answer.
func (m *Meter) Add(n int, now time.Time) {
	m.bytes += n
	span := now.Sub(m.since)
	if int64(m.bytes) < m.Window()/2 || span <= 0 {
		return
	}
	rate := float64(m.bytes) / span.Seconds()
	if m.rate == 0 {
		m.rate = rate
	} else {
		m.rate += (rate - m.rate) / 2
	}
	m.Begin(now)
}

// Window is how many bytes the hub may send before they are acknowledged.
func (m *Meter) Window() int64 {
	if m.rate == 0 {
		return firstWindow
	}
	fits := min(int64(m.rate*windowTime.Seconds()), wire.MaxWindow)
	return max(fits-fits%wire.Grain, wire.MinWindow)
}
