package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// part of a form; file is the name of one, "" for a text field.
type part struct{ name, file, text string }

func makeForm(t testing.TB, parts ...part) (contentType string, body []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, p := range parts {
		make := w.CreateFormField
		if p.file != "" {
			make = func(name string) (io.Writer, error) { return w.CreateFormFile(name, p.file) }
		}
		into, err := make(p.name)
		check(t, err)
		_, err = io.WriteString(into, p.text)
		check(t, err)
	}
	check(t, w.Close())
	return w.FormDataContentType(), buf.Bytes()
}

func (b *bench) upload(t testing.TB, person, contentType string, body io.Reader) (int, string) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://hub/api/v1/reports", body)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "Bearer "+b.tokens[person])
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// leftovers of refused uploads.
func (b *bench) leftovers(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "ingest", "*"))
	check(t, err)
	return found
}

func TestUploadForms(t *testing.T) {
	b := newBench(t)
	audio := part{"audio", "a.wav", "RIFF...."}
	title := part{"title", "", "Tìm hiểu pháp luật"}
	for _, tc := range []struct {
		name  string
		parts []part
		code  string // "" is taken
	}{
		{"fields before", []part{title, {"area", "", "thon-a"}, audio}, ""},
		{"fields after", []part{audio, title, {"area", "", "thon-a"}, {"law_fields", "", `["hôn nhân"]`}}, ""},
		{"laws that are no list", []part{title, {"laws", "", "31/2024/QH15"}, audio}, "VALIDATION"},
		{"a law without a number", []part{title, {"laws", "", `[{"valid_until":"2027-01-01"}]`}, audio}, "LAW_NUMBER_REQUIRED"},
		{"a language nobody knows", []part{title, {"language", "", "xx"}, audio}, "LANGUAGE_UNKNOWN"},
		{"no audio", []part{title}, "AUDIO_REQUIRED"},
		{"empty audio", []part{title, {"audio", "a.wav", ""}}, "AUDIO_EMPTY"},
		{"no title", []part{audio}, "VALIDATION"},
		{"title twice", []part{title, title, audio}, "VALIDATION"},
		{"audio twice", []part{title, audio, audio}, "VALIDATION"},
		{"unknown field", []part{title, {"titel", "", "x"}, audio}, "VALIDATION"},
		{"long field", []part{title, {"series", "", strings.Repeat("x", maxField+1)}, audio}, "VALIDATION"},
		{"invalid UTF-8", []part{{"title", "", "\xff"}, audio}, "VALIDATION"},
		{"foreign area before", []part{{"area", "", "xa-b"}, title, audio}, "FOREIGN_AREA"},
		{"foreign area after", []part{audio, title, {"area", "", "xa-b"}}, "FOREIGN_AREA"},
		{"bad time", []part{title, {"valid_from", "", "tomorrow"}, audio}, "TIME_INVALID"},
		{"validity turned round", []part{title, {"valid_from", "", "2027-01-02T00:00:00+07:00"}, {"valid_until", "", "2027-01-01T00:00:00+07:00"}, audio}, "VALIDITY_INVALID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := len(b.leftovers(t))
			contentType, body := makeForm(t, tc.parts...)
			status, answer := b.upload(t, "officer-a", contentType, bytes.NewReader(body))
			if codeOf(answer) != tc.code || (tc.code == "") != (status == 201) {
				t.Fatalf("got %d %s", status, answer)
			}
			if tc.code != "" && len(b.leftovers(t)) != before {
				t.Errorf("left behind: %v", b.leftovers(t))
			}
			if tc.code == "" && (!strings.Contains(answer, `"area":"thon-a"`) || !strings.Contains(answer, `"state":"processing"`)) {
				t.Errorf("got %s", answer)
			}
		})
	}
}

