package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"
)

// ErrNoPart says that there is no part of that name.
var ErrNoPart = errors.New("no such part")

// Part is what List tells of one.
type Part struct {
	Name     string
	Size     int64
	Modified time.Time
}

// Parts keeps what is under way, by name, until somebody takes it away: pieces of uploads, files that wait to be worked
// on. A part is there whole or not at all, also after a power cut. A name is FOLDER/FILE, of letters, digits, - and _.
// Safe for concurrent use, by several hubs too where they share it.
type Parts interface {
	// Put keeps the size bytes that r has from its beginning, in the place of what had the name.
	Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error
	// Open gives ErrNoPart when there is none; it must be closed.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// List gives the parts whose name begins so, by name.
	List(ctx context.Context, prefix string) ([]Part, error)
	// Delete takes a part away; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// validPart keeps anything but a name out of paths.
func validPart(name string) bool {
	folder, file, ok := strings.Cut(name, "/")
	return ok && folder != "" && file != "" && len(name) <= 200 &&
		strings.Trim(folder+file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
