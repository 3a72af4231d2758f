package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/planner"
)

// Three kinds of routes ask for no action: those for everybody, those for everybody who is signed in, and those about
// the person's own means to sign in, for which a token with a scope is not enough.
const (
	public   accounts.Action = "public"
	signedIn accounts.Action = "signed in"
	own      accounts.Action = "own account"
)

// access says what each operation asks of a person's role; an operation that is missing here is refused to
// everybody. Whether what it is about lies in the person's area, the operation asks by Server.mine.
func access() map[string]accounts.Action {
	return map[string]accounts.Action{
		"login":  public,
		"setup":  public,
		"logout": signedIn,
		"me":     signedIn,

		"change-password": own,
		"enrol-otp":       own,
		"confirm-otp":     own,
		"remove-otp":      own,
		"renew-recovery":  own,
		"create-token":    own,
		"list-tokens":     own,
		"revoke-token":    own,

		"list-people":   accounts.People,
		"get-person":    accounts.People,
		"invite-person": accounts.People,
		"edit-person":   accounts.People,
		"reset-person":  accounts.People,

		"list-areas":  accounts.View,
		"get-area":    accounts.View,
		"create-area": accounts.Manage,
		"edit-area":   accounts.Manage,
		"merge-area":  accounts.Manage,

		"create-pairing":  accounts.Manage,
		"get-pairing":     accounts.Manage,
		"confirm-pairing": accounts.Manage,
		"list-expected":   accounts.Manage,
		"expect-agents":   accounts.Manage,
		"forget-expected": accounts.Manage,

		"list-agents":   accounts.View,
		"fleet":         accounts.View,
		"get-agent":     accounts.View,
		"why-agent":     accounts.View,
		"block-agent":   accounts.Manage,
		"unblock-agent": accounts.Manage,
		"revoke-agent":  accounts.Manage,

		"get-desk":      accounts.View,
		"command-agent": accounts.Manage,

		"list-alarms":   accounts.View,
		"ack-alarm":     accounts.Manage,
		"silence-alarm": accounts.Manage,

		"list-decisions": accounts.View,
		"list-own-items": accounts.View,
		"decide":         accounts.Decide,

		"put-dayparts": accounts.Own,
		"create-own":   accounts.Own,
		"list-own":     accounts.View,
		"cancel-own":   accounts.Own,

		"create-report":   accounts.Own,
		"begin-upload":    accounts.Own,
		"find-upload":     accounts.Own,
		"continue-upload": accounts.Own,
		"drop-upload":     accounts.Own,
		"list-reports":    accounts.View,
		"get-report":      accounts.View,
		"get-peaks":       accounts.View,
		"get-audio":       accounts.View,
		"edit-report":     accounts.Author,
		"approve-report":  accounts.Approve,
		"return-report":   accounts.Approve,
		"withdraw-report": accounts.Withdraw,
		"report-reach":    accounts.View,
		"report-choices":  accounts.View,
		"list-versions":   accounts.View,
		"trim-report":     accounts.Author,

		"report-programmes":   accounts.View,
		"create-programme":    accounts.Author,
		"rearrange-programme": accounts.Author,

		"list-languages": accounts.View,
		"set-language":   accounts.Manage,

		"create-broadcast":   accounts.Author,
		"list-broadcasts":    accounts.View,
		"get-broadcast":      accounts.View,
		"edit-broadcast":     accounts.Author,
		"approve-broadcast":  accounts.Approve,
		"return-broadcast":   accounts.Approve,
		"approved-broadcast": accounts.View,
		"leave-day":          accounts.Withdraw,
		"restore-day":        accounts.Withdraw,
		"cancel-broadcast":   accounts.Withdraw,
		"preview-broadcast":  accounts.View,
		"preview-draft":      accounts.Author,
		"calendar":           accounts.View,
		"list-tags":          accounts.View,
		"tag-agent":          accounts.Manage,
		"readiness":          accounts.View,

		"create-urgent":  accounts.Author,
		"list-urgent":    accounts.View,
		"get-urgent":     accounts.View,
		"reach-urgent":   accounts.View,
		"approve-urgent": accounts.Approve,
		"cancel-urgent":  accounts.Withdraw,

		"list-plays":      accounts.View,
		"export-plays":    accounts.View,
		"evidence":        accounts.View,
		"export-evidence": accounts.View,

		"events":       accounts.View,
		"list-audit":   accounts.Audit,
		"verify-audit": accounts.Audit,
		"system":       accounts.Manage,
	}
}