func TestUploadCutOrBroken(t *testing.T) {
	b := newBench(t)
	contentType, body := makeForm(t, part{"title", "", "x"}, part{"audio", "a.wav", strings.Repeat("sound", 1000)})
	for _, tc := range []struct {
		name, contentType string
		body              []byte
		code              string
	}{
		{"cut in the audio", contentType, body[:len(body)-2000], "UPLOAD_CUT"},
		{"cut in a head", contentType, body[:90], "AUDIO_REQUIRED"},
		{"json", "application/json", []byte(`{}`), "MEDIA_TYPE"},
		{"no boundary", "multipart/form-data", body, "MEDIA_TYPE"},
		{"other boundary", "multipart/form-data; boundary=x", body, "MULTIPART_INVALID"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, answer := b.upload(t, "officer-a", tc.contentType, bytes.NewReader(tc.body))
			if codeOf(answer) != tc.code {
				t.Errorf("got %d %s", status, answer)
			}
			if left := b.leftovers(t); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// stalled is a body whose rest does not come in time. As net/http does, it ends the request's context then.
type stalled struct {
	io.Reader
	gone context.CancelFunc
}

func (s stalled) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		s.gone()
		return n, os.ErrDeadlineExceeded
	}
	return n, err
}

func TestUploadThatStalls(t *testing.T) {
	b := newBench(t)
	contentType, body := makeForm(t, part{"title", "", strings.Repeat("x", 200)}, part{"audio", "a.wav", strings.Repeat("sound", 1000)})
	for name, arrived := range map[string]int{"in the title": 150, "in the audio": len(body) - 2000} {
		t.Run(name, func(t *testing.T) {
			ctx, gone := context.WithCancel(t.Context())
			defer gone()
			r := httptest.NewRequestWithContext(ctx, "POST", "http://hub/api/v1/reports", stalled{bytes.NewReader(body[:arrived]), gone})
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Authorization", "Bearer "+b.tokens["officer-a"])
			w := httptest.NewRecorder()
			b.Handler().ServeHTTP(w, r)
			if w.Code != 408 || codeOf(w.Body.String()) != "REQUEST_SLOW" || len(b.leftovers(t)) != 0 {
				t.Errorf("got %d %s, left %v", w.Code, w.Body, b.leftovers(t))
			}
		})
	}
}

// arriving is a body in the middle of which something happens.
type arriving struct {
	body *bytes.Reader
	then func()
}

func (a arriving) Read(b []byte) (int, error) {
	if a.body.Size()-int64(a.body.Len()) < a.body.Size()/2 {
		return a.body.Read(b[:min(len(b), 100)])
	}
	a.then()
	return a.body.Read(b)
}

// An upload may take hours. What becomes of it is what its sender may do at its end.
func TestAnUploadEndsWithTheRightsOfItsSender(t *testing.T) {
	for name, tc := range map[string]struct{ change, code string }{
		"blocked":       {"disabled = TRUE", "NOT_SIGNED_IN"},
		"moved":         {"area = 'xa-b'", "FOREIGN_AREA"},
		"made a viewer": {"role = 'viewer'", "FORBIDDEN"},
		"made another":  {"role = 'admin'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := board(t)
			approved := b.draft(t)
			b.does(t, "hoa", "POST", "reports/"+approved+"/approve", "", "")
			change := func() {
				_, err := b.DB.NewRaw("UPDATE people SET " + tc.change + " WHERE id IN ('lan', 'officer-a')").Exec(t.Context())
				check(t, err)
			}
			s, w := b.begins(t, "officer-a", len(sound), "title", "Luật", "area", "xa-a")
			want(t, w, 201, "")
			want(t, s.send(0, sound[:10]), 204, "")
			contentType, body := makeForm(t, part{"report", "", approved}, part{"audio", "a.wav", strings.Repeat("sound", 1000)})
			_, answer := b.upload(t, "lan", contentType, arriving{bytes.NewReader(body), change})
			if codeOf(answer) != tc.code {
				t.Errorf("another audio: %s", answer)
			}
			if got := b.report(t, approved); (got.Pending == nil) != (tc.code != "") || len(b.leftovers(t)) > 1 {
				t.Errorf("its report has %+v in the making, left %v", got.Pending, b.leftovers(t))
			}
			_, err := b.DB.NewRaw("UPDATE people SET disabled = FALSE, area = 'xa-a', role = 'officer' WHERE id = 'officer-a'").Exec(t.Context())
			check(t, err)
			r := httptest.NewRequest("PATCH", "http://hub"+s.at, arriving{bytes.NewReader([]byte(sound[10:])), change})
			tusHeaders(r, 0)
			r.Header.Set("Upload-Offset", "10")
			if w := s.ask(r); codeOf(w.Body.String()) != tc.code {
				t.Errorf("in pieces: %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestDefaultAreaIsTheAuthors(t *testing.T) {
	b := newBench(t)
	contentType, body := makeForm(t, part{"title", "", "x"}, part{"audio", "a.wav", "sound"})
	if _, answer := b.upload(t, "officer-a", contentType, bytes.NewReader(body)); !strings.Contains(answer, `"area":"xa-a"`) {
		t.Errorf("got %s", answer)
	}
}

func FuzzUpload(f *testing.F) {
	b := newBench(f)
	_, good := makeForm(f, part{"title", "", "x"}, part{"audio", "a.wav", "sound"})
	f.Add("multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\ny\r\n--x--\r\n"))
	f.Add("multipart/form-data; boundary=", good)
	f.Add("multipart/mixed; boundary=x", []byte("--x\r\n\r\n--x--"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		if status, answer := b.upload(t, "officer-a", contentType, bytes.NewReader(body)); status >= 500 {
			t.Errorf("got %d %s", status, answer)
		}
		_ = os.RemoveAll(filepath.Join(b.dir, "ingest"))
		check(t, os.MkdirAll(filepath.Join(b.dir, "ingest"), 0o700))
	})
}
