package wsconn

import (
	"bufio"
	"net"
	"net/http"
)

// holder is a connection that can hold back what is written.
type holder interface {
	hold()
	release(err error) error
}

// answer is the answer to a request that becomes a websocket. It is held until the first message is there: by itself it
// would be a packet, and a wake-up of the other side, that says nothing.
type answer struct {
	http.ResponseWriter
	held holder // nil where it goes out as it is written
}

// Hijack implements http.Hijacker.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err != nil {
		return conn, rw, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		l := &late{TCPConn: tcp}
		conn, a.held = l, l
	} else if g := under(conn); g != nil {
		a.held = g
	}
	if a.held != nil {
		a.held.hold()
	}
	return conn, rw, nil
}

// late is a TCP connection that can hold back its first words. It is used by one goroutine until they are released; frames
// of several pieces then still go out as one, as net.Buffers knows what it is.
type late struct {
	*net.TCPConn
	held *[]byte
}

func (l *late) hold() { l.held, _ = pieces.Get().(*[]byte) }

// Write implements net.Conn.
func (l *late) Write(p []byte) (int, error) {
	if l.held == nil {
		return l.TCPConn.Write(p)
	}
	*l.held = append(*l.held, p...)
	return len(p), nil
}

func (l *late) release(err error) error {
	piece := l.held
	l.held = nil
	if err == nil {
		_, err = l.TCPConn.Write(*piece)
	}
	*piece = (*piece)[:0]
	pieces.Put(piece)
	return err
}
