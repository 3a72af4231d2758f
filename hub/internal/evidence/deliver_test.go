package evidence

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// A line comes back: hundreds deliver at once, one of them twice, and one brings what cannot be kept. Every other record
// is kept once, is fresh for one who brought it, and is acknowledged to all who did. Half of them owe a record of a slot: whose
// came has it, whose did not come is still owing it.
func TestDeliveriesAtOnceAreKeptTogetherAndFailAlone(t *testing.T) {
	log := newLog(t)
	if _, err := log.db.ExecContext(t.Context(), "CREATE UNIQUE INDEX one_only ON plays (slot) WHERE slot = 'cannot be kept twice'"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := log.db.ExecContext(t.Context(), "DROP INDEX one_only"); err != nil {
			t.Error(err)
		}
	}()
	const agents, each, bad, twice = 3 * commitAtOnce, 4, 13, 7
	var owed []Owed
	records := make([][]broadcast.Play, agents)
	for i := range records {
		start := noon.Add(time.Hour)
		if i%2 == bad%2 {
			owed = append(owed, Owed{Agent: fmt.Sprint("agent ", i), Area: "hoang-hoa", Slot: broadcast.Slot{ID: "slot 1", Class: broadcast.Normal,
				Item: broadcast.Item{Report: "r1"}, Start: start, End: start.Add(time.Minute)}})
		}
		for n := range each {
			p := play(noon.Add(time.Duration(n)*time.Hour), "r1")
			p.Slot = fmt.Sprint("slot ", n)
			if i == bad {
				p.Slot = "cannot be kept twice"
			}
			records[i] = append(records[i], p)
		}
	}
	if err := log.Settle(t.Context(), "2026-01-01", owed); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	fresh := map[int]int{}
	deliver := func(i int) {
		ids, news, err := log.Insert(t.Context(), fmt.Sprint("agent ", i), "hoang-hoa", records[i])
		if i == bad {
			if err == nil || ids != nil || news != nil {
				t.Errorf("what cannot be kept: acknowledged %v, fresh %v, %v", ids, news, err)
			}
			return
		}
		if err != nil || len(ids) != each {
			t.Errorf("agent %d: %v, %v", i, ids, err)
		}
		mu.Lock()
		defer mu.Unlock()
		fresh[i] += len(news)
	}
	var all sync.WaitGroup
	for i := range agents {
		all.Go(func() { deliver(i) })
	}
	all.Go(func() { deliver(twice) })
	all.Wait()
	for i := range agents {
		if i != bad && fresh[i] != each {
			t.Errorf("agent %d: %d fresh, want %d", i, fresh[i], each)
		}
	}
	sums, err := log.Sums(t.Context(), Query{From: noon.AddDate(0, 0, -1), To: noon.AddDate(0, 0, 1)})
	if err != nil || len(sums) != 1 || sums[0].Played != (agents-1)*each || sums[0].Unknown != 1 {
		t.Errorf("sums %+v, %v, want %d played and 1 unknown", sums, err, (agents-1)*each)
	}
}

// What ten thousand agents deliver when a province's line comes back, in portions: 640 deliveries at once of ten records
// each. One go is one portion.
func BenchmarkDeliveriesAtOnce(b *testing.B) {
	const agents, each = 640, 10
	log := newLog(b)
	for b.Loop() {
		var all sync.WaitGroup
		for i := range agents {
			records := make([]broadcast.Play, each)
			for n := range records {
				at := noon.Add(time.Duration(n) * time.Hour)
				records[n] = play(at, fmt.Sprint("report ", n))
				records[n].Slot = records[n].ID + "@1#0"
			}
			all.Go(func() {
				if _, _, err := log.Insert(b.Context(), fmt.Sprint("agent ", i), "hoang-hoa", records); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*agents*each), "µs/record")
}
