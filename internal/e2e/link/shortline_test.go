package link

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/agenttest"
	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
)

// TestAShortLineIsForWhatSoundsSoonest joins agents to a hub whose line is too short for what they want: one that needs its
// audio within the hour has it before those that need theirs tomorrow, which a bulletin does not wait for either.
func TestAShortLineIsForWhatSoundsSoonest(t *testing.T) {
	if testing.Short() {
		t.Skip("a short line takes its time")
	}
	const limit, many, size = 1 << 20, 12, 512 << 10
	var urgent atomic.Value
	urgent.Store(broadcast.Hash(""))
	h := newHubWith(t, func(o *hubtest.PushOptions) {
		o.Limit = limit
		o.Urgent = func(_ context.Context, sha256 broadcast.Hash) bool { return sha256 == urgent.Load() }
	})
	song, flood := random(1, size), random(2, 4<<20)
	join := func(name string, audio []byte, due time.Time) *agent {
		a := newAgent(name)
		a.wants = []agenttest.Want{{SHA256: h.addBlob(audio), Size: int64(len(audio)), Due: due}}
		a.start(t, h, h.url)
		return a
	}
	whole := func(a *agent) { a.await(t, a.id+" has it whole", func() bool { return a.whole[a.wants[0].SHA256] }) }
	began := time.Now()
	crowd := make([]*agent, many)
	for i := range crowd {
		crowd[i] = join(fmt.Sprint("crowd ", i), song, began.Add(20*time.Hour))
	}
	waits := join("waits", flood, began.Add(22*time.Hour))
	h.await(t, "all are online", "waits", func(s *said) bool { return s.online > 0 })
	soon := join("soon", random(3, size/4), began.Add(time.Hour))
	urgent.Store(hashOf(flood))
	waits.edit("wants", func() { waits.wants[0].Due = began }) // the audio is a bulletin's now
	whole(waits)
	t.Logf("the bulletin came within %v", time.Since(began))
	if soon.holds(soon.wants[0].SHA256) {
		t.Error("a bulletin waited for its turn")
	}
	whole(soon)
	for _, a := range crowd {
		if a.holds(hashOf(song)) {
			t.Errorf("%s had its audio before", a.id)
		}
	}
	for _, a := range crowd {
		whole(a)
	}
	took := time.Since(began)
	if least := many * size * time.Second / limit; took < least-time.Second/8 {
		t.Errorf("all came in %v, which the limit makes %v", took, least)
	}
	t.Logf("the bulletin's %d bytes came first, the %d of the others within %v", len(flood), many*size+size/4, took)
}
