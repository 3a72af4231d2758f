package soundcard

import (
	"context"
	"math"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/mono"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func startCard(t *testing.T) *Card {
	t.Helper()
	if _, err := exec.LookPath("pulseaudio"); err != nil && os.Getenv("CI") == "" {
		t.Skip("pulseaudio is not installed")
	}
	c, err := Start(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func record(t *testing.T, c *Card, d time.Duration) *Recording {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d+20*time.Second)
	defer cancel()
	r, err := c.Record(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(ctx, mono.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	return r
}

func TestARecordingKnowsWhenEachFrameWasThere(t *testing.T) {
	before := mono.Now()
	r := record(t, startCard(t), 3*time.Second)
	after := mono.Now()
	fit, n := r.Fit(), len(r.PCM())
	t.Logf("%d frames, %+v", n, fit)
	if fit.Residue > time.Millisecond {
		t.Errorf("residue %v", fit.Residue)
	}
	if first := fit.Instant(0); first < before || first > before.Add(4*time.Second) {
		t.Errorf("first frame %v after the start", first.Sub(before))
	}
	// The sink hands out a frame at most two seconds (its largest block) before its time.
	if last := fit.Instant(float64(n)); last > after.Add(2100*time.Millisecond) {
		t.Errorf("last frame %v after the end", last.Sub(after))
	}
	if f := fit.Frame(fit.Instant(12345)); math.Abs(f-12345) > 0.1 {
		t.Errorf("there and back: %f", f)
	}
}

func TestSinkGoesAndComes(t *testing.T) {
	c := startCard(t)
	record(t, c, 300*time.Millisecond)
	if err := c.RemoveSink(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Record(context.Background()); err == nil {
		t.Fatal("recorded from a sink that is not there")
	}
	if err := c.RestoreSink(); err != nil {
		t.Fatal(err)
	}
	record(t, c, 300*time.Millisecond)
}

func TestNothingIsLeftBehind(t *testing.T) {
	c := startCard(t)
	pid := c.Pid()
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Fatalf("the daemon is still there: %v", err)
	}
}

func TestCancelledContextEndsTheDaemon(t *testing.T) {
	if _, err := exec.LookPath("pulseaudio"); err != nil && os.Getenv("CI") == "" {
		t.Skip("pulseaudio is not installed")
	}
	ctx, cancel := context.WithCancel(context.Background())
	c, err := Start(ctx, t.TempDir())
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	cancel()
	<-c.exited
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
