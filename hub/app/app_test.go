package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store"
)

func TestMain(m *testing.M) {
	// Of each hub's own bus one goroutine waits for what never comes, see there.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*Server).StartRouting"))
}

// running is a hub in this process, on a free port, and its people.
type running struct {
	*App
	t    *testing.T
	stop func() // ends it, once
}

func start(t *testing.T, data string) *running {
	t.Helper()
	return startAs(t, Options{Data: data})
}

func startAs(t *testing.T, o Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a, err := New(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r := &running{App: a, t: t}
	r.stop = func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	return r
}

const password = "một câu thật dài"

// join adds a person and gives their token.
func (r *running) join(name string, role accounts.Role, area string) string {
	r.t.Helper()
	p, err := r.accounts.Add(r.t.Context(), accounts.NewPerson{Name: name, Password: password, Role: role, Area: area})
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := r.accounts.NewToken(r.t.Context(), accounts.Caller{Person: p}, accounts.Token{Label: "test"})
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// answer of the hub.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) get(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(a.body, &m); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return m
}

// ask is what curl would do.
func (r *running) ask(token, method, path, contentType string, body io.Reader) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL()+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, text}
}

func (r *running) json(token, method, path, body string) answer {
	r.t.Helper()
	return r.ask(token, method, "/api/v1/"+path, "application/json", strings.NewReader(body))
}

// want fails unless the answer has the status, and the code when it is a refusal.
func (a answer) want(t *testing.T, status int, code string) map[string]any {
	t.Helper()
	m := a.get(t)
	if got, _ := m["code"].(string); a.status != status || status >= 400 && got != code {
		t.Fatalf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
	return m
}

func (r *running) upload(token, file, title string) answer {
	r.t.Helper()
	sound, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("audio", filepath.Base(file))
	if err == nil {
		_, err = part.Write(sound)
	}
	if err = errors.Join(err, w.WriteField("title", title), w.Close()); err != nil {
		r.t.Fatal(err)
	}
	return r.ask(token, "POST", "/api/v1/reports", w.FormDataContentType(), &buf)
}

// await asks until the report is in a state that is not processing.
func (r *running) await(token, id string) map[string]any {
	r.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		report := r.json(token, "GET", "reports/"+id, "").want(r.t, 200, "")
		if report["state"] != "processing" {
			return report
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("still processing: %v", report)
		}
	}
}

