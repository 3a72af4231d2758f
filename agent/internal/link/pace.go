package link

import (
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

// pace holds a fetch to so many bytes a second. It delays what the hub may send, not the reading of what came: nothing
// queues before an order.
type pace struct {
	free time.Time // when what came is paid for
}

// spend counts n bytes that came under a limit.
func (p *pace) spend(n int, limit int64, now time.Time) {
	if limit <= 0 {
		return
	}
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(n) / float64(limit) * float64(time.Second)))
}

// wait is how long a fetch under a limit has to wait.
func (p *pace) wait(limit int64, now time.Time) time.Duration {
	if limit <= 0 {
		return 0
	}
	return max(0, p.free.Sub(now))
}

// window is 2 s of the limit.
func (p *pace) window(limit int64) int64 {
	if limit <= 0 {
		return wire.MaxWindow
	}
	return (&Meter{rate: float64(limit)}).Window()
}
