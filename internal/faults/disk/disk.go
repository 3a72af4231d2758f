package disk

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

const sector = 512

// Op is what an event did.
type Op int

// Ops. Mark is a line the process wrote to its standard output: it says that something is done.
const (
	Create Op = iota
	Write
	Truncate
	Sync
	SyncNames
	Rename
	Remove
	Mark
)

// Event is one call that changed the folder, or promised something of it. Names are relative to the folder.
type Event struct {
	Op   Op
	Name string
	To   string // new name
	Off  int64  // of a write; the new length of a truncation
	Data []byte
}

// Disk is a folder in the course of a recording. It knows what is kept for certain, and what came since.
type Disk struct {
	names   map[string]*inode // as the process sees them
	kept    map[string]*inode // as they were at the folder's last sync
	renamed []nameChange      // since then, in order
}

// inode is a file, whatever its name.
type inode struct {
	now     []byte // as the process sees it
	durable []byte // at its last sync
	pending []Event
}

// nameChange gives or takes a name: a rename is both.
type nameChange struct {
	gone, name string
	file       *inode
}

func newDisk(files map[string][]byte) *Disk {
	d := &Disk{names: map[string]*inode{}}
	for name, b := range files {
		d.names[name] = &inode{now: bytes.Clone(b), durable: b}
	}
	d.kept = maps.Clone(d.names)
	return d
}

// Apply takes the next event of a recording.
func (d *Disk) Apply(e Event) {
	f := d.names[e.Name]
	switch e.Op {
	case Create:
		if f == nil {
			d.rename(nameChange{name: e.Name, file: &inode{}})
		}
	case Rename:
		d.rename(nameChange{gone: e.Name, name: e.To, file: f})
	case Remove:
		d.rename(nameChange{gone: e.Name})
	case SyncNames:
		d.kept, d.renamed = maps.Clone(d.names), nil
	case Sync:
		f.durable, f.pending = bytes.Clone(f.now), nil
	case Write, Truncate:
		f.pending = append(f.pending, e)
		f.now = resize(f.now, lengthAfter(int64(len(f.now)), e))
		copy(f.now[min(e.Off, int64(len(f.now))):], e.Data)
	case Mark:
	}
}

func (d *Disk) rename(c nameChange) {
	d.renamed = append(d.renamed, c)
	c.apply(d.names)
}

func (c nameChange) apply(names map[string]*inode) {
	delete(names, c.gone)
	if c.file != nil {
		names[c.name] = c.file
	}
}

func lengthAfter(length int64, e Event) int64 {
	if e.Op == Truncate {
		return e.Off
	}
	return max(length, e.Off+int64(len(e.Data)))
}

func resize(b []byte, length int64) []byte {
	if n := length - int64(len(b)); n > 0 {
		return append(b, make([]byte, n)...)
	}
	return b[:length]
}

// Uncertain is how many sectors and names a power cut now may leave in more than one way.
func (d *Disk) Uncertain() int {
	n := len(d.renamed)
	for _, f := range d.names {
		for _, e := range f.pending {
			n += 1 + len(e.Data)/sector
		}
	}
	return n
}

// NamesCertain tells that of the names alone.
func (d *Disk) NamesCertain() bool { return len(d.renamed) == 0 }

// State is what is in a folder: its files by name, and what tells this state from others of the same moment.
type State struct {
	Files map[string][]byte
	ID    uint64
}

// View is the folder as the process sees it.
func (d *Disk) View() State {
	s := State{Files: map[string][]byte{}}
	for name, f := range d.names {
		s.Files[name] = f.now
	}
	return s
}

// Cut is one of the states in which a power cut now may leave the folder. What it gives may change with the next event.
func (d *Disk) Cut(rnd *rand.Rand) State {
	names, some := maps.Clone(d.kept), rnd.IntN(len(d.renamed)+1)
	for _, c := range d.renamed[:some] {
		c.apply(names)
	}
	s := State{Files: map[string][]byte{}, ID: uint64(some)}
	for _, name := range slices.Sorted(maps.Keys(names)) { // in order, so that a seed repeats it
		f := names[name]
		if s.Files[name] = f.durable; len(f.pending) > 0 {
			s.Files[name] = f.cut(rnd, &s.ID)
		}
	}
	return s
}

