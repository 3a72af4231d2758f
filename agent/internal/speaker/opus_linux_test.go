package speaker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// report makes a distribution file of spoken Vietnamese, and what it decodes to.
func report(t *testing.T) (*bytes.Reader, []float32) {
	t.Helper()
	for _, tool := range []string{"ffmpeg", "espeak-ng"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") == "" {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	wav, file := filepath.Join(dir, "a.wav"), filepath.Join(dir, "a.opus")
	text := "Mọi công dân đều bình đẳng trước pháp luật. Không ai bị phân biệt đối xử."
	for _, args := range [][]string{
		{"espeak-ng", "-v", "vi", "-w", wav, text},
		{"ffmpeg", "-v", "error", "-nostdin", "-i", "file:" + wav, "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "24k", "-vbr", "constrained", "file:" + file},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audio.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := audio.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(data), pcm
}

// busyFor bounds a neighbour that wants a whole processor.
const busyFor = 20 * time.Second

// besideBusyCores plays with a neighbour for each processor.
func besideBusyCores(t *testing.T) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	neighbours := make([]*exec.Cmd, runtime.NumCPU())
	for i := range neighbours {
		neighbours[i] = exec.CommandContext(ctx, os.Args[0])
		neighbours[i].Env = append(os.Environ(), childMark+"=busy")
		if err := neighbours[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		cancel()
		for _, busy := range neighbours {
			_ = busy.Wait() // it was killed
		}
	}()
	return playsTwice(t)
}

func TestTheCardGetsWhatTheFileHolds(t *testing.T) {
	t.Run("on a quiet machine", func(t *testing.T) {
		for _, fault := range playsTwice(t) {
			t.Error(fault)
		}
	})
	t.Run("with every core busy", func(t *testing.T) {
		faults := besideBusyCores(t)
		if len(faults) > 0 { // the machine may have had still others to serve
			t.Logf("once more after: %q", faults)
			faults = besideBusyCores(t)
		}
		for _, fault := range faults {
			t.Error(fault)
		}
	})
}

// playsTwice plays a report twice in a row, compares the card's account with the file, and gives what is wrong.
func playsTwice(t *testing.T) (faults []string) {
	t.Helper()
	r := newRig(t, newCard(t))
	file, pcm := report(t)
	p := player.New(r.speaker, mono.Now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	length := audio.Duration(int64(len(pcm)))
	at := mono.Now().Add(2 * time.Second)
	next := at.Add(length.Truncate(time.Millisecond)) // as the timetable counts
	var results [2]player.Result
	var wg sync.WaitGroup
	for i, begin := range []mono.Instant{at, next} {
		wg.Go(func() {
			results[i] = p.Play(r.ctx, player.Cue{Slot: "report", Audio: file, At: begin, VolumePercent: 100})
		})
	}
	wg.Wait()
	for _, result := range results {
		if result.Outcome != player.Complete || result.Reason != "" || result.Missed != 0 || result.Reached != length {
			faults = append(faults, fmt.Sprintf("%+v of %v", result, length))
		}
	}
	if err := rec.Wait(r.ctx, next.Add(length+time.Second)); err != nil {
		t.Fatal(err)
	}
	var began [2]int
	for i, begin := range []mono.Instant{at, next} {
		m := soundcard.MeasureStart(rec, pcm, begin)
		t.Logf("%v of speech: %+v", length, m)
		if m.Correlation < 0.99 || m.Error.Abs() > 10*time.Millisecond {
			faults = append(faults, fmt.Sprintf("%+v", m))
		}
		began[i] = m.Frame
	}
	gap := audio.Duration(int64(began[1] - began[0] - len(pcm)))
	if t.Logf("gap %v", gap); gap.Abs() > 5*time.Millisecond {
		faults = append(faults, fmt.Sprintf("gap of %v between items", gap))
	}
	return faults
}
