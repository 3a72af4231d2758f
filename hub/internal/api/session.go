package api

import (
	"context"
	"net/http"
	"strings"
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
		OTP      string `json:"otp,omitempty" maxLength:"16" doc:"one-time code, for accounts that have one"`
	}
}

type personOutput struct{ Body accounts.Person }

type tokenInput struct {
	Body struct {
		Label   string     `json:"label" minLength:"1" maxLength:"100" doc:"what it is for"`
		Expires *time.Time `json:"expires_at,omitempty" doc:"never when left out"`
	}
}

type tokenOutput struct {
	Body struct {
		Token string `json:"token" doc:"shown once: Authorization: Bearer …"`
	}
}

func (s *Server) sessionRoutes() {
	register(s, op("login", http.MethodPost, "/login", "Sign in and get a session cookie"), s.login)
	register(s, op("logout", http.MethodPost, "/logout", "End the session"), s.logout)
	register(s, op("me", http.MethodGet, "/me", "Who am I"), func(ctx context.Context, _ *struct{}) (*personOutput, error) {
		return &personOutput{who(ctx)}, nil
	})
	register(s, created(op("create-token", http.MethodPost, "/tokens", "Make a token that acts as this person")), s.createToken)
}

func (s *Server) login(ctx context.Context, in *loginInput) (*personOutput, error) {
	p, err := s.Accounts.Login(ctx, in.Body.Name, in.Body.Password)
	if err != nil {
		s.Log.WarnContext(ctx, "login refused", "name", in.Body.Name, "from", info(ctx).origin)
		return nil, err
	}
	if err := s.sessions.RenewToken(ctx); err != nil { // a session known before the login must not become one after it
		return nil, err
	}
	s.sessions.Put(ctx, sessionPerson, p.ID)
	return &personOutput{p}, s.audit(ctx, change{person: p, action: "login", subject: p.ID, area: p.Area})
}

func (s *Server) logout(ctx context.Context, _ *struct{}) (*struct{}, error) {
	if err := s.sessions.Destroy(ctx); err != nil {
		return nil, err
	}
	p := who(ctx)
	return nil, s.audit(ctx, change{action: "logout", subject: p.ID, area: p.Area})
}

func (s *Server) createToken(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
	p := who(ctx)
	var expires time.Time
	if in.Body.Expires != nil {
		if expires = *in.Body.Expires; !expires.After(s.Now()) {
			return nil, errTokenExpiry
		}
	}
	token, err := s.Accounts.NewToken(ctx, p, strings.TrimSpace(in.Body.Label), expires)
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{}
	out.Body.Token = token
	return out, s.audit(ctx, change{action: "token.create", subject: p.ID, area: p.Area, after: in.Body})
}

func op(id, method, path, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary}
}

func created(o huma.Operation) huma.Operation {
	o.DefaultStatus = http.StatusCreated
	return o
}
