package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/agent/internal/clock"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/agent/internal/scheduler"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/mono"
)

// station is a commune's PC in a synctest bubble: its clocks, its power, its disk and its sound card. What runs on it
// is real: clock, scheduler and player. True time is the bubble's and shift; a suspend lets true time go on while
// nothing on the PC does.
type station struct {
	t     *testing.T
	file  string // where the clock keeps what outlives it
	build time.Time
	shift atomic.Int64 // nanoseconds
	disk  *ledger
	sound map[broadcast.Hash][]byte

	// The boot.
	boots   int
	started time.Time        // true time at which the power came
	begun   time.Time        // the bubble's time then
	set     atomic.Int64     // nanoseconds by which the system clock is wrong
	rtc     func() time.Time // nil: there is no hardware clock
	ntp     atomic.Bool      // a time service has synchronised the system clock

	// The process, nil when none runs.
	clock  *clock.Clock
	sched  *scheduler.Scheduler
	ticks  bool // the clock's own Run looks; else the test does
	card   *playertest.Card
	writer *writer
	cancel context.CancelFunc
	jobs   *errgroup.Group

	planMu  sync.Mutex
	plan    *broadcast.Plan
	changed change.Signal

	heard  []stretch
	sleeps []sleep // of this process
}

// stretch is frames [from, to) of a slot's audio that reached the card, the first of them at a true time.
type stretch struct {
	slot     string
	from, to int64
	at       time.Time
	waking   bool // the machine had just woken up, and the agent could not know it yet
}

// sleep says that true time went on by d while the player's clock stood at an instant.
type sleep struct {
	at mono.Instant
	d  time.Duration
}

func newStation(t *testing.T, dir string, start time.Time, sound map[broadcast.Hash][]byte) *station {
	s := &station{t: t, file: filepath.Join(dir, "clock.json"), build: start.Add(-10 * 24 * time.Hour),
		disk: &ledger{journal: map[string][]byte{}, records: map[string][]broadcast.Play{}}, sound: sound}
	s.shift.Store(int64(time.Until(start)))
	return s
}

// now is true time.
func (s *station) now() time.Time { return time.Now().Add(time.Duration(s.shift.Load())) }

// power starts the machine. rtc is what its hardware clock tells, nil for none; set is by how much the system clock is
// wrong.
func (s *station) power(rtc func() time.Time, set time.Duration) {
	s.boots++
	s.started, s.begun, s.rtc = s.now(), time.Now(), rtc
	s.ntp.Store(false)
	s.set.Store(int64(set))
}

func (s *station) instant() mono.Instant { return mono.Instant(time.Hour + time.Since(s.begun)) }

func (s *station) machine() clock.Machine {
	return clock.Machine{
		BootID:  time.Duration(s.boots).String(),
		Elapsed: func() time.Duration { return s.now().Sub(s.started) },
		Mono:    s.instant,
		Wall:    func() time.Time { return s.now().Add(time.Duration(s.set.Load())) },
		Hardware: func() (time.Time, error) {
			if s.rtc == nil {
				return time.Time{}, errors.New("no such device")
			}
			return s.rtc(), nil
		},
		Kept: s.ntp.Load,
	}
}

// start starts the agent's process.
func (s *station) start() {
	log := slog.New(slog.DiscardHandler)
	var err error
	if s.clock, err = clock.Open(clock.Options{File: s.file, Build: s.build, Machine: s.machine(), Log: log}); err != nil {
		s.t.Fatal(err)
	}
	if plan := s.getPlan(); plan != nil {
		s.clock.Verified(plan.Head.IssuedAt) // as the cache does when it opens
	}
	s.save()
	s.writer = &writer{ledger: s.disk}
	s.card, s.sleeps = playertest.New(s.instant), nil
	s.card.TellEvery = 10 * time.Second
	s.sched = scheduler.New(scheduler.Options{Plan: s.getPlan, Clock: s.clock, Store: shelf(s.sound),
		Player: sounder{player.New(s.card, s.instant, log)}, Journal: s.writer, Records: s.writer, Log: log,
		Changes: []<-chan struct{}{s.changed.Subscribe(), s.clock.Subscribe()}})
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.jobs = cancel, &errgroup.Group{}
	run := func(job func(context.Context) error) { s.jobs.Go(func() error { return job(ctx) }) }
	run(s.sched.Run)
	if s.ticks {
		run(s.clock.Run)
	}
}

// save is what Clock.Run does at its start and every three minutes.
func (s *station) save() {
	if err := s.clock.Save(); err != nil {
		s.t.Fatal(err)
	}
}

// stop ends the process in order.
func (s *station) stop() {
	if s.clock == nil {
		return
	}
	if !s.writer.dead() {
		s.save()
	}
	s.cancel()
	if err := s.jobs.Wait(); err != nil {
		s.t.Errorf("run: %v", err)
	}
	s.harvest()
	s.clock = nil
}

