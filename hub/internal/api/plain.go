package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/wire"
)

// plainRoutes are those outside the operations: health, metrics, and the answer to what does not exist.
func (s *Server) plainRoutes() {
	s.handle("GET /livez", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { ok(w) }))
	s.handle("GET /readyz", http.HandlerFunc(s.readyz))
	s.handle("GET /metrics", s.metrics.handler())
	nothing := http.HandlerFunc(s.nothingHere)
	s.handle(Prefix+"/", nothing)
	if s.Pages != nil {
		s.handle("/", s.Pages)
		s.handle("/agent/", nothing)
		s.handle("/debug/", nothing) // where profilers would be: no page, for whoever looks
	} else {
		s.handle("/", nothing)
	}
}

func ok(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever asked is gone when this fails
}

// readyTime bounds the checks: a load balancer asks often and gives up soon.
const readyTime = 3 * time.Second

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	err := s.DB.PingContext(ctx)
	if err == nil {
		// Any name will do: a folder or bucket that cannot be asked gives an error, a missing blob does not.
		_, err = s.Blobs.Has(ctx, "0000000000000000000000000000000000000000000000000000000000000000")
	}
	if err != nil {
		s.write(w, r, errNotReady.With(err))
		return
	}
	ok(w)
}

// nothingHere answers under the prefix what no operation takes: another method, or nothing at all.
func (s *Server) nothingHere(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := r.Clone(r.Context())
		probe.Method = m
		if _, pattern := s.mux.Handler(probe); strings.HasPrefix(pattern, m+" ") {
			allowed = append(allowed, m)
		}
	}
	if len(allowed) == 0 {
		s.write(w, r, errNotFound)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.write(w, r, errMethod)
}

// agentHandler gives the handler of the agents' two websockets.
func (s *Server) agentHandler(path string) http.Handler {
	switch path {
	case wire.LinkPath:
		return s.Link
	case wire.PairPath:
		return s.Pair
	}
	return nil
}
