package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/loa-vn/loa/internal/broadcast"
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
func database(t *testing.T, path string) []byte {
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

// damages are so many in this run; the long suite asks for more.
const damages = 100

// Whatever happens to the files while the agent is off: it starts, gives right bytes or none, and has all of
// them again in the end. A death of this process is a failure too.
func TestDamagedAtRandom(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	h := newHub(t)
	r := newRig(t, h)
	items := []broadcast.Item{h.report(3 * chunk), h.report(chunk / 2), h.report(5*chunk + 7)}
	head := h.head(nil, items...)
	r.offer(head)
	r.fetch(h, 100)
	r.close()
	r.checker = childOf(t)
	names := []string{"audio.db", "state.db"}
	whole := map[string][]byte{}
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = raw
	}
	for i := range damages {
		name := names[rnd.IntN(len(names))]
		raw, what := damage(rnd, whole[name])
		for _, n := range names {
			b := whole[n]
			if n == name {
				b = raw
			}
			if err := os.WriteFile(filepath.Join(r.dir, n), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Open(r.options())
		if err != nil {
			t.Fatalf("%d: %s, %s: %v", i, name, what, err)
		}
		r.cache = c
		c.audio.NoSync, c.state.NoSync = true, true
		for _, it := range items {
			_ = r.read(h, it) // fails the test on wrong bytes
		}
		r.offer(head)
		r.fetch(h, 100)
		for _, it := range items {
			if err := r.read(h, it); err != nil {
				t.Errorf("%d: %s, %s: after fetching again: %v", i, name, what, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Errorf("%d: %s, %s: %v", i, name, what, err)
		}
		r.cache = nil
	}
	if aside, _ := filepath.Glob(filepath.Join(r.dir, "*.damaged-*")); len(aside) == 0 || len(aside) > len(names)*keptAside {
		t.Errorf("set aside: %s", strings.Join(aside, " "))
	}
}

// damage gives bytes that differ a little, and says how.
func damage(rnd *rand.Rand, b []byte) ([]byte, string) {
	b = bytes.Clone(b)
	at := rnd.IntN(len(b))
	if rnd.IntN(2) == 0 { // the pages that hold the others together
		at = rnd.IntN(min(len(b), 10*4096))
	}
	switch rnd.IntN(4) {
	case 0:
		return b[:at], fmt.Sprintf("cut to %d", at)
	case 1:
		n := min(len(b)-at, 1+rnd.IntN(8192))
		clear(b[at : at+n])
		return b, fmt.Sprintf("%d zeroes at %d", n, at)
	default:
		bit := rnd.IntN(8)
		b[at] ^= 1 << bit
		return b, fmt.Sprintf("bit %d of byte %d", bit, at)
	}
}
