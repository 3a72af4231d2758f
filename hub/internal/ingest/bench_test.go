package ingest

import (
	"log/slog"
	"os/exec"
	"path/filepath"
	"testing"
)

// quarter makes a report of 15 minutes out of the spoken one.
func quarter(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "quarter.mp3")
	ffmpeg(b, "-stream_loop", "-1", "-i", speech(b), "-t", "900", "-c:a", "libmp3lame", "-b:a", "128k", path)
	return path
}

func BenchmarkConvertQuarterHour(b *testing.B) {
	in := quarter(b)
	for b.Loop() {
		if _, err := Convert(b.Context(), Config{}, slog.New(slog.DiscardHandler), in, b.TempDir(), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlainFFmpegQuarterHour(b *testing.B) {
	in := quarter(b)
	r, err := Convert(b.Context(), Config{}, slog.New(slog.DiscardHandler), in, b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, c := range PeerCommands(in, filepath.Join(b.TempDir(), "peer.opus"), r) {
			if out, err := exec.CommandContext(b.Context(), c[0], c[1:]...).CombinedOutput(); err != nil {
				b.Fatalf("%v: %v\n%s", c, err, out)
			}
		}
	}
}
