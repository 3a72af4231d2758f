package link

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait = 2 * time.Second
	maxWait   = 30 * time.Second
	stable    = time.Minute // a connection that lasted so long begins the waits anew
)

// Backoff spreads the reconnects of a whole province after its hub restarted: each wait is anything from a
// tenth of a second to a span that doubles up to 30 s.
type Backoff struct {
	span time.Duration
	rand func(n int64) int64 // rand.Int64N when nil
}

// Next gives the wait after a connection that lasted for lasted.
func (b *Backoff) Next(lasted time.Duration) time.Duration {
	if lasted >= stable || b.span == 0 {
		b.span = firstWait
	} else {
		b.span = min(2*b.span, maxWait)
	}
	draw := b.rand
	if draw == nil {
		draw = rand.Int64N
	}
	return 100*time.Millisecond + time.Duration(draw(int64(b.span)))
}
