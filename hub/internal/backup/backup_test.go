package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub is what a hub keeps: a database with one table, two blobs, a key and a trust document.
type hub struct {
	Source
	blobs string // folder
}

func newHub(t testing.TB) hub {
	t.Helper()
	data := t.TempDir()
	db, err := store.Open(t.Context(), "", data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // of a folder that goes away
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE heard (what TEXT)"); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(data, "blobs")
	blobs, err := store.NewFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"phóng sự", strings.Repeat("dài ", 300)} {
		if _, _, err := blobs.Put(t.Context(), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(data, "trust"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"planner-key": "secret", "trust/00000001.json": "{}", "other": "not asked for"} {
		if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return hub{Source{DB: db, Blobs: blobs, Dir: data, Files: []string{"planner-key", "trust/00000001.json"}, Software: "1.2.3",
		Now: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)}, folder}
}

func (h hub) write(t testing.TB) ([]byte, Summary) {
	t.Helper()
	var out bytes.Buffer
	sum, err := Write(t.Context(), &out, h.Source)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), sum
}

// newTarget is a place with nothing in it.
func newTarget(t testing.TB, dir string) Target {
	t.Helper()
	blobs, err := store.NewFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return Target{Database: filepath.Join(dir, "hub.db"), Dir: filepath.Join(dir, "stage"), Blobs: blobs}
}

// files gives what lies below a folder, by path, as SHA-256.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		all[strings.TrimPrefix(path, dir+"/")] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEverythingComesBack(t *testing.T) {
	h := newHub(t)
	if _, err := h.DB.ExecContext(t.Context(), "INSERT INTO heard VALUES ('Tìm hiểu pháp luật')"); err != nil {
		t.Fatal(err)
	}
	stream, wrote := h.write(t)
	dir := t.TempDir()
	read, err := Read(t.Context(), bytes.NewReader(stream), newTarget(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if wrote.Files != 2 || wrote.Blobs != 2 || len(wrote.Damaged) != 0 || read.Files != 2 || read.Blobs != 2 || !read.MadeAt.Equal(h.Now) || read.Software != "1.2.3" {
		t.Errorf("wrote %+v, read %+v", wrote, read)
	}
	got, kept := files(t, dir), files(t, h.blobs)
	for name, sum := range kept {
		if got["blobs/"+name] != sum {
			t.Errorf("blob %s came back as %q", name, got["blobs/"+name])
		}
	}
	if len(got) != len(kept)+3 || got["stage/planner-key"] != files(t, h.Dir)["planner-key"] || got["stage/trust/00000001.json"] == "" {
		t.Errorf("came back: %v", got)
	}
	db, err := store.Open(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var what string
	if err := db.NewRaw("SELECT what FROM heard").Scan(t.Context(), &what); err != nil || what != "Tìm hiểu pháp luật" {
		t.Errorf("the database says %q, %v", what, err)
	}
	if left, _ := filepath.Glob(filepath.Join(h.Dir, "backup-*")); len(left) > 0 {
		t.Errorf("left in the data folder: %v", left)
	}
}

// A database that is written to all the time is copied as it is at one moment: two rows of one transaction are both in
// it or neither.
func TestTheDatabaseIsOfOneMoment(t *testing.T) {
	h := newHub(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			if n == 10 {
				close(began)
			}
			if _, err := h.DB.ExecContext(ctx, "INSERT INTO heard VALUES ('một'), ('hai')"); err != nil {
				if ctx.Err() != nil {
					err = nil
				}
				done <- err
				return
			}
		}
	}()
	<-began
	for range 5 {
		stream, _ := h.write(t)
		dir := t.TempDir()
		if _, err := Read(t.Context(), bytes.NewReader(stream), newTarget(t, dir)); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), "", dir)
		if err != nil {
			t.Fatal(err)
		}
		var one, two int
		err = db.NewRaw("SELECT count(*) FILTER (WHERE what = 'một'), count(*) FILTER (WHERE what = 'hai') FROM heard").Scan(t.Context(), &one, &two)
		if err := errors.Join(err, db.Close()); err != nil || one != two || one < 10 {
			t.Errorf("%d and %d rows, %v", one, two, err)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// What is cut off, or has one byte changed, is refused as damaged: never half taken as whole, never a panic.
func TestDamagedStreamsAreRefused(t *testing.T) {
	stream, _ := newHub(t).write(t)
	whole := len(bytes.TrimRight(stream, "\x00")) // a tar ends with zeros
	step := max(1, whole/150)
	cases := map[string][]byte{"nothing": nil, "no tar": []byte("Tìm hiểu pháp luật")}
	for at := 0; at < whole; at += step {
		if at < whole-512 { // without a whole end
			cases["cut off"] = stream[:at]
		}
		changed := slices.Clone(stream)
		changed[at] ^= 0x20
		cases["changed"] = changed
		for name, bad := range cases {
			sum, err := Read(t.Context(), bytes.NewReader(bad), newTarget(t, t.TempDir()))
			switch {
			case err == nil && name == "changed" && matters(stream, changed):
				t.Errorf("changed at %d of %d: taken, %+v", at, whole, sum)
			case err == nil && name != "changed":
				t.Errorf("%s at %d of %d: taken", name, at, whole)
			case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer):
				t.Errorf("%s at %d of %d: %v", name, at, whole, err)
			}
		}
		delete(cases, "nothing")
		delete(cases, "no tar")
	}
}

// matters says whether a change is in what is restored; a tar's padding and a few of its header's bytes are not.
func matters(stream, changed []byte) bool {
	was, now := contents(stream), contents(changed)
	return now == nil || !slices.Equal(was, now)
}

func TestABlobThatWasDamagedBeforeIsLeftOut(t *testing.T) {
	h := newHub(t)
	var bad broadcast.Hash
	err := h.Blobs.Walk(t.Context(), func(b store.BlobInfo) error { bad = b.Hash; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.blobs, string(bad[:2]), string(bad)), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	stream, wrote := h.write(t)
	dir := t.TempDir()
	read, err := Read(t.Context(), bytes.NewReader(stream), newTarget(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	want := []broadcast.Hash{bad}
	if !slices.Equal(wrote.Damaged, want) || !slices.Equal(read.Damaged, want) || read.Blobs != 1 {
		t.Errorf("wrote %+v, read %+v", wrote, read)
	}
	if n := len(files(t, filepath.Join(dir, "blobs"))); n != 1 {
		t.Errorf("%d blobs came back, want the one that was whole", n)
	}
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	for _, name := range []string{"data/../planner-key", "data//etc/passwd", "../hub.db", "blobs/../../x", "hub.db/x", "data/.", "x"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Read(t.Context(), bytes.NewReader(tarOf(t, name)), newTarget(t, filepath.Join(dir, "a", "b")))
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%v", err)
			}
			for file := range files(t, dir) {
				if !strings.HasPrefix(file, "a/b/") {
					t.Errorf("made %s", file)
				}
			}
		})
	}
}

// FuzzRead: whatever comes, a refusal and no panic, and nothing outside of the target.
func FuzzRead(f *testing.F) {
	stream, _ := newHub(f).write(f)
	f.Add(stream)
	f.Add(tarOf(f, "data/../planner-key"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		dir := t.TempDir()
		_, err := Read(t.Context(), io.LimitReader(bytes.NewReader(stream), 1<<20), newTarget(t, filepath.Join(dir, "in")))
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
			t.Error(err)
		}
		for file := range files(t, dir) {
			if !strings.HasPrefix(file, "in/") {
				t.Errorf("made %s", file)
			}
		}
	})
}
