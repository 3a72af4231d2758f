package accounts

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// wait gives how long an attempt is told to wait, 0 when it may be made (and then counts).
func wait(t *testing.T, s *Service, name, from string) time.Duration {
	t.Helper()
	_, err := s.begin(t.Context(), name, from)
	var w *WaitError
	if errors.As(err, &w) {
		return w.After
	} else if err != nil {
		t.Fatal(err)
	}
	return 0
}

func TestGuessingFromOnePlaceSlowsDown(t *testing.T) {
	s, clock := newService(t)
	person(t, s, "Lan", Officer, "")
	var waits []time.Duration
	for range 20 {
		w := wait(t, s, "Lan", "10.0.0.66")
		if w > 0 {
			waits = append(waits, w)
			if again := wait(t, s, "Lan", "10.0.0.66"); again != w {
				t.Fatalf("asking again makes the wait %v instead of %v", again, w)
			}
			clock.t = clock.t.Add(w)
			if w := wait(t, s, "Lan", "10.0.0.66"); w != 0 {
				t.Fatalf("after the wait: %v", w)
			}
		}
	}
	for i, w := range waits {
		if want := min(time.Second<<i, 15*time.Minute); w != want {
			t.Errorf("wait %d is %v, not %v", i, w, want)
		}
	}
	if len(waits) < 12 {
		t.Errorf("only %d waits", len(waits))
	}
	if w := wait(t, s, "Minh", "10.0.0.66"); w != 0 {
		t.Errorf("another name from there waits %v", w)
	}
	clock.t = clock.t.Add(forgetFailures + time.Minute)
	if w := wait(t, s, "Lan", "10.0.0.66"); w != 0 {
		t.Errorf("a day later: %v", w)
	}
}

// An attacker with any number of addresses, who never stops, keeps nobody out of an account from where they usually sign
// in, and delays them elsewhere by a minute at most.
func TestNobodyIsLockedOutForLong(t *testing.T) {
	s, clock := newService(t)
	person(t, s, "Lan", Officer, "")
	if _, err := signIn(s, t, "Lan", goodPassword, "", "10.1.1.1"); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		wait(t, s, "Lan", fmt.Sprintf("172.16.%d.%d", i/250, i%250))
		clock.t = clock.t.Add(10 * time.Second)
	}
	wait(t, s, "Lan", "172.16.9.9")
	if w := wait(t, s, "Lan", "10.2.2.2"); w == 0 || w > time.Minute {
		t.Errorf("from a new place: %v", w)
	}
	if _, err := signIn(s, t, "Lan", goodPassword, "", "10.1.1.1"); err != nil {
		t.Errorf("from the usual place: %v", err)
	}
	clock.t = clock.t.Add(time.Minute)
	if _, err := signIn(s, t, "Lan", goodPassword, "", "10.2.2.2"); err != nil {
		t.Errorf("a minute later from a new place: %v", err)
	}
}

func TestGuessingManyNamesSlowsDown(t *testing.T) {
	s, _ := newService(t)
	waited := false
	for i := range 60 {
		// Of IPv6 one person has a whole /64.
		waited = waited || wait(t, s, fmt.Sprint("name ", i), fmt.Sprintf("2001:db8:0:1::%x", i)) > 0
	}
	if !waited {
		t.Error("60 names from one network and no wait")
	}
	if w := wait(t, s, "name 0", "2001:db8:0:2::1"); w != 0 {
		t.Errorf("another network waits %v", w)
	}
}

// What is answered and how fast must not tell whether a name exists.
func TestUnknownNamesAreTreatedAlike(t *testing.T) {
	s, _ := newService(t)
	person(t, s, "Lan", Officer, "")
	var codes [2][]string
	for i, name := range []string{"Lan", "nobody"} {
		for range 7 {
			_, err := signIn(s, t, name, "wrong", "", fmt.Sprint("10.0.0.", i))
			codes[i] = append(codes[i], code(err))
		}
	}
	if fmt.Sprint(codes[0]) != fmt.Sprint(codes[1]) || codes[0][6] != "LOGIN_WAIT" {
		t.Errorf("known %v\nunknown %v", codes[0], codes[1])
	}
	entries, err := s.Log(t.Context(), 0, 10)
	if err != nil || entries[0].Action != "login.locked" || entries[0].Who != "Lan" || entries[0].Origin != "10.0.0.0" || entries[1].Action != "person.add" {
		t.Errorf("%+v, %v", entries, err)
	}
}

// Many guesses at once are as many as one after the other.
func TestParallelGuessesCount(t *testing.T) {
	s, _ := newService(t)
	done := make(chan bool)
	for range 30 {
		go func() {
			_, err := s.begin(t.Context(), "Lan", "10.0.0.66")
			done <- err == nil
		}()
	}
	through := 0
	for range 30 {
		if <-done {
			through++
		}
	}
	if through != perPlace().free {
		t.Errorf("%d guesses got through, not %d", through, perPlace().free)
	}
}
