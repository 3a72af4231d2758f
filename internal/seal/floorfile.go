package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/loa-vn/loa/internal/durable"
)

// The floor file is two slots of slotSize bytes, so that one is whole while the other is written:
//
//	offset 0   8 bytes   "LOAFLOR1"
//	       8   8 bytes   generation, big endian, higher is newer
//	      16   4 bytes   length of the payload, big endian
//	      20   n bytes   Floors as JSON
//	    20+n  32 bytes   SHA-256 of everything before
//
// and zeros to the end. A slot of zeros only was never written.
const (
	slotSize   = 16 << 10
	slotMagic  = "LOAFLOR1"
	slotHeader = 20
	maxFloors  = slotSize - slotHeader - sha256.Size
)

// slotFile is what a FloorFile needs of a file.
type slotFile interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Close() error
}

// FloorFile keeps floors beside the database: a damaged bbolt can fall back to its older meta page unnoticed.
// Each Raise writes both slots, one after the other, so that later damage to one slot lowers nothing.
type FloorFile struct {
	mu         sync.Mutex
	file       slotFile
	floors     Floors
	generation uint64
}

// OpenFloorFile opens or makes the file. FloorFileDamaged says that floors were written but none can be read:
// they may not be taken for zero; whoever repairs it takes the floors from the database or pairs anew.
func OpenFloorFile(path string) (*FloorFile, error) {
	_, statErr := os.Stat(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open floor file: %w", err)
	}
	if errors.Is(statErr, fs.ErrNotExist) {
		if err := durable.SyncDir(filepath.Dir(path)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	ff, err := newFloorFile(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open floor file %s: %w", path, err), f.Close())
	}
	return ff, nil
}

func newFloorFile(f slotFile) (*FloorFile, error) {
	ff := &FloorFile{file: f}
	damaged, whole := 0, 0
	for i := range int64(2) {
		slot := make([]byte, slotSize)
		n, err := f.ReadAt(slot, i*slotSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read slot: %w", err)
		}
		if bytes.Count(slot[:n], []byte{0}) == n {
			continue
		}
		floors, generation, err := decodeSlot(slot[:n])
		if err != nil {
			damaged++
			continue
		}
		whole++
		if generation > ff.generation {
			ff.floors, ff.generation = floors, generation
		}
	}
	// One damaged slot beside one that was never written is the torn first write: nothing was promised yet.
	if whole == 0 && damaged == 2 {
		return nil, refuse(FloorFileDamaged, "neither slot can be read")
	}
	return ff, nil
}

// Floors gives what is written.
func (f *FloorFile) Floors() Floors {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.floors.Merge(Floors{})
}

// Raise writes the higher of each floor, durably, before it returns; nothing it writes is ever lower.
func (f *FloorFile) Raise(floors Floors) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := f.floors.Merge(floors)
	if f.generation > 0 && next.Equal(f.floors) {
		return nil
	}
	slot, err := encodeSlot(next, f.generation+1)
	if err != nil {
		return err
	}
	// The older slot is the one of the other parity than the newest generation; writing it first keeps the
	// newest whole until the new one is on the disk.
	older := int64((f.generation + 1) % 2)
	if err := f.write(older, slot); err != nil {
		return err
	}
	f.floors, f.generation = next, f.generation+1
	return f.write(1-older, slot)
}

func (f *FloorFile) write(slot int64, b []byte) error {
	if _, err := f.file.WriteAt(b, slot*slotSize); err != nil {
		return fmt.Errorf("write floor file: %w", err)
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("write floor file: %w", err)
	}
	return nil
}

// Close closes the file; everything that was raised is on the disk already.
func (f *FloorFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}

func encodeSlot(floors Floors, generation uint64) ([]byte, error) {
	payload, err := Marshal(floors)
	if err != nil {
		return nil, err
	}
	if len(payload) > maxFloors {
		return nil, refuse(TooLarge, "floors of %d bytes, at most %d", len(payload), maxFloors)
	}
	slot := make([]byte, 0, slotSize)
	slot = append(slot, slotMagic...)
	slot = binary.BigEndian.AppendUint64(slot, generation)
	slot = binary.BigEndian.AppendUint32(slot, uint32(len(payload)))
	slot = append(slot, payload...)
	sum := sha256.Sum256(slot)
	return append(slot, sum[:]...)[:slotSize], nil
}

func decodeSlot(slot []byte) (Floors, uint64, error) {
	if len(slot) < slotHeader+sha256.Size || string(slot[:len(slotMagic)]) != slotMagic {
		return Floors{}, 0, errors.New("read slot: not one")
	}
	size := uint64(binary.BigEndian.Uint32(slot[16:slotHeader]))
	if size > maxFloors || slotHeader+size+sha256.Size > uint64(len(slot)) {
		return Floors{}, 0, errors.New("read slot: it is cut")
	}
	end := slotHeader + size
	if sum := sha256.Sum256(slot[:end]); !bytes.Equal(sum[:], slot[end:end+sha256.Size]) {
		return Floors{}, 0, errors.New("read slot: its checksum differs")
	}
	floors, err := Strict[Floors](slot[slotHeader:end], maxFloors)
	return floors, binary.BigEndian.Uint64(slot[8:16]), err
}
