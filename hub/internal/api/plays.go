package api

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/internal/broadcast"
)

type playListInput struct {
	From      string `query:"from" doc:"planned start at or after (RFC 3339)"`
	To        string `query:"to" doc:"planned start before (RFC 3339)"`
	Agent     string `query:"agent"`
	Report    string `query:"report"`
	Broadcast string `query:"broadcast"`
	Outcome   string `query:"outcome" enum:"played,cut,skipped"`
	Area      string `query:"area" doc:"with everything below it"`
	Cursor    string `query:"cursor"`
	Limit     int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
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

func (s *Server) listPlays(ctx context.Context, in *playListInput) (*pageOutput[PlayView], error) {
	q := evidence.Query{Agent: in.Agent, Report: in.Report, Broadcast: in.Broadcast, Outcome: broadcast.Outcome(in.Outcome), After: in.Cursor, Limit: in.Limit}
	var err error
	if q.From, err = s.instant("from", in.From); err != nil {
		return nil, err
	}
	if q.To, err = s.instant("to", in.To); err != nil {
		return nil, err
	}
	if q.Areas, err = s.chosenAreas(ctx, in.Area); err != nil {
		return nil, err
	}
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
