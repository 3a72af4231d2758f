package wsconn

import (
	"crypto/tls"
	"net"
	"sync"
)

// Gather gives l for crypto/tls to be put on: a frame then goes to the system as one piece. TLS has records of 16 KiB and writes
// each by itself, which for a frame is eight times as many calls and wakes its receiver as often.
func Gather(l net.Listener) net.Listener { return gatherer{l} }

type gatherer struct{ net.Listener }

// Accept implements net.Listener.
func (g gatherer) Accept() (net.Conn, error) {
	conn, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &gathered{Conn: conn}, nil
}

// gathered is a connection that can hold back what is written.
type gathered struct {
	net.Conn

	mu   sync.Mutex // TLS writes from its reader too, where the peer asks for new keys
	held *[]byte    // nil where nothing is to be held
}

// pieces of connections that are being written to.
var pieces = sync.Pool{New: func() any { return new([]byte) }}

// under is the gathered connection under a websocket's TLS; nil where there is none.
func under(conn net.Conn) *gathered {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	g, _ := t.NetConn().(*gathered)
	return g
}

// Write implements net.Conn.
func (g *gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held == nil {
		return g.Conn.Write(p)
	}
	*g.held = append(*g.held, p...)
	return len(p), nil
}

// whole writes as one piece what write writes; where there is nothing that gathers, as it comes.
func (g *gathered) whole(write func() error) error {
	if g == nil {
		return write()
	}
	g.hold()
	return g.release(write())
}

// hold keeps what is written until release.
func (g *gathered) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, _ = pieces.Get().(*[]byte)
}

// release writes what was held as one piece, unless that failed.
func (g *gathered) release(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	piece := g.held
	g.held = nil
	if err == nil {
		_, err = g.Conn.Write(*piece)
	}
	*piece = (*piece)[:0]
	pieces.Put(piece)
	return err
}
