package api

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// empty takes everybody away: a hub as it is at its first start.
func (b *bench) empty(t *testing.T) {
	t.Helper()
	for _, table := range []string{"tokens", "people"} {
		_, err := b.DB.NewDelete().Table(table).Where("1 = 1").Exec(t.Context())
		check(t, err)
	}
}

// form posts what the page's form would.
func (b *bench) form(t *testing.T, values ...string) (int, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(values); i += 2 {
		form.Set(values[i], values[i+1])
	}
	status, _, body := b.ask(t, "", "POST", "/setup", form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
	return status, body
}

func TestFirstAdminByThePage(t *testing.T) {
	b := newBench(t)
	b.empty(t)
	inv, ok, err := b.Accounts.FirstRun(t.Context())
	check(t, err)
	if !ok {
		t.Fatal("no invitation on an empty hub")
	}
	status, header, page := b.ask(t, "", "GET", SetupPath(inv.Code), "")
	if status != 200 || !strings.Contains(page, `<html lang="vi">`) || !strings.Contains(page, inv.Code) || !strings.Contains(page, `name="name"`) {
		t.Fatalf("%d %s", status, page)
	}
	csp := header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'; style-src 'sha256-") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") ||
		header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cache-Control") != "no-store" || strings.Contains(page, "<script") || strings.Contains(page, "http:") {
		t.Errorf("headers %v", header)
	}
	if style := page[strings.Index(page, "<style>")+7 : strings.Index(page, "</style>")]; style != setupCSS {
		t.Errorf("the style is not the one whose hash is allowed:\n%q\n%q", style, setupCSS)
	}
	for _, tc := range []struct {
		name, want string
		form       []string
		status     int
	}{
		{"another code", "SETUP_CODE", []string{"code", "x", "name", "minh", "password", goodPassword, "again", goodPassword}, 403},
		{"two passwords", "PASSWORD_REPEAT", []string{"code", inv.Code, "name", "minh", "password", goodPassword, "again", "x"}, 422},
		{"a short one", "PASSWORD_SHORT", []string{"code", inv.Code, "name", "minh", "password", "x", "again", "x"}, 422},
		{"a name that is markup", "NAME_INVALID", []string{"code", inv.Code, "name", "<b>x</b>", "password", goodPassword, "again", goodPassword}, 422},
		{"too much", "BODY_TOO_LARGE", []string{"code", inv.Code, "name", strings.Repeat("x", maxSetupForm)}, 413},
		{"as it should be", "Đã xong, minh", []string{"code", inv.Code, "name", "minh", "password", goodPassword, "again", goodPassword}, 200},
		{"a second time", "SETUP_CODE", []string{"code", inv.Code, "name", "thief", "password", goodPassword, "again", goodPassword}, 403},
	} {
		if status, body := b.form(t, tc.form...); status != tc.status || !strings.Contains(body, tc.want) || strings.Contains(body, "<b>x") {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
	cookie := b.signIn(t, "minh", goodPassword)
	if _, body, _ := b.asSession(t, cookie, "GET", "/api/v1/me", ""); !strings.Contains(body, `"role":"admin","area":""`) {
		t.Errorf("got %s", body)
	}
	if status, _, body := b.ask(t, "", "POST", "/setup", "code=x", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); status != 403 || codeOf(body) != "CROSS_ORIGIN" {
		t.Errorf("from another site's page: %d %s", status, body)
	}
}

func TestFirstAdminByTheAPI(t *testing.T) {
	b := newBench(t)
	b.empty(t)
	inv, _, err := b.Accounts.FirstRun(t.Context())
	check(t, err)
	if status, _, body := b.ask(t, "", "POST", "/api/v1/setup", `{"code":"`+inv.Code+`","name":"minh","password":"`+goodPassword+`"}`); status != 201 || !strings.Contains(body, `"role":"admin"`) {
		t.Fatal(status, body)
	}
	b.signIn(t, "minh", goodPassword)
}

// From an invitation to the first sign-in, and back by a reset.
func TestPeopleAreInvitedAndReset(t *testing.T) {
	b := newBench(t)
	b.PublicURL = "https://loa.example.vn"
	invited := func(status int, body string) InvitedView {
		t.Helper()
		var v InvitedView
		check(t, json.Unmarshal([]byte(body), &v))
		if status >= 300 || v.Invitation.URL != b.PublicURL+SetupPath(v.Invitation.Code) || !v.Invited {
			t.Fatal(status, body)
		}
		return v
	}
	status, _, body := b.ask(t, "admin-b", "POST", "/api/v1/people", `{"name":"hoa","role":"officer"}`)
	hoa := invited(status, body)
	if hoa.Area != "xa-b" {
		t.Errorf("without an area it is %q, not the admin's", hoa.Area)
	}
	_, _, page := b.ask(t, "", "GET", SetupPath(hoa.Invitation.Code), "")
	if !strings.Contains(page, "<b>hoa</b>") || strings.Contains(page, `name="name"`) {
		t.Errorf("the page says %s", page)
	}
	if status, body := b.form(t, "code", hoa.Invitation.Code, "password", goodPassword, "again", goodPassword); status != 200 {
		t.Fatal(body)
	}
	b.signIn(t, "hoa", goodPassword)
	status, _, body = b.ask(t, "admin", "POST", "/api/v1/people/"+hoa.ID+"/reset", `{"second_factor":true}`)
	again := invited(status, body)
	if status, _, body := b.ask(t, "", "POST", "/api/v1/login", `{"name":"hoa","password":"`+goodPassword+`"}`); status != 401 {
		t.Errorf("the old password: %d %s", status, body)
	}
	if status, _, body := b.ask(t, "", "POST", "/api/v1/setup", `{"code":"`+again.Invitation.Code+`","password":"another sentence"}`); status != 201 {
		t.Fatal(body)
	}
	b.signIn(t, "hoa", "another sentence")
}

func TestPeopleRefusals(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ name, person, method, path, body, code string }{
		{"above the admin", "admin-b", "POST", "people", `{"name":"x","role":"viewer","area":"tinh"}`, "FOREIGN_AREA"},
		{"an area that is none", "admin", "POST", "people", `{"name":"x","role":"viewer","area":"nowhere"}`, "AREA_NOT_FOUND"},
		{"a role that is none", "admin", "POST", "people", `{"name":"x","role":"root"}`, "VALIDATION"},
		{"a taken name", "admin", "POST", "people", `{"name":"viewer-b","role":"viewer"}`, "NAME_TAKEN"},
		{"moved out of the admin's area", "admin-b", "PATCH", "people/viewer-b", `{"area":"xa-a"}`, "FOREIGN_AREA"},
		{"given the whole tree", "admin-b", "PATCH", "people/viewer-b", `{"area":""}`, "FOREIGN_AREA"},
		{"the admin of the whole tree", "admin-b", "POST", "people/admin/reset", ``, "FOREIGN_AREA"},
		{"the last admin", "admin", "PATCH", "people/admin", `{"role":"viewer"}`, "LAST_ADMIN"},
		{"nobody", "admin", "GET", "people/nobody", ``, "PERSON_NOT_FOUND"},
		{"a bad cursor", "admin", "GET", "people?cursor=x", ``, "CURSOR_INVALID"},
	} {
		if _, _, body := b.ask(t, tc.person, tc.method, "/api/v1/"+tc.path, tc.body); codeOf(body) != tc.code {
			t.Errorf("%s: %s", tc.name, body)
		}
	}
	// Of what was refused there is no line; of what was done there is who, from where, before and after.
	if status, _, body := b.ask(t, "admin-b", "PATCH", "/api/v1/people/viewer-b", `{"role":"operator"}`); status != 200 {
		t.Fatal(body)
	}
	entries, err := b.Accounts.Log(t.Context(), 0, 10)
	check(t, err)
	if len(entries) != 1 || entries[0].Who != "admin-b" || entries[0].Origin != "192.0.2.1" || entries[0].Action != "person.edit" || entries[0].Area != "xa-b" ||
		!strings.Contains(string(entries[0].Before), `"viewer"`) || !strings.Contains(string(entries[0].After), `"operator"`) {
		t.Errorf("%+v", entries)
	}
	if _, faults, err := b.Accounts.Verify(t.Context(), nil); err != nil {
		t.Error(faults, err)
	}
}
