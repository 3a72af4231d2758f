package cache

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/internal/broadcast"
)

// smallDisk is a file system of its own; only root may make one.
func smallDisk(t *testing.T, size string) string {
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, unix.EPERM) && os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Something else fills the disk: what is here plays, nothing more is fetched and the status says so; once there
// is room it goes on.
func TestAFullDisk(t *testing.T) {
	dir := smallDisk(t, "24m")
	h := newHub(t)
	r := &rig{t: t, dir: dir, limit: 1 << 30}
	r.free.Store(1 << 40) // the disk is full all at once: the check of room did not see it coming
	if err := Pin(dir, h.trust.Envelope()); err != nil {
		t.Fatal(err)
	}
	r.open()
	defer func() { r.close() }()
	here := h.report(20 * chunk)
	r.offer(h.head(nil, here))
	r.fetch(h, 10)
	next := h.report(200 * chunk)
	r.offer(h.head(nil, here, next))
	r.fetch(h, 2) // day and manifest
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 64<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	putAll := func() (err error) {
		data := h.blobs[next.Audio]
		for at := 0; at < len(data) && err == nil; at += chunk {
			err = r.cache.Put(t.Context(), next.Audio, int64(at), data[at:min(at+chunk, len(data))], at+chunk >= len(data))
		}
		return err
	}
	if err := putAll(); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("put: %v", err)
	}
	if s := r.cache.Status(); s.State != "full" || s.Detail == "" {
		t.Errorf("status %+v", s)
	}
	if w, ok := r.cache.NextWant(never); ok {
		t.Errorf("still wanted: %+v", w)
	}
	if err := r.read(h, here); err != nil {
		t.Errorf("what is here does not play: %v", err)
	}
	if err := r.cache.Journal().Write(map[string][]byte{"slot": bytes.Repeat([]byte{1}, 8<<20)}, nil); err == nil {
		t.Error("a write is said to be kept on a full disk")
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"journal": r.cache.Journal().Write(map[string][]byte{"slot": []byte("x")}, nil), "audio": putAll()} {
		if err != nil {
			t.Errorf("%s with room again: %v", name, err)
		}
	}
	for _, it := range []broadcast.Item{here, next} {
		if err := r.read(h, it); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
}
