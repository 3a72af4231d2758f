package push

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const (
	workers       = 4                // that load heads after a change
	maxHandshakes = 1024             // connections at once that have not proven who they are
	helloTime     = 15 * time.Second // from the challenge to a valid hello
	statusEvery   = 15 * time.Second
	callTime      = 30 * time.Second // of one call to SQL or a signer
	retryEvery    = 10 * time.Second
	longestRetry  = time.Hour // a head may be 22 KB on a line that is paid by the byte
)

// Hub holds the agents' connections.
type Hub struct {
	o          Options
	server     *wsconn.Server
	hands      hands
	uplink     *uplink // nil for no limit
	frames     *frames
	handshakes atomic.Int64
	connection atomic.Uint64
	cutOff     atomic.Uint64 // how often agents were cut off

	mu       sync.Mutex
	stopped  bool
	serving  sync.WaitGroup
	open     map[*session]struct{}
	sessions map[string]*session // by agent, the newest
	stale    map[*session]struct{}
	failed   map[*session]failure // to become stale again
	wake     chan struct{}        // there is something in stale
}

// New makes a Hub. It serves connections from the first request on; Run brings new heads to them.
func New(o Options) *Hub {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryEvery <= 0 {
		o.RetryEvery = retryEvery
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{
		o:        o,
		server:   wsconn.NewServer(wsconn.HubOptions()),
		hands:    make(hands),
		uplink:   newUplink(o.Limit),
		frames:   newFrames(),
		open:     map[*session]struct{}{},
		sessions: map[string]*session{},
		stale:    map[*session]struct{}{},
		failed:   map[*session]failure{},
		wake:     make(chan struct{}, workers),
	}
}

// Run sends heads that PlanChanged and Resync ask for, until ctx ends; it then closes every connection and
// returns nil when all have ended.
func (h *Hub) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { h.work(ctx) })
	}
	wg.Go(func() { h.retry(ctx) })
	wg.Wait()
	h.mu.Lock()
	h.stopped = true
	for s := range h.open {
		s.bye("HUB_STOPS", wsconn.CloseAway)
	}
	h.mu.Unlock()
	h.serving.Wait()
	close(h.hands)
	return nil
}

func (h *Hub) work(ctx context.Context) {
	for {
		s := h.takeStale()
		if s == nil {
			select {
			case <-ctx.Done():
				return
			case <-h.wake:
			}
			continue
		}
		if ctx.Err() != nil {
			return
		}
		h.bring(s)
	}
}

// bring brings a connection to its newest head, now or, where that fails, at the next retry: nothing else may ever
// come to ask for it.
func (h *Hub) bring(s *session) {
	err := s.update()
	if err == nil || errors.Is(err, wsconn.ErrClosed) || errors.Is(err, wsconn.ErrSlow) { // it ends anyway
		return
	}
	h.later(s, err, 0)
}

// failure is why a connection was not brought to its plan, and when that is tried again.
type failure struct {
	err error
	due time.Time
}

// later has a connection brought to its head at the first retry after a wait.
func (h *Hub) later(s *session, err error, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, open := h.open[s]; open {
		h.failed[s] = failure{err, time.Now().Add(wait)}
	}
}

func (h *Hub) retry(ctx context.Context) {
	tick := time.NewTicker(h.o.RetryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			h.again(now)
		}
	}
}

// again tells of those that failed in one line: a database that does not answer fails them all.
func (h *Hub) again(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	var one error
	for s, f := range h.failed {
		if now.Before(f.due) {
			continue
		}
		delete(h.failed, s)
		h.mark(s)
		n, one = n+1, f.err
	}
	if n > 0 {
		h.o.Log.Warn("agents not brought to their plan, trying again", "agents", n, "err", one)
	}
}

func (h *Hub) takeStale() *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.stale {
		delete(h.stale, s)
		return s
	}
	return nil
}

// ServeHTTP is the endpoint wire.LinkPath.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.handshakes.Add(1) > maxHandshakes {
		h.handshakes.Add(-1)
		w.Header().Set("Retry-After", "30")
		_ = wsconn.Refuse(w, busy())
		return
	}
	conn, challenge, err := h.challenge(w, r)
	if err != nil {
		h.handshakes.Add(-1)
		count(h.o.Metrics.Refused, 1)
		h.o.Log.Debug("agent not let in", "remote", r.RemoteAddr, "err", err)
		return
	}
	s := &session{hub: h, conn: conn, id: h.connection.Add(1), remote: wsconn.HTTPClientIP(r)}
	if !h.enter(s) {
		h.handshakes.Add(-1)
		conn.Abort(wsconn.ErrClosed)
		return
	}
	go func() { // of its own: the connection would keep the stack and the buffers of the request's for its life
		defer h.leave(s)
		s.run(context.Background(), challenge) //nolint:contextcheck // the request's ends with the handler; Run ends the session
	}()
}

