package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

// desk is a console whose decisions are noted.
type desk struct {
	*Console
	now  mono.Instant
	made []broadcast.Decision
	err  error
}

func newDesk(t *testing.T) *desk {
	d := &desk{now: 1}
	s := sources(t)
	s.Decide = func(made broadcast.Decision) error {
		if d.err == nil {
			d.made = append(d.made, made)
		}
		return d.err
	}
	d.Console = newConsole(t, s)
	d.pin = d.lock(filepath.Join(t.TempDir(), "pin.json"))
	return d
}

func (d *desk) lock(file string) *PIN {
	p := NewPIN(file, func() mono.Instant { return d.now })
	p.iterations = 10
	return p
}

// post sends JSON, or a form when it begins with no brace.
func (d *desk) post(path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = d.Addr()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	return w
}

func TestStopIsOneTap(t *testing.T) {
	d := newDesk(t)
	if w := d.post("/stop?lang=en", "", nil); w.Code != 303 || w.Header().Get("Location") != "/?lang=en" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := d.post("/api/v1/continue", "{}", nil); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if len(d.made) != 2 || d.made[0].Kind != "hold" || d.made[0].Who != "PC" || !d.made[0].Until.Equal(day.Add(90*time.Minute)) || d.made[1].Kind != "release" {
		t.Errorf("%+v", d.made)
	}
}

func TestStopWorksWithoutAPlan(t *testing.T) {
	d := newDesk(t)
	s := d.sources()
	s.Plan = func() *broadcast.Plan { return nil }
	d.sources = func() Sources { return s }
	if w := d.post("/api/v1/stop", "", nil); w.Code != 200 || len(d.made) != 1 {
		t.Errorf("%d %s: %+v", w.Code, w.Body, d.made)
	}
}

func TestWhatChangesTheProgrammeAsksForPINAndReason(t *testing.T) {
	d := newDesk(t)
	coming := d.today(t, "planned")
	want := func(path, body string, status int, code string) {
		t.Helper()
		if w := d.post(path, body, nil); w.Code != status || !strings.Contains(w.Body.String(), code) {
			t.Errorf("%s %s: %d %s, want %d %s", path, body, w.Code, w.Body, status, code)
		}
	}
	want("/api/v1/mute", `{"minutes":30,"reason":"đám tang"}`, 409, "PIN_NONE")
	for _, bad := range []string{"", "123", "1234567890123", "12a4", "1111"} {
		want("/api/v1/pin", `{"new_pin":"`+bad+`"}`, 422, "PIN_INVALID")
	}
	want("/api/v1/pin", `{"new_pin":"2468"}`, 200, "")
	want("/api/v1/pin", `{"new_pin":"1357"}`, 403, "PIN_WRONG")
	want("/api/v1/pin", `{"pin":"2468","new_pin":"1357"}`, 200, "")
	want("/api/v1/mute", `{"minutes":30,"reason":"đám tang","pin":"2468"}`, 403, "PIN_WRONG")
	want("/api/v1/mute", `{"minutes":30,"reason":" ","pin":"1357"}`, 422, "REASON_MISSING")
	want("/api/v1/mute", `{"minutes":0,"reason":"đám tang","pin":"1357"}`, 422, "MUTE_INVALID")
	want("/api/v1/skip", `{"slot":"none","reason":"trùng","pin":"1357"}`, 422, "SLOT_UNKNOWN")
	want("/api/v1/skip", `{"slot":"`+d.today(t, "done")+`","reason":"trùng","pin":"1357"}`, 422, "SLOT_UNKNOWN")
	want("/api/v1/mute", `{"minutes":`, 400, "CONSOLE_BODY")
	if len(d.made) != 0 {
		t.Fatalf("what was refused holds: %+v", d.made)
	}
	want("/api/v1/mute", `{"minutes":30,"reason":"đám tang","pin":"1357","who":"chị Hoa"}`, 200, "")
	want("/api/v1/skip", `{"slot":"`+coming+`","reason":"trùng","pin":"1357"}`, 200, "")
	want("/api/v1/unmute", `{"pin":"1357"}`, 200, "")
	if len(d.made) != 3 || d.made[0].Who != "chị Hoa" || !d.made[0].Until.Equal(day.Add(time.Hour)) || d.made[1].Subject != coming || d.made[2].Kind != "unmute" {
		t.Errorf("%+v", d.made)
	}
	d.err = errors.New("disk")
	want("/api/v1/unmute", `{"pin":"1357"}`, 500, "CONSOLE_INTERNAL")
}

