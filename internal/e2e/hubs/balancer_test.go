package hubs

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// balancer is what stands before hubs: it gives a connection to the one it likes best of those that answer.
type balancer struct {
	url string

	mu    sync.Mutex
	first *hub
	hubs  []*hub
}

func newBalancer(t *testing.T, hubs []*hub) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{url: "http://" + l.Addr().String(), first: hubs[0], hubs: hubs}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { b.serve(ctx, in) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close() // it only listens
		serving.Wait()
	})
	return b
}

// prefer has the next connections go to a hub.
func (b *balancer) prefer(h *hub) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.first = h
}

func (b *balancer) serve(ctx context.Context, in net.Conn) {
	defer in.Close()
	out := b.dial(ctx)
	if out == nil {
		return
	}
	defer out.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = in.Close(), out.Close() })
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(out, in) // either end may break it
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
	_ = in.Close()
	<-ended
}

// dial gives nil when no hub answers.
func (b *balancer) dial(ctx context.Context) net.Conn {
	b.mu.Lock()
	order := append([]*hub{b.first}, b.hubs...)
	b.mu.Unlock()
	for _, h := range order {
		out, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", strings.TrimPrefix(h.url, "http://"))
		if err == nil {
			return out
		}
	}
	return nil
}
