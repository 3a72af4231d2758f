package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/loa-vn/loa/internal/problem"
)

// Bounds of the word between hubs.
const (
	subject   = "loa.events"
	inDepth   = 16 * Depth      // events that wait for a subscriber
	outDepth  = 4 * inDepth     // events that wait for NATS; when they are too many, the others learn that some are lost
	beatEvery = time.Second     // how often a hub says that it is there, and how much it has said
	silence   = 5 * time.Second // after which a hub is taken for dead
	startTime = 10 * time.Second
)

var errBus = problem.New("BUS_FAILED", http.StatusInternalServerError,
	"Không dùng được kênh liên lạc giữa các hub. Hãy kiểm tra mục bus: nats://TÊN:MẬT-KHẨU@máy:4222.",
	"The bus between hubs cannot be used. Check bus: nats://NAME:SECRET@host:4222.")

// Cluster is the Bus of several hubs, by NATS: servers of others, or of the hubs themselves.
// What a hub publishes its own subscribers get at once, those of the others soon. NATS may lose events, as any line
// does: each hub counts what it says, and whoever misses a number gives Lagged to its subscribers.
type Cluster struct {
	*Local
	hub  string
	log  *slog.Logger
	dial func() (*nats.Conn, func(), error) // gives what is to be ended after the connection as well

	out chan message

	mu    sync.Mutex
	said  uint64 // number of our latest message
	news  int64  // number of our latest news
	peers map[string]*peer
	heard map[string]int64 // news of each hub that came here or were given up, of hubs that are silent too
}

// peer is another hub.
type peer struct {
	heard uint64
	at    time.Time
}

// message is what goes from hub to hub. Without an event it is a beat, which tells how much was said.
type message struct {
	Hub   string          `json:"hub"`
	Said  uint64          `json:"said"`
	News  int64           `json:"news"`
	Event *Event          `json:"event,omitempty"`
	State json.RawMessage `json:"state,omitempty"`
	Bye   bool            `json:"bye,omitempty"`
}

// NewCluster joins nats://NAME:SECRET@host:4222,host:4222 (tls://… with TLS, ?ca=FILE of a private CA), as the hub of that id. Nothing is sent or heard before Run.
func NewCluster(address, hub string, log *slog.Logger) (*Cluster, error) {
	c, options := newCluster(hub, log)
	hosts, query, _ := strings.Cut(address, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return nil, errBus.With(errors.New("the options cannot be read")).At("bus")
	}
	if ca := q.Get("ca"); ca != "" {
		options = append(options, nats.RootCAs(ca))
	}
	c.dial = func() (*nats.Conn, func(), error) {
		conn, err := nats.Connect(hosts, options...)
		if err != nil {
			err = errBus.With(err).At("bus")
		}
		return conn, func() {}, err
	}
	return c, nil
}

// newCluster makes one that dials nobody yet, with what it connects by.
func newCluster(hub string, log *slog.Logger) (*Cluster, []nats.Option) {
	start := time.Now().UnixMicro() // above what it told in a life before
	c := &Cluster{Local: newLocal(inDepth), hub: hub, log: log, out: make(chan message, outDepth), said: uint64(start), news: start,
		peers: map[string]*peer{}, heard: map[string]int64{}}
	return c, []nats.Option{nats.Name("loa-hub " + hub), nats.NoEcho(), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.ReconnectBufSize(-1), nats.RetryOnFailedConnect(true), nats.Timeout(startTime), // what cannot be sent is lost, and told so
		nats.ReconnectHandler(func(*nats.Conn) { c.lose("connected again") }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("bus is cut off", "err", err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.lose(err.Error()) })}
}

// Publish implements Bus.
func (c *Cluster) Publish(e Event) {
	c.Local.Publish(e)
	c.Tell(e)
}

