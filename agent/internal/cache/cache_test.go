package cache

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

const chunk = broadcast.ChunkSize

func TestAPlanBecomesActiveWithItsPartsAndItsAudioFollows(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	soon, later := h.report(3*chunk+5), h.report(chunk)
	if st := r.offer(h.head(nil, soon, later)); st.State != wire.PlanFetching || r.cache.Plan() != nil {
		t.Fatalf("offered: %+v", st)
	}
	kinds := r.fetch(h, 3)
	if !slices.Equal(kinds, []string{kindDay, kindManifest, kindManifest}) && !slices.Equal(kinds, []string{kindDay, kindManifest, kindAudio}) {
		t.Errorf("fetched %v", kinds)
	}
	r.fetch(h, 100)
	if st := r.cache.PlanState(); st.State != wire.PlanActive || r.cache.Plan() == nil {
		t.Fatalf("state %+v", st)
	}
	for _, it := range []broadcast.Item{soon, later} {
		if err := r.read(h, it); err != nil {
			t.Error(err)
		}
	}
	if s := r.cache.Status(); s.State != "ok" || s.Missing != 0 || !s.ArmedUntil.Equal(now.Add(35*24*time.Hour)) || s.UsedBytes != 4*chunk+5 {
		t.Errorf("status %+v", s)
	}
	r.close()
	r.open()
	if r.cache.Plan() == nil || r.read(h, soon) != nil {
		t.Error("the plan or its audio did not survive a restart")
	}
}

func TestWhatIsDueSooner(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	first, second, urgent := h.report(chunk), h.report(chunk), h.report(chunk)
	r.offer(h.head(func(d *broadcast.Head) {
		d.Bulletins = []broadcast.Bulletin{{ID: "u", Kind: "live", Title: "u", IssuedAt: now.Add(-time.Minute), Until: now.Add(time.Hour), Items: []broadcast.Item{urgent}}}
	}, first, second))
	var order []broadcast.Hash
	for {
		w, ok := r.cache.NextWant(never)
		if !ok {
			break
		}
		if w.Kind == kindAudio {
			order = append(order, w.SHA256)
		}
		r.fetch(h, 1)
	}
	if !slices.Equal(order, []broadcast.Hash{urgent.Audio, first.Audio, second.Audio}) {
		t.Errorf("order %v", order)
	}
}

func TestADownloadGoesOnWhereAKillLeftIt(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(40 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 2)
	data := h.blobs[it.Audio]
	for i := range 20 { // 16 make a MiB: they are committed, four wait
		if err := r.cache.Put(context.Background(), it.Audio, int64(i*chunk), data[i*chunk:(i+1)*chunk], false); err != nil {
			t.Fatal(err)
		}
	}
	if w, _ := r.cache.NextWant(never); w.Have != 20*chunk {
		t.Errorf("before: have %d chunks", w.Have/chunk)
	}
	if hold := r.cache.Holdings(); len(hold) != 1 || hold[0].Have != 16*chunk || hold[0].Whole {
		t.Errorf("the hub is told %+v", hold)
	}
	r.kill()
	r.open()
	if w, ok := r.cache.NextWant(never); !ok || w.Have != 16*chunk || w.Size != 40*chunk {
		t.Fatalf("after: %+v", w)
	}
	r.fetch(h, 1)
	if err := r.read(h, it); err != nil {
		t.Error(err)
	}
}

func TestALastChunkWhoseWholeWasNotNoted(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(2 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 3)
	r.cache.files[it.Audio].Whole = false
	if err := r.cache.writeRecord(it.Audio, r.cache.files[it.Audio].fileRecord); err != nil {
		t.Fatal(err)
	}
	r.close()
	r.open()
	ctx, cancel := context.WithCancel(t.Context())
	whole := r.cache.Subscribe()
	done := make(chan error, 1)
	go func() { done <- r.cache.Run(ctx) }()
	<-whole
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := r.read(h, it); err != nil {
		t.Error(err)
	}
}

func TestDamageIsFoundAtEveryReadAndFetchedAgain(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(5 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 10)
	raw, _ := rawHash(it.Audio)
	err := r.cache.audio.Update(func(tx *bbolt.Tx) error {
		b := bytes.Clone(tx.Bucket(bucketChunks).Get(chunkKey(raw, 2)))
		b[77] ^= 1
		return tx.Bucket(bucketChunks).Put(chunkKey(raw, 2), b)
	})
	if err != nil {
		t.Fatal(err)
	}
	var damaged *DamagedError
	if err := r.read(h, it); !errors.As(err, &damaged) || damaged.Chunk != 2 {
		t.Fatalf("got %v", err)
	}
	if _, err := r.cache.Open(it.Audio); !errors.Is(err, ErrNotWhole) {
		t.Errorf("damaged audio is still whole: %v", err)
	}
	if s := r.cache.Status(); s.Missing != 1 || s.MissingBytes != 3*chunk {
		t.Errorf("status %+v", s)
	}
	w, ok := r.cache.NextWant(never)
	if !ok || w.Have != 2*chunk {
		t.Fatalf("wants %+v", w)
	}
	r.fetch(h, 1)
	if err := r.read(h, it); err != nil {
		t.Error(err)
	}
}

