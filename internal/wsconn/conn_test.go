package wsconn

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn/pipe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs handle for each connection a hub gets; the error of Run comes on the channel.
func serve(t *testing.T, chunks ChunkSource, read func(context.Context, *Conn) error) (*pipe.Listener, <-chan error) {
	t.Helper()
	listener, ended := pipe.Listen(), make(chan error, 8)
	server := NewServer(HubOptions())
	ctx, cancel := context.WithCancel(t.Context())
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			ended <- err
			return
		}
		ended <- conn.Run(ctx, chunks, func(ctx context.Context) error { return read(ctx, conn) })
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = web.Serve(listener) }()
	t.Cleanup(func() { cancel(); _ = web.Close(); <-served })
	return listener, ended
}

func dial(t *testing.T, p *pipe.Listener) *Conn {
	t.Helper()
	conn, err := Dial(t.Context(), "ws://hub"+wire.LinkPath, DialOptions{Options: AgentOptions(), NetDial: p.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func untilError(_ context.Context, c *Conn) error {
	for {
		if _, _, err := c.Read(); err != nil {
			return err
		}
	}
}

func TestMessagesBothWays(t *testing.T) {
	listener, ended := serve(t, nil, func(_ context.Context, c *Conn) error {
		for range 3 {
			_, data, err := c.Read()
			if err != nil {
				return err
			}
			if err := c.Send(bytes.ToUpper(data)); err != nil {
				return err
			}
		}
		c.Close(CloseRefused, "enough")
		return nil
	})
	conn := dial(t, listener)
	long := strings.Repeat("x", wire.MaxControl)
	var got []string
	err := conn.Run(t.Context(), nil, func(context.Context) error {
		for _, s := range []string{"one", long, "three"} {
			if err := conn.Send([]byte(s)); err != nil {
				return err
			}
		}
		for {
			_, data, err := conn.Read()
			if err != nil {
				return err
			}
			got = append(got, string(data))
		}
	})
	var closed *Closed
	if !errors.As(err, &closed) || closed.Code != CloseRefused || closed.Text != "enough" {
		t.Errorf("agent's Run ended with %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("hub's Run ended with %v", err)
	}
	if len(got) != 3 || got[0] != "ONE" || len(got[1]) != wire.MaxControl || got[2] != "THREE" {
		t.Errorf("got %d messages", len(got))
	}
}

// frames gives n frames, then nothing.
type frames struct {
	n    int
	size int
	hook func(left int)
}

func (f *frames) NextFrame() ([]byte, error) {
	if f.n == 0 {
		return nil, nil
	}
	f.n--
	if f.hook != nil {
		f.hook(f.n)
	}
	return bytes.Repeat([]byte{byte(f.n)}, f.size), nil
}

func TestControlGoesBeforeChunks(t *testing.T) {
	send := make(chan func([]byte) error, 1)
	source := &frames{n: 10, size: wire.MaxFrame}
	source.hook = func(left int) {
		if left == 7 { // while the third frame is being got, an order comes
			if err := (<-send)([]byte("order")); err != nil {
				t.Error(err)
			}
		}
	}
	listener, _ := serve(t, source, func(ctx context.Context, c *Conn) error {
		send <- c.Send
		return untilError(ctx, c)
	})
	conn := dial(t, listener)
	var order []string
	err := conn.Run(t.Context(), nil, func(context.Context) error {
		for len(order) < 11 {
			kind, _, err := conn.Read()
			if err != nil {
				return err
			}
			order = append(order, map[Kind]string{Control: "order", Frame: "frame"}[kind])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if at := slices.Index(order, "order"); at != 3 {
		t.Errorf("the order came at place %d of %v", at, order)
	}
}

func TestServeNeedsNoWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &frames{size: wire.MaxFrame}
		const rounds, each = 3, 2
		listener, ended := serve(t, source, func(_ context.Context, c *Conn) error {
			for {
				if _, _, err := c.Read(); err != nil {
					return err
				}
				synctest.Wait() // the writer that looked at the beginning has ended
				source.n = each
				c.Serve()
				c.mu.Lock()
				if c.writing || c.more || source.n > 0 {
					t.Errorf("%d frames are left to another writer", source.n)
				}
				c.mu.Unlock()
			}
		})
		conn := dial(t, listener)
		err := conn.Run(t.Context(), nil, func(context.Context) error {
			for range rounds {
				if err := conn.Send([]byte("got")); err != nil {
					return err
				}
				for range each {
					if kind, _, err := conn.Read(); err != nil || kind != Frame {
						return errors.Join(err, errors.New("not a frame"))
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		var closed *Closed
		if err := <-ended; !errors.As(err, &closed) {
			t.Errorf("hub's Run ended with %v", err)
		}
	})
}

// Who writes already takes what Serve found, before it ends, while the reader reads on.
func TestServeBesideAWriter(t *testing.T) {
	reads, served := make(chan struct{}), make(chan struct{})
	source := &frames{n: 2, size: wire.MaxFrame}
	source.hook = func(left int) {
		if left == 0 { // a writer is at work, and has asked for what it believes is the last frame
			close(reads)
			<-served
			source.hook, source.n = nil, 3
		}
	}
	listener, _ := serve(t, source, func(ctx context.Context, c *Conn) error {
		<-reads
		c.Serve()
		close(served)
		return untilError(ctx, c)
	})
	conn := dial(t, listener)
	err := conn.Run(t.Context(), nil, func(context.Context) error {
		for range 5 {
			if _, _, err := conn.Read(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Whoever recovers a panic of what the reader writes finds the connection ended, also where it was being closed.
func TestServePanics(t *testing.T) {
	for name, before := range map[string]func(*Conn){"open": func(*Conn) {}, "closing": func(c *Conn) { c.Close(CloseAway, "") }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &frames{size: wire.MaxFrame}
				listener, ended := serve(t, source, func(_ context.Context, c *Conn) error {
					synctest.Wait() // the writer has found nothing
					source.n, source.hook = 1, func(int) { before(c); panic("a fault") }
					defer func() { _ = recover() }()
					c.Serve()
					return nil
				})
				conn := dial(t, listener)
				_ = conn.Run(t.Context(), nil, func(ctx context.Context) error { return untilError(ctx, conn) }) // it is cut off
				if err := <-ended; !errors.Is(err, errPanicked) {
					t.Errorf("hub's Run ended with %v", err)
				}
			})
		})
	}
}

func TestRefusedBeforeUpgrade(t *testing.T) {
	tests := map[string]struct {
		header http.Header
		code   string
	}{
		"no subprotocol":      {http.Header{}, "PROTOCOL_VERSION"},
		"another subprotocol": {http.Header{"Sec-Websocket-Protocol": {"loa.v9"}}, "PROTOCOL_VERSION"},
		"a browser":           {http.Header{"Origin": {"http://hub"}, "Sec-Websocket-Protocol": {wire.Protocol}}, "ORIGIN_REFUSED"},
		"an empty origin":     {http.Header{"Origin": {""}, "Sec-Websocket-Protocol": {wire.Protocol}}, "ORIGIN_REFUSED"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listener, ended := serve(t, nil, untilError)
			bare := websocket.Dialer{NetDialContext: listener.Dial}
			_, answer, err := bare.DialContext(t.Context(), "ws://hub/", test.header)
			if !errors.Is(err, websocket.ErrBadHandshake) {
				t.Fatalf("dial: %v", err)
			}
			var p *problem.Error
			if !errors.As(refusal(answer), &p) || p.Code != test.code || p.VI == "" || p.EN == "" {
				t.Errorf("agent reads %+v", p)
			}
			if err := <-ended; !errors.As(err, &p) || p.Code != test.code {
				t.Errorf("hub says %v", err)
			}
		})
	}
}

func TestPeerWithoutSubprotocolIsRefusedByAgent(t *testing.T) {
	listener := pipe.Listen()
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bare := websocket.Upgrader{}
		if ws, err := bare.Upgrade(w, r, nil); err == nil {
			_, _, _ = ws.ReadMessage()
			_ = ws.Close()
		}
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = web.Serve(listener) }()
	t.Cleanup(func() { _ = web.Close(); <-served })
	_, err := Dial(t.Context(), "ws://hub/", DialOptions{Options: AgentOptions(), NetDial: listener.Dial})
	if !errors.Is(err, ProtocolVersion()) {
		t.Errorf("dial: %v", err)
	}
}

func TestHostilePeer(t *testing.T) {
	tests := map[string]struct {
		kind int
		data []byte
		want error
	}{
		"control over the limit":  {websocket.TextMessage, make([]byte, wire.MaxControl+1), wire.ErrTooLarge},
		"anything over the limit": {websocket.TextMessage, make([]byte, 1<<20), wire.ErrTooLarge},
		"a frame for the hub":     {websocket.BinaryMessage, []byte("x"), ErrKind},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listener, ended := serve(t, nil, untilError)
			bare := websocket.Dialer{NetDialContext: listener.Dial, Subprotocols: []string{wire.Protocol}}
			ws, _, err := bare.DialContext(t.Context(), "ws://hub/", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.Close()
			go func() {
				for {
					if _, _, err := ws.NextReader(); err != nil {
						return
					}
				}
			}()
			_ = ws.WriteMessage(test.kind, test.data)                                     // may fail: the hub closes before all is read
			_ = ws.WriteControl(websocket.CloseMessage, nil, time.Now().Add(time.Second)) // a hub that took it would wait for more
			if err := <-ended; !errors.Is(err, test.want) {
				t.Errorf("hub's Run ended with %v", err)
			}
		})
	}
}

// Whoever answers has all of the handshake's time to speak, and the agent's PC has little memory.
func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	listener := pipe.Listen()
	written := make(chan int, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		go func() { _, _ = io.Copy(io.Discard, conn) }() // the request
		line, n := []byte("X-More: "+strings.Repeat("x", 8<<10)+"\r\n"), 0
		_, err = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\n"))
		for ; err == nil && n < 16<<20; n += len(line) {
			_, err = conn.Write(line)
		}
		written <- n
	}()
	_, err := Dial(t.Context(), "ws://hub/", DialOptions{Options: AgentOptions(), NetDial: listener.Dial})
	if n := <-written; err == nil || n > 1<<20 {
		t.Errorf("%d bytes of an answer were taken, %v", n, err)
	}
}

func TestSilentPeerIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, ended := serve(t, nil, untilError)
		bare := websocket.Dialer{NetDialContext: listener.Dial, Subprotocols: []string{wire.Protocol}}
		ws, _, err := bare.DialContext(t.Context(), "ws://hub/", nil)
		if err != nil {
			t.Fatal(err)
		}
		pings := 0
		ws.SetPingHandler(func(string) error { pings++; return nil }) // hears them, answers none
		read := make(chan struct{})
		go func() {
			defer close(read)
			for {
				if _, _, err := ws.NextReader(); err != nil {
					return
				}
			}
		}()
		began := time.Now()
		if err := <-ended; !errors.Is(err, ErrSilent) {
			t.Errorf("hub's Run ended with %v", err)
		}
		after := time.Since(began)
		_ = ws.Close()
		<-read
		if after != 50*time.Second || pings != 2 {
			t.Errorf("found after %v and %d pings", after, pings)
		}
	})
}

func TestPingsKeepAnIdleLinkForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener, ended := serve(t, nil, untilError)
		conn := dial(t, listener)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		if err := conn.Run(ctx, nil, func(ctx context.Context) error { return untilError(ctx, conn) }); err != nil {
			t.Errorf("agent's Run ended with %v", err)
		}
		if ctx.Err() == nil {
			t.Error("the link ended before its time")
		}
		var closed *Closed
		if err := <-ended; !errors.As(err, &closed) || closed.Code != CloseAway {
			t.Errorf("hub's Run ended with %v", err)
		}
	})
}

func TestAgentFindsASilentHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stall := make(chan struct{})
		listener, _ := serve(t, nil, func(context.Context, *Conn) error { <-stall; return nil })
		conn := dial(t, listener)
		conn.o.Patience = 15 * time.Second // less than the hub's pings take
		err := conn.Run(t.Context(), nil, func(ctx context.Context) error { return untilError(ctx, conn) })
		if !errors.Is(err, ErrSilent) {
			t.Errorf("agent's Run ended with %v", err)
		}
		close(stall)
	})
}

func TestSlowReaderIsDropped(t *testing.T) {
	tests := map[string]struct {
		chunks ChunkSource
		fill   bool
		serve  bool
	}{
		"its queue fills":                      {fill: true},
		"it reads nothing of a frame":          {chunks: &frames{n: 1000, size: wire.MaxFrame}},
		"both at once":                         {chunks: &frames{n: 1000, size: wire.MaxFrame}, fill: true},
		"it reads nothing of a reader's frame": {chunks: &frames{size: wire.MaxFrame}, serve: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := make(chan int, 1)
				listener, ended := serve(t, test.chunks, func(ctx context.Context, c *Conn) error {
					n := 0
					for test.fill && c.Send(make([]byte, 1000)) == nil {
						n++
					}
					sent <- n
					if source, ok := test.chunks.(*frames); ok && test.serve {
						synctest.Wait() // the writer has found nothing
						source.n = 1000
						c.Serve()
					}
					return untilError(ctx, c)
				})
				conn := dial(t, listener) // never reads
				if err := <-ended; !errors.Is(err, ErrSlow) {
					t.Errorf("hub's Run ended with %v", err)
				}
				if n := <-sent; n > MaxQueued+1 {
					t.Errorf("%d messages were queued", n)
				}
				conn.Abort(ErrClosed)
			})
		})
	}
}
