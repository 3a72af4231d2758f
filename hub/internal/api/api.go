package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Prefix of every operation.
const Prefix = "/api/v1"

// Deps are the stages a Server shows, and what it needs itself.
type Deps struct {
	Accounts *accounts.Service
	Ingest   *ingest.Service
	Library  *library.Library
	Planner  *planner.Planner
	Orders   *orders.Desk
	Lane     *orders.Lane
	Fleet    *fleet.Fleet
	Alarms   *alarms.Watch
	Evidence *evidence.Log
	DB       *store.DB
	Blobs    store.Blobs
	Bus      bus.Bus
	Metrics  *Metrics

	Uploads store.Parts           // has the uploads that come in pieces
	Room    func() (int64, error) // bytes of the disk that uploads may take; nil for no limit

	Rates Rates // of each address; zero for the default

	Link http.Handler // agents' websocket, wire.LinkPath
	Pair http.Handler // their pairing, wire.PairPath

	Pages http.Handler // everything that is no route of ours; nil for none

	Zone      *time.Location // of the fleet
	PublicURL string         // "" when not known
	TLS       bool           // the hub speaks TLS itself
	Proxy     netip.Addr     // of the proxy before the hub, whose X-Forwarded-For is believed; zero for none
	Version   string         // of this program
	Log       *slog.Logger
	Now       func() time.Time
}

// Server is the hub's HTTP face.
type Server struct {
	Deps
	mux      *http.ServeMux
	huma     huma.API
	sessions *scs.SessionManager
	metrics  *Metrics
	plain    []string // patterns of routes that are no operations
	access   map[string]accounts.Action
	ring     *ring

	requests, handshakes *limiter
	pieces               *pieces
}

// New makes a Server with all its routes.
func New(d Deps) *Server {
	s := &Server{Deps: d, mux: http.NewServeMux(), metrics: d.Metrics, access: access(), ring: newRing(d.Now),
		requests:   newLimiter(d.Rates.Requests, Rate{100, 1000}, d.Now),
		handshakes: newLimiter(d.Rates.Handshakes, Rate{50, 2000}, d.Now)}
	s.sessions = newSessions(d.Accounts.Sessions(), d.TLS || strings.HasPrefix(d.PublicURL, "https://"), s.write)
	s.huma = humago.NewWithPrefix(s.mux, Prefix, s.config())
	s.huma.UseMiddleware(s.guard)
	s.sessionRoutes()
	s.ownRoutes()
	s.peopleRoutes()
	s.setupRoutes()
	s.areaRoutes()
	s.pairingRoutes()
	s.expectedRoutes()
	s.agentRoutes()
	s.fleetRoutes()
	s.alarmRoutes()
	s.reportRoutes()
	s.wordRoutes()
	s.versionRoutes()
	s.pieceRoutes()
	s.broadcastRoutes()
	s.communeRoutes()
	s.calendarRoutes()
	s.readinessRoutes()
	s.urgentRoutes()
	s.playRoutes()
	s.evidenceRoutes()
	s.eventRoutes()
	s.auditRoutes()
	s.plainRoutes()
	return s
}

// config of the library: our formats, our errors, no page that loads from elsewhere.
func (s *Server) config() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	// As the schema is made from Go types, these say what their JSON is.
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	registry.RegisterTypeAlias(reflect.TypeFor[broadcast.Weekdays](), reflect.TypeFor[weekdays]())
	registry.RegisterTypeAlias(reflect.TypeFor[broadcast.TimeOfDay](), reflect.TypeFor[timeOfDay]())
	registry.RegisterTypeAlias(reflect.TypeFor[broadcast.Daypart](), reflect.TypeFor[daypart]())
	registry.RegisterTypeAlias(reflect.TypeFor[planner.Person](), reflect.TypeFor[library.Person]())
	registry.RegisterTypeAlias(reflect.TypeFor[planner.Return](), reflect.TypeFor[library.Return]())
	registry.RegisterTypeAlias(reflect.TypeFor[orders.Person](), reflect.TypeFor[library.Person]())
	registry.RegisterTypeAlias(reflect.TypeFor[orders.Stamp](), reflect.TypeFor[planner.Stamp]())
	registry.RegisterTypeAlias(reflect.TypeFor[orders.Targets](), reflect.TypeFor[planner.Targets]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Loa hub", Version: "1",
				Description: "Radio reports to commune loudspeakers. Errors are application/problem+json with a stable code. " +
					"Sign in by POST /login (cookie) or with a token from POST /tokens (Authorization: Bearer).",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{Schemas: registry, SecuritySchemes: map[string]*huma.SecurityScheme{
				"session": {Type: "apiKey", In: "cookie", Name: sessionCookie},
				"token":   {Type: "http", Scheme: "bearer"},
			}},
			Security: []map[string][]string{{"session": {}}, {"token": {}}},
		},
		OpenAPIPath:   "/openapi",
		Formats:       formats(),
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.translate},
	}
}

// schemaName names a type by its package where two packages have the same word.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if name == "Person" && !strings.HasSuffix(t.PkgPath(), "/accounts") {
		return "PersonRef"
	}
	return name
}

// handle adds a route that is no operation: nobody is asked who they are, so what it tells is for everybody.
func (s *Server) handle(pattern string, h http.Handler) {
	s.plain = append(s.plain, pattern)
	s.mux.Handle(pattern, h)
}

// register adds an operation whose errors become problems.
func register[I, O any](s *Server, o huma.Operation, handle func(context.Context, *I) (*O, error)) {
	if s.access[o.OperationID] == public {
		o.Security = []map[string][]string{}
	}
	huma.Register(s.huma, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

// Handler gives everything the hub serves.
func (s *Server) Handler() http.Handler {
	cross := http.NewCrossOriginProtection()
	if s.PublicURL != "" {
		_ = cross.AddTrustedOrigin(originOf(s.PublicURL)) // config checked the URL
	}
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.write(w, r, errCrossOrigin) }))
	inner := s.begin(s.sessions.LoadAndSave(s.watch(cross.Handler(s.plainText(s.mux)))))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.limited(w, r) {
			return
		}
		if h := s.agentHandler(r.URL.Path); h != nil {
			securityHeaders(w.Header())
			if s.Proxy.IsValid() {
				r.RemoteAddr = net.JoinHostPort(s.origin(r), "0") // by which they limit and log
			}
			h.ServeHTTP(w, r) // it takes the connection over: no wrapper, session or deadline of ours may be around it
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// Run feeds the live events, and looks after uploads, until ctx ends; then it ends every open stream of events.
func (s *Server) Run(ctx context.Context) error {
	sub := s.Bus.Subscribe()
	defer sub.Close()
	defer s.ring.close()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() { s.pieces.run(ctx) })
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-sub.C():
			s.ring.add(e)
		}
	}
}