// Tell publishes to the other hubs alone; it never blocks.
func (c *Cluster) Tell(e Event) {
	m := message{Hub: c.hub, Event: &e}
	if e.State != nil {
		var err error
		if m.State, err = json.Marshal(e.State); err != nil {
			c.log.Error("event not told to other hubs", "topic", e.Topic, "err", err)
			return
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said++
	if isNews(e) {
		c.news++
	}
	m.Said, m.News = c.said, c.news
	select {
	case c.out <- m:
	default: // the next beat tells the others that one is missing
	}
}

// isNews tells what others can read in SQL, and have to read when they did not hear of it, from what agents say of themselves
// all the time.
func isNews(e Event) bool {
	return e.Topic != Play && e.Topic != Roll && e.Topic != Relay && (e.Topic != Agent || e.State == nil)
}

// News is the number of the latest news that this hub told the others.
func (c *Cluster) News() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.news
}

// Told says by another way than the bus that a hub told news up to a number. When they did not come by the bus, subscribers get
// Lagged, once for each number.
func (c *Cluster) Told(hub string, news int64) {
	c.mu.Lock()
	missed := c.heard[hub] < news
	c.heard[hub] = max(c.heard[hub], news)
	c.mu.Unlock()
	if missed {
		c.lose("hub " + hub + " told what the bus did not bring")
	}
}

// Run speaks and listens until ctx ends.
func (c *Cluster) Run(ctx context.Context) error {
	conn, end, err := c.dial()
	if err != nil {
		return err
	}
	defer end()
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) })
	defer func() { conn.Close(); <-closed }()
	if _, err := conn.Subscribe(subject, func(m *nats.Msg) { c.hear(m.Data) }); err != nil {
		return fmt.Errorf("listen to other hubs: %w", err)
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	c.say(conn, c.beat())
	for {
		select {
		case <-ctx.Done():
			c.say(conn, message{Hub: c.hub, Bye: true})
			_ = conn.FlushTimeout(time.Second) // the others notice without it, later
			return nil
		case m := <-c.out:
			c.say(conn, m)
		case <-beat.C:
			if len(c.out) == 0 {
				c.say(conn, c.beat())
			}
			c.bury()
		}
	}
}

func (c *Cluster) beat() message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return message{Hub: c.hub, Said: c.said, News: c.news}
}

func (c *Cluster) say(conn *nats.Conn, m message) {
	data, err := json.Marshal(m)
	if err == nil {
		err = conn.Publish(subject, data)
	}
	if err != nil && m.Event != nil {
		c.log.Debug("event not told to other hubs", "topic", m.Event.Topic, "err", err)
	}
}

func (c *Cluster) hear(data []byte) {
	var m message
	if err := json.Unmarshal(data, &m); err != nil || m.Hub == "" || m.Hub == c.hub {
		return
	}
	c.mu.Lock()
	p, known := c.peers[m.Hub]
	if !known {
		p = &peer{heard: m.Said}
		c.peers[m.Hub] = p
	}
	missed := !known
	if m.Event != nil {
		missed = missed || m.Said != p.heard+1 && known
	} else {
		missed = missed || m.Said != p.heard
	}
	p.heard, p.at = m.Said, time.Now()
	c.heard[m.Hub] = max(c.heard[m.Hub], m.News)
	if m.Bye {
		delete(c.peers, m.Hub)
	}
	c.mu.Unlock()
	if m.Bye {
		c.lose("hub " + m.Hub + " ended")
		return
	}
	if missed {
		c.lose("hub " + m.Hub + " was not heard")
	}
	if m.Event != nil && m.Event.Topic != Lagged {
		m.Event.From, m.Event.State = m.Hub, nil
		if len(m.State) > 0 {
			m.Event.State = m.State
		}
		c.Local.Publish(*m.Event)
	}
}

// bury takes hubs that are silent for dead.
func (c *Cluster) bury() {
	c.mu.Lock()
	var dead []string
	for hub, p := range c.peers {
		if time.Since(p.at) > silence {
			dead = append(dead, hub)
			delete(c.peers, hub)
		}
	}
	c.mu.Unlock()
	for _, hub := range dead {
		c.lose("hub " + hub + " is silent")
	}
}

// Peers gives the other hubs that are there.
func (c *Cluster) Peers() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	hubs := make([]string, 0, len(c.peers))
	for hub := range c.peers {
		hubs = append(hubs, hub)
	}
	return hubs
}

// Hears tells whether a hub was heard within so long.
func (c *Cluster) Hears(hub string, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[hub]
	return p != nil && time.Since(p.at) <= within
}

// lose lets every subscriber know that it must read anew.
func (c *Cluster) lose(why string) {
	c.log.Info("events of other hubs may be lost, reading anew", "why", why)
	c.lagAll()
}
