package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

var errBlobs = problem.New("BLOBS_UNREACHABLE", http.StatusInternalServerError,
	"Không dùng được kho tệp S3. Hãy kiểm tra mục blobs (s3://KHÓA:MẬT-KHẨU@máy:cổng/bucket), rằng kho đang chạy và đã có bucket đó.",
	"The S3 store cannot be used. Check blobs (s3://KEY:SECRET@host:port/bucket), that the store runs, and that the bucket was created.")

// cacheMost bounds the local copies, in bytes.
const cacheMost = 8 << 30

// S3 is Blobs in a bucket that several hubs share. A blob that was put or read lies in a local folder as well: one hub
// gets it once, however many agents it gives it to.
type S3 struct {
	client         *minio.Client
	bucket, prefix string
	cache          *Folder
	most           int64

	fetching sync.Mutex // one download or clearing at a time
	room     int64      // bytes that may come before the next clearing
}

// OpenS3 uses s3://KEY:SECRET@host:port/bucket/prefix; without key and secret those of AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY. Options: region=NAME, ca=FILE of a private CA, plain=true without TLS.
func OpenS3(ctx context.Context, address, cache string) (*S3, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return nil, errBlobs.With(errors.New("the address cannot be read")).At("blobs") // err cites it, with its secret
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	creds := credentials.NewEnvAWS()
	if secret, has := u.User.Password(); has {
		creds = credentials.NewStaticV4(u.User.Username(), secret, "")
	}
	transport, err := s3Transport(u.Query().Get("ca"))
	if err != nil {
		return nil, errBlobs.With(err).At("blobs")
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: creds, Secure: u.Query().Get("plain") != "true", Region: u.Query().Get("region"),
		Transport: transport, BucketLookup: minio.BucketLookupPath})
	if err != nil {
		return nil, errBlobs.With(err).At("blobs")
	}
	there, err := client.BucketExists(ctx, bucket)
	if err == nil && !there {
		err = fmt.Errorf("no bucket %q", bucket)
	}
	if err != nil {
		return nil, errBlobs.With(err).At("blobs")
	}
	local, err := NewFolder(cache)
	if err != nil {
		return nil, err
	}
	return &S3{client: client, bucket: bucket, prefix: prefix, cache: local, most: cacheMost}, nil
}

