package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/library"
)

// tusHeaders makes a request one of tus 1.0 for a file of so many bytes; said are names and texts.
func tusHeaders(r *http.Request, size int, said ...string) {
	var meta []string
	for i := 0; i+1 < len(said); i += 2 {
		meta = append(meta, said[i]+" "+base64.StdEncoding.EncodeToString([]byte(said[i+1])))
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	r.Header.Set("Upload-Length", fmt.Sprint(size))
	r.Header.Set("Upload-Metadata", strings.Join(meta, ","))
	if r.Method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/offset+octet-stream")
		r.Header.Set("Upload-Offset", "0")
		r.Header.Del("Upload-Length")
	}
}

// sender uploads in pieces.
type sender struct {
	*bench
	t      *testing.T
	person string
	at     string // path of the upload
}

// begins asks for an upload of so many bytes.
func (b *bench) begins(t *testing.T, person string, size int, said ...string) (*sender, *httptest.ResponseRecorder) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://hub"+Prefix+"/uploads", nil)
	tusHeaders(r, size, said...)
	s := &sender{bench: b, t: t, person: person}
	w := s.ask(r)
	s.at = strings.TrimPrefix(w.Header().Get("Location"), "http://hub")
	return s, w
}

func (s *sender) ask(r *http.Request) *httptest.ResponseRecorder {
	r.Header.Set("Authorization", "Bearer "+s.tokens[s.person])
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func (s *sender) send(offset int, piece string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("PATCH", "http://hub"+s.at, strings.NewReader(piece))
	tusHeaders(r, 0)
	r.Header.Set("Upload-Offset", fmt.Sprint(offset))
	return s.ask(r)
}

func (s *sender) find() *httptest.ResponseRecorder {
	r := httptest.NewRequest("HEAD", "http://hub"+s.at, nil)
	r.Header.Set("Tus-Resumable", "1.0.0")
	return s.ask(r)
}

// want checks status and code of an answer.
func want(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status || codeOf(w.Body.String()) != code {
		t.Errorf("%d %s, want %d %s", w.Code, w.Body, status, code)
	}
}

const sound = "RIFF....WAVEfmt and so on"

func TestAnUploadInPiecesBecomesAReport(t *testing.T) {
	b := newBench(t)
	s, w := b.begins(t, "officer-a", len(sound), "title", "Tìm hiểu pháp luật", "law_fields", `["hôn nhân"]`, "filename", "a.wav", "filetype", "audio/wav")
	want(t, w, 201, "")
	want(t, s.send(0, sound[:10]), 204, "")
	w = s.find()
	if want(t, w, 200, ""); w.Header().Get("Upload-Offset") != "10" || w.Header().Get("Upload-Length") != fmt.Sprint(len(sound)) || w.Header().Get(reportHeader) != "" {
		t.Errorf("after a piece: %v", w.Header())
	}
	want(t, s.send(0, sound), 409, "UPLOAD_OFFSET")
	w = s.send(10, sound[10:])
	want(t, w, 204, "")
	report := w.Header().Get(reportHeader)
	for range 2 { // whoever did not hear that it was whole asks again
		w = s.find()
		if want(t, w, 200, ""); w.Header().Get(reportHeader) != report || w.Header().Get("Upload-Offset") != fmt.Sprint(len(sound)) {
			t.Errorf("afterwards: %v, want report %s", w.Header(), report)
		}
		want(t, s.send(len(sound), ""), 204, "")
	}
	r, err := b.Library.Report(t.Context(), report)
	check(t, err)
	if r.Title != "Tìm hiểu pháp luật" || len(r.LawFields) != 1 || r.LawFields[0] != "hôn nhân" || r.Area != "xa-a" || r.Author.ID != "officer-a" {
		t.Errorf("the report: %+v", r)
	}
	if n := len(b.leftovers(t)); n != 1 {
		t.Errorf("ingest has %d uploads, want the one", n)
	}
	other := &sender{bench: b, t: t, person: "admin", at: s.at}
	want(t, other.find(), 404, "UPLOAD_NOT_FOUND")
	want(t, other.send(0, "x"), 404, "UPLOAD_NOT_FOUND")
}

func TestUploadsInPiecesThatAreRefused(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		name   string
		size   int
		said   []string
		status int
		code   string
	}{
		{"too large", 2<<30 + 1, []string{"title", "x"}, 413, "AUDIO_TOO_LARGE"},
		{"empty", 0, []string{"title", "x"}, 422, "AUDIO_EMPTY"},
		{"no size", -1, []string{"title", "x"}, 400, "UPLOAD_FORM"},
		{"no title", 9, nil, 422, "VALIDATION"},
		{"unknown field", 9, []string{"title", "x", "titel", "x"}, 422, "VALIDATION"},
		{"whose it is", 9, []string{"title", "x", "person", "admin"}, 422, "VALIDATION"},
		{"foreign area", 9, []string{"title", "x", "area", "xa-b"}, 403, "FOREIGN_AREA"},
		{"misleading name", 9, []string{"title", "x", "filename", "báo\u202e3pm.exe"}, 422, "FILE_NAME"},
		{"name with a path", 9, []string{"title", "x", "filename", "../../a.wav"}, 422, "FILE_NAME"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, w := b.begins(t, "officer-a", tc.size, tc.said...)
			want(t, w, tc.status, tc.code)
		})
	}
	if left, err := b.Uploads.List(t.Context(), ""); len(left) > 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	t.Run("dropped", func(t *testing.T) {
		s, _ := b.begins(t, "officer-a", len(sound), "title", "x")
		r := httptest.NewRequest("DELETE", "http://hub"+s.at, nil)
		r.Header.Set("Tus-Resumable", "1.0.0")
		want(t, s.ask(r), 204, "")
		want(t, s.find(), 404, "UPLOAD_NOT_FOUND")
	})
}

