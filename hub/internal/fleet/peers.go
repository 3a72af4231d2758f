package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// known is the State of an agent's event: what another hub then knows of an agent that is connected here.
type known struct {
	LastSeen int64             `json:"last_seen"`
	Software string            `json:"software"`
	OS       string            `json:"os"`
	Plan     wire.PlanState    `json:"plan"`
	Status   *broadcast.Status `json:"status,omitempty"`
	StatusAt int64             `json:"status_at"`
	Holdings *wire.Holdings    `json:"holdings,omitempty"` // what was just told; the rest is in SQL
}

// present is the State of a roll: an agent that is connected at the hub that tells.
type present struct {
	Agent string `json:"agent"`
	Area  string `json:"area"`
	known
}

// toldAtOnce is how many bytes of them go into one event. Thousands of events are more than a hub hears without losing some, and
// NATS takes none of more than 1 MiB.
const toldAtOnce = 256 << 10

// confirmed asks the hub that has a pairing's connection to go on with it.
type confirmed struct {
	By string `json:"by"`
}

func (l *live) known() known {
	return known{LastSeen: store.Millis(l.lastSeen), Software: l.software, OS: l.os, Plan: l.plan, Status: l.status, StatusAt: store.Millis(l.statusAt)}
}

// EventOf reads the Data of an agent's event, of this hub or of another; false when it is none.
func EventOf(e bus.Event) (said Event, ok bool) {
	if said, ok = e.Data.(Event); ok {
		return said, true
	}
	data, err := json.Marshal(e.Data)
	return said, err == nil && json.Unmarshal(data, &said) == nil && said.What != ""
}

// Hear takes what another hub published: topics agent, pairing and roll.
func (f *Fleet) Hear(ctx context.Context, e bus.Event) {
	if e.From == "" {
		return
	}
	state, _ := e.State.(json.RawMessage)
	switch e.Topic {
	case bus.Roll:
		said, told := EventOf(e)
		if !told {
			f.announce()
			return
		}
		var all []present
		if json.Unmarshal(state, &all) == nil {
			for _, p := range all {
				f.take(bus.Event{Agent: p.Agent, Area: p.Area, From: e.From}, said, p.known)
			}
		}
	case bus.Pairing:
		var c confirmed
		if a := f.attempt(e.ID); a != nil && json.Unmarshal(state, &c) == nil && c.By != "" {
			a.confirm(c.By)
		}
	case bus.Agent:
		said, ok := EventOf(e)
		switch {
		case !ok:
		case said.What == "place" || said.What == "state" || said.What == "paired":
			if err := f.again(ctx, e.Agent, said.What); err != nil {
				f.o.Log.Error("agent of another hub not read", "agent", e.Agent, "err", err)
			}
		default:
			var k known
			if json.Unmarshal(state, &k) == nil {
				f.take(e, said, k)
			}
		}
	}
}

// take puts what another hub knows into memory. An agent that is connected there is not here any more.
func (f *Fleet) take(e bus.Event, said Event, k known) {
	f.mu.Lock()
	l := f.live[e.Agent]
	if l == nil {
		l = &live{area: e.Area}
		f.live[e.Agent] = l
	}
	moved := false
	switch {
	case said.What == "online":
		moved = l.online && l.hub == ""
		l.hub, l.online = e.From, true
	case l.hub != e.From: // it has gone elsewhere meanwhile
		f.mu.Unlock()
		return
	case said.What == "offline":
		l.online = false
	}
	l.lastSeen, l.software, l.os, l.plan, l.status, l.statusAt = store.Time(k.LastSeen), k.Software, k.OS, k.Plan, k.Status, store.Time(k.StatusAt)
	if k.Holdings != nil {
		l.hold(*k.Holdings)
	}
	f.touch(l)
	f.mu.Unlock()
	if moved && f.o.Disconnect != nil {
		f.o.Disconnect(e.Agent, "REPLACED")
	}
}

// again reads an agent that another hub paired, moved, blocked or revoked.
func (f *Fleet) again(ctx context.Context, id, what string) error {
	var row agentRow
	if err := f.o.DB.NewSelect().Model(&row).Column("id", "name", "area", "state", "public_key", "created_at").Where("id = ?", id).Scan(ctx); err != nil {
		return fmt.Errorf("read agent: %w", err)
	}
	f.mu.Lock()
	l := f.live[id]
	if l == nil {
		l = &live{}
		f.live[id] = l
	}
	f.put(l, &row)
	code := l.cutOff(row.State, row.PublicKey)
	if what == "paired" && !l.online { // a connection with the key of before may be about to be let in
		code = "AGENT_REVOKED"
	}
	f.mu.Unlock()
	if f.o.Disconnect != nil && code != "" {
		f.o.Disconnect(id, code)
	}
	return nil
}

