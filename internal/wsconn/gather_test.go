package wsconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loa-vn/loa/internal/wire"
)

// tally notes how many bytes each write of its connections has.
type tally struct {
	net.Listener

	mu     sync.Mutex
	writes []int
}

type tallied struct {
	net.Conn
	of *tally
}

func (l *tally) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &tallied{conn, l}, err
}

func (c *tallied) Write(p []byte) (int, error) {
	c.of.mu.Lock()
	c.of.writes = append(c.of.writes, len(p))
	c.of.mu.Unlock()
	return c.Conn.Write(p)
}

func (l *tally) larger(than int) []int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.writes), func(n int) bool { return n <= than })
}

// TLS cuts what it is given into records. A frame leaves as one piece all the same, with what comes before and after it in
// its place, and where TLS is not gathered nothing is held back.
func TestFramesByTLSAreWhole(t *testing.T) {
	const n = 5
	for name, test := range map[string]struct {
		on    func(net.Listener) net.Listener
		whole bool
	}{
		"gathered": {Gather, true},
		"bare":     {func(l net.Listener) net.Listener { return l }, false},
	} {
		t.Run(name, func(t *testing.T) {
			server, source, send := NewServer(HubOptions()), &frames{n: n, size: wire.MaxFrame}, make(chan func([]byte) error, 1)
			source.hook = func(left int) {
				if left == 2 { // while the third frame is being got, an order comes
					if err := (<-send)([]byte("order")); err != nil {
						t.Error(err)
					}
				}
			}
			ended := make(chan error, 1)
			web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, err := server.Upgrade(w, r)
				if err != nil {
					ended <- err
					return
				}
				send <- conn.Send
				ended <- conn.Run(t.Context(), source, func(ctx context.Context) error { return untilError(ctx, conn) })
			}))
			tally := &tally{Listener: web.Listener}
			web.Listener = test.on(tally)
			web.StartTLS()
			defer web.Close()
			roots := x509.NewCertPool()
			roots.AddCert(web.Certificate())
			conn, err := Dial(t.Context(), "wss"+strings.TrimPrefix(web.URL, "https"), DialOptions{Options: AgentOptions(), TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			left := n
			err = conn.Run(t.Context(), nil, func(context.Context) error {
				for len(got) < n+1 {
					kind, data, err := conn.Read()
					if err != nil {
						return err
					}
					if kind == Control {
						got = append(got, string(data))
						continue
					}
					if left--; !bytes.Equal(data, bytes.Repeat([]byte{byte(left)}, wire.MaxFrame)) {
						return errors.New("a frame has other bytes")
					}
					got = append(got, "frame")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var closed *Closed
			if err := <-ended; !errors.As(err, &closed) {
				t.Errorf("hub's Run ended with %v", err)
			}
			if want := []string{"frame", "frame", "frame", "order", "frame", "frame"}; !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			pieces := tally.larger(8 << 10)
			whole := len(pieces) == n && slices.Min(pieces) > wire.MaxFrame
			if whole != test.whole {
				t.Errorf("%d frames left in pieces of %v bytes", n, pieces)
			}
		})
	}
}
