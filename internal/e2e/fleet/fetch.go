package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// fetch is a blob under way. Nothing of it is kept.
type fetch struct {
	blob  broadcast.Hash
	sum   hash.Hash
	have  int64
	ended chan error // has room for the one that ends it
}

var (
	errBroken = errors.New("the connection ended before the blob was whole")
	errGone   = errors.New("the hub has no such blob")
)

// Fetch has an agent that is greeted fetch a blob, as the real one does, and checks it. An agent fetches one at a time.
func (f *Fleet) Fetch(ctx context.Context, id string, blob broadcast.Hash) error {
	a, w := f.agents[id], &fetch{blob: blob, sum: sha256.New(), ended: make(chan error, 1)}
	if err := a.want(w); err != nil {
		return err
	}
	select {
	case err := <-w.ended:
		return err
	case <-ctx.Done():
		a.stop(w)
		return ctx.Err()
	}
}

func (a *agent) want(w *fetch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.conn == nil:
		return fmt.Errorf("agent %s is not connected", a.ID)
	case a.fetching != nil:
		return fmt.Errorf("agent %s fetches %s", a.ID, a.fetching.blob)
	}
	a.fetching = w
	a.meter.Begin(time.Now())
	return send(a.conn, &wire.Want{SHA256: w.blob, Window: a.meter.Window()})
}

func (a *agent) stop(w *fetch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fetching == w {
		a.fetching = nil
		_ = send(a.conn, &wire.StopWant{SHA256: w.blob}) // a connection that has ended sends no more of it
	}
}

// frame takes bytes of the blob that is fetched. Others are late ones of a want that was stopped; where that was of the same
// blob, what is there is said again: the hub may not yet have sent it when it was first acknowledged.
func (a *agent) frame(conn *wsconn.Conn, data []byte) error {
	c, err := wire.DecodeChunk(data)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.fetching
	if w == nil || c.SHA256 != w.blob {
		return nil
	}
	if c.Offset == w.have {
		w.sum.Write(c.Data)
		w.have += int64(len(c.Data))
		a.meter.Add(len(c.Data), time.Now())
		if c.Last {
			a.fetched(w.check())
		}
	}
	return send(conn, &wire.Got{SHA256: w.blob, Offset: w.have, Window: a.meter.Window()})
}

func (w *fetch) check() error {
	if got := hex.EncodeToString(w.sum.Sum(nil)); got != string(w.blob) {
		return fmt.Errorf("%d bytes of %s have the hash %s", w.have, w.blob, got)
	}
	return nil
}

func (a *agent) gone(blob broadcast.Hash) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fetching != nil && a.fetching.blob == blob {
		a.fetched(errGone)
	}
}

// fetched ends what is fetched; the caller holds mu.
func (a *agent) fetched(err error) {
	if a.fetching != nil {
		a.fetching.ended <- err
		a.fetching = nil
	}
}

func (a *agent) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: a.from}}).DialContext(ctx, network, addr)
	if err == nil && a.Line > 0 {
		conn = &line{Conn: conn, perS: a.Line}
	}
	return conn, err
}

// line is a connection over which no more than so many bytes a second come.
type line struct {
	net.Conn
	perS int
	free time.Time // when the next may
}

// grace is how late a read may come without making the line slower: nobody wakes in time on a busy machine.
const grace = 20 * time.Millisecond

// Read implements net.Conn.
func (l *line) Read(p []byte) (int, error) {
	time.Sleep(time.Until(l.free))
	n, err := l.Conn.Read(p[:min(len(p), max(l.perS/50, 1))])
	if soonest := time.Now().Add(-grace); l.free.Before(soonest) {
		l.free = soonest
	}
	l.free = l.free.Add(time.Duration(n) * time.Second / time.Duration(l.perS))
	return n, err
}
