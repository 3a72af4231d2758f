package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

type reportOutput struct {
	ETag string `header:"ETag"`
	Body library.Report
}

func viewReport(r library.Report) *reportOutput { return &reportOutput{ETag: etag(r.Version), Body: r} }

type reportListInput struct {
	Area     string `query:"area" doc:"with everything below it"`
	Returned string `query:"returned" enum:"yes,no" doc:"whether their author has them back"`
	Kind     string `query:"kind" enum:"report,programme"`
	State    string `query:"state" enum:"processing,failed,draft,approved,withdrawn"`
	Series   string `query:"series"`
	Source   string `query:"source"`
	Language string `query:"language"`
	LawField string `query:"law_field"`
	Law      string `query:"law" enum:"expired,ending,in_force" doc:"of what it cites, today: one is no longer in force; or will not be within 60 days; or all are"`
	From     string `query:"from" doc:"uploaded then or later: RFC 3339, or a day"`
	To       string `query:"to" doc:"uploaded before: RFC 3339, or a day, which is in it"`
	Text     string `query:"q" maxLength:"200" doc:"words of title, series, source, speaker or law, all of them; \"phap luat\" finds \"Pháp luật\""`
	Cursor   string `query:"cursor"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// ReportChange is what a person writes of a report; what is left out stays.
type ReportChange struct {
	Title      *string         `json:"title,omitempty" minLength:"1" maxLength:"200"`
	Area       *string         `json:"area,omitempty" doc:"code of the area that answers for it; empty: the whole tree"`
	Series     *string         `json:"series,omitempty" maxLength:"500"`
	Source     *string         `json:"source,omitempty" maxLength:"500" doc:"the station that produced it"`
	AirDate    *broadcast.Date `json:"air_date,omitempty" doc:"YYYY-MM-DD, when that station aired it"`
	Language   *string         `json:"language,omitempty" maxLength:"500" doc:"one of /languages"`
	Speaker    *string         `json:"speaker,omitempty" maxLength:"500"`
	Rights     *string         `json:"rights,omitempty" maxLength:"500" doc:"who may use it, and how"`
	LawFields  *[]string       `json:"law_fields,omitempty"`
	Laws       *[]library.Law  `json:"laws,omitempty" doc:"the legal documents it cites: all of them"`
	ValidFrom  *string         `json:"valid_from,omitempty" doc:"RFC 3339; empty: no limit"`
	ValidUntil *string         `json:"valid_until,omitempty" doc:"RFC 3339; empty: no limit"`
}

type reportEditInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version that was seen; 412 STALE_VERSION when there is a newer one"`
	Body    ReportChange
}

type approveInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version that was heard and read"`
}

type returnInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version that was heard and read"`
	Body    struct {
		Words string `json:"words" minLength:"1" maxLength:"1000" doc:"what is to be corrected"`
	}
}

type withdrawInput struct {
	IDInput
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

func (s *Server) reportRoutes() {
	register(s, created(op("create-report", http.MethodPost, "/reports", "Upload a report")), s.createReport)
	s.describeUpload()
	register(s, op("list-reports", http.MethodGet, "/reports", "Reports the person may see, newest first"), s.listReports)
	register(s, op("get-report", http.MethodGet, "/reports/{id}", "One report"), func(ctx context.Context, in *IDInput) (*reportOutput, error) {
		r, err := s.report(ctx, in.ID)
		return viewReport(r), err
	})
	register(s, op("edit-report", http.MethodPatch, "/reports/{id}", "Change what is written about a report; an approval ends by it"), s.editReport)
	register(s, op("approve-report", http.MethodPost, "/reports/{id}/approve", "Say that this audio may be heard"), s.approveReport)
	register(s, op("return-report", http.MethodPost, "/reports/{id}/return", "Give a report back to its author, with words"), s.returnReport)
	register(s, op("withdraw-report", http.MethodPost, "/reports/{id}/withdraw", "Take a report back for good"), s.withdrawReport)
	peaks := op("get-peaks", http.MethodGet, "/reports/{id}/peaks", "Waveform: signed bytes, minimum and maximum in turn")
	peaks.Responses = fileResponse("application/octet-stream")
	register(s, peaks, func(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
		return s.file(ctx, in, "application/octet-stream", func(v library.Version) broadcast.Hash { return v.Peaks })
	})
	audio := op("get-audio", http.MethodGet, "/reports/{id}/audio", "The file that agents get; takes Range")
	audio.Responses = fileResponse("audio/ogg")
	register(s, audio, func(ctx context.Context, in *audioInput) (*huma.StreamResponse, error) {
		return s.file(ctx, in, "audio/ogg; codecs=opus", func(v library.Version) broadcast.Hash { return v.SHA256 })
	})
}

func fileResponse(contentType string) map[string]*huma.Response {
	binary := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{contentType: binary}}}
}

