package outage

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/playlog"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/faults/disk"
	"github.com/loa-vn/loa/internal/seal"
)

// What an agent's core writes is recorded, call by call, from a process of its own; then the power goes at every moment
// of it, and the disk keeps what was synced and any of the rest: sectors lost, torn and in any order. In each such state
// everything that was promised before is there, whole transactions or none, and every byte of audio right.
func TestFaultDiskStates(t *testing.T) {
	rnd := faults.Random(t)
	w := newTale(t)
	dir := t.TempDir()
	path, err := w.write(dir)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := cache.Pin(data, w.hub.trust.Envelope()); err != nil {
		t.Fatal(err)
	}
	paired := map[string][]byte{"trust.json": w.hub.trust.Envelope()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	events, err := disk.Record(data, []string{self, actArg, path, data}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	s := &disk.Survey{Files: paired, Events: events, Dir: faults.Dir(t), Random: rnd, States: faults.Count(2500, 900_000), Sample: 100, Sane: cache.CheckPages, Whole: w.whole}
	err = s.Run()
	t.Log(s.Report)
	if err != nil {
		t.Fatal(err)
	}
	if s.Report.Steps != len(w.Steps) {
		t.Errorf("%d steps were recorded of %d", s.Report.Steps, len(w.Steps))
	}
}

// tale is a script and what it promises.
type tale struct {
	script
	hub      *hub
	promises []promise // after so many steps
}

func newTale(t *testing.T) *tale {
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	h := newHub(t, now.Add(-time.Minute))
	w := &tale{hub: h, script: script{Blobs: h.blobs, Now: now, Limit: 7 * chunk}, promises: []promise{{trust: 1, journal: map[string]string{}}}}
	a, b, c := h.report("a", 2*chunk+777, time.Minute), h.report("b", chunk/2, time.Minute), h.report("c", 4*chunk+1, time.Minute)
	plan := func(items ...broadcast.Item) []byte {
		var cands []broadcast.Candidate
		for i, it := range items {
			cands = append(cands, exact(fmt.Sprintf("b%d", i), now.Add(time.Duration(i+1)*time.Hour), broadcast.Lateness{Rule: broadcast.LateJoin}, it))
		}
		return h.head(nil, cands...)
	}
	play := func(n int) broadcast.Play {
		return broadcast.Play{ID: fmt.Sprintf("id-%d", n), Slot: fmt.Sprintf("slot-%d", n), Report: "a", Outcome: broadcast.Played, PlannedStart: now, PlannedEnd: now.Add(time.Minute)}
	}
	w.add(step{Do: "plan", Envelope: plan(a, b)}, func(p *promise) { p.version = 1 })
	w.add(step{Do: "fetch"}, func(p *promise) { p.whole = []broadcast.Hash{a.Audio, b.Audio} })
	for n := range 3 {
		w.sound(play(n))
	}
	w.add(step{Do: "acknowledge", IDs: []string{"id-1"}}, func(p *promise) { p.outbox = without(p.outbox, "id-1") })
	w.add(step{Do: "plan", Envelope: plan(b, c)}, func(p *promise) { p.version, p.whole = 2, []broadcast.Hash{b.Audio} })
	w.add(step{Do: "fetch"}, func(p *promise) { p.whole = []broadcast.Hash{b.Audio, c.Audio} }) // a must go
	trust, err := seal.NewTrust(seal.TrustDoc{Version: 2, IssuedAt: now.Add(-time.Minute), Expires: now.Add(365 * 24 * time.Hour), Roles: h.trust.Doc().Roles, Keys: h.trust.Doc().Keys}, h.key)
	if err != nil {
		t.Fatal(err)
	}
	w.add(step{Do: "trust", Envelope: trust.Envelope()}, func(p *promise) { p.trust = 2 })
	w.add(step{Do: "restart"}, func(*promise) {})
	w.sound(play(3))
	w.add(step{Do: "acknowledge", IDs: []string{"id-3", "id-0"}}, func(p *promise) { p.outbox = without(p.outbox, "id-3", "id-0") })
	w.add(step{Do: "plan", Envelope: plan(c, a)}, func(p *promise) { p.version, p.whole = 3, []broadcast.Hash{c.Audio} })
	w.add(step{Do: "fetch"}, func(p *promise) { p.whole = []broadcast.Hash{c.Audio, a.Audio} })
	return w
}

func without(ids []string, gone ...string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(gone, id) })
}

func (w *tale) add(s step, change func(*promise)) {
	p := w.promises[len(w.promises)-1]
	p.journal, p.outbox = maps.Clone(p.journal), slices.Clone(p.outbox)
	change(&p)
	w.Steps, w.promises = append(w.Steps, s), append(w.promises, p)
}

// sound is what the scheduler writes of a slot.
func (w *tale) sound(p broadcast.Play) {
	for _, entry := range []string{"began", "and goes on", "and on"} {
		w.add(step{Do: "journal", Slot: p.Slot, Entry: []byte(entry)}, func(q *promise) { q.journal[p.Slot] = entry })
	}
	w.add(step{Do: "record", Play: p}, func(q *promise) { q.outbox = append(q.outbox, p.ID) })
	w.add(step{Do: "journal", Slot: p.Slot}, func(q *promise) { delete(q.journal, p.Slot) })
}

// whole opens a state as the agent does at its start.
func (w *tale) whole(dir string, done int) (err error) {
	c, log, err := openIn(dir, w.Limit, w.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if aside, _ := filepath.Glob(filepath.Join(dir, "*.damaged*")); done > 0 && len(aside) > 0 {
		return fmt.Errorf("called damaged: %v", aside)
	}
	was := w.promises[done]
	next := w.promises[min(done+1, len(w.promises)-1)]
	is, err := now(c, log)
	if err != nil {
		return err
	}
	switch {
	case is.version < was.version || is.version > next.version,
		is.trust < was.trust || is.trust > next.trust,
		!maps.Equal(is.journal, was.journal) && !maps.Equal(is.journal, next.journal),
		!slices.Equal(is.outbox, was.outbox) && !slices.Equal(is.outbox, next.outbox):
		return fmt.Errorf("there is %v; promised was %v, or %v", is, was, next)
	}
	for _, hash := range was.whole {
		if slices.Contains(next.whole, hash) && !c.Whole(hash) {
			return fmt.Errorf("audio %s was whole", hash)
		}
	}
	return w.audio(c)
}

// now is what there is.
func now(c *cache.Cache, log *playlog.Log) (promise, error) {
	is := promise{journal: map[string]string{}}
	is.version, _, is.trust = c.Held()
	entries, err := c.Journal().Load()
	for slot, entry := range entries {
		is.journal[slot] = string(entry)
	}
	plays, pendingErr := log.Pending(100, nil)
	for _, p := range plays {
		is.outbox = append(is.outbox, p.ID)
	}
	return is, errors.Join(err, pendingErr)
}

// audio reads all there is.
func (w *tale) audio(c *cache.Cache) error {
	for hash, want := range w.Blobs {
		if !c.Whole(hash) {
			continue
		}
		source, err := c.Open(hash)
		if err != nil {
			return err
		}
		got := make([]byte, source.Size())
		_, err = source.ReadAt(got, 0)
		if err := errors.Join(err, source.Close()); err != nil {
			return err
		}
		if string(got) != string(want) {
			return fmt.Errorf("audio %s has other bytes", hash)
		}
	}
	return nil
}
