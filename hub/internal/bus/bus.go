// Package bus carries word of what changed between the parts of the hub. It takes events from whoever
// changed something and gives them to whoever subscribed. It promises speed, not delivery: truth is in SQL,
// an event only says that it is worth reading again. Publish never blocks, for a slow subscriber least of
// all; a Bus and its Subscriptions are safe for concurrent use.
package bus

import (
	"slices"
	"sync"
)

// Topic of an event.
type Topic string

// The topics of the hub.
const (
	Agent     Topic = "agent"     // an agent's status, online, offline, its place or name
	Report    Topic = "report"    // a report's state or progress
	Broadcast Topic = "broadcast" // a broadcast was written, approved, cancelled
	Urgent    Topic = "urgent"    // an urgent bulletin was written, approved, cancelled
	Plan      Topic = "plan"      // there is a new plan head for Event.Agent
	Play      Topic = "play"      // play records came in
	Decision  Topic = "decision"  // the commune of Event.Agent decided, at its PC or on the hub
	Alarm     Topic = "alarm"
	Pairing   Topic = "pairing"
	Roll      Topic = "roll"  // a hub asks the others which agents they have, or tells of many of its own; for hubs only
	Relay     Topic = "relay" // an order for an agent of another hub, and what became of orders there; for hubs only

	// Lagged is given to a subscriber in the place of events it was too slow for: it must read anew whatever
	// it follows. It cannot be published.
	Lagged Topic = "lagged"
)

// Event says what changed. Data is optional, small, and must encode to JSON; a subscriber that needs the
// truth reads it where it is kept.
type Event struct {
	Topic Topic  `json:"topic"`
	Area  string `json:"area,omitempty"`  // code of the area concerned, for who may see it
	Agent string `json:"agent,omitempty"` // id
	ID    string `json:"id,omitempty"`    // of the report, broadcast, …
	Data  any    `json:"data,omitempty"`

	// From is the other hub that published it, "" for this one. State is for hubs only: what a value of Data's publisher
	// became, as it was published here, or json.RawMessage from another hub.
	From  string `json:"-"`
	State any    `json:"-"`
}

// Bus joins publishers and subscribers.
type Bus interface {
	// Publish hands e to all subscribers of its topic and never blocks.
	Publish(e Event)
	// Subscribe follows topics, all when none is named. The subscription must be closed.
	Subscribe(topics ...Topic) *Subscription
}

// Depth is how many events wait for a subscriber before it lags; in a Cluster 16 times as many: when a daypart begins, thousands
// of another hub's clusters say so at once, and each event has to be decoded.
const Depth = 256

// Local is the Bus within one process.
type Local struct {
	depth int

	mu   sync.RWMutex
	subs map[*Subscription]struct{}
}

// NewLocal makes an empty bus.
func NewLocal() *Local { return newLocal(Depth) }

func newLocal(depth int) *Local { return &Local{depth: depth, subs: make(map[*Subscription]struct{})} }

// Publish implements Bus.
func (b *Local) Publish(e Event) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.subs {
		s.offer(e)
	}
}

// lagAll gives Lagged to everybody.
func (b *Local) lagAll() {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for s := range b.subs {
		s.lag()
	}
}

// Subscribe implements Bus.
func (b *Local) Subscribe(topics ...Topic) *Subscription {
	s := newSubscription(b.depth, topics, b.drop)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subs[s] = struct{}{}
	return s
}

func (b *Local) drop(s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs, s)
}

// Subscription is one subscriber's queue, as deep as its bus says. When it is full, the events that do not fit
// are lost and one Lagged event stands in their place.
type Subscription struct {
	topics []Topic
	drop   func(*Subscription)
	depth  int
	ch     chan Event

	mu     sync.Mutex
	lagged bool // the last thing queued is Lagged
	closed bool
}

func newSubscription(depth int, topics []Topic, drop func(*Subscription)) *Subscription {
	return &Subscription{topics: topics, drop: drop, depth: depth, ch: make(chan Event, depth+1)} // one place for Lagged
}

// C gives the events in the order they were published; it is closed by Close.
func (s *Subscription) C() <-chan Event { return s.ch }

// Close ends the subscription. Closing twice is no error.
func (s *Subscription) Close() {
	s.drop(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ch)
	}
}

// lag puts Lagged behind what waits, unless it is the last already.
func (s *Subscription) lag() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if waits := len(s.ch); !s.closed && waits <= s.depth && (waits == 0 || !s.lagged) {
		s.ch <- Event{Topic: Lagged}
		s.lagged = true
	}
}

func (s *Subscription) offer(e Event) {
	if (e.Topic == Roll || e.Topic == Relay) && !slices.Contains(s.topics, e.Topic) || len(s.topics) > 0 && !slices.Contains(s.topics, e.Topic) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	// Only offer sends, under mu: the channel can get emptier but not fuller meanwhile, so no send blocks.
	switch {
	case len(s.ch) < s.depth:
		s.ch <- e
		s.lagged = false
	case !s.lagged:
		s.ch <- Event{Topic: Lagged}
		s.lagged = true
	}
}