// Whoever uploads more than there is room for must not take it from the play records that agents deliver.
func TestUploadsLeaveRoomOnTheDisk(t *testing.T) {
	b := newBench(t)
	room := int64(len(sound))
	b.Room = func() (int64, error) { return room, nil }
	s, w := b.begins(t, "officer-a", len(sound), "title", "Tìm hiểu pháp luật", "filename", "a.wav")
	want(t, w, 201, "")
	_, w = b.begins(t, "officer-a", len(sound)+1, "title", "Tìm hiểu pháp luật", "filename", "a.wav")
	want(t, w, 507, "INGEST_DISK_FULL")
	room = 5 // others were faster
	want(t, s.send(0, sound), 507, "INGEST_DISK_FULL")
	want(t, s.send(0, sound[:5]), 204, "")
	contentType, body := makeForm(t, part{"title", "", "Tìm hiểu pháp luật"}, part{"audio", "a.wav", sound})
	if status, answer := b.upload(t, "officer-a", contentType, bytes.NewReader(body)); status != 507 || codeOf(answer) != "INGEST_DISK_FULL" {
		t.Errorf("as a form: %d %s", status, answer)
	}
	room = int64(len(sound))
	want(t, s.send(5, sound[5:]), 204, "") // somebody saw to the disk, and nothing was lost
}

