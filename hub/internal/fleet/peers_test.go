package fleet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// peer is another hub of the same database.
type peer struct {
	*Fleet
	cut []string // agents that it was to cut off, and why
}

func (w *world) peer(t *testing.T) *peer {
	t.Helper()
	p := &peer{}
	var err error
	p.Fleet, err = Open(context.Background(), Options{DB: w.db, Events: &events{}, Now: w.clock, Tell: func(bus.Event) {},
		Disconnect: func(agent, code string) { p.cut = append(p.cut, agent+" "+code) }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// hear gives a peer what this hub published, as the bus does.
func (w *world) hear(t *testing.T, p *peer) {
	t.Helper()
	w.events.mu.Lock()
	defer w.events.mu.Unlock()
	for _, e := range w.events.list {
		data, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		state, err := json.Marshal(e.State)
		if err != nil {
			t.Fatal(err)
		}
		e.From, e.Data, e.State = "this hub", json.RawMessage(data), json.RawMessage(state)
		p.Hear(t.Context(), e)
	}
}

// Who is blocked, revoked or paired anew at one hub is cut off at the one that has the connection; by the event, and
// when that is lost by what SQL says.
func TestAnAgentIsCutOffAtAnotherHub(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, w *world, agent string)
		why    string // "" when it goes on
	}{
		"blocked": {func(t *testing.T, w *world, agent string) { must(t, w.Block(t.Context(), agent)) }, "AGENT_BLOCKED"},
		"revoked": {func(t *testing.T, w *world, agent string) { must(t, w.Revoke(t.Context(), agent)) }, "AGENT_REVOKED"},
		"paired anew": {func(t *testing.T, w *world, agent string) {
			if again := w.add(t, "xa-01", "Cụm 1", 2); again != agent {
				t.Fatalf("another agent: %s", again)
			}
			w.events.Publish(bus.Event{Topic: bus.Agent, Area: "xa-01", Agent: agent, ID: agent, Data: Event{"paired", false}}) // add took it
		}, "AGENT_REVOKED"},
		"renamed": {func(t *testing.T, w *world, agent string) { must(t, w.Rename(t.Context(), agent, "Cụm hai")) }, ""},
	} {
		for way, arrives := range map[string]func(*testing.T, *world, *peer){
			"by the event": func(t *testing.T, w *world, p *peer) { w.hear(t, p) },
			"by SQL":       func(t *testing.T, _ *world, p *peer) { must(t, p.Reload(t.Context())) },
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				w := newWorld(t)
				agent, other := w.add(t, "xa-01", "Cụm 1", 1), w.add(t, "xa-01", "Cụm 2", 9)
				p := w.peer(t)
				p.Online(agent, 1, &wire.Hello{Key: public(1)}, "")
				p.Online(other, 2, &wire.Hello{Key: public(9)}, "")
				w.events.take()
				tc.change(t, w, agent)
				arrives(t, w, p)
				var want []string
				if tc.why != "" {
					want = []string{agent + " " + tc.why}
				}
				if !slices.Equal(p.cut, want) {
					t.Errorf("cut off: %v, want %v", p.cut, want)
				}
			})
		}
	}
}

// An agent that was paired anew and is connected with its new key already stays.
func TestANewKeyIsNotCutOff(t *testing.T) {
	w := newWorld(t)
	agent := w.add(t, "xa-01", "Cụm 1", 1)
	p := w.peer(t)
	w.add(t, "xa-01", "Cụm 1", 2)
	w.events.Publish(bus.Event{Topic: bus.Agent, Area: "xa-01", Agent: agent, ID: agent, Data: Event{"paired", false}})
	p.Online(agent, 1, &wire.Hello{Key: public(2)}, "")
	w.hear(t, p)
	must(t, p.Reload(t.Context()))
	if len(p.cut) > 0 {
		t.Errorf("key %s cut off: %v", hex.EncodeToString(public(2)), p.cut)
	}
}

// While a hub cannot be heard, its agents are seen by what it writes of them.
func TestAgentsOfAHubThatCannotBeHeard(t *testing.T) {
	w := newWorld(t)
	there, gone, here := w.add(t, "xa-01", "Cụm 1", 1), w.add(t, "xa-01", "Cụm 2", 2), w.add(t, "xa-01", "Cụm 3", 3)
	w.Online(gone, 1, &wire.Hello{Key: public(2)}, "")
	must(t, w.flush(t.Context()))
	w.pass(2 * seenLately)
	w.Online(there, 2, &wire.Hello{Key: public(1)}, "")
	must(t, w.flush(t.Context()))
	p := w.peer(t)
	p.Online(here, 1, &wire.Hello{Key: public(3)}, "")
	for _, cut := range []bool{true, false, true} {
		p.o.Cut = func() bool { return cut }
		must(t, p.Reload(t.Context()))
		if p.IsOnline(there) != cut || p.IsOnline(gone) || !p.IsOnline(here) {
			t.Errorf("cut %v: there %v, gone %v, here %v", cut, p.IsOnline(there), p.IsOnline(gone), p.IsOnline(here))
		}
	}
	w.events.take()
	w.Status(there, broadcast.Status{Software: "test"})
	w.hear(t, p) // of a hub that is heard again
	p.o.Cut = nil
	must(t, p.Reload(t.Context()))
	w.Online(there, 3, &wire.Hello{Key: public(1)}, "")
	w.hear(t, p)
	if !p.IsOnline(there) {
		t.Error("heard again, and not online")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
