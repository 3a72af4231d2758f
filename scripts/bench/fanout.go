//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	listeners = 10_000
	payload   = 300 // bytes
	rounds    = 5
	shouts    = 10 // of a round
)

// switchboard is a server that gives one message to all who listen.
type switchboard interface {
	pid() int
	// greet makes a bare websocket one that listens, and says whether a message it reads later is a shout; it answers what
	// asks for an answer.
	greet(ws *websocket.Conn, i int) (shouted func(data []byte) bool, err error)
	address() (url string, protocols []string)
	shout(ctx context.Context) error
	close() error
}

// heard is what a round showed.
type heard struct {
	perDelivery float64 // µs of the server's processors
	last        float64 // ms until the last of all had it
	perConn     float64 // KB of the server's memory
	perConnect  float64 // µs of the server's processors
}

// fanout sets Loa's push beside others: the same 300 bytes to the same 10,000 idle listeners, each server in turn in each
// of five rounds, driven by the same client in this process.
func fanout(ctx context.Context, dir string) ([]Row, error) {
	if err := command(ctx, "scripts/setup.sh", "push"); err != nil {
		return nil, err
	}
	arms := []struct {
		name  string
		start func(ctx context.Context, dir string) (switchboard, error)
	}{{"loa", startLoa}, {"centrifuge", startCentrifuge}, {"nats", startNATS}, {"nchan", startNchan}}
	got := map[string][]heard{}
	for round := range rounds {
		for i, arm := range arms {
			h, err := hear(ctx, filepath.Join(dir, fmt.Sprintf("%s-%d", arm.name, round)), byte(1+round*len(arms)+i), arm.start)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", arm.name, err)
			}
			got[arm.name] = append(got[arm.name], h)
		}
	}
	middle := func(arm string, of func(heard) float64) float64 {
		var all []float64
		for _, h := range got[arm] {
			all = append(all, of(h))
		}
		return median(all)
	}
	cpu := func(h heard) float64 { return h.perDelivery }
	last := func(h heard) float64 { return h.last }
	for _, arm := range arms {
		fmt.Printf("  fanout: %-10s %5.1f µs a delivery, last after %4.0f ms, %5.1f KB a connection, %4.0f µs to connect\n", arm.name,
			middle(arm.name, cpu), middle(arm.name, last), middle(arm.name, func(h heard) float64 { return h.perConn }),
			middle(arm.name, func(h heard) float64 { return h.perConnect }))
	}
	row := func(name, unit, peer string, of func(heard) float64, goal float64) Row {
		return beside(name, unit, middle("loa", of), middle(peer, of), peer, goal)
	}
	return []Row{
		row("fanout-cpu-centrifuge", "µs", "centrifuge", cpu, 0.90),
		row("fanout-cpu-nats", "µs", "nats", cpu, 0.90),
		row("fanout-cpu-nchan", "µs", "nchan", cpu, 1.25),
		row("fanout-last-centrifuge", "ms", "centrifuge", last, 1.0),
	}, nil
}

// hear starts a server, has all listen and shouts. Their addresses are of the round: those of an earlier one still wait.
func hear(ctx context.Context, dir string, round byte, start func(context.Context, string) (switchboard, error)) (h heard, err error) {
	s, err := start(ctx, dir)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	h, all, err := connect(ctx, s, round)
	if err != nil {
		return h, err
	}
	defer all.close()
	_, before, err := spent(s.pid())
	if err != nil {
		return h, err
	}
	var lasts []float64
	for range shouts {
		last, err := all.shout(ctx)
		if err != nil {
			return h, err
		}
		lasts = append(lasts, last.Seconds()*1000)
	}
	_, after, err := spent(s.pid())
	h.perDelivery = float64((after - before).Microseconds()) / listeners / shouts
	h.last = median(lasts)
	return h, err
}

