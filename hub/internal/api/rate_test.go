package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/internal/wire"
)

// stand is a limiter whose time stands still until it is told.
func stand(r Rate) (*limiter, *time.Time) {
	now := time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)
	return newLimiter(r, Rate{}, func() time.Time { return now }), &now
}

// count is how many of n the limiter takes at this instant.
func count(l *limiter, remote string, n int) (taken int, wait time.Duration) {
	for range n {
		w, ok := l.take(remote)
		if ok {
			taken++
		} else {
			wait = w
		}
	}
	return taken, wait
}

func TestBuckets(t *testing.T) {
	l, now := stand(Rate{PerSecond: 10, Burst: 20})
	if n, wait := count(l, "192.0.2.1", 100); n != 20 || wait != 100*time.Millisecond {
		t.Errorf("at once: %d, wait %v", n, wait)
	}
	if n, _ := count(l, "192.0.2.2", 100); n != 20 {
		t.Errorf("another address: %d", n)
	}
	*now = now.Add(time.Second)
	if n, _ := count(l, "192.0.2.1", 100); n != 10 {
		t.Errorf("a second later: %d", n)
	}
	*now = now.Add(time.Hour)
	if n, _ := count(l, "192.0.2.1", 100); n != 20 {
		t.Errorf("after a pause: %d", n)
	}
	*now = now.Add(-24 * time.Hour)
	if n, _ := count(l, "192.0.2.1", 100); n == 0 {
		t.Error("a clock that was set back locks everybody out")
	}
	for _, pair := range [][2]string{{"2001:db8::1", "2001:db8::2"}, {"192.0.2.9", "::ffff:192.0.2.9"}, {"no address", "none either"}} {
		if n, _ := count(l, pair[0], 100); n != 20 {
			t.Errorf("%s: %d", pair[0], n)
		}
		if n, _ := count(l, pair[1], 100); n != 0 {
			t.Errorf("%s and %s are two", pair[0], pair[1])
		}
	}
	if n, _ := count(l, "127.0.0.1", 1000); n != 20*loopbackFactor {
		t.Errorf("loopback: %d", n)
	}
	if n, _ := count(l, "::1", 1000); n != 20*loopbackFactor {
		t.Errorf("loopback in IPv6: %d", n)
	}
}

// Very many addresses cost bounded memory, and those that are at work nothing.
func TestBucketsAreBounded(t *testing.T) {
	l, now := stand(Rate{PerSecond: 1, Burst: 5})
	count(l, "192.0.2.1", 1)
	taken := 0
	for i := range 3 * maxAddresses {
		n, _ := count(l, fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), 1)
		taken += n
	}
	if len(l.full) > maxAddresses {
		t.Errorf("%d addresses are kept", len(l.full))
	}
	if want := maxAddresses - 1 + 5; taken != want { // the rest share one bucket
		t.Errorf("%d were let in, want %d", taken, want)
	}
	if n, _ := count(l, "192.0.2.1", 10); n != 4 {
		t.Errorf("who was there before: %d", n)
	}
	*now = now.Add(time.Minute)
	if n, _ := count(l, "192.0.2.77", 10); n != 5 || len(l.full) > 2 {
		t.Errorf("when it is over: %d, %d kept", n, len(l.full))
	}
}

func TestTooManyRequests(t *testing.T) {
	b := newBench(t)
	b.requests, b.handshakes = newLimiter(Rate{1, 2}, Rate{}, time.Now), newLimiter(Rate{1, 3}, Rate{}, time.Now)
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "http://hub"+path, http.NoBody)
		r.Header.Set("Accept-Language", "en")
		b.Handler().ServeHTTP(w, r)
		return w
	}
	for path, burst := range map[string]int{"/api/v1/me": 2, wire.LinkPath: 3} {
		for i := range burst {
			if w := ask(path); w.Code == http.StatusTooManyRequests {
				t.Errorf("%s: refused at %d", path, i+1)
			}
		}
		w := ask(path)
		after, err := strconv.Atoi(w.Header().Get("Retry-After"))
		if w.Code != http.StatusTooManyRequests || codeOf(w.Body.String()) != "RATE_LIMITED" || err != nil || after < 1 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
}

// Behind the hub's own proxy who guesses codes of pairings keeps nobody else from pairing.
func TestPairingIsLimitedByTheAddressBehindTheProxy(t *testing.T) {
	b := newBench(t)
	flt, err := fleet.Open(t.Context(), fleet.Options{DB: b.DB, Events: b.Bus, Log: b.Log, Now: time.Now,
		Trust: func(context.Context) ([][]byte, error) { return nil, nil }}) // so that every attempt comes to nothing
	check(t, err)
	b.Pair, b.Proxy = flt.PairHandler(), netip.MustParseAddr("127.0.0.1")
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	pair := func(from string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+wire.PairPath, http.NoBody)
		check(t, err)
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"bG9hIGxvYSBsb2EgbG9hIQ=="}, "Sec-Websocket-Protocol": {wire.Protocol}, "X-Forwarded-For": {from}}
		answer, err := http.DefaultClient.Do(r)
		check(t, err)
		check(t, answer.Body.Close())
		return answer.StatusCode
	}
	tries := 1
	for ; pair("10.0.0.1") == http.StatusSwitchingProtocols; tries++ {
		if tries > 1000 {
			t.Fatal("nobody is limited")
		}
	}
	if status := pair("10.0.0.2"); status != http.StatusSwitchingProtocols {
		t.Errorf("after %d tries from another address: %d", tries, status)
	}
}

// A district of two thousand clusters behind one address comes back at once after a power cut.
func TestTheDefaultsLetADistrictIn(t *testing.T) {
	s := New(Deps{Accounts: newBench(t).Accounts, Metrics: NewMetrics(), Now: time.Now})
	if n, _ := count(s.handshakes, "192.0.2.1", 2000); n != 2000 {
		t.Errorf("%d of a district's clusters", n)
	}
	if n, _ := count(s.handshakes, "127.0.0.1", 19000); n != 19000 {
		t.Errorf("%d of a simulated fleet", n)
	}
	if n, _ := count(s.requests, "192.0.2.1", 1000); n != 1000 {
		t.Errorf("%d requests of an office", n)
	}
}
