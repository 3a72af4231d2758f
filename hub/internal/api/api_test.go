package api

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/alarms"
	"github.com/loa-vn/loa/hub/internal/bus"
	"github.com/loa-vn/loa/hub/internal/evidence"
	"github.com/loa-vn/loa/hub/internal/fleet"
	"github.com/loa-vn/loa/hub/internal/ingest"
	"github.com/loa-vn/loa/hub/internal/library"
	"github.com/loa-vn/loa/hub/internal/orders"
	"github.com/loa-vn/loa/hub/internal/planner"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a Server on real stages without any goroutine of theirs.
type bench struct {
	*Server
	tokens map[string]string // by person
	dir    string

	offline []alarms.Cluster // what the alarms look at
}

type noSeal struct{}

func (noSeal) HeadKey() string { return "" }

func (noSeal) SealHead(payload []byte) ([]byte, error) { return payload, nil }

// newBench has an area tree of tinh > xa-a > thon-a, xa-b, and the people of people.
func newBench(t testing.TB) *bench {
	t.Helper()
	ctx, dir, now := t.Context(), t.TempDir(), time.Now
	db, err := store.Open(ctx, storetest.Database(t, dir), dir)
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	check(t, db.Migrate(ctx))
	log := slog.New(slog.DiscardHandler)
	b := bus.NewLocal()
	blobs, err := store.NewFolder(filepath.Join(dir, "blobs"))
	check(t, err)
	people, err := accounts.New(ctx, db.DB, now)
	check(t, err)
	flt, err := fleet.Open(ctx, fleet.Options{DB: db, Events: b, Log: log, Now: now})
	check(t, err)
	lib := library.New(library.Deps{DB: db.DB, Blobs: blobs, Bus: b, Log: log, Now: now})
	ing, err := ingest.New(ingest.Config{Dir: filepath.Join(dir, "ingest")}, ingest.NewSQLJobs(db.DB), nil, log)
	check(t, err)
	plan := planner.New(planner.Deps{DB: db.DB, Blobs: blobs, Bus: b, Reports: lib, Agents: none{}, Sealer: noSeal{},
		Zone: time.FixedZone("Asia/Ho_Chi_Minh", 7*3600), Log: log, Now: now})
	desk := orders.New(orders.Deps{DB: db.DB, Bus: b, Reports: lib, Places: places{plan}, Log: log, Now: now})
	s := &bench{}
	watch := alarms.New(alarms.Options{DB: db.DB, Events: b, Limits: alarms.Usual(), Log: log, Now: now,
		Look: func(context.Context) (alarms.View, error) { return alarms.View{Clusters: s.offline}, nil }})
	*s = bench{Server: New(Deps{Accounts: people, Ingest: ing, Library: lib, Planner: plan, Fleet: flt, Alarms: watch,
		Orders: desk, Lane: orders.NewLane(orders.LaneDeps{Desk: desk, Agents: none{}}), Evidence: evidence.New(db.DB, time.FixedZone("Asia/Ho_Chi_Minh", 7*3600), now),
		DB: db, Blobs: blobs, Bus: b, Metrics: NewMetrics(), Link: http.NotFoundHandler(), Pair: http.NotFoundHandler(),
		Uploads: store.NewFolderParts(filepath.Join(dir, "uploads")),
		Rates:   Rates{Requests: Rate{PerSecond: -1}, Handshakes: Rate{PerSecond: -1}},
		Zone:    time.FixedZone("Asia/Ho_Chi_Minh", 7*3600), Log: log, Now: now}), tokens: map[string]string{}, dir: dir}
	for _, a := range []planner.Area{{Code: "tinh", Name: "Tỉnh"}, {Code: "xa-a", Name: "Xã A", Parent: "tinh"},
		{Code: "thon-a", Name: "Thôn A", Parent: "xa-a"}, {Code: "xa-b", Name: "Xã B", Parent: "tinh"}} {
		_, err := plan.CreateArea(ctx, a)
		check(t, err)
	}
	for name, p := range map[string]accounts.Person{"admin": {Role: accounts.Admin}, "officer-a": {Role: accounts.Officer, Area: "xa-a"},
		"viewer-b": {Role: accounts.Viewer, Area: "xa-b"}, "admin-b": {Role: accounts.Admin, Area: "xa-b"}} {
		s.join(t, name, p)
	}
	return s
}