// count has all connect, and ends the server.
func count(ctx context.Context, s switchboard, round byte) (h heard, err error) {
	defer func() { err = errors.Join(err, s.close()) }()
	h, all, err := connect(ctx, s, round)
	if err == nil {
		all.close()
	}
	return h, err
}

// connect has all connect, and says what that cost.
func connect(ctx context.Context, s switchboard, round byte) (h heard, all *audience, err error) {
	before, idle, err := spent(s.pid())
	if err != nil {
		return h, nil, err
	}
	if all, err = gather(ctx, s, round); err != nil {
		return h, nil, err
	}
	err = pass(ctx, 2*time.Second) // what comes with a connection is over
	after, busy, spentErr := spent(s.pid())
	if err = errors.Join(err, spentErr); err != nil {
		all.close()
		return h, nil, err
	}
	h.perConn = float64(after-before) / listeners / 1024
	h.perConnect = float64((busy - idle).Microseconds()) / listeners
	return h, all, nil
}

// spent is the memory that a server and its children hold, in bytes, and the processor time they have had.
func spent(pid int) (memory int64, busy time.Duration, err error) {
	memory, err = anonymous(pid)
	if err != nil {
		return 0, 0, err
	}
	busy, err = cpu(pid)
	return memory, busy, err
}

// audience is everybody who listens to one server.
type audience struct {
	server switchboard
	conns  []*websocket.Conn
	left   atomic.Int64  // who have not heard the shout yet
	all    chan struct{} // the last has
	failed chan error
	wg     sync.WaitGroup
}

func gather(ctx context.Context, s switchboard, round byte) (*audience, error) {
	c := &audience{server: s, conns: make([]*websocket.Conn, listeners), all: make(chan struct{}, 1), failed: make(chan error, 1)}
	url, protocols := s.address()
	var dialling sync.WaitGroup
	next := atomic.Int64{}
	for range 32 * runtime.GOMAXPROCS(0) {
		dialling.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= listeners || ctx.Err() != nil {
					return
				}
				if err := c.listen(ctx, i, url, protocols, net.IPv4(127, 0, round, byte(1+i/1000))); err != nil {
					c.fail(fmt.Errorf("listener %d: %w", i, err))
					return
				}
			}
		})
	}
	dialling.Wait()
	select {
	case err := <-c.failed:
		c.close()
		return nil, err
	default:
		return c, nil
	}
}

func (c *audience) listen(ctx context.Context, i int, url string, protocols []string, from net.IP) error {
	dialer := websocket.Dialer{
		NetDialContext:   (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext,
		HandshakeTimeout: 30 * time.Second, Subprotocols: protocols, ReadBufferSize: 1024, WriteBufferSize: 1024,
	}
	ws, answer, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	_ = answer.Body.Close() // holds nothing
	c.conns[i] = ws
	if tcp, ok := ws.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // ten thousand connections need not wait for their last words
	}
	shouted, err := c.server.greet(ws, i)
	if err != nil {
		return err
	}
	c.wg.Go(func() {
		for {
			_, data, err := ws.ReadMessage()
			if err != nil {
				c.fail(err)
				return
			}
			if shouted(data) && c.left.Add(-1) == 0 {
				c.all <- struct{}{}
			}
		}
	})
	return nil
}

func (c *audience) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// shout gives the time until the last listener heard.
func (c *audience) shout(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c.left.Store(listeners)
	begin := time.Now()
	if err := c.server.shout(ctx); err != nil {
		return 0, err
	}
	select {
	case <-c.all:
		return time.Since(begin), nil
	case err := <-c.failed:
		return 0, err
	case <-ctx.Done():
		return 0, fmt.Errorf("%d did not hear it: %w", c.left.Load(), ctx.Err())
	}
}

func (c *audience) close() {
	for _, ws := range c.conns {
		if ws != nil {
			_ = ws.Close()
		}
	}
	c.wg.Wait()
}

// words is what is shouted: a line of JSON, as that is what all of these carry.
func words() []byte { return []byte(`"` + strings.Repeat("x", payload-2) + `"`) }
