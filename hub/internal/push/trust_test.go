package push

import (
	"bytes"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

// An agent that did not take a trust document refuses the heads of its keys: both come again. What it is known to have does not.
func TestTrustThatWasNotTakenIsOfferedAgain(t *testing.T) {
	w := newWorld(t)
	w.trust = [][]byte{[]byte("trust 1"), []byte("trust 2")}
	w.head = Head{Version: 7, SHA256: foreign, Envelope: []byte("head 7")}
	p := w.greet(t)
	brought := func(head string, trust ...string) {
		t.Helper()
		if len(trust) > 0 {
			m := next[*wire.Trust](p)
			if got, want := string(bytes.Join(m.Envelopes, []byte(", "))), trust[0]; got != want {
				t.Fatalf("with %s: %q, want %q", head, got, want)
			}
		}
		if m := next[*wire.Plan](p); string(m.Envelope) != head {
			t.Fatalf("plan is %q", m.Envelope)
		}
	}
	refuse := func() { p.send(&wire.PlanState{State: wire.PlanRefused, Code: "SEAL_KEY_ROLE"}) }
	brought("head 7", "trust 1, trust 2")
	refuse() // its disk was full, or its clock wrong
	brought("head 7", "trust 1, trust 2")
	p.send(&wire.PlanState{Version: 7, State: wire.PlanFetching})
	w.await(t, "the plan's state", func() bool { return w.heard[len(w.heard)-1] == "plan 7 fetching" })

	w.mu.Lock()
	w.head = Head{Version: 8, SHA256: foreign, Envelope: []byte("head 8")}
	w.trust = append(w.trust, []byte("trust 3"))
	w.mu.Unlock()
	w.hub.Resync()
	brought("head 8", "trust 3")
	p.send(&wire.PlanState{Version: 7, State: wire.PlanActive}) // said before it read either
	refuse()
	brought("head 8", "trust 3")
	p.send(&wire.PlanState{Version: 8, State: wire.PlanActive})
	w.await(t, "the plan's state", func() bool { return w.heard[len(w.heard)-1] == "plan 8 active" })
	refuse() // for a reason of its own
	brought("head 8")
	p.quiet()
}

// Where a rotation changes no head an agent refuses the trust document alone: it has the head.
func TestTrustIsOfferedUntilItIsTaken(t *testing.T) {
	w := newWorld(t)
	w.trust = [][]byte{[]byte("trust 1")}
	w.head = Head{Version: 7, SHA256: foreign, Envelope: []byte("head 7")}
	began, p := time.Now(), w.greet(t)
	for range 4 {
		if m := next[*wire.Trust](p); string(m.Envelopes[0]) != "trust 1" {
			t.Fatalf("trust is %q", m.Envelopes)
		}
		next[*wire.Plan](p)
		p.send(&wire.PlanState{State: wire.PlanRefused, Code: "TRUST_NOT_KEPT"})
		p.send(&wire.PlanState{Version: 7, State: wire.PlanActive})
	}
	next[*wire.Trust](p)
	if took, least := time.Since(began), 15*w.hub.o.RetryEvery; took < least { // 1, 2, 4 and 8 times
		t.Errorf("five times in %v, not ever more rarely", took)
	}
	next[*wire.Plan](p)
	p.send(&wire.PlanState{Version: 7, State: wire.PlanActive})
	w.hub.Resync()
	p.quiet()
}
