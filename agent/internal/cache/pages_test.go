package cache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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
