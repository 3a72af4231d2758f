package cache

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

// A year of reports passes through the file; it stays near the size of what it holds at once.
func TestTheFileDoesNotGrowWithoutBound(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.close()
	r.limit = 40 * chunk
	r.open()
	r.cache.audio.NoSync, r.cache.state.NoSync = true, true
	size := func() int64 {
		info, err := os.Stat(filepath.Join(r.dir, "audio.db"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	sizes := []int{7*chunk + 100, 3 * chunk, 12*chunk + 5, 9 * chunk, chunk / 3}
	var early int64
	for i := range 200 {
		it := h.report(sizes[i%len(sizes)])
		r.offer(h.head(nil, it)) // what the plan no longer names is evicted when room is short
		r.fetch(h, 20)
		if !r.cache.Whole(it.Audio) {
			t.Fatalf("report %d did not come", i)
		}
		if i == 50 {
			early = size()
		}
		h.blobs = map[broadcast.Hash][]byte{it.Audio: h.blobs[it.Audio]}
	}
	t.Logf("%d bytes for at most %d", size(), r.limit)
	if late := size(); late > early+early/4 || late > 3*r.limit {
		t.Errorf("the file had %d bytes after 50 reports and has %d after 200; the limit is %d", early, late, r.limit)
	}
}
