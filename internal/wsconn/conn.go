package wsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/internal/wire"
)

// Bounds of the control lane: more than any exchange of the protocol has under way at once.
const (
	MaxQueued      = 128
	MaxQueuedBytes = 1 << 20
)

// drainTime is how long a side that closed waits for the other's close. Closing a TCP connection with unread
// bytes resets it, and the last message, which says why, would be lost.
const drainTime = 2 * time.Second

// Options of a Conn.
type Options struct {
	PingEvery    time.Duration // 0 sends no pings
	Patience     time.Duration // a peer of which nothing came for so long, not even a pong, is dead
	WriteTimeout time.Duration // of one message
	Binary       bool          // whether the peer may send binary frames
	readBuffer   int
	writeBuffer  int
}

// HubOptions are the hub's: a ping every 20 s, dead after two missed; agents send no frames. Buffers are small because there
// are many connections (push.md: 512 bytes and a pool cost nothing that could be measured).
func HubOptions() Options {
	return Options{
		PingEvery: 20 * time.Second, Patience: 50 * time.Second, WriteTimeout: 30 * time.Second,
		readBuffer: 512, writeBuffer: 512,
	}
}

// AgentOptions are the agent's: the hub pings, so a silent line is a dead one.
func AgentOptions() Options {
	return Options{
		Patience: 50 * time.Second, WriteTimeout: 30 * time.Second, Binary: true,
		readBuffer: 4 << 10, writeBuffer: 16 << 10, // a client's messages are cut into frames of its buffer's size
	}
}

// Errors of a Conn.
var (
	ErrClosed = errors.New("connection is closed")
	ErrSlow   = errors.New("peer does not read what is sent to it")
	ErrSilent = errors.New("peer has been silent for too long")
	ErrKind   = errors.New("peer sent a binary frame where none is allowed")

	errPanicked = errors.New("what was to be written panicked")
)

// Closed says that the peer closed the connection, and how.
type Closed struct {
	Code int
	Text string
}

// Error implements error.
func (e *Closed) Error() string {
	return fmt.Sprintf("peer closed the connection: %d %s", e.Code, e.Text)
}

// Close codes. Those of the protocol are in the private range of RFC 6455.
const (
	CloseNormal   = websocket.CloseNormalClosure
	CloseAway     = websocket.CloseGoingAway
	CloseProtocol = websocket.CloseProtocolError
	CloseTooLarge = websocket.CloseMessageTooBig
	CloseRefused  = 4401 // after refused
	CloseReplaced = 4409 // the same agent connected again
)

// ChunkSource gives frames to send when the wire is free.
type ChunkSource interface {
	// NextFrame gives one frame, nil when there is none to send now; Wake makes the Conn ask again. The bytes
	// must stay as they are until the next call. It is called from the writer alone and must not wait for the
	// peer. An error ends the connection.
	NextFrame() ([]byte, error)
}

// Conn is one websocket connection.
type Conn struct {
	ws    *websocket.Conn
	o     Options
	below *gathered     // under TLS; nil where frames go out as they are written
	gone  chan struct{} // closed by Abort
	ended chan struct{} // closed when the close frame is written

	mu      sync.Mutex
	chunks  ChunkSource
	cancel  context.CancelFunc // of read's context
	ping    *time.Timer
	writers sync.WaitGroup
	running bool // from Run's beginning to its end
	writing bool // a goroutine is: there is one only while there is something to write
	more    bool // there may be something to write that the writer has not seen

	urgent  [][]byte // goes before queue
	queue   [][]byte
	queued  int // bytes in both
	pong    []byte
	pongDue bool
	pingDue bool
	closing bool
	code    int
	text    string
	err     error     // why it was aborted
	closeBy time.Time // when to stop waiting for the peer's close

	written int64 // bytes of messages, and how many of them were before the last ping, and before the last that was answered
	pinged  int64
	arrived int64

	buf *[]byte // of Read, from buffers
}

func newConn(ws *websocket.Conn, o Options) *Conn {
	c := &Conn{ws: ws, o: o, below: under(ws.NetConn()), gone: make(chan struct{}), ended: make(chan struct{})}
	ws.SetReadLimit(wire.MaxFrame)
	ws.SetPingHandler(c.answerPing)
	ws.SetPongHandler(c.takePong)
	// The default handler would write from the reader's goroutine; Run closes instead.
	ws.SetCloseHandler(func(int, string) error { return nil })
	return c
}

// Send queues a control message. ErrSlow when the queue is full: the connection is then at its end.
func (c *Conn) Send(data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.enqueue(&c.queue, data)
}

// enqueue is for a caller that holds mu.
func (c *Conn) enqueue(lane *[][]byte, data []byte) error {
	switch {
	case c.closing || c.err != nil:
		return ErrClosed
	case len(c.queue)+len(c.urgent) >= MaxQueued || c.queued+len(data) > MaxQueuedBytes:
		c.abort(ErrSlow)
		return ErrSlow
	}
	*lane = append(*lane, data)
	c.queued += len(data)
	c.look()
	return nil
}

// Wake has the writer ask its ChunkSource again.
func (c *Conn) Wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.look()
}

// Serve is Wake for the goroutine that reads, when it has read what makes room: where nobody writes it writes by itself, which
// spares the system a goroutine for each frame. It comes back when that is written, as a writer would end.
func (c *Conn) Serve() {
	c.mu.Lock()
	c.more = true
	idle := c.running && !c.writing
	if idle {
		c.writing = true
		c.writers.Add(1)
	}
	c.mu.Unlock()
	if !idle {
		return
	}
	ended := false
	defer func() {
		if c.writers.Done(); !ended {
			c.Abort(errPanicked) // nobody writes what Run's end would wait for
		}
	}()
	c.write()
	ended = true
}

