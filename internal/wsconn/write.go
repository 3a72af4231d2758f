package wsconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// write is the only writer: it ends after a close frame, a failed write, or Abort.
func (c *Conn) write(ctx context.Context, chunks ChunkSource) {
	var ping <-chan time.Time
	if c.o.PingEvery > 0 {
		ticker := time.NewTicker(c.o.PingEvery)
		defer ticker.Stop()
		ping = ticker.C
	}
	stop := ctx.Done()
	ready := make(chan struct{})
	close(ready)
	for {
		worked, err := c.step(chunks)
		if err != nil {
			c.writeFailed(err)
			return
		}
		idle := c.wake
		if worked {
			idle = ready // look at the others, but do not wait for them
		}
		select {
		case <-c.gone:
			return
		case <-stop:
			c.Close(CloseAway, "")
			stop = nil
		case <-ping:
			if err := c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.o.WriteTimeout)); err != nil {
				c.writeFailed(err)
				return
			}
		case <-idle:
		}
	}
}

// errDone ends the writer after its close frame.
var errDone = errors.New("close frame is written")

// step writes one thing, the most urgent; false when there is none.
func (c *Conn) step(chunks ChunkSource) (bool, error) {
	c.mu.Lock()
	by := time.Now().Add(c.o.WriteTimeout)
	switch {
	case c.pongDue:
		data := c.pong
		c.pongDue = false
		c.mu.Unlock()
		return true, c.ws.WriteControl(websocket.PongMessage, data, by)
	case len(c.urgent) > 0 || len(c.queue) > 0:
		data := c.dequeue()
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
	return true, c.message(websocket.BinaryMessage, frame, time.Now().Add(c.o.WriteTimeout))
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
		return
	case errors.As(err, &timeout) && timeout.Timeout():
		c.Abort(ErrSlow)
	default:
		c.Abort(fmt.Errorf("write to peer: %w", err))
	}
}
