//go:build unix && !linux

package mono

import "golang.org/x/sys/unix"

// Now reads CLOCK_MONOTONIC, which is the same for every process of the machine.
func Now() Instant {
	var ts unix.Timespec
	// The only errors are a bad clock id or a bad pointer; neither can happen here.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return Instant(ts.Nano())
}
