package disk

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

const childArg = "write-files"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == childArg {
		if err := writeFiles(os.Args[2]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeFiles is the recorded process: in the ways that Go's standard library writes.
func writeFiles(dir string) error {
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path+".new", fill('a', 5000), 0o600); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, _ = f.WriteAt([]byte("at"), 4096)
	_, _ = f.Write([]byte("first "))
	_, _ = f.Write([]byte("second"))
	if err := f.Truncate(6000); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "gone"), nil, 0o600); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	fmt.Println("done")
	return d.Sync()
}

// What is played back is what the process left.
func TestARecording(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	events, err := Record(dir, []string{self, childArg, dir}, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	d, marks := newDisk(nil), 0
	for _, e := range events {
		d.Apply(e)
		if e.Op == Mark && string(e.Data) == "done" {
			marks++
		}
	}
	if got := d.View().Files; !equal(got, read(t, dir)) || marks != 1 {
		t.Errorf("%d files, %d marks", len(got), marks)
	}
	if len(d.kept) != 1 || len(d.names["file"].pending) != 0 || d.Uncertain() != 0 {
		t.Errorf("%d kept, %d uncertain", len(d.kept), d.Uncertain())
	}
}

func TestAProgramThatFails(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Record(t.TempDir(), []string{self, childArg, "/nowhere"}, os.Environ()); err == nil {
		t.Error("its end is not told")
	}
}

func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func equal(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }
