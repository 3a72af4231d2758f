package accounts

import (
	"net/url"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// enrolled gives a person with a second factor, their secret and their recovery codes.
func enrolled(t *testing.T, s *Service, clock *clock) (p Person, secret string, recovery []string) {
	t.Helper()
	p = person(t, s, "Lan", Officer, "xa-a")
	e, err := s.EnrolTOTP(t.Context(), p.ID, Attempt{Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("secret") != e.Secret || u.Query().Get("issuer") != "Loa" {
		t.Fatalf("%s, %v", e.URL, err)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, "", ""); err != nil {
		t.Fatalf("before it is confirmed: %v", err)
	}
	if _, err := s.ConfirmTOTP(t.Context(), p.ID, "12345", Console()); code(err) != "OTP_WRONG" {
		t.Fatalf("got %v", err)
	}
	if recovery, err = s.ConfirmTOTP(t.Context(), p.ID, phone(t, e.Secret, clock.t), Console()); err != nil || len(recovery) != recoveryCodes {
		t.Fatalf("%v, %v", recovery, err)
	}
	return p, e.Secret, recovery
}

// phone is what an app on a phone shows.
func phone(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestSecondFactor(t *testing.T) {
	s, clock := newService(t)
	_, secret, recovery := enrolled(t, s, clock)
	used := phone(t, secret, clock.t)
	clock.t = clock.t.Add(30 * time.Second)
	for _, tc := range []struct {
		name, password, otp, code string
		later                     time.Duration
	}{
		{"no code", goodPassword, "", "OTP_REQUIRED", 0},
		{"no code and the wrong password", "wrong", "", "LOGIN_FAILED", 0},
		{"the code of the enrolment", goodPassword, used, "OTP_WRONG", 0},
		{"a wrong code", goodPassword, "000000", "OTP_WRONG", 0},
		{"the right one and the wrong password", "wrong", phone(t, secret, clock.t), "LOGIN_FAILED", 0},
		{"the right one", goodPassword, phone(t, secret, clock.t), "", 0},
		{"the same again", goodPassword, phone(t, secret, clock.t), "OTP_WRONG", 0},
		{"an earlier one of a slow phone, after a later one was used", goodPassword, used, "OTP_WRONG", 0},
		{"the next one of a fast phone", goodPassword, phone(t, secret, clock.t.Add(30*time.Second)), "", 0},
		{"one from far ahead", goodPassword, phone(t, secret, clock.t.Add(5*time.Minute)), "OTP_WRONG", 0},
		{"one of a phone 30 s behind", goodPassword, phone(t, secret, clock.t.Add(10*time.Minute)), "", 10*time.Minute + 30*time.Second},
		{"a recovery code", goodPassword, recovery[0], "", 0},
		{"the same recovery code", goodPassword, recovery[0], "OTP_WRONG", 0},
		{"another one, typed with blanks in capitals", goodPassword, " " + recovery[1][:4] + " " + recovery[1][5:] + " ", "", 0},
	} {
		clock.t = clock.t.Add(tc.later)
		if _, err := signIn(s, t, "Lan", tc.password, tc.otp, "10.0.0.1"); code(err) != tc.code {
			t.Errorf("%s: got %v", tc.name, err)
		}
	}
	entries, err := s.Log(t.Context(), 0, 1)
	if err != nil || entries[0].Action != "otp.recover" || string(entries[0].After) != `{"codes_left":8}` {
		t.Errorf("%+v, %v", entries, err)
	}
}

// With a stolen password, codes are guessed as slowly as passwords, and asking without one wins no fresh start.
func TestOneTimeCodesAreNotGuessed(t *testing.T) {
	s, clock := newService(t)
	_, secret, _ := enrolled(t, s, clock)
	clock.t = clock.t.Add(time.Minute)
	var last error
	for range perPlace().free + 1 {
		_, last = signIn(s, t, "Lan", goodPassword, "000000", "10.0.0.66")
		_, _ = signIn(s, t, "Lan", goodPassword, "", "10.0.0.66")
	}
	if code(last) != "LOGIN_WAIT" {
		t.Errorf("got %v", last)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, phone(t, secret, clock.t), "10.0.0.1"); err != nil {
		t.Errorf("the owner, from elsewhere: %v", err)
	}
}

// A session that somebody left open confirms no enrolment by guessing: its recovery codes would be theirs.
func TestTheFirstCodeIsNotGuessed(t *testing.T) {
	s, clock := newService(t)
	p := person(t, s, "Lan", Officer, "xa-a")
	e, err := s.EnrolTOTP(t.Context(), p.ID, Attempt{Password: goodPassword, From: "10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	by := By{Name: "Lan", Origin: "10.0.0.66"}
	for i := range perPlace().free + 1 {
		want := "OTP_WRONG"
		if i == perPlace().free {
			want = "LOGIN_WAIT"
		}
		if _, err := s.ConfirmTOTP(t.Context(), p.ID, "12345", by); code(err) != want {
			t.Errorf("guess %d: %v", i, err)
		}
	}
	by.Origin = "10.0.0.1"
	if codes, err := s.ConfirmTOTP(t.Context(), p.ID, phone(t, e.Secret, clock.t), by); err != nil || len(codes) != recoveryCodes {
		t.Errorf("the owner, from elsewhere: %v", err)
	}
}

// Of two requests with one code only one is let in.
func TestOneCodeLetsInOne(t *testing.T) {
	s, clock := newService(t)
	p, secret, recovery := enrolled(t, s, clock)
	row, err := s.byID(t.Context(), s.db, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	clock.t = clock.t.Add(time.Minute)
	for name, otp := range map[string]string{"time": phone(t, secret, clock.t), "recovery": recovery[0]} {
		done := make(chan error)
		for range 8 {
			go func() { done <- s.secondFactor(t.Context(), row, otp, "") }()
		}
		in := 0
		for range 8 {
			if err := <-done; err == nil {
				in++
			} else if code(err) != "OTP_WRONG" {
				t.Error(err)
			}
		}
		if in != 1 {
			t.Errorf("%s: %d got in", name, in)
		}
	}
}

func TestSecondFactorIsRemovedAndRenewedByItself(t *testing.T) {
	s, clock := newService(t)
	p, secret, recovery := enrolled(t, s, clock)
	if _, err := s.EnrolTOTP(t.Context(), p.ID, Attempt{Password: goodPassword}); code(err) != "OTP_ON" {
		t.Errorf("a second phone: %v", err)
	}
	if _, err := s.RenewRecovery(t.Context(), p.ID, Attempt{Password: goodPassword}, Console()); code(err) != "OTP_REQUIRED" {
		t.Errorf("new recovery codes without a code: %v", err)
	}
	fresh, err := s.RenewRecovery(t.Context(), p.ID, Attempt{Password: goodPassword, OTP: recovery[0]}, Console())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, recovery[1], ""); code(err) != "OTP_WRONG" {
		t.Errorf("an old recovery code: %v", err)
	}
	if err := s.RemoveTOTP(t.Context(), p.ID, Attempt{Password: "wrong", OTP: fresh[0]}, Console()); code(err) != "PASSWORD_WRONG" {
		t.Errorf("removed without the password: %v", err)
	}
	clock.t = clock.t.Add(time.Minute)
	if err := s.RemoveTOTP(t.Context(), p.ID, Attempt{Password: goodPassword, OTP: phone(t, secret, clock.t)}, Console()); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, "", ""); err != nil {
		t.Errorf("after it was removed: %v", err)
	}
	if _, err := s.RenewRecovery(t.Context(), p.ID, Attempt{Password: goodPassword, OTP: fresh[0]}, Console()); code(err) != "OTP_OFF" {
		t.Errorf("recovery codes without a second factor: %v", err)
	}
}
