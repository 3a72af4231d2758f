package wsconn

import (
	"time"

	"github.com/gorilla/websocket"
)

const (
	// inFlight is how many bytes a connection holds for its peer in any case, beside what it was already given: the
	// smallest send buffer of Linux and Windows is a multiple of it.
	inFlight = 8 << 10
	// atOnce bounds a write by SendPrepared, should a peer have answered a ping without having read what came before it.
	atOnce = time.Second
)

// Prepared is a control message for many connections: its frame is made once.
type Prepared struct {
	data  []byte
	frame *websocket.PreparedMessage
}

// Prepare makes one of a control message's bytes, which must not change afterwards.
func Prepare(data []byte) (*Prepared, error) {
	frame, err := websocket.NewPreparedMessage(websocket.TextMessage, data)
	return &Prepared{data, frame}, err
}

// SendPrepared sends a control message before all that were given to Send, behind earlier urgent ones. Where nothing else
// is being written it is written by the caller, which does not wait for the peer: at most inFlight bytes are under way.
func (c *Conn) SendPrepared(p *Prepared) error {
	c.mu.Lock()
	if c.closing || c.err != nil || c.writing || !c.running || c.written-c.arrived+int64(len(p.data)) > inFlight {
		defer c.mu.Unlock()
		return c.enqueue(&c.urgent, p.data)
	}
	c.writing = true
	c.written += int64(len(p.data))
	c.writers.Add(1)
	defer c.writers.Done()
	c.mu.Unlock()
	err := c.ws.SetWriteDeadline(time.Now().Add(atOnce))
	if err == nil {
		err = c.ws.WritePreparedMessage(p.frame)
	}
	if err != nil {
		c.writeFailed(err)
		return ErrClosed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing = false; c.more {
		c.look()
	}
	return nil
}
