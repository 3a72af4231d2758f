package fleet

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
)

// After a restart memory admits whom SQL does, and nobody else.
func TestKeysOfBefore(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.alone = true
	active, blocked, revoked := w.add(t, "xa-01", "one", 1), w.add(t, "xa-01", "two", 2), w.add(t, "xa-01", "three", 3)
	w.add(t, "xa-01", "one", 4)
	must(t, w.Block(ctx, blocked))
	must(t, w.Revoke(ctx, revoked))
	w.open(t)
	for n, want := range map[byte]string{1: "AGENT_REVOKED", 2: "AGENT_BLOCKED", 3: "AGENT_REVOKED", 4: "<nil>", 5: "AGENT_UNKNOWN"} {
		id, name, area, err := w.ByKey(ctx, public(n))
		if code(err) != want || err == nil && (id != active || name != "one" || area != "xa-01") {
			t.Errorf("key %d is %s %s %s, %v", n, id, name, area, err)
		}
		if _, _, _, known := w.admitted(public(n)); known != (err == nil) {
			t.Errorf("memory admits key %d: %v", n, known)
		}
	}
}

// Where it is not known how a change ended, SQL is asked.
func TestAKeyIsNotKnownAfterAChangeThatFailed(t *testing.T) {
	w := newWorld(t)
	w.alone = true
	w.open(t)
	id := w.add(t, "xa-01", "one", 1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Block(gone, id); err == nil {
		t.Fatal("blocked without a database")
	}
	if _, _, _, known := w.admitted(public(1)); known {
		t.Error("memory still admits it")
	}
	if _, _, _, err := w.ByKey(t.Context(), public(1)); err != nil {
		t.Errorf("SQL refuses it: %v", err)
	}
}

// However changes meet, memory admits nobody whom SQL does not.
func TestKeysWhileManyChangeThem(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.alone = true
	w.open(t)
	w.o.Disconnect = nil // the world's is for one goroutine
	id := w.add(t, "xa-01", "one", 1)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range uint64(20) {
		var all sync.WaitGroup
		for n := range uint64(4) {
			all.Go(func() {
				change := []func(context.Context, string) error{w.Block, w.Unblock}[rand.New(rand.NewPCG(seed, round*4+n)).IntN(2)]
				if err := change(ctx, id); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		a, err := w.Agent(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, known := w.admitted(public(1)); known != (a.State == Active) {
			t.Fatalf("round %d: memory admits it: %v, it is %s", round, known, a.State)
		}
	}
}
