package accounts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ scs.CtxStore = Sessions{}

type clock struct{ t time.Time }

func newService(t *testing.T) (*Service, *clock) {
	t.Helper()
	dir := t.TempDir()
	db, err := store.Open(t.Context(), storetest.Database(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC)}
	s, err := New(t.Context(), db.DB, func() time.Time { return c.t })
	if err != nil {
		t.Fatal(err)
	}
	s.hasher.cost, s.decoy = cheap(), cheap().decoy()
	return s, c
}

// cheap hashes cost these tests nothing; TestHashFormat looks at what the hub uses.
func cheap() cost { return cost{memoryKiB: 64, passes: 1} }

func code(err error) string {
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

func TestAddRefuses(t *testing.T) {
	s, _ := newService(t)
	good := NewPerson{Name: "Lan", Password: "một câu dài", Role: Officer, Area: "quang-ninh"}
	if _, err := s.Add(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, code string
		change     func(*NewPerson)
	}{
		{"taken name", "NAME_TAKEN", func(n *NewPerson) {}},
		{"taken name with blanks", "NAME_TAKEN", func(n *NewPerson) { n.Name = " Lan " }},
		{"empty name", "NAME_INVALID", func(n *NewPerson) { n.Name = "" }},
		{"control character", "NAME_INVALID", func(n *NewPerson) { n.Name = "a\x00b" }},
		{"right-to-left override", "NAME_INVALID", func(n *NewPerson) { n.Name = "a\u202eb" }},
		{"unknown role", "ROLE_UNKNOWN", func(n *NewPerson) { n.Name, n.Role = "x", "root" }},
		{"short password", "PASSWORD_SHORT", func(n *NewPerson) { n.Name, n.Password = "x", "1234567" }},
		{"endless password", "PASSWORD_SHORT", func(n *NewPerson) { n.Name, n.Password = "x", strings.Repeat("a", 257) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := good
			tc.change(&n)
			if _, err := s.Add(t.Context(), n); code(err) != tc.code {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
	if n, err := s.Count(t.Context()); n != 1 || err != nil {
		t.Errorf("%d people, %v", n, err)
	}
}

const goodPassword = "một câu dài"

// person makes one and fails the test when that fails.
func person(t *testing.T, s *Service, name string, role Role, area string) Person {
	t.Helper()
	p, err := s.Add(t.Context(), NewPerson{Name: name, Password: goodPassword, Role: role, Area: area})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signIn(s *Service, t *testing.T, name, password, otp, from string) (Person, error) {
	t.Helper()
	return s.Login(t.Context(), Attempt{Name: name, Password: password, OTP: otp, From: from})
}

func TestLogin(t *testing.T) {
	s, _ := newService(t)
	lan := person(t, s, "Lan", Officer, "quang-ninh")
	if got, err := signIn(s, t, "Lan", goodPassword, "", "10.0.0.1"); err != nil || got != lan {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, tc := range [][2]string{{"Lan", "một câu dà"}, {"Lan", ""}, {"nobody", goodPassword}, {"", ""}} {
		if _, err := signIn(s, t, tc[0], tc[1], "", "10.0.0.1"); code(err) != "LOGIN_FAILED" {
			t.Errorf("%q: got %v", tc, err)
		}
	}
	if got, err := s.BySession(t.Context(), lan.ID, lan.Epoch); err != nil || got != lan {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, of := range map[string]Person{"nobody": {ID: "nobody", Epoch: 1}, "other epoch": {ID: lan.ID, Epoch: 2}} {
		if _, err := s.BySession(t.Context(), of.ID, of.Epoch); code(err) != "NOT_SIGNED_IN" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTokenActsForItsPersonUntilItEnds(t *testing.T) {
	s, clock := newService(t)
	lan := person(t, s, "Lan", Viewer, "")
	endless, err := s.NewToken(t.Context(), Caller{Person: lan}, Token{Label: "script"})
	if err != nil {
		t.Fatal(err)
	}
	short, err := s.NewToken(t.Context(), Caller{Person: lan}, Token{Label: "script", Expires: clock.t.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{endless, short} {
		if got, err := s.ByToken(t.Context(), token); err != nil || got.Person != lan || !got.Whole() {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	clock.t = clock.t.Add(time.Hour)
	if _, err := s.ByToken(t.Context(), short); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("ended token: got %v", err)
	}
	if list, err := s.Tokens(t.Context(), lan.ID); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := s.ByToken(t.Context(), endless+"x"); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("changed token: got %v", err)
	}
	c, err := s.ByToken(t.Context(), endless)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(t.Context(), "somebody else", c.Token, Console()); code(err) != "TOKEN_NOT_FOUND" {
		t.Errorf("revoked by somebody else: %v", err)
	}
	less := s.Less()
	if err := s.Revoke(t.Context(), lan.ID, c.Token, Console()); err != nil {
		t.Fatal(err)
	}
	<-less // whoever answers for long was told
	if _, err := s.ByToken(t.Context(), endless); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("revoked token: got %v", err)
	}
}

func TestTokenHasNoMoreThanItsMaker(t *testing.T) {
	s, clock := newService(t)
	lan := person(t, s, "Lan", Officer, "xa-a")
	narrow := Caller{Person: lan, Token: "t", Scope: []Action{View, Author}, Expires: clock.t.Add(time.Hour)}
	for _, tc := range []struct {
		name  string
		maker Caller
		want  Token
		code  string
	}{
		{"beyond the role", Caller{Person: lan}, Token{Scope: []Action{View, Manage}}, "TOKEN_SCOPE"},
		{"no such action", Caller{Person: lan}, Token{Scope: []Action{"root"}}, "TOKEN_SCOPE"},
		{"beyond the token that makes it", narrow, Token{Scope: []Action{Approve}}, "TOKEN_SCOPE"},
		{"longer than the token that makes it", narrow, Token{Expires: clock.t.Add(2 * time.Hour)}, "TOKEN_SCOPE"},
		{"a part of it", narrow, Token{Scope: []Action{View}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			secret, err := s.NewToken(t.Context(), tc.maker, tc.want)
			if code(err) != tc.code {
				t.Fatalf("got %v", err)
			}
			if tc.code != "" {
				return
			}
			if c, err := s.ByToken(t.Context(), secret); err != nil || !c.May(View) || c.May(Author) || c.Whole() || c.Expires.IsZero() {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
	inherits, err := s.NewToken(t.Context(), narrow, Token{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.ByToken(t.Context(), inherits); err != nil || c.May(Approve) || !c.May(Author) || !c.Expires.Equal(narrow.Expires) {
		t.Errorf("%+v, %v", c, err)
	}
	// A person who becomes less takes their tokens along.
	seen, err := s.Account(t.Context(), lan.ID)
	if err != nil {
		t.Fatal(err)
	}
	role := Viewer
	if _, err := s.Change(t.Context(), seen, PersonChange{Role: &role}, Console()); err != nil {
		t.Fatal(err)
	}
	if c, err := s.ByToken(t.Context(), inherits); err != nil || c.May(Author) || !c.May(View) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestSessionsEndAndAreSwept(t *testing.T) {
	s, clock := newService(t)
	x := s.Sessions()
	if err := x.CommitCtx(t.Context(), "tok", []byte{1, 0, 2}, clock.t.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, found, err := x.FindCtx(t.Context(), "tok"); err != nil || !found || string(data) != "\x01\x00\x02" {
		t.Fatalf("%v %v %v", data, found, err)
	}
	clock.t = clock.t.Add(time.Hour)
	if _, found, err := x.FindCtx(t.Context(), "tok"); found || err != nil {
		t.Errorf("an ended session was found: %v", err)
	}
	if err := x.CommitCtx(t.Context(), "other", nil, clock.t.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	n, err := s.db.NewSelect().Model((*sessionRow)(nil)).Count(t.Context())
	if err != nil || n != 1 {
		t.Errorf("%d sessions, %v", n, err)
	}
	if err := x.DeleteCtx(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := x.FindCtx(t.Context(), "other"); found {
		t.Error("a deleted session was found")
	}
}

func TestRolesMay(t *testing.T) {
	may := map[Role]string{
		Admin:    "view author approve withdraw decide own manage people audit",
		Officer:  "view author approve withdraw decide own",
		Operator: "view decide own",
		Viewer:   "view",
		"root":   "",
	}
	for role, words := range may {
		for _, a := range append(Actions(), "anything else") {
			if want := strings.Contains(" "+words+" ", " "+string(a)+" "); role.May(a) != want {
				t.Errorf("%s may %s: %v", role, a, !want)
			}
		}
	}
}
