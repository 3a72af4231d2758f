package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/google/uuid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// Upload is a file that arrived whole and lies in the ingest folder.
type Upload struct {
	ID     string // UUIDv7; names its folder and its job
	Path   string
	SHA256 broadcast.Hash // of the file as it was sent
	Size   int64
	Name   string // what the officer called it, made harmless; for showing only
}

// Names of the files in an upload's folder.
const (
	sourceFile = "source"
	workFolder = "work"
)

// Receive streams r to disk. declared is the size that the sender named, -1 when it named none. The upload
// belongs to the caller until Enqueue or Discard; after a restart of the hub one that was not enqueued is
// gone. Errors for people: AUDIO_TOO_LARGE, AUDIO_EMPTY, UPLOAD_CUT, INGEST_DISK_FULL.
func (s *Service) Receive(ctx context.Context, r io.Reader, name string, declared int64) (Upload, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Upload{}, fmt.Errorf("name upload: %w", err)
	}
	return s.ReceiveAs(ctx, id.String(), r, name, declared)
}

// ReceiveAs is Receive for an upload that has its id already, and no job. What an attempt before left goes.
func (s *Service) ReceiveAs(ctx context.Context, id string, r io.Reader, name string, declared int64) (Upload, error) {
	if declared > s.cfg.MaxSize {
		return Upload{}, ErrTooLarge
	}
	if _, err := uuid.Parse(id); err != nil {
		return Upload{}, fmt.Errorf("name upload: %w", err)
	}
	if err := s.remove(id); err != nil {
		return Upload{}, err
	}
	u := Upload{ID: id, Name: cleanName(name)}
	u.Path = filepath.Join(s.cfg.Dir, u.ID, sourceFile)
	s.hold(u.ID) // before its folder exists, or the sweep could take it for a leftover
	if err := s.receive(ctx, r, declared, &u); err != nil {
		return Upload{}, errors.Join(err, s.Discard(context.WithoutCancel(ctx), u.ID))
	}
	return u, nil
}

func (s *Service) receive(ctx context.Context, r io.Reader, declared int64, u *Upload) error {
	if err := os.Mkdir(filepath.Dir(u.Path), 0o700); err != nil {
		return diskError("make upload folder", err)
	}
	f, err := os.OpenFile(u.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError("make upload", err)
	}
	defer f.Close()
	sum := sha256.New()
	in := &source{ctx: ctx, r: io.LimitReader(r, s.cfg.MaxSize+1)}
	n, err := io.CopyBuffer(io.MultiWriter(f, sum), in, make([]byte, 256<<10))
	switch {
	case errors.Is(in.err, io.ErrUnexpectedEOF): // also when the sender ended its half of the line, which ends ctx
		return ErrUploadCut.With(in.err)
	case in.err != nil && ctx.Err() != nil:
		return fmt.Errorf("receive upload: %w", ctx.Err())
	case in.err != nil:
		return ErrUploadCut.With(in.err)
	case err != nil:
		return diskError("write upload", err)
	case n > s.cfg.MaxSize:
		return ErrTooLarge
	case declared >= 0 && n < declared:
		return ErrUploadCut
	case n == 0:
		return ErrEmpty
	}
	if err := f.Sync(); err != nil {
		return diskError("write upload", err)
	}
	if err := f.Close(); err != nil {
		return diskError("close upload", err)
	}
	u.Size, u.SHA256 = n, broadcast.Hash(hex.EncodeToString(sum.Sum(nil)))
	return nil
}

// Discard takes an upload away that has no job.
func (s *Service) Discard(ctx context.Context, id string) error {
	if _, err := uuid.Parse(id); err != nil {
		return fmt.Errorf("discard upload: %w", err)
	}
	defer s.release(id)
	return s.forget(ctx, id)
}

// source tells the sender's errors from the disk's, and ends with its context.
type source struct {
	ctx context.Context // of the one Receive that made it
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		s.err = err
		return 0, err
	}
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// diskError makes a full disk a refusal that people can read.
func diskError(verb string, err error) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return ErrDiskFull.With(fmt.Errorf("%s: %w", verb, err))
	}
	return fmt.Errorf("%s: %w", verb, err)
}

// cleanName keeps of a file's name what is safe to show: its last part, without control characters and
// without the marks that turn the direction of reading ("report‮3pm.exe" shows as "reportexe.mp3").
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if runes := []rune(name); len(runes) > 200 {
		name = string(runes[:200])
	}
	if name = strings.TrimSpace(name); name == "" || strings.Trim(name, ".") == "" {
		return "audio"
	}
	return name
}
