package seal

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"
)

// MaxJump is how far a version or sequence may lie above its floor: a hub that was taken for a moment cannot
// use up all versions, after which every honest document would be too low.
const MaxJump = 1_000_000

// FutureSlack is how far a document's issue may lie after a trusted now: two clocks, and one of them a PC's.
const FutureSlack = time.Hour

// Floor is the newest accepted document of a kind: nothing older is accepted again, and nothing else of the
// same version. The zero value is the floor of an agent that has none yet.
type Floor struct {
	Version uint64 `json:"version"`
	SHA256  string `json:"sha256"` // of the payload, lower-case hex; "" for the zero value
}

func floorOf(version uint64, payload []byte) Floor {
	sum := sha256.Sum256(payload)
	return Floor{Version: version, SHA256: hex.EncodeToString(sum[:])}
}

// Check gives the floor after a document of this version and payload. The same version with the same payload
// is no refusal and changes nothing.
func (f Floor) Check(version uint64, payload []byte) (Floor, error) {
	next := floorOf(version, payload)
	switch {
	case version == 0:
		return f, refuse(Malformed, "version 0")
	case version < f.Version:
		return f, refuse(VersionLower, "version %d after %d", version, f.Version)
	case version == f.Version && next != f:
		return f, refuse(VersionReused, "version %d with other bytes", version)
	case version-f.Version > MaxJump:
		return f, refuse(VersionJump, "version %d after %d", version, f.Version)
	}
	return next, nil
}

// higher gives the floor with the higher version.
func (f Floor) higher(o Floor) Floor {
	if o.Version > f.Version {
		return o
	}
	return f
}

// Floors are all floors of one agent. Values are not changed: Merge and NextOrder give new ones.
type Floors struct {
	Head   Floor             `json:"head"`
	Trust  Floor             `json:"trust"`
	Orders map[string]uint64 `json:"orders"` // by key id: sequence of the last order accepted
}

// Merge gives the higher of each floor.
func (f Floors) Merge(o Floors) Floors {
	m := Floors{Head: f.Head.higher(o.Head), Trust: f.Trust.higher(o.Trust), Orders: map[string]uint64{}}
	maps.Copy(m.Orders, f.Orders)
	for id, sequence := range o.Orders {
		m.Orders[id] = max(m.Orders[id], sequence)
	}
	return m
}

// Equal tells whether all floors are the same.
func (f Floors) Equal(o Floors) bool {
	return f.Head == o.Head && f.Trust == o.Trust && maps.Equal(f.Orders, o.Orders)
}

// NextOrder gives the floors after the key's order of this sequence.
func (f Floors) NextOrder(keyID string, sequence uint64) (Floors, error) {
	last := f.Orders[keyID]
	switch {
	case sequence <= last:
		return f, refuse(OrderReplayed, "order %d after %d of key %s", sequence, last, keyID)
	case sequence-last > MaxJump:
		return f, refuse(VersionJump, "order %d after %d of key %s", sequence, last, keyID)
	}
	return f.Merge(Floors{Orders: map[string]uint64{keyID: sequence}}), nil
}

func fromFuture(issued, now time.Time) bool {
	return !now.IsZero() && issued.After(now.Add(FutureSlack))
}
