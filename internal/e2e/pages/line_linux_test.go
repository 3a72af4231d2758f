package pages

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// line is the way from the browser to the hub, and whoever posts to its switch cuts it (/down) or mends it (/up): a
// browser's own "offline" leaves streams that are open alone.
type line struct {
	net.Listener
	to    string // the hub's address
	tasks sync.WaitGroup
	mu    sync.Mutex
	down  bool
	open  map[net.Conn]bool
}

// newLine gives the page's address and the switch's; both end with the test.
func newLine(t *testing.T, to string) (page, control string) {
	t.Helper()
	in, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: in, to: to, open: map[net.Conn]bool{}}
	l.tasks.Go(l.accept)
	ctl := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { l.set(r.URL.Path == "/down") }))
	t.Cleanup(func() {
		ctl.Close()
		_ = l.Close()
		l.set(true)
		l.tasks.Wait()
	})
	return "http://" + in.Addr().String(), ctl.URL
}

// set cuts or mends the line; cut, it loses what is open and takes nothing new.
func (l *line) set(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
	if down {
		for c := range l.open {
			_ = c.Close()
		}
	}
}

func (l *line) accept() {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		l.tasks.Go(func() { l.carry(c) })
	}
}

func (l *line) carry(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	defer l.forget(in, out)
	if !l.keep(in, out) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(in, out)
		_ = in.Close() // ends the other direction too
	})
	_, _ = io.Copy(out, in)
	_ = out.Close()
	back.Wait()
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
	}
	return !l.down
}

func (l *line) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.open, c)
	}
}