// kill ends the process at once: what it writes from now on is lost, what sounds ends.
func (s *station) kill() {
	if s.clock == nil {
		return
	}
	s.writer.die()
	saved, err := os.ReadFile(s.file)
	s.stop()
	if err = errors.Join(err, os.WriteFile(s.file, saved, 0o600)); err != nil { // Clock.Run saved at its end
		s.t.Error(err)
	}
}

func (s *station) getPlan() *broadcast.Plan {
	s.planMu.Lock()
	defer s.planMu.Unlock()
	return s.plan
}

// give makes a plan the one in force, as the cache does; the plan survives a power cut.
func (s *station) give(p *broadcast.Plan) {
	if s.clock != nil {
		s.clock.Verified(p.Head.IssuedAt)
	}
	s.planMu.Lock()
	s.plan = p
	s.planMu.Unlock()
	s.changed.Notify()
}

// sync is the hub's signed time, with no error.
func (s *station) sync() {
	if err := s.clock.Sync(s.now(), s.instant(), s.instant()); err != nil {
		s.t.Errorf("at %s: %v", s.now(), err)
	}
}

// suspend lets true time go on while the machine sleeps.
func (s *station) suspend(d time.Duration) {
	s.sleeps = append(s.sleeps, sleep{s.instant(), d})
	s.shift.Add(int64(d))
}

// awareness is the longest time the agent needs to notice that the machine slept: Clock.Run looks four times a second.
const awareness = time.Second / 4

// harvest takes down what reached the card of the process that ended, in true time.
func (s *station) harvest() {
	for _, h := range s.card.Sounded() {
		s.heard = append(s.heard, s.pieces(h)...)
	}
}

// pieces parts a sound where the machine slept, and where it had just woken up.
func (s *station) pieces(h playertest.Sounded) []stretch {
	type edge struct {
		at     mono.Instant
		waking bool
	}
	edges := []edge{{at: h.At}}
	for _, sl := range s.sleeps {
		edges = append(edges, edge{sl.at, true}, edge{sl.at.Add(awareness), false})
	}
	var out []stretch
	waking := false
	for i, e := range edges { // sleeps are in order and further apart than awareness
		if i > 0 {
			waking = e.waking
		}
		end := h.End()
		if i+1 < len(edges) {
			end = min(end, edges[i+1].at)
		}
		begin := max(e.at, h.At)
		if begin >= end {
			continue
		}
		first := audio.Frames(begin.Sub(h.At)) // of the piece; it began up to a sample before an edge in its middle
		p := stretch{slot: h.Slot, from: h.From + first, to: h.From + audio.Frames(end.Sub(h.At)),
			at: s.trueTime(begin).Add(audio.Duration(first) - begin.Sub(h.At)), waking: waking}
		if end == h.End() {
			p.to = h.To
		}
		if p.to > p.from {
			out = append(out, p)
		}
	}
	return out
}

// trueTime is the true time of an instant of this process.
func (s *station) trueTime(at mono.Instant) time.Time {
	t := s.now().Add(at.Sub(s.instant()))
	for _, sl := range s.sleeps {
		if at < sl.at {
			t = t.Add(-sl.d)
		}
	}
	return t
}

// ledger is the disk: what was written is there after any power cut.
type ledger struct {
	mu      sync.Mutex
	journal map[string][]byte
	records map[string][]broadcast.Play
}

// writer is a process's hold on the ledger, until the process dies.
type writer struct {
	*ledger
	gone bool // guarded by mu
}

var errDead = errors.New("the power is off")

func (w *writer) die() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
}

func (w *writer) dead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

func (w *writer) Load() (map[string][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.journal), nil
}

func (w *writer) Write(put map[string][]byte, drop []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return errDead
	}
	maps.Copy(w.journal, put)
	for _, k := range drop {
		delete(w.journal, k)
	}
	return nil
}

// Add keeps every record it is given, unlike playlog, which ignores a slot's second: the test wants to see it.
func (w *writer) Add(records ...broadcast.Play) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		return errDead
	}
	for _, r := range records {
		w.records[r.Slot] = append(w.records[r.Slot], r)
	}
	return nil
}

func (w *writer) Has(slot string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.records[slot]) > 0, nil
}

func (w *writer) Prune(time.Time) error { return nil }

// shelf is a store that has all audio.
type shelf map[broadcast.Hash][]byte

func (s shelf) Whole(h broadcast.Hash) bool { return s[h] != nil }

func (s shelf) Ready(h broadcast.Hash) bool { return s.Whole(h) }

func (s shelf) Open(h broadcast.Hash) (scheduler.Audio, error) {
	b := s[h]
	if b == nil {
		return nil, errors.New("not whole")
	}
	return whole{b}, nil
}

type whole struct{ file []byte }

func (w whole) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(w.file)) {
		return 0, io.EOF
	}
	n := copy(p, w.file[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
func (w whole) Size() int64   { return int64(len(w.file)) }
func (whole) GainDB() float64 { return 0 }
func (whole) Check() error    { return nil }
func (whole) Close() error    { return nil }

// memory is a folder that costs no disk, where there is one.
func memory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "loa-station-") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