type callerKey struct{}

// caller is who asks and with what scope; the zero Caller on public routes.
func caller(ctx context.Context) accounts.Caller {
	c, _ := ctx.Value(callerKey{}).(accounts.Caller)
	return c
}

// who is the person that asks.
func who(ctx context.Context) accounts.Person { return caller(ctx).Person }

// by is who asks, for an audit line that accounts write.
func by(ctx context.Context) accounts.By {
	return accounts.By{Name: who(ctx).Name, Origin: info(ctx).origin}
}

// guard lets a request through when its operation is in the table and the caller may do what it asks for.
func (s *Server) guard(hc huma.Context, next func(huma.Context)) {
	action, known := s.access[hc.Operation().OperationID]
	if action == public {
		next(hc)
		return
	}
	c, err := s.authenticate(hc.Context(), hc.Header("Authorization"))
	if err == nil && (!known || !permits(c, action)) {
		err = errForbidden
	}
	if err != nil {
		s.refuse(hc, err)
		return
	}
	next(huma.WithValue(hc, callerKey{}, c))
}

// permits is what an entry of the table asks for.
func permits(c accounts.Caller, action accounts.Action) bool {
	switch action {
	case signedIn:
		return true
	case own:
		return c.Whole()
	case accounts.Own:
		return c.May(action) || c.May(accounts.Author) // a token for authors may upload, too
	}
	return c.May(action)
}

// authenticate finds the caller behind a token or, without one, behind the session as it was loaded.
func (s *Server) authenticate(ctx context.Context, authorization string) (accounts.Caller, error) {
	if authorization != "" {
		scheme, token, _ := strings.Cut(authorization, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return accounts.Caller{}, accounts.ErrNotSignedIn()
		}
		return s.Accounts.ByToken(ctx, strings.TrimSpace(token))
	}
	id := s.sessions.GetString(ctx, sessionPerson)
	if id == "" {
		return accounts.Caller{}, accounts.ErrNotSignedIn()
	}
	p, err := s.Accounts.BySession(ctx, id, s.sessions.GetInt64(ctx, sessionEpoch))
	return accounts.Caller{Person: p}, err
}

// again finds the caller of a request that is still being answered as they are now: a session that was loaded at its
// beginning may have ended since.
func (s *Server) again(ctx context.Context, authorization string) (accounts.Caller, error) {
	if authorization == "" {
		_, found, err := s.Accounts.Sessions().FindCtx(ctx, s.sessions.Token(ctx))
		if err != nil {
			return accounts.Caller{}, err
		}
		if !found {
			return accounts.Caller{}, accounts.ErrNotSignedIn()
		}
	}
	return s.authenticate(ctx, authorization)
}

// still is a request's context with its caller as they are now, for one that took long to arrive: whoever was blocked, moved
// or made less meanwhile does no more with it than with a new one.
func (s *Server) still(ctx context.Context, header http.Header, operation string) (context.Context, error) {
	c, err := s.again(ctx, header.Get("Authorization"))
	if err == nil && !permits(c, s.access[operation]) {
		err = errForbidden
	}
	return context.WithValue(ctx, callerKey{}, c), err
}

// refuse answers from a middleware.
func (s *Server) refuse(hc huma.Context, err error) {
	p := s.problemOf(hc.Context(), err)
	for name, values := range p.GetHeaders() {
		hc.SetHeader(name, values[0])
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

// myAreas gives the codes a list may show, with those of areas that became a part of one: nil is all of them.
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
		return tree.Ever(below), nil
	}
	return []string{}, nil // the area is gone: nothing is theirs
}
