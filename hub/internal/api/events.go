package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/planner"
)

// How many events a client may have missed before it must read anew, and how often silence is broken so that
// proxies and clients see a living connection.
const (
	ringSize  = 8192
	heartbeat = 15 * time.Second
)

// ring keeps the last events. Nobody waits in a queue of its own: a client reads from its place when it can, and
// one that is overtaken is told so.
type ring struct {
	run string // tells this run of the hub from others, in event ids

	mu     sync.Mutex
	events [ringSize]bus.Event
	next   uint64        // number of the next event; the first is 1
	more   chan struct{} // closed when there is one more
	closed bool
}

func newRing(now func() time.Time) *ring {
	return &ring{run: strconv.FormatInt(now().UnixMilli(), 36), next: 1, more: make(chan struct{})}
}

func (r *ring) add(e bus.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events[r.next%ringSize] = e
	r.next++
	close(r.more)
	r.more = make(chan struct{})
}

func (r *ring) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	close(r.more)
	r.more = make(chan struct{})
}

// after gives the events behind a place, and whether some were lost; more is closed when there are others.
func (r *ring) after(at uint64) (events []bus.Event, next uint64, lost bool, more <-chan struct{}, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next-1-at > ringSize {
		return nil, r.next - 1, true, r.more, r.closed
	}
	for n := at + 1; n < r.next; n++ {
		events = append(events, r.events[n%ringSize])
	}
	return events, r.next - 1, false, r.more, r.closed
}

// place reads a Last-Event-ID; lost when it is of another run, or none of ours.
func (r *ring) place(id string) (at uint64, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	newest := r.next - 1
	if id == "" {
		return newest, false
	}
	run, number, _ := strings.Cut(id, "-")
	at, err := strconv.ParseUint(number, 10, 64)
	if err != nil || run != r.run || at > newest {
		return newest, true
	}
	return at, false
}

type eventsInput struct {
	LastEventID string `header:"Last-Event-ID" doc:"id of the last event seen: the stream goes on behind it"`
}

func (s *Server) eventRoutes() {
	o := op("events", http.MethodGet, "/events", "Live events (text/event-stream)")
	o.Description = "Each event has an id, its topic as name (agent, report, broadcast, urgent, plan, play, alarm, pairing) and JSON data " +
		"{topic, area, agent, id, data}. lagged: events were lost, read anew what you follow. A comment every 15 s when nothing happens."
	o.Responses = map[string]*huma.Response{"200": {Description: "Events", Content: map[string]*huma.MediaType{"text/event-stream": {}}}}
	register(s, o, func(_ context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			authorization := hc.Header("Authorization")
			s.stream(hc.Context(), w, in.LastEventID, func(ctx context.Context) (accounts.Caller, error) {
				return s.again(ctx, authorization)
			})
		}}, nil
	})
}

// gather is how long a stream rests behind events that it wrote: what a fleet says in it goes out at once then.
const gather = 100 * time.Millisecond

// askAgain is the longest that a stream shows events without asking whether its caller still may see them.
const askAgain = time.Second

// stream writes what the caller may see until they, the client or the hub go. Of what this hub did to their session,
// token or rights it hears at once; of what another hub did, or time, before the next events a second later, and with
// the next heartbeat.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, last string, again func(context.Context) (accounts.Caller, error)) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	at, lost := s.ring.place(last)
	out := &eventWriter{w: w, rc: http.NewResponseController(w), run: s.ring.run}
	out.comment("loa")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	rest := time.NewTimer(gather)
	defer rest.Stop()
	c, asked := caller(ctx), s.Now()
	less := s.Accounts.Less()
	for out.err == nil {
		events, next, overrun, more, closed := s.ring.after(at)
		if ended(less) || s.Now().Sub(asked) >= askAgain {
			less, asked = s.Accounts.Less(), s.Now() // taken before asking: what changes from here on is heard
			var err error
			if c, err = again(ctx); err != nil || !c.May(accounts.View) {
				return
			}
		}
		if lost || overrun {
			out.event(next, bus.Event{Topic: bus.Lagged})
			lost = false
		}
		s.show(ctx, out, c.Area, at, events)
		at = next
		if out.flush() != nil || closed {
			return
		}
		if len(events) > 0 {
			rest.Reset(gather)
			select {
			case <-ctx.Done():
				return
			case <-less:
				continue
			case <-rest.C:
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-less:
		case <-more:
		case <-beat.C:
			out.comment("")
		}
	}
}

func ended(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// show writes the events of the person's areas. The tree is read once for all of them.
func (s *Server) show(ctx context.Context, out *eventWriter, own string, at uint64, events []bus.Event) {
	if len(events) == 0 {
		return
	}
	var tree *planner.Tree
	if own != "" {
		var err error
		if tree, err = s.Planner.Tree(ctx); err != nil {
			out.err = err // the client comes back by itself, with its last id
			return
		}
	}
	for i, e := range events {
		if e.Topic == bus.Lagged || own == "" || covers(tree, own, e.Area) {
			out.event(at+1+uint64(i), e)
		}
	}
}

// eventWriter writes the form of the HTML standard, section 9.2. The first error stays.
type eventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	run string
	buf bytes.Buffer
	err error
}

func (o *eventWriter) event(number uint64, e bus.Event) {
	data, err := json.Marshal(e)
	if err != nil {
		o.err = err
		return
	}
	fmt.Fprintf(&o.buf, "id: %s-%d\nevent: %s\ndata: %s\n\n", o.run, number, e.Topic, data)
}

func (o *eventWriter) comment(text string) { fmt.Fprintf(&o.buf, ": %s\n\n", text) }

func (o *eventWriter) flush() error {
	if o.err == nil && o.buf.Len() > 0 {
		_, o.err = o.w.Write(o.buf.Bytes())
		o.buf.Reset()
		if o.err == nil {
			o.err = o.rc.Flush()
		}
	}
	return o.err
}