// join adds a person, whose id is their name, with a token. They are written past accounts: hashing a password for each
// would take most of the tests' time.
func (b *bench) join(t testing.TB, name string, p accounts.Person) {
	t.Helper()
	p.ID, p.Epoch = name, 1
	_, err := b.DB.NewInsert().Table("people").Model(&map[string]any{"id": name, "name": name, "role": string(p.Role), "area": p.Area,
		"password_hash": "", "disabled": false, "created_at": 0}).Exec(t.Context())
	check(t, err)
	b.tokens[name], err = b.Accounts.NewToken(t.Context(), accounts.Caller{Person: p}, accounts.Token{Label: "test"})
	check(t, err)
}

// places is what app does between orders and planner.
type places struct{ planner *planner.Planner }

func (p places) Where(ctx context.Context, t orders.Targets) (orders.Where, error) {
	w, err := p.planner.Where(ctx, planner.Targets(t))
	return orders.Where(w), err
}

func (places) Room(context.Context, orders.Aimed) error { return nil }

type none struct{}

func (none) Here([]string) []string { return nil }

func (none) Order([]byte, []string) int { return 0 }

func (none) Elsewhere(string) bool { return false }

func (none) List(context.Context) ([]planner.AgentRef, error) { return nil, nil }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request as a person ("" as nobody) and gives status, headers and body.
func (b *bench) ask(t testing.TB, person, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	r := httptest.NewRequest(method, "http://hub"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if person != "" {
		r.Header.Set("Authorization", "Bearer "+b.tokens[person])
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func codeOf(body string) string {
	var p Problem
	if json.Unmarshal([]byte(body), &p) != nil || p.Status == 0 {
		return "" // no problem
	}
	return p.Code
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		check(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs; look at the change, then run the test with -update.\ngot\n%s", path, got)
	}
}

func TestOpenAPIGolden(t *testing.T) {
	b := newBench(t)
	status, header, body := b.ask(t, "", "GET", "/api/v1/openapi.json", "")
	if status != 200 || header.Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %v", status, header)
	}
	var indented bytes.Buffer
	check(t, json.Indent(&indented, []byte(body), "", "  "))
	indented.WriteByte('\n')
	golden(t, "openapi.json", indented.Bytes())
	if status, _, body := b.ask(t, "", "GET", "/api/v1/openapi.yaml", ""); status != 200 || !strings.Contains(body, "openapi: 3.1.0") {
		t.Errorf("yaml: %d", status)
	}
}

func TestProblemGoldens(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ name, person, method, path, body, language string }{
		{"not_signed_in", "", "GET", "/api/v1/me", "", "en"},
		{"forbidden", "viewer-b", "POST", "/api/v1/areas", `{"code":"x","name":"X"}`, "vi"},
		{"foreign_area", "officer-a", "GET", "/api/v1/areas/xa-b", "", "en-GB,vi;q=0.5"},
		{"not_found", "", "GET", "/api/v1/nothing", "", ""},
		{"method", "", "PUT", "/api/v1/login", "", "en"},
		{"validation", "admin", "POST", "/api/v1/areas", `{"code":"","nme":"X"}`, "en"},
		{"json_twice", "admin", "POST", "/api/v1/areas", `{"code":"x","code":"y","name":"X"}`, "en"},
		{"taken", "admin", "POST", "/api/v1/areas", `{"code":"tinh","name":"X"}`, "vi,en"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, header, body := b.ask(t, tc.person, tc.method, tc.path, tc.body, "Accept-Language", tc.language)
			if header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("content type %q", header.Get("Content-Type"))
			}
			var indented bytes.Buffer
			check(t, json.Indent(&indented, []byte(body), "", "  "))
			golden(t, "problem_"+tc.name+".json", indented.Bytes())
		})
	}
}