// cut gives the file with some sectors of what is pending.
func (f *inode) cut(rnd *rand.Rand, id *uint64) []byte {
	c := chance{rnd: rnd, lose: []float64{0, 0.02, 0.5, 0.98, 1}[rnd.IntN(5)], tear: []float64{0, 0.02, 0.5}[rnd.IntN(3)]}
	length, chosen := int64(len(f.durable)), rnd.IntN(2*len(f.pending)+1) // half the time the last one
	kept := length
	b := bytes.Clone(f.durable)
	for i, e := range f.pending {
		if length = lengthAfter(length, e); i < chosen {
			kept = length
		}
		for at := e.Off; at < e.Off+int64(len(e.Data)); {
			end := min((at/sector+1)*sector, e.Off+int64(len(e.Data)))
			part := e.Data[at-e.Off : end-e.Off]
			if b = resize(b, max(int64(len(b)), end)); !bytes.Equal(b[at:end], part) {
				from, to := c.part(len(part))
				copy(b[at+int64(from):], part[from:to])
				*id = (*id ^ uint64(from) ^ uint64(to)<<16 ^ uint64(at)<<32) * 0x9E3779B97F4A7C15
				*id ^= *id >> 29
			}
			at = end
		}
	}
	return resize(b, kept)
}

// chance is how a state treats sectors.
type chance struct {
	rnd        *rand.Rand
	lose, tear float64 // a share of them
}

// part is what of a sector of n bytes is there.
func (c chance) part(n int) (from, to int) {
	switch {
	case c.rnd.Float64() < c.lose:
		return 0, 0
	case c.rnd.Float64() >= c.tear:
		return 0, n
	case c.rnd.IntN(2) == 0:
		return c.rnd.IntN(n), n
	}
	return 0, c.rnd.IntN(n)
}

// Folder is a real folder that is brought to one state after the other.
type Folder struct {
	path string
	have map[string][]byte
}

// NewFolder takes an empty folder.
func NewFolder(path string) *Folder { return &Folder{path: path, have: map[string][]byte{}} }

// Path of a file in it.
func (f *Folder) Path(name string) string { return filepath.Join(f.path, name) }

// Put makes the folder be in a state, and gives the names of the files that it changed.
func (f *Folder) Put(s State) (changed []string, err error) {
	for name := range f.have {
		if _, there := s.Files[name]; !there {
			delete(f.have, name)
			changed = append(changed, name)
			if err := os.Remove(f.Path(name)); err != nil {
				return nil, fmt.Errorf("put state: %w", err)
			}
		}
	}
	for name, b := range s.Files {
		had, there := f.have[name]
		from, to := differ(had, b)
		if there && from == to && len(had) == len(b) {
			continue
		}
		changed = append(changed, name)
		if err := f.write(name, b, from, to); err != nil {
			return nil, fmt.Errorf("put state: %w", err)
		}
		f.have[name] = append(had[:0], b...)
	}
	return changed, nil
}

func (f *Folder) write(name string, b []byte, from, to int) error {
	file, err := os.OpenFile(f.Path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if len(f.have[name]) != len(b) {
		if err := file.Truncate(int64(len(b))); err != nil {
			return err
		}
	}
	_, err = file.WriteAt(b[from:to], int64(from))
	return err
}

// differ gives the range in which b differs from a, in blocks.
func differ(a, b []byte) (from, to int) {
	const block = 4096
	from = -1
	for at := 0; at < len(b); at += block {
		end := min(at+block, len(b))
		if at < len(a) && bytes.Equal(a[at:min(end, len(a))], b[at:end]) {
			continue
		}
		if to = end; from < 0 {
			from = at
		}
	}
	return max(from, 0), to
}
