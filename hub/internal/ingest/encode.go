package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
)

const (
	targetLUFS     = -18.0
	ceilingTP      = -1.5 // dBTP after decoding
	tolerance      = 0.5  // LU
	tries          = 4
	limiterRelease = 50.0 // ms
	codecLoss      = -0.2 // LU, what Opus at 24 kb/s takes away (measured, the bits above 8 kHz)
	printed        = 0.1  // ffmpeg's summary has one decimal: what it rounds must not hide a miss
)

// setting is what one try is made with.
type setting struct {
	gain, ceiling float64 // dB, dBFS
	kbps          int
}

// made is one try's outcome, measured after decoding it.
type made struct {
	setting
	path             string
	sha256           broadcast.Hash
	size, frames     int64
	loudness, peak   float64
	lra              float64
	loudEnough, safe bool
}

// off is how far a try is from what it should be: too high a peak is worse than any loudness.
func (m made) off() float64 {
	return math.Abs(m.loudness-targetLUFS) + 100*math.Max(0, m.peak-ceilingTP)
}

// filters is the gain, and the limiter at four times the rate, where it sees peaks between samples.
func (s setting) filters() string {
	return fmt.Sprintf("volume=%.3fdB:precision=double,aresample=192000,"+
		"alimiter=limit=%.5f:attack=5:release=%g:level=disabled:latency=enabled,aresample=48000", s.gain, fromDB(s.ceiling), limiterRelease)
}

// encoder is how the distribution format is made; bitexact fixes the Ogg serial and leaves no version, so
// that the same input gives the same bytes.
func (s setting) encoder() []string {
	return []string{"-map_metadata", "-1", "-c:a", "libopus", "-ac", "1", "-b:a", strconv.Itoa(s.kbps) + "k", "-vbr", "constrained",
		"-frame_duration", "20", "-application", "audio", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "opus"}
}

// samples is how our own file or pipe of samples is read.
var samples = [...]string{"-f", "f32le", "-ar", "48000", "-ac", "1", "-i", "pipe:0"}

const meterFilter = "ebur128=peak=true:framelog=verbose"

// level encodes until loudness and peak are right, at most four times, and gives the best try.
func (c *conversion) level(ctx context.Context, pcm string, windows []window, source float64, kbps int) (made, error) {
	model := newLevelModel(windows)
	length := time.Duration(len(windows)) * time.Second / perSecond
	var best made
	ceiling, bias := firstCeiling(length), codecLoss
	for try := range tries {
		c.progress.at(stageNormalise, 0)
		s := setting{ceiling: ceiling, kbps: kbps, gain: model.gainFor(targetLUFS-bias, source, ceiling)}
		got, err := c.encode(ctx, try, pcm, s, length)
		if err != nil {
			return made{}, err
		}
		c.log.Debug("encoded", "try", try, "gain_db", s.gain, "ceiling_db", s.ceiling, "lufs", got.loudness, "dbtp", got.peak)
		bias += got.loudness - targetLUFS
		if !got.safe {
			ceiling -= got.peak - ceilingTP + 3*printed
		}
		worse := got
		if try == 0 || got.off() < best.off() {
			worse, best = best, got
		}
		if worse.path != "" {
			if err := os.Remove(worse.path); err != nil {
				return made{}, fmt.Errorf("remove try: %w", err)
			}
		}
		if best.loudEnough && best.safe {
			break
		}
	}
	c.progress.at(stageVerify, 0)
	err := check(&best)
	return best, err
}

// firstCeiling is where the limiter stands in the first try. Opus at 24 kb/s gives peaks 2 to 4 dB above what
// it was given, the longer the sound the likelier a high one (measured on read and on synthetic speech of 20 s
// to 15 min); a second try costs more time than these decibels of crest are worth on a horn loudspeaker.
func firstCeiling(length time.Duration) float64 {
	return ceilingTP - math.Min(4.5, 2.8+0.3*math.Log2(1+length.Minutes()))
}

