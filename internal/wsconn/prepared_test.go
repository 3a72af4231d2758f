package wsconn

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/loa-vn/loa/internal/wire"
)

func prepare(t *testing.T, text string) *Prepared {
	t.Helper()
	p, err := Prepare([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPreparedGoesBeforeWhatWaits(t *testing.T) {
	order, busy := prepare(t, "order"), make(chan func(*Prepared) error, 1)
	source := &frames{n: 6, size: wire.MaxFrame}
	source.hook = func(left int) {
		if left == 3 { // the wire is busy, and a message waits
			if err := (<-busy)(order); err != nil {
				t.Error(err)
			}
		}
	}
	listener, _ := serve(t, source, func(ctx context.Context, c *Conn) error {
		busy <- func(p *Prepared) error {
			return errors.Join(c.Send([]byte("plan")), c.SendPrepared(p))
		}
		return untilError(ctx, c)
	})
	conn := dial(t, listener)
	var got []string
	err := conn.Run(t.Context(), nil, func(context.Context) error {
		for len(got) < 8 {
			kind, data, err := conn.Read()
			if err != nil {
				return err
			}
			got = append(got, map[Kind]string{Control: string(data), Frame: "frame"}[kind])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"frame", "frame", "frame", "order", "plan", "frame", "frame", "frame"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A peer whose line is dead answers nothing and reads nothing: whoever sends to a thousand must not wait for it.
func TestPreparedWaitsForNoPeer(t *testing.T) {
	ended, conns := make(chan error, 1), make(chan *Conn, 1)
	server := NewServer(HubOptions())
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		ended <- conn.Run(t.Context(), nil, func(ctx context.Context) error {
			conns <- conn
			return untilError(ctx, conn)
		})
	}))
	defer web.Close()
	bare := websocket.Dialer{Subprotocols: []string{wire.Protocol}}
	ws, _, err := bare.DialContext(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	conn, order := <-conns, prepare(t, strings.Repeat("x", 64<<10))
	var slowest time.Duration
	for range 100 * MaxQueued { // far more than both kernels hold
		began := time.Now()
		err = conn.SendPrepared(order)
		slowest = max(slowest, time.Since(began))
		if err != nil {
			break
		}
	}
	if !errors.Is(err, ErrSlow) {
		t.Errorf("the last message: %v", err)
	}
	if slowest > atOnce/2 {
		t.Errorf("a sender waited %v", slowest)
	}
	if err := <-ended; !errors.Is(err, ErrSlow) {
		t.Errorf("Run ended with %v", err)
	}
}

func TestPreparedOnAnIdleConnectionNeedsNoWriter(t *testing.T) {
	order := prepare(t, "order")
	listener, _ := serve(t, nil, func(ctx context.Context, c *Conn) error {
		for {
			if _, _, err := c.Read(); err != nil {
				return err
			}
			if err := c.SendPrepared(order); err != nil {
				return err
			}
			c.mu.Lock()
			if c.writing || len(c.urgent) > 0 {
				t.Error("a writer was begun")
			}
			c.mu.Unlock()
		}
	})
	conn := dial(t, listener)
	err := conn.Run(t.Context(), nil, func(context.Context) error {
		for range inFlight / len("order") { // the last ones too
			if err := conn.Send([]byte("ask")); err != nil {
				return err
			}
			if _, data, err := conn.Read(); err != nil || string(data) != "order" {
				return errors.Join(err, errors.New("not an order: "+string(data)))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
