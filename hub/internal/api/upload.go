package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/internal/problem"
)

// Bounds of an upload's form; the audio itself is bounded by ingest.
const (
	maxParts  = 32
	maxField  = 8 << 10
	maxUpload = 2<<30 + 1<<20
)

// uploadInput carries the request itself: its body is read as it arrives, never as a whole.
type uploadInput struct {
	request *http.Request
	writer  http.ResponseWriter
}

// Resolve implements huma.Resolver.
func (u *uploadInput) Resolve(hc huma.Context) []error {
	u.request, u.writer = humago.Unwrap(hc)
	return nil
}

// reportFields are the form's text fields and what they fill.
func reportFields(m *library.Meta) map[string]*string {
	return map[string]*string{"title": &m.Title, "area": &m.Area, "series": &m.Series, "source": &m.Source, "language": &m.Language,
		"law_title": &m.LawTitle, "law_number": &m.LawNumber, "law_field": &m.LawField}
}

// describeUpload says in the OpenAPI description what the form has. It comes after the registration: an operation
// that names a body has it read whole by the library before the handler runs.
func (s *Server) describeUpload() {
	o := s.huma.OpenAPI().Paths["/reports"].Post
	o.Description = "multipart/form-data; fields may stand before or after the audio. The answer comes when the file has arrived; " +
		"GET reports/{id} tells how far its processing is."
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {
		Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"audio", "title"}, Properties: map[string]*huma.Schema{
			"audio":       {Type: huma.TypeString, Format: "binary", Description: "any format that ffmpeg reads, at most 2 GiB"},
			"title":       text("1 to 200 characters"),
			"area":        text("code of the area that answers for it; its author's when left out"),
			"series":      text("chuyên mục"),
			"source":      text("who produced it"),
			"language":    text("of what is spoken, such as vi"),
			"law_title":   text("the law it explains"),
			"law_number":  text("its number"),
			"law_field":   text("its field"),
			"valid_from":  text("RFC 3339; not heard before"),
			"valid_until": text("RFC 3339; not heard from then on"),
		}}}}}
}

// form is what an upload brought.
type form struct {
	meta   library.Meta
	upload ingest.Upload
	has    bool // the audio is there
}

func (s *Server) createReport(ctx context.Context, in *uploadInput) (*reportOutput, error) {
	f, err := s.readForm(ctx, in)
	if err == nil {
		err = s.completeForm(ctx, f)
	}
	if err != nil {
		return nil, s.discard(f, err)
	}
	r, err := s.admit(ctx, f)
	if err != nil {
		return nil, s.discard(f, err)
	}
	return viewReport(r), nil
}

// admit makes a report of an upload that is whole, and has it processed.
func (s *Server) admit(ctx context.Context, f *form) (library.Report, error) {
	r, err := s.Library.Create(ctx, f.meta, libraryPerson(who(ctx)))
	if err != nil {
		return r, err
	}
	if _, err := s.Ingest.Enqueue(ctx, r.ID, f.upload); err != nil {
		failed := s.Library.Failed(context.WithoutCancel(ctx), r.ID, refusalOf(err))
		return r, errors.Join(err, failed)
	}
	after := map[string]any{"title": r.Title, "file": f.upload.Name, "size": f.upload.Size, "sha256": f.upload.SHA256}
	return r, s.audit(ctx, change{action: "report.create", subject: r.ID, area: r.Area, after: after})
}

// refusalOf is why a report failed, for people: a refusal's own words, or that the hub is at fault.
func refusalOf(err error) *problem.Error {
	p := ingest.ErrInternal
	_ = errors.As(err, &p)
	return p
}

// discard leaves nothing of a refused upload behind.
func (s *Server) discard(f *form, why error) error {
	if f != nil && f.has {
		if err := s.Ingest.Discard(f.upload.ID); err != nil {
			s.Log.Error("refused upload not removed", "upload", f.upload.ID, "err", err)
		}
	}
	return why
}

