package api

import (
	"context"
	"encoding/json"
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

	"github.com/loa-vn/loa/hub/internal/accounts"
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
		"air_date": (*string)(&m.AirDate), "speaker": &m.Speaker, "rights": &m.Rights}
}

// describeUpload says in the OpenAPI description what the form has. It comes after the registration: an operation
// that names a body has it read whole by the library before the handler runs.
func (s *Server) describeUpload() {
	o := s.huma.OpenAPI().Paths["/reports"].Post
	o.Description = "multipart/form-data; fields may stand before or after the audio. The answer comes when the file has arrived; " +
		"GET reports/{id} tells how far its processing is."
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {
		Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"audio"}, Properties: map[string]*huma.Schema{
			"audio":       {Type: huma.TypeString, Format: "binary", Description: "any format that ffmpeg reads, at most 2 GiB"},
			"report":      text("id of a report: the audio becomes its next version, to be approved anew, and its words stay; the other fields are not read"),
			"title":       text("1 to 200 characters; needed without report"),
			"area":        text("code of the area that answers for it; its author's when left out"),
			"series":      text("chuyên mục"),
			"source":      text("the station that produced it"),
			"air_date":    text("YYYY-MM-DD, when that station aired it"),
			"language":    text("of what is spoken: one of /languages, such as vi"),
			"speaker":     text("who speaks"),
			"rights":      text("who may use it, and how"),
			"law_fields":  text("JSON list of texts, such as [\"đất đai\"]"),
			"laws":        text("JSON list of the legal documents it cites, such as [{\"number\":\"31/2024/QH15\",\"effective_from\":\"2024-08-01\"}]"),
			"valid_from":  text("RFC 3339; not heard before"),
			"valid_until": text("RFC 3339; not heard from then on"),
		}}}}}
}

// form is what an upload brought.
type form struct {
	meta   library.Meta
	report string // whose new audio it is; "" makes a report of its own
	upload ingest.Upload
	has    bool // the audio is there
	handed bool // to ingest, which may have it whatever it answered
	again  bool // who sent it will ask again: what fails now may be done then
}

// room refuses so many bytes more where the rest of the disk is for what must be kept: the database, agents' play records.
func (s *Server) room(size int64) error {
	if s.Room == nil || size <= 0 {
		return nil
	}
	free, err := s.Room()
	if err == nil && size > free {
		err = ingest.ErrDiskFull
	}
	return err
}

func (s *Server) createReport(ctx context.Context, in *uploadInput) (*reportOutput, error) {
	if err := s.room(in.request.ContentLength); err != nil {
		return nil, err
	}
	f, err := s.readForm(ctx, in)
	if err == nil {
		ctx, err = s.still(ctx, in.request.Header, "create-report")
	}
	if err == nil {
		err = s.completeForm(ctx, f)
	}
	if err != nil {
		return nil, s.discard(ctx, f, err)
	}
	r, err := s.admit(ctx, f)
	if err != nil {
		return nil, s.discard(ctx, f, err)
	}
	return viewReport(r), nil
}

// admit makes a report of an upload that is whole, and has it processed.
func (s *Server) admit(ctx context.Context, f *form) (library.Report, error) {
	if f.report != "" {
		return s.admitAudio(ctx, f)
	}
	r, err := s.Library.FromUpload(ctx, f.upload.ID, f.meta, libraryPerson(who(ctx)))
	if err != nil {
		return r, err
	}
	f.handed = true
	if _, err := s.Ingest.Enqueue(ctx, r.ID, f.upload); err != nil {
		return r, s.notTaken(ctx, f, r.ID, err)
	}
	after := map[string]any{"title": r.Title, "file": f.upload.Name, "size": f.upload.Size, "sha256": f.upload.SHA256}
	return r, s.audit(ctx, change{action: "report.create", subject: r.ID, area: r.Area, after: after})
}

// admitAudio makes an upload the next audio of a report that there is.
func (s *Server) admitAudio(ctx context.Context, f *form) (library.Report, error) {
	r, err := s.Library.NextFromUpload(ctx, f.upload.ID, f.report, libraryPerson(who(ctx)))
	if err != nil {
		return r, err
	}
	f.handed = true
	if _, err := s.Ingest.Enqueue(ctx, r.ID, f.upload); err != nil {
		return r, s.notTaken(ctx, f, r.ID, err)
	}
	after := map[string]any{"file": f.upload.Name, "size": f.upload.Size, "sha256": f.upload.SHA256}
	return r, s.audit(ctx, change{action: "report.audio", subject: r.ID, area: r.Area, before: reportState(r), after: after})
}

// notTaken ends the report, or its next audio, whose upload ingest does not take.
func (s *Server) notTaken(ctx context.Context, f *form, id string, err error) error {
	if refused := (*problem.Error)(nil); f.again && !errors.As(err, &refused) {
		return err
	}
	return s.begun(ctx, id, err)
}

// refusalOf is why a report failed, for people: a refusal's own words, or that the hub is at fault.
func refusalOf(err error) *problem.Error {
	p := ingest.ErrInternal
	_ = errors.As(err, &p)
	return p
}

// discard leaves nothing of a refused upload behind.
func (s *Server) discard(ctx context.Context, f *form, why error) error {
	if refused := (*problem.Error)(nil); f != nil && f.has && (!f.handed || errors.As(why, &refused)) {
		if err := s.Ingest.Discard(context.WithoutCancel(ctx), f.upload.ID); err != nil {
			s.Log.Error("refused upload not removed", "upload", f.upload.ID, "err", err)
		}
	}
	return why
}

func (s *Server) completeForm(ctx context.Context, f *form) error {
	if !f.has {
		return errAudioPart
	}
	return s.completeWords(ctx, f)
}

// completeWords fills in what a new report needs; of a new audio it asks whether its report is the person's.
func (s *Server) completeWords(ctx context.Context, f *form) error {
	if f.report == "" {
		return s.completeMeta(ctx, &f.meta)
	}
	r, err := s.ownReport(ctx, f.report)
	if err == nil && r.Author.ID != who(ctx).ID && !caller(ctx).May(accounts.Author) {
		return errForbidden // a new audio ends the approval; of others' reports that is no commune's own matter
	}
	return err
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
			err = s.readField(part, name, f)
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

func (s *Server) readField(part *multipart.Part, name string, f *form) error {
	b, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return formError(err)
	}
	return s.setField(name, string(b), f)
}

// setField takes a field of an upload by its name.
func (s *Server) setField(name, text string, f *form) (err error) {
	m := &f.meta
	if len(text) > maxField || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return errValidation.At(name)
	}
	text = strings.TrimSpace(text)
	switch name {
	case "valid_from":
		m.ValidFrom, err = s.instant(name, text)
	case "valid_until":
		m.ValidUntil, err = s.instant(name, text)
	case "report":
		f.report = text
	case "law_fields":
		return readList(name, text, &m.LawFields)
	case "laws":
		return readList(name, text, &m.Laws)
	default:
		into, known := reportFields(m)[name]
		if !known {
			return errValidation.At(name)
		}
		*into = text
	}
	return err
}

// readList reads one that a form writes as JSON; "" is none.
func readList[T any](name, text string, into *[]T) error {
	if text == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		return errValidation.At(name)
	}
	return nil
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
