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
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/wire"
)

// What the hub says first arrives with its answer to the request, and what it says later behind it.
func TestFirstMessage(t *testing.T) {
	first := bytes.Repeat([]byte("1"), maxFirst)
	later := bytes.Repeat([]byte("2"), wire.MaxControl) // longer than a write buffer: it is written as two pieces
	for name, test := range map[string]struct {
		tls   bool
		on    func(net.Listener) net.Listener
		whole bool
	}{
		"by TCP":          {on: bare, whole: true},
		"by gathered TLS": {tls: true, on: Gather, whole: true},
		"by bare TLS":     {tls: true, on: bare},
	} {
		t.Run(name, func(t *testing.T) {
			server, ended := NewServer(HubOptions()), make(chan error, 1)
			web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, err := server.UpgradeWith(first, w, r)
				if err == nil {
					err = errors.Join(conn.Send(later), conn.Run(t.Context(), nil, func(ctx context.Context) error { return untilError(ctx, conn) }))
				}
				ended <- err
			}))
			sent := &tally{Listener: web.Listener}
			options := DialOptions{Options: AgentOptions()}
			if test.tls {
				web.Listener = test.on(sent)
				web.StartTLS()
				roots := x509.NewCertPool()
				roots.AddCert(web.Certificate())
				options.TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
			} else {
				web.Start()
			}
			defer web.Close()
			conn, err := Dial(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http"), options)
			if err != nil {
				t.Fatal(err)
			}
			err = conn.Run(t.Context(), nil, func(context.Context) error {
				for _, want := range [][]byte{first, later} {
					if _, got, err := conn.Read(); err != nil || !bytes.Equal(got, want) {
						t.Errorf("got %.10q… of %d bytes, want %.10q… of %d, %v", got, len(got), want, len(want), err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var closed *Closed
			if err := <-ended; !errors.As(err, &closed) {
				t.Fatalf("hub's Run ended with %v", err)
			}
			if test.tls { // the answer alone has less than 200 bytes, the message less than 300, the first piece of the next more than 512
				whole := 0
				for _, n := range sent.writes {
					if n > maxFirst+100 && n < 2*maxFirst {
						whole++
					}
				}
				if whole != 0 != test.whole {
					t.Errorf("answer and message left together %d times, in pieces of %v bytes", whole, sent.writes)
				}
			}
		})
	}
}

// By TCP the answer is held, too; from outside that cannot be told from two pieces that arrived together.
func TestAnswerByTCPIsHeld(t *testing.T) {
	server := NewServer(HubOptions())
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := &answer{ResponseWriter: w}
		conn, err := server.Upgrade(a, r)
		if err != nil {
			t.Error(err)
			return
		}
		if l, ok := a.held.(*late); !ok || !bytes.HasPrefix(*l.held, []byte("HTTP/1.1 101 ")) {
			t.Errorf("held is %+v", a.held)
		}
		conn.Abort(a.held.release(errors.New("no more of it")))
	}))
	defer web.Close()
	if conn, err := Dial(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http"), DialOptions{Options: AgentOptions()}); err == nil {
		conn.Abort(ErrClosed)
		t.Error("what was held has arrived")
	}
}

func bare(l net.Listener) net.Listener { return l }

func TestFirstMessageTooLong(t *testing.T) {
	if _, err := NewServer(HubOptions()).UpgradeWith(make([]byte, maxFirst+1), nil, nil); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("taken: %v", err)
	}
}
