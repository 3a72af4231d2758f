package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/faults"
	"github.com/loa-vn/loa/internal/faults/disk"
)

// The power goes at every moment of a compaction, and the disk keeps any of what was not synced: there is the old file
// or the new one, whole, and every byte of audio is right.
func TestFaultDiskStatesOfACompaction(t *testing.T) {
	rnd := faults.Random(t)
	h := newHub(t)
	kept, gone, more := h.report(2*chunk+9), h.report(5*chunk), h.report(chunk+1)
	what := compacted{Blobs: h.blobs, Plans: [][]byte{h.head(nil, kept, gone), h.head(nil, kept, more)}, Drop: gone.Audio}
	raw, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path, data := filepath.Join(dir, "what.json"), filepath.Join(dir, "data")
	if err := errors.Join(os.WriteFile(path, raw, 0o600), os.Mkdir(data, 0o700), Pin(data, h.trust.Envelope())); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	events, err := disk.Record(data, []string{self, compactArg, path, data}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	s := &disk.Survey{Files: map[string][]byte{trustFile: h.trust.Envelope()}, Events: events, Dir: faults.Dir(t), Random: rnd,
		States: faults.Count(1000, 100_000), Sample: 100, Sane: CheckPages}
	s.Whole = func(dir string, done int) error {
		r := &rig{t: t, dir: dir, limit: 1 << 30}
		r.free.Store(1 << 40)
		c, err := Open(r.options())
		if err != nil {
			return err
		}
		r.cache = c
		for it, from := range map[*broadcast.Item]int{&kept: 1, &gone: len(events), &more: 4} { // the step from which it must be there
			if err := r.read(h, *it); err != nil && done >= from { // wrong bytes fail the test
				return errors.Join(err, c.Close())
			}
		}
		if _, err := os.Stat(c.compactPath()); !errors.Is(err, os.ErrNotExist) {
			return errors.Join(fmt.Errorf("a half copy stays: %w", err), c.Close())
		}
		return c.Close()
	}
	err = s.Run()
	t.Log(s.Report)
	if err != nil {
		t.Fatal(err)
	}
	if s.Report.Steps != 5 {
		t.Errorf("%d steps were recorded", s.Report.Steps)
	}
}
