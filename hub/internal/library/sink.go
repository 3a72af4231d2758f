package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// Finished is audio in the distribution format and at its target level, in a file that the library takes over.
type Finished struct {
	File     string // path; gone after Done
	Waveform []byte // its peaks, as pages want them
	Master   string // file: the whole of an upload, taken over too; "" when there is none
	Audio           // Manifest and Peaks (hash), SHA256 and Size are made by the library
}

// Progress tells how far the processing of a report is. It is worth a line in the log when it cannot be kept,
// and no more: the next one follows soon.
func (l *Library) Progress(ctx context.Context, id, stage string, percent int) {
	_, err := l.change(ctx, id, 0, func(row *reportRow) error {
		if !row.awaits() {
			return errUnchanged // withdrawn meanwhile
		}
		percent := max(0, min(percent, 100))
		p, err := row.pending()
		if err != nil || p == nil {
			row.Stage, row.Progress = stage, percent
			return err
		}
		p.Stage, p.Progress = stage, percent
		return row.setPending(p)
	})
	if err := ignoreUnchanged(err); err != nil {
		l.Log.Warn("keep progress", "report", id, "err", err)
	}
}

// Failed ends the processing of a report's audio for good. The audio it has already stays in force.
func (l *Library) Failed(ctx context.Context, id string, why *problem.Error) error {
	notice := Notice{Code: why.Code, VI: why.VI, EN: why.EN}
	text, err := json.Marshal(notice)
	if err != nil {
		return fmt.Errorf("encode failure: %w", err)
	}
	_, err = l.change(ctx, id, 0, func(row *reportRow) error {
		if !row.awaits() {
			return errUnchanged
		}
		if p, err := row.pending(); err != nil || p != nil {
			p.Error, p.Stage = &notice, ""
			return errors.Join(err, row.setPending(p))
		}
		row.State, row.Stage, row.Error = broadcast.ReportFailed, "", string(text)
		return nil
	})
	return ignoreUnchanged(err)
}

// Done takes finished audio over and makes the report a draft, which is to be approved anew. A job that runs again after a crash may call
// it again: blobs are named by their content, and a report that is a draft already stays what it is. Of one that
// was withdrawn meanwhile nothing is kept.
func (l *Library) Done(ctx context.Context, id string, f Finished) error {
	row, err := load(ctx, l.DB, id)
	if err != nil {
		return err
	}
	if !row.awaits() {
		return errors.Join(discard(f.File), discard(f.Master))
	}
	a, err := l.keep(ctx, f)
	if err != nil {
		return err
	}
	var master broadcast.Hash
	if f.Master != "" {
		if master, _, err = l.Blobs.PutFile(ctx, f.Master); err != nil {
			return fmt.Errorf("keep master: %w", err)
		}
	}
	_, err = l.changeIn(ctx, id, 0, func(ctx context.Context, tx bun.Tx, row *reportRow) error {
		if !row.awaits() {
			return errUnchanged
		}
		if err := l.take(ctx, tx, row, a, master); err != nil {
			return err
		}
		return l.limits(ctx, tx, row) // a part may have changed while it was made
	})
	return ignoreUnchanged(err)
}

func discard(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("discard audio: %w", err)
	}
	return nil
}

func (l *Library) keep(ctx context.Context, f Finished) (Audio, error) {
	a := f.Audio
	var err error
	if a.SHA256, a.Size, err = l.Blobs.PutFile(ctx, f.File); err != nil {
		return a, fmt.Errorf("keep audio: %w", err)
	}
	m, err := l.manifest(ctx, a)
	if err != nil {
		return a, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return a, fmt.Errorf("encode manifest: %w", err)
	}
	if a.Manifest, _, err = l.Blobs.Put(ctx, strings.NewReader(string(text))); err != nil {
		return a, fmt.Errorf("keep manifest: %w", err)
	}
	if len(f.Waveform) > 0 {
		if a.Peaks, _, err = l.Blobs.Put(ctx, strings.NewReader(string(f.Waveform))); err != nil {
			return a, fmt.Errorf("keep peaks: %w", err)
		}
	}
	return a, nil
}

// manifest hashes the audio chunk by chunk, so that an agent can check each chunk alone. Its gain is 0: ingest
// brought the audio to its level already.
func (l *Library) manifest(ctx context.Context, a Audio) (broadcast.Manifest, error) {
	m := broadcast.Manifest{Audio: a.SHA256, Size: a.Size, DurationMS: a.DurationMS,
		ChunkSize: broadcast.ChunkSize, Chunks: []broadcast.Hash{}}
	blob, err := l.Blobs.Open(ctx, a.SHA256)
	if err != nil {
		return m, fmt.Errorf("read audio: %w", err)
	}
	defer blob.Close() // only read
	chunk := make([]byte, broadcast.ChunkSize)
	for at := int64(0); at < a.Size; at += broadcast.ChunkSize {
		n, err := blob.ReadAt(chunk[:min(broadcast.ChunkSize, a.Size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return m, fmt.Errorf("read audio: %w", err)
		}
		sum := sha256.Sum256(chunk[:n])
		m.Chunks = append(m.Chunks, broadcast.Hash(hex.EncodeToString(sum[:])))
	}
	return m, nil
}

// errUnchanged ends a change that has nothing to do.
var errUnchanged = errors.New("nothing to change")

func ignoreUnchanged(err error) error {
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
