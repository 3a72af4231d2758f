package wsconn

import (
	"context"
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
	ws   *websocket.Conn
	o    Options
	wake chan struct{} // capacity 1: there is something to write
	gone chan struct{} // closed by Abort

	mu      sync.Mutex
	urgent  [][]byte // goes before queue
	queue   [][]byte
	queued  int // bytes in both
	pong    []byte
	pongDue bool
	closing bool
	code    int
	text    string
	err     error     // why it was aborted
	closeBy time.Time // when to stop waiting for the peer's close

	buf []byte // of Read
}

func newConn(ws *websocket.Conn, o Options) *Conn {
	c := &Conn{ws: ws, o: o, wake: make(chan struct{}, 1), gone: make(chan struct{})}
	ws.SetReadLimit(wire.MaxFrame)
	ws.SetPingHandler(c.answerPing)
	ws.SetPongHandler(func(string) error { return c.extend() })
	// The default handler would write from the reader's goroutine; Run closes instead.
	ws.SetCloseHandler(func(int, string) error { return nil })
	return c
}

// Send queues a control message. ErrSlow when the queue is full: the connection is then at its end.
func (c *Conn) Send(data []byte) error { return c.enqueue(&c.queue, data) }

// SendUrgent queues a control message before all that were given to Send, behind earlier urgent ones.
func (c *Conn) SendUrgent(data []byte) error { return c.enqueue(&c.urgent, data) }

func (c *Conn) enqueue(lane *[][]byte, data []byte) error {
	c.mu.Lock()
	switch {
	case c.closing || c.err != nil:
		c.mu.Unlock()
		return ErrClosed
	case len(c.queue)+len(c.urgent) >= MaxQueued || c.queued+len(data) > MaxQueuedBytes:
		c.mu.Unlock()
		c.Abort(ErrSlow)
		return ErrSlow
	}
	*lane = append(*lane, data)
	c.queued += len(data)
	c.mu.Unlock()
	c.Wake()
	return nil
}

// Wake has the writer ask its ChunkSource again.
func (c *Conn) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Close sends what is queued, then a close frame; Run then ends. Later messages are not sent.
func (c *Conn) Close(code int, text string) {
	c.mu.Lock()
	if !c.closing {
		c.closing, c.code, c.text = true, code, text
		c.closeBy = time.Now().Add(c.o.WriteTimeout)
	}
	c.mu.Unlock()
	c.Wake()
}

// Abort ends the connection at once; cause is what Run and Read give from then on.
func (c *Conn) Abort(cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = cause
	close(c.gone)
	c.mu.Unlock()
	_ = c.ws.Close() // the cause says why; a failing close changes nothing
}

// Run serves the connection: it writes in a goroutine of its own and calls read, which is to call Read until
// that fails, in the caller's. When either ends, or ctx, the connection is closed and both are waited for.
// The error is read's, or why the connection ended; nil after Close here.
func (c *Conn) Run(ctx context.Context, chunks ChunkSource, read func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer cancel()
		c.write(ctx, chunks)
	}()
	err := read(ctx)
	var closed *Closed
	switch {
	case errors.As(err, &closed):
		c.Close(closed.Code, "") // answers the peer's close
		<-written
	case c.isClosing():
		<-written
		c.drain()
	case err == nil:
		c.Close(CloseNormal, "")
		<-written
		c.drain()
	}
	if err == nil {
		err = ErrClosed
	}
	c.Abort(err)
	<-written
	if cause := c.cause(); !errors.Is(cause, ErrClosed) {
		return cause
	}
	return nil
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
	if cap(c.buf) > 8<<10 && kind == Control {
		c.buf = nil // one large message must not cost memory for the connection's life
	}
	c.buf, err = readAll(r, c.buf[:0], limit)
	return kind, c.buf, err
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
	c.mu.Unlock()
	c.Wake()
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
