package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	tus "github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog" // what tusd logs by

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/internal/problem"
)

// Bounds of an upload that comes in pieces.
const (
	maxPieces  = 2 << 30            // bytes, as of any upload
	keepPieces = 3 * 24 * time.Hour // after its last piece an upload is forgotten
	sweepEvery = time.Hour
)

// reportHeader names the report that an upload became.
const reportHeader = "Loa-Report"

// Keys of an upload's metadata that are no fields of the report.
const (
	fileNameKey = "filename"
	personKey   = "person" // set by us: whose upload it is
)

var (
	errUploadGone = problem.New("UPLOAD_NOT_FOUND", http.StatusNotFound,
		"Không tìm thấy lần tải lên này: đã quá 3 ngày, đã hủy hoặc không phải của bạn. Hãy tải tệp lên lại từ đầu.",
		"There is no such upload: it is older than 3 days, was dropped, or is not yours. Upload the file from its beginning.")
	errUploadOffset = problem.New("UPLOAD_OFFSET", http.StatusConflict,
		"Phần gửi lên không nối tiếp phần đã có. Hãy hỏi lại vị trí bằng HEAD rồi gửi tiếp từ đó.",
		"This piece does not follow what is here. Ask by HEAD how far it is, and go on from there.")
	errUploadBusy = problem.New("UPLOAD_BUSY", http.StatusLocked,
		"Một kết nối khác đang gửi tệp này. Hãy chờ vài giây rồi thử lại.",
		"Another connection is sending this file. Wait some seconds and try again.")
	errUploadForm = problem.New("UPLOAD_FORM", http.StatusBadRequest,
		"Yêu cầu không đúng giao thức tus 1.0. Hãy dùng một chương trình tải lên theo tus 1.0 với Upload-Length.",
		"This is not a request of tus 1.0. Use a program that uploads by tus 1.0, with Upload-Length.")
)

// pieces takes uploads that come in pieces and may be broken off and gone on with: tus 1.0, by its own library. A whole
// one becomes a report as any upload does.
type pieces struct {
	s     *Server
	store *pieceStore
	tus   *tus.UnroutedHandler

	ending sync.Mutex // one upload at a time becomes a report
}

func (s *Server) pieceRoutes() {
	store := &pieceStore{s.Uploads}
	p := &pieces{s: s, store: store}
	composer := tus.NewStoreComposer()
	composer.UseCore(store)
	composer.UseTerminater(store)
	memorylocker.New().UseIn(composer)
	handler, err := tus.NewUnroutedHandler(tus.Config{StoreComposer: composer, BasePath: strings.TrimSuffix(s.PublicURL, "/") + Prefix + "/uploads/",
		MaxSize: maxPieces, DisableConcatenation: true, DisableDownload: true, Cors: &tus.CorsConfig{Disable: true}, NetworkTimeout: pieceTime,
		GracefulRequestCompletionTimeout: time.Millisecond, // the store writes on to the end, and so does end
		Logger:                           slog.New(slog.NewTextHandler(io.Discard, nil)), PreUploadCreateCallback: p.begins, PreFinishResponseCallback: p.ends})
	if err != nil {
		panic(fmt.Sprintf("api: %v", err)) // only our own configuration is checked
	}
	p.tus, s.pieces = handler, p
	for _, o := range []struct {
		op     huma.Operation
		handle http.HandlerFunc
		begun  bool // it is about an upload that has begun
	}{
		{op("begin-upload", http.MethodPost, "/uploads", "Begin an upload in pieces (tus 1.0)"), handler.PostFile, false},
		{op("find-upload", http.MethodHead, "/uploads/{id}", "How much of an upload is here; the header Loa-Report names the report that it became"), handler.HeadFile, true},
		{op("continue-upload", http.MethodPatch, "/uploads/{id}", "The next piece of an upload"), handler.PatchFile, true},
		{op("drop-upload", http.MethodDelete, "/uploads/{id}", "Drop an upload"), handler.DelFile, true},
	} {
		if o.begun {
			register(s, o.op, func(ctx context.Context, in *pieceInput) (*huma.StreamResponse, error) {
				report, err := p.mine(ctx, in.ID)
				if err == nil {
					err = s.room(in.request.ContentLength)
				}
				if err != nil {
					return nil, err
				}
				return p.serve(ctx, in.uploadInput, in.ID, report, o.handle), nil
			})
			continue
		}
		register(s, o.op, func(ctx context.Context, in *uploadInput) (*huma.StreamResponse, error) {
			size, err := strconv.ParseInt(in.request.Header.Get("Upload-Length"), 10, 64)
			switch {
			case err == nil && size > maxPieces:
				return nil, ingest.ErrTooLarge
			case err == nil && size == 0:
				return nil, ingest.ErrEmpty
			}
			if err := s.room(size); err != nil {
				return nil, err
			}
			return p.serve(ctx, *in, "", "", o.handle), nil
		})
	}
}

