// Package mono is the machine's monotonic clock as a plain number that two processes of one machine can
// compare: the agent says at which instant a sample is to reach the sound card, its speaker process knows
// at which instant each sample does. It never jumps when the wall clock is set. Safe for concurrent use.
package mono

import "time"

// Instant is nanoseconds on this machine's monotonic clock since some point before boot's end. It has a
// meaning only on this machine and within this boot; it stands still while the machine is suspended.
type Instant int64

// Add gives the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub gives the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }
