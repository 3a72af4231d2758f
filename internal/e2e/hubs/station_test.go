package hubs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/hubtest"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// Bounds of a station.
const (
	chunkPause  = 40 * time.Millisecond // between two frames, so that a transfer can be caught in the middle
	recordEvery = 300 * time.Millisecond
	statusEach  = 15 // times of that it tells how it is
	window      = 2 * wire.Grain
)

// station is an agent as far as hubs see it: it proves its key, verifies heads and orders against its floors, fetches a blob
// from where it left off, keeps play records until they are acknowledged, and connects to the next hub when its line breaks.
type station struct {
	hubtest.Enrolled
	hubs []string

	mu     sync.Mutex
	at     int // of hubs, that it tries
	random *mrand.Rand
	trust  *seal.Trust
	floors seal.Floors
	conn   *wsconn.Conn    // nil while it is not greeted
	hub    string          // that it is connected to
	why    []string        // what hubs said when they ended a connection
	orders map[string]int  // accepted, by bulletin
	heads  map[string]bool // bulletins of any head
	faults []error         // what no hub may do

	blob  broadcast.Hash // that it fetches
	got   []byte
	whole bool
	bytes int64 // of it that came, again too

	made, unacked map[string]broadcast.Play
	quiet         bool // it makes no more of them
}

func newStation(who hubtest.Enrolled, trust *seal.Trust, hubs []string, seed uint64) *station {
	return &station{Enrolled: who, hubs: hubs, random: mrand.New(mrand.NewPCG(seed, 0)), trust: trust, orders: map[string]int{}, heads: map[string]bool{},
		made: map[string]broadcast.Play{}, unacked: map[string]broadcast.Play{}}
}

// run connects, again and again, until ctx ends.
func (s *station) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		at := s.at
		s.mu.Unlock()
		hub := s.hubs[at]
		conn, err := wsconn.Dial(ctx, "ws"+strings.TrimPrefix(hub, "http")+wire.LinkPath, wsconn.DialOptions{Options: wsconn.AgentOptions()})
		if err == nil {
			_ = conn.Run(ctx, nil, func(ctx context.Context) error { return s.talk(ctx, conn, hub) })
		}
		s.mu.Lock()
		if s.at == at { // it was not told to go elsewhere
			s.at = (at + 1) % len(s.hubs)
		}
		pause := 100*time.Millisecond + time.Duration(s.random.Int64N(int64(400*time.Millisecond)))
		s.mu.Unlock()
		wait(ctx, pause)
	}
}

// move has it connect to another of its hubs.
func (s *station) move(to int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hub == s.hubs[to] && s.conn != nil {
		return
	}
	if s.at = to; s.conn != nil {
		s.conn.Close(wsconn.CloseNormal, "")
	}
}

// wait is over after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (s *station) talk(ctx context.Context, conn *wsconn.Conn, hub string) error {
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	defer func() {
		s.mu.Lock()
		s.conn = nil
		s.mu.Unlock()
		cancel()
		telling.Wait()
	}()
	for {
		kind, data, err := conn.Read()
		if err != nil {
			return err
		}
		if kind == wsconn.Frame {
			err = s.frame(ctx, conn, data)
		} else if m, bad := wire.Decode(data); bad != nil {
			err = s.fault(bad)
		} else if _, greeted := m.(*wire.Welcome); greeted {
			s.mu.Lock()
			s.conn, s.hub = conn, hub
			err = s.ask(conn)
			s.mu.Unlock()
			telling.Go(func() { s.tell(ctx, conn) })
		} else {
			err = s.take(conn, m)
		}
		if err != nil {
			return err
		}
	}
}

func (s *station) take(conn *wsconn.Conn, m wire.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m := m.(type) {
	case *wire.Challenge:
		hello := &wire.Hello{Agent: s.ID, Nonce: make([]byte, wire.NonceSize), Software: "test", OS: "none", TrustVersion: s.trust.Version(), PlanVersion: s.floors.Head.Version}
		_, _ = rand.Read(hello.Nonce) // never fails
		hello.Prove(m, s.Key)
		return send(conn, hello)
	case *wire.Plan:
		return s.plan(conn, m.Envelope)
	case *wire.Order:
		return s.order(conn, m.Envelope)
	case *wire.PlaysAck:
		for _, id := range m.IDs {
			delete(s.unacked, id)
		}
	case *wire.Refused:
		s.why = append(s.why, m.Code)
	case *wire.Bye:
		s.why = append(s.why, m.Code)
	case *wire.Gone:
		if m.SHA256 == s.blob {
			s.faults = append(s.faults, errors.New("the hub says that it has no such blob"))
		}
	}
	return nil
}

func send(conn *wsconn.Conn, m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return conn.Send(data)
}

