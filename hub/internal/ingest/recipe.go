package ingest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Recipe makes audio of audio that the hub has: a report cut at its ends, or a programme of several.
type Recipe struct {
	Parts []Cut `json:"parts"`
	GapMS int64 `json:"gap_ms,omitempty"` // silence between parts
}

// Cut is a stretch of a blob of ours.
type Cut struct {
	Blob   broadcast.Hash `json:"blob"`
	FromMS int64          `json:"from_ms"`
	ToMS   int64          `json:"to_ms"` // 0: to its end
}

// Shelf gives blobs by their hash.
type Shelf interface {
	Open(ctx context.Context, hash broadcast.Hash) (store.Blob, error)
}

// fadeFrames at a cut, 5 ms: no click.
const fadeFrames = rate / 200

// Render makes the durable job that turns a recipe into the audio of a report. INGEST_BUSY when too many wait.
func (s *Service) Render(ctx context.Context, reportID string, r Recipe) (Job, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Job{}, fmt.Errorf("name job: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Job{}, fmt.Errorf("encode recipe: %w", err)
	}
	return s.enqueue(ctx, Job{ID: id.String(), ReportID: reportID, Recipe: string(text)})
}

// render makes a recipe's audio. No silence is cut: what people chose is what is heard.
func (c *conversion) render(ctx context.Context, shelf Shelf, text string) (Result, error) {
	var recipe Recipe
	if err := json.Unmarshal([]byte(text), &recipe); err != nil {
		return Result{}, fmt.Errorf("read recipe: %w", err)
	}
	c.progress.at(stageProbe, 0)
	pcm := filepath.Join(c.dir, "samples")
	var m *measurer
	if err := c.bounded(ctx, func(ctx context.Context) (err error) { m, err = c.join(ctx, shelf, recipe, pcm); return err }); err != nil {
		return Result{}, err
	}
	loudness := audio.Integrated(energies(m.windows))
	if loudness < silentBelow {
		return Result{}, ErrSilent
	}
	if m.frames < rate/2 {
		return Result{}, ErrTooShort
	}
	m.flats = 0 // its source was told of already; a gain makes tops of what is none
	r, err := c.shape(ctx, m, span{0, len(m.windows)}, pcm, Result{SourceFormat: "ogg/opus"})
	r.TrimStartMS = recipe.Parts[0].FromMS
	return r, err
}

// join writes the recipe's parts into one file of samples, each at the target loudness.
func (c *conversion) join(ctx context.Context, shelf Shelf, recipe Recipe, pcm string) (*measurer, error) {
	out, err := os.OpenFile(pcm, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, diskError("make samples", err)
	}
	defer out.Close()
	m := newMeasurer(out, 1, mixBoth, c.cfg.MaxDuration)
	for i, cut := range recipe.Parts {
		c.progress.at(stageMeasure, float64(i)/float64(len(recipe.Parts)))
		if i > 0 {
			if _, err := m.Write(make([]byte, 4*rate*recipe.GapMS/1000)); err != nil {
				return nil, err
			}
		}
		if err := c.append(ctx, shelf, cut, m); err != nil {
			return nil, err
		}
	}
	if err := m.finish(); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, diskError("close samples", err)
	}
	return m, nil
}

// append decodes one part and writes its stretch.
func (c *conversion) append(ctx context.Context, shelf Shelf, cut Cut, into *measurer) error {
	c.source = filepath.Join(c.dir, "part.opus")
	if err := fetch(ctx, shelf, cut.Blob, c.source); err != nil {
		return err
	}
	samples := filepath.Join(c.dir, "part")
	m, _, err := c.decode(ctx, probed{channels: 1, ours: true}, samples, mixBoth)
	if err != nil {
		return err
	}
	from, to := cut.FromMS*rate/1000, m.frames
	if cut.ToMS > 0 {
		to = min(to, cut.ToMS*rate/1000)
	}
	if from >= to {
		return ErrTooShort
	}
	first, last := int(from/windowFrames), int(to/windowFrames)
	gain := 1.0
	if loudness := audio.Integrated(energies(m.windows[first:max(last, first)])); loudness > silentBelow {
		gain = fromDB(targetLUFS - loudness)
	}
	if err := copySamples(into, samples, from, to, gain); err != nil {
		return err
	}
	return errors.Join(os.Remove(samples), os.Remove(c.source))
}

func fetch(ctx context.Context, shelf Shelf, hash broadcast.Hash, path string) error {
	blob, err := shelf.Open(ctx, hash)
	if err != nil {
		return fmt.Errorf("open part: %w", err)
	}
	defer blob.Close() // only read
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return diskError("make part", err)
	}
	defer f.Close()
	if _, err := io.Copy(f, io.NewSectionReader(blob, 0, blob.Size())); err != nil {
		return diskError("write part", err)
	}
	if err := f.Close(); err != nil {
		return diskError("close part", err)
	}
	return nil
}

// copySamples writes the frames from to to of a file of samples, with a gain, and soft at both ends.
func copySamples(into io.Writer, path string, from, to int64, gain float64) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open samples: %w", err)
	}
	defer f.Close()
	in := io.NewSectionReader(f, 4*from, 4*(to-from))
	buf := make([]byte, 256<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(in, buf)
		for i := 0; i+4 <= n; i += 4 {
			edge := math.Min(1, float64(min(at, to-from-1-at))/fadeFrames)
			x := float64(math.Float32frombits(binary.LittleEndian.Uint32(buf[i:]))) * gain * edge
			binary.LittleEndian.PutUint32(buf[i:], math.Float32bits(float32(x)))
			at++
		}
		if _, err := into.Write(buf[:n]); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read samples: %w", err)
		}
	}
}

// master keeps the whole of an upload before level and trim, for later cuts: near to lossless at 0.7 MB a minute.
func (c *conversion) master(ctx context.Context, pcm string) (string, error) {
	path := filepath.Join(c.dir, "master.opus")
	in, err := os.Open(pcm)
	if err != nil {
		return "", fmt.Errorf("open samples: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", diskError("make master", err)
	}
	defer out.Close()
	args := append(samples[:], append(setting{kbps: 96}.encoder(), "-compression_level", "0", "pipe:1")...)
	t := c.tool(c.cfg.FFmpeg, ours(args...)...)
	t.stdin, t.stdout = in, io.MultiWriter(out) // through the hub: ffmpeg itself may write no file
	if err := c.bounded(ctx, func(ctx context.Context) error { _, err := t.run(ctx); return err }); err != nil {
		return "", diskError("write master", err)
	}
	if err := out.Close(); err != nil {
		return "", diskError("close master", err)
	}
	return path, nil
}
