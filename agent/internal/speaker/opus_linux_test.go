package speaker

import (
	"bytes"
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

// occupy starts a neighbour for each processor, for the rest of the test.
func occupy(t *testing.T) {
	t.Helper()
	for range runtime.NumCPU() {
		busy := exec.Command(os.Args[0])
		busy.Env = append(os.Environ(), childMark+"=busy")
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = busy.Process.Kill() // it may have ended by itself
			_ = busy.Wait()
		})
	}
}

func TestTheCardGetsWhatTheFileHolds(t *testing.T) {
	t.Run("on a quiet machine", func(t *testing.T) { playsTwice(t) })
	t.Run("with every core busy", func(t *testing.T) {
		occupy(t)
		playsTwice(t)
	})
}

// playsTwice plays a report twice in a row and compares the card's account with the file.
func playsTwice(t *testing.T) {
	r := newRig(t, newCard(t))
	file, pcm := report(t)
	p := player.New(r.speaker, mono.Now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	length := audio.Duration(int64(len(pcm)))
	at := mono.Now().Add(2 * time.Second)
	next := at.Add(length.Truncate(time.Millisecond)) // as the timetable counts
	var wg sync.WaitGroup
	for _, begin := range []mono.Instant{at, next} {
		wg.Go(func() {
			result := p.Play(r.ctx, player.Cue{Slot: "report", Audio: file, At: begin, VolumePercent: 100})
			if result.Outcome != player.Complete || result.Reason != "" || result.Missed != 0 || result.Reached != length {
				t.Errorf("%+v of %v", result, length)
			}
		})
	}
	wg.Wait()
	if err := rec.Wait(r.ctx, next.Add(length+time.Second)); err != nil {
		t.Fatal(err)
	}
	var began [2]int
	for i, begin := range []mono.Instant{at, next} {
		m := soundcard.MeasureStart(rec, pcm, begin)
		t.Logf("%v of speech: %+v", length, m)
		if m.Correlation < 0.99 || m.Error.Abs() > 10*time.Millisecond {
			t.Errorf("%+v", m)
		}
		began[i] = m.Frame
	}
	gap := audio.Duration(int64(began[1] - began[0] - len(pcm)))
	if t.Logf("gap %v", gap); gap.Abs() > 5*time.Millisecond {
		t.Errorf("gap of %v between items", gap)
	}
}