func (s *station) fault(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, err)
	return err
}

func (s *station) plan(conn *wsconn.Conn, envelope []byte) error {
	head, floor, err := seal.OpenVersioned(s.trust, seal.Expect{Role: seal.Planner, Type: seal.TypePlanHead, Audience: s.ID, Floor: s.floors.Head, Now: time.Now()},
		envelope, func(h broadcast.Head) seal.Header {
			return seal.Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
		})
	if err != nil {
		s.faults = append(s.faults, fmt.Errorf("head: %w", err))
		return send(conn, &wire.PlanState{State: wire.PlanRefused, Code: string(seal.CodeOf(err))})
	}
	s.floors = s.floors.Merge(seal.Floors{Head: floor})
	for _, b := range head.Bulletins {
		s.heads[b.ID] = true
	}
	return send(conn, &wire.PlanState{Version: head.Version, State: wire.PlanActive})
}

func (s *station) order(conn *wsconn.Conn, envelope []byte) error {
	o, floors, err := seal.OpenOrder(s.trust, envelope, seal.Listener{Agent: s.ID}, s.floors, time.Now())
	if err != nil {
		s.faults = append(s.faults, fmt.Errorf("order: %w", err))
	} else if s.floors = floors; o.Kind == seal.OrderLive {
		b, err := seal.Strict[broadcast.Bulletin](o.Body, 1<<20)
		if err != nil {
			s.faults = append(s.faults, fmt.Errorf("order: %w", err))
		}
		s.orders[b.ID]++
	}
	digest := sha256.Sum256(envelope)
	return send(conn, &wire.OrderState{SHA256: broadcast.Hash(hex.EncodeToString(digest[:])), Code: string(seal.CodeOf(err))})
}

// fetch begins to fetch a blob.
func (s *station) fetch(blob broadcast.Hash) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blob, s.got, s.whole, s.bytes = blob, nil, false, 0
	if s.conn == nil {
		return nil
	}
	return s.ask(s.conn)
}

// ask asks for what is missing.
func (s *station) ask(conn *wsconn.Conn) error {
	if s.blob == "" || s.whole {
		return nil
	}
	return send(conn, &wire.Want{SHA256: s.blob, Offset: int64(len(s.got)), Window: window})
}

func (s *station) frame(ctx context.Context, conn *wsconn.Conn, data []byte) error {
	c, err := wire.DecodeChunk(data)
	if err != nil {
		return s.fault(err)
	}
	wait(ctx, chunkPause)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.SHA256 != s.blob || c.Offset != int64(len(s.got)) {
		s.faults = append(s.faults, fmt.Errorf("a frame at %d of %s, want %d of %s", c.Offset, c.SHA256, len(s.got), s.blob))
		return nil
	}
	s.got, s.bytes, s.whole = append(s.got, c.Data...), s.bytes+int64(len(c.Data)), c.Last
	return send(conn, &wire.Got{SHA256: s.blob, Offset: int64(len(s.got))})
}

// tell says how it is, makes play records, and sends those that are not acknowledged again and again.
func (s *station) tell(ctx context.Context, conn *wsconn.Conn) {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n%statusEach == 0 && send(conn, &wire.Status{Status: broadcast.Status{At: time.Now(), Software: "test"}}) != nil {
			return
		}
		s.mu.Lock()
		if !s.quiet {
			s.record()
		}
		plays := &wire.Plays{}
		for _, p := range s.unacked {
			if plays.Records = append(plays.Records, p); len(plays.Records) == wire.MaxPlays {
				break
			}
		}
		s.mu.Unlock()
		if len(plays.Records) > 0 && send(conn, plays) != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// record makes one.
func (s *station) record() {
	id, at := uuid.Must(uuid.NewV7()).String(), time.Now().Truncate(time.Millisecond).UTC()
	p := broadcast.Play{ID: id, Slot: id, Broadcast: id, Version: 1, Report: id, Title: "Tìm hiểu pháp luật", Class: broadcast.Normal, PlannedStart: at.Add(-time.Minute),
		PlannedEnd: at, StartedAt: at.Add(-time.Minute), EndedAt: at, Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, Volume: 80, ReachedMS: 60_000, Clock: "synced"}
	s.made[id], s.unacked[id] = p, p
}

// is reads a station's state.
func (s *station) is(ok func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok()
}

// connected tells whether it is, to any hub but one.
func (s *station) connected(but *hub) bool {
	return s.is(func() bool { return s.conn != nil && (but == nil || s.hub != but.url) })
}

// ordered is how many orders of a bulletin it accepted.
func (s *station) ordered(bulletin string) (n int) {
	s.is(func() bool { n = s.orders[bulletin]; return true })
	return n
}
