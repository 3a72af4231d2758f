package wsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// begin lets the connection be written to, and pings it.
func (c *Conn) begin(chunks ChunkSource, cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunks, c.cancel, c.running = chunks, cancel, true
	if c.o.PingEvery > 0 {
		c.ping = time.AfterFunc(c.o.PingEvery, c.pingNow)
	}
	if c.more || chunks != nil {
		c.look()
	}
}

// end waits for the writers; none begins afterwards.
func (c *Conn) end() {
	c.mu.Lock()
	c.running = false
	if c.ping != nil {
		c.ping.Stop()
	}
	c.mu.Unlock()
	c.writers.Wait()
}

func (c *Conn) pingNow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running && c.err == nil {
		c.pingDue = true
		c.ping.Reset(c.o.PingEvery)
		c.look()
	}
}

// look has the writer look for something to write, and begins one where there is none; the caller holds mu.
func (c *Conn) look() {
	c.more = true
	if c.running && !c.writing {
		c.writing = true
		c.writers.Go(c.write)
	}
}

// write writes all there is. After a close frame or a failed write nobody writes any more.
func (c *Conn) write() {
	for c.another() {
		for worked := true; worked; {
			var err error
			if worked, err = c.step(); err != nil {
				c.writeFailed(err)
				return
			}
		}
	}
}

// another tells whether there may be more to write; when not, writing has ended.
func (c *Conn) another() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing, c.more = c.more, false
	return c.writing
}

// errDone ends the writing after the close frame.
var errDone = errors.New("close frame is written")

// step writes one thing, the most urgent; false when there is none.
func (c *Conn) step() (bool, error) {
	c.mu.Lock()
	by := time.Now().Add(c.o.WriteTimeout)
	switch {
	case c.pongDue:
		data := c.pong
		c.pongDue = false
		c.mu.Unlock()
		return true, c.ws.WriteControl(websocket.PongMessage, data, by)
	case c.pingDue:
		c.pingDue, c.pinged = false, c.written
		c.mu.Unlock()
		return true, c.ws.WriteControl(websocket.PingMessage, nil, by)
	case len(c.urgent) > 0 || len(c.queue) > 0:
		data := c.dequeue()
		c.written += int64(len(data))
		c.mu.Unlock()
		return true, c.message(websocket.TextMessage, data, by)
	case c.closing:
		code, text := c.code, c.text
		c.closeBy = time.Now().Add(drainTime)
		until := c.closeBy
		c.mu.Unlock()
		err := c.ws.WriteControl(websocket.CloseMessage, closeMessage(code, text), by)
		if err == nil {
			err = errors.Join(errDone, c.ws.SetReadDeadline(until))
		}
		return false, err
	}
	chunks := c.chunks
	c.mu.Unlock()
	if chunks == nil {
		return false, nil
	}
	frame, err := chunks.NextFrame()
	if err != nil {
		return false, fmt.Errorf("next frame: %w", err)
	}
	if frame == nil {
		return false, nil
	}
	c.mu.Lock()
	c.written += int64(len(frame))
	c.mu.Unlock()
	return true, c.below.whole(func() error { return c.message(websocket.BinaryMessage, frame, by) })
}

// dequeue takes the message to be written next; the caller holds mu and knows that there is one.
func (c *Conn) dequeue() []byte {
	lane := &c.urgent
	if len(c.urgent) == 0 {
		lane = &c.queue
	}
	data := (*lane)[0]
	(*lane)[0] = nil
	if *lane = (*lane)[1:]; len(*lane) == 0 {
		*lane = nil
	}
	c.queued -= len(data)
	return data
}

func (c *Conn) message(kind int, data []byte, by time.Time) error {
	if err := c.ws.SetWriteDeadline(by); err != nil {
		return err
	}
	return c.ws.WriteMessage(kind, data)
}

// closeMessage: codes that only stand for "no close frame" may not be sent (RFC 6455, 7.4.1), and the text has
// at most 123 bytes.
func closeMessage(code int, text string) []byte {
	if code == websocket.CloseNoStatusReceived || code == websocket.CloseAbnormalClosure {
		code = CloseNormal
	}
	if len(text) > 123 {
		text = ""
	}
	return websocket.FormatCloseMessage(code, text)
}

func (c *Conn) writeFailed(err error) {
	var timeout net.Error
	switch {
	case errors.Is(err, errDone):
		close(c.ended)
		c.mu.Lock()
		c.cancel() // nothing that read does can be answered any more
		c.mu.Unlock()
	case errors.As(err, &timeout) && timeout.Timeout():
		c.Abort(ErrSlow)
	default:
		c.Abort(fmt.Errorf("write to peer: %w", err))
	}
}
