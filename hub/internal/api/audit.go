package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// change is what one audit line says; person is who asks when left out.
type change struct {
	person        accounts.Person
	action        string
	subject, area string
	before, after any
}

// audit writes the line of a change that was made.
func (s *Server) audit(ctx context.Context, c change) error {
	if c.person.ID == "" {
		c.person = who(ctx)
	}
	e := accounts.Entry{Who: c.person.Name, Origin: info(ctx).origin, Action: c.action, Subject: c.subject, Area: c.area}
	for v, into := range map[*any]*json.RawMessage{&c.before: &e.Before, &c.after: &e.After} {
		if *v == nil {
			continue
		}
		text, err := json.Marshal(*v)
		if err != nil {
			return fmt.Errorf("encode audit line: %w", err)
		}
		*into = text
	}
	// The change is made already: its line must not be lost because the one who asked went away.
	return s.Accounts.Record(context.WithoutCancel(ctx), e)
}

type auditInput struct {
	Who     string `query:"who" maxLength:"100" doc:"a person's name, agent: and its id, or hub"`
	Action  string `query:"action" maxLength:"60" pattern:"^[a-z.-]*$" doc:"such as report.approve, or report for all of them"`
	Subject string `query:"subject" maxLength:"100"`
	From    string `query:"from" doc:"at or after (RFC 3339)"`
	To      string `query:"to" doc:"before (RFC 3339)"`
	Cursor  string `query:"cursor"`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID      string    `json:"id" doc:"its number in the chain, from 1"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	From    string    `json:"from" doc:"network address, or console"`
	Action  string    `json:"action" example:"report.approve"`
	Subject string    `json:"subject"`
	Area    string    `json:"area"`
	Before  any       `json:"before,omitempty"`
	After   any       `json:"after,omitempty"`
	Hash    string    `json:"hash" doc:"SHA-256 over the hash of the line before and all of this one"`
}

// page is how every list comes; next is "" on the last one.
type page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"cursor of the next page, empty on the last one"`
}

type pageOutput[T any] struct{ Body page[T] }

// paged never gives null for an empty list.
func paged[T any](items []T, next string) *pageOutput[T] {
	if items == nil {
		items = []T{}
	}
	return &pageOutput[T]{page[T]{Items: items, Next: next}}
}

func (s *Server) auditRoutes() {
	register(s, op("list-audit", http.MethodGet, "/audit", "Who changed what, newest first"), s.listAudit)
	register(s, op("verify-audit", http.MethodGet, "/audit/verify", "Whether the audit log is whole: reads all of it"), s.verifyAudit)
	register(s, op("system", http.MethodGet, "/system", "What this hub is, and when it was last backed up"), s.system)
}

func (s *Server) listAudit(ctx context.Context, in *auditInput) (*pageOutput[AuditEntry], error) {
	var cursor int64
	if in.Cursor != "" {
		var err error
		if cursor, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || cursor < 1 {
			return nil, errCursor
		}
	}
	f := accounts.LogFilter{Who: in.Who, Action: in.Action, Subject: in.Subject}
	var err error
	if f.From, err = s.instant("from", in.From); err != nil {
		return nil, err
	}
	if f.To, err = s.instant("to", in.To); err != nil {
		return nil, err
	}
	// An admin of a part of the tree sees that part; lines are read on until a page is full or there are no more.
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	items := []AuditEntry{}
	for {
		entries, err := s.Accounts.Search(ctx, f, cursor, in.Limit+1)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !covers(tree, who(ctx).Area, e.Area) {
				cursor = e.Seq
				continue
			}
			if len(items) == in.Limit {
				return paged(items, strconv.FormatInt(cursor, 10)), nil
			}
			cursor = e.Seq
			items = append(items, AuditEntry{ID: strconv.FormatInt(e.Seq, 10), At: e.At, Who: e.Who, From: e.Origin, Action: e.Action,
				Subject: e.Subject, Area: e.Area, Before: raw(e.Before), After: raw(e.After), Hash: e.Hash})
		}
		if len(entries) <= in.Limit {
			return paged(items, ""), nil
		}
	}
}

func raw(b json.RawMessage) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
