//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockData keeps a second hub off the data folder: each would clear away what the other is writing. A folder that is shared is
// nobody's data folder meanwhile. The kernel lets go of the lock when the process ends, however it ends.
func lockData(data string, shared bool) (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errDataInUse.With(err), f.Close())
	}
	return f.Close, nil
}

// diskBytes is the room that is left for the hub on a folder's disk, and the whole of it.
func diskBytes(dir string) (free, size int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("ask for free room: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil //nolint:unconvert // the types differ by system
}

// privateFiles makes what this process creates readable by its owner alone: database and play log, too.
func privateFiles() { syscall.Umask(0o077) }