func TestBytesThatAreNotWhatTheyMustBe(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(2*chunk + 10)
	r.offer(h.head(nil, it))
	day, _ := r.cache.NextWant(never)
	if err := r.cache.Put(t.Context(), day.SHA256, 0, []byte("{}"), true); err == nil {
		t.Error("a day document with another hash was taken")
	}
	r.fetch(h, 2)
	data := h.blobs[it.Audio]
	other := bytes.Clone(data[:chunk])
	other[0] ^= 1
	for name, put := range map[string]func() error{
		"another chunk's bytes": func() error { return r.cache.Put(t.Context(), it.Audio, chunk, data[:chunk], false) },
		"a flipped bit":         func() error { return r.cache.Put(t.Context(), it.Audio, 0, other, false) },
		"off the grain":         func() error { return r.cache.Put(t.Context(), it.Audio, 1, data[1:chunk+1], false) },
		"too short":             func() error { return r.cache.Put(t.Context(), it.Audio, 0, data[:chunk-1], false) },
		"beyond the end":        func() error { return r.cache.Put(t.Context(), it.Audio, 3*chunk, data[:10], true) },
		"before the beginning":  func() error { return r.cache.Put(t.Context(), it.Audio, -chunk, data[:chunk], false) },
		"never wanted":          func() error { return r.cache.Put(t.Context(), hashOf([]byte("x")), 0, []byte("x"), true) },
	} {
		if put() == nil {
			t.Errorf("%s was taken", name)
		}
	}
	r.fetch(h, 1)
	if err := r.read(h, it); err != nil {
		t.Error(err)
	}
}

func TestHeadsThatAreRefused(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	first, second := h.head(nil, it), h.head(nil, it)
	if st := r.offer(second); st.State != wire.PlanFetching {
		t.Fatalf("%+v", st)
	}
	if st := r.offer(second); st.State != wire.PlanFetching || st.Code != "" {
		t.Errorf("the same again: %+v", st)
	}
	stranger := newHub(t)
	cases := map[string]struct {
		envelope []byte
		code     seal.Code
	}{
		"older":                    {first, seal.VersionLower},
		"for another agent":        {h.head(func(d *broadcast.Head) { d.Audience = "other" }), seal.Audience},
		"expired":                  {h.head(func(d *broadcast.Head) { d.Expires = now.Add(-time.Second) }), seal.Expired},
		"same version other bytes": {h.head(func(d *broadcast.Head) { d.Version = 2; d.Area = "x" }), seal.VersionReused},
		"far ahead":                {h.head(func(d *broadcast.Head) { d.Version = 2 + seal.MaxJump + 1 }), seal.VersionJump},
		"by a stranger":            {stranger.head(nil), seal.KeyRole},
		"not an envelope":          {[]byte("hello"), seal.Malformed},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if st := r.offer(c.envelope); st.State != wire.PlanRefused || st.Code != string(c.code) {
				t.Errorf("%+v", st)
			}
			if v, _, _ := r.cache.Held(); v != 2 {
				t.Errorf("the agent now holds version %d", v)
			}
		})
	}
	r.fetch(h, 10)
	if r.cache.Plan() == nil || r.cache.Plan().Head.Version != 2 {
		t.Error("the plan did not become active")
	}
}

func TestAPlanThatMakesNoSenseLeavesTheOldOneInForce(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 10)
	lie := it
	lie.Manifest = h.blob([]byte(`{"audio":"` + string(it.Audio) + `","size":1,"surprise":true}`))
	lie.Audio = h.report(chunk).Audio
	r.offer(h.head(nil, lie))
	r.fetch(h, 10)
	if st := r.cache.PlanState(); st.State != wire.PlanRefused || st.Code != codeManifestInvalid {
		t.Errorf("%+v", st)
	}
	if p := r.cache.Plan(); p == nil || p.Head.Version != 1 {
		t.Errorf("plan %+v", p)
	}
	if st := r.offer(h.head(nil, it)); st.State != wire.PlanActive { // all its parts are here but the day
		r.fetch(h, 5)
	}
	if st := r.cache.PlanState(); st.State != wire.PlanActive || st.Version != 3 {
		t.Errorf("%+v", st)
	}
}