func s3Transport(ca string) (*http.Transport, error) {
	t, err := minio.DefaultTransport(true)
	if err != nil || ca == "" {
		return t, err
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", ca)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// Put implements Blobs.
func (s *S3) Put(ctx context.Context, r io.Reader) (broadcast.Hash, int64, error) {
	hash, size, err := s.cache.Put(ctx, r)
	if err != nil {
		return "", 0, err
	}
	return hash, size, s.upload(ctx, hash, size)
}

// PutFile implements Blobs.
func (s *S3) PutFile(ctx context.Context, path string) (broadcast.Hash, int64, error) {
	hash, size, err := s.cache.PutFile(ctx, path)
	if err != nil {
		return "", 0, err
	}
	return hash, size, s.upload(ctx, hash, size)
}

// upload brings a local copy into the bucket, in one request: it is there whole or not at all.
func (s *S3) upload(ctx context.Context, hash broadcast.Hash, size int64) error {
	has, err := s.Has(ctx, hash)
	if err == nil && !has {
		var blob Blob
		if blob, err = s.cache.Open(ctx, hash); err == nil {
			_, err = s.client.PutObject(ctx, s.bucket, s.name(hash), io.NewSectionReader(blob, 0, size), size,
				minio.PutObjectOptions{DisableMultipart: true, SendContentMd5: true, ContentType: "application/octet-stream"})
			err = errors.Join(err, blob.Close())
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep blob: %w", err), s.cache.Delete(context.WithoutCancel(ctx), hash))
	}
	return s.clear(ctx, size)
}

// Open implements Blobs.
func (s *S3) Open(ctx context.Context, hash broadcast.Hash) (Blob, error) {
	blob, err := s.cache.Open(ctx, hash)
	if !errors.Is(err, ErrNoBlob) {
		return blob, err
	}
	s.fetching.Lock()
	size, err := s.fetch(ctx, hash)
	s.fetching.Unlock()
	if err != nil {
		return nil, err
	}
	if blob, err = s.cache.Open(ctx, hash); err != nil {
		return nil, err
	}
	if err := s.clear(ctx, size); err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return blob, nil
}

// fetch makes a local copy. fetching is held.
func (s *S3) fetch(ctx context.Context, hash broadcast.Hash) (int64, error) {
	if has, err := s.cache.Has(ctx, hash); has || err != nil {
		return 0, err // somebody else waited for it first
	}
	object, err := s.client.GetObject(ctx, s.bucket, s.name(hash), minio.GetObjectOptions{})
	if err != nil {
		return 0, fmt.Errorf("open blob: %w", err)
	}
	defer object.Close() // only read
	got, size, err := s.cache.Put(ctx, object)
	switch {
	case absent(err):
		return 0, fmt.Errorf("open blob %s: %w", hash, ErrNoBlob)
	case err != nil:
		return 0, fmt.Errorf("open blob: %w", err)
	case got != hash:
		return 0, errors.Join(fmt.Errorf("open blob %s: the store gave another content", hash), s.cache.Delete(ctx, got))
	}
	return size, nil
}

// clear makes room among the local copies when many came: the oldest go.
func (s *S3) clear(ctx context.Context, came int64) error {
	s.fetching.Lock()
	defer s.fetching.Unlock()
	if s.room -= came; s.room > 0 {
		return nil
	}
	var all []BlobInfo
	total := int64(0)
	if err := s.cache.Walk(ctx, func(b BlobInfo) error { all, total = append(all, b), total+b.Size; return nil }); err != nil {
		return fmt.Errorf("look through copies: %w", err)
	}
	slices.SortFunc(all, func(a, b BlobInfo) int { return a.Modified.Compare(b.Modified) })
	for _, b := range all {
		if total <= s.most {
			break
		}
		if err := s.cache.Delete(ctx, b.Hash); err != nil {
			return err
		}
		total -= b.Size
	}
	s.room = s.most / 10
	return nil
}

// Has implements Blobs.
func (s *S3) Has(ctx context.Context, hash broadcast.Hash) (bool, error) {
	if !validHash(hash) {
		return false, fmt.Errorf("name blob: %q is not a SHA-256 in lower-case hex", hash)
	}
	_, err := s.client.StatObject(ctx, s.bucket, s.name(hash), minio.StatObjectOptions{})
	if absent(err) {
		return false, nil
	}
	return err == nil, err
}

// Delete implements Blobs. Copies of other hubs stay until they are the oldest.
func (s *S3) Delete(ctx context.Context, hash broadcast.Hash) error {
	if err := s.cache.Delete(ctx, hash); err != nil {
		return err
	}
	if err := s.client.RemoveObject(ctx, s.bucket, s.name(hash), minio.RemoveObjectOptions{}); err != nil && !absent(err) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// Walk implements Blobs.
func (s *S3) Walk(ctx context.Context, visit func(BlobInfo) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for object := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: path.Join(s.prefix, "blobs") + "/", Recursive: true}) {
		if object.Err != nil {
			return fmt.Errorf("list blobs: %w", object.Err)
		}
		hash := broadcast.Hash(path.Base(object.Key))
		if !validHash(hash) {
			continue
		}
		if err := visit(BlobInfo{Hash: hash, Size: object.Size, Modified: object.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *S3) name(hash broadcast.Hash) string {
	return path.Join(s.prefix, "blobs", string(hash[:2]), string(hash))
}

func absent(err error) bool {
	var said minio.ErrorResponse
	return errors.As(err, &said) && (said.Code == "NoSuchKey" || said.StatusCode == http.StatusNotFound)
}

// CopyBlobs brings every blob of one store into another and gives how many there are; what is there already is not
// brought again. told hears of each.
func CopyBlobs(ctx context.Context, from, to Blobs, told func(n int)) (n int, err error) {
	err = from.Walk(ctx, func(b BlobInfo) error {
		n++
		told(n)
		if has, err := to.Has(ctx, b.Hash); has || err != nil {
			return err
		}
		blob, err := from.Open(ctx, b.Hash)
		if err != nil {
			return err
		}
		got, _, err := to.Put(ctx, io.NewSectionReader(blob, 0, blob.Size()))
		if err = errors.Join(err, blob.Close()); err == nil && got != b.Hash {
			err = fmt.Errorf("blob %s is damaged", b.Hash)
		}
		return err
	})
	return n, err
}
