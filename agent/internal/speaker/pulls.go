package speaker

import (
	"time"

	"github.com/loa-vn/loa/internal/mono"
)

// pulls watches how the device takes frames from oto. oto reads the mixer ahead into a buffer of its own; a
// Read after a pause means that the device has just taken some of it.
type pulls struct {
	buffered func() int // bytes read from the mixer and not yet taken
	taken    int64      // frames that the device has taken
	use      bool       // the map rests on the pulls

	calibration time.Duration
}

// startPulls begins to watch; buffered tells how many bytes oto holds.
func (m *mixer) startPulls(buffered func() int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pulls.buffered = buffered
}

// calibrate takes how much longer than the device's buffer a frame is on its way.
func (m *mixer) calibrate(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pulls.calibration = d
}

// usePulls makes the map rest on the instants of the pulls.
func (m *mixer) usePulls() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.pulls.use {
		m.pulls.use, m.clock = true, newPullClock()
	}
}

// note is called at each Read, before anything is mixed.
func (m *mixer) note(now mono.Instant) {
	p := &m.pulls
	if p.buffered == nil {
		return
	}
	taken := m.line.card - int64(p.buffered()/4)
	if taken > p.taken && p.use {
		// At the pull the device's buffer was full up to what it had taken before.
		m.see(float64(p.taken), now.Add(deviceBuffer+p.calibration))
	}
	p.taken = max(p.taken, taken)
}

// pulled gives how many frames the device has taken.
func (m *mixer) pulled() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pulls.taken
}
