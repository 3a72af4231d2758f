package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/bus"
)

// listener reads a stream of events over a real connection.
type listener struct {
	lines *bufio.Scanner
	close func()
}

func (b *bench) listen(t *testing.T, url, person, last string) *listener {
	t.Helper()
	return b.listenAs(t, url, "Authorization", "Bearer "+b.tokens[person], "Last-Event-ID", last)
}

// listenAs opens a stream with headers.
func (b *bench) listenAs(t *testing.T, url string, header ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/api/v1/events", nil)
	check(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	check(t, err)
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	l := &listener{lines: bufio.NewScanner(resp.Body), close: func() { resp.Body.Close(); cancel() }}
	t.Cleanup(l.close)
	l.until(t, ": loa")
	return l
}

// until gives the lines up to the first that holds text.
func (l *listener) until(t *testing.T, text string) []string {
	t.Helper()
	var seen []string
	for l.lines.Scan() {
		seen = append(seen, l.lines.Text())
		if strings.Contains(l.lines.Text(), text) {
			return seen
		}
	}
	t.Fatalf("the stream ended before %q: %q", text, seen)
	return nil
}

// ends gives what came until the hub ended the stream.
func (l *listener) ends(t *testing.T) string {
	t.Helper()
	var seen []string
	for l.lines.Scan() {
		seen = append(seen, l.lines.Text())
	}
	if err := l.lines.Err(); err != nil {
		t.Errorf("the stream did not end by itself: %v", err)
	}
	return strings.Join(seen, "\n")
}

// running starts a server and its Run, and ends both with the test.
func (b *bench) running(t *testing.T) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	srv := httptest.NewServer(b.Handler())
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
		srv.Close() // waits for every stream: they end because Run did
		http.DefaultClient.CloseIdleConnections()
	})
	return srv.URL
}

func TestEventsShowOnlyOwnAreas(t *testing.T) {
	b := newBench(t)
	url := b.running(t)
	admin, viewer := b.listen(t, url, "admin", ""), b.listen(t, url, "viewer-b", "")
	for _, e := range []bus.Event{{Topic: bus.Report, Area: "xa-a", ID: "r-a"}, {Topic: bus.Report, Area: "xa-b", ID: "r-b"},
		{Topic: bus.Alarm, ID: "hub"}, {Topic: bus.Report, Area: "tinh", ID: "r-tinh"}, {Topic: bus.Report, Area: "xa-b", ID: "last"}} {
		b.ring.add(e)
	}
	all := strings.Join(admin.until(t, `"last"`), "\n")
	for _, id := range []string{"r-a", "r-b", "hub", "r-tinh"} {
		if !strings.Contains(all, `"`+id+`"`) {
			t.Errorf("the admin misses %s in\n%s", id, all)
		}
	}
	own := strings.Join(viewer.until(t, `"last"`), "\n")
	if !strings.Contains(own, "r-b") || strings.Contains(own, "r-a") || strings.Contains(own, "hub") || strings.Contains(own, "r-tinh") {
		t.Errorf("the viewer of xa-b sees\n%s", own)
	}
}

func TestEventsResumeAndLag(t *testing.T) {
	b := newBench(t)
	url := b.running(t)
	first := b.listen(t, url, "admin", "")
	b.ring.add(bus.Event{Topic: bus.Report, ID: "one"})
	lines := first.until(t, `"one"`)
	id := strings.TrimPrefix(lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "id: ") })], "id: ")
	first.close()
	b.ring.add(bus.Event{Topic: bus.Report, ID: "two"})
	if got := strings.Join(b.listen(t, url, "admin", id).until(t, `"two"`), "\n"); strings.Contains(got, "lagged") || strings.Contains(got, `"one"`) {
		t.Errorf("resumed with\n%s", got)
	}
	b.listen(t, url, "admin", "other-1").until(t, "event: lagged")
	b.listen(t, url, "admin", "nonsense").until(t, "event: lagged")
	for range ringSize + 1 {
		b.ring.add(bus.Event{Topic: bus.Report, ID: "more"})
	}
	b.listen(t, url, "admin", id).until(t, "event: lagged")
}

// 500 clusters a second that say something new are ten writes to a page, not 500.
func TestAStreamRestsBehindWhatItWrote(t *testing.T) {
	b := newBench(t)
	l := b.listen(t, b.running(t), "admin", "")
	began := time.Now()
	for i := range 5 {
		id := fmt.Sprintf("report-%d", i)
		b.ring.add(bus.Event{Topic: bus.Report, ID: id})
		l.until(t, `"`+id+`"`)
	}
	if took := time.Since(began); took < 4*gather {
		t.Errorf("5 events, each behind the one before it, came within %v", took)
	}
}

func TestBusReachesTheStream(t *testing.T) {
	b := newBench(t)
	url := b.running(t)
	l := b.listen(t, url, "admin", "")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	go func() { // Run may not have subscribed yet: told until it was heard
		for ctx.Err() == nil {
			b.Bus.Publish(bus.Event{Topic: bus.Pairing, ID: "p"})
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	l.until(t, "event: pairing")
}
