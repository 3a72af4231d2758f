package api

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/internal/broadcast"
)

// PlayFilter picks play records.
type PlayFilter struct {
	From      string `query:"from" doc:"planned start at or after (RFC 3339)"`
	To        string `query:"to" doc:"planned start before (RFC 3339)"`
	Agent     string `query:"agent"`
	Report    string `query:"report"`
	Broadcast string `query:"broadcast"`
	Outcome   string `query:"outcome" enum:"played,cut,skipped"`
	Area      string `query:"area" doc:"with everything below it, and what was merged into it"`
}

type playListInput struct {
	PlayFilter
	Order  string `query:"order" enum:"asc,desc" default:"asc" doc:"desc: the newest first"`
	Cursor string `query:"cursor"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// PlayView is a play record; of what never sounded the two times are null, not left out.
type PlayView struct {
	evidence.Record
	StartedAt *time.Time `json:"started_at" doc:"null when nothing sounded"`
	EndedAt   *time.Time `json:"ended_at"`
}

func viewPlay(r evidence.Record) PlayView {
	v := PlayView{Record: r}
	if !r.StartedAt.IsZero() {
		v.StartedAt = &r.StartedAt
	}
	if !r.EndedAt.IsZero() {
		v.EndedAt = &r.EndedAt
	}
	return v
}

// playCursor is the form of a cursor of evidence: a time and an id.
func playCursor() *regexp.Regexp { return regexp.MustCompile(`^\d{1,19}\.[0-9A-Za-z-]{1,64}$`) }

func (s *Server) playRoutes() {
	register(s, op("list-plays", http.MethodGet, "/plays", "Play log: what was heard, and what was not and why"), s.listPlays)
}

// picked is the log's query of a filter, within the caller's areas.
func (s *Server) picked(ctx context.Context, f PlayFilter) (q evidence.Query, err error) {
	q = evidence.Query{Agent: f.Agent, Report: f.Report, Broadcast: f.Broadcast, Outcome: broadcast.Outcome(f.Outcome)}
	if q.From, err = s.instant("from", f.From); err != nil {
		return q, err
	}
	if q.To, err = s.instant("to", f.To); err != nil {
		return q, err
	}
	q.Areas, err = s.chosenAreas(ctx, f.Area)
	return q, err
}

func (s *Server) listPlays(ctx context.Context, in *playListInput) (*pageOutput[PlayView], error) {
	q, err := s.picked(ctx, in.PlayFilter)
	if err != nil {
		return nil, err
	}
	q.Newest, q.After, q.Limit = in.Order == "desc", in.Cursor, in.Limit
	if q.After != "" && !playCursor().MatchString(q.After) {
		return nil, errCursor
	}
	records, next, err := s.Evidence.List(ctx, q)
	if err != nil {
		return nil, err
	}
	items := make([]PlayView, len(records))
	for i, r := range records {
		items[i] = viewPlay(r)
	}
	return paged(items, next), nil
}