func (s *Server) completeForm(ctx context.Context, f *form) error {
	if !f.has {
		return errAudioPart
	}
	return s.completeMeta(ctx, &f.meta)
}

func (s *Server) completeMeta(ctx context.Context, m *library.Meta) error {
	if strings.TrimSpace(m.Title) == "" {
		return errValidation.At("title")
	}
	return s.uploadArea(ctx, m)
}

// uploadArea fills in the author's area and refuses another's.
func (s *Server) uploadArea(ctx context.Context, m *library.Meta) error {
	if m.Area == "" {
		m.Area = who(ctx).Area
	}
	if m.Area == "" {
		return nil
	}
	if err := s.mine(ctx, m.Area); err != nil {
		return err
	}
	_, err := s.Planner.Area(ctx, m.Area)
	return err
}

// readForm takes the parts in the order they come. What it gives beside an error is to be discarded.
func (s *Server) readForm(ctx context.Context, in *uploadInput) (f *form, err error) {
	if in.request.ContentLength > maxUpload {
		return nil, ingest.ErrTooLarge
	}
	rc := http.NewResponseController(in.writer)
	body := &patientBody{ReadCloser: http.MaxBytesReader(in.writer, in.request.Body, maxUpload), rc: rc}
	in.request.Body = body
	defer func() {
		if err != nil && body.slow {
			err = errSlow.With(err) // whatever else it looks like: the sender is still there and can be told
		}
	}()
	parts, err := in.request.MultipartReader()
	if err != nil {
		return nil, errMediaType.With(err)
	}
	f = &form{}
	seen := map[string]bool{}
	for range maxParts {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // wrapped, it means that the form was cut
			return f, nil
		} else if err != nil {
			return f, formError(err)
		}
		name := part.FormName()
		if seen[name] {
			return f, errValidation.At(name)
		}
		seen[name] = true
		if name == "audio" {
			err = s.readAudio(ctx, part, f, seen["area"])
		} else {
			err = s.readField(part, name, &f.meta)
		}
		if err != nil {
			return f, err
		}
	}
	return f, errMultipart
}

// readAudio gives the part to ingest as it arrives. A foreign area that is already known is refused before.
func (s *Server) readAudio(ctx context.Context, part *multipart.Part, f *form, areaKnown bool) error {
	if areaKnown {
		if err := s.uploadArea(ctx, &f.meta); err != nil {
			return err
		}
	}
	name, err := sentName(part)
	if err == nil {
		err = checkFileName(name)
	}
	if err != nil {
		return err
	}
	u, err := s.Ingest.Receive(ctx, part, part.FileName(), -1)
	if err != nil {
		return err
	}
	f.upload, f.has = u, true
	return nil
}

func (s *Server) readField(part *multipart.Part, name string, m *library.Meta) error {
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return formError(err)
	}
	return s.setField(name, string(b), m)
}

// setField takes a field of an upload by its name.
func (s *Server) setField(name, text string, m *library.Meta) (err error) {
	if len(text) > maxField || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return errValidation.At(name)
	}
	text = strings.TrimSpace(text)
	switch name {
	case "valid_from":
		m.ValidFrom, err = s.instant(name, text)
	case "valid_until":
		m.ValidUntil, err = s.instant(name, text)
	default:
		into, known := reportFields(m)[name]
		if !known {
			return errValidation.At(name)
		}
		*into = text
	}
	return err
}

func formError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return ingest.ErrTooLarge.With(err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return ingest.ErrUploadCut.With(err)
	}
	return errMultipart.With(err)
}

// patientBody gives every piece of an upload its own deadline.
type patientBody struct {
	io.ReadCloser
	rc   *http.ResponseController
	slow bool // a piece did not come in time
}

func (p *patientBody) Read(b []byte) (int, error) {
	_ = p.rc.SetReadDeadline(time.Now().Add(pieceTime)) // test writers have no deadlines
	n, err := p.ReadCloser.Read(b)
	p.slow = p.slow || errors.Is(err, os.ErrDeadlineExceeded)
	return n, err
}
