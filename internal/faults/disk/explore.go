package disk

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const broken = "broken: "

// Survey holds the states of a recording against what the process was promised. A database (a name that ends in .db)
// must hold, to the byte, what it held when the last step was done, or after a transaction since. Everything else is up
// to Whole.
type Survey struct {
	Files  map[string][]byte // what was there before, for certain
	Events []Event
	Dir    string // an empty folder for the states
	Random *rand.Rand
	States int // how many to make
	// Sane looks at the bytes of a database, without bbolt: a state that should not be may well hold a ring of pages.
	Sane func(file io.ReaderAt, length int64) error
	// Whole opens the folder in earnest; done is how many steps the process had ended, and the next one may have begun.
	// It is called for every state in which names are uncertain, for one in eight in which a file that is no database is
	// another, and for one in Sample of the others.
	Whole  func(dir string, done int) error
	Sample int

	folder  *Folder
	scratch string
	disk    *Disk
	done    int
	allowed map[string][]string // by database: what it may hold
	seen    map[uint64]bool
	seed    maphash.Seed
	Report  Report
}

// Report is what a survey did.
type Report struct {
	Steps, Events, Moments, States, Distinct, Whole int
}

func (r Report) String() string {
	return fmt.Sprintf("%d steps in %d events, %d moments at which something is uncertain, %d states (%d distinct), %d of them opened in earnest",
		r.Steps, r.Events, r.Moments, r.States, r.Distinct, r.Whole)
}

// Run makes the states; its error says what was not there, and in which state.
func (s *Survey) Run() error {
	moments, weights := 0, 0
	s.disk = newDisk(s.Files)
	for _, e := range s.Events {
		s.disk.Apply(e)
		if w := weight(s.disk); w > 0 {
			moments, weights = moments+1, weights+w
		}
	}
	if moments == 0 {
		return errors.New("nothing was written")
	}
	for _, name := range []string{"states", "scratch"} {
		if err := os.MkdirAll(filepath.Join(s.Dir, name), 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
	}
	s.folder, s.scratch = NewFolder(filepath.Join(s.Dir, "states")), filepath.Join(s.Dir, "scratch")
	s.disk, s.seed, s.seen, s.allowed = newDisk(s.Files), maphash.MakeSeed(), map[uint64]bool{}, map[string][]string{}
	s.Report = Report{Events: len(s.Events), Moments: moments}
	for i, e := range s.Events {
		s.disk.Apply(e)
		if err := s.view(e); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
		w := weight(s.disk)
		if w == 0 {
			continue
		}
		// What is left is shared out anew at each moment, so that all of it is made in the end.
		for range (s.States - s.Report.States) * w / weights {
			if err := s.state(uint64(i)); err != nil {
				return fmt.Errorf("after event %d of %d, step %d being done: %w", i, len(s.Events), s.done, err)
			}
		}
		weights -= w
	}
	return nil
}

// weight is a moment's share of the states: there are more of them where more is uncertain.
func weight(d *Disk) int { return min(d.Uncertain(), 64) }

// view learns what the databases hold for the process that wrote them.
func (s *Survey) view(e Event) error {
	if e.Op == Mark {
		s.done++
		s.Report.Steps = s.done
		s.allowed = map[string][]string{}
	}
	if _, err := s.folder.Put(s.disk.View()); err != nil {
		return err
	}
	for name, b := range s.disk.View().Files {
		if !strings.HasSuffix(name, ".db") {
			continue
		}
		holds := s.contents(s.folder.Path(name), b)
		if s.done > 0 && strings.HasPrefix(holds, broken) {
			return fmt.Errorf("%s: %s", name, holds)
		}
		if !slices.Contains(s.allowed[name], holds) {
			s.allowed[name] = append(s.allowed[name], holds)
		}
	}
	return nil
}

// state makes one state and looks at it.
func (s *Survey) state(moment uint64) error {
	st, fresh := s.cut(moment)
	if s.Report.States++; fresh {
		s.Report.Distinct++
	}
	changed, err := s.folder.Put(st)
	if err != nil {
		return err
	}
	earnest := !s.disk.NamesCertain() || s.Report.States%s.Sample == 0
	for _, name := range changed {
		if !strings.HasSuffix(name, ".db") {
			earnest = earnest || s.Report.States%8 == 0
			continue
		}
		if holds := s.contents(s.folder.Path(name), st.Files[name]); !slices.Contains(s.allowed[name], holds) && s.done > 0 {
			return fmt.Errorf("%s holds what it never held: %s", name, holds)
		}
	}
	if !earnest {
		return nil
	}
	s.Report.Whole++
	if err := os.RemoveAll(s.scratch); err != nil {
		return fmt.Errorf("make state: %w", err)
	}
	if err := os.Mkdir(s.scratch, 0o700); err != nil {
		return fmt.Errorf("make state: %w", err)
	}
	for name, b := range st.Files {
		if err := os.WriteFile(filepath.Join(s.scratch, name), b, 0o600); err != nil {
			return fmt.Errorf("make state: %w", err)
		}
	}
	return s.Whole(s.scratch, s.done)
}

// cut gives a state, a new one if some tries find any: after a small write there are few.
func (s *Survey) cut(moment uint64) (st State, fresh bool) {
	for range 4 {
		st = s.disk.Cut(s.Random)
		if id := st.ID ^ moment<<48; !s.seen[id] {
			s.seen[id] = true
			return st, true
		}
	}
	return st, false
}

// contents is a hash of all that a database holds, or what is wrong with it.
func (s *Survey) contents(path string, b []byte) (holds string) {
	if err := s.Sane(bytes.NewReader(b), int64(len(b))); err != nil {
		return broken + err.Error()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			holds = fmt.Sprint(broken, r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return broken + err.Error()
	}
	defer db.Close()
	var h maphash.Hash
	h.SetSeed(s.seed)
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			_, _ = h.Write(name)
			return b.ForEach(func(k, v []byte) error {
				_, _ = fmt.Fprintf(&h, "%d %d ", len(k), len(v))
				_, _ = h.Write(k)
				_, _ = h.Write(v)
				return nil
			})
		})
	})
	if err != nil {
		return broken + err.Error()
	}
	return fmt.Sprintf("%x", h.Sum64())
}