func TestFloorsOutliveTheDatabase(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	old, newer := h.head(nil, it), h.head(nil, it)
	r.offer(newer)
	r.fetch(h, 10)
	r.close()
	if err := os.WriteFile(filepath.Join(r.dir, "state.db"), bytes.Repeat([]byte("rubbish "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if r.cache.Trust().Version() != 1 {
		t.Error("the agent is not paired any more")
	}
	if aside, _ := filepath.Glob(filepath.Join(r.dir, "state.db.damaged-*")); len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
	if st := r.offer(old); st.Code != string(seal.VersionLower) {
		t.Errorf("the older plan again: %+v", st)
	}
	r.offer(newer)
	r.fetch(h, 10)
	if err := r.read(h, it); err != nil || r.cache.Plan() == nil { // the audio was there all along
		t.Errorf("read: %v", err)
	}
}

// A bit of the floors in the database may still make a number: one that is too high would refuse every plan from then on.
func TestADamagedFloorDoesNotRise(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 10)
	r.close()
	path := filepath.Join(r.dir, "state.db")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	was, is := []byte(`{"head":{"version":1,`), []byte(`{"head":{"version":9,`)
	if !bytes.Contains(raw, was) {
		t.Fatal("the floors are not found")
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(raw, was, is), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if st := r.offer(h.head(nil, it)); st.State != wire.PlanActive || st.Version != 2 {
		t.Errorf("the next plan: %+v", st)
	}
}

func TestDamagedFilesAreSetAsideAndTheAgentGoesOn(t *testing.T) {
	for _, name := range []string{"audio.db", "state.db"} {
		for what, damage := range map[string]func([]byte) []byte{
			"rubbish":   func(b []byte) []byte { return bytes.Repeat([]byte{0xa5}, len(b)) },
			"zeroes":    func(b []byte) []byte { return make([]byte, len(b)) },
			"empty":     func([]byte) []byte { return nil },
			"truncated": func(b []byte) []byte { return b[:5000] },
			"no meta":   func(b []byte) []byte { return append(make([]byte, 8192), b[8192:]...) },
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				h := newHub(t)
				r := newRig(t, h)
				it := h.report(3 * chunk)
				head := h.head(nil, it)
				r.offer(head)
				r.fetch(h, 10)
				r.close()
				path := filepath.Join(r.dir, name)
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, damage(b), 0o600); err != nil {
					t.Fatal(err)
				}
				r.open()
				r.offer(head)
				r.fetch(h, 10)
				if err := r.read(h, it); err != nil || r.cache.Plan() == nil {
					t.Errorf("read: %v", err)
				}
			})
		}
	}
}

func TestATrustDocumentsFileIsMirrored(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	next, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	second := h.newTrust(2, []string{h.key.ID()}, next)
	head := h.head(nil, h.report(chunk))
	r.offer(head)
	r.fetch(h, 10)
	if err := r.cache.OfferTrust(t.Context(), [][]byte{second.Envelope()}); err != nil {
		t.Fatal(err)
	}
	if r.cache.Plan() != nil {
		t.Error("the plan of a revoked key is still in force")
	}
	r.close()
	if err := os.WriteFile(filepath.Join(r.dir, trustFile), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	if v := r.cache.Trust().Version(); v != 2 || r.cache.Plan() != nil {
		t.Errorf("version %d, plan %v", v, r.cache.Plan())
	}
	if err := r.cache.OfferTrust(t.Context(), [][]byte{newHub(t).trust.Envelope()}); err == nil {
		t.Error("a stranger's trust document was taken")
	}
}

func TestRoom(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.close()
	r.limit = 10 * chunk
	r.open()
	early, middle, last := h.report(4*chunk), h.report(4*chunk), h.report(4*chunk)
	r.offer(h.head(nil, early, middle, last))
	r.fetch(h, 100)
	if r.read(h, early) != nil || r.read(h, middle) != nil {
		t.Error("what is due first is not here")
	}
	if err := r.read(h, last); !errors.Is(err, ErrNotWhole) {
		t.Errorf("more than the limit was taken: %v", err)
	}
	if s := r.cache.Status(); s.State != "full" || !strings.Contains(s.Detail, "limit") || s.Missing != 1 || !s.ArmedUntil.Equal(now.Add(3*time.Hour)) {
		t.Errorf("status %+v", s)
	}
	// A new item comes first: what is due last makes room. What is open never does.
	open, err := r.cache.Open(middle.Audio)
	if err != nil {
		t.Fatal(err)
	}
	sooner := h.report(4 * chunk)
	r.offer(h.head(nil, sooner, early, middle))
	r.fetch(h, 100)
	if err := r.read(h, sooner); !errors.Is(err, ErrNotWhole) && r.read(h, early) == nil {
		t.Error("open audio was evicted")
	}
	buf := make([]byte, 4*chunk)
	if _, err := open.ReadAt(buf, 0); err != nil {
		t.Errorf("open audio: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	r.fetch(h, 100)
	if r.read(h, sooner) != nil {
		t.Error("what is due first did not get its room")
	}
	r.free.Store(reserve)
	more := h.report(chunk)
	r.offer(h.head(nil, more, sooner))
	r.fetch(h, 2)
	if _, ok := r.cache.NextWant(never); ok && r.cache.audio.Stats().FreeAlloc < chunk {
		t.Error("a full disk is filled further")
	}
}

func TestJournal(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	j := r.cache.Journal()
	if err := j.Write(map[string][]byte{"a": []byte("1"), "b": []byte("2")}, nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Write(map[string][]byte{"a": []byte("3")}, []string{"b", "c"}); err != nil {
		t.Fatal(err)
	}
	r.close()
	r.open()
	got, err := r.cache.Journal().Load()
	if err != nil || len(got) != 1 || string(got["a"]) != "3" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOneAgentAtATime(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	if _, err := Open(r.options()); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
	if err := Free(r.dir, r.cache.o.Log); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v", err)
	}
}
