package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// Whatever bbolt writes is right in the eyes of the check: many shapes of trees, with what deletions leave.
func TestPagesThatBboltWrote(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for round := range 80 {
		err := db.Update(func(tx *bbolt.Tx) error {
			for _, name := range []string{"a", "bucket", "c"} {
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				for range rnd.IntN(60) {
					key := fmt.Appendf(nil, "%0*d", 1+rnd.IntN(40), rnd.IntN(300))
					if rnd.IntN(3) == 0 {
						err = b.Delete(key)
					} else {
						err = b.Put(key, make([]byte, rnd.IntN(1+rnd.IntN(20_000))))
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := inspectPages(path); err != nil {
			t.Fatalf("after %d transactions: %v", round+1, err)
		}
	}
}

// A first key without length is in order and inside of its page, and bbolt reads it; to write beside it, it refuses. A
// branch's key that is not its page's first, but between the two, leads to all of them; bbolt, when it writes, puts the page
// beside itself.
func TestPagesWithADamagedKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("bucket"))
		for i := 0; i < 100 && err == nil; i++ {
			err = b.Put(fmt.Appendf(nil, "key %d", i), make([]byte, 300))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, used := written(t, db)
	kinds := map[uint16]int{}
	for _, id := range used {
		raw := bytes.Clone(whole)
		page := raw[id*4096:]
		kind, size := u16(page[8:]), pageHeader+4 // of a branch's first key
		if kind == flagLeaf {
			size += 4 // its flags are before
		}
		kinds[kind]++
		if kind == flagBranch {
			testBranchKeys(t, raw, id)
		}
		binary.LittleEndian.PutUint32(page[size:], 0)
		if err := CheckPages(bytes.NewReader(raw), int64(len(raw))); err == nil {
			t.Errorf("page %d, kind %d: nothing found", id, kind)
		}
	}
	if kinds[flagBranch] == 0 || kinds[flagLeaf] < 2 {
		t.Errorf("pages by kind: %v", kinds)
	}
}

// written closes a database and gives its bytes and which of its pages have keys.
func written(t *testing.T, db *bbolt.DB) (whole []byte, used []int) {
	t.Helper()
	look := db.View(func(tx *bbolt.Tx) error {
		for id := 0; ; id++ {
			info, err := tx.Page(id)
			if info == nil {
				return err
			}
			if info.Type == "leaf" || info.Type == "branch" {
				used = append(used, id)
			}
		}
	})
	path := db.Path()
	if err := errors.Join(look, db.Close()); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return whole, used
}

// testBranchKeys turns each bit of the keys of a page.
func testBranchKeys(t *testing.T, raw []byte, id int) {
	t.Helper()
	page := raw[id*4096:]
	for i := range int(u16(page[10:])) {
		element := page[pageHeader+i*pageElement:]
		key := element[u32(element):][:u32(element[4:])]
		for bit := range 8 * len(key) {
			key[bit/8] ^= 1 << (bit % 8)
			if err := CheckPages(bytes.NewReader(raw), int64(len(raw))); err == nil {
				t.Errorf("key %d of page %d made %q: nothing found", i, id, key)
			}
			key[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// A page whose table is damaged may hide what it has: of ten play records eight are left, and nobody misses the rest.
func TestPagesThatHideWhatTheyHave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for name, n := range map[string]int{"one": 1, "inline": 3, "ten": 10, "many": 200} {
			b, err := tx.CreateBucket([]byte(name))
			for i := 0; i < n && err == nil; i++ {
				err = b.Put(fmt.Appendf(nil, "key %d", i), bytes.Repeat([]byte{7}, 1200/min(n, 10)))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, used := written(t, db)
	if err := CheckPages(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Fatal(err)
	}
	missed, flipped := 0, 0
	for _, id := range used {
		page := whole[id*4096 : (id+1)*4096]
		end := pageHeader + int(u16(page[10:]))*pageElement
		for bit := 10 * 8; bit < end*8; bit++ {
			if bit/8 >= end-12 {
				break // the last may be longer or shorter: its mark tells
			}
			raw := bytes.Clone(whole)
			raw[id*4096+bit/8] ^= 1 << (bit % 8)
			flipped++
			if err := CheckPages(bytes.NewReader(raw), int64(len(raw))); err == nil {
				missed++
				if missed < 10 {
					t.Errorf("bit %d of byte %d of page %d: nothing found", bit%8, bit/8, id)
				}
			}
		}
	}
	for _, id := range used {
		whole[(id+1)*4096-1] ^= 1
	}
	if err := CheckPages(bytes.NewReader(whole), int64(len(whole))); err != nil {
		t.Errorf("damage in unused room: %v", err)
	}
	if flipped < 1000 || missed > 0 {
		t.Errorf("%d of %d damages were missed", missed, flipped)
	}
}

// FuzzPages: no file makes the check crash, hang or take the memory.
func FuzzPages(f *testing.F) {
	raw := database(f, filepath.Join(f.TempDir(), "x.db"))
	f.Add(uint32(8192+18), byte(16), uint32(len(raw)))
	f.Add(uint32(16), byte(1), uint32(5000))
	f.Fuzz(func(_ *testing.T, at uint32, flip byte, length uint32) {
		b := bytes.Clone(raw[:int(length)%(len(raw)+1)])
		if len(b) > 0 {
			b[int(at)%len(b)] ^= flip
		}
		_ = CheckPages(bytes.NewReader(b), int64(len(b)))
	})
}
