package outage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
)

// The agent's core is stopped between any two writes, during download, plan change, play and acknowledgement, and goes
// on from its files. After each stop the outbox has exactly what was kept and not acknowledged, nothing the hub was told
// of is missing; and in the end no slot sounded twice or later than its rule, and each has exactly one record.
func TestFaultCrashPoints(t *testing.T) {
	rnd := faults.Random(t)
	dir := faults.Dir(t)
	total, points, lives := faults.Count(600, 100_000), 0, 0
	slots, sounds := 0, 0
	for ; points < total && !t.Failed(); lives++ {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(24 * time.Hour) // a bubble begins with the first year in which Loa can make sense
			w := newWorld(t, rnd, filepath.Join(dir, fmt.Sprint(lives)))
			w.live()
			w.judge()
			points, slots, sounds = points+w.crashes, slots+len(w.cands), sounds+len(w.card.heard)
			if err := os.RemoveAll(w.dir); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("life %d, after %d crash points", lives, points)
			}
		})
	}
	t.Logf("%d crash points in %d lives of an agent, %d slots, %d stretches of sound", points, lives, slots, sounds)
}

// world is what outlives the agent: the hub, the loudspeaker, the listener's memory.
type world struct {
	t   *testing.T
	rnd *rand.Rand
	dir string
	hub *hub

	card    *card
	crashes int

	mu    sync.Mutex
	cands []broadcast.Candidate // of the newest plan
	plan  []byte
	audio map[string]broadcast.Item // by slot, of all plans
	tried map[string]broadcast.Play // records that the scheduler made, by id
	kept  map[string]bool           // slots that have their record for certain
	doubt map[string]bool           // slots whose acknowledgement had begun
	gone  map[string]bool           // slots whose acknowledgement was kept for certain
	atHub map[string]broadcast.Play // by id
	held  uint64                    // plan version that was accepted for certain
	since time.Time                 // when the agent's account certainly began
	told  map[broadcast.Hash]int64  // what the hub was told of audio
}

func newWorld(t *testing.T, rnd *rand.Rand, dir string) *world {
	w := &world{t: t, rnd: rnd, dir: dir, hub: newHub(t, time.Now().Add(-time.Minute)), card: &card{}, audio: map[string]broadcast.Item{},
		tried: map[string]broadcast.Play{}, kept: map[string]bool{}, doubt: map[string]bool{}, gone: map[string]bool{}, atHub: map[string]broadcast.Play{}, told: map[broadcast.Hash]int64{}}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := cache.Pin(dir, w.hub.trust.Envelope()); err != nil {
		t.Fatal(err)
	}
	w.change()
	return w
}

