package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/mono"
)

// fakeClock follows package time, and with it the time of a synctest bubble. ahead is by how much trusted time is
// ahead of the player's clock.
type fakeClock struct {
	mu      sync.Mutex
	trust   string
	ahead   time.Duration
	changed change.Signal
}

func (c *fakeClock) Now() (time.Time, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead), c.trust
}

func (c *fakeClock) Instant(t time.Time) mono.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return mono.Instant(t.Add(-c.ahead).UnixNano())
}

func (c *fakeClock) Time(at mono.Instant) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Unix(0, int64(at)).Add(c.ahead)
}

// put moves trusted time against the player's clock.
func (c *fakeClock) put(ahead time.Duration) {
	c.mu.Lock()
	c.ahead = ahead
	c.mu.Unlock()
	c.changed.Notify()
}

func (c *fakeClock) lead(trust string, ahead time.Duration) {
	c.mu.Lock()
	c.trust, c.ahead = trust, ahead
	c.mu.Unlock()
	c.changed.Notify()
}

func (c *fakeClock) set(trust string) {
	c.mu.Lock()
	c.trust = trust
	c.mu.Unlock()
	c.changed.Notify()
}

type fakeAudio struct {
	hash    broadcast.Hash
	damaged bool
}

func (a fakeAudio) ReadAt([]byte, int64) (int, error) { return 0, errors.New("nobody reads it") }
func (a fakeAudio) Size() int64                       { return 1 }
func (a fakeAudio) GainDB() float64                   { return 0 }
func (a fakeAudio) Close() error                      { return nil }
func (a fakeAudio) Check() error {
	if a.damaged {
		return errors.New("damaged")
	}
	return nil
}

// fakeStore has every audio except what is missing.
type fakeStore struct {
	mu      sync.Mutex
	missing map[broadcast.Hash]bool
	damaged map[broadcast.Hash]bool
	foreign map[broadcast.Hash]bool // whole, as its hash says, and no sound
	opened  int
	changed change.Signal
}

func (s *fakeStore) Ready(h broadcast.Hash) bool { return s.Whole(h) }

func (s *fakeStore) Whole(h broadcast.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.missing[h] && !s.damaged[h]
}

func (s *fakeStore) Open(h broadcast.Hash) (Audio, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missing[h] {
		return nil, errors.New("not whole")
	}
	s.opened++
	return fakeAudio{h, s.damaged[h] || s.foreign[h]}, nil
}

func (s *fakeStore) arrive(h broadcast.Hash) {
	s.mu.Lock()
	delete(s.missing, h)
	delete(s.damaged, h)
	s.mu.Unlock()
	s.changed.Notify()
}

// heard is one stretch that the fake card got.
type heard struct {
	slot     string
	at       time.Time
	offset   time.Duration
	length   time.Duration
	volume   int
	complete bool
}

// fakePlayer plays in the bubble's time. length says how long a slot's audio is; card, if set, how much of a
// stretch reaches the card.
type fakePlayer struct {
	mu     sync.Mutex
	heard  []heard
	length func(slot string) time.Duration
	share  float64
	lead   time.Duration
	linger time.Duration // from a cut until the card has confirmed it
	tell   time.Duration // how often it tells the progress, 0 for never
}

func (p *fakePlayer) Lead() time.Duration { return p.lead }

func (p *fakePlayer) Play(ctx context.Context, c Cue) Result {
	whole := p.length(c.Slot) - c.Offset
	start := time.Unix(0, int64(c.At))
	if !wait(ctx, time.Until(start)) {
		return Result{EndedAt: mono.Instant(time.Now().UnixNano()), Cut: true}
	}
	begun := time.Now()
	complete := p.sound(ctx, c, start.Add(whole))
	length := min(whole, time.Since(start))
	if !complete {
		<-time.After(p.linger)
	}
	p.mu.Lock()
	share := p.share
	p.heard = append(p.heard, heard{c.Slot, begun, c.Offset, length, c.VolumePercent, complete})
	p.mu.Unlock()
	reached := time.Duration(float64(length) * share)
	res := Result{EndedAt: c.At.Add(length), Reached: reached, Missed: length - reached, Cut: !complete}
	if reached > 0 {
		res.StartedAt = c.At
	}
	return res
}

// sound lets the cue's time pass until end, and tells its progress; false when it was cut.
func (p *fakePlayer) sound(ctx context.Context, c Cue, end time.Time) bool {
	for p.tell > 0 && time.Until(end) > p.tell && wait(ctx, p.tell) {
		if ctx.Err() != nil {
			return false
		}
		p.mu.Lock()
		share := p.share
		p.mu.Unlock()
		now := mono.Instant(time.Now().UnixNano())
		length := now.Sub(c.At)
		told := Progress{Reached: time.Duration(float64(length) * share)}
		if told.Missed = length - told.Reached; told.Reached > 0 {
			told.StartedAt, told.EndedAt = c.At, now
		}
		c.Progress(told)
	}
	return wait(ctx, time.Until(end))
}

