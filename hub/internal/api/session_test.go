package api

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/bus"
)

const goodPassword = "a long sentence"

// signUp adds a person with a password.
func (b *bench) signUp(t *testing.T, name string, role accounts.Role, area string) accounts.Person {
	t.Helper()
	p, err := b.Accounts.Add(t.Context(), accounts.NewPerson{Name: name, Password: goodPassword, Role: role, Area: area})
	check(t, err)
	return p
}

// signIn gives the session's cookie.
func (b *bench) signIn(t *testing.T, name, password string) string {
	t.Helper()
	status, header, body := b.ask(t, "", "POST", "/api/v1/login", `{"name":"`+name+`","password":"`+password+`"}`)
	if status != 200 {
		t.Fatal(status, body)
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return cookie
}

// asSession asks with a cookie.
func (b *bench) asSession(t *testing.T, cookie, method, path, body string) (int, string, string) {
	t.Helper()
	status, header, text := b.ask(t, "", method, path, body, "Cookie", cookie)
	next, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return status, text, next
}

func TestSessionCookie(t *testing.T) {
	b := newBench(t)
	b.signUp(t, "lan", accounts.Officer, "xa-a")
	status, header, body := b.ask(t, "", "POST", "/api/v1/login", `{"name":"lan","password":"`+goodPassword+`"}`)
	if status != 200 || !strings.Contains(body, `"name":"lan","role":"officer","area":"xa-a"`) {
		t.Fatal(status, body)
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	for _, flag := range []string{"loa_session=", "HttpOnly", "SameSite=Lax"} {
		if !strings.Contains(header.Get("Set-Cookie"), flag) {
			t.Errorf("cookie %q lacks %s", header.Get("Set-Cookie"), flag)
		}
	}
	if status, body, _ := b.asSession(t, cookie, "GET", "/api/v1/me", ""); status != 200 || !strings.Contains(body, `"may":["view","author","approve","withdraw","decide","own"]`) {
		t.Errorf("me: %d %s", status, body)
	}
	if status, _, _ := b.asSession(t, cookie, "POST", "/api/v1/logout", ""); status != 204 {
		t.Errorf("logout: %d", status)
	}
	if status, _, _ := b.asSession(t, cookie, "GET", "/api/v1/me", ""); status != 401 {
		t.Errorf("after logout: %d", status)
	}
	if status, _, body := b.ask(t, "", "POST", "/api/v1/login", `{"name":"lan","password":"wrong"}`); status != 401 || codeOf(body) != "LOGIN_FAILED" {
		t.Errorf("wrong password: %d %s", status, body)
	}
}

func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	b := newBench(t)
	d := b.Deps
	d.PublicURL = "https://loa.example.vn"
	b.Server = New(d)
	b.signUp(t, "lan", accounts.Officer, "xa-a")
	_, header, _ := b.ask(t, "", "POST", "/api/v1/login", `{"name":"lan","password":"`+goodPassword+`"}`)
	if !strings.Contains(header.Get("Set-Cookie"), "; Secure") {
		t.Errorf("cookie %q", header.Get("Set-Cookie"))
	}
}

func TestSessionsEnd(t *testing.T) {
	b := newBench(t)
	lan := b.signUp(t, "lan", accounts.Officer, "xa-a")
	me := func(cookie string) int {
		status, _, _ := b.asSession(t, cookie, "GET", "/api/v1/me", "")
		return status
	}
	here, elsewhere := b.signIn(t, "lan", goodPassword), b.signIn(t, "lan", goodPassword)

	status, body, renewed := b.asSession(t, here, "POST", "/api/v1/me/password", `{"password":"`+goodPassword+`","new":"another sentence"}`)
	if status != 204 || renewed == "" || renewed == here {
		t.Fatalf("%d %s, cookie %q", status, body, renewed)
	}
	for name, c := range map[string]struct {
		cookie string
		want   int
	}{"the one that asked, under its new cookie": {renewed, 200}, "its old cookie": {here, 401}, "another session": {elsewhere, 401}} {
		if got := me(c.cookie); got != c.want {
			t.Errorf("after a new password, %s: %d", name, got)
		}
	}
	if status, _, body := b.ask(t, "admin", "PATCH", "/api/v1/people/"+lan.ID, `{"disabled":true}`); status != 200 {
		t.Fatal(body)
	}
	if got := me(renewed); got != 401 {
		t.Errorf("of a disabled person: %d", got)
	}
	if status, _, body := b.ask(t, "admin", "PATCH", "/api/v1/people/"+lan.ID, `{"disabled":false}`); status != 200 {
		t.Fatal(body)
	}
	if got := me(renewed); got != 401 {
		t.Errorf("of one who was let in again, from before: %d", got)
	}
	last := b.signIn(t, "lan", "another sentence")
	_, err := b.DB.NewUpdate().Table("sessions").Set("expires_at = ?", time.Now().UnixMilli()).Where("1 = 1").Exec(t.Context())
	check(t, err)
	if got := me(last); got != 401 {
		t.Errorf("after its time: %d", got)
	}
}

func TestSecondFactorOverTheAPI(t *testing.T) {
	b := newBench(t)
	b.signUp(t, "lan", accounts.Officer, "xa-a")
	cookie := b.signIn(t, "lan", goodPassword)
	_, body, _ := b.asSession(t, cookie, "POST", "/api/v1/me/otp", `{"password":"`+goodPassword+`"}`)
	var phone accounts.Enrolment
	check(t, json.Unmarshal([]byte(body), &phone))
	code, err := totp.GenerateCode(phone.Secret, time.Now())
	check(t, err)
	status, body, _ := b.asSession(t, cookie, "POST", "/api/v1/me/otp/confirm", `{"otp":"`+code+`"}`)
	var recovery struct {
		Codes []string `json:"recovery_codes"`
	}
	check(t, json.Unmarshal([]byte(body), &recovery))
	if status != 200 || len(recovery.Codes) != 10 {
		t.Fatal(status, body)
	}
	for _, tc := range []struct {
		name, otp, code string
		status          int
	}{
		{"no code", ``, "OTP_REQUIRED", 401},
		{"the used one", `,"otp":"` + code + `"`, "OTP_WRONG", 401},
		{"a recovery code", `,"otp":"` + recovery.Codes[3] + `"`, "", 200},
		{"the same recovery code", `,"otp":"` + recovery.Codes[3] + `"`, "OTP_WRONG", 401},
	} {
		status, _, body := b.ask(t, "", "POST", "/api/v1/login", `{"name":"lan","password":"`+goodPassword+`"`+tc.otp+`}`)
		if status != tc.status || codeOf(body) != tc.code {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
	if status, body, _ := b.asSession(t, cookie, "POST", "/api/v1/me/otp/remove", `{"password":"`+goodPassword+`","otp":"`+recovery.Codes[4]+`"}`); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	b.signIn(t, "lan", goodPassword)
}

func TestGuessingIsToldToWait(t *testing.T) {
	b := newBench(t)
	now := time.Now() // however slow the machine is
	var err error
	b.Accounts, err = accounts.New(t.Context(), b.DB.DB, func() time.Time { return now })
	check(t, err)
	guess := func(name, from string) (int, string, string) {
		r := httptest.NewRequest("POST", "http://hub/api/v1/login", strings.NewReader(`{"name":"`+name+`","password":"x"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", "1.2.3.4, "+from)
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		return w.Code, w.Header().Get("Retry-After"), codeOf(w.Body.String())
	}
	for i := range 6 {
		status, after, code := guess("lan", "10.0.0.1")
		if i < 5 && code != "LOGIN_FAILED" || i == 5 && (status != 429 || after != "1" || code != "LOGIN_WAIT") {
			t.Errorf("guess %d: %d %s, Retry-After %q", i, status, code, after)
		}
	}
	// A header that anybody can write is no other place; what the hub's own proxy writes last is.
	if _, _, code := guess("lan", "10.0.0.2"); code != "LOGIN_WAIT" {
		t.Errorf("with another X-Forwarded-For: %s", code)
	}
	b.Proxy = netip.MustParseAddr("192.0.2.1") // httptest's peer
	if _, _, code := guess("lan", "10.0.0.2"); code != "LOGIN_FAILED" {
		t.Errorf("behind the proxy from another place: %s", code)
	}
	b.Proxy = netip.MustParseAddr("192.0.2.7")
	if _, _, code := guess("lan", "10.0.0.3"); code != "LOGIN_WAIT" {
		t.Errorf("from a peer that is not the proxy: %s", code)
	}
}

// A name with a NUL is nobody's and nothing the database can be asked for; it is not the hub's fault either.
func TestANameWithANULSignsNobodyIn(t *testing.T) {
	b := newBench(t)
	if status, _, body := b.ask(t, "", "POST", Prefix+"/login", `{"name":"admin\u0000","password":"x"}`); status != 400 || codeOf(body) != "JSON_INVALID" {
		t.Errorf("%d %s", status, body)
	}
}

func TestTokensOverTheAPI(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ name, body, code string }{
		{"all that the person may", `{"label":"a"}`, ""},
		{"a part", `{"label":"a","scope":["view","author"]}`, ""},
		{"more than the person", `{"label":"a","scope":["manage"]}`, "TOKEN_SCOPE"},
		{"no such action", `{"label":"a","scope":["root"]}`, "VALIDATION"},
		{"one that has ended", `{"label":"a","expires_at":"2020-01-01T00:00:00Z"}`, "TOKEN_EXPIRED"},
	} {
		if status, _, body := b.ask(t, "officer-a", "POST", "/api/v1/tokens", tc.body); codeOf(body) != tc.code || tc.code == "" && status != 201 {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
	_, _, body := b.ask(t, "officer-a", "GET", "/api/v1/tokens", "")
	var list struct{ Items []accounts.Token }
	check(t, json.Unmarshal([]byte(body), &list))
	if len(list.Items) != 3 || len(list.Items[0].Scope) != 2 || strings.Contains(body, "loa_") {
		t.Fatalf("%s", body)
	}
	if status, _, body := b.ask(t, "viewer-b", "DELETE", "/api/v1/tokens/"+list.Items[0].ID, ""); status != 404 {
		t.Errorf("of somebody else: %d %s", status, body)
	}
	for _, token := range list.Items {
		if status, _, body := b.ask(t, "officer-a", "DELETE", "/api/v1/tokens/"+token.ID, ""); token.Label == "test" && status != 204 {
			t.Errorf("%d %s", status, body)
		}
	}
	if status, _, _ := b.ask(t, "officer-a", "GET", "/api/v1/me", ""); status != 401 {
		t.Errorf("with a revoked token: %d", status)
	}
}

// A stream of events ends with what let it begin, and shows no more than its person may see by then.
func TestStreamEndsWithItsRights(t *testing.T) {
	for name, end := range map[string]func(b *bench, lan accounts.Person, cookie string){
		"logout": func(b *bench, _ accounts.Person, cookie string) {
			if status, body, _ := b.asSession(t, cookie, "POST", "/api/v1/logout", ""); status != 204 {
				t.Error(body)
			}
		},
		"password": func(b *bench, _ accounts.Person, cookie string) {
			if status, body, _ := b.asSession(t, cookie, "POST", "/api/v1/me/password", `{"password":"`+goodPassword+`","new":"another sentence"}`); status != 204 {
				t.Error(body)
			}
		},
		"disabled": func(b *bench, lan accounts.Person, _ string) {
			if status, _, body := b.ask(t, "admin", "PATCH", "/api/v1/people/"+lan.ID, `{"disabled":true}`); status != 200 {
				t.Error(body)
			}
		},
		"reset": func(b *bench, lan accounts.Person, _ string) {
			if status, _, body := b.ask(t, "admin", "POST", "/api/v1/people/"+lan.ID+"/reset", ""); status != 200 {
				t.Error(body)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			url := b.running(t)
			lan := b.signUp(t, "lan", accounts.Officer, "xa-a")
			cookie := b.signIn(t, "lan", goodPassword)
			l := b.listenAs(t, url, "Cookie", cookie)
			b.ring.add(bus.Event{Topic: bus.Report, Area: "xa-a", ID: "before"})
			l.until(t, "before")
			end(b, lan, cookie)
			l.ends(t)
		})
	}
	t.Run("token revoked", func(t *testing.T) {
		b := newBench(t)
		url := b.running(t)
		l := b.listen(t, url, "officer-a", "")
		c, err := b.Accounts.ByToken(t.Context(), b.tokens["officer-a"])
		check(t, err)
		check(t, b.Accounts.Revoke(t.Context(), "officer-a", c.Token, accounts.Console()))
		l.ends(t)
	})
	t.Run("by another hub", func(t *testing.T) { // of which this one hears nothing
		b := newBench(t)
		var later atomic.Int64
		b.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		url := b.running(t)
		l := b.listen(t, url, "officer-a", "")
		_, err := b.DB.NewDelete().Table("tokens").Where("person = ?", "officer-a").Exec(t.Context())
		check(t, err)
		later.Store(int64(askAgain))
		b.ring.add(bus.Event{Topic: bus.Report, Area: "xa-a", ID: "secret"})
		if seen := l.ends(t); strings.Contains(seen, "secret") {
			t.Errorf("it showed\n%s", seen)
		}
	})
	t.Run("another area", func(t *testing.T) {
		b := newBench(t)
		url := b.running(t)
		l := b.listen(t, url, "officer-a", "")
		if status, _, body := b.ask(t, "admin", "PATCH", "/api/v1/people/officer-a", `{"area":"xa-b"}`); status != 200 {
			t.Fatal(body)
		}
		b.ring.add(bus.Event{Topic: bus.Report, Area: "xa-a", ID: "no longer"})
		b.ring.add(bus.Event{Topic: bus.Report, Area: "xa-b", ID: "now"})
		if seen := strings.Join(l.until(t, `"now"`), "\n"); strings.Contains(seen, "no longer") {
			t.Errorf("it showed\n%s", seen)
		}
	})
}
