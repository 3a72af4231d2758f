package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/durable"
)

// Folder is Blobs in a local folder: ab/abcdef… for every hash, and tmp/ for what is being written.
type Folder struct{ root string }

// OpenFolder is for reading beside a hub that may be writing.
func OpenFolder(root string) *Folder { return &Folder{root: root} }

// NewFolder makes the folder where needed and clears what an earlier run left half written.
func NewFolder(root string) (*Folder, error) {
	tmp := filepath.Join(root, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return nil, fmt.Errorf("clear blob folder: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("make blob folder: %w", err)
	}
	return &Folder{root: root}, nil
}

// Put implements Blobs.
func (f *Folder) Put(ctx context.Context, r io.Reader) (broadcast.Hash, int64, error) {
	tmp, err := os.CreateTemp(filepath.Join(f.root, "tmp"), "put-*")
	if err != nil {
		return "", 0, fmt.Errorf("make blob file: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already when it was kept
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, sum), reader{ctx, r})
	if err := errors.Join(err, finish(tmp)); err != nil {
		return "", 0, fmt.Errorf("write blob: %w", err)
	}
	hash := broadcast.Hash(hex.EncodeToString(sum.Sum(nil)))
	return hash, size, f.keep(tmp.Name(), hash, size)
}

// PutFile implements Blobs. A file on the same disk is not copied.
func (f *Folder) PutFile(ctx context.Context, path string) (broadcast.Hash, int64, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", 0, fmt.Errorf("open file to keep: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, reader{ctx, file})
	if err := errors.Join(err, finish(file)); err != nil {
		return "", 0, fmt.Errorf("read file to keep: %w", err)
	}
	hash := broadcast.Hash(hex.EncodeToString(sum.Sum(nil)))
	if err := f.keep(path, hash, size); err == nil {
		return hash, size, nil
	}
	return f.putCopy(ctx, path) // most likely another disk, which a rename cannot cross
}

func (f *Folder) putCopy(ctx context.Context, path string) (broadcast.Hash, int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("open file to keep: %w", err)
	}
	defer file.Close() // only read
	hash, size, err := f.Put(ctx, file)
	if err != nil {
		return "", 0, err
	}
	return hash, size, os.Remove(path)
}

// keep gives a finished file its name. The rename is atomic, and the folders are synced so that the name
// survives a power cut as surely as the content.
func (f *Folder) keep(tmp string, hash broadcast.Hash, size int64) error {
	path, err := f.path(hash)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Size() == size {
		return os.Remove(tmp)
	}
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := durable.SyncDir(f.root); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make blob folder: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("keep blob: %w", err)
	}
	return durable.SyncDir(dir)
}

// Open implements Blobs.
func (f *Folder) Open(_ context.Context, hash broadcast.Hash) (Blob, error) {
	path, err := f.path(hash)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open blob %s: %w", hash, ErrNoBlob)
	} else if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob: %w", err), file.Close())
	}
	return folderBlob{file, info.Size()}, nil
}

// Has implements Blobs.
func (f *Folder) Has(_ context.Context, hash broadcast.Hash) (bool, error) {
	path, err := f.path(hash)
	if err != nil {
		return false, err
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Delete implements Blobs.
func (f *Folder) Delete(_ context.Context, hash broadcast.Hash) error {
	path, err := f.path(hash)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// Walk implements Blobs.
func (f *Folder) Walk(ctx context.Context, visit func(BlobInfo) error) error {
	return filepath.WalkDir(f.root, func(path string, entry fs.DirEntry, err error) error {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if entry.IsDir() || !validHash(broadcast.Hash(entry.Name())) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		} else if err != nil {
			return err
		}
		return visit(BlobInfo{Hash: broadcast.Hash(entry.Name()), Size: info.Size(), Modified: info.ModTime()})
	})
}

func (f *Folder) path(hash broadcast.Hash) (string, error) {
	if !validHash(hash) {
		return "", fmt.Errorf("name blob: %q is not a SHA-256 in lower-case hex", hash)
	}
	return filepath.Join(f.root, string(hash[:2]), string(hash)), nil
}

// validHash keeps anything but a hash out of file names; hashes come from agents too.
func validHash(h broadcast.Hash) bool {
	if len(h) != sha256.Size*2 {
		return false
	}
	for _, c := range h {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

type folderBlob struct {
	*os.File
	size int64
}

// Size implements Blob.
func (b folderBlob) Size() int64 { return b.size }

// reader stops a copy when ctx ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func finish(f *os.File) error { return errors.Join(f.Sync(), f.Close()) }
