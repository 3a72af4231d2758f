package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// maxHoldings bounds what one agent can make the hub remember: 35 days of reports are a few hundred.
const maxHoldings = 20_000

// live is what is known of an agent in memory: fresher than its row.
type live struct {
	name       string
	area       string
	state      State
	created    time.Time
	rev        uint64 // of the fleet, when something of it was last heard or changed
	online     bool
	hub        string // the other hub that it is connected to, "" for this one
	connection uint64
	key        string // of the connection, or as SQL has it; in hex
	admits     string // the key in Fleet.keys; "" for none
	lastSeen   time.Time
	software   string
	os         string
	plan       wire.PlanState
	status     *broadcast.Status
	statusAt   time.Time
	holdings   map[digest]holding

	dirty      bool           // the row is older than this
	telling    *wire.Holdings // to be told to other hubs with the next event
	wholeDirty bool           // the kept list of whole blobs is older than holdings
}

type digest [sha256.Size]byte

type holding struct {
	have, size int64
	whole      bool
}

// Event is the Data of a bus event of topic agent.
type Event struct {
	What   string `json:"what"` // online | offline | status | plan | holdings | place | state | paired
	Online bool   `json:"online"`
}

// Online says that an agent's connection began; a newer one has a higher number. Of one that was replaced already
// it changes nothing.
func (f *Fleet) Online(agent string, connection uint64, hello *wire.Hello, remote string) {
	f.mu.Lock()
	if f.live[agent] == nil && f.o.Tell != nil { // another hub paired it just now
		f.live[agent] = &live{}
	}
	f.mu.Unlock()
	f.change(agent, "online", func(l *live) bool {
		if connection < l.connection {
			return false
		}
		l.online, l.connection, l.hub, l.key = true, connection, "", hex.EncodeToString(hello.Key)
		l.lastSeen, l.dirty = f.o.Now(), true
		l.software, l.os = hello.Software, hello.OS
		return true
	})
	f.o.Log.Debug("agent online", "agent", agent, "remote", remote, "software", hello.Software)
}

// Offline says that a connection ended; of one that was replaced it changes nothing.
func (f *Fleet) Offline(agent string, connection uint64) {
	f.change(agent, "offline", func(l *live) bool {
		if l.connection != connection || l.hub != "" {
			return false
		}
		l.online, l.lastSeen, l.dirty = false, f.o.Now(), true
		return true
	})
}

// Status takes what an agent says of itself. It is published when something in it changed that pages show.
func (f *Fleet) Status(agent string, s broadcast.Status) {
	f.change(agent, "status", func(l *live) bool {
		changed := l.status == nil || !sameStatus(*l.status, s)
		l.status, l.statusAt = &s, f.o.Now()
		l.lastSeen, l.dirty = l.statusAt, true
		return changed
	})
}

// sameStatus ignores what ticks along by itself.
func sameStatus(a, b broadcast.Status) bool {
	for _, s := range []*broadcast.Status{&a, &b} {
		s.At, s.Clock.OffsetMS, s.Clock.ErrorMS, s.Cache.FreeBytes, s.Cache.UsedBytes, s.Line = time.Time{}, 0, 0, 0, 0, nil
	}
	if reflect.DeepEqual(a, b) {
		return true // as mostly
	}
	left, errA := json.Marshal(a)
	right, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(left) == string(right)
}

// PlanState takes what became of an agent's head; a refused one may have no version that could be read.
func (f *Fleet) PlanState(agent string, s wire.PlanState) {
	f.change(agent, "plan", func(l *live) bool {
		if s.Version == 0 {
			s.Version = l.plan.Version
		}
		changed := l.plan != s
		l.plan, l.lastSeen, l.dirty = s, f.o.Now(), true
		return changed
	})
}

// Holdings takes what an agent holds.
func (f *Fleet) Holdings(agent string, h wire.Holdings) {
	f.change(agent, "holdings", func(l *live) bool {
		l.hold(h)
		l.telling = &h
		l.wholeDirty = true
		return true
	})
}

