package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/internal/pairing"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const pairCode = pairing.Code("0123456789AB")

// pairHub is a hub's side of the pairing: it knows pairCode, gives the words it has, and waits for its admin.
type pairHub struct {
	t     *testing.T
	url   string
	trust []byte
	words chan string   // spaced
	admin chan struct{} // one for each confirmation
}

func newPairHub(t *testing.T) *pairHub {
	key, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	h := &pairHub{t: t, trust: (&hub{t: t, key: key}).joined().Trust[0], words: make(chan string, 1), admin: make(chan struct{}, 1)}
	server := wsconn.NewServer(wsconn.HubOptions())
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := server.Upgrade(w, r)
		if err != nil {
			return
		}
		_ = conn.Run(r.Context(), nil, func(ctx context.Context) error { // the agent may be gone
			err := h.answer(ctx, conn)
			var p *problem.Error
			if errors.As(err, &p) {
				_ = sendMessage(conn, &wire.Refused{Code: p.Code, VI: p.VI, EN: p.EN})
				conn.Close(wsconn.CloseRefused, p.Code)
			}
			return err
		})
	}))
	t.Cleanup(web.Close)
	h.url = web.URL
	return h
}

func sendMessage(conn *wsconn.Conn, m wire.Message) error {
	data, err := wire.Encode(m)
	if err != nil {
		return err
	}
	return conn.Send(data)
}

func sendStep[M pairing.Message](conn *wsconn.Conn, m M) error {
	body, err := pairing.Encode(m)
	if err != nil {
		return err
	}
	return sendMessage(conn, &wire.Pair{Step: m.Step(), Body: body})
}

func takeStep[M pairing.Message](conn *wsconn.Conn) (m M, err error) {
	_, data, err := conn.Read()
	if err != nil {
		return m, err
	}
	got, err := wire.Decode(data)
	if err != nil {
		return m, err
	}
	step, ok := got.(*wire.Pair)
	if !ok {
		return m, pairing.ErrOrder
	}
	return pairing.Decode[M](step.Body)
}

func (h *pairHub) answer(ctx context.Context, conn *wsconn.Conn) error {
	p, err := pairing.NewHub(h.trust)
	if err != nil {
		return err
	}
	start, err := takeStep[pairing.Start](conn)
	if err != nil {
		return err
	}
	offer, err := p.Start(start)
	if err != nil {
		return err
	}
	if err := sendStep(conn, offer); err != nil {
		return err
	}
	reveal, err := takeStep[pairing.Reveal](conn)
	if err != nil {
		return err
	}
	match, answer, err := p.Reveal(reveal, []pairing.Candidate{{ID: "1", Code: pairCode}})
	if err != nil {
		return err
	}
	if err := sendStep(conn, answer); err != nil {
		return err
	}
	h.words <- strings.Join(match.Words[:], " ")
	gone := make(chan error, 1)
	go func() { // sees an agent that goes away while the admin still looks
		done, err := takeStep[pairing.Done](conn)
		if err == nil {
			err = p.Done(done)
		}
		gone <- err
	}()
	select {
	case <-ctx.Done():
		conn.Abort(ctx.Err())
		return <-gone
	case err := <-gone:
		return err
	case <-h.admin:
	}
	confirmed, err := p.Confirm("agent-1", "Loa thôn 3", "xa-01")
	if err != nil {
		return err
	}
	if err := sendStep(conn, confirmed); err != nil {
		return err
	}
	if err := <-gone; err != nil {
		return err
	}
	conn.Close(wsconn.CloseNormal, "")
	return nil
}

// form posts a form of the page and gives the page that comes after it.
func (a *agent) form(t *testing.T, path string, fields url.Values) (status int, page string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	res, err := client.PostForm("http://"+a.ConsoleAddr()+path, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func stage(want string) func(console.View) bool {
	return func(v console.View) bool { return v.Enrolment != nil && v.Enrolment.Stage == want }
}

func TestTheFirstHourLeadsThroughThePage(t *testing.T) {
	h, dir := newPairHub(t), t.TempDir()
	a := start(t, dir, machine("1"))
	status, page := a.form(t, "/pair?lang=en", url.Values{"next": {"begin"}, "hub": {h.url}, "code": {"0123-4567-89ab"}})
	if status != 200 || !strings.Contains(page, "begin") {
		t.Fatalf("%d %s", status, page)
	}
	v := a.await(t, "words to compare", stage(console.EnrolWords))
	if got, want := strings.Join(v.Enrolment.Words, " "), <-h.words; got != want {
		t.Fatalf("the page shows %q, the hub %q", got, want)
	}
	h.admin <- struct{}{} // before the person here has said anything
	if loaded, err := loadIdentity(dir); !unpaired(err) {
		t.Fatalf("kept before anybody compared: %+v %v", loaded, err)
	}
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB"}`); status != 409 || code != "PAIR_RUNNING" {
		t.Errorf("a second pairing: %d %s", status, code)
	}
	a.form(t, "/compared", url.Values{"next": {"begin"}, "same": {"yes"}})
	select {
	case <-a.Started():
	case <-within(t, 20*time.Second).Done():
		t.Fatal("the agent does not go on by itself")
	}
	if v := a.view(t); !v.Paired || v.Name != "Loa thôn 3" || v.Hub != h.url || v.Enrolment != nil {
		t.Errorf("%+v", v)
	}
	if status, page := a.form(t, "/pin?lang=en", url.Values{"next": {"begin"}, "new_pin": {"2222"}}); status != 422 || !strings.Contains(page, "PIN_INVALID") {
		t.Errorf("%d %s", status, page)
	}
	if status, page := a.form(t, "/pin?lang=en", url.Values{"next": {"begin"}, "new_pin": {"2468"}}); status != 200 || !strings.Contains(page, "This PC has a PIN") {
		t.Errorf("%d %s", status, page)
	}
	givePIN(t, dir) // the same, checked in less time
	if status, page := a.form(t, "/tone?lang=en", url.Values{"next": {"begin"}, "pin": {"2468"}}); status != 200 || !strings.Contains(page, "The test tone") {
		t.Errorf("%d %s", status, page)
	}
	a.await(t, "heard", tonedAs("heard"))
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB","pin":"2468"}`); status != 409 || code != "PAIRED_ALREADY" {
		t.Errorf("pairing once more: %d %s", status, code)
	}
}

