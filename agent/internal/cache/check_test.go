package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func childOf(t testing.TB) Checker {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's second at the end of each child
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Checker{Command: []string{self, childArg}}
}

// database makes a bbolt file with pages of every kind and gives its bytes.
func database(t testing.TB, path string) []byte {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 { // the later ones leave free pages
		err = db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("b"))
			for i := range 300 {
				err = errors.Join(err, b.Put(fmt.Appendf(nil, "key %d", i), bytes.Repeat([]byte{byte(round)}, 1000+i)))
			}
			return errors.Join(err, b.Put([]byte("large"), make([]byte, 5*chunk)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// ring has every branch page name itself as all of its children: whoever follows it never arrives.
func ring(b []byte) []byte {
	const page, header, element, branch = 4096, 16, 16, 1
	for at := 2 * page; at < len(b); at += page {
		p := b[at:]
		if id := binary.LittleEndian.Uint64(p); id != uint64(at/page) || binary.LittleEndian.Uint16(p[8:]) != branch {
			continue
		}
		for i := range int(binary.LittleEndian.Uint16(p[10:])) {
			binary.LittleEndian.PutUint64(p[header+i*element+8:], uint64(at/page))
		}
	}
	return b
}

func TestTheChildTellsWhatIsDamaged(t *testing.T) {
	k := childOf(t)
	path := filepath.Join(t.TempDir(), "x.db")
	raw := database(t, path)
	for _, c := range []struct {
		name    string
		damage  func([]byte) []byte
		damaged bool
	}{
		{"nothing", func(b []byte) []byte { return b }, false},
		{"empty", func([]byte) []byte { return nil }, false},
		{"cut to a page", func(b []byte) []byte { return b[:4096] }, true},
		{"cut in half", func(b []byte) []byte { return b[:len(b)/2] }, true},
		{"zeroes in the middle", func(b []byte) []byte { clear(b[8192 : len(b)/2]); return b }, true},
		{"a page that leads to itself", ring, true},
		{"rubbish", func(b []byte) []byte { return bytes.Repeat([]byte{0x5a}, len(b)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(path, c.damage(bytes.Clone(raw)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := k.check(path); errors.Is(err, errDamaged) != c.damaged || !c.damaged && err != nil {
				t.Errorf("found %v", err)
			}
		})
	}
}

// What is not the file's fault costs nobody a download.
// A key whose length is damaged goes on in its value, may be in order, and belongs to nothing.
func TestAKeyOfAnotherLengthIsDamage(t *testing.T) {
	for bucket, size := range keySizes {
		for _, n := range []int{size, size - 1, size + 16} {
			path := filepath.Join(t.TempDir(), "x.db")
			db, err := bbolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucket([]byte(bucket))
				return errors.Join(err, b.Put(bytes.Repeat([]byte{7}, n), []byte("value")))
			})
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			want := checkDamaged
			if n == size {
				want = checkSound
			}
			if got := CheckChild(path, io.Discard); got != want {
				t.Errorf("%s with a key of %d bytes: %d, want %d", bucket, n, got, want)
			}
		}
	}
}

func TestWhatIsNotDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	database(t, path)
	t.Run("in use", func(t *testing.T) {
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := childOf(t).check(path); err == nil || errors.Is(err, errDamaged) {
			t.Errorf("found %v", err)
		}
	})
	t.Run("no such program", func(t *testing.T) {
		if err := (Checker{Command: []string{path + ".exe"}}).check(path); err == nil || errors.Is(err, errDamaged) {
			t.Errorf("found %v", err)
		}
	})
	t.Run("no such file", func(t *testing.T) {
		if err := childOf(t).check(path + "x"); err != nil {
			t.Errorf("found %v", err)
		}
	})
}