func TestABrokenLineLosesNoPiece(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b.Handler())
	defer server.Close()
	s, _ := b.begins(t, "officer-a", 1000, "title", "Tìm hiểu pháp luật")
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	check(t, err)
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"+
		"Content-Type: application/offset+octet-stream\r\nContent-Length: 1000\r\n\r\n%s", s.at, b.tokens["officer-a"], strings.Repeat("x", 400))
	check(t, err)
	check(t, conn.Close())
	deadline := time.After(20 * time.Second)
	for kept := 0; kept < 2; { // asked for by HEAD, the piece would be broken off
		parts, err := b.Uploads.List(t.Context(), "")
		check(t, err)
		kept = len(parts)
		select {
		case <-deadline:
			t.Fatalf("the 400 bytes that came are not there: %v", s.find().Header())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if w := s.find(); w.Header().Get("Upload-Offset") != "400" {
		t.Fatalf("after the line broke: %v", w.Header())
	}
	want(t, s.send(400, strings.Repeat("y", 600)), 204, "")
	if report := s.find().Header().Get(reportHeader); report == "" {
		t.Error("it did not become a report")
	}
}

func TestAHubThatEndsBeforeTheReportIsMadeMakesItLater(t *testing.T) {
	b := newBench(t)
	s, _ := b.begins(t, "officer-a", len(sound), "title", "Tìm hiểu pháp luật")
	// As if the hub had died after the last byte.
	check(t, b.Uploads.Put(t.Context(), filepath.Base(s.at)+"/000000000000-9", strings.NewReader(sound), int64(len(sound))))
	w := s.find()
	report := w.Header().Get(reportHeader)
	if again := s.find().Header().Get(reportHeader); report == "" || again != report {
		t.Errorf("report %q, then %q", report, again)
	}
	if info, err := os.Stat(filepath.Join(b.dir, "uploads")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
}

// Nobody has to ask: who sent all of it may have gone.
func TestAnUploadThatCameWholeBecomesAReportUnasked(t *testing.T) {
	b := newBench(t)
	s, _ := b.begins(t, "officer-a", len(sound), "title", "Tìm hiểu pháp luật")
	half, _ := b.begins(t, "officer-a", len(sound), "title", "nửa")
	want(t, half.send(0, sound[:10]), 204, "")
	gone, _ := b.begins(t, "admin-b", len(sound), "title", "của người đã nghỉ")
	for _, u := range []*sender{s, gone} {
		check(t, b.Uploads.Put(t.Context(), filepath.Base(u.at)+"/000000000000-9", strings.NewReader(sound), int64(len(sound))))
	}
	_, err := b.DB.ExecContext(t.Context(), "UPDATE people SET disabled = ? WHERE id = 'admin-b'", true)
	check(t, err)
	for range 2 {
		b.pieces.settle(t.Context())
	}
	all, err := b.Library.List(t.Context(), library.Filter{Limit: 10})
	if err != nil || len(all.Items) != 1 || all.Items[0].Author.ID != "officer-a" || all.Items[0].Title != "Tìm hiểu pháp luật" {
		t.Fatalf("reports: %+v, %v", all.Items, err)
	}
	if report := s.find().Header().Get(reportHeader); report != all.Items[0].ID {
		t.Errorf("it became %q", report)
	}
	if w := half.find(); w.Header().Get("Upload-Offset") != "10" {
		t.Errorf("the one that goes on: %v", w.Header())
	}
}

func TestUploadsThatNobodyGoesOnWithAreForgotten(t *testing.T) {
	b := newBench(t)
	old, _ := b.begins(t, "officer-a", len(sound), "title", "cũ")
	young, _ := b.begins(t, "officer-a", len(sound), "title", "mới")
	whole, _ := b.begins(t, "officer-a", len(sound), "title", "xong")
	want(t, whole.send(0, sound), 204, "")
	long := b.Now().Add(-keepPieces - time.Minute)
	for _, s := range []*sender{old, whole} {
		parts, err := filepath.Glob(filepath.Join(b.dir, "uploads", filepath.Base(s.at), "*"))
		check(t, err)
		for _, part := range parts {
			check(t, os.Chtimes(part, long, long))
		}
	}
	b.pieces.sweep(t.Context())
	want(t, old.find(), 404, "UPLOAD_NOT_FOUND")
	want(t, whole.find(), 404, "UPLOAD_NOT_FOUND")
	want(t, young.find(), 200, "")
	left, err := b.Uploads.List(t.Context(), "")
	if len(left) != 1 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	_, err = io.Copy(io.Discard, young.find().Body)
	check(t, err)
}
