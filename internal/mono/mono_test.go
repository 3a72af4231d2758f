package mono

import (
	"testing"
	"time"
)

func TestNowNeverGoesBack(t *testing.T) {
	last := Now()
	for range 100_000 {
		now := Now()
		if now < last {
			t.Fatalf("went back by %v", last.Sub(now))
		}
		last = now
	}
}

func TestAddAndSubAreInverse(t *testing.T) {
	at := Now()
	if got := at.Add(1500 * time.Millisecond).Sub(at); got != 1500*time.Millisecond {
		t.Fatalf("got %v", got)
	}
}
