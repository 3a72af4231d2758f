package fleet

import (
	"context"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

func TestPresence(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := w.add(t, "xa-01", "Loa", 1)
	w.Online(id, 1, &wire.Hello{Software: "1.0", OS: "linux"}, "10.0.0.1")
	w.Online(id, 2, &wire.Hello{Software: "1.1", OS: "linux"}, "10.0.0.1")
	w.Offline(id, 1) // of the connection that was replaced
	if !w.IsOnline(id) {
		t.Error("the end of a replaced connection took the agent offline")
	}
	w.Online(id, 1, &wire.Hello{Software: "1.0", OS: "linux"}, "10.0.0.1") // its begin, told late
	w.Offline(id, 1)
	if !w.IsOnline(id) {
		t.Error("the late begin of a replaced connection took the agent offline")
	}
	w.pass(time.Minute)
	w.Offline(id, 2)
	a, err := w.Agent(ctx, id)
	if err != nil || a.Online || !a.LastSeen.Equal(w.now) || a.Software != "1.1" {
		t.Errorf("agent is %+v, %v", a, err)
	}
	if got := w.events.take(); got != "xa-01 online true, xa-01 online true, xa-01 offline false" {
		t.Errorf("published %q", got)
	}
	w.Online("nobody", 3, &wire.Hello{}, "")
	if w.IsOnline("nobody") || w.events.take() != "" {
		t.Error("somebody unknown is online")
	}
}

// A head that cannot be read has no version: what the agent acknowledged before stays known.
func TestRefusalKeepsTheVersion(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := w.add(t, "xa-01", "Loa", 1)
	check := func(when string) {
		t.Helper()
		a, err := w.Agent(ctx, id)
		if err != nil || a.PlanVersion != 7 || a.PlanState != wire.PlanRefused || a.PlanCode != "FROM_FUTURE" {
			t.Errorf("%s: agent is %+v, %v", when, a, err)
		}
	}
	restart := func() {
		running, cancel := context.WithCancel(ctx)
		cancel()
		if err := w.Run(running); err != nil {
			t.Fatal(err)
		}
		w.open(t)
	}
	w.PlanState(id, wire.PlanState{Version: 7, State: wire.PlanActive})
	w.PlanState(id, wire.PlanState{State: wire.PlanRefused, Code: "FROM_FUTURE"})
	check("at once")
	restart()
	check("after a restart")
	w.PlanState(id, wire.PlanState{State: wire.PlanRefused, Code: "FROM_FUTURE"})
	check("refused again")
	restart()
	check("after another restart")
}

func TestWhatWasHeardOutlivesARestart(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	id := w.add(t, "xa-01", "Loa", 1)
	w.Online(id, 1, &wire.Hello{Software: "1.0", OS: "linux"}, "")
	w.Status(id, broadcast.Status{Software: "1.0", Card: broadcast.CardStatus{State: "ok"}})
	w.PlanState(id, wire.PlanState{Version: 7, State: wire.PlanRefused, Code: "PLAN_EXPIRED"})
	w.Holdings(id, wire.Holdings{Full: true, Items: []wire.Holding{
		{SHA256: hash('a'), Have: 10, Size: 10, Whole: true}, {SHA256: hash('b'), Have: 5, Size: 10},
	}})
	running, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Run(running); err != nil { // the last batch is written on the way out
		t.Fatal(err)
	}
	w.open(t)
	a, err := w.Agent(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if a.Online || !a.LastSeen.Equal(w.now) || a.Status == nil || a.Status.Card.State != "ok" || !a.StatusAt.Equal(w.now) ||
		a.PlanVersion != 7 || a.PlanState != wire.PlanRefused || a.PlanCode != "PLAN_EXPIRED" || a.Software != "1.0" || a.OS != "linux" {
		t.Errorf("agent is %+v", a)
	}
	if r := w.Ready(id, []broadcast.Hash{hash('a')}); r != (Ready{Verified, 100}) {
		t.Errorf("what it held whole: %+v", r)
	}
	if r := w.Ready(id, []broadcast.Hash{hash('b')}); r.State != Queued {
		t.Errorf("what it held in part, known again when it says so: %+v", r)
	}
}
