package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// Console serves the operator's page.
type Console struct {
	sources func() Sources
	pin     *PIN
	listen  net.Listener
	log     *slog.Logger
}

// New makes a console on a listener of this machine; sources may give more once the agent is paired.
func New(listen net.Listener, pin *PIN, sources func() Sources, log *slog.Logger) *Console {
	return &Console{sources: sources, pin: pin, listen: listen, log: log.With("part", "console")}
}

// Addr is where it is reached.
func (c *Console) Addr() string { return c.listen.Addr().String() }

// Run serves until ctx ends.
func (c *Console) Run(ctx context.Context) error {
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(c.log.Handler(), slog.LevelDebug)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(c.listen) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve console: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close() // a page that keeps its connection open does not keep the agent
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve console: %w", err)
	}
	return nil
}

// Handler is the console's HTTP, for tests too.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /api/v1/status", c.status)
	mux.HandleFunc("GET /api/v1/live", c.live)
	mux.HandleFunc("GET /api/v1/why", c.why)
	mux.HandleFunc("GET /{$}", c.page)
	mux.HandleFunc("GET /begin", func(w http.ResponseWriter, r *http.Request) { c.begin(w, r, request{}, nil) })
	mux.HandleFunc("GET /sheet", c.sheet)
	mux.HandleFunc("GET /style.css", asset("style.css", "text/css"))
	mux.HandleFunc("GET /app.js", asset("app.js", "text/javascript"))
	for name, a := range actions() {
		mux.HandleFunc("POST /api/v1/"+name, c.act(name, a, false))
		mux.HandleFunc("POST /"+name, c.act(name, a, true))
	}
	mux.HandleFunc("POST /api/v1/own", c.putIn(false))
	mux.HandleFunc("POST /own", c.putIn(true))
	for _, name := range asked() {
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			c.ask(w, r, name, request{Slot: r.URL.Query().Get("slot")}, nil)
		})
	}
	return c.guarded(http.NewCrossOriginProtection().Handler(mux))
}

// guarded lets in only who reaches the console by its own address: the check of Host keeps out pages of other
// sites that point a name of theirs at 127.0.0.1 (DNS rebinding); what changes something is refused to other origins.
func (c *Console) guarded(next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(c.Addr()) // a listener's address always splits
	hosts := map[string]bool{"127.0.0.1:" + port: true, "localhost:" + port: true, "[::1]:" + port: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hosts[r.Host] {
			fail(w, errHost)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

var (
	errHost = problem.New("CONSOLE_HOST", http.StatusMisdirectedRequest,
		"Trang này chỉ mở được bằng địa chỉ 127.0.0.1 trên chính máy này. Mở http://127.0.0.1:8090.",
		"This page opens by its address 127.0.0.1 on this machine only. Open http://127.0.0.1:8090.")
	errAt = problem.New("WHY_TIME_INVALID", http.StatusBadRequest,
		"Thời điểm không hợp lệ. Viết như 2026-11-24T05:30:00+07:00.",
		"The time is not valid. Write it like 2026-11-24T05:30:00+07:00.").At("at")
	errNoPlan = problem.New("PLAN_NONE", http.StatusConflict,
		"Cụm loa chưa có kế hoạch phát. Ghép với máy chủ và chờ kế hoạch đầu tiên.",
		"The agent has no plan yet. Pair it with a hub and wait for the first plan.")
	errInternal = problem.New("CONSOLE_INTERNAL", http.StatusInternalServerError,
		"Cụm loa không đọc được dữ liệu của mình. Chạy loa-agent doctor.",
		"The agent cannot read its own data. Run loa-agent doctor.")
)

// fail is the one place where an error becomes an answer (RFC 9457).
func fail(w http.ResponseWriter, err error) {
	var p *problem.Error
	if !errors.As(err, &p) {
		p = errInternal
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the reader has gone: nothing to be done
		"type": "about:blank", "status": p.Status, "title": http.StatusText(p.Status), "code": p.Code, "detail": p.EN, "detail_vi": p.VI,
	})
}

func (c *Console) send(w http.ResponseWriter, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		c.log.Error("answer cannot be encoded", "error", err)
		fail(w, errInternal)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(raw, '\n')) // the reader has gone: nothing to be done
}

func (c *Console) status(w http.ResponseWriter, _ *http.Request) {
	v, err := Make(c.sources(), true)
	if err != nil {
		c.log.Error("status", "error", err)
		fail(w, err)
		return
	}
	c.send(w, v)
}

func (c *Console) why(w http.ResponseWriter, r *http.Request) {
	s := c.sources()
	if s.Plan == nil || s.Plan() == nil {
		fail(w, errNoPlan)
		return
	}
	plan := s.Plan()
	at, err := parseAt(r.URL.Query().Get("at"), plan.Zone)
	if err != nil {
		fail(w, errAt.With(err))
		return
	}
	date := broadcast.DateOf(at, plan.Zone)
	plays, err := s.Plays(date.AddDays(-1).At(0, plan.Zone), date.AddDays(2).At(0, plan.Zone))
	if err != nil {
		c.log.Error("why", "error", err)
		fail(w, err)
		return
	}
	c.send(w, plan.Why(at, s.State(), plays))
}

// parseAt reads RFC 3339, or a wall time of the fleet's zone without an offset.
func parseAt(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05", text, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("parse time: %w", err)
	}
	return at, nil
}
