package seal

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// No sequence of documents, honest or not, lowers a floor, or has one version with two contents.
func TestFloorsNeverFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var floor Floor
		contents := map[uint64]string{}
		var versions = rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64Range(MaxJump-5, MaxJump+25), rapid.Uint64())
		for range rapid.IntRange(1, 60).Draw(t, "documents") {
			version := versions.Draw(t, "version")
			payload := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "payload")
			next, err := floor.Check(version, []byte(payload))
			if err != nil {
				if next != floor || CodeOf(err) == "" {
					t.Fatalf("refused (%v), and yet %+v became %+v", err, floor, next)
				}
				continue
			}
			if next.Version < floor.Version || next.Version != version || version-floor.Version > MaxJump {
				t.Fatalf("%+v became %+v", floor, next)
			}
			if before, ok := contents[version]; ok && before != payload {
				t.Fatalf("version %d with two contents", version)
			}
			contents[version], floor = payload, next
		}
	})
}

func TestOrderFloorsNeverFall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var floors Floors
		accepted := map[string]map[uint64]bool{"a": {}, "b": {}}
		for range rapid.IntRange(1, 60).Draw(t, "orders") {
			key := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key")
			sequence := rapid.OneOf(rapid.Uint64Range(0, 20), rapid.Uint64()).Draw(t, "sequence")
			before := maps.Clone(floors.Orders)
			next, err := floors.NextOrder(key, sequence)
			if !maps.Equal(before, floors.Orders) {
				t.Fatal("the floors given were changed")
			}
			if err != nil {
				continue
			}
			if accepted[key][sequence] {
				t.Fatalf("order %d of %s twice", sequence, key)
			}
			accepted[key][sequence] = true
			for k, s := range before {
				if next.Orders[k] < s {
					t.Fatalf("%s fell from %d to %d", k, s, next.Orders[k])
				}
			}
			floors = next
		}
	})
}

func TestMergeTakesTheHigherOfEach(t *testing.T) {
	a := Floors{Head: Floor{5, "five"}, Trust: Floor{1, "one"}, Orders: map[string]uint64{"x": 3, "y": 1}}
	b := Floors{Head: Floor{4, "four"}, Trust: Floor{2, "two"}, Orders: map[string]uint64{"y": 9}}
	want := Floors{Head: Floor{5, "five"}, Trust: Floor{2, "two"}, Orders: map[string]uint64{"x": 3, "y": 9}}
	if got := a.Merge(b); !got.Equal(want) {
		t.Errorf("%+v", got)
	}
	if got := b.Merge(a); !got.Equal(want) {
		t.Errorf("%+v the other way round", got)
	}
}

// memFile is a disk that stops in the middle of a write.
type memFile struct {
	data   []byte
	room   int // bytes it still takes
	failed bool
}

var errPower = errors.New("power is gone")

func (m *memFile) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(m.data)) {
		return 0, nil
	}
	return copy(p, m.data[at:]), nil
}

func (m *memFile) WriteAt(p []byte, at int64) (int, error) {
	if m.failed {
		return 0, errPower
	}
	n := min(len(p), m.room)
	m.room -= n
	if end := int(at) + n; end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	copy(m.data[at:], p[:n])
	if n < len(p) {
		m.failed = true
		return n, errPower
	}
	return n, nil
}

func (m *memFile) Sync() error {
	if m.failed {
		return errPower
	}
	return nil
}

func (*memFile) Close() error { return nil }

func floorsAt(version uint64) Floors {
	return Floors{Head: Floor{version, "sha"}, Trust: Floor{version, "sha"}, Orders: map[string]uint64{"key": version}}
}