// speech makes a spoken report, or skips where a tool is missing and nobody promised it (CI).
func speech(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "ffprobe", "espeak-ng"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	file := filepath.Join(t.TempDir(), "phong-su.wav")
	if out, err := exec.Command("espeak-ng", "-v", "vi", "-w", file, "Tìm hiểu pháp luật. Đây là một phóng sự ngắn.").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// pairedAgent writes an agent as pairing would leave it, so that a plan has somebody to be for.
func pairedAgent(t *testing.T, data, id, area string) {
	t.Helper()
	db, err := store.Open(t.Context(), "", data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = db.NewInsert().Table("agents").Model(&map[string]any{"id": id, "name": "Cụm " + id[len(id)-4:], "area": area, "state": "active",
		"public_key": strings.Repeat("ab", 28) + id[len(id)-8:], "created_at": time.Now().UnixMilli()}).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
}

// TestFromUploadToPlan is the main job up to the agent: by plain HTTP, with real sound.
func TestFromUploadToPlan(t *testing.T) {
	file, data := speech(t), t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A","policy":{"windows":[{"start":"00:00","end":"24:00"}]}}`).want(t, 201, "")
	r.json(admin, "POST", "areas", `{"code":"xa-b","name":"Xã B"}`).want(t, 201, "")
	lan, hoa := r.join("lan", accounts.Officer, "xa-a"), r.join("hoa", accounts.Officer, "xa-b")

	id, _ := r.upload(lan, file, "Tìm hiểu pháp luật").want(t, 201, "")["id"].(string)
	report := r.await(lan, id)
	if report["state"] != "draft" || report["area"] != "xa-a" || report["progress"] != 100.0 || math.Abs(number(report["loudness_lufs"])+18) > 1 {
		t.Fatalf("processed: %v", report)
	}
	uploaded, err := os.ReadFile(file)
	if sum := sha256.Sum256(uploaded); err != nil || report["source_sha256"] != hex.EncodeToString(sum[:]) || report["source_name"] != filepath.Base(file) {
		t.Errorf("of the upload is known: %v %v, %v", report["source_sha256"], report["source_name"], err)
	}
	heard := r.ask(lan, "GET", "/api/v1/reports/"+id+"/audio", "", nil)
	if !bytes.HasPrefix(heard.body, []byte("OggS")) || heard.header.Get("Content-Type") != "audio/ogg; codecs=opus" {
		t.Errorf("audio: %d %v", heard.status, heard.header)
	}
	if peaks := r.ask(lan, "GET", "/api/v1/reports/"+id+"/peaks", "", nil); len(peaks.body) < 100 {
		t.Errorf("peaks: %d %d bytes", peaks.status, len(peaks.body))
	}

	when := time.Now().In(r.o.Zone).Add(time.Hour).Format("2006-01-02T15:04:05")
	body := `{"title":"Bản tin","class":"normal","items":[{"report":"` + id + `"}],"when":{"at":"` + when + `"},"targets":{"areas":["xa-a"]}}`
	b, _ := r.json(lan, "POST", "broadcasts", body).want(t, 201, "")["id"].(string)
	r.json(hoa, "POST", "broadcasts", body).want(t, 403, "FOREIGN_AREA")
	r.json(admin, "POST", "broadcasts/"+b+"/approve", "").want(t, 409, "REPORT_NOT_APPROVED")

	r.json(lan, "POST", "reports/"+id+"/approve", "").want(t, 409, "SELF_APPROVAL")
	r.json(hoa, "POST", "reports/"+id+"/approve", "").want(t, 403, "FOREIGN_AREA")
	r.json(hoa, "GET", "reports/"+id, "").want(t, 403, "FOREIGN_AREA")
	r.json(admin, "POST", "reports/"+id+"/approve", "").want(t, 200, "")
	r.json(lan, "POST", "broadcasts/"+b+"/approve", "").want(t, 409, "SELF_APPROVAL")
	r.json(hoa, "POST", "broadcasts/"+b+"/approve", "").want(t, 403, "FOREIGN_AREA")
	r.json(admin, "POST", "broadcasts/"+b+"/approve", "").want(t, 200, "")

	preview := r.json(lan, "GET", "broadcasts/"+b+"/preview", "").want(t, 200, "")
	occurrences, _ := preview["occurrences"].([]any)
	ready, _ := preview["readiness"].([]any)
	if len(occurrences) != 1 || len(ready) != 1 || inner(ready[0])["state"] != "queued" || inner(ready[0])["agent"] != agent {
		t.Errorf("preview: %v", preview)
	}
	r.awaitHead(agent)
	why := r.json(lan, "GET", "agents/"+agent+"/why?at="+when, "").want(t, 200, "")
	if !strings.Contains(mustJSON(t, why), b) {
		t.Errorf("why: %v", why)
	}
	r.json(lan, "POST", "reports/"+id+"/withdraw", `{"reason":"luật đã sửa đổi"}`).want(t, 200, "")
	r.json(admin, "POST", "reports/"+id+"/approve", "").want(t, 409, "REPORT_WITHDRAWN")

	var actions []string
	entries, err := r.accounts.Log(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action != "person.add" { // of those who take part
			actions = append(actions, e.Action+" by "+e.Who)
		}
	}
	got := strings.Join(actions, ", ")
	if want := "report.withdraw by lan, broadcast.approve by minh, report.approve by minh, broadcast.create by lan, report.create by lan, area.create by minh, area.create by minh"; got != want {
		t.Errorf("audit log\n%s\nwant\n%s", got, want)
	}
}

// inner gives an object inside an answer, number a number; nothing of it when it is something else.
func inner(v any) map[string]any { m, _ := v.(map[string]any); return m }

func number(v any) float64 { n, _ := v.(float64); return n }

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// awaitHead waits until a head was sealed for the agent.
func (r *running) awaitHead(agent string) { r.awaitHeadAbove(agent, 0) }

// awaitHeadAbove waits for a head of a version above, and gives its version.
func (r *running) awaitHeadAbove(agent string, version uint64) uint64 {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if h, err := r.planner.Head(r.t.Context(), agent); err == nil && h.Version > version && len(h.Envelope) > 0 {
			return h.Version
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatal("no plan head was sealed")
		}
	}
}

func TestBrokenUploadFailsInPlainWords(t *testing.T) {
	speech(t)
	r := start(t, t.TempDir())
	admin := r.join("minh", accounts.Admin, "")
	file := filepath.Join(t.TempDir(), "report.mp3")
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no sound at all. ", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	id, _ := r.upload(admin, file, "x").want(t, 201, "")["id"].(string)
	report := r.await(admin, id)
	why := inner(report["error"])
	if report["state"] != "failed" || why["code"] != "AUDIO_NOT_AUDIO" || why["vi"] == "" || why["en"] == "" {
		t.Errorf("got %v", report)
	}
	r.json(admin, "GET", "reports/"+id+"/audio", "").want(t, 409, "AUDIO_NOT_READY")
	r.json(admin, "POST", "reports/"+id+"/approve", "").want(t, 409, "REPORT_NOT_READY")
}

func TestRestartKeepsEverythingAndEndsOrphans(t *testing.T) {
	data := t.TempDir()
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	// As a hub leaves it that is killed between writing the report and its job.
	orphan, err := r.library.Create(t.Context(), libraryMeta("x"), libraryPerson())
	if err != nil {
		t.Fatal(err)
	}
	version := r.trust.newest().Floor()
	r.stop()
	r = start(t, data)
	r.json(admin, "GET", "areas/xa-a", "").want(t, 200, "")
	if r.trust.newest().Floor() != version {
		t.Error("another trust document after a restart")
	}
	got := r.json(admin, "GET", "reports/"+orphan.ID, "").want(t, 200, "")
	if got["state"] != "failed" || inner(got["error"])["code"] != "UPLOAD_CUT" {
		t.Errorf("orphan: %v", got)
	}
}

func TestSecondHubOnOneFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	start(t, data)
	if _, err := New(t.Context(), Options{Data: data}); !errors.Is(err, errDataInUse) {
		t.Errorf("got %v", err)
	}
}

