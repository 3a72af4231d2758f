package link

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

// Link keeps the agent connected to its hub.
type Link struct {
	o   Options
	url string
	tls *tls.Config

	netDial func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the network; tests have their own

	pace pace // of one session after the other

	mu sync.Mutex
	st State
}

// New checks the options that can be checked without a network: HUB_ADDRESS, HUB_NOT_TLS.
func New(o Options) (*Link, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Identity.Key) != ed25519.PrivateKeySize {
		return nil, errors.New("link has no key")
	}
	url, err := endpoint(o.Hub, wire.LinkPath)
	if err != nil {
		return nil, err
	}
	config, err := o.Security.tlsConfig()
	if err != nil {
		return nil, err
	}
	return &Link{o: o, url: url, tls: config, st: State{Problem: "CONNECTING", Since: time.Now()}}, nil
}

// Run dials, serves the connection, and dials again, until ctx ends; it then returns nil.
func (l *Link) Run(ctx context.Context) error {
	var wait Backoff
	for ctx.Err() == nil {
		began := time.Now()
		l.once(ctx)
		timer := time.NewTimer(wait.Next(time.Since(began)))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
	l.change(func(s *State) { s.Connected, s.Problem, s.Detail = false, "STOPPED", "" })
	return nil
}

// once is one connection, from dial to end.
func (l *Link) once(ctx context.Context) {
	if err := l.connect(ctx); ctx.Err() == nil {
		l.disconnected(err)
	}
}

// State tells how the link is.
func (l *Link) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.st
}

func (l *Link) connected(w *wire.Welcome) {
	l.o.Log.Info("connected to hub", "name", w.Name, "area", w.Area, "software", w.Software)
	l.change(func(s *State) {
		*s = State{Connected: true, Since: time.Now(), Name: w.Name, Area: w.Area, BytesPerS: s.BytesPerS}
	})
}

// unreachable is the code of a hub that does not answer.
const unreachable = "HUB_UNREACHABLE"

// disconnected keeps the reason for people; the log hears of it when it changes, not at every attempt.
func (l *Link) disconnected(err error) {
	code, detail := unreachable, ""
	var p *problem.Error
	if errors.As(err, &p) {
		code, detail = p.Code, p.EN
	} else {
		detail = err.Error()
	}
	before := l.State()
	if before.Connected || before.Problem != code {
		l.o.Log.Warn("not connected to hub", "code", code, "detail", detail)
	}
	l.change(func(s *State) {
		if s.Connected {
			s.Connected, s.Since = false, time.Now()
		}
		s.Problem, s.Detail = code, detail
	})
}

func (l *Link) change(edit func(*State)) {
	l.mu.Lock()
	before := l.st
	edit(&l.st)
	after := l.st
	l.mu.Unlock()
	if after != before && l.o.Changed != nil {
		l.o.Changed(after)
	}
}

func (l *Link) connect(ctx context.Context) error {
	conn, err := wsconn.Dial(ctx, l.url, wsconn.DialOptions{Options: wsconn.AgentOptions(), TLS: l.tls, NetDial: l.netDial})
	if err != nil {
		return err
	}
	s := newSession(l, conn)
	err = conn.Run(ctx, nil, s.run)
	var closed *wsconn.Closed
	if errors.As(err, &closed) && s.goodbye != "" {
		return problem.New(s.goodbye, 503, "Hub đã kết thúc đường nối. Agent sẽ tự nối lại.",
			"The hub ended the link. The agent connects again by itself.").With(closed)
	}
	if err == nil {
		err = fmt.Errorf("connection to hub: %w", wsconn.ErrClosed)
	}
	return err
}
