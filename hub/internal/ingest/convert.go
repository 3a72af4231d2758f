package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// Result is a report's audio in the distribution format and what was found on the way.
type Result struct {
	SHA256           broadcast.Hash // of the file at Path
	Path             string         // the Sink takes it over: moves or copies it before it returns
	Size             int64
	Master           string // file: the whole of an upload, before level and trim; the Sink takes it over too; "" of a recipe
	DurationMS       int64
	LoudnessLUFS     float64 // integrated, measured by ffmpeg's ebur128 after decoding, like the two below
	TruePeakDBTP     float64
	LRA              float64        // LU
	SourceSHA256     broadcast.Hash // of the upload; it and its name are the job's
	SourceName       string
	SourceFormat     string // container/codec in ffmpeg's names, e.g. "mov/aac"
	SourceDurationMS int64
	TrimStartMS      int64 // silence cut at the start
	TrimEndMS        int64 // and at the end
	GainDB           float64
	LimiterDBFS      float64 // where the limiter stood
	BitrateKbps      int     // 24 for speech, 32 where there is music
	Clipped          bool    // the source is overdriven
	Peaks            []byte  // see waveform: pairs of int8, 50 a second, at most 4,000 pairs
	Warnings         []string
}

// conversion is one upload on its way.
type conversion struct {
	cfg      Config
	log      *slog.Logger
	source   string
	size     int64
	dir      string // for everything it makes
	skip     int64  // bytes of samples before the first sound
	progress *progress
}