// change adds slots to the plan, each a while after the one before.
func (w *world) change() {
	at := time.Now().Add(20 * time.Second).Truncate(time.Second)
	if n := len(w.cands); n > 0 {
		at = later(at, w.cands[n-1].At.Add(time.Minute))
	}
	rules := []broadcast.Lateness{{Rule: broadcast.LateSkip}, {Rule: broadcast.LateJoin}, {Rule: broadcast.LateWhole, Minutes: 1}}
	w.mu.Lock()
	defer w.mu.Unlock()
	for range 3 {
		n := len(w.cands)
		length := time.Duration(3000+w.rnd.IntN(12_000)) * time.Millisecond
		it := w.hub.report(fmt.Sprintf("report-%d", n), 100+w.rnd.IntN(chunk*3/2), length)
		c := exact(fmt.Sprintf("b%d", n), at, rules[w.rnd.IntN(len(rules))], it)
		w.cands = append(w.cands, c)
		w.audio[slotOf(w.t, c)] = it
		at = at.Add(length + time.Second + time.Duration(w.rnd.IntN(30_000))*time.Millisecond).Truncate(time.Second)
	}
	w.plan = w.hub.head(nil, w.cands...)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (w *world) newest() (version uint64, envelope []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub.version, w.plan
}

func (w *world) length(slot string) (time.Duration, broadcast.Hash) {
	w.mu.Lock()
	defer w.mu.Unlock()
	it := w.audio[slot]
	return time.Duration(it.DurationMS) * time.Millisecond, it.Audio
}

// live is some minutes with many power cuts, and then some without.
func (w *world) live() {
	changes := 1 + w.rnd.IntN(2)
	for {
		w.mu.Lock()
		last := *w.cands[len(w.cands)-1].At
		w.mu.Unlock()
		until, left := last.Add(3*time.Minute), 1<<60
		if time.Now().Before(last.Add(20 * time.Second)) {
			left = 1 + w.rnd.IntN(90)
		}
		p := newPower(left)
		k := w.open(p)
		w.recall(k)
		if w.t.Failed() {
			return
		}
		k.run(until)
		if p.on() {
			return
		}
		w.crashes++
		if w.rnd.IntN(3) == 0 {
			<-time.After(time.Duration(w.rnd.IntN(20_000)) * time.Millisecond)
		}
		if changes > 0 && w.rnd.IntN(6) == 0 {
			changes--
			w.change()
		}
	}
}

// recall holds what a restart finds against what was promised before.
func (w *world) recall(k *core) {
	w.t.Helper()
	plays, err := k.log.Pending(1<<20, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	pending := map[string]bool{}
	for _, p := range plays {
		pending[p.Slot] = true
		if w.gone[p.Slot] {
			w.t.Errorf("the record of %s was acknowledged and is there again", p.Slot)
		}
		if !alike(w.tried[p.ID], p) {
			w.t.Errorf("the record of %s was made as %+v and is now %+v", p.Slot, w.tried[p.ID], p)
		}
	}
	for slot := range w.kept {
		if !pending[slot] && !w.doubt[slot] {
			w.t.Errorf("the record of %s is lost", slot)
		}
	}
	if held, _, _ := k.cache.Held(); held < w.held {
		w.t.Errorf("plan %d was accepted, the agent has %d", w.held, held)
	}
	have := map[broadcast.Hash]int64{}
	for _, h := range k.cache.Holdings() {
		have[h.SHA256] = h.Have
	}
	for hash, bytes := range w.told {
		if have[hash] < bytes {
			w.t.Errorf("the hub was told of %d bytes of %s, there are %d", bytes, hash, have[hash])
		}
	}
}

// alike compares records as they travel: to the nanosecond, whatever the zone.
func alike(a, b broadcast.Play) bool {
	zero := func(p *broadcast.Play) {
		for _, at := range []*time.Time{&p.PlannedStart, &p.PlannedEnd, &p.StartedAt, &p.EndedAt} {
			*at = at.UTC().Round(0)
		}
		p.Segments = slices.Clone(p.Segments)
		for i := range p.Segments {
			p.Segments[i].StartedAt, p.Segments[i].EndedAt = p.Segments[i].StartedAt.UTC().Round(0), p.Segments[i].EndedAt.UTC().Round(0)
		}
	}
	zero(&a)
	zero(&b)
	return reflect.DeepEqual(a, b)
}

// note remembers something of records.
func (w *world) note(plays []broadcast.Play, what func(broadcast.Play)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range plays {
		what(p)
	}
}

func (w *world) receive(p broadcast.Play) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if was, again := w.atHub[p.ID]; again && !alike(was, p) {
		w.t.Errorf("%s comes a second time as another record: %+v, %+v", p.Slot, was, p)
	}
	w.atHub[p.ID] = p
}

// judge holds the sound and the records at the hub against the rules.
func (w *world) judge() {
	if w.t.Failed() {
		return
	}
	if w.card.wrong != "" {
		w.t.Error(w.card.wrong)
	}
	bySlot := map[string][]broadcast.Play{}
	for _, p := range w.atHub {
		bySlot[p.Slot] = append(bySlot[p.Slot], p)
	}
	if len(bySlot) > len(w.cands) {
		w.t.Errorf("the hub has records of %d slots, planned were %d", len(bySlot), len(w.cands))
	}
	for _, c := range w.cands {
		slot := slotOf(w.t, c)
		over := c.At.Add(time.Duration(c.Items[0].DurationMS)*time.Millisecond + time.Duration(c.Lateness.Minutes)*time.Minute)
		if n := len(bySlot[slot]); n == 0 && !over.After(w.since) && len(w.stretches(slot)) == 0 {
			continue // a new agent owes no records of a time before it
		} else if n != 1 {
			w.t.Errorf("%s has %d records", slot, n)
			continue
		}
		if wrong := w.wrong(c, slot, bySlot[slot][0]); wrong != "" {
			w.t.Errorf("%s (%s, planned %v): %s; record %+v, heard %+v", slot, c.Lateness.Rule, c.At, wrong, bySlot[slot][0], w.stretches(slot))
		}
	}
}

func (w *world) stretches(slot string) []heard {
	var out []heard
	for _, h := range w.card.heard {
		if h.slot == slot {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b heard) int { return a.at.Compare(b.at) })
	return out
}

// wrong says which rule a slot broke, "" for none.
func (w *world) wrong(c broadcast.Candidate, slot string, p broadcast.Play) string {
	var sum, end time.Duration
	length := time.Duration(c.Items[0].DurationMS) * time.Millisecond
	for i, h := range w.stretches(slot) {
		late := h.at.Sub(*c.At)
		switch {
		case h.offset < end:
			return "a part of it sounded twice"
		case h.at.Before(*c.At):
			return "it sounded too early"
		case i > 0 && c.Lateness.Rule != broadcast.LateJoin:
			return "it was taken up again"
		case c.Lateness.Rule == broadcast.LateWhole && h.offset == 0 && late > time.Minute+time.Second:
			return "it began later than its rule allows"
		case h.offset != 0 && (late-h.offset).Abs() > 50*time.Millisecond, h.offset == 0 && c.Lateness.Rule != broadcast.LateWhole && late > 50*time.Millisecond:
			return "it sounded at a wrong position"
		case c.Lateness.Rule == broadcast.LateSkip && late > broadcast.Grace+time.Second:
			return "it began late, and its rule is to skip"
		}
		end, sum = h.offset+h.length, sum+h.length
	}
	claimed := time.Duration(p.ReachedMS) * time.Millisecond
	switch {
	case claimed > sum+time.Millisecond:
		return "it claims more than was heard"
	case p.Outcome == broadcast.Skipped && sum > 0:
		return "it was heard and is said to have been skipped"
	case p.Outcome == broadcast.Played && sum == 0, p.Outcome == broadcast.Played && c.Lateness.Rule != broadcast.LateJoin && sum < length-broadcast.Grace-time.Second:
		return "it is said to have been played, and was not heard"
	case !p.PlannedStart.Equal(*c.At) || p.Audio != c.Items[0].Audio:
		return "the record is of something else"
	}
	return ""
}
