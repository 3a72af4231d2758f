package fleet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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

// The page of all clusters is as true at a hub where a cluster is not connected.
func TestAnotherHubsBoardFollows(t *testing.T) {
	w := newWorld(t)
	w.o.Tell = w.events.Publish
	old := w.add(t, "xa-01", "Cụm 1", 1)
	p := w.peer(t)
	of := []string{"xa-01"}
	var r reader
	r.read(p.Fleet, of)
	w.add(t, "xa-01", "Cụm 2", 2)
	agent := w.add(t, "xa-01", "Cụm 3", 3)
	w.events.Publish(bus.Event{Topic: bus.Agent, Area: "xa-01", Agent: agent, ID: agent, Data: Event{"paired", false}}) // add took it
	for _, step := range []struct {
		name string
		do   func()
		want func(a Agent, there bool) bool
	}{
		{"paired", func() {}, func(a Agent, _ bool) bool { return a.Name == "Cụm 3" && !a.CreatedAt.IsZero() && !a.Online }},
		{"online", func() { w.Online(agent, 1, &wire.Hello{Key: public(3), Software: "1.0"}, "") }, func(a Agent, _ bool) bool { return a.Online && a.Software == "1.0" }},
		{"a status", func() { w.Status(agent, broadcast.Status{Outbox: 3}) }, func(a Agent, _ bool) bool { return a.Status != nil && a.Status.Outbox == 3 }},
		{"the same status later", func() {
			w.pass(flushEvery)
			w.Status(agent, broadcast.Status{Outbox: 3})
			must(t, w.flush(t.Context()))
		}, func(a Agent, _ bool) bool { return a.StatusAt.Equal(w.clock()) && a.LastSeen.Equal(w.clock()) }},
		{"renamed", func() { must(t, w.Rename(t.Context(), agent, "Cụm ba")) }, func(a Agent, _ bool) bool { return a.Name == "Cụm ba" }},
		{"moved", func() { must(t, w.Move(t.Context(), agent, "xa-02")) }, func(_ Agent, there bool) bool { return !there }},
		{"moved back", func() { must(t, w.Move(t.Context(), agent, "xa-01")) }, func(a Agent, there bool) bool { return there && a.Online }},
		{"offline, and no word of it", func() {
			w.Offline(agent, 1)
			must(t, w.flush(t.Context()))
			w.events.take()
			must(t, p.Reload(t.Context()))
		}, func(a Agent, there bool) bool { return there && !a.Online }},
	} {
		step.do()
		w.hear(t, p)
		w.events.take()
		r.read(p.Fleet, of)
		if a, there := r.rows[agent]; !step.want(a, there) {
			t.Errorf("%s: the other hub shows %v, %+v", step.name, there, a)
		}
	}
	if len(r.rows) != 3 || !r.rows[old].LastSeen.IsZero() {
		t.Errorf("the other hub shows %v", r.rows)
	}
}

// A hub that asks who is connected hears it in few words, however many they are, and nobody is taken from it for that.
func TestARollOfThousands(t *testing.T) {
	w := newWorld(t)
	w.o.Tell = w.events.Publish
	mine := w.add(t, "xa-01", "Cụm 1", 1)
	p := w.peer(t)
	for n := range 10_000 {
		w.live[fmt.Sprint("agent-", n)] = &live{area: "xa-01", online: true, status: &broadcast.Status{Outbox: n}}
	}
	for n := range 50 { // as much as a message of theirs holds
		w.live[fmt.Sprint("agent-", n)].status.Software = strings.Repeat("x", 60_000)
	}
	p.Online(mine, 1, &wire.Hello{Key: public(1)}, "")
	w.events.take()
	w.Hear(t.Context(), bus.Event{Topic: bus.Roll, From: "a peer"})
	if told := len(w.events.list); told > bus.Depth/2 {
		t.Errorf("%d events", told)
	}
	for _, e := range w.events.list {
		if data, err := json.Marshal(e.State); err != nil || len(data) > 500_000 {
			t.Errorf("an event of %d bytes: %v", len(data), err)
		}
	}
	w.hear(t, p)
	for _, n := range []int{0, 4711, 9999} {
		if id := fmt.Sprint("agent-", n); !p.IsOnline(id) || p.live[id].status.Outbox != n {
			t.Errorf("%s is not known", id)
		}
	}
	if !p.IsOnline(mine) || len(p.cut) > 0 {
		t.Errorf("cut off: %v", p.cut)
	}
}