// cutOff is why an agent that is connected here may not be, "" when it may: its state is another, or it was paired anew and
// has another key.
func (l *live) cutOff(state State, key string) string {
	switch {
	case state == Blocked:
		return "AGENT_BLOCKED"
	case state == Revoked, l.online && l.hub == "" && l.key != key:
		return "AGENT_REVOKED"
	}
	return ""
}

// announce tells the other hubs which agents are connected here.
func (f *Fleet) announce() {
	f.mu.Lock()
	all := connected(f.live)
	f.mu.Unlock()
	f.tellAll("online", all)
}

// connected gives those of the agents that are connected here.
func connected(agents map[string]*live) (all []present) {
	for id, l := range agents {
		if l.online && l.hub == "" {
			all = append(all, present{id, l.area, l.known()})
		}
	}
	return all
}

func (f *Fleet) tellAll(what string, all []present) {
	var some []json.RawMessage
	size := 0
	tell := func() {
		f.o.Tell(bus.Event{Topic: bus.Roll, Data: Event{what, true}, State: some})
		some, size = nil, 0
	}
	for _, p := range all {
		data, err := json.Marshal(p)
		if err != nil {
			f.o.Log.Error("agent not told to other hubs", "agent", p.Agent, "err", err)
			continue
		}
		if size > 0 && size+len(data) > toldAtOnce {
			tell()
		}
		some, size = append(some, data), size+len(data)
	}
	if size > 0 {
		tell()
	}
}

// seenLately is how old an agent's row may be while it is connected: it says something every 15 s, which is written within
// flushEvery.
const seenLately = time.Minute

// unheard is the hub of agents that a hub has which cannot be heard.
const unheard = "unheard"

// Reload forgets what it heard of other hubs' agents, reads what they wrote, and asks which are connected: after events
// were lost, or a hub came or died. It says which are connected here, too: another hub's question may be among what was lost.
// While a hub cannot be heard, SQL says whose row it has just written.
func (f *Fleet) Reload(ctx context.Context) error {
	fresh := &Fleet{o: f.o, live: map[string]*live{}, run: uuid.NewString()} // pages that follow read the whole
	if err := fresh.load(ctx); err != nil {
		return err
	}
	if f.o.Cut != nil && f.o.Cut() {
		for _, l := range fresh.live {
			if f.o.Now().Sub(l.lastSeen) < seenLately {
				l.online, l.hub = true, unheard
			}
		}
	}
	cut := map[string]string{}
	f.mu.Lock()
	for id, was := range f.live {
		is := fresh.live[id]
		if is == nil || was.hub != "" || !was.online && !was.dirty && !was.wholeDirty {
			continue
		}
		if code := was.cutOff(is.state, is.key); code != "" && was.online {
			cut[id] = code
		}
		was.area, was.name, was.state = is.area, is.name, is.state
		fresh.live[id] = was
	}
	f.live, f.run = fresh.live, fresh.run
	f.mu.Unlock()
	for id, code := range cut {
		if f.o.Disconnect != nil {
			f.o.Disconnect(id, code)
		}
	}
	f.o.Tell(bus.Event{Topic: bus.Roll})
	f.announce()
	return nil
}

// How long a confirmation at another hub may take, and how often it is looked for in SQL.
const (
	elsewhereTime = 30 * time.Second
	elsewhereLook = 100 * time.Millisecond
)

// confirmElsewhere has the hub that holds the agent's connection confirm a pairing.
func (f *Fleet) confirmElsewhere(ctx context.Context, id, by string) (Pairing, error) {
	f.o.Tell(bus.Event{Topic: bus.Pairing, ID: id, State: confirmed{by}})
	ctx, cancel := context.WithTimeout(ctx, elsewhereTime)
	defer cancel()
	tick := time.NewTicker(elsewhereLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return Pairing{}, errors.Join(errPairingDead(), f.kill(context.WithoutCancel(ctx), id, errPairingDead()))
		case <-tick.C:
		}
		p, err := f.Pairing(ctx, id)
		switch {
		case err != nil && ctx.Err() == nil:
			return Pairing{}, err
		case p.State == Confirmed:
			return p, nil
		case p.State == Dead:
			return Pairing{}, errPairingDead()
		}
	}
}
