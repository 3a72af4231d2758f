package speaker

import (
	"sync"
	"time"
)

// dogTick is the watchdog's measure of time. It counts ticks, not time: when the agent itself stood still, on a
// machine that was overloaded or asleep, the child is not blamed for it.
const dogTick = 500 * time.Millisecond

// watchdog kills a child that has fallen silent.
type watchdog struct {
	kill, warn func()
	quit       chan struct{}
	done       chan struct{}

	mu     sync.Mutex
	silent int // ticks since the last frame
	limit  int // ticks until it bites
	killed bool
}

// newWatchdog starts to watch: warn is called once each time the child is silent for silentLimit, kill when it
// is for hangLimit (startLimit until the first feed).
func newWatchdog(kill, warn func()) *watchdog {
	d := &watchdog{kill: kill, warn: warn, quit: make(chan struct{}), done: make(chan struct{}), limit: ticks(startLimit)}
	go d.run()
	return d
}

func ticks(d time.Duration) int { return int(d / dogTick) }

func (d *watchdog) run() {
	defer close(d.done)
	tick := time.NewTicker(dogTick)
	defer tick.Stop()
	for {
		select {
		case <-d.quit:
			return
		case <-tick.C:
		}
		d.mu.Lock()
		d.silent++
		bite := d.silent == d.limit
		warn := d.silent == ticks(silentLimit) && d.limit == ticks(hangLimit)
		d.killed = d.killed || bite
		d.mu.Unlock()
		if warn {
			d.warn()
		}
		if bite {
			d.kill()
		}
	}
}

// feed takes a sign of life; ready says that from now on silence is suspicious.
func (d *watchdog) feed(ready bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = 0
	if ready {
		d.limit = ticks(hangLimit)
	}
}

// bit says whether the child was killed.
func (d *watchdog) bit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.killed
}

func (d *watchdog) stop() {
	close(d.quit)
	<-d.done
}