// hold takes what was told.
func (l *live) hold(h wire.Holdings) {
	if h.Full || l.holdings == nil {
		l.holdings = make(map[digest]holding, len(h.Items))
	}
	for _, item := range h.Items {
		var d digest
		if n, err := hex.Decode(d[:], []byte(item.SHA256)); err != nil || n != len(d) {
			continue // wire checked it
		}
		switch {
		case item.Have == 0 && !item.Whole:
			delete(l.holdings, d)
		case len(l.holdings) < maxHoldings:
			l.holdings[d] = holding{item.Have, item.Size, item.Whole}
		}
	}
}

// change runs edit on what is known of an agent and publishes when edit says so.
func (f *Fleet) change(agent, what string, edit func(*live) bool) {
	f.mu.Lock()
	l := f.live[agent]
	if l == nil {
		f.mu.Unlock()
		return // not an agent
	}
	publish := edit(l)
	f.touch(l)
	e := bus.Event{Topic: bus.Agent, Area: l.area, Agent: agent, ID: agent, Data: Event{what, l.online}}
	if f.o.Tell != nil {
		k := l.known()
		k.Holdings = l.telling
		e.State = k
	}
	l.telling = nil
	f.mu.Unlock()
	if publish {
		f.o.Events.Publish(e)
	}
}

// IsOnline tells whether the agent is connected.
func (f *Fleet) IsOnline(agent string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.live[agent]
	return l != nil && l.online
}

// Says gives what an agent says of itself: the broadcast that sounds now, "" for none, and its plan.
func (f *Fleet) Says(agent string) (sounds string, plan wire.PlanState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.live[agent]
	if l == nil {
		return "", wire.PlanState{}
	}
	if l.online && l.status != nil && l.status.NowPlaying != nil {
		sounds = l.status.NowPlaying.Broadcast
	}
	return sounds, l.plan
}

// Ready tells how far the agent is with the blobs together: verified when it holds all of them whole.
func (f *Fleet) Ready(agent string, blobs []broadcast.Hash) Ready {
	f.mu.Lock()
	defer f.mu.Unlock()
	var held map[digest]holding
	if l := f.live[agent]; l != nil {
		held = l.holdings
	}
	whole, begun, parts := 0, false, 0.0
	for _, blob := range blobs {
		var d digest
		_, _ = hex.Decode(d[:min(len(d), len(blob)/2)], []byte(blob)) // a bad hash is held by nobody
		h, ok := held[d]
		switch {
		case !ok:
		case h.whole:
			whole++
			parts++
		case h.size > 0:
			parts += float64(h.have) / float64(h.size)
		}
		begun = begun || ok
	}
	switch {
	case whole == len(blobs):
		return Ready{Verified, 100}
	case begun:
		return Ready{Receiving, min(99, int(100*parts/float64(len(blobs))))}
	}
	return Ready{Queued, 0}
}

// wholeList is what is kept of holdings in SQL.
func (l *live) wholeList() (string, error) {
	list := make([]string, 0, len(l.holdings))
	for d, h := range l.holdings {
		if h.whole {
			list = append(list, hex.EncodeToString(d[:]))
		}
	}
	slices.Sort(list)
	data, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("encode holdings: %w", err)
	}
	return string(data), nil
}

func wholeHoldings(list string) (map[digest]holding, error) {
	var hashes []string
	if err := json.Unmarshal([]byte(list), &hashes); err != nil {
		return nil, fmt.Errorf("decode holdings: %w", err)
	}
	held := make(map[digest]holding, len(hashes))
	for _, h := range hashes {
		var d digest
		if n, err := hex.Decode(d[:min(len(d), len(h)/2)], []byte(h)); err == nil && n == len(d) {
			held[d] = holding{whole: true}
		}
	}
	return held, nil
}

// takeDirty gives the agents whose rows are old, and forgets that they are.
func (f *Fleet) takeDirty() map[string]*live {
	f.mu.Lock()
	defer f.mu.Unlock()
	dirty := map[string]*live{}
	for id, l := range f.live {
		if !l.dirty && !l.wholeDirty {
			continue
		}
		c := *l
		if l.wholeDirty {
			c.holdings = maps.Clone(l.holdings)
		}
		dirty[id] = &c
		l.dirty, l.wholeDirty = false, false
	}
	return dirty
}
