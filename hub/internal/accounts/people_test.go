package accounts

import (
	"strings"
	"testing"
	"time"
)

func TestFirstAdminIsMadeByTheLinkOnce(t *testing.T) {
	s, clock := newService(t)
	old, ok, err := s.FirstRun(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	inv, ok, err := s.FirstRun(t.Context()) // the hub was started again
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	good := SetUp{Code: inv.Code, Name: "minh", Password: goodPassword, From: "10.0.0.1"}
	for _, tc := range []struct {
		name, code string
		change     func(*SetUp)
	}{
		{"no code", "SETUP_CODE", func(in *SetUp) { in.Code = "" }},
		{"a wrong code", "SETUP_CODE", func(in *SetUp) { in.Code = strings.Repeat("a", 26) }},
		{"the code of an earlier start", "SETUP_CODE", func(in *SetUp) { in.Code = old.Code }},
		{"a short password", "PASSWORD_SHORT", func(in *SetUp) { in.Password = "1234567" }},
		{"no name", "NAME_INVALID", func(in *SetUp) { in.Name = " " }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := good
			tc.change(&in)
			if _, err := s.SetUp(t.Context(), in); code(err) != tc.code {
				t.Errorf("got %v", err)
			}
		})
	}
	clock.t = clock.t.Add(firstLife)
	if _, err := s.SetUp(t.Context(), good); code(err) != "SETUP_CODE" {
		t.Errorf("an hour later: %v", err)
	}
	clock.t = clock.t.Add(-time.Minute)
	p, err := s.SetUp(t.Context(), good)
	if err != nil || p.Role != Admin || p.Area != "" || p.Name != "minh" {
		t.Fatalf("%+v, %v", p, err)
	}
	good.Name = "hoa"
	if _, err := s.SetUp(t.Context(), good); code(err) != "SETUP_CODE" {
		t.Errorf("a second time: %v", err)
	}
	if _, ok, err := s.FirstRun(t.Context()); ok || err != nil {
		t.Errorf("another link: %v %v", ok, err)
	}
	if _, err := signIn(s, t, "minh", goodPassword, "", ""); err != nil {
		t.Error(err)
	}
}

// Of two who have the link at once, one becomes the admin.
func TestFirstLinkMakesOneAdmin(t *testing.T) {
	s, _ := newService(t)
	inv, _, err := s.FirstRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for _, name := range []string{"a", "b", "c", "d"} {
		go func() {
			_, err := s.SetUp(t.Context(), SetUp{Code: inv.Code, Name: name, Password: goodPassword})
			done <- err
		}()
	}
	made := 0
	for range 4 {
		if err := <-done; err == nil {
			made++
		} else if code(err) != "SETUP_CODE" {
			t.Error(err)
		}
	}
	if n, err := s.Count(t.Context()); made != 1 || n != 1 || err != nil {
		t.Errorf("%d made, %d people, %v", made, n, err)
	}
}

func TestFirstLinkDiesWithAnAccountFromTheConsole(t *testing.T) {
	s, _ := newService(t)
	inv, _, err := s.FirstRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person(t, s, "minh", Admin, "")
	if _, err := s.SetUp(t.Context(), SetUp{Code: inv.Code, Name: "thief", Password: goodPassword}); code(err) != "SETUP_CODE" {
		t.Errorf("got %v", err)
	}
}

