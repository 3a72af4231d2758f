// Package durable writes small files that a power cut leaves whole, the old or the new one: it takes bytes from
// whoever keeps a file beside a database (identity, trust document, saved time) and returns when they are on the
// disk. Functions are safe for concurrent use on different files. It marks values of a database that keeps no checksums.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Replace writes a file for its owner's eyes only: temporary, fsync, rename, fsync of the folder.
func Replace(path string, data []byte) error {
	// One name for all tries: what a power cut leaves is overwritten, not gathered.
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), errors.Join(err, os.Remove(f.Name())))
	}
	return SyncDir(filepath.Dir(path))
}
