package link

import (
	"fmt"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
)

// planner seals real plans, as the hub's planner would.
type planner struct {
	key   seal.Key
	trust *seal.Trust
}

func newPlanner(t *testing.T) *planner {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	role := seal.RoleKeys{Keys: []string{key.ID()}, Threshold: 1}
	trust, err := seal.NewTrust(seal.TrustDoc{Version: 1, IssuedAt: time.Now().Add(-time.Hour), Expires: time.Now().Add(24 * time.Hour),
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role}, Keys: map[string]seal.PublicKey{key.ID(): key.Public()}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return &planner{key, trust}
}

// planned is a plan head with every blob that it leads to.
type planned struct {
	envelope []byte
	audios   map[broadcast.Hash][]byte
}

// plan seals a head in which each audio is due an hour after the one before, and gives its parts to the hub.
func (p *planner) plan(h *hub, agent string, version uint64, audios ...[]byte) (planned, error) {
	zone := time.FixedZone("", 0)
	out := planned{audios: map[broadcast.Hash][]byte{}}
	days := map[broadcast.Date]broadcast.Day{}
	for i, audio := range audios {
		m := broadcast.Manifest{Audio: h.addBlob(audio), Size: int64(len(audio)), DurationMS: 60_000, ChunkSize: broadcast.ChunkSize}
		for rest := audio; len(rest) > 0; rest = rest[min(len(rest), broadcast.ChunkSize):] {
			m.Chunks = append(m.Chunks, hashOf(rest[:min(len(rest), broadcast.ChunkSize)]))
		}
		out.audios[m.Audio] = audio
		raw, err := seal.Marshal(m)
		if err != nil {
			return out, err
		}
		at := time.Now().Add(time.Duration(i+1) * time.Hour).UTC().Truncate(time.Second)
		day := days[broadcast.DateOf(at, zone)]
		day.Date = broadcast.DateOf(at, zone)
		day.Candidates = append(day.Candidates, broadcast.Candidate{Broadcast: fmt.Sprintf("b%d", i), Version: 1, Title: "t", Class: broadcast.Normal,
			Owner: broadcast.OwnerHub, ApprovedAt: time.Now().Add(-time.Hour), At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin},
			Items: []broadcast.Item{{Report: "r", Title: "title", Audio: m.Audio, Manifest: h.addBlob(raw), DurationMS: 60_000}}})
		days[day.Date] = day
	}
	head := broadcast.Head{Audience: agent, Version: version, IssuedAt: time.Now().Add(-time.Minute), Expires: time.Now().Add(35 * 24 * time.Hour),
		Zone: "UTC", Rules: broadcast.Inherit()}
	for date, day := range days {
		raw, err := seal.Marshal(day)
		if err != nil {
			return out, err
		}
		head.Days = append(head.Days, broadcast.DayRef{Date: date, Hash: h.addBlob(raw), Size: int64(len(raw))})
	}
	raw, err := seal.Marshal(head)
	if err != nil {
		return out, err
	}
	out.envelope, err = seal.Seal(seal.TypePlanHead, raw, p.key)
	return out, err
}
