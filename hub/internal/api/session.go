package api

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// Sessions last a working day; a browser that is closed for good is forgotten then.
const (
	sessionLife   = 12 * time.Hour
	sessionCookie = "loa_session"
	sessionPerson = "person"
	sessionEpoch  = "epoch"
)

// newSessions makes the manager by hand: scs.New starts a goroutine for a store that is not used here.
func newSessions(store scs.Store, secure bool, failed func(http.ResponseWriter, *http.Request, error)) *scs.SessionManager {
	return &scs.SessionManager{Lifetime: sessionLife, Store: store, Codec: scs.GobCodec{}, ErrorFunc: failed,
		Cookie: scs.SessionCookie{Name: sessionCookie, HttpOnly: true, Path: "/", SameSite: http.SameSiteLaxMode, Secure: secure, Persist: true}}
}

type loginInput struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"128"`
		Password string `json:"password" minLength:"1" maxLength:"1024"`
		OTP      string `json:"otp,omitempty" maxLength:"32" doc:"one-time code or recovery code, for accounts that have them"`
	}
}

type personOutput struct{ Body accounts.Person }

// Me is who asks, and what they may do: what pages show and leave out.
type Me struct {
	accounts.Account
	May     []accounts.Action `json:"may" nullable:"false" doc:"in their area and below"`
	Token   bool              `json:"token" doc:"asked with a token, not a session"`
	Zone    string            `json:"zone" doc:"the fleet's, an IANA name: every time is shown in it"`
	Version string            `json:"version" doc:"of this hub"`
}

type meOutput struct{ Body Me }

func (s *Server) sessionRoutes() {
	register(s, op("login", http.MethodPost, "/login", "Sign in and get a session cookie"), s.login)
	register(s, op("logout", http.MethodPost, "/logout", "End the session"), s.logout)
	register(s, op("me", http.MethodGet, "/me", "Who am I, and what may I do"), s.me)
}

func (s *Server) me(ctx context.Context, _ *struct{}) (*meOutput, error) {
	c := caller(ctx)
	a, err := s.Accounts.Account(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	out := &meOutput{Me{Account: a, May: []accounts.Action{}, Token: c.Token != "", Zone: s.Zone.String(), Version: s.Version}}
	for _, action := range accounts.Actions() {
		if c.May(action) {
			out.Body.May = append(out.Body.May, action)
		}
	}
	return out, nil
}

func (s *Server) login(ctx context.Context, in *loginInput) (*personOutput, error) {
	p, err := s.Accounts.Login(ctx, accounts.Attempt{Name: in.Body.Name, Password: in.Body.Password, OTP: in.Body.OTP, From: info(ctx).origin})
	if err != nil {
		s.Log.WarnContext(ctx, "login refused", "name", in.Body.Name, "from", info(ctx).origin, "why", err)
		return nil, err
	}
	if err := s.beginSession(ctx, p); err != nil {
		return nil, err
	}
	return &personOutput{p}, s.audit(ctx, change{person: p, action: "login", subject: p.ID, area: p.Area})
}

// beginSession makes the session one of p's, under a new cookie: one known before must not become one after it.
func (s *Server) beginSession(ctx context.Context, p accounts.Person) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, sessionPerson, p.ID)
	s.sessions.Put(ctx, sessionEpoch, p.Epoch)
	return nil
}

func (s *Server) logout(ctx context.Context, _ *struct{}) (*struct{}, error) {
	if err := s.sessions.Destroy(ctx); err != nil {
		return nil, err
	}
	p := who(ctx)
	return nil, s.audit(ctx, change{action: "logout", subject: p.ID, area: p.Area})
}

func op(id, method, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary}
}

func created(o huma.Operation) huma.Operation {
	o.DefaultStatus = http.StatusCreated
	return o
}