// A database in a data folder is that hub's; one that lies elsewhere is nobody's alone.
func TestHubsOnOneDatabase(t *testing.T) {
	data, elsewhere := t.TempDir(), "sqlite:"+filepath.Join(t.TempDir(), "hub.db")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(data, link); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		first, second Options
		want          error
	}{
		"in the first one's folder":           {Options{Data: data}, Options{Data: t.TempDir(), Database: "sqlite:" + filepath.Join(data, "hub.db")}, errDataInUse},
		"in the second one's folder":          {Options{Data: t.TempDir(), Database: "sqlite:" + filepath.Join(data, "hub.db")}, Options{Data: data}, errDataInUse},
		"in the first one's, by another name": {Options{Data: data, Database: "sqlite:" + filepath.Join(link, "hub.db")}, Options{Data: link}, errDataInUse},
		"in the first one's, by a link":       {Options{Data: data}, Options{Data: linked(t, filepath.Join(data, "hub.db"))}, errDataInUse},
		"elsewhere":                           {Options{Data: t.TempDir(), Database: elsewhere}, Options{Data: t.TempDir(), Database: elsewhere}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			startAs(t, test.first)
			a, err := New(t.Context(), test.second)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err == nil {
				_ = a.Close() // it never ran
			}
		})
	}
}

// linked is a data folder whose database is a link.
func linked(t *testing.T, database string) string {
	t.Helper()
	data := t.TempDir()
	if err := os.Symlink(database, filepath.Join(data, "hub.db")); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEndsWhileAStreamIsOpen(t *testing.T) {
	r := start(t, t.TempDir())
	token := r.join("minh", accounts.Admin, "")
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.URL()+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r.stop()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
}

func TestSettingsThatCannotBeFollowed(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Options)
		want   error
	}{
		{"open to the network", func(o *Options) { o.Listen = "0.0.0.0:0" }, errExposed},
		{"every address", func(o *Options) { o.Listen = ":0" }, errExposed},
		{"http is no proxy", func(o *Options) { o.Listen, o.PublicURL = "0.0.0.0:0", "http://loa.example" }, errExposed},
		{"a proxy with https before it", func(o *Options) { o.Listen, o.PublicURL = "0.0.0.0:0", "https://loa.example" }, errExposed},
		{"a certificate that is not there", func(o *Options) { o.TLSCert, o.TLSKey = "/no/such/file", "/no/such/key" }, errTLSFiles},
		{"a certificate without its key", func(o *Options) { o.TLSCert = "/no/such/file" }, errTLSFiles},
		{"no port", func(o *Options) { o.Listen = "127.0.0.1" }, errListen},
		{"blobs elsewhere", func(o *Options) { o.Blobs = "gs://bucket" }, errBlobs},
		{"several hubs on a database of one", func(o *Options) { o.Bus = "nats://host" }, errBus},
		{"hubs that join each other, on a database of one", func(o *Options) { o.Bus = "hubs" }, errBus},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := Options{Data: t.TempDir()}
			tc.change(&o)
			if _, err := New(t.Context(), o); !errors.Is(err, tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	data, ca := certified(t)
	a, err := New(t.Context(), Options{Data: data, Listen: "0.0.0.0:0", TLSCert: ca.path(serverFile), TLSKey: ca.path(serverKeyFile)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestToldToEndBeforeItBegan(t *testing.T) {
	a, err := New(t.Context(), Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(ctx); err != nil {
		t.Error(err)
	}
}