// Power goes after every possible byte of a Raise, of the first one too; what is read afterwards is the old or
// the new value, and the new one once Raise has got as far as its second slot. The Raise after that works.
func TestFloorFileSurvivesEveryTornWrite(t *testing.T) {
	for generation := range uint64(4) {
		for cut := range 2*slotSize + 1 {
			if cut%slotSize > 400 && cut%slotSize < slotSize-2 {
				continue // zeros on zeros
			}
			disk := &memFile{room: 1 << 30}
			f, err := newFloorFile(disk)
			if err != nil {
				t.Fatal(err)
			}
			for g := range generation {
				if err := f.Raise(floorsAt(g + 1)); err != nil {
					t.Fatal(err)
				}
			}
			disk.room = cut
			raised := f.Raise(floorsAt(generation+1)) == nil
			after := reopen(t, disk)
			got := after.Floors().Head.Version
			if got != generation && got != generation+1 || (raised || cut >= slotSize) && got != generation+1 {
				t.Fatalf("generation %d cut at %d, raised %t: read %d", generation, cut, raised, got)
			}
			if err := after.Raise(floorsAt(generation + 2)); err != nil || reopen(t, disk).Floors().Head.Version != generation+2 {
				t.Fatalf("generation %d cut at %d: the next Raise: %v", generation, cut, err)
			}
		}
	}
}

func reopen(t *testing.T, disk *memFile) *FloorFile {
	t.Helper()
	disk.room, disk.failed = 1<<30, false
	f, err := newFloorFile(disk)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Power goes twice in a row: what the first time left is not lost by the second.
func TestFloorFileSurvivesTwoTornWrites(t *testing.T) {
	cuts := []int{0, 1, 20, 100, slotSize - 1, slotSize, slotSize + 20, 2*slotSize - 1}
	for generation := range uint64(3) {
		for _, first := range cuts {
			for _, second := range cuts {
				disk := &memFile{}
				f := reopen(t, disk)
				for g := range generation {
					if err := f.Raise(floorsAt(g + 1)); err != nil {
						t.Fatal(err)
					}
				}
				disk.room = first
				_ = f.Raise(floorsAt(generation + 1)) // says so when it is torn; the other test holds that
				f = reopen(t, disk)
				left := f.Floors().Head.Version
				disk.room = second
				_ = f.Raise(floorsAt(generation + 2))
				if got := reopen(t, disk).Floors().Head.Version; got != left && got != generation+2 {
					t.Fatalf("generation %d cut at %d and %d: %d, then %d", generation, first, second, left, got)
				}
			}
		}
	}
}

// Each byte of either slot may rot later: nothing is lowered. When both rot, that is said.
func TestFloorFileSurvivesARottenSlot(t *testing.T) {
	disk := &memFile{room: 1 << 30}
	if err := reopen(t, disk).Raise(floorsAt(1)); err != nil {
		t.Fatal(err)
	}
	if err := reopen(t, disk).Raise(floorsAt(2)); err != nil {
		t.Fatal(err)
	}
	for at := range disk.data {
		if at%slotSize > 300 {
			continue
		}
		disk.data[at] ^= 0x40
		if got := reopen(t, disk).Floors(); !got.Equal(floorsAt(2)) {
			t.Fatalf("byte %d rotten: %+v", at, got)
		}
		disk.data[at] ^= 0x40
	}
	disk.data[30] ^= 1
	disk.data[slotSize+30] ^= 1
	if _, err := newFloorFile(disk); !errors.Is(err, FloorFileDamaged) {
		t.Errorf("both rotten: %v", err)
	}
}

func TestFloorFileOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "floors")
	for version := uint64(0); version < 5; version++ {
		f, err := OpenFloorFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Floors().Head.Version; got != version {
			t.Errorf("read %d after %d", got, version)
		}
		if err := f.Raise(floorsAt(version + 1)); err != nil {
			t.Fatal(err)
		}
		if err := f.Raise(floorsAt(version)); err != nil || f.Floors().Head.Version != version+1 {
			t.Errorf("a lower Raise: %v, %+v", err, f.Floors())
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 2*slotSize {
		t.Errorf("size %v, %v", info, err)
	}
}

func TestFloorFileRefusesMoreThanFits(t *testing.T) {
	many := map[string]uint64{}
	for i := range 300 {
		many[testKey(t, time.Duration(i).String()).ID()] = 1
	}
	disk := &memFile{room: 1 << 30}
	f := reopen(t, disk)
	if err := f.Raise(Floors{Orders: many}); !errors.Is(err, TooLarge) || len(f.Floors().Orders) != 0 {
		t.Error(err)
	}
}
