package accounts

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

// The memory of hashing is bounded by the places, and what waits for one by the queue.
func TestHashingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(owasp(), 1, 2)
		h.places <- struct{}{} // a hash that does not end
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, cap(h.queue))
		for range cap(h.queue) {
			go func() {
				_, err := h.hash(ctx, "x")
				done <- err
			}()
		}
		synctest.Wait() // all of them wait for the place
		if _, err := h.hash(t.Context(), "x"); code(err) != "LOGIN_BUSY" {
			t.Errorf("one too many: %v", err)
		}
		cancel()
		for range cap(h.queue) {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("one that waited: %v", err)
			}
		}
	})
}

func TestOneTooManySignsInLater(t *testing.T) {
	s, _ := newService(t)
	person(t, s, "Lan", Officer, "")
	s.hasher = newHasher(cheap(), 1, 0)
	s.hasher.queue <- struct{}{} // somebody else's hash
	for range 10 {
		if _, err := signIn(s, t, "Lan", goodPassword, "", "10.0.0.1"); code(err) != "LOGIN_BUSY" {
			t.Fatalf("got %v", err)
		}
	}
	<-s.hasher.queue
	if _, err := signIn(s, t, "Lan", goodPassword, "", "10.0.0.1"); err != nil {
		t.Errorf("being refused for that counts as no failure: %v", err)
	}
}

func TestHashFormat(t *testing.T) {
	h := newHasher(owasp(), 2, 2)
	text, err := h.hash(t.Context(), "một câu")
	if err != nil || !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(text, err)
	}
	if ok, err := h.matches(t.Context(), text, "một câu"); !ok || err != nil {
		t.Error(ok, err)
	}
	for _, bad := range []string{"", "$argon2i$v=19$m=1,t=1,p=1$AA$AA", "$argon2id$v=18$m=1,t=1,p=1$AA$AA", "$argon2id$v=19$m=x$AA$AA", "$argon2id$v=19$m=8,t=1,p=1$!$AA"} {
		if ok, err := h.matches(t.Context(), bad, "x"); ok || err == nil {
			t.Errorf("%q: %v %v", bad, ok, err)
		}
	}
}
