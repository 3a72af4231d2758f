package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/broadcast"
)

// Target is where a backup goes. Nothing must be there yet.
type Target struct {
	Database string // file to be made
	Dir      string // folder for the files of the data folder
	Blobs    store.Blobs
}

// Read reads a whole backup, up to its end; ErrDamaged and ErrNewer are what it refuses. After an error the caller
// clears away what the target has got by then.
func Read(ctx context.Context, r io.Reader, t Target) (Summary, error) {
	in := &reader{tar: tar.NewReader(r), sum: sha256.New(), kept: map[broadcast.Hash]bool{}}
	if err := in.all(ctx, t); err != nil {
		return Summary{}, fmt.Errorf("read backup: %w", err)
	}
	return in.summary, nil
}

type reader struct {
	tar     *tar.Reader
	sum     hash.Hash
	files   int
	kept    map[broadcast.Hash]bool // blobs
	summary Summary
}

func (r *reader) all(ctx context.Context, t Target) error {
	var s start
	if err := r.first(&s); err != nil {
		return err
	}
	r.summary.MadeAt, r.summary.Software = s.MadeAt, s.Software
	for ctx.Err() == nil {
		header, err := r.next()
		if err != nil {
			return err
		}
		name, isBlob := strings.CutPrefix(header.Name, blobsDir)
		file, isFile := strings.CutPrefix(header.Name, filesDir)
		switch {
		case header.Name == endName:
			return r.end(header)
		case header.Name == dbName:
			err = r.write(t.Database, header)
		case isBlob:
			err = r.blob(ctx, t.Blobs, broadcast.Hash(name), header)
		case isFile && filepath.IsLocal(filepath.FromSlash(file)) && header.Size <= maxFile:
			r.summary.Files++
			err = r.write(filepath.Join(t.Dir, filepath.FromSlash(file)), header)
		default:
			err = ErrDamaged.At(header.Name)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// next gives the next file; the stream must not be over.
func (r *reader) next() (*tar.Header, error) {
	header, err := r.tar.Next()
	if err != nil {
		return nil, ErrDamaged.With(err)
	}
	if header.Typeflag != tar.TypeReg {
		return nil, ErrDamaged.At(header.Name)
	}
	return header, nil
}

func (r *reader) first(s *start) error {
	header, err := r.next()
	if err != nil {
		return err
	}
	if header.Name != startName || header.Size > maxText {
		return ErrDamaged.At(header.Name)
	}
	var text strings.Builder
	if _, err := r.content(&text, header); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text.String()), s); err != nil {
		return ErrDamaged.With(err).At(startName)
	}
	if s.Format != format {
		return ErrNewer.At(s.Software)
	}
	return nil
}

// content copies a file's content and gives its SHA-256.
func (r *reader) content(w io.Writer, header *tar.Header) (string, error) {
	content := sha256.New()
	if err := copyTo(io.MultiWriter(w, content), r.tar); err != nil {
		return "", err
	}
	return r.count(header, hex.EncodeToString(content.Sum(nil))), nil
}

func (r *reader) count(header *tar.Header, sum string) string {
	_, _ = fmt.Fprintf(r.sum, "%s %d %s\n", header.Name, header.Size, sum) // a hash takes everything
	r.files++
	r.summary.Bytes += header.Size
	return sum
}

// copyTo tells a broken stream from a disk that does not take it.
func copyTo(w io.Writer, from io.Reader) error {
	in := &source{from: from}
	_, err := io.Copy(w, in)
	if in.err != nil {
		return ErrDamaged.With(in.err)
	}
	return err
}

type source struct {
	from io.Reader
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (r *reader) write(file string, header *tar.Header) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return ErrDamaged.With(err) // twice in the stream
	} else if err != nil {
		return err
	}
	_, err = r.content(f, header)
	return errors.Join(err, f.Sync(), f.Close())
}

func (r *reader) blob(ctx context.Context, blobs store.Blobs, name broadcast.Hash, header *tar.Header) error {
	in := &source{from: r.tar}
	got, _, err := blobs.Put(ctx, in)
	if in.err != nil {
		return ErrDamaged.With(in.err)
	} else if err != nil {
		return err
	}
	if r.count(header, string(got)); got == name {
		r.kept[name] = true
		r.summary.Blobs++
		return nil
	}
	r.summary.Damaged = append(r.summary.Damaged, name) // if it was whole in the hub, the stream's sum will not fit
	if r.kept[got] {
		return nil
	}
	return blobs.Delete(ctx, got)
}

// end compares what came with what the end says.
func (r *reader) end(header *tar.Header) error {
	if header.Size > maxText {
		return ErrDamaged.At(endName)
	}
	files, sum := r.files, hex.EncodeToString(r.sum.Sum(nil))
	var text strings.Builder
	if _, err := r.content(&text, header); err != nil {
		return err
	}
	var e end
	if err := json.Unmarshal([]byte(text.String()), &e); err != nil {
		return ErrDamaged.With(err).At(endName)
	}
	if e.Files != files || e.SHA256 != sum {
		return ErrDamaged.At(endName)
	}
	return nil
}
