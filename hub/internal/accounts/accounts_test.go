package accounts

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"go.uber.org/goleak"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ scs.CtxStore = Sessions{}

type clock struct{ t time.Time }

func newService(t *testing.T) (*Service, *clock) {
	t.Helper()
	db, err := store.Open(t.Context(), "", t.TempDir())
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
	return s, c
}

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

func TestLogin(t *testing.T) {
	s, _ := newService(t)
	lan, err := s.Add(t.Context(), NewPerson{Name: "Lan", Password: "một câu dài", Role: Officer, Area: "quang-ninh"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Login(t.Context(), "Lan", "một câu dài"); err != nil || got != lan {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, tc := range [][2]string{{"Lan", "một câu dà"}, {"Lan", ""}, {"nobody", "một câu dài"}, {"", ""}} {
		if _, err := s.Login(t.Context(), tc[0], tc[1]); code(err) != "LOGIN_FAILED" {
			t.Errorf("%q: got %v", tc, err)
		}
	}
	if got, err := s.ByID(t.Context(), lan.ID); err != nil || got != lan {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.ByID(t.Context(), "nobody"); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("got %v", err)
	}
}

func TestTokenActsForItsPersonUntilItEnds(t *testing.T) {
	s, clock := newService(t)
	lan, err := s.Add(t.Context(), NewPerson{Name: "Lan", Password: "một câu dài", Role: Viewer})
	if err != nil {
		t.Fatal(err)
	}
	endless, err := s.NewToken(t.Context(), lan, "script", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	short, err := s.NewToken(t.Context(), lan, "script", clock.t.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{endless, short} {
		if got, err := s.ByToken(t.Context(), token); err != nil || got != lan {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	clock.t = clock.t.Add(time.Hour)
	if _, err := s.ByToken(t.Context(), short); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("ended token: got %v", err)
	}
	if _, err := s.ByToken(t.Context(), endless); err != nil {
		t.Error(err)
	}
	if _, err := s.ByToken(t.Context(), endless+"x"); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("changed token: got %v", err)
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

func TestAuditLogIsReadNewestFirstInPages(t *testing.T) {
	s, _ := newService(t)
	for _, subject := range []string{"one", "two", "three"} {
		if err := s.Record(t.Context(), Entry{Who: "Lan", Origin: "127.0.0.1", Action: "report.approve", Subject: subject, After: []byte(`{"a":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Log(t.Context(), "", 2)
	if err != nil || len(first) != 2 || first[0].Subject != "three" || first[1].Subject != "two" {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := s.Log(t.Context(), first[1].ID, 2)
	if err != nil || len(rest) != 1 || rest[0].Subject != "one" || string(rest[0].After) != `{"a":1}` {
		t.Fatalf("%+v, %v", rest, err)
	}
}

func TestRolesMay(t *testing.T) {
	may := map[Role]string{
		Admin:    "view author approve withdraw decide manage audit",
		Officer:  "view author approve withdraw decide",
		Operator: "view decide",
		Viewer:   "view",
		"root":   "",
	}
	for role, words := range may {
		for _, a := range []Action{View, Author, Approve, Withdraw, Decide, Manage, Audit} {
			if want := strings.Contains(" "+words+" ", " "+string(a)+" "); role.May(a) != want {
				t.Errorf("%s may %s: %v", role, a, !want)
			}
		}
	}
}
