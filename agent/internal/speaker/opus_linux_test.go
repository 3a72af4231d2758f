package speaker

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
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
	text := "Mọi công dân đều bình đẳng trước pháp luật. Không ai bị phân biệt đối xử trong đời sống chính trị, dân sự, kinh tế."
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

func TestTheCardGetsWhatTheFileHolds(t *testing.T) {
	r := newRig(t, newCard(t))
	file, pcm := report(t)
	p := player.New(r.speaker, mono.Now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	at := mono.Now().Add(2 * time.Second)
	result := p.Play(r.ctx, player.Cue{Slot: "report", Audio: file, At: at, VolumePercent: 100})
	length := audio.Duration(int64(len(pcm)))
	if result.Outcome != player.Complete || result.Reason != "" || result.Missed != 0 || result.Reached != length {
		t.Errorf("%+v of %v", result, length)
	}
	if err := rec.Wait(r.ctx, at.Add(length+time.Second)); err != nil {
		t.Fatal(err)
	}
	m := soundcard.MeasureStart(rec, pcm, at)
	t.Logf("%v of speech: %+v", length, m)
	if m.Correlation < 0.99 || m.Error.Abs() > 10*time.Millisecond {
		t.Errorf("%+v", m)
	}
}