func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// disk is what survives a crash: journal and records.
type disk struct {
	mu      sync.Mutex
	journal map[string][]byte
	records []broadcast.Play
	full    bool
	slow    time.Duration // of a write of the journal
	writes  int
}

func newDisk() *disk { return &disk{journal: map[string][]byte{}} }

var errFull = errors.New("no space left on device")

func (d *disk) Load() (map[string][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.journal), nil
}

func (d *disk) Write(put map[string][]byte, drop []string) error {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	<-time.After(slow)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return errFull
	}
	d.writes++
	maps.Copy(d.journal, put)
	for _, k := range drop {
		delete(d.journal, k)
	}
	return nil
}

func (d *disk) Add(records ...broadcast.Play) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return errFull
	}
	for _, r := range records {
		if !slices.ContainsFunc(d.records, func(o broadcast.Play) bool { return o.Slot == r.Slot }) {
			d.records = append(d.records, r)
		}
	}
	return nil
}

func (d *disk) Has(slot string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.records, func(o broadcast.Play) bool { return o.Slot == slot }), nil
}

func (d *disk) Prune(time.Time) error { return nil }

func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

// killed gives the disk as a kill -9 at this moment leaves it.
func (d *disk) killed() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &disk{journal: maps.Clone(d.journal), records: slices.Clone(d.records)}
}

// rig is one scheduler with its fakes.
type rig struct {
	t       *testing.T
	clock   *fakeClock
	store   *fakeStore
	player  *fakePlayer
	disk    *disk
	plan    *broadcast.Plan
	planMu  sync.Mutex
	lengths map[string]time.Duration
	moved   change.Signal

	cancel context.CancelFunc
	done   chan error
	sched  *Scheduler
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, clock: &fakeClock{trust: "synced"}, disk: newDisk(), lengths: map[string]time.Duration{},
		store: &fakeStore{missing: map[broadcast.Hash]bool{}, damaged: map[broadcast.Hash]bool{}}}
	r.player = &fakePlayer{share: 1, lead: 300 * time.Millisecond, length: r.length}
	return r
}

// length of a slot's audio, by the plans there have been.
func (r *rig) length(slot string) time.Duration {
	r.planMu.Lock()
	defer r.planMu.Unlock()
	if d, ok := r.lengths[slot]; ok {
		return d
	}
	for _, b := range r.plan.Head.Bulletins {
		if id, rest, _ := strings.Cut(slot, "@"); id == b.ID {
			_, item, _ := strings.Cut(rest, "#")
			n, err := strconv.Atoi(item)
			if err != nil {
				r.t.Error(err)
			}
			return time.Duration(b.Items[n].DurationMS) * time.Millisecond
		}
	}
	r.t.Errorf("no slot %s", slot)
	return 0
}

func (r *rig) setPlan(p *broadcast.Plan) {
	r.planMu.Lock()
	r.plan = p
	for date := range p.Days {
		for _, sl := range p.Slots(date, nil) {
			r.lengths[sl.ID] = sl.Length()
		}
	}
	r.planMu.Unlock()
	r.moved.Notify()
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.cancel, r.done = cancel, make(chan error, 1)
	r.sched = New(Options{
		Plan: func() *broadcast.Plan {
			r.planMu.Lock()
			defer r.planMu.Unlock()
			return r.plan
		},
		Clock: r.clock, Store: r.store, Player: r.player, Journal: r.disk, Records: r.disk, Log: slog.New(slog.DiscardHandler),
		Changes: []<-chan struct{}{r.moved.Subscribe(), r.clock.changed.Subscribe(), r.store.changed.Subscribe()},
	})
	go func(s *Scheduler) { r.done <- s.Run(ctx) }(r.sched)
}

// stop is SIGTERM.
func (r *rig) stop() {
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("run: %v", err)
	}
}

// kill is kill -9: what the process writes from now on is lost.
func (r *rig) kill() {
	left := r.disk.killed()
	r.stop()
	r.disk = left
}

func (r *rig) record(slot string) broadcast.Play {
	r.t.Helper()
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	for _, p := range r.disk.records {
		if p.Slot == slot {
			return p
		}
	}
	r.t.Fatalf("slot %s has no record; there are %v", slot, short1(r.disk.records))
	return broadcast.Play{}
}

func short1(plays []broadcast.Play) (out []string) {
	for _, p := range plays {
		out = append(out, fmt.Sprintf("%s %s/%s", p.Slot, p.Outcome, p.Reason))
	}
	return out
}

func (r *rig) want(slot string, outcome broadcast.Outcome, reason string) broadcast.Play {
	r.t.Helper()
	p := r.record(slot)
	if p.Outcome != outcome || p.Reason != reason {
		r.t.Errorf("%s is %s/%s, want %s/%s", slot, p.Outcome, p.Reason, outcome, reason)
	}
	return p
}
