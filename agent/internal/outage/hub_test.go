package outage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

const chunk = broadcast.ChunkSize

// hub makes what a hub would send. Its reports have the same bytes in every process.
type hub struct {
	t       testing.TB
	key     seal.Key
	trust   *seal.Trust
	blobs   map[broadcast.Hash][]byte
	version uint64
	issued  time.Time
}

func newHub(t testing.TB, issued time.Time) *hub {
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, key: key, blobs: map[broadcast.Hash][]byte{}, issued: issued}
	role := seal.RoleKeys{Keys: []string{key.ID()}, Threshold: 1}
	h.trust, err = seal.NewTrust(seal.TrustDoc{Version: 1, IssuedAt: issued, Expires: issued.Add(365 * 24 * time.Hour),
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role}, Keys: map[string]seal.PublicKey{key.ID(): key.Public()}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func hashOf(b []byte) broadcast.Hash {
	sum := sha256.Sum256(b)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

func (h *hub) blob(b []byte) broadcast.Hash {
	hash := hashOf(b)
	h.blobs[hash] = b
	return hash
}

func (h *hub) marshal(v any) []byte {
	h.t.Helper()
	b, err := seal.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// report makes audio of a size and its manifest.
func (h *hub) report(name string, size int, length time.Duration) broadcast.Item {
	audio := make([]byte, 0, size+sha256.Size)
	for i := uint64(0); len(audio) < size; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(name), i))
		audio = append(audio, sum[:]...)
	}
	audio = audio[:size]
	m := broadcast.Manifest{Audio: h.blob(audio), Size: int64(size), DurationMS: length.Milliseconds(), GainDB: 1.5, ChunkSize: chunk}
	for at := 0; at < size; at += chunk {
		m.Chunks = append(m.Chunks, hashOf(audio[at:min(size, at+chunk)]))
	}
	return broadcast.Item{Report: name, Title: name, Audio: m.Audio, Manifest: h.blob(h.marshal(m)), DurationMS: m.DurationMS}
}

func exact(id string, at time.Time, late broadcast.Lateness, it broadcast.Item) broadcast.Candidate {
	return broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: broadcast.Normal, Owner: broadcast.OwnerHub,
		ApprovedAt: at.Add(-time.Hour), At: &at, Lateness: late, Items: []broadcast.Item{it}}
}

// head seals the next version of the plan.
func (h *hub) head(withdrawn []broadcast.Withdrawal, cands ...broadcast.Candidate) []byte {
	h.t.Helper()
	z, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		h.t.Fatal(err)
	}
	days := map[broadcast.Date]*broadcast.Day{}
	for _, c := range cands {
		date := broadcast.DateOf(*c.At, z)
		if days[date] == nil {
			days[date] = &broadcast.Day{Date: date}
		}
		days[date].Candidates = append(days[date].Candidates, c)
	}
	h.version++
	doc := broadcast.Head{Audience: "agent", Version: h.version, IssuedAt: h.issued, Expires: h.issued.Add(35 * 24 * time.Hour), Zone: z.String(),
		Rules: broadcast.Inherit(broadcast.Policy{Windows: []broadcast.Window{{Start: 0, End: broadcast.EndOfDay}}}), Withdrawals: withdrawn}
	for date, day := range days {
		raw := h.marshal(day)
		doc.Days = append(doc.Days, broadcast.DayRef{Date: date, Hash: h.blob(raw), Size: int64(len(raw))})
	}
	envelope, err := seal.Seal(seal.TypePlanHead, h.marshal(doc), h.key)
	if err != nil {
		h.t.Fatal(err)
	}
	return envelope
}

// slotOf is the one slot of an exact candidate.
func slotOf(t testing.TB, c broadcast.Candidate) string {
	t.Helper()
	z, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s#0", c.Key(broadcast.DateOf(*c.At, z), z))
}
