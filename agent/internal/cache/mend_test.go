package cache

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// Between the choice of a victim and its end it may have been opened.
func TestWhatIsOpenIsNotDropped(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(3 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 10)
	s, err := r.cache.Open(it.Audio)
	if err != nil {
		t.Fatal(err)
	}
	r.cache.drop(it.Audio)
	if _, err := s.ReadAt(make([]byte, 3*chunk), 0); err != nil {
		t.Errorf("open audio was dropped: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	r.cache.drop(it.Audio)
	if r.cache.Whole(it.Audio) {
		t.Error("closed audio was not dropped")
	}
}

// The timer commits in the middle of what another goroutine evicts.
func TestDroppedWhileItIsCommitted(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.cache.audio.NoSync = true
	it := h.report(4 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 2)
	data := h.blobs[it.Audio]
	var work sync.WaitGroup
	work.Go(func() {
		for range 200 {
			r.cache.drop(it.Audio)
		}
	})
	work.Go(func() {
		for range 200 {
			r.cache.finishComplete()
		}
	})
	for range 100 {
		for i := range 4 {
			if err := r.cache.Put(t.Context(), it.Audio, int64(i*chunk), data[i*chunk:(i+1)*chunk], i == 3); err != nil {
				t.Error(err)
			}
			if err := r.cache.flush(); err != nil {
				t.Error(err)
			}
		}
	}
	work.Wait()
	r.fetch(h, 10)
	if err := r.read(h, it); err != nil {
		t.Error(err)
	}
}

// A disk that is so full that nothing can even be deleted.
func TestAVictimThatCannotBeDropped(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.close()
	r.limit = 5 * chunk
	r.open()
	old := h.report(4 * chunk)
	r.offer(h.head(nil, old))
	r.fetch(h, 10)
	r.offer(h.head(nil, h.report(4*chunk)))
	r.fetch(h, 2)
	path := filepath.Join(r.dir, "audio.db")
	swap := func(o *bbolt.Options) {
		if err := r.cache.audio.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0o600, o)
		if err != nil {
			t.Fatal(err)
		}
		r.cache.audio = db
	}
	swap(&bbolt.Options{ReadOnly: true})
	answer := make(chan bool, 1)
	go func() {
		_, ok := r.cache.NextWant(never)
		answer <- ok
	}()
	select {
	case ok := <-answer:
		if ok {
			t.Error("something is wanted that has no room")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("asked for ever")
	}
	if s := r.cache.Status(); s.State != "full" || s.Detail == "" {
		t.Errorf("status %+v", s)
	}
	if err := r.read(h, old); err != nil {
		t.Errorf("what is here cannot be read: %v", err)
	}
	swap(&bbolt.Options{FreelistType: bbolt.FreelistMapType})
}

// A head that comes while an older one becomes active stays on the disk.
func TestAHeadThatComesMeanwhile(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 10)
	first := r.cache.plans.active
	r.offer(h.head(nil, it, h.report(chunk)))
	if err := r.cache.commitActive(first); err != nil {
		t.Fatal(err)
	}
	r.close()
	r.open()
	if v, _, _ := r.cache.Held(); v != 2 {
		t.Errorf("after a restart the agent holds version %d", v)
	}
	r.fetch(h, 10)
	if p := r.cache.Plan(); p == nil || p.Head.Version != 2 {
		t.Error("the newer plan did not become active")
	}
}

// The power went after the trust document was kept and before the revoked key's plan was dropped.
func TestAPlanOfARevokedKeyDoesNotComeBack(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.offer(h.head(nil, h.report(chunk)))
	r.fetch(h, 10)
	next, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	second := h.newTrust(2, []string{h.key.ID()}, next)
	_, floors := r.cache.trustAndFloors()
	if err := r.cache.commitTrust(floors.Merge(seal.Floors{Trust: second.Floor()}), second); err != nil {
		t.Fatal(err)
	}
	r.close()
	r.open()
	if r.cache.Trust().Version() != 2 || r.cache.Plan() != nil {
		t.Error("the plan of a revoked key is in force")
	}
}

// On a slow line the parts of a new head take their time. What it takes back must not sound until then, and its
// bulletins need not wait for the rest.
func TestWhatANewHeadTakesBackHoldsAtOnce(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it, drill, kept := h.report(chunk), h.report(chunk), h.report(chunk)
	bulletin := func(id string, it broadcast.Item) broadcast.Bulletin {
		return broadcast.Bulletin{ID: id, Kind: "live", Title: id, IssuedAt: now, Until: now.Add(time.Hour), Items: []broadcast.Item{it}}
	}
	r.offer(h.head(func(d *broadcast.Head) {
		d.Bulletins = []broadcast.Bulletin{bulletin("a", drill), bulletin("b", kept)}
	}, it))
	r.fetch(h, 100)
	told := r.cache.SubscribePlan()
	stop := broadcast.Decision{Kind: "hold", Subject: "", Who: "x", When: now, Counter: 1, Source: "hub"}
	st := r.offer(h.head(func(d *broadcast.Head) {
		d.Bulletins = []broadcast.Bulletin{bulletin("b", kept), bulletin("c", h.report(chunk))}
		d.Withdrawals = []broadcast.Withdrawal{{Report: it.Report, At: now, Reason: "x"}}
		d.Decisions = []broadcast.Decision{stop}
	}, it, h.report(chunk)))
	if st.State != wire.PlanFetching {
		t.Fatalf("%+v", st)
	}
	select {
	case <-told:
	default:
		t.Error("nobody was told")
	}
	check := func(when string) {
		p := r.cache.Plan()
		if p == nil || p.Head.Version != 1 || len(p.Days) == 0 {
			t.Fatalf("%s: plan %+v", when, p)
		}
		if b := p.Head.Bulletins; len(b) != 2 || b[0].ID != "b" || b[1].ID != "c" || len(p.Head.Withdrawals) != 1 || len(p.Head.Decisions) != 1 {
			t.Errorf("%s: %+v", when, p.Head)
		}
	}
	check("at once")
	r.close()
	r.open()
	check("after a restart")
	r.fetch(h, 100)
	if p := r.cache.Plan(); p.Head.Version != 2 || len(p.Head.Bulletins) != 2 {
		t.Errorf("%+v", p.Head)
	}
}

// A hub that was taken for a moment gave audio another manifest: the honest one counts when the next plan names it.
func TestAnotherManifestOfTheSameAudioCounts(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(3 * chunk)
	noise := h.blobs[h.report(chunk).Audio]
	lie := it
	lie.Manifest = h.blob(h.marshal(broadcast.Manifest{Audio: it.Audio, Size: 2 * chunk, DurationMS: 1000, ChunkSize: broadcast.ChunkSize,
		Chunks: []broadcast.Hash{hashOf(noise), hashOf(noise)}}))
	r.offer(h.head(nil, lie))
	r.fetch(h, 2) // the day and the manifest
	if err := r.cache.Put(t.Context(), it.Audio, 0, noise, false); err != nil {
		t.Fatal(err)
	}
	if err := r.cache.flush(); err != nil {
		t.Fatal(err)
	}
	r.offer(h.head(nil, it))
	r.fetch(h, 2)
	for range 10 { // each chunk that is not what it must be is found when all are there
		r.fetch(h, 1)
		r.cache.finishComplete()
	}
	if err := r.read(h, it); err != nil {
		t.Errorf("read: %v", err)
	}
}
