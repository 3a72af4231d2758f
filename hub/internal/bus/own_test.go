package bus

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

func newKey(t *testing.T) seal.Key {
	t.Helper()
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// until waits for a condition.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !is(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so in time: %s", what)
		}
	}
}

// logged is what was logged so far.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// TestAStrangerAtTheRoutesGetsNothing: no byte of what hubs tell, whatever is tried at the open port, or where a hub is expected.
func TestAStrangerAtTheRoutesGetsNothing(t *testing.T) {
	t.Parallel()
	at, key := map[string]string{"one": freeAddr(t), "other": freeAddr(t), "stranger": freeAddr(t)}, newKey(t)
	place, err := net.Listen("tcp", freeAddr(t)) // of a hub, where another answers
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	hub := func(key seal.Key, log io.Writer) kind {
		return func(name string) (*Cluster, error) {
			return NewOwn(Own{Listen: at[name], Hubs: []string{at["one"], at["other"], place.Addr().String()}, Key: key}, name, slog.New(slog.NewTextHandler(log, nil)))
		}
	}
	one, _ := join(t, hub(key, io.Discard), "one")
	until(t, "the port is open", func() bool {
		conn, err := net.DialTimeout("tcp", at["one"], patience)
		return err == nil && conn.Close() == nil
	})
	forged, err := routeTLS(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	bare, own := &tls.Config{InsecureSkipVerify: true}, forged.Clone()
	own.InsecureSkipVerify, own.ClientAuth = true, tls.NoClientCert // it asks nobody for anything

	for name, say := range map[string]func(net.Conn) net.Conn{
		"who says nothing":          func(c net.Conn) net.Conn { return c },
		"who speaks HTTP":           func(c net.Conn) net.Conn { return told(t, c, "GET /debug/pprof/ HTTP/1.1\r\nHost: hub\r\n\r\n") },
		"who speaks NATS":           func(c net.Conn) net.Conn { return told(t, c, "CONNECT {}\r\nPING\r\nSUB > 1\r\n") },
		"TLS without a certificate": func(c net.Conn) net.Conn { return told(t, tls.Client(c, bare), "CONNECT {}\r\nPING\r\nSUB > 1\r\n") },
		"TLS with another key":      func(c net.Conn) net.Conn { return told(t, tls.Client(c, own), "CONNECT {}\r\nPING\r\nSUB > 1\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.DialTimeout("tcp", at["one"], patience)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(say(conn))
			if len(got) > 0 && got[0] != 21 { // an alert of TLS (RFC 8446, 5.1) is no answer
				t.Errorf("the hub says %q", got)
			}
			if isTimeout(err) {
				t.Error("the hub does not hang up")
			}
		})
	}
	t.Run("who answers in a hub's place", func(t *testing.T) {
		conn, err := place.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if err := tls.Server(conn, own).HandshakeContext(t.Context()); err == nil || isTimeout(err) {
			t.Errorf("the hub believes that it is one: %v", err)
		}
		place.Close() // those that wait to be answered go on
	})
	t.Run("a hub with another key", func(t *testing.T) {
		var log logged
		stranger, _ := join(t, hub(newKey(t), &log), "stranger")
		until(t, "it is refused", func() bool { return log.has("TLS route handshake error") })
		heard := one.Subscribe(Urgent)
		defer heard.Close()
		other, _ := join(t, hub(key, io.Discard), "other")
		until(t, "a hub with the key is heard", func() bool { return one.Hears("other", patience) && other.Hears("one", patience) })
		stranger.Publish(Event{Topic: Urgent, ID: "false"})
		other.Publish(Event{Topic: Urgent, ID: "true"})
		next(t, heard, func(e Event) bool {
			if e.ID == "false" {
				t.Error("the stranger is heard")
			}
			return e.ID == "true"
		})
		if len(stranger.Peers()) > 0 || one.Hears("stranger", time.Hour) {
			t.Errorf("the stranger hears %v", stranger.Peers())
		}
	})
}

// told says something on a line; whether it went out is no matter.
func told(t *testing.T, c net.Conn, text string) net.Conn {
	t.Helper()
	_, err := io.WriteString(c, text)
	t.Logf("%q: %v", text, err)
	return c
}

func isTimeout(err error) bool {
	var late net.Error
	return errors.As(err, &late) && late.Timeout()
}

// TestARouteThatCarriesNothingIsGivenUp: a hub that lost its power, or a line that lost it, says no end of a connection; a hub
// that hangs takes nothing more from it, and what waits for it must not grow for ever.
func TestARouteThatCarriesNothingIsGivenUp(t *testing.T) {
	for name, fault := range map[string]fault{"it swallows all": swallows, "it takes nothing": takesNothing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			carriesNothing(t, fault)
		})
	}
}

