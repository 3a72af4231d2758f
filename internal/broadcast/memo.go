package broadcast

import (
	"hash/maphash"
	"sync"
)

// memo remembers the latest placing of each group of dates. A placing depends on the plan, which does not
// change, and on the pins, which seldom do, but not on the time: Decide, asked several times a second, would
// lay out the same day again and again. It is the one thing in a plan that changes, hence the lock.
type memo struct {
	mu   sync.Mutex
	seed maphash.Seed
	of   map[*group]remembered
}

type remembered struct {
	pins   uint64
	placed []placed
}

func newMemo() *memo { return &memo{seed: maphash.MakeSeed(), of: map[*group]remembered{}} }

// print is a fingerprint of pins in any order; its seed is of this process, so nobody can prepare two equal ones.
func (m *memo) print(pins []Pin) (sum uint64) {
	var h maphash.Hash
	for _, p := range pins {
		h.SetSeed(m.seed)
		for _, s := range []string{p.Slot.ID, p.Slot.Skip} {
			h.WriteString(s)
			h.WriteByte(0)
		}
		for _, n := range []int64{p.Slot.Start.UnixNano(), p.Slot.End.UnixNano(), p.Began.UnixNano(), p.Ends.UnixNano()} {
			for shift := 0; shift < 64; shift += 8 {
				h.WriteByte(byte(n >> shift))
			}
		}
		sum += h.Sum64()
	}
	return sum
}

func (m *memo) get(g *group, pins uint64) ([]placed, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.of[g]
	return r.placed, ok && r.pins == pins
}

func (m *memo) put(g *group, pins uint64, placed []placed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of[g] = remembered{pins, placed}
}