// Convert makes the distribution format of one file, without jobs; it writes into dir only, which must
// exist. tell may be nil. Refusals are *problem.Error.
func Convert(ctx context.Context, cfg Config, log *slog.Logger, path, dir string, tell func(stage string, percent int)) (Result, error) {
	path, err := filepath.Abs(path) // ffmpeg runs in dir
	if err != nil {
		return Result{}, fmt.Errorf("find upload: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Result{}, fmt.Errorf("look at upload: %w", err)
	}
	if tell == nil {
		tell = func(string, int) {}
	}
	c := &conversion{cfg: cfg.withDefaults(), log: log, source: path, size: info.Size(), dir: dir,
		progress: &progress{tell: tell}}
	return c.run(ctx)
}

func (c *conversion) run(ctx context.Context) (Result, error) {
	c.progress.at(stageProbe, 0)
	in, err := sniff(c.source)
	if err != nil {
		return Result{}, err
	}
	var p probed
	if err := c.bounded(ctx, func(ctx context.Context) (err error) { p, err = c.probe(ctx, in); return err }); err != nil {
		return Result{}, err
	}
	c.progress.at(stageMeasure, 0)
	r := Result{SourceFormat: p.format}
	if in.noEnd {
		r.Warnings = append(r.Warnings, WarnNoEnd)
	}
	pcm := filepath.Join(c.dir, "samples")
	var m *measurer
	if err := c.bounded(ctx, func(ctx context.Context) (err error) { m, err = c.measure(ctx, p, pcm, &r); return err }); err != nil {
		return Result{}, err
	}
	loudness := audio.Integrated(energies(m.windows))
	if loudness < silentBelow {
		return Result{}, ErrSilent
	}
	part := sounding(m.windows, loudness)
	if part.to-part.from < perSecond/2 {
		return Result{}, ErrTooShort
	}
	if r.Master, err = c.master(ctx, pcm); err != nil {
		return Result{}, err
	}
	return c.shape(ctx, m, part, pcm, r)
}

// shape cuts the measured samples to a part of them, and levels it.
func (c *conversion) shape(ctx context.Context, m *measurer, part span, pcm string, r Result) (Result, error) {
	windows := part.of(m.windows)
	frames := min(int64(part.to)*windowFrames, m.frames)
	if err := os.Truncate(pcm, 4*frames); err != nil {
		return Result{}, fmt.Errorf("cut samples: %w", err)
	}
	c.skip = 4 * int64(part.from) * windowFrames
	kbps := 24
	if hasMusic(windows, audio.Integrated(energies(windows))) {
		kbps = 32
	}
	var best made
	if err := c.bounded(ctx, func(ctx context.Context) (err error) {
		best, err = c.level(ctx, pcm, windows, audio.Integrated(energies(windows)), kbps)
		return err
	}); err != nil {
		return Result{}, err
	}
	if err := os.Remove(pcm); err != nil {
		return Result{}, fmt.Errorf("remove samples: %w", err)
	}
	r.fill(best)
	r.SourceDurationMS, r.Clipped = m.duration().Milliseconds(), m.clipped()
	r.TrimStartMS, r.TrimEndMS = int64(part.from)*1000/perSecond, (m.frames-frames)*1000/rate
	r.Peaks = waveform(windows, best.gain, best.ceiling)
	r.warn(best)
	c.progress.at(stageVerify, 1)
	return r, nil
}

func (r *Result) fill(m made) {
	r.SHA256, r.Path, r.Size, r.DurationMS = m.sha256, m.path, m.size, m.frames*1000/rate
	r.LoudnessLUFS, r.TruePeakDBTP, r.LRA = m.loudness, m.peak, m.lra
	r.GainDB, r.LimiterDBFS, r.BitrateKbps = math.Round(m.gain*1000)/1000, m.ceiling, m.kbps
}

func (r *Result) warn(m made) {
	for _, w := range []struct {
		code string
		on   bool
	}{
		{WarnClipped, r.Clipped}, {WarnQuiet, m.gain > 20},
		{WarnLevel, !m.loudEnough}, {WarnPeak, !m.safe},
	} {
		if w.on {
			r.Warnings = append(r.Warnings, w.code)
		}
	}
}

// measure decodes the upload, the only time, into a file of mono samples.
func (c *conversion) measure(ctx context.Context, p probed, pcm string, r *Result) (*measurer, error) {
	m, noise, err := c.decode(ctx, p, pcm, mixBoth)
	if err == nil && m.cancels() {
		r.Warnings = append(r.Warnings, WarnCancelled)
		m, noise, err = c.decode(ctx, p, pcm, m.louder())
	}
	switch {
	case err != nil:
		return nil, err
	case p.declared > 0 && p.declared-m.duration() > missing(p.declared):
		return nil, ErrTruncated
	case m.frames == 0:
		return nil, ErrUnreadable
	case m.frames < rate/2:
		return nil, ErrTooShort
	}
	if noise {
		r.Warnings = append(r.Warnings, WarnDamaged)
	}
	return m, nil
}

// decode says also whether ffmpeg complained.
func (c *conversion) decode(ctx context.Context, p probed, pcm string, how mix) (*measurer, bool, error) {
	file, err := os.OpenFile(pcm, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, false, diskError("make samples", err)
	}
	defer file.Close()
	m := newMeasurer(file, min(p.channels, 2), how, c.cfg.MaxDuration)
	length := max(p.declared, time.Second)
	m.heard = func(d time.Duration) { c.progress.at(stageMeasure, float64(d)/float64(length)) }
	args := []string{"-nostdin", "-nostats", "-v", "error", "-threads", "1"}
	if p.ours {
		args = append(args, "-c:a", "libopus") // ffmpeg's own decoder is no reference
	}
	t := c.tool(c.cfg.FFmpeg, hostile(append(args, "-i", "file:"+c.source,
		"-map", "0:"+strconv.Itoa(p.stream), "-vn", "-sn", "-dn", "-ac", strconv.Itoa(m.channels), "-ar", strconv.Itoa(rate),
		"-f", "f32le", "pipe:1")...)...)
	t.stdout = m
	said, err := t.run(ctx)
	var failed *toolError
	switch {
	case m.err != nil:
		return nil, false, m.err
	case errors.As(err, &failed) && m.frames > 0 && p.declared > 0 && p.declared-m.duration() > missing(p.declared):
		return nil, false, ErrTruncated.With(err)
	case errors.As(err, &failed):
		return nil, false, ErrUnreadable.With(err)
	case err != nil:
		return nil, false, err
	}
	if err := m.finish(); err != nil {
		return nil, false, err
	}
	if err := file.Close(); err != nil {
		return nil, false, diskError("close samples", err)
	}
	return m, strings.TrimSpace(said) != "", nil
}

func (c *conversion) tool(name string, args ...string) tool {
	return tool{name: name, args: args, dir: c.dir, memory: c.cfg.MaxMemory, cpu: c.cfg.StepTimeout, nice: c.cfg.Nice}
}

// bounded gives a step its time.
func (c *conversion) bounded(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.StepTimeout, ErrTimeout)
	defer cancel()
	return step(ctx)
}

// refusal is what people read of any error.
func refusal(err error) *problem.Error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	var wrapped *problem.Error
	if errors.As(diskError("convert", err), &wrapped) {
		return wrapped
	}
	return ErrInternal.With(err)
}

// Stages of a job, as Sink.Progress names them.
const (
	stageProbe     = "probe"
	stageMeasure   = "measure"
	stageNormalise = "normalise"
	stageEncode    = "encode"
	stageVerify    = "verify"
)

// progress makes of each stage's part one percentage that never goes back.
type progress struct {
	tell    func(stage string, percent int)
	mu      sync.Mutex
	stage   string
	percent int
}

// at says that a part (0 to 1) of a stage is done.
func (p *progress) at(stage string, part float64) {
	from, to := 0.0, 0.0
	switch stage {
	case stageProbe:
		from, to = 0, 2
	case stageMeasure:
		from, to = 2, 25
	case stageNormalise:
		from, to = 25, 25
	case stageEncode:
		from, to = 25, 97
	case stageVerify:
		from, to = 97, 99
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	percent := max(p.percent, int(from+(to-from)*math.Max(0, math.Min(1, part))))
	if percent == p.percent && stage == p.stage {
		return
	}
	p.stage, p.percent = stage, percent
	p.tell(stage, percent)
}
