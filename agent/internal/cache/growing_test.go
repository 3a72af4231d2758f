package cache

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// An urgent bulletin's audio can be opened when its beginning is here and the rest keeps ahead; nothing else's can.
func TestUrgentAudioIsReadyBeforeItIsWhole(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it, warning, slow := h.report(3*chunk), h.report(3*chunk+100), h.report(40*chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 2) // the day and the manifest
	if code := r.order(h.order(1, seal.OrderLive, flood("flood", "live", warning), nil)); code != "" {
		t.Fatal(code)
	}
	r.fetch(h, 1) // its manifest
	put := func(it broadcast.Item, i int) {
		t.Helper()
		data := h.blobs[it.Audio]
		end := min((i+1)*chunk, len(data))
		if err := r.cache.Put(t.Context(), it.Audio, int64(i*chunk), data[i*chunk:end], end == len(data)); err != nil {
			t.Fatal(err)
		}
	}
	w, ok := r.cache.NextWant(never)
	if !ok || w.SHA256 != warning.Audio {
		t.Fatalf("wanted: %+v", w)
	}
	if r.cache.Ready(warning.Audio) {
		t.Error("ready with nothing here")
	}
	whole := r.cache.Subscribe()
	put(warning, 0)
	select {
	case <-whole:
	default:
		t.Error("nobody was told of the first seconds")
	}
	if !r.cache.Ready(warning.Audio) || r.cache.Whole(warning.Audio) {
		t.Errorf("with its first chunk: ready %v, whole %v", r.cache.Ready(warning.Audio), r.cache.Whole(warning.Audio))
	}
	s, err := r.cache.Open(warning.Audio)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Length() != time.Minute {
		t.Errorf("it says to be %v long", s.Length())
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	got := make([]byte, chunk)
	if _, err := s.ReadAt(got, 0); err != nil || !bytes.Equal(got, h.blobs[warning.Audio][:chunk]) {
		t.Errorf("the first chunk: %v", err)
	}
	read := make(chan error, 1)
	all := make([]byte, s.Size())
	go func() {
		_, err := s.ReadAt(all, 0)
		read <- err
	}()
	for i := 1; i < 4; i++ {
		put(warning, i)
	}
	if err := <-read; err != nil || hashOf(all) != warning.Audio {
		t.Errorf("read while it came: %v", err)
	}

	r.fetch(h, 1)
	if !r.cache.Whole(it.Audio) { // what is only scheduled is opened whole
		t.Error("the other audio is not here")
	}
	if code := r.order(h.order(2, seal.OrderLive, flood("slow", "live", slow), nil)); code != "" {
		t.Fatal(code)
	}
	r.fetch(h, 1)
	if w, ok := r.cache.NextWant(never); !ok || w.SHA256 != slow.Audio {
		t.Fatalf("wanted: %+v", w)
	}
	r.cache.mu.Lock()
	r.cache.asked[slow.Audio] = asked{at: time.Since(r.cache.begun) - 10*time.Second} // the first chunk took 10 s: 40 take 400
	r.cache.mu.Unlock()
	put(slow, 0)
	if r.cache.Ready(slow.Audio) {
		t.Error("ready on a line that is too slow")
	}
	if _, err := r.cache.Open(slow.Audio); !errors.Is(err, ErrNotWhole) {
		t.Errorf("opened on a line that is too slow: %v", err)
	}
}

// Audio that was asked for when it could wait, and has waited, is as quick as its line once a bulletin needs it.
func TestAWaitOfBeforeDoesNotSlowABulletin(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	it := h.report(20 * chunk)
	r.offer(h.head(nil, it))
	r.fetch(h, 2) // the day and the manifest
	if w, ok := r.cache.NextWant(never); !ok || w.SHA256 != it.Audio || w.Due.IsZero() {
		t.Fatalf("wanted: %+v", w)
	}
	r.cache.mu.Lock()
	r.cache.asked[it.Audio] = asked{at: time.Since(r.cache.begun) - time.Hour}
	r.cache.mu.Unlock()
	bulletin := flood("flood", "live", it)
	if code := r.order(h.order(1, seal.OrderLive, bulletin, nil)); code != "" {
		t.Fatal(code)
	}
	if w, ok := r.cache.NextWant(never); !ok || w.SHA256 != it.Audio || !w.Due.Equal(bulletin.IssuedAt) {
		t.Fatalf("wanted: %+v", w)
	}
	if err := r.cache.Put(t.Context(), it.Audio, 0, h.blobs[it.Audio][:chunk], false); err != nil {
		t.Fatal(err)
	}
	if !r.cache.Ready(it.Audio) {
		t.Error("not ready with its first chunk here")
	}
}

func TestAReadGivesUpOnWhatDoesNotCome(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	r.offer(h.head(nil, h.report(chunk)))
	r.fetch(h, 100)
	warning := h.report(2 * chunk)
	if code := r.order(h.order(1, seal.OrderLive, flood("flood", "live", warning), nil)); code != "" {
		t.Fatal(code)
	}
	r.fetch(h, 1)
	r.cache.NextWant(never)
	if err := r.cache.Put(t.Context(), warning.Audio, 0, h.blobs[warning.Audio][:chunk], false); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // a second is nothing there
		s, err := r.cache.Open(warning.Audio)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.ReadAt(make([]byte, s.Size()), 0); n != chunk || !errors.Is(err, ErrNotWhole) || errors.Is(err, io.EOF) {
			t.Errorf("read %d: %v", n, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
