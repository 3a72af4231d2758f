package store

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
)

// ErrNoBlob says that there is no blob of that hash.
var ErrNoBlob = errors.New("no such blob")

// Blob is an open blob. It can be read by several goroutines at once and must be closed.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// BlobInfo is what Walk tells of a blob.
type BlobInfo struct {
	Hash     broadcast.Hash
	Size     int64
	Modified time.Time
}

// Blobs keeps files by the SHA-256 of their content. A blob is there whole or not at all, also after a
// power cut; putting the same content twice is the same as once.
type Blobs interface {
	// Put keeps what r gives.
	Put(ctx context.Context, r io.Reader) (broadcast.Hash, int64, error)
	// PutFile takes the file at path over: after success it is gone from path.
	PutFile(ctx context.Context, path string) (broadcast.Hash, int64, error)
	// Open gives ErrNoBlob when there is none.
	Open(ctx context.Context, hash broadcast.Hash) (Blob, error)
	Has(ctx context.Context, hash broadcast.Hash) (bool, error)
	// Delete takes a blob away; one that is not there is no error.
	Delete(ctx context.Context, hash broadcast.Hash) error
	// Walk visits every blob in no order until visit gives an error.
	Walk(ctx context.Context, visit func(BlobInfo) error) error
}
