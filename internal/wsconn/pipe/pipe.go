// Package pipe is a network within the process, for tests: its connections live in memory, so that time can be synctest's.
package pipe

import (
	"context"
	"net"
	"sync"
)

// Listener accepts what Dial connects.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	close func()
}

// Listen makes a Listener.
func Listen() *Listener {
	done := make(chan struct{})
	return &Listener{make(chan net.Conn), done, sync.OnceFunc(func() { close(done) })}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error { l.close(); return nil }

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// Dial connects, whatever the address; it waits until the connection is accepted.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