// Close sends what is queued, then a close frame; Run then ends. Later messages are not sent.
func (c *Conn) Close(code int, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing, c.code, c.text = true, code, text
		c.closeBy = time.Now().Add(c.o.WriteTimeout)
	}
	c.look()
}

// Abort ends the connection at once; cause is what Run and Read give from then on.
func (c *Conn) Abort(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abort(cause)
}

func (c *Conn) abort(cause error) {
	if c.err != nil {
		return
	}
	c.err = cause
	close(c.gone)
	if c.cancel != nil {
		c.cancel()
	}
	conn := c.ws.NetConn()
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // its own Close would first tell the peer, and wait for a line that is full
	}
	_ = conn.Close() // the cause says why; a failing close changes nothing
}

// Run serves the connection: it calls read, which is to call Read until that fails, and writes in goroutines that live
// only while there is something to write. When either side ends, or ctx, the connection is closed and all are waited for.
// The error is read's, or why the connection ended; nil after Close here.
func (c *Conn) Run(ctx context.Context, chunks ChunkSource, read func(context.Context) error) error {
	defer context.AfterFunc(ctx, func() { c.Close(CloseAway, "") })()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.begin(chunks, cancel)
	err := read(ctx)
	var closed *Closed
	switch {
	case errors.As(err, &closed):
		c.Close(closed.Code, "") // answers the peer's close
		c.flush()
	case c.isClosing():
		c.flush()
		c.drain()
	case err == nil:
		c.Close(CloseNormal, "")
		c.flush()
		c.drain()
	}
	if err == nil {
		err = ErrClosed
	}
	c.Abort(err)
	c.end()
	if cause := c.cause(); !errors.Is(cause, ErrClosed) {
		return cause
	}
	return nil
}

// flush waits until all is written that comes before the close frame, and that frame.
func (c *Conn) flush() {
	select {
	case <-c.ended:
	case <-c.gone:
	}
}

// drain waits for the peer's close frame.
func (c *Conn) drain() {
	for {
		if _, _, err := c.ws.NextReader(); err != nil {
			return
		}
	}
}

func (c *Conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

func (c *Conn) cause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Kind of a message.
type Kind int

// The two kinds.
const (
	Control Kind = iota // text, at most wire.MaxControl
	Frame               // binary, at most wire.MaxFrame
)

// Read waits for the next message. Its bytes are valid until the next call.
func (c *Conn) Read() (Kind, []byte, error) {
	c.giveBack() // an idle connection holds no buffer
	for {
		if err := c.extend(); err != nil {
			return 0, nil, err
		}
		kind, data, err := c.read()
		if err != nil {
			return 0, nil, c.readError(err)
		}
		if c.isClosing() {
			continue // this side has ended; only the peer's close is waited for
		}
		return kind, data, nil
	}
}

// buffers of messages that are being read.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func (c *Conn) giveBack() {
	if c.buf == nil {
		return
	}
	if cap(*c.buf) <= wire.MaxFrame { // one large message must not cost memory for good
		buffers.Put(c.buf)
	}
	c.buf = nil
}

func (c *Conn) read() (Kind, []byte, error) {
	messageType, r, err := c.ws.NextReader()
	if err != nil {
		return 0, nil, err
	}
	kind, limit := Control, wire.MaxControl
	if messageType == websocket.BinaryMessage {
		if !c.o.Binary {
			return 0, nil, ErrKind
		}
		kind, limit = Frame, wire.MaxFrame
	}
	if c.buf == nil {
		c.buf, _ = buffers.Get().(*[]byte)
	}
	*c.buf, err = readAll(r, (*c.buf)[:0], limit)
	return kind, *c.buf, err
}

// readAll reads r to its end into buf, at most limit bytes.
func readAll(r io.Reader, buf []byte, limit int) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if len(buf) > limit {
			return buf, wire.ErrTooLarge
		}
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

func (c *Conn) readError(err error) error {
	var closed *websocket.CloseError
	var timeout net.Error
	switch {
	case c.cause() != nil:
		return c.cause()
	case c.isClosing():
		return ErrClosed
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		return &Closed{closed.Code, closed.Text}
	case errors.Is(err, websocket.ErrReadLimit):
		return wire.ErrTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrSilent
	}
	return fmt.Errorf("read from peer: %w", err)
}

// extend gives the peer time again: something came from it. After a close the time is not extended.
func (c *Conn) extend() error {
	c.mu.Lock()
	by := time.Now().Add(c.o.Patience)
	if c.closing {
		by = c.closeBy
	}
	err := c.err
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := c.ws.SetReadDeadline(by); err != nil {
		return fmt.Errorf("read from peer: %w", err)
	}
	return nil
}

// answerPing has the writer send the pong: pings that come faster than pongs can be written get one answer.
func (c *Conn) answerPing(data string) error {
	c.mu.Lock()
	c.pong, c.pongDue = []byte(data), true
	c.look()
	c.mu.Unlock()
	return c.extend()
}

// takePong knows that all has arrived that was written before the ping.
func (c *Conn) takePong(string) error {
	c.mu.Lock()
	c.arrived = c.pinged
	c.mu.Unlock()
	return c.extend()
}

// HTTPClientIP is the address of the other end of an HTTP request's connection, without its port.
func HTTPClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
