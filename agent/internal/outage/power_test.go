package outage

import (
	"errors"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/loa-vn/loa/agent/internal/cache"
)

// power of one run of the agent. Whatever the agent writes to its databases passes through it; it goes off at the n-th
// boundary: before or after a write to a file, before or after a transaction. From then on no write reaches them: the
// next run finds what the files held at that moment. What else the old process does afterwards happens to nobody.
type power struct {
	mu   sync.Mutex
	left int // boundaries until it goes off
	off  bool
	at   time.Time
	gone chan struct{}
}

func newPower(left int) *power { return &power{left: left, gone: make(chan struct{})} }

// boundary is a moment at which the power may go.
func (p *power) boundary() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
}

// pass is boundary for who holds mu.
func (p *power) pass() {
	if p.left--; p.left == 0 {
		p.off, p.at = true, time.Now()
		close(p.gone)
	}
}

func (p *power) on() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.off
}

// spent is how long it was on since then.
func (p *power) spent(since time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off {
		return max(0, p.at.Sub(since))
	}
	return time.Since(since)
}

var errOff = errors.New("the power is off")

// write lets a write to a file happen, with a boundary before it.
func (p *power) write(do func() (int, error)) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pass(); p.off {
		return 0, errOff
	}
	return do()
}

// watch has every write to the cache's databases pass through the power. bbolt has such a place for its own tests and
// offers it to nobody, so it is taken.
func (p *power) watch(c *cache.Cache) {
	for _, name := range []string{"state", "audio"} {
		db := reflect.ValueOf(c).Elem().FieldByName(name)
		hook := db.Elem().FieldByName("ops").FieldByName("writeAt")
		writeAt := (*func([]byte, int64) (int, error))(unsafe.Pointer(hook.UnsafeAddr()))
		file := *writeAt
		*writeAt = func(b []byte, off int64) (int, error) {
			return p.write(func() (int, error) { return file(b, off) })
		}
	}
}