// report gives one that the person may see: of their own areas, or of an area above, whose reports are made
// for them too.
func (s *Server) report(ctx context.Context, id string) (library.Report, error) {
	r, err := s.Library.Report(ctx, id)
	if err != nil {
		return r, err
	}
	return r, s.visible(ctx, r.Area)
}

// visible lets people read what answers to their area or to one above it.
func (s *Server) visible(ctx context.Context, area string) error {
	areas, err := s.visibleAreas(ctx)
	if err == nil && areas != nil && !slices.Contains(areas, area) {
		err = errForeignArea
	}
	return err
}

// visibleAreas gives the codes of what the person may read: nil is all, "" is what belongs to the whole tree.
func (s *Server) visibleAreas(ctx context.Context) ([]string, error) {
	own := who(ctx).Area
	if own == "" {
		return nil, nil
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	areas := tree.Below(own)
	if len(areas) == 0 {
		return []string{}, nil // the area is gone: nothing is theirs
	}
	for _, a := range tree.Path(own) {
		if a.Code != own {
			areas = append(areas, a.Code)
		}
	}
	return append(areas, ""), nil
}

// listedAreas gives the codes of a list of what people may read: all of them, or one area with everything below.
func (s *Server) listedAreas(ctx context.Context, area string) ([]string, error) {
	if area == "" {
		return s.visibleAreas(ctx)
	}
	return s.chosenAreas(ctx, area)
}

func (s *Server) listReports(ctx context.Context, in *reportListInput) (*pageOutput[library.Report], error) {
	areas, err := s.listedAreas(ctx, in.Area)
	if err != nil || areas != nil && len(areas) == 0 {
		return paged[library.Report](nil, ""), err
	}
	f := library.Filter{Areas: areas, Kind: library.Kind(in.Kind), Series: in.Series, Source: in.Source, Language: in.Language, LawField: in.LawField,
		Law: library.LawState(in.Law), Today: broadcast.DateOf(s.Now(), s.Zone), Text: in.Text, Returned: yesOrNo(in.Returned), Cursor: in.Cursor, Limit: in.Limit}
	if f.From, err = s.edge("from", in.From, 0); err != nil {
		return nil, err
	}
	if f.Until, err = s.edge("to", in.To, 1); err != nil {
		return nil, err
	}
	if in.State != "" {
		f.States = []broadcast.ReportState{broadcast.ReportState(in.State)}
	}
	p, err := s.Library.List(ctx, f)
	if err != nil {
		return nil, err
	}
	return paged(p.Items, p.Next), nil
}

// edge reads one end of a span: an instant, or the beginning of a day, the given number of days later.
func (s *Server) edge(field, text string, later int) (time.Time, error) {
	if day, err := broadcast.ParseDate(text); err == nil {
		return day.AddDays(later).At(0, s.Zone), nil
	}
	return s.instant(field, text)
}

func (s *Server) editReport(ctx context.Context, in *reportEditInput) (*reportOutput, error) {
	version, before, err := s.changeableReport(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	meta, err := s.changedMeta(before.Meta, in.Body)
	if err != nil {
		return nil, err
	}
	if meta.Area != before.Area {
		if err := s.assignable(ctx, meta.Area); err != nil {
			return nil, err
		}
	}
	r, err := s.Library.Edit(ctx, in.ID, version, meta, libraryPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	if r.Version == before.Version {
		return viewReport(r), nil // it says what it said
	}
	said := func(r library.Report) map[string]any {
		return map[string]any{"state": r.State, "version": r.Version, "meta": r.Meta}
	}
	return viewReport(r), s.audit(ctx, change{action: "report.edit", subject: r.ID, area: before.Area, before: said(before), after: said(r)})
}

func (s *Server) changedMeta(m library.Meta, c ReportChange) (library.Meta, error) {
	set(&m.Title, c.Title)
	set(&m.Area, c.Area)
	set(&m.Series, c.Series)
	set(&m.Source, c.Source)
	set(&m.Language, c.Language)
	set(&m.AirDate, c.AirDate)
	set(&m.Speaker, c.Speaker)
	set(&m.Rights, c.Rights)
	set(&m.LawFields, c.LawFields)
	set(&m.Laws, c.Laws)
	var err error
	if c.ValidFrom != nil {
		if m.ValidFrom, err = s.instant("valid_from", *c.ValidFrom); err != nil {
			return m, err
		}
	}
	if c.ValidUntil != nil {
		m.ValidUntil, err = s.instant("valid_until", *c.ValidUntil)
	}
	return m, err
}

// changeableReport gives a report that is the person's and the version they saw, and that version: the one whose area was
// checked here.
func (s *Server) changeableReport(ctx context.Context, id, header string) (int64, library.Report, error) {
	version, err := ifMatch(header)
	if err != nil {
		return 0, library.Report{}, err
	}
	r, err := s.ownReport(ctx, id)
	if err == nil && version != 0 && version != r.Version {
		err = errStale
	}
	return r.Version, r, err
}

func (s *Server) approveReport(ctx context.Context, in *approveInput) (*reportOutput, error) {
	version, before, err := s.changeableReport(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	tree, err := s.Planner.Tree(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.Library.Approve(ctx, in.ID, version, libraryPerson(who(ctx)), tree.Rules(before.Area).SecondPerson)
	if err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "report.approve", subject: r.ID, area: r.Area,
		before: reportState(before), after: reportState(r)})
}

func (s *Server) returnReport(ctx context.Context, in *returnInput) (*reportOutput, error) {
	version, before, err := s.changeableReport(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, err := s.Library.Return(ctx, in.ID, version, libraryPerson(who(ctx)), in.Body.Words)
	if err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "report.return", subject: r.ID, area: r.Area, before: reportState(before),
		after: map[string]any{"state": r.State, "version": r.Version, "words": r.Returned.Words}})
}

// yesOrNo reads a filter that may be left out.
func yesOrNo(text string) *bool {
	if text == "" {
		return nil
	}
	return new(text == "yes")
}

func (s *Server) withdrawReport(ctx context.Context, in *withdrawInput) (*reportOutput, error) {
	before, err := s.ownReport(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	programmes, err := s.Library.Programmes(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	blocked := make([]string, len(programmes))
	for i, p := range programmes {
		blocked[i] = p.ID
	}
	r, err := s.Library.Withdraw(ctx, in.ID, libraryPerson(who(ctx)), in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "report.withdraw", subject: r.ID, area: r.Area,
		before: reportState(before), after: map[string]any{"state": r.State, "reason": in.Body.Reason, "programmes": blocked}})
}

// ownReport gives one that the person answers for.
func (s *Server) ownReport(ctx context.Context, id string) (library.Report, error) {
	r, err := s.Library.Report(ctx, id)
	if err != nil {
		return r, err
	}
	return r, s.mine(ctx, r.Area)
}

func reportState(r library.Report) map[string]any {
	return map[string]any{"state": r.State, "version": r.Version, "sha256": r.SHA256}
}

func libraryPerson(p accounts.Person) library.Person { return library.Person{ID: p.ID, Name: p.Name} }

// file serves a blob of a report, in parts where asked.
func (s *Server) file(ctx context.Context, in *audioInput, contentType string, which func(library.Version) broadcast.Hash) (*huma.StreamResponse, error) {
	r, err := s.report(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := library.Version{Audio: r.Audio}
	if in.Version != 0 {
		if v, err = s.Library.Version(ctx, in.ID, in.Version); err != nil {
			return nil, err
		}
	}
	hash := which(v)
	if hash == "" {
		return nil, errNoAudio
	}
	blob, err := s.Blobs.Open(ctx, hash)
	if errors.Is(err, store.ErrNoBlob) {
		return nil, errNoAudio.With(err)
	} else if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer blob.Close() // only read
		req, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", `"`+string(hash)+`"`)
		w.Header().Set("Cache-Control", "private, no-cache")
		http.ServeContent(w, req, "", time.Time{}, io.NewSectionReader(blob, 0, blob.Size()))
	}}, nil
}
