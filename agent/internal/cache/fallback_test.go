package cache

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// fallBack damages the newer of a closed database's two meta pages: bbolt goes by the older one then, and says nothing.
func (r *rig) fallBack(name string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	first, second := b[pageHeader:], b[u32(b[pageHeader+8:])+pageHeader:]
	newer := first
	if u64(second[48:]) > u64(first[48:]) {
		newer = second
	}
	newer[metaSize-1] ^= 1 // of its checksum
	if err := os.WriteFile(path, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// What a later document took back must not sound again because the disk forgot that document. The floor file knows of it.
func TestADatabaseThatFellBackSoundsNoBulletin(t *testing.T) {
	for name, takeBack := range map[string]func(*hub, *rig, broadcast.Item){
		"an order, and its cancel": func(h *hub, r *rig, it broadcast.Item) {
			if code := r.order(h.order(1, seal.OrderLive, flood("flood", "live", it), nil)); code != "" {
				t.Fatal(code)
			}
			if code := r.order(h.order(2, seal.OrderCancel, broadcast.Cancellation{Bulletin: "flood"}, func(o *seal.Order) { o.IssuedAt = now.Add(time.Second) })); code != "" {
				t.Fatal(code)
			}
		},
		"a head with it, and one without": func(h *hub, r *rig, it broadcast.Item) {
			r.offer(h.head(func(d *broadcast.Head) { d.Bulletins = []broadcast.Bulletin{flood("flood", "live", it)} }, it))
			r.fetch(h, 100)
			r.offer(h.head(nil, it, h.report(chunk))) // whose parts are still to come
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			r := newRig(t, h)
			it := h.report(chunk)
			r.offer(h.head(nil, it))
			r.fetch(h, 100)
			takeBack(h, r, it)
			if got := r.bulletins(); got != "" {
				t.Fatalf("in force: %s", got)
			}
			r.close()
			r.fallBack("state.db")
			for _, start := range []string{"first", "second"} {
				r.open()
				if got := r.bulletins(); got != "" {
					t.Errorf("after the %s start: %s", start, got)
				}
				if start == "first" {
					r.kill()
				}
			}
		})
	}
}