func TestInvitedPersonChoosesThePassword(t *testing.T) {
	s, _ := newService(t)
	a, inv, err := s.Invite(t.Context(), NewPerson{Name: "hoa", Role: Officer, Area: "xa-a", By: By{"minh", "10.0.0.1"}})
	if err != nil || !a.Invited {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := signIn(s, t, "hoa", "", "", ""); code(err) != "LOGIN_FAILED" {
		t.Errorf("without a password: %v", err)
	}
	if name, err := s.Invited(t.Context(), inv.Code); name != "hoa" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	if p, err := s.SetUp(t.Context(), SetUp{Code: inv.Code, Name: "somebody", Password: goodPassword}); err != nil || p.Name != "hoa" || p.Role != Officer {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := signIn(s, t, "hoa", goodPassword, "", ""); err != nil {
		t.Error(err)
	}
	if _, err := s.SetUp(t.Context(), SetUp{Code: inv.Code, Password: "ein anderes"}); code(err) != "SETUP_CODE" {
		t.Errorf("a second time: %v", err)
	}
}

func TestPasswordChangeEndsEverySession(t *testing.T) {
	s, _ := newService(t)
	lan := person(t, s, "Lan", Officer, "")
	for _, tc := range []struct{ name, present, next, code string }{
		{"wrong present one", "wrong", "cơn mưa đêm qua", "PASSWORD_WRONG"},
		{"short new one", goodPassword, "ngắn", "PASSWORD_SHORT"},
	} {
		if _, err := s.ChangePassword(t.Context(), lan.ID, Attempt{Password: tc.present}, tc.next, Console()); code(err) != tc.code {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
	less := s.Less()
	after, err := s.ChangePassword(t.Context(), lan.ID, Attempt{Password: goodPassword}, "cơn mưa đêm qua", By{"Lan", "10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	<-less
	if _, err := s.BySession(t.Context(), lan.ID, lan.Epoch); code(err) != "NOT_SIGNED_IN" {
		t.Errorf("an older session: %v", err)
	}
	if _, err := s.BySession(t.Context(), lan.ID, after.Epoch); err != nil {
		t.Errorf("the session that asked: %v", err)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, "", ""); code(err) != "LOGIN_FAILED" {
		t.Errorf("the old password: %v", err)
	}
}

func TestDisabledAndResetPeopleLoseEverything(t *testing.T) {
	yes, no := true, false
	for name, do := range map[string]func(*Service, Account) (Account, error){
		"disabled": func(s *Service, a Account) (Account, error) {
			return s.Change(t.Context(), a, PersonChange{Disabled: &yes}, Console())
		},
		"reset": func(s *Service, a Account) (Account, error) {
			a, _, err := s.Reset(t.Context(), a, true, Console())
			return a, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := newService(t)
			lan, _, _ := enrolled(t, s, clock)
			token, err := s.NewToken(t.Context(), Caller{Person: lan}, Token{})
			if err != nil {
				t.Fatal(err)
			}
			seen, err := s.Account(t.Context(), lan.ID)
			if err != nil {
				t.Fatal(err)
			}
			less := s.Less()
			after, err := do(s, seen)
			if err != nil {
				t.Fatal(err)
			}
			<-less
			// A request that was let in just before makes no token that outlives it.
			if _, err := s.NewToken(t.Context(), Caller{Person: lan}, Token{}); code(err) != "NOT_SIGNED_IN" {
				t.Errorf("another token: %v", err)
			}
			if after.Disabled { // and let in again: what was ended stays so
				if _, err := s.Change(t.Context(), after, PersonChange{Disabled: &no}, Console()); err != nil {
					t.Fatal(err)
				}
			} else if after.SecondFactor || !after.Invited {
				t.Errorf("%+v", after)
			}
			if _, err := s.BySession(t.Context(), lan.ID, lan.Epoch); code(err) != "NOT_SIGNED_IN" {
				t.Errorf("session: %v", err)
			}
			if _, err := s.ByToken(t.Context(), token); code(err) != "NOT_SIGNED_IN" {
				t.Errorf("token: %v", err)
			}
		})
	}
}

func TestDisabledPersonIsOut(t *testing.T) {
	s, _ := newService(t)
	a, inv, err := s.Invite(t.Context(), NewPerson{Name: "hoa", Role: Officer})
	if err != nil {
		t.Fatal(err)
	}
	lan := person(t, s, "Lan", Officer, "")
	yes := true
	for _, seen := range []Account{a, {Person: lan}} {
		if _, err := s.Change(t.Context(), seen, PersonChange{Disabled: &yes}, Console()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := signIn(s, t, "Lan", goodPassword, "", ""); code(err) != "LOGIN_FAILED" {
		t.Errorf("signs in: %v", err)
	}
	if _, err := s.SetUp(t.Context(), SetUp{Code: inv.Code, Password: goodPassword}); code(err) != "SETUP_CODE" {
		t.Errorf("takes up an invitation: %v", err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	s, _ := newService(t)
	first, second := person(t, s, "minh", Admin, ""), person(t, s, "hoa", Admin, "")
	person(t, s, "thu", Admin, "xa-a") // of a part: no help
	officer, part, yes := Officer, "xa-a", true
	seen := func(p Person) Account { return Account{Person: p} }
	if _, err := s.Change(t.Context(), seen(first), PersonChange{Role: &officer}, Console()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]PersonChange{"another role": {Role: &officer}, "a part of the tree": {Area: &part}, "disabled": {Disabled: &yes}} {
		if _, err := s.Change(t.Context(), seen(second), c, Console()); code(err) != "LAST_ADMIN" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Change(t.Context(), seen(first), PersonChange{Area: &part}, Console()); code(err) != "STALE_VERSION" {
		t.Errorf("as they were before: %v", err)
	}
	entries, err := s.Log(t.Context(), 0, 1)
	if err != nil || entries[0].Action != "person.edit" || !strings.Contains(string(entries[0].Before), `"admin"`) || !strings.Contains(string(entries[0].After), `"officer"`) {
		t.Errorf("%+v, %v", entries, err)
	}
}

func TestConsoleLetsInAgain(t *testing.T) {
	s, clock := newService(t)
	enrolled(t, s, clock)
	for range 30 {
		wait(t, s, "Lan", "10.0.0.66")
	}
	if _, err := s.ConsoleReset(t.Context(), "Lan", "mật khẩu mới tinh"); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(s, t, "Lan", "mật khẩu mới tinh", "", "10.0.0.9"); err != nil {
		t.Error(err)
	}
	if _, err := s.ConsoleReset(t.Context(), "nobody", "mật khẩu mới tinh"); code(err) != "PERSON_NOT_FOUND" {
		t.Errorf("got %v", err)
	}
}