func carriesNothing(t *testing.T, fault fault) {
	at, key := map[string]string{"one": freeAddr(t), "other": freeAddr(t)}, newKey(t)
	line := newLine(t, at["other"])
	var log logged
	hub := func(name string) (*Cluster, error) {
		hubs := map[string]string{"one": line.Addr().String(), "other": at["other"]} // the line is the one way
		return NewOwn(Own{Listen: at[name], Hubs: []string{hubs[name]}, Key: key}, name, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	}
	one, _ := join(t, hub, "one")
	other, _ := join(t, hub, "other")
	both := func() bool { return len(one.Peers()) == 1 && len(other.Peers()) == 1 }
	until(t, "they hear each other", both)
	line.has(fault)
	for range inDepth { // 16 MiB, more than sockets hold
		one.Tell(Event{Topic: Plan, ID: strings.Repeat("x", 4<<10)})
	}
	until(t, "they miss each other", func() bool { return len(one.Peers()) == 0 && len(other.Peers()) == 0 })
	until(t, "the route is given up", func() bool { return log.has("Stale Connection") })
	line.has(none)
	until(t, "they hear each other again", both)
}

// line is a way to a hub that may have a fault.
type line struct {
	net.Listener

	mu      sync.Mutex
	changed *sync.Cond
	fault   fault
}

type fault int

const (
	none fault = iota
	swallows
	takesNothing
)

func (w *line) has(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
	w.changed.Broadcast()
}

// carries waits until the line takes something again, and tells whether it brings it.
func (w *line) carries() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.fault == takesNothing {
		w.changed.Wait()
	}
	return w.fault == none
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &line{Listener: l}
	w.changed = sync.NewCond(&w.mu)
	var carrying sync.WaitGroup
	t.Cleanup(func() { l.Close(); w.has(none); carrying.Wait() })
	carrying.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.DialTimeout("tcp", to, patience)
			if err != nil {
				in.Close()
				continue
			}
			carrying.Go(func() { w.carry(out, in) })
			carrying.Go(func() { w.carry(in, out) })
		}
	})
	return w
}

func (w *line) carry(to, from net.Conn) {
	defer to.Close()
	for buf := make([]byte, 4096); ; {
		n, err := from.Read(buf)
		if err == nil && w.carries() {
			_, err = to.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func TestOwnIsRefusedPlainly(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, listen := range map[string]string{
		"no port": "127.0.0.1", "any port": "127.0.0.1:0", "no number": "127.0.0.1:x", "no address of this machine": "192.0.2.1:4223", "another holds it": taken.Addr().String(),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := NewOwn(Own{Listen: listen, Hubs: []string{"127.0.0.1:1"}, Key: newKey(t)}, "one", slog.New(slog.DiscardHandler))
			if err == nil {
				err = c.Run(t.Context())
			}
			var p *problem.Error
			if !errors.As(err, &p) || p.Code != "BUS_LISTEN" || p.Field != "bus_listen" {
				t.Errorf("%v", err)
			}
		})
	}
}