func TestJSONIsReadStrictly(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		name, body, code string
		status           int
	}{
		{"double key", `{"code":"x","name":"a","name":"b"}`, "JSON_INVALID", 400},
		{"double key inside", `{"code":"x","name":"a","policy":{"urgent_volume":1,"urgent_volume":2}}`, "JSON_INVALID", 400},
		{"invalid UTF-8", "{\"code\":\"x\",\"name\":\"\xff\"}", "JSON_INVALID", 400},
		{"lone surrogate", `{"code":"x","name":"\ud800"}`, "JSON_INVALID", 400},
		{"NUL", `{"code":"x","name":"a\u0000"}`, "JSON_INVALID", 400},
		{"NUL in a key", `{"code":"x","na\u0000me":"a"}`, "JSON_INVALID", 400},
		{"huge number", `{"code":"x","name":"a","policy":{"urgent_volume":1e999}}`, "JSON_INVALID", 400},
		{"depth bomb", strings.Repeat("[", 100_000), "JSON_INVALID", 400},
		{"deep and closed", `{"code":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "JSON_INVALID", 400},
		{"two documents", `{"code":"x","name":"a"} {}`, "JSON_INVALID", 400},
		{"nothing", ``, "JSON_INVALID", 400},
		{"unfinished", `{"code":"x"`, "JSON_INVALID", 400},
		{"other case", `{"code":"x","Name":"a"}`, "VALIDATION", 422},
		{"unknown key", `{"code":"x","name":"a","nom":"b"}`, "VALIDATION", 422},
		{"not an object", `[]`, "VALIDATION", 422},
		{"null", `null`, "VALIDATION", 422},
		{"bad time of day", `{"code":"x","name":"a","dayparts":[{"name":"m","start":"25:00","end":"26:00"}]}`, "VALIDATION", 422},
		{"bad weekday", `{"code":"x","name":"a","dayparts":[{"name":"m","start":"05:00","end":"06:00","days":["funday"]}]}`, "VALIDATION", 422},
		{"too large", `{"code":"x","name":"` + strings.Repeat("a", 1<<20) + `"}`, "BODY_TOO_LARGE", 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, _, body := b.ask(t, "admin", "POST", "/api/v1/areas", tc.body, "Content-Type", "application/json")
			if status != tc.status || codeOf(body) != tc.code {
				t.Errorf("got %d %.300s", status, body)
			}
		})
	}
	if status, _, body := b.ask(t, "admin", "POST", "/api/v1/areas", "code=x", "Content-Type", "application/x-www-form-urlencoded"); status != 415 || codeOf(body) != "MEDIA_TYPE" {
		t.Errorf("form: got %d %s", status, body)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct {
		method, path, code, allow string
	}{
		{"GET", "/api/v1/", "NOT_FOUND", ""},
		{"GET", "/api/v1/reports/x/nothing", "NOT_FOUND", ""},
		{"POST", "/agent/v2/link", "NOT_FOUND", ""},
		{"GET", "/", "NOT_FOUND", ""},
		{"DELETE", "/api/v1/areas", "METHOD_NOT_ALLOWED", "GET, POST"},
		{"GET", "/api/v1/login", "METHOD_NOT_ALLOWED", "POST"},
		{"PUT", "/api/v1/areas/tinh", "METHOD_NOT_ALLOWED", "GET, PATCH"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			_, header, body := b.ask(t, "admin", tc.method, tc.path, "")
			if codeOf(body) != tc.code || header.Get("Allow") != tc.allow {
				t.Errorf("got %s, Allow %q", body, header.Get("Allow"))
			}
		})
	}
}

// No text of ours has a NUL, and a query to SQLite with one is an error of the database.
func TestAddressesAreText(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/api/v1/reports/%00", "/api/v1/areas/a%ffb", "/api/v1/reports?q=%00", "/api/v1/reports?q=%ff",
		"/api/v1/plays?agent=a%00b", "/api/v1/agents?q=%zz", "/api/v1/agents?a;b"} {
		t.Run(path, func(t *testing.T) {
			if status, _, body := b.ask(t, "admin", "GET", path, ""); status != 400 || codeOf(body) != "ADDRESS_INVALID" {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
	if status, _, body := b.ask(t, "admin", "GET", "/api/v1/agents?q=C%E1%BB%A5m+1", ""); status != 200 {
		t.Errorf("Vietnamese: %d %s", status, body)
	}
}

func TestCursorsAreChecked(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"agents", "reports", "broadcasts", "plays", "audit"} {
		t.Run(path, func(t *testing.T) {
			if status, _, body := b.ask(t, "admin", "GET", "/api/v1/"+path+"?cursor=x", ""); status != 422 || codeOf(body) != "CURSOR_INVALID" {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
}

// What a person did wrong is told by the place in what they sent, never by names of our source.
func TestFieldErrorsNameThePlace(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ name, body, field string }{
		{"a value of another form", `{"code":"x","name":"a","policy":{"windows":[{"start":"25:00","end":"26:00"}]}}`, "policy.windows[0].start"},
		{"a number out of range", `{"code":"x","name":"a","policy":{"urgent_volume":1000000000000000000000000}}`, "policy.urgent_volume"},
		{"a key in another case", `{"code":"x","name":"a","Name":"b"}`, "Name"},
		{"missing", `{"code":"x"}`, "name"},
		{"missing inside", `{"code":"x","name":"a","policy":{"windows":[{"start":"05:00"}]}}`, "policy.windows[0].end"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, body := b.ask(t, "admin", "POST", "/api/v1/areas", tc.body)
			var p Problem
			check(t, json.Unmarshal([]byte(body), &p))
			if p.Code != "VALIDATION" || len(p.Errors) != 1 || p.Errors[0].Field != tc.field || strings.Contains(body, "broadcast.") || strings.Contains(body, " Go ") {
				t.Errorf("got %s", body)
			}
		})
	}
}

func TestEveryAnswerHasSecurityHeaders(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/livez", "/metrics", "/api/v1/openapi.json", "/api/v1/me", "/nothing", "/agent/v1/link"} {
		_, header, _ := b.ask(t, "", "GET", path, "")
		if header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %v", path, header)
		}
	}
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	b := newBench(t)
	status, _, body := b.ask(t, "admin", "POST", "/api/v1/areas", `{"code":"x","name":"X"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	if status != 403 || codeOf(body) != "CROSS_ORIGIN" {
		t.Errorf("got %d %s", status, body)
	}
}

func TestPanicBecomesInternalWithoutItsCause(t *testing.T) {
	b := newBench(t)
	var log bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	b.mux.Handle("GET /boom", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret cause") }))
	status, header, body := b.ask(t, "", "GET", "/boom", "")
	if status != 500 || codeOf(body) != "INTERNAL" || strings.Contains(body, "secret") {
		t.Errorf("got %d %s", status, body)
	}
	if id := header.Get("X-Request-Id"); !strings.Contains(body, id) || !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "secret cause") {
		t.Errorf("id %s, body %s, log %s", id, body, log.String())
	}
}

func TestHealthAndMetrics(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/livez", "/readyz"} {
		if status, _, body := b.ask(t, "", "GET", path, ""); status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	b.ask(t, "", "GET", "/api/v1/areas/"+strings.Repeat("x", 50), "")
	_, _, body := b.ask(t, "", "GET", "/metrics", "")
	if !strings.Contains(body, `loa_http_requests_total{code="401",route="/api/v1/areas/{code}"} 1`) || strings.Contains(body, "xxxx") {
		t.Errorf("routes are not counted by pattern:\n%s", body)
	}
	check(t, b.DB.Close())
	if status, _, body := b.ask(t, "", "GET", "/readyz", ""); status != 503 || codeOf(body) != "NOT_READY" {
		t.Errorf("without a database: %d %s", status, body)
	}
	if status, _, _ := b.ask(t, "", "GET", "/livez", ""); status != 200 {
		t.Errorf("without a database it still lives: %d", status)
	}
}
