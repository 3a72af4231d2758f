package cache

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// Arguments that make this program the child that checks a file, or one file after the other as they are named to it.
const (
	childArg    = "check-file"
	childrenArg = "check-files"
	compactArg  = "compact-recorded"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == childArg {
		os.Exit(CheckChild(os.Args[2], os.Stdout))
	}
	if len(os.Args) == 4 && os.Args[1] == compactArg {
		if err := compactSteps(os.Args[2], os.Args[3], os.Stdout); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == childrenArg {
		checkChildren(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

// hub makes what a hub would send.
type hub struct {
	t       testing.TB
	key     seal.Key
	trust   *seal.Trust
	blobs   map[broadcast.Hash][]byte
	version uint64
	noise   *rand.ChaCha8 // the same in every run, so that a seed repeats one
}

func newHub(t testing.TB) *hub {
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, key: key, blobs: map[broadcast.Hash][]byte{}, noise: rand.NewChaCha8([32]byte{1})}
	h.trust = h.newTrust(1, nil, key)
	return h
}

func (h *hub) newTrust(version uint64, revoked []string, planner seal.Key) *seal.Trust {
	h.t.Helper()
	role := func(k seal.Key) seal.RoleKeys { return seal.RoleKeys{Keys: []string{k.ID()}, Threshold: 1} }
	root := h.key
	keys := []seal.Key{root}
	if h.trust != nil && len(revoked) > 0 {
		root = planner
		keys = append(keys, planner)
	}
	doc := seal.TrustDoc{Version: version, IssuedAt: now.Add(-time.Hour), Expires: now.Add(365 * 24 * time.Hour), Revoked: revoked,
		Roles: seal.Roles{Root: role(root), Planner: role(planner), Urgent: role(planner), Time: role(planner)},
		Keys:  map[string]seal.PublicKey{root.ID(): root.Public(), planner.ID(): planner.Public()}}
	trust, err := seal.NewTrust(doc, keys...)
	if err != nil {
		h.t.Fatal(err)
	}
	return trust
}

func (h *hub) blob(b []byte) broadcast.Hash {
	hash := hashOf(b)
	h.blobs[hash] = b
	return hash
}

// report makes audio of a size and its manifest.
func (h *hub) report(size int) broadcast.Item {
	audio := make([]byte, size)
	_, _ = h.noise.Read(audio)
	m := broadcast.Manifest{Audio: h.blob(audio), Size: int64(size), DurationMS: 60_000, GainDB: 1.5, ChunkSize: broadcast.ChunkSize}
	for at := 0; at < size; at += broadcast.ChunkSize {
		m.Chunks = append(m.Chunks, hashOf(audio[at:min(size, at+broadcast.ChunkSize)]))
	}
	return broadcast.Item{Report: "r", Title: "title", Audio: m.Audio, Manifest: h.blob(h.marshal(m)), DurationMS: 60_000}
}

func (h *hub) marshal(v any) []byte {
	h.t.Helper()
	b, err := seal.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// head seals a plan in which each item is due an hour after the one before.
func (h *hub) head(change func(*broadcast.Head), items ...broadcast.Item) []byte {
	h.t.Helper()
	z, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		h.t.Fatal(err)
	}
	days := map[broadcast.Date]broadcast.Day{}
	for i, it := range items {
		at := now.Add(time.Duration(i+1) * time.Hour)
		date := broadcast.DateOf(at, z)
		day := days[date]
		day.Date = date
		day.Candidates = append(day.Candidates, broadcast.Candidate{Broadcast: fmt.Sprintf("b%d", i), Version: 1, Title: "t", Class: broadcast.Normal,
			Owner: broadcast.OwnerHub, ApprovedAt: now.Add(-time.Hour), At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin}, Items: []broadcast.Item{it}})
		days[date] = day
	}
	h.version++
	doc := broadcast.Head{Audience: "agent", Version: h.version, IssuedAt: now.Add(-time.Minute), Expires: now.Add(35 * 24 * time.Hour), Zone: z.String(),
		Rules: broadcast.Inherit()}
	for date, day := range days {
		raw := h.marshal(day)
		doc.Days = append(doc.Days, broadcast.DayRef{Date: date, Hash: h.blob(raw), Size: int64(len(raw))})
	}
	if change != nil {
		change(&doc)
	}
	envelope, err := seal.Seal(seal.TypePlanHead, h.marshal(doc), h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	return envelope
}

// rig is a data folder.
type rig struct {
	t     testing.TB
	dir   string
	limit int64
	free  atomic.Int64
	cache *Cache

	checker Checker
	metered Metered
}

func newRig(t testing.TB, h *hub) *rig {
	return newRigIn(t, h, t.TempDir())
}

func newRigIn(t testing.TB, h *hub, dir string) *rig {
	r := &rig{t: t, dir: dir, limit: 1 << 30}
	r.free.Store(1 << 40)
	if err := Pin(r.dir, h.trust.Envelope()); err != nil {
		t.Fatal(err)
	}
	r.open()
	t.Cleanup(func() {
		if r.cache != nil {
			r.close()
		}
	})
	return r
}

func (r *rig) options() Options {
	return Options{Dir: r.dir, Agent: "agent", Limit: r.limit, Free: func(string) (int64, error) { return r.free.Load(), nil },
		Now: func() time.Time { return now }, Trusted: func() time.Time { return now }, Synced: func() bool { return true }, Verified: func(time.Time) {}, Checker: r.checker, Metered: r.metered, Log: slog.New(slog.DiscardHandler)}
}

func (r *rig) open() {
	r.t.Helper()
	c, err := Open(r.options())
	if err != nil {
		r.t.Fatal(err)
	}
	r.cache = c
}

// close ends in order; every database checks itself.
func (r *rig) close() {
	r.t.Helper()
	for _, db := range []*bbolt.DB{r.cache.state, r.cache.audio} {
		err := db.View(func(tx *bbolt.Tx) error {
			for err := range tx.Check() {
				r.t.Errorf("%s: %v", filepath.Base(db.Path()), err)
			}
			return nil
		})
		if err != nil {
			r.t.Error(err)
		}
	}
	if err := r.cache.Close(); err != nil {
		r.t.Error(err)
	}
	r.cache = nil
}

// kill drops what a kill -9 drops: what was not committed.
func (r *rig) kill() {
	r.t.Helper()
	r.cache.mu.Lock()
	for _, f := range r.cache.files {
		clear(f.pending)
	}
	r.cache.mu.Unlock()
	r.close()
}

func never(broadcast.Hash) bool { return false }

// fetch brings what the cache wants, at most so many blobs; it gives their kinds.
func (r *rig) fetch(h *hub, most int) (kinds []string) {
	r.t.Helper()
	for range most {
		w, ok := r.cache.NextWant(never)
		if !ok {
			break
		}
		kinds = append(kinds, w.Kind)
		data := h.blobs[w.SHA256]
		for at := w.Have; at < int64(len(data)); at += broadcast.ChunkSize {
			end := min(int64(len(data)), at+broadcast.ChunkSize)
			if err := r.cache.Put(context.Background(), w.SHA256, at, data[at:end], end == int64(len(data))); err != nil {
				r.t.Fatalf("put %s at %d: %v", w.Kind, at, err)
			}
		}
	}
	return kinds
}

func (r *rig) offer(envelope []byte) wire.PlanState {
	return r.cache.Offer(context.Background(), envelope)
}

func (r *rig) read(h *hub, it broadcast.Item) error {
	r.t.Helper()
	s, err := r.cache.Open(it.Audio)
	if err != nil {
		return err
	}
	defer s.Close()
	got := make([]byte, s.Size())
	if _, err := s.ReadAt(got, 0); err != nil {
		return err
	}
	if hashOf(got) != it.Audio || string(got) != string(h.blobs[it.Audio]) {
		r.t.Fatal("the cache gave other bytes than it was given")
	}
	return nil
}