func TestWhatIsTypedWrongAtThePairing(t *testing.T) {
	h, dir := newPairHub(t), t.TempDir()
	a := start(t, dir, machine("1"))
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"no hub", `"code":"0123456789AB"`, 400, "PAIR_HUB_MISSING"},
		{"no code", `"hub":"` + h.url + `","code":" "`, 400, "PAIR_CODE_MISSING"},
		{"half a code", `"hub":"` + h.url + `","code":"0123"`, pairing.ErrCodeForm.Status, pairing.ErrCodeForm.Code},
		{"a pin that is none", `"hub":"` + h.url + `","code":"0123456789AB","hub_pin":"12"`, 422, "PAIR_PIN_INVALID"},
		{"nothing to compare", "", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.body == "" {
				if status, code := a.press(t, "compared", `{"same":true}`); status != 409 || code != "PAIR_NOT_RUNNING" {
					t.Errorf("%d %s", status, code)
				}
			} else if status, code := a.press(t, "pair", "{"+tc.body+"}"); status != tc.status || code != tc.code {
				t.Errorf("%d %s, want %d %s", status, code, tc.status, tc.code)
			}
		})
	}
	for _, tc := range []struct{ name, hub, code, want string }{
		{"a code the hub does not know", h.url, "ZZZZ-ZZZZ-ZZZZ", "PAIRING_"},
		{"a hub over the network without TLS", "http://192.0.2.1", "0123456789AB", "HUB_NOT_TLS"},
		{"an address that is none", "ftp://loa", "0123456789AB", "HUB_ADDRESS"},
		{"nobody there", "http://127.0.0.1:1", "0123456789AB", "HUB_UNREACHABLE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if status, code := a.press(t, "pair", `{"hub":"`+tc.hub+`","code":"`+tc.code+`"}`); status != 200 {
				t.Fatal(status, code)
			}
			a.await(t, "failed", stage(console.EnrolFailed))
			if _, page := a.get(t, "/begin?lang=en"); !strings.Contains(page, `<p class="code">`+tc.want) || !strings.Contains(page, `action="/pair`) {
				t.Errorf("the page does not say %s:\n%s", tc.want, page)
			}
		})
	}
}

func (a *agent) get(t *testing.T, path string) (status int, page string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	res, err := client.Get("http://" + a.ConsoleAddr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

func TestWordsThatDifferEndThePairing(t *testing.T) {
	h, dir := newPairHub(t), t.TempDir()
	a := start(t, dir, machine("1"))
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB"}`); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "words to compare", stage(console.EnrolWords))
	if status, code := a.press(t, "compared", `{"same":false}`); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "failed", stage(console.EnrolFailed))
	if _, page := a.get(t, "/?lang=en"); !strings.Contains(page, "PAIR_WORDS_DIFFER") {
		t.Error(page)
	}
	h.admin <- struct{}{}
	if _, err := loadIdentity(dir); !unpaired(err) {
		t.Errorf("paired all the same: %v", err)
	}
}

func TestOtherSitesPairNothing(t *testing.T) {
	h, dir := newPairHub(t), t.TempDir()
	a := start(t, dir, machine("1"))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for name, change := range map[string]func(*http.Request){
		"a name that points here": func(r *http.Request) {
			r.Host = "evil.example:" + a.ConsoleAddr()[strings.LastIndex(a.ConsoleAddr(), ":")+1:]
		},
		"another site":  func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"a new browser": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port":  func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
	} {
		for path, fields := range map[string]url.Values{
			"/pair": {"hub": {h.url}, "code": {"0123456789AB"}}, "/compared": {"same": {"yes"}}, "/pin": {"new_pin": {"2468"}},
			"/api/v1/pair": {}, "/api/v1/pin": {},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+a.ConsoleAddr()+path, strings.NewReader(fields.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			change(r)
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != 403 && res.StatusCode != 421 {
				t.Errorf("%s, %s: %d", name, path, res.StatusCode)
			}
		}
	}
	if v := a.view(t); v.Enrolment.Stage != "" {
		t.Errorf("%+v", v.Enrolment)
	}
	if _, err := os.Stat(filepath.Join(dir, pinFile)); err == nil {
		t.Error("there is a PIN")
	}
}

func TestAPINFromBeforeGuardsThePairing(t *testing.T) {
	h, dir := newPairHub(t), t.TempDir()
	givePIN(t, dir)
	a := start(t, dir, machine("1"))
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB"}`); status != 403 || code != "PIN_WRONG" {
		t.Errorf("%d %s", status, code)
	}
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB","pin":"2468"}`); status != 200 {
		t.Errorf("%d %s", status, code)
	}
	a.await(t, "words to compare", stage(console.EnrolWords))
}