type pieceInput struct {
	IDInput
	uploadInput
}

// serve lets the library answer, with errors of ours.
func (p *pieces) serve(ctx context.Context, in uploadInput, id, report string, handle http.HandlerFunc) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(huma.Context) {
		ctx, answered := context.WithCancel(ctx) // the library has goroutines that end with the request's
		defer answered()
		r := in.request.Clone(ctx)
		r.URL.Path = id // what the library takes for the name
		r.Header.Del("X-HTTP-Method-Override")
		w := &pieceWriter{ResponseWriter: in.writer, s: p.s, r: r}
		if report != "" {
			w.Header().Set(reportHeader, report)
		}
		p.tus.Middleware(handle).ServeHTTP(w, r)
	}}
}

// mine refuses uploads of others, and brings one to its end that a hub's end broke off there. It gives the report that it
// became.
func (p *pieces) mine(ctx context.Context, id string) (report string, err error) {
	u, err := p.store.upload(ctx, id)
	if errors.Is(err, tus.ErrNotFound) {
		return "", errUploadGone
	} else if err != nil {
		return "", fmt.Errorf("find upload: %w", err)
	}
	if u.info.MetaData[personKey] != who(ctx).ID {
		return "", errUploadGone
	}
	if u.info.Offset == u.info.Size {
		return p.end(ctx, id)
	}
	return "", nil
}

// begins checks what is said of a file before its first byte comes.
func (p *pieces) begins(event tus.HookEvent) (tus.HTTPResponse, tus.FileInfoChanges, error) {
	ctx := event.Context
	id, err := uuid.NewV7()
	if err == nil {
		_, err = p.form(ctx, event.Upload.MetaData)
	}
	if err != nil {
		return tus.HTTPResponse{}, tus.FileInfoChanges{}, p.refusal(ctx, err)
	}
	meta := event.Upload.MetaData
	meta[personKey] = who(ctx).ID
	return tus.HTTPResponse{}, tus.FileInfoChanges{ID: id.String(), MetaData: meta}, nil
}

// form gives what the report's author says of it.
func (p *pieces) form(ctx context.Context, said tus.MetaData) (*form, error) {
	f := &form{}
	if err := checkFileName(said[fileNameKey]); err != nil {
		return f, err
	}
	for name, text := range said {
		if name == fileNameKey || name == "filetype" { // clients send it; the file itself tells
			continue
		}
		if err := p.s.setField(name, text, f); err != nil {
			return f, err
		}
	}
	return f, p.s.completeWords(ctx, f)
}

// ends makes a report of an upload whose last piece has come.
func (p *pieces) ends(event tus.HookEvent) (tus.HTTPResponse, error) {
	ctx, err := p.s.still(context.WithoutCancel(event.Context), event.HTTPRequest.Header, "continue-upload")
	if err != nil {
		return tus.HTTPResponse{}, p.refusal(event.Context, err)
	}
	report, err := p.end(ctx, event.Upload.ID)
	if err != nil {
		return tus.HTTPResponse{}, p.refusal(event.Context, err)
	}
	return tus.HTTPResponse{Header: tus.HTTPHeader{reportHeader: report}}, nil
}

// end makes the report, once, and gives its id; an upload that is refused then is gone. Whoever sent the last piece may
// not wait for it, and this hub or another may have been killed anywhere in it: each step is one that was done already, or is
// done again.
func (p *pieces) end(ctx context.Context, id string) (string, error) {
	ctx = context.WithoutCancel(ctx)
	p.ending.Lock()
	defer p.ending.Unlock()
	u, err := p.store.upload(ctx, id)
	if err != nil {
		return "", err
	} else if u.Report != "" {
		return u.Report, nil
	}
	report, err := p.report(ctx, u)
	if err != nil {
		if final(err) {
			err = errors.Join(err, u.Terminate(ctx))
		}
		return "", err
	}
	return report, u.became(ctx, report)
}

