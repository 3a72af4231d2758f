package own

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/durable"
)

const (
	maxFile   = 200 << 20 // ten minutes of CD sound are 106 MB
	maxLength = 10 * time.Minute
	minLength = time.Second
)

// Made is a file that was made ready.
type Made struct {
	Audio    broadcast.Hash
	Duration time.Duration
	LUFS     float64
	DBTP     float64
}

// Shelf keeps the commune's own audio as files named by their hash.
type Shelf struct {
	dir    string
	ffmpeg string // "" for none
	most   int64  // bytes of a file

	making sync.Mutex // one file at a time: a decoded one is large
}

// Open gives the shelf in a folder, which need not be there yet. ffmpeg is the program's path, "" for none.
func Open(dir, ffmpeg string) *Shelf { return &Shelf{dir: dir, ffmpeg: ffmpeg, most: maxFile} }

// Any tells whether files of every kind are read here, or only WAV and Ogg Opus.
func (s *Shelf) Any() bool { return s.ffmpeg != "" }

// Make makes audio of a file and keeps it. It gives a problem where the file is at fault.
func (s *Shelf) Make(ctx context.Context, file io.Reader) (m Made, err error) {
	if !s.making.TryLock() {
		return Made{}, ErrBusy
	}
	defer s.making.Unlock()
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return Made{}, fmt.Errorf("make folder: %w", err)
	}
	source, err := s.receive(file)
	if source != "" {
		defer func() { err = errors.Join(err, os.Remove(source)) }()
	}
	if err != nil {
		return Made{}, err
	}
	pcm, err := s.decode(ctx, source)
	if err != nil {
		return Made{}, err
	}
	if len(pcm) < int(audio.Frames(minLength)) {
		return Made{}, errTooShort
	}
	encoded, m, err := level(pcm)
	if err != nil {
		return Made{}, err
	}
	m.Audio, m.Duration = hashOf(encoded), audio.Duration(int64(len(pcm)))
	if err := durable.Replace(s.path(m.Audio), encoded); err != nil {
		return Made{}, fmt.Errorf("keep own audio: %w", err)
	}
	return m, nil
}

// receive puts the file on the disk, as ffmpeg must be able to go back and forth in it.
func (s *Shelf) receive(file io.Reader) (path string, err error) {
	f, err := os.CreateTemp(s.dir, "chosen-")
	if err != nil {
		return "", fmt.Errorf("receive file: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(file, s.most+1))
	err = errors.Join(err, f.Close())
	if err == nil && n > s.most {
		err = ErrTooLarge
	}
	if err != nil {
		return f.Name(), fmt.Errorf("receive file: %w", err)
	}
	return f.Name(), nil
}

// Keep drops what is none of these, and what a power cut left half made.
func (s *Shelf) Keep(wanted func(broadcast.Hash) bool) error {
	if !s.making.TryLock() {
		return nil // another time
	}
	defer s.making.Unlock()
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read own audio: %w", err)
	}
	for _, f := range files {
		if !wanted(broadcast.Hash(f.Name())) {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, f.Name())))
		}
	}
	return err
}

func (s *Shelf) path(h broadcast.Hash) string { return filepath.Join(s.dir, string(h)) }

// Has tells whether audio is on the shelf.
func (s *Shelf) Has(h broadcast.Hash) bool {
	info, err := os.Stat(s.path(h))
	return err == nil && info.Mode().IsRegular()
}

// Open gives audio, every byte of it checked: it is small.
func (s *Shelf) Open(h broadcast.Hash) (*Audio, error) {
	file, err := os.ReadFile(s.path(h))
	if err != nil || hashOf(file) != h {
		return nil, errGone.With(err)
	}
	return &Audio{*bytes.NewReader(file)}, nil
}

// Audio is whole, and at its level already.
type Audio struct{ bytes.Reader }

// GainDB is none.
func (*Audio) GainDB() float64 { return 0 }

// Check finds nothing: Open did.
func (*Audio) Check() error { return nil }

// Close has nothing to close.
func (*Audio) Close() error { return nil }

func hashOf(b []byte) broadcast.Hash {
	sum := sha256.Sum256(b)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}
