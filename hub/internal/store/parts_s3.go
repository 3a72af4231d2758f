package store

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
)

// partsFolder is beside the blobs' own.
const partsFolder = "parts"

// S3Parts is Parts in a bucket that several hubs share.
type S3Parts struct{ s *S3 }

// Parts gives the parts that lie in the bucket too.
func (s *S3) Parts() *S3Parts { return &S3Parts{s} }

// Put implements Parts.
func (p *S3Parts) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	if !validPart(name) {
		return fmt.Errorf("name part: %q is no name of one", name)
	}
	_, err := r.Seek(0, io.SeekStart)
	if err == nil {
		_, err = p.s.client.PutObject(ctx, p.s.bucket, p.name(name), r, size,
			minio.PutObjectOptions{DisableMultipart: true, SendContentMd5: true, ContentType: "application/octet-stream"})
	}
	if err != nil {
		return fmt.Errorf("keep part: %w", err)
	}
	return nil
}

// Open implements Parts.
func (p *S3Parts) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	object, err := p.s.client.GetObject(ctx, p.s.bucket, p.name(name), minio.GetObjectOptions{})
	if err == nil {
		if _, err = object.Stat(); err == nil {
			return object, nil
		}
		_ = object.Close() // the reason is why it cannot be read
	}
	if absent(err) {
		return nil, fmt.Errorf("open part %s: %w", name, ErrNoPart)
	}
	return nil, fmt.Errorf("open part: %w", err)
}

// List implements Parts.
func (p *S3Parts) List(ctx context.Context, prefix string) ([]Part, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	root := p.name("") + "/"
	var parts []Part
	for object := range p.s.client.ListObjectsIter(ctx, p.s.bucket, minio.ListObjectsOptions{Prefix: root + prefix, Recursive: true}) {
		if object.Err != nil {
			return nil, fmt.Errorf("list parts: %w", object.Err)
		}
		if name := strings.TrimPrefix(object.Key, root); validPart(name) {
			parts = append(parts, Part{Name: name, Size: object.Size, Modified: object.LastModified})
		}
	}
	return parts, ctx.Err()
}

// Delete implements Parts.
func (p *S3Parts) Delete(ctx context.Context, name string) error {
	if err := p.s.client.RemoveObject(ctx, p.s.bucket, p.name(name), minio.RemoveObjectOptions{}); err != nil && !absent(err) {
		return fmt.Errorf("delete part: %w", err)
	}
	return nil
}

func (p *S3Parts) name(name string) string { return path.Join(p.s.prefix, partsFolder, name) }