// final tells a refusal of the upload itself from one that passes.
func final(err error) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Status >= 400 && p.Status < 500 && p.Status != http.StatusConflict && p.Status != http.StatusTooManyRequests
}

func (p *pieces) report(ctx context.Context, u *upload) (string, error) {
	if job, err := p.s.Ingest.Job(ctx, u.info.ID); !errors.Is(err, ingest.ErrNoJob) {
		return job.ReportID, err
	}
	said := maps.Clone(u.info.MetaData)
	delete(said, personKey)
	f, err := p.form(ctx, said)
	if err != nil {
		return "", err
	}
	file, err := u.GetReader(ctx)
	if err != nil {
		return "", err
	}
	defer file.Close() // only read
	f.upload, err = p.s.Ingest.ReceiveAs(ctx, u.info.ID, file, said[fileNameKey], u.info.Size)
	if errors.Is(err, ingest.ErrUploadCut) {
		return "", ingest.ErrInternal.With(err) // it was the store's line, and not that of who sent them
	} else if err != nil {
		return "", err
	}
	f.has, f.again = true, true
	r, err := p.s.admit(ctx, f)
	if err != nil {
		return "", p.s.discard(ctx, f, err)
	}
	return r.ID, nil
}

// run looks after uploads whose sender is gone, until ctx ends.
func (p *pieces) run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		p.settle(ctx)
		p.sweep(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// settle makes reports of uploads that came whole, of which a hub's end kept the hub from doing so, without being asked: who
// sent them may think that all is well.
func (p *pieces) settle(ctx context.Context) {
	whole, err := p.store.whole(ctx)
	for _, u := range whole {
		a, bad := p.s.Accounts.Account(ctx, u.info.MetaData[personKey])
		c := accounts.Caller{Person: a.Person}
		if bad == nil && !a.Disabled && permits(c, p.s.access["begin-upload"]) {
			_, bad = p.end(context.WithValue(ctx, callerKey{}, c), u.info.ID)
		}
		err = errors.Join(err, bad)
	}
	if err != nil && ctx.Err() == nil {
		p.s.Log.Error("uploads that came whole did not become reports", "err", err)
	}
}

// sweep forgets uploads that nobody goes on with.
func (p *pieces) sweep(ctx context.Context) {
	old, err := p.store.old(ctx, p.s.Now().Add(-keepPieces))
	for _, u := range old {
		err = errors.Join(err, u.Terminate(ctx))
	}
	if err != nil {
		p.s.Log.Error("old uploads not removed", "err", err)
	}
}

// refusal is an error of ours as the library sends it.
func (p *pieces) refusal(ctx context.Context, err error) error {
	said := p.s.problemOf(ctx, err)
	body, _ := json.Marshal(said) // of plain fields
	return tus.Error{ErrorCode: said.Code, Message: said.Detail, HTTPResponse: tus.HTTPResponse{StatusCode: said.Status, Body: string(body),
		Header: tus.HTTPHeader{"Content-Type": said.ContentType("")}}}
}

// pieceWriter says the library's own errors in our words.
type pieceWriter struct {
	http.ResponseWriter
	s    *Server
	r    *http.Request
	mute bool // what the library would say
}

// WriteHeader takes the library's errors for ours.
func (w *pieceWriter) WriteHeader(status int) {
	if status < 400 || strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem") {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.mute = true
	w.Header().Del("Content-Length")
	var err error
	switch status {
	case http.StatusNotFound, http.StatusGone:
		err = errUploadGone
	case http.StatusConflict:
		err = errUploadOffset
	case http.StatusLocked:
		err = errUploadBusy
	case http.StatusRequestEntityTooLarge:
		err = ingest.ErrTooLarge
	case http.StatusInternalServerError:
		err = fmt.Errorf("upload in pieces: status %d", status)
	default:
		err = errUploadForm
	}
	w.s.write(w.ResponseWriter, w.r, err)
}

// Write implements http.ResponseWriter.
func (w *pieceWriter) Write(b []byte) (int, error) {
	if w.mute {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (w *pieceWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
