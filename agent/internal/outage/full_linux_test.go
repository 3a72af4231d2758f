package outage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/internal/broadcast"
)

// smallDisk is a file system of its own; only root may make one.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
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

// Something else fills the disk to the last byte for a quarter of an hour, over a plan change and two broadcasts. What is
// cached sounds in its time and whole, nothing more is fetched and the status says why; once there is room, the rest
// comes, and every slot has its one record, with its times.
func TestFaultFullDisk(t *testing.T) {
	root := smallDisk(t, "8m")
	synctest.Test(t, func(t *testing.T) {
		<-time.After(24 * time.Hour)
		w := newWorld(t, rand.New(rand.NewPCG(1, 2)), filepath.Join(root, "data"))
		start := time.Now()
		slot := func(n int, at, length time.Duration, size int) broadcast.Candidate {
			it := w.hub.report(fmt.Sprintf("slot-%d", n), size, length)
			c := exact(fmt.Sprintf("b%d", n), start.Add(at), broadcast.Lateness{Rule: broadcast.LateSkip}, it)
			w.audio[slotOf(t, c)] = it
			return c
		}
		w.cands = []broadcast.Candidate{slot(0, time.Minute, 20*time.Second, 2*chunk), slot(1, 5*time.Minute, 20*time.Second, 2*chunk),
			slot(2, 8*time.Minute, time.Minute, chunk)}
		w.plan = w.hub.head(nil, w.cands...)
		k := w.open(newPower(1 << 60))
		k.patient = true
		ended := make(chan struct{})
		go func() {
			k.run(start.Add(30 * time.Minute))
			close(ended)
		}()
		at := func(d time.Duration) {
			<-time.After(time.Until(start.Add(d)))
			synctest.Wait()
		}
		at(3 * time.Minute)
		fill := filepath.Join(root, "fill")
		if err := os.WriteFile(fill, make([]byte, 16<<20), 0o600); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("the disk is not full: %v", err)
		}
		// A report that is to sound when there is room again, too large for what the files have free inside.
		more := slot(3, 20*time.Minute, 20*time.Second, 20*chunk)
		w.mu.Lock()
		w.cands = append(w.cands, more)
		w.plan = w.hub.head(nil, w.cands...)
		w.mu.Unlock()
		at(4 * time.Minute)
		if s := k.cache.Status(); s.State != "full" || s.Detail == "" {
			t.Errorf("status %+v", s)
		}
		at(15 * time.Minute)
		if n := w.card.count(); n != 3 {
			t.Errorf("%d slots sounded", n)
		}
		if err := os.Remove(fill); err != nil {
			t.Error(err)
		}
		<-ended
		w.judge()
		for _, c := range w.cands {
			h := w.stretches(slotOf(t, c))
			if len(h) != 1 || !h[0].at.Equal(*c.At) || h[0].length != time.Duration(c.Items[0].DurationMS)*time.Millisecond {
				t.Errorf("%s: heard %+v", c.Broadcast, h)
			}
		}
		for _, p := range w.atHub {
			if p.Outcome != broadcast.Played || p.ReachedMS != p.PlannedEnd.Sub(p.PlannedStart).Milliseconds() {
				t.Errorf("record %+v", p)
			}
		}
	})
}
