package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
)

type audioInput struct {
	IDInput
	Version int64 `query:"version" minimum:"0" doc:"an earlier audio, by its number; the present one when left out"`
}

type trimInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version of the report that was seen"`
	Body    struct {
		FromMS int64 `json:"from_ms" minimum:"0" doc:"where what is kept begins in the version that is cut"`
		ToMS   int64 `json:"to_ms" minimum:"1" doc:"where it ends"`
		Base   int64 `json:"base,omitempty" minimum:"0" doc:"number of the version that is cut; the present one when left out"`
	}
}

type programmeNewInput struct {
	Body struct {
		ReportChange
		library.Order
	}
}

type programmeInput struct {
	IDInput
	IfMatch string `header:"If-Match" doc:"the version of the programme that was seen"`
	Body    library.Order
}

func (s *Server) versionRoutes() {
	register(s, op("list-versions", http.MethodGet, "/reports/{id}/versions", "Every audio a report had and has, newest first, each with its approval"),
		func(ctx context.Context, in *IDInput) (*pageOutput[library.Version], error) {
			if _, err := s.report(ctx, in.ID); err != nil {
				return nil, err
			}
			all, err := s.Library.Versions(ctx, in.ID)
			return paged(all, ""), err
		})
	register(s, op("trim-report", http.MethodPost, "/reports/{id}/trim", "Cut a report at its ends: a new audio, to be approved anew; the present one stays in force until it is made"), s.trimReport)
	register(s, op("report-programmes", http.MethodGet, "/reports/{id}/programmes", "Programmes that a report is a part of: withdrawing it blocks them"), s.programmesOf)
	register(s, created(op("create-programme", http.MethodPost, "/programmes", "Make a programme of reports, with tunes at its ends: one audio, approved and scheduled like a report")), s.createProgramme)
	register(s, op("rearrange-programme", http.MethodPut, "/programmes/{id}/parts", "Make a programme's audio anew, of these parts as they are now"), s.rearrange)
}

func (s *Server) trimReport(ctx context.Context, in *trimInput) (*reportOutput, error) {
	version, before, err := s.changeableReport(ctx, in.ID, in.IfMatch)
	if err != nil {
		return nil, err
	}
	r, cut, err := s.Library.Trim(ctx, in.ID, version, in.Body.Base, in.Body.FromMS, in.Body.ToMS, libraryPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	if err := s.render(ctx, r.ID, 0, cut); err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "report.trim", subject: r.ID, area: r.Area, before: reportState(before), after: in.Body})
}

// render hands audio of ours to ingest.
func (s *Server) render(ctx context.Context, id string, gapMS int64, stretches ...library.Stretch) error {
	recipe := ingest.Recipe{GapMS: gapMS}
	for _, c := range stretches {
		recipe.Parts = append(recipe.Parts, ingest.Cut(c))
	}
	_, err := s.Ingest.Render(ctx, id, recipe)
	return s.begun(ctx, id, err)
}

// begun ends what was begun for audio that ingest does not take.
func (s *Server) begun(ctx context.Context, id string, err error) error {
	if err == nil || errors.Is(err, ingest.ErrReportBusy) { // a job that runs ends what was begun
		return err
	}
	return errors.Join(err, s.Library.Failed(context.WithoutCancel(ctx), id, refusalOf(err)))
}

func (s *Server) programmesOf(ctx context.Context, in *IDInput) (*pageOutput[library.Report], error) {
	if _, err := s.report(ctx, in.ID); err != nil {
		return nil, err
	}
	all, err := s.Library.Programmes(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	seen := []library.Report{}
	for _, p := range all {
		if s.visible(ctx, p.Area) == nil {
			seen = append(seen, p)
		}
	}
	return paged(seen, ""), nil
}

// readable refuses an order with parts that the person may not read.
func (s *Server) readable(ctx context.Context, o library.Order) error {
	for _, id := range o.IDs() {
		if _, err := s.report(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) createProgramme(ctx context.Context, in *programmeNewInput) (*reportOutput, error) {
	meta, err := s.changedMeta(library.Meta{}, in.Body.ReportChange)
	if err == nil {
		err = s.completeMeta(ctx, &meta)
	}
	if err == nil {
		err = s.readable(ctx, in.Body.Order)
	}
	if err != nil {
		return nil, err
	}
	r, stretches, err := s.Library.CreateProgramme(ctx, meta, in.Body.Order, libraryPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	if err := s.render(ctx, r.ID, in.Body.GapMS, stretches...); err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "programme.create", subject: r.ID, area: r.Area, after: map[string]any{"title": r.Title, "parts": r.Parts}})
}

func (s *Server) rearrange(ctx context.Context, in *programmeInput) (*reportOutput, error) {
	version, before, err := s.changeableReport(ctx, in.ID, in.IfMatch)
	if err == nil {
		err = s.readable(ctx, in.Body)
	}
	if err != nil {
		return nil, err
	}
	r, stretches, err := s.Library.Rearrange(ctx, in.ID, version, in.Body, libraryPerson(who(ctx)))
	if err != nil {
		return nil, err
	}
	if err := s.render(ctx, r.ID, in.Body.GapMS, stretches...); err != nil {
		return nil, err
	}
	return viewReport(r), s.audit(ctx, change{action: "programme.parts", subject: r.ID, area: r.Area, before: before.Parts, after: r.Pending.Parts})
}
