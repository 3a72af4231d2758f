package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// requestInfo goes with a request through all its handlers.
type requestInfo struct {
	id      string
	origin  string // network address it came from
	english bool
}

type requestKey struct{}

func info(ctx context.Context) requestInfo {
	if r, ok := ctx.Value(requestKey{}).(*requestInfo); ok {
		return *r
	}
	return requestInfo{}
}

func requestID(ctx context.Context) string { return info(ctx).id }

// Deadlines: of a request's body as a whole, where an upload does not set its own, and of each piece of an upload
// or an answer. What an operation takes in between is its own matter.
const (
	readTime  = 30 * time.Second
	pieceTime = 60 * time.Second
)

// csp allows nothing: answers of the api are no pages. Whoever serves pages sets what they need.
const csp = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// securityHeaders are on every answer.
func securityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// begin gives a request its id, its language and its deadlines.
func (s *Server) begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.Must(uuid.NewV7()).String()
		ri := &requestInfo{id: id, origin: s.origin(r), english: wantsEnglish(r.Header.Get("Accept-Language"))}
		securityHeaders(w.Header())
		w.Header().Set("X-Request-Id", id)
		if strings.HasPrefix(r.URL.Path, Prefix+"/") {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Add("Vary", "Accept-Language")
		}
		rc := http.NewResponseController(w)
		// Where nothing is read any more, a read deadline that passes would end the request's context (net/http).
		if r.Body != http.NoBody {
			_ = rc.SetReadDeadline(time.Now().Add(readTime)) // test writers have no deadlines
		}
		next.ServeHTTP(&patient{ResponseWriter: w, rc: rc}, r.WithContext(context.WithValue(r.Context(), requestKey{}, ri)))
	})
}

// patient gives every piece of an answer its own deadline: a slow line is no reason to end it, a dead one is.
type patient struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (p *patient) WriteHeader(status int) {
	p.extend()
	p.ResponseWriter.WriteHeader(status)
}

func (p *patient) Write(b []byte) (int, error) {
	p.extend()
	return p.ResponseWriter.Write(b)
}

func (p *patient) extend() {
	_ = p.rc.SetWriteDeadline(time.Now().Add(pieceTime)) // test writers have no deadlines
}

// Unwrap lets http.ResponseController through.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// origin is the address a request came from: the peer's, or, where the peer is the hub's own proxy, what that one wrote
// last into X-Forwarded-For. Anybody else's X-Forwarded-For is not believed: anybody can write one.
func (s *Server) origin(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil || !s.Proxy.IsValid() || peer.Unmap() != s.Proxy {
		return host
	}
	forwarded := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	last := strings.TrimSpace(forwarded[strings.LastIndexByte(forwarded, ',')+1:])
	if ip, err := netip.ParseAddr(last); err == nil {
		return ip.String()
	}
	return host
}

// watch counts and logs each request, and turns a panic into an answer.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		start := s.Now()
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares the same way
					panic(cause)
				}
				s.Log.ErrorContext(r.Context(), "request panicked", "request", requestID(r.Context()), "cause", cause, "stack", string(debug.Stack()))
				if rec.status != 0 {
					panic(http.ErrAbortHandler) // half an answer is out: only closing tells the truth
				}
				s.write(rec, r, errInternal)
			}
			s.metrics.request(r, rec.status)
			s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("request", requestID(r.Context())), slog.String("from", info(r.Context()).origin),
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", rec.status), slog.Duration("took", s.Now().Sub(start)))
		}()
		next.ServeHTTP(rec, r)
	})
}

// plainText refuses an address that holds what no text of ours has: NUL, on which the database fails, and bytes
// that are no UTF-8.
func (s *Server) plainText(next http.Handler) http.Handler {
	plain := func(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if err != nil || strings.Contains(r.URL.RawQuery, ";") || !plain(query) || !plain(r.URL.Path) {
			s.write(w, r, errAddress)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
