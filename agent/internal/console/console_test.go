package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var day = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

func plan(t *testing.T) *broadcast.Plan {
	t.Helper()
	hash := broadcast.Hash(strings.Repeat("a", 64))
	cand := func(id string, at time.Time) broadcast.Candidate {
		return broadcast.Candidate{Broadcast: id, Version: 1, Title: id, Class: broadcast.Normal, Owner: broadcast.OwnerHub, ApprovedAt: day.Add(-time.Hour),
			At: &at, Lateness: broadcast.Lateness{Rule: broadcast.LateJoin},
			Items: []broadcast.Item{{Report: id, Title: "<b>" + id + "</b>", Audio: hash, Manifest: hash, DurationMS: 60_000}}}
	}
	p, err := broadcast.NewPlan(broadcast.Head{Audience: "a", Version: 7, IssuedAt: day, Expires: day.Add(35 * 24 * time.Hour), Zone: "Asia/Ho_Chi_Minh",
		Rules: broadcast.Inherit(), Days: []broadcast.DayRef{{Date: "2026-11-24", Hash: hash, Size: 1}}},
		[]broadcast.Day{{Date: "2026-11-24", Candidates: []broadcast.Candidate{cand("heard", day), cand("coming", day.Add(time.Hour))}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sources(t *testing.T) Sources {
	p := plan(t)
	return Sources{
		Pairing: func() Pairing {
			return Pairing{Paired: true, Name: "Xã <script>", Hub: "https://hub", Connection: Connection{Problem: "X", Detail: "no route"}}
		},
		Status: func() broadcast.Status {
			return broadcast.Status{At: day.Add(30 * time.Minute), Clock: broadcast.ClockStatus{Trust: "synced"}, Cache: broadcast.CacheStatus{State: "ok"},
				Card: broadcast.CardStatus{State: "missing"}}
		},
		Live: func() Live { return Live{At: day.Add(30 * time.Minute), Level: 0.125} },
		Plan: func() *broadcast.Plan { return p }, State: func() broadcast.State { return broadcast.State{} }, Silence: func() string { return "" },
		Plays: func(from, to time.Time) ([]broadcast.Play, error) {
			if day.Before(from) || !day.Before(to) {
				return nil, nil
			}
			sl := p.Slots("2026-11-24", nil)[0]
			return []broadcast.Play{{ID: "1", Slot: sl.ID, Title: sl.Item.Title, PlannedStart: sl.Start, PlannedEnd: sl.End, StartedAt: sl.Start, EndedAt: sl.End,
				Outcome: broadcast.Played, Reason: broadcast.ReasonComplete, ReachedMS: 60_000}}, nil
		},
	}
}

func newConsole(t *testing.T, s Sources) *Console {
	t.Helper()
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close() })
	return New(listen, NewPIN(filepath.Join(t.TempDir(), "pin.json"), mono.Now), func() Sources { return s }, slog.New(slog.DiscardHandler))
}

func ask(c *Console, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = c.Addr()
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	return w
}

func TestStatus(t *testing.T) {
	c := newConsole(t, sources(t))
	w := ask(c, "/api/v1/status", nil)
	var v struct {
		Running, Paired bool
		Name            string
		Clock           broadcast.ClockStatus
		Plan            Summary
		Today           []Slot
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("%d %v", w.Code, err)
	}
	if !v.Running || !v.Paired || v.Clock.Trust != "synced" || v.Plan.Version != 7 || len(v.Today) != 2 {
		t.Fatalf("%+v", v)
	}
	if a, b := v.Today[0], v.Today[1]; a.State != "done" || a.Outcome != broadcast.Played || a.ReachedMS != 60_000 || b.State != "planned" || b.Outcome != "" {
		t.Errorf("%+v", v.Today)
	}
}

func TestWhy(t *testing.T) {
	c := newConsole(t, sources(t))
	for _, at := range []string{"2026-11-24T10:00:30%2B07:00", "2026-11-24T10:00:30"} {
		var a broadcast.Answer
		w := ask(c, "/api/v1/why?at="+at, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Winner == nil || a.Winner.Outcome != broadcast.Played {
			t.Errorf("%s: %d %s", at, w.Code, w.Body)
		}
	}
	if w := ask(c, "/api/v1/why?at=yesterday", nil); w.Code != 400 || !strings.Contains(w.Body.String(), "WHY_TIME_INVALID") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(newConsole(t, Sources{Pairing: func() Pairing { return Pairing{} }}), "/api/v1/why?at=2026-11-24T10:00:30", nil); w.Code != 409 {
		t.Errorf("without a plan: %d %s", w.Code, w.Body)
	}
}

func TestThePageSaysItInBothLanguages(t *testing.T) {
	c := newConsole(t, sources(t))
	for lang, words := range map[string][]string{"vi": {"Cạc âm thanh", "không có", "đã phát: trọn vẹn", "10:00:00"}, "en": {"Sound card", "missing", "played: whole", "10:00:00"}} {
		w := ask(c, "/?lang="+lang, nil)
		for _, word := range append(words, "Xã &lt;script&gt;", "&lt;b&gt;heard", "https://hub") {
			if !strings.Contains(w.Body.String(), word) {
				t.Errorf("%s: %q is not on the page:\n%s", lang, word, w.Body)
			}
		}
	}
	unpaired := ask(newConsole(t, Sources{Pairing: func() Pairing { return Pairing{} }}), "/?lang=en", nil)
	if !strings.Contains(unpaired.Body.String(), `action="/pair?lang=en"`) {
		t.Error("the page of an agent that is not paired does not lead to the pairing")
	}
}

func TestEveryWordIsInBothLanguages(t *testing.T) {
	vi, en := vietnamese(), english()
	for k := range vi {
		if en[k] == "" {
			t.Errorf("%q has no English", k)
		}
	}
	for _, k := range keys() {
		if vi[k] == "" || en[k] == "" {
			t.Errorf("%q has no words", k)
		}
	}
	if len(vi) != len(en) {
		t.Errorf("%d Vietnamese words, %d English", len(vi), len(en))
	}
}

func TestOnlyItsOwnAddress(t *testing.T) {
	c := newConsole(t, sources(t))
	_, port, _ := net.SplitHostPort(c.Addr())
	for host, want := range map[string]int{
		c.Addr(): 200, "localhost:" + port: 200, "[::1]:" + port: 200,
		"evil.example:" + port: 421, "127.0.0.1": 421, "127.0.0.1.evil.example:" + port: 421, "": 421, "LOCALHOST:" + port: 421, "127.0.0.2:" + port: 421,
	} {
		for _, path := range []string{"/", "/api/v1/status", "/api/v1/live", "/app.js", "/livez", "/nothing"} {
			w := ask(c, path, func(r *http.Request) { r.Host = host })
			if got := w.Code; got != want && (path != "/nothing" || want != 200) {
				t.Errorf("%q%s: %d", host, path, got)
			}
		}
	}
	w := ask(c, "/", nil)
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if body := strings.ReplaceAll(w.Body.String(), `<script src="/app.js" defer></script>`, ""); strings.Contains(body, "<script") || strings.Contains(body, "style=") {
		t.Error("the page holds what its own policy forbids")
	}
}

func TestRunServesUntilItIsTold(t *testing.T) {
	c := newConsole(t, sources(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + c.Addr() + "/livez")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("%v %v", res, err)
	}
	_ = res.Body.Close()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestTheAmplifierIsShownWhereThereIsOne(t *testing.T) {
	s := sources(t)
	if w := ask(newConsole(t, s), "/?lang=en", nil); strings.Contains(w.Body.String(), "Amplifier") {
		t.Error("an amplifier that the agent does not switch is shown")
	}
	status := s.Status()
	status.Amplifier = &broadcast.AmplifierStatus{State: "failing", Detail: "before_sound: <no> relay"}
	s.Status = func() broadcast.Status { return status }
	for lang, want := range map[string]string{"en": "the command that switches the amplifier fails", "vi": "lệnh bật tắt tăng âm bị lỗi"} {
		body := ask(newConsole(t, s), "/?lang="+lang, nil).Body.String()
		if !strings.Contains(body, want) || !strings.Contains(body, "&lt;no&gt; relay") {
			t.Errorf("%s: %s", lang, body)
		}
	}
}

func TestWhileThePartsOfAPairedAgentStartThePageSaysSo(t *testing.T) {
	c := newConsole(t, Sources{Pairing: func() Pairing { return Pairing{Paired: true, Name: "A"} }})
	if w := ask(c, "/?lang=en", nil); w.Code != 200 || !strings.Contains(w.Body.String(), english()["starts"]) || !strings.Contains(w.Body.String(), "data-every") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
