package orders

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// Bounds of what hubs tell each other of orders.
const (
	relayEvery = time.Second      // how often a hub tells how many of its agents answered, when more have
	retold     = 10 * time.Second // and when none has: word of it may have been lost
	relayed    = 1000             // commands for other hubs' agents that wait for their answer
)

// relay is the State of an event of topic relay: a sealed command for an agent that is connected to another hub, its answer,
// or how many of a hub's agents answered a bulletin's latest order. A hub that is asked passes on what is sealed, and gives
// the bus no say over agents.
type relay struct {
	Envelope []byte           `json:"envelope,omitempty"`
	Answer   *wire.OrderState `json:"answer,omitempty"`
	Count    *tally           `json:"count,omitempty"`
}

// tally is what became of a bulletin's latest order at one hub.
type tally struct {
	Kind    seal.OrderKind `json:"kind"`
	Taken   int            `json:"taken"`
	Refused int            `json:"refused"`
}

// hear takes what another hub told.
func (l *Lane) hear(e bus.Event) {
	state, ok := e.State.(json.RawMessage)
	var r relay
	if e.From == "" || !ok || json.Unmarshal(state, &r) != nil {
		return
	}
	switch {
	case r.Envelope != nil:
		l.pass(e.Agent, r.Envelope)
	case r.Answer != nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.answered(*r.Answer)
	case r.Count != nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(e.ID, e.From, *r.Count)
	}
}

// pass sends another hub's command to an agent that is connected here.
func (l *Lane) pass(agent string, envelope []byte) {
	if len(l.Agents.Here([]string{agent})) == 0 {
		return // who asks is told that there was no answer
	}
	l.mu.Lock()
	if len(l.passed) == relayed {
		l.passed = l.passed[1:]
	}
	l.passed = append(l.passed, digestOf(envelope))
	l.mu.Unlock()
	l.Agents.Order(envelope, []string{agent})
}

// answerBack tells the hub that asked; false when no other did. mu is held.
func (l *Lane) answerBack(agent string, s wire.OrderState) bool {
	i := slices.Index(l.passed, s.SHA256)
	if i < 0 {
		return false
	}
	l.passed = slices.Delete(l.passed, i, i+1)
	l.Tell(bus.Event{Topic: bus.Relay, Agent: agent, ID: string(s.SHA256), State: relay{Answer: &s}})
	return true
}

// counts are what other hubs told of a bulletin.
type counts struct {
	bulletin string
	hubs     map[string]tally
}

// count takes one; those of the latest bulletins are kept. mu is held.
func (l *Lane) count(bulletin, hub string, t tally) {
	i := slices.IndexFunc(l.others, func(c counts) bool { return c.bulletin == bulletin })
	if i < 0 {
		if len(l.others) == hurried {
			l.others = l.others[1:]
		}
		i = len(l.others)
		l.others = append(l.others, counts{bulletin, map[string]tally{}})
	}
	l.others[i].hubs[hub] = t
}

// tellCounts tells the other hubs how many answered; again those of which they were told, when again is set.
func (l *Lane) tellCounts(again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.sent {
		if n := len(h.answers); n > 0 && (n != h.told || again) {
			h.told = n
			t := h.tally()
			l.Tell(bus.Event{Topic: bus.Relay, ID: h.bulletin, State: relay{Count: &t}})
		}
	}
}

func (h *hurry) tally() tally {
	t := tally{Kind: h.kind}
	for _, took := range h.answers {
		if took {
			t.Taken++
		} else {
			t.Refused++
		}
	}
	return t
}

// Taken tells how many agents answered that they took the bulletin's latest order, and how many refused it.
func (l *Lane) Taken(bulletin string) (taken, refused int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []tally
	for _, h := range slices.Backward(l.sent) {
		if h.bulletin == bulletin {
			all = append(all, h.tally())
			break
		}
	}
	for _, c := range l.others {
		if c.bulletin == bulletin {
			for _, t := range c.hubs {
				all = append(all, t)
			}
		}
	}
	cancelled := slices.ContainsFunc(all, func(t tally) bool { return t.Kind == seal.OrderCancel })
	for _, t := range all {
		if (t.Kind == seal.OrderCancel) == cancelled {
			taken, refused = taken+t.Taken, refused+t.Refused
		}
	}
	return taken, refused
}

// ticks of telling: none where there is no other hub.
func (l *Lane) ticks() (changed, again <-chan time.Time, stop func()) {
	if l.Tell == nil {
		return nil, nil, func() {}
	}
	c, a := time.NewTicker(relayEvery), time.NewTicker(retold)
	return c.C, a.C, func() { c.Stop(); a.Stop() }
}
