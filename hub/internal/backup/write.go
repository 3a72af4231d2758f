package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Source is what a backup is made of.
type Source struct {
	DB       *store.DB
	Blobs    store.Blobs
	Dir      string   // the data folder; the copy of the database lies there for a while
	Files    []string // of it, by paths below it
	Software string
	Now      time.Time
}

// Write writes a whole backup to w. A blob that is damaged on the disk is written as it is and named in the summary.
func Write(ctx context.Context, w io.Writer, s Source) (Summary, error) {
	out := &writer{tar: tar.NewWriter(w), now: s.Now, sum: sha256.New()}
	if err := out.all(ctx, s); err != nil {
		return Summary{}, fmt.Errorf("write backup: %w", err)
	}
	return out.summary, nil
}

type writer struct {
	tar     *tar.Writer
	now     time.Time
	sum     hash.Hash // of a line for each file
	files   int
	summary Summary
}

func (w *writer) all(ctx context.Context, s Source) error {
	w.summary.MadeAt, w.summary.Software = s.Now.UTC().Truncate(time.Second), s.Software
	if err := w.json(startName, start{format, w.summary.MadeAt, s.Software}); err != nil {
		return err
	}
	if err := w.database(ctx, s); err != nil {
		return err
	}
	for _, name := range s.Files {
		if err := w.file(filepath.Join(s.Dir, name), path.Join(filesDir, filepath.ToSlash(name))); err != nil {
			return err
		}
		w.summary.Files++
	}
	// After the database, so that whatever it names is there.
	err := s.Blobs.Walk(ctx, func(b store.BlobInfo) error { return w.blob(ctx, s.Blobs, b.Hash) })
	if err != nil {
		return err
	}
	last := end{Files: w.files, SHA256: hex.EncodeToString(w.sum.Sum(nil))}
	return errors.Join(w.json(endName, last), w.tar.Close())
}

// database writes the database as it is at this moment.
func (w *writer) database(ctx context.Context, s Source) error {
	dir, err := os.MkdirTemp(s.Dir, "backup-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // what is left over harms nobody
	file := filepath.Join(dir, dbName)
	if err := s.DB.CopyTo(ctx, file); err != nil {
		return err
	}
	return w.file(file, dbName)
}

func (w *writer) file(file, name string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = w.add(name, f, info.Size())
	return err
}

func (w *writer) blob(ctx context.Context, blobs store.Blobs, name broadcast.Hash) error {
	b, err := blobs.Open(ctx, name)
	if errors.Is(err, store.ErrNoBlob) {
		return nil // the day document of a plan that is over was cleared away meanwhile
	} else if err != nil {
		return err
	}
	defer b.Close() // only read
	got, err := w.add(path.Join(blobsDir, string(name)), io.NewSectionReader(b, 0, b.Size()), b.Size())
	if err != nil {
		return err
	}
	if w.summary.Blobs++; got != string(name) {
		w.summary.Damaged = append(w.summary.Damaged, name)
	}
	return ctx.Err()
}

func (w *writer) json(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.add(name, bytes.NewReader(text), int64(len(text)))
	return err
}

// add writes a file and gives the SHA-256 of its content.
func (w *writer) add(name string, r io.Reader, size int64) (string, error) {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.now, Format: tar.FormatPAX}
	if err := w.tar.WriteHeader(header); err != nil {
		return "", err
	}
	content := sha256.New()
	n, err := io.Copy(io.MultiWriter(w.tar, content), io.LimitReader(r, size))
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes of %d", name, n, size)
	}
	sum := hex.EncodeToString(content.Sum(nil))
	_, _ = fmt.Fprintf(w.sum, "%s %d %s\n", name, size, sum) // a hash takes everything
	w.files++
	w.summary.Bytes += size
	return sum, err
}