// today gives the slot that is in a state.
func (d *desk) today(t *testing.T, state string) string {
	t.Helper()
	v, err := Make(d.sources(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, sl := range v.Today {
		if sl.State == state {
			return sl.Slot
		}
	}
	t.Fatal("today has no slot that is " + state)
	return ""
}

func TestAFormThatIsRefusedKeepsWhatWasTyped(t *testing.T) {
	d := newDesk(t)
	if err := d.pin.Choose("", "2468"); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"pin": {"9999"}, "reason": {"đám <tang>"}, "minutes": {"45"}, "who": {"chị Hoa"}}.Encode()
	w := d.post("/mute?lang=en", form, nil)
	body := w.Body.String()
	for _, want := range []string{"The PIN is wrong", "đám &lt;tang&gt;", `value="45"`, "chị Hoa"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page:\n%s", want, body)
		}
	}
	if w.Code != 403 || strings.Contains(body, "9999") {
		t.Errorf("%d, or the PIN is on the page:\n%s", w.Code, body)
	}
	for _, name := range asked() {
		page := ask(d.Console, "/"+name+"?lang=vi&slot="+url.QueryEscape(d.today(t, "planned")), nil)
		if page.Code != 200 || page.Header().Get("Refresh") != "" || !strings.Contains(page.Body.String(), vietnamese()["do_"+name]) {
			t.Errorf("%s: %d\n%s", name, page.Code, page.Body)
		}
	}
}

func TestGuessingThePINIsSlow(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "pin.json")
	p := d.lock(file)
	if err := p.Choose("", "2468"); err != nil {
		t.Fatal(err)
	}
	for range pinTries {
		if err := p.Check("0000"); !errors.Is(err, errPINWrong) {
			t.Fatal(err)
		}
	}
	wait := pinWait
	for range 8 {
		if err := p.Check("2468"); !errors.Is(err, errPINWait) {
			t.Fatalf("the right PIN in the time to wait: %v", err)
		}
		d.now += mono.Instant(wait)
		if err := p.Check("0000"); !errors.Is(err, errPINWrong) {
			t.Fatalf("after %v: %v", wait, err)
		}
		wait = min(2*wait, pinWaitMost)
	}
	p = d.lock(file) // pulling the plug begins no new row
	if err := p.Check("2468"); !errors.Is(err, errPINWait) {
		t.Fatalf("after a start anew: %v", err)
	}
	d.now += mono.Instant(pinWaitMost)
	if err := p.Check("2468"); err != nil {
		t.Fatal(err)
	}
	if err := p.Check("0000"); !errors.Is(err, errPINWrong) {
		t.Fatalf("the right PIN begins a new row: %v", err)
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	d := newDesk(t)
	for name, change := range map[string]func(*http.Request){
		"another site":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"an old browser":      func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port":        func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"a name of its own":   func(r *http.Request) { r.Host = "evil.example" },
		"a page in a sandbox": func(r *http.Request) { r.Header.Set("Origin", "null") },
	} {
		if w := d.post("/stop", "", change); w.Code != 403 && w.Code != 421 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if len(d.made) != 0 {
		t.Errorf("%+v", d.made)
	}
	if w := d.post("/stop", "", func(r *http.Request) { r.Header.Set("Origin", "http://"+d.Addr()) }); w.Code != 303 {
		t.Errorf("its own page: %d", w.Code)
	}
}

func TestThePageShowsWhatTheCommuneDecided(t *testing.T) {
	s := sources(t)
	until := day.Add(time.Hour)
	plan := s.Plan().WithDecisions(
		broadcast.Decision{Kind: "hold", Until: &until, Who: "chị <Hoa>", When: day.Add(10 * time.Minute), Counter: 1, Source: "pc", Reason: "mất điện"},
		broadcast.Decision{Kind: "mute", Who: "lan", When: day, Counter: 1, Source: "hub"})
	s.Plan = func() *broadcast.Plan { return plan }
	body := ask(newConsole(t, s), "/?lang=en", nil).Body.String()
	for _, want := range []string{"Stopped by the operator until", "Continue", "Muted by the commune, without an end", "chị &lt;Hoa&gt;", "mất điện", "on the hub"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page:\n%s", want, body)
		}
	}
}

func TestTheHubsAdminTakesThePINBackOnce(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "pin.json")
	p := d.lock(file)
	choose := func(old, pin string) {
		t.Helper()
		if err := p.Choose(old, pin); err != nil {
			t.Fatal(err)
		}
	}
	take := func(at time.Time) {
		t.Helper()
		if err := p.TakeBack(at); err != nil {
			t.Fatal(err)
		}
	}
	choose("", "2468")
	for range pinTries {
		_ = p.Check("0000") // the one who forgot it
	}
	take(day)
	if p.Chosen() || !errors.Is(p.Check("2468"), errPINNone) {
		t.Fatal("the PIN is still there")
	}
	choose("", "1357")
	p = d.lock(file) // the next start, with the same plan
	take(day)
	take(day.Add(-time.Hour))
	if !p.Chosen() || p.Check("1357") != nil {
		t.Error("one word of the admin counts twice")
	}
	take(day.Add(time.Hour))
	if p.Chosen() {
		t.Error("the admin's next word does not count")
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Choose("", "9753"); !p.Chosen() || err == nil {
		t.Errorf("a damaged file lets anybody choose: %v", err)
	}
	take(day.Add(2 * time.Hour))
	choose("", "9753")
}
