package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loa-vn/loa/internal/durable"
)

// FolderParts is Parts in a local folder. What is being written begins with a dot.
type FolderParts struct{ root string }

// NewFolderParts uses a folder that may not be there yet.
func NewFolderParts(root string) *FolderParts { return &FolderParts{root: root} }

// Put implements Parts.
func (f *FolderParts) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read part: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder of parts: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return fmt.Errorf("make part: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already when it was kept
	_, err = io.CopyN(tmp, reader{ctx, r}, size)
	if err := errors.Join(err, finish(tmp)); err != nil {
		return fmt.Errorf("write part: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("keep part: %w", err)
	}
	return errors.Join(durable.SyncDir(filepath.Dir(path)), durable.SyncDir(f.root))
}

// Open implements Parts.
func (f *FolderParts) Open(_ context.Context, name string) (io.ReadCloser, error) {
	path, err := f.path(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open part %s: %w", name, ErrNoPart)
	} else if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	return file, nil
}

// List implements Parts.
func (f *FolderParts) List(_ context.Context, prefix string) ([]Part, error) {
	folder, _, one := strings.Cut(prefix, "/")
	if !one {
		folder = "*"
	}
	found, err := fs.Glob(os.DirFS(f.root), folder+"/*")
	if err != nil {
		return nil, fmt.Errorf("list parts: %w", err)
	}
	slices.Sort(found)
	var parts []Part
	for _, name := range found {
		if !strings.HasPrefix(name, prefix) || !validPart(name) {
			continue
		}
		info, err := os.Stat(filepath.Join(f.root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // taken away meanwhile
		} else if err != nil {
			return nil, fmt.Errorf("list parts: %w", err)
		}
		parts = append(parts, Part{Name: name, Size: info.Size(), Modified: info.ModTime()})
	}
	return parts, nil
}

// Delete implements Parts. With its last part a folder goes too.
func (f *FolderParts) Delete(_ context.Context, name string) error {
	path, err := f.path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete part: %w", err)
	}
	_ = os.Remove(filepath.Dir(path)) // while there are others it stays
	return nil
}

func (f *FolderParts) path(name string) (string, error) {
	if !validPart(name) {
		return "", fmt.Errorf("name part: %q is no name of one", name)
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}
