package cache

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/problem"
)

// lockTimeout is how long another process may hold a file before we say so (bbolt's own default is for ever).
const lockTimeout = 2 * time.Second

// keptAside is how many damaged files of a kind are kept for whoever looks into it: audio.db is large.
const keptAside = 1

// ErrInUse says that another agent has the data folder.
var ErrInUse = problem.New("DATA_IN_USE", 409,
	"Một loa-agent khác đang dùng thư mục dữ liệu này. Dừng nó trước (loa-agent run hoặc dịch vụ loa-agent).",
	"Another loa-agent uses this data folder. Stop it first (loa-agent run, or the loa-agent service).")

// openDB opens a bbolt file. One that is damaged or cannot be opened is set aside and a new one begun: rebuilt
// tells.
func openDB(path string, checker Checker, log *slog.Logger, buckets ...[]byte) (db *bbolt.DB, rebuilt bool, err error) {
	err = checker.check(path)
	if err != nil && !errors.Is(err, errDamaged) {
		log.Info("database is opened without a check", "file", path, "why", err)
		err = nil
	}
	if err == nil {
		db, err = tryOpen(path, buckets)
	}
	if err == nil {
		return db, false, nil
	}
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, false, ErrInUse.With(err)
	}
	if _, statErr := os.Stat(path); statErr != nil {
		return nil, false, fmt.Errorf("open %s: %w", filepath.Base(path), err) // not damage: a folder or a disk
	}
	if err := setAside(path, err, log); err != nil {
		return nil, false, err
	}
	db, err = tryOpen(path, buckets)
	if err != nil {
		return nil, false, fmt.Errorf("begin a new %s: %w", filepath.Base(path), err)
	}
	return db, true, nil
}

// setAside gives a damaged file another name, and removes the one set aside before it.
func setAside(path string, why error, log *slog.Logger) error {
	aside := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405.000"))
	log.Error("database is damaged, beginning a new one", "file", path, "aside", aside, "error", why)
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("set %s aside: %w", filepath.Base(path), err)
	}
	forgetOld(path+".damaged-*", log)
	return nil
}

// tryOpen opens and looks at the buckets. A new file's name is durable before anything is kept in it.
func tryOpen(path string, buckets [][]byte) (db *bbolt.DB, err error) {
	fresh := !begun(path)
	err = fenced(func() error {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
		if err != nil {
			return fmt.Errorf("open database: %w", err)
		}
		err = db.Update(func(tx *bbolt.Tx) error {
			for _, name := range buckets {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return fmt.Errorf("create bucket %s: %w", name, err)
				}
			}
			return nil
		})
		if err == nil && fresh {
			err = durable.SyncDir(filepath.Dir(path))
		}
		if err != nil {
			_ = db.Close() // the error that counts is the first; after a panic its locks are not to be had
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return db, nil
}

// forgetOld removes all but the newest files set aside: a failing disk must not fill itself with them.
func forgetOld(pattern string, log *slog.Logger) {
	old, err := filepath.Glob(pattern)
	if err != nil || len(old) <= keptAside {
		return
	}
	for _, path := range old[:len(old)-keptAside] { // Glob sorts, and the names sort by time
		if err := os.Remove(path); err != nil {
			log.Warn("damaged file is not removed", "file", path, "error", err)
		}
	}
}

// Free tells whether no other agent uses the data folder: nil, or ErrInUse.
func Free(dir string, log *slog.Logger) error {
	path := filepath.Join(dir, "state.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	db, err := tryOpen(path, nil)
	if errors.Is(err, bolterrors.ErrTimeout) {
		return ErrInUse.With(err)
	}
	if err != nil {
		log.Warn("database does not open", "file", path, "error", err) // it is about to be set aside
		return nil
	}
	return db.Close()
}
