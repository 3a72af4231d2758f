package api

import (
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wsconn"
)

// Rate is how often one address may come: so often a second on average, so many at once after a pause. The zero Rate
// is the default, a negative PerSecond no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Rates of a hub. A district's office is one address to the hub, for people behind it and for its clusters, which all
// come back at once when the power does; 50 handshakes a second, each of which may keep its place for 15 s, leave
// others room among push's 1,024 places.
type Rates struct {
	Requests   Rate // of people and programs: 100 a second, 1,000 at once
	Handshakes Rate // of agents: 50 a second, 2,000 at once
}

// loopbackFactor: from loopback comes a proxy, which speaks for everybody, or who is on the hub's machine anyway.
const loopbackFactor = 20

// maxAddresses bounds the memory of a limiter: about 1 MB.
const maxAddresses = 8192

var errRate = problem.New("RATE_LIMITED", http.StatusTooManyRequests,
	"Có quá nhiều yêu cầu từ địa chỉ mạng này. Hãy chờ vài giây rồi thử lại.",
	"Too many requests come from this network address. Wait a few seconds and try again.")

// limiter is a token bucket for each address, kept as the one instant at which it will be full again (GCRA). An address
// whose bucket is full needs no memory. When maxAddresses are in use, those not seen lately share one bucket: an attack
// from very many addresses slows strangers, and neither the hub nor those who are at work.
// It is safe for concurrent use.
type limiter struct {
	rate Rate
	now  func() time.Time

	mu     sync.Mutex
	full   map[netip.Addr]time.Time
	shared time.Time
	swept  time.Time
}

func newLimiter(r, byDefault Rate, now func() time.Time) *limiter {
	if r == (Rate{}) {
		r = byDefault
	}
	return &limiter{rate: r, now: now, full: map[netip.Addr]time.Time{}}
}

// take says whether the address may come now, and if not, after how long.
func (l *limiter) take(remote string) (wait time.Duration, ok bool) {
	if l.rate.PerSecond < 0 {
		return 0, true
	}
	addr, loopback := station(remote)
	perSecond, burst := l.rate.PerSecond, float64(l.rate.Burst)
	if loopback {
		perSecond, burst = perSecond*loopbackFactor, burst*loopbackFactor
	}
	each := time.Duration(float64(time.Second) / perSecond)
	whole := time.Duration(burst * float64(each))
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	at, known := l.full[addr]
	alone := known || l.room(now)
	if !alone {
		at = l.shared
	}
	// Later than an empty bucket takes to fill: the clock was set back.
	if at.Before(now) || at.Sub(now) > whole {
		at = now
	}
	if at = at.Add(each); at.Sub(now) > whole {
		return at.Sub(now) - whole, false
	}
	if alone {
		l.full[addr] = at
	} else {
		l.shared = at
	}
	return 0, true
}

// room makes room for one more address, if it can; it looks once a second.
func (l *limiter) room(now time.Time) bool {
	if len(l.full) < maxAddresses {
		return true
	}
	if since := now.Sub(l.swept); since >= 0 && since < time.Second {
		return false
	}
	l.swept = now
	for addr, at := range l.full {
		if !at.After(now) {
			delete(l.full, addr)
		}
	}
	return len(l.full) < maxAddresses
}

// station is what counts as one address: an IPv6 customer has a whole /64 (RFC 6177).
func station(remote string) (addr netip.Addr, loopback bool) {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		p, _ := addr.Prefix(64) // IPv6 has 128 bits
		addr = p.Addr()
	}
	return addr, addr.IsLoopback()
}

// limited answers in place of next when the address came too often.
func (s *Server) limited(w http.ResponseWriter, r *http.Request) bool {
	agent := s.agentHandler(r.URL.Path) != nil
	l := s.requests
	if agent {
		l = s.handshakes
	}
	wait, ok := l.take(s.origin(r))
	if ok {
		return false
	}
	securityHeaders(w.Header())
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	if agent {
		_ = wsconn.Refuse(w, errRate) // the answer is all there is to do
		return true
	}
	s.begin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.write(w, r, errRate) })).ServeHTTP(w, r)
	return true
}