// encode runs filter, encoder and verifier side by side, each a process of its own: what the encoder gives
// goes to the file and at once to the verifier, so that two cores are used and nothing is read twice.
func (c *conversion) encode(ctx context.Context, try int, pcm string, s setting, length time.Duration) (made, error) {
	m := made{setting: s, path: filepath.Join(c.dir, fmt.Sprintf("try%d.opus", try))}
	in, err := os.Open(pcm)
	if err != nil {
		return m, fmt.Errorf("open samples: %w", err)
	}
	defer in.Close()
	if _, err := in.Seek(c.skip, io.SeekStart); err != nil {
		return m, fmt.Errorf("skip silence: %w", err)
	}
	file, err := os.OpenFile(m.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return m, diskError("make audio", err)
	}
	defer file.Close()
	sum := sha256.New()
	report, err := c.chain(ctx, in, io.MultiWriter(file, sum), s, func(d time.Duration) {
		c.progress.at(stageEncode, (float64(try)+float64(d)/float64(length))/float64(try+1))
	})
	if err != nil {
		return m, err
	}
	if err := file.Sync(); err != nil {
		return m, diskError("write audio", err)
	}
	info, err := file.Stat()
	if err != nil {
		return m, fmt.Errorf("look at audio: %w", err)
	}
	if err := file.Close(); err != nil {
		return m, diskError("close audio", err)
	}
	m.size, m.sha256 = info.Size(), broadcast.Hash(hex.EncodeToString(sum.Sum(nil)))
	if err := readSummary(report, &m); err != nil {
		return m, err
	}
	m.loudEnough = math.Abs(m.loudness-targetLUFS) <= tolerance-printed
	m.safe = m.peak <= ceilingTP-printed
	return m, nil
}

// chain gives the verifier's report. The pipes between the processes are the kernel's; only the encoded
// bytes, 3 KB a second of sound, pass through the hub.
func (c *conversion) chain(ctx context.Context, in *os.File, out io.Writer, s setting, heard func(time.Duration)) (string, error) {
	filtered, toEncoder, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("make pipe: %w", err)
	}
	encoded, toVerifier, err := os.Pipe()
	if err != nil {
		return "", errors.Join(fmt.Errorf("make pipe: %w", err), filtered.Close(), toEncoder.Close())
	}
	filter := c.tool(c.cfg.FFmpeg, ours(append(samples[:], "-af", s.filters(), "-f", "f32le", "pipe:1")...)...)
	filter.stdin, filter.stdout = in, toEncoder
	encoder := c.tool(c.cfg.FFmpeg, ours(append(append(samples[:], s.encoder()...), "-progress", "pipe:3", "pipe:1")...)...)
	encoder.stdin, encoder.stdout, encoder.progress = filtered, io.MultiWriter(out, toVerifier), heard
	verifier := c.tool(c.cfg.FFmpeg, "-nostdin", "-hide_banner", "-nostats", "-c:a", "libopus", "-f", "ogg", "-i", "pipe:0",
		"-af", meterFilter, "-f", "null", "-")
	verifier.stdin = encoded

	var report string
	group, ctx := errgroup.WithContext(ctx)
	start := func(t tool, ours ...*os.File) {
		group.Go(func() error {
			text, err := t.run(ctx)
			for _, f := range ours { // so that the neighbour sees the end
				err = errors.Join(err, f.Close())
			}
			if t.stdin == encoded {
				report = text
			}
			return err
		})
	}
	start(filter, toEncoder)
	start(encoder, filtered, toVerifier)
	start(verifier, encoded)
	if err := group.Wait(); err != nil {
		return "", err
	}
	return report, nil
}

// ours is how ffmpeg begins when it reads what we made ourselves.
func ours(args ...string) []string {
	return append([]string{"-nostdin", "-hide_banner", "-v", "error", "-nostats"}, args...)
}

var summaryLine = regexp.MustCompile(`(?m)^\s+(I|LRA|Peak):\s+(-?[0-9.]+|-?inf|nan) (?:LUFS|LU|dBFS)\s*$`)

// readSummary reads what ebur128 writes at its end.
func readSummary(text string, m *made) error {
	found := 0
	for _, line := range summaryLine.FindAllStringSubmatch(text, -1) {
		v, err := strconv.ParseFloat(line[2], 64)
		if err != nil || math.IsNaN(v) {
			return fmt.Errorf("read loudness: %q", line[0])
		}
		switch line[1] {
		case "I":
			m.loudness = v
		case "LRA":
			m.lra = v
		case "Peak":
			m.peak = v
		}
		found++
	}
	if found != 3 {
		return fmt.Errorf("read loudness: no summary in %q", text)
	}
	return nil
}

// check opens what was made with the agents' own reader: a file it refuses must never leave the hub.
func check(m *made) error {
	f, err := os.Open(m.path)
	if err != nil {
		return fmt.Errorf("open audio: %w", err)
	}
	defer f.Close()
	stream, err := audio.Open(f, m.size)
	if err != nil {
		return fmt.Errorf("check audio: %w", err)
	}
	m.frames = stream.Frames()
	return nil
}
