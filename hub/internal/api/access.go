package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/planner"
)

// Two kinds of routes ask for no action: those for everybody, and those for every person that is signed in.
const (
	public   accounts.Action = "public"
	signedIn accounts.Action = "signed in"
)

// access says what each operation asks of a person's role; an operation that is missing here is refused to
// everybody. Whether what it is about lies in the person's area, the operation asks by Server.mine.
func access() map[string]accounts.Action {
	return map[string]accounts.Action{
		"login":        public,
		"logout":       signedIn,
		"me":           signedIn,
		"create-token": signedIn,

		"list-areas":  accounts.View,
		"get-area":    accounts.View,
		"create-area": accounts.Manage,
		"edit-area":   accounts.Manage,

		"create-pairing":  accounts.Manage,
		"get-pairing":     accounts.Manage,
		"confirm-pairing": accounts.Manage,

		"list-agents": accounts.View,
		"get-agent":   accounts.View,
		"why-agent":   accounts.View,

		"list-decisions": accounts.View,
		"decide":         accounts.Decide,

		"create-report":   accounts.Author,
		"list-reports":    accounts.View,
		"get-report":      accounts.View,
		"get-peaks":       accounts.View,
		"get-audio":       accounts.View,
		"approve-report":  accounts.Approve,
		"withdraw-report": accounts.Withdraw,

		"create-broadcast":  accounts.Author,
		"list-broadcasts":   accounts.View,
		"get-broadcast":     accounts.View,
		"edit-broadcast":    accounts.Author,
		"approve-broadcast": accounts.Approve,
		"cancel-broadcast":  accounts.Withdraw,
		"preview-broadcast": accounts.View,

		"create-urgent":  accounts.Author,
		"list-urgent":    accounts.View,
		"get-urgent":     accounts.View,
		"approve-urgent": accounts.Approve,
		"cancel-urgent":  accounts.Withdraw,

		"list-plays": accounts.View,
		"events":     accounts.View,
		"list-audit": accounts.Audit,
	}
}

type personKey struct{}

// who is the person that asks; the zero Person on public routes.
func who(ctx context.Context) accounts.Person {
	p, _ := ctx.Value(personKey{}).(accounts.Person)
	return p
}

// guard lets a request through when its operation is in the table and the person's role allows it.
func (s *Server) guard(hc huma.Context, next func(huma.Context)) {
	action, known := s.access[hc.Operation().OperationID]
	if action == public {
		next(hc)
		return
	}
	ctx := hc.Context()
	person, err := s.authenticate(ctx, hc.Header("Authorization"))
	switch {
	case err != nil:
	case !known, action != signedIn && !person.Role.May(action):
		err = errForbidden
	}
	if err != nil {
		s.refuse(hc, err)
		return
	}
	next(huma.WithValue(hc, personKey{}, person))
}

// authenticate finds the person behind a token or, without one, behind the session.
func (s *Server) authenticate(ctx context.Context, authorization string) (accounts.Person, error) {
	if authorization != "" {
		scheme, token, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return accounts.Person{}, accounts.ErrNotSignedIn()
		}
		return s.Accounts.ByToken(ctx, strings.TrimSpace(token))
	}
	id := s.sessions.GetString(ctx, sessionPerson)
	if id == "" {
		return accounts.Person{}, accounts.ErrNotSignedIn()
	}
	return s.Accounts.ByID(ctx, id)
}

// refuse answers from a middleware.
func (s *Server) refuse(hc huma.Context, err error) {
	p := s.problemOf(hc.Context(), err)
	if p.Status == http.StatusUnauthorized {
		hc.SetHeader("WWW-Authenticate", `Bearer realm="loa"`)
	}
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	_ = s.huma.Marshal(hc.BodyWriter(), "application/json", p) // whoever asked is gone when this fails
}

// mine is the one check of areas: the area is the person's or lies below it. "" is the whole tree.
func (s *Server) mine(ctx context.Context, areas ...string) error {
	own := who(ctx).Area
	if own == "" {
		return nil
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return err
	}
	for _, area := range areas {
		if !covers(tree, own, area) {
			return errForeignArea
		}
	}
	return nil
}

func covers(tree *planner.Tree, own, area string) bool {
	return own == "" || area != "" && tree.Within(area, own)
}

// myAreas gives the codes a list may show: nil is all of them.
func (s *Server) myAreas(ctx context.Context) ([]string, error) {
	own := who(ctx).Area
	if own == "" {
		return nil, nil
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	if below := tree.Below(own); below != nil {
		return below, nil
	}
	return []string{}, nil // the area is gone: nothing is theirs
}
