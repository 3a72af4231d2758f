package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A bbolt file is memory: one that is cut short or has a wrong page number kills its reader with SIGBUS, or
// with a stack without end, and neither can be recovered from. So a process of its own reads it first.

const (
	checkBudget = time.Second     // of the child: the first sound after a start waits for it
	checkLimit  = 3 * time.Second // for the child as a whole; one stuck on a dying disk is left behind
	checkLock   = 200 * time.Millisecond
	checkStack  = 32 << 20 // a ring of pages ends here
)

// Exit codes of the child. A crash of Go's is 2.
const (
	checkSound      = 0
	checkCrashed    = 2
	checkUnfinished = 3 // nothing bad was found in the time there was
	checkUnable     = 4 // in use, or not to be read by this user
	checkDamaged    = 5
)

// errDamaged is wrapped by what a Checker finds.
var errDamaged = errors.New("file is damaged")

// Checker looks at database files from outside, before they are opened.
type Checker struct {
	Command []string // the program that calls CheckChild with the argument after these; empty checks nothing
}

// check gives an error that wraps errDamaged when the file is damaged, another when that could not be found out.
func (k Checker) check(path string) error {
	if len(k.Command) == 0 {
		return nil
	}
	if !begun(path) {
		return nil
	}
	code, said, err := k.ask(path)
	if code == checkCrashed { // a machine without memory crashes once, a damaged file always
		code, said, err = k.ask(path)
	}
	switch code {
	case checkSound:
		return nil
	case checkDamaged, checkCrashed:
		return fmt.Errorf("%w: %s", errDamaged, said)
	case checkUnfinished:
		return errors.New("the file is too large to be looked through at the start")
	}
	return fmt.Errorf("check file: %s: %w", said, err)
}

// begun tells whether there is anything to look at.
func begun(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() > 0
}

// ask runs the child once; code is -1 when it did not come to an end of its own.
func (k Checker) ask(path string) (code int, said []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkLimit)
	defer cancel()
	args := append(append([]string{}, k.Command[1:]...), path)
	cmd := exec.CommandContext(ctx, k.Command[0], args...)
	cmd.WaitDelay = time.Second
	said, err = cmd.CombinedOutput()
	said = bytes.TrimSpace(said[:min(len(said), 300)])
	if err == nil {
		return checkSound, said, nil
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), said, err
	}
	return -1, said, err
}

// CheckChild looks at one database file and gives the process's exit code; what is wrong goes to out. It may
// crash, and must have the process for itself.
func CheckChild(path string, out io.Writer) int {
	debug.SetMaxStack(checkStack)
	done := make(chan error, 1)
	go func() { done <- fenced(func() error { return inspect(path) }) }()
	budget := time.NewTimer(checkBudget)
	defer budget.Stop()
	select {
	case <-budget.C:
		return checkUnfinished
	case err := <-done:
		if err == nil {
			return checkSound
		}
		_, _ = fmt.Fprintln(out, err) // the exit code says it too
		if errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			return checkUnable
		}
		return checkDamaged
	}
}

// inspect opens a file for reading, checks its pages and touches every value.
func inspect(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: checkLock})
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	// Under bbolt's lock: pages that somebody writes make no sense.
	if err := inspectPages(path); err != nil {
		return fmt.Errorf("check pages: %w", err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			return fmt.Errorf("check: %w", err) // the process ends: nobody waits for the rest
		}
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return b.ForEach(touch(keySizes[string(name)])) })
	})
	if err != nil {
		return err
	}
	return db.Close()
}

func inspectPages(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	return CheckPages(file, info.Size())
}

// keySizes are how long the keys of some buckets are.
var keySizes = map[string]int{string(bucketChunks): sha256.Size + 4, string(bucketFiles): sha256.Size, string(bucketParts): sha256.Size}

// touch gives a function that reads both ends of a value: its length is as easily damaged as anything. So is a key's; size
// is 0 where they differ.
func touch(size int) func(k, v []byte) error {
	ends := make([]byte, 2)
	return func(k, v []byte) error {
		if size != 0 && len(k) != size {
			return fmt.Errorf("key %x has %d bytes, not %d", k, len(k), size)
		}
		if len(v) > maxPart {
			return fmt.Errorf("value of %x has %d bytes", k, len(v))
		}
		if len(v) > 0 {
			ends[0], ends[1] = v[0], v[len(v)-1]
		}
		return nil
	}
}

// fenced turns bbolt's panics on damaged pages into errors, and what the system says of a page of the file
// that cannot be read.
func fenced(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("bbolt: %v", r)
		}
	}()
	return do()
}

// cloneUpTo copies a value out of a transaction; one longer than it may be is damaged and counts as missing.
func cloneUpTo(v []byte, most int64) []byte {
	if int64(len(v)) > most {
		return nil
	}
	return bytes.Clone(v)
}