// challenge makes a request a connection whose agent is asked for its proof.
func (h *Hub) challenge(w http.ResponseWriter, r *http.Request) (*wsconn.Conn, *wire.Challenge, error) {
	c := &wire.Challenge{Nonce: make([]byte, wire.NonceSize)}
	_, _ = rand.Read(c.Nonce) // never fails
	data, err := wire.Encode(c)
	if err != nil {
		return nil, nil, err
	}
	conn, err := h.server.UpgradeWith(data, w, r)
	return conn, c, err
}

// enter lets a connection be found by Run; false when the hub has stopped.
func (h *Hub) enter(s *session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return false
	}
	h.serving.Add(1)
	h.open[s] = struct{}{}
	return true
}

func (h *Hub) leave(s *session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, s)
	delete(h.stale, s)
	delete(h.failed, s)
	if s.agent != "" && h.sessions[s.agent] == s {
		delete(h.sessions, s.agent)
	}
	h.serving.Done()
}

// admit makes s the connection of its agent; an older one is told and closed. One agent, one connection: a line
// that died unnoticed must not keep its agent out. Whoever finds the connection from here on comes after welcome.
func (h *Hub) admit(s *session, welcome *wire.Welcome) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := s.send(welcome); err != nil {
		return err
	}
	if old := h.sessions[s.agent]; old != nil {
		old.bye("REPLACED", wsconn.CloseReplaced)
	}
	h.sessions[s.agent] = s
	return nil
}

// PlanChanged says that there is a new head for the agent; it never blocks.
func (h *Hub) PlanChanged(agent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[agent]; s != nil {
		h.mark(s)
	}
}

// Resync looks for new heads and trust documents for all connected agents, after events were lost or the trust
// document changed; it never blocks.
func (h *Hub) Resync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sessions {
		h.mark(s)
	}
}

func (h *Hub) mark(s *session) {
	h.stale[s] = struct{}{}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// Here gives those of agents that are connected to this hub.
func (h *Hub) Here(agents []string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(agents), func(agent string) bool { return h.sessions[agent] == nil })
}

// Order sends a sealed order to those of agents that are connected here, before every message and frame that waits, and
// gives how many that were. It waits for none of them.
func (h *Hub) Order(envelope []byte, agents []string) int {
	var order *wsconn.Prepared
	data, err := wire.Encode(&wire.Order{Envelope: envelope})
	if err == nil {
		order, err = wsconn.Prepare(data)
	}
	if err != nil {
		h.o.Log.Error("order not sent", "err", err)
		return 0
	}
	var to []*session
	h.mu.Lock()
	for _, agent := range agents {
		if s := h.sessions[agent]; s != nil {
			to = append(to, s)
		}
	}
	h.mu.Unlock()
	var sent atomic.Int64
	var shards sync.WaitGroup
	for part := range slices.Chunk(to, len(to)/runtime.GOMAXPROCS(0)+1) {
		shards.Go(func() {
			for _, s := range part {
				if s.conn.SendPrepared(order) == nil { // one that is ending gets it from its next head
					sent.Add(1)
				}
			}
		})
	}
	shards.Wait()
	return int(sent.Load())
}

// Disconnect ends an agent's connection, if there is one, with a code that says why; it never blocks.
func (h *Hub) Disconnect(agent, code string) {
	h.cutOff.Add(1)
	h.mu.Lock()
	s := h.sessions[agent]
	h.mu.Unlock()
	if s != nil {
		s.bye(code, wsconn.CloseRefused)
	}
}

// Connected tells how many agents are connected.
func (h *Hub) Connected() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Queued tells how many agents wait for their turn to be sent something.
func (h *Hub) Queued() int {
	if h.uplink == nil {
		return 0
	}
	return h.uplink.waiting()
}

func count(c Counter, n int) {
	if c != nil {
		c.Add(float64(n))
	}
}

func busy() *problem.Error {
	return problem.New("HUB_BUSY", http.StatusServiceUnavailable,
		"Hub đang bận. Agent sẽ tự thử lại sau ít phút.", "The hub is busy. The agent tries again by itself in a few minutes.")
}
