package store

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/s3"
)

func TestS3(t *testing.T) {
	server := s3.Start(t)
	var n atomic.Int32
	blobsContract(t, func(t *testing.T) Blobs {
		u, _ := url.Parse(server)
		u.Path += "/" + strings.Repeat("x", int(n.Add(1))) // each its own place in the bucket
		return openS3(t, u.String())
	})
}

func openS3(t *testing.T, address string) *S3 {
	t.Helper()
	b, err := OpenS3(t.Context(), address, filepath.Join(t.TempDir(), "copies"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestS3OfTwoHubs: what one hub put the other reads, and its own copies take no more room than they may.
func TestS3OfTwoHubs(t *testing.T) {
	ctx, server := context.Background(), s3.Start(t)
	one, other := openS3(t, server), openS3(t, server)
	other.most = 250_000
	for i := range 10 {
		content := bytes.Repeat([]byte{byte(i)}, 100_000)
		hash, _, err := one.Put(ctx, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		blob, err := other.Open(ctx, hash)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, blob.Size())
		if _, err := blob.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("blob %d: %v", i, err)
		}
		if err := blob.Close(); err != nil {
			t.Fatal(err)
		}
	}
	total := int64(0)
	if err := other.cache.Walk(ctx, func(b BlobInfo) error { total += b.Size; return nil }); err != nil || total > 350_000 || total == 0 {
		t.Errorf("%d bytes of copies, %v", total, err)
	}
	folder, err := NewFolder(filepath.Join(t.TempDir(), "back"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time all are there
		if n, err := CopyBlobs(ctx, other, folder, func(int) {}); n != 10 || err != nil {
			t.Errorf("brought back %d, %v", n, err)
		}
	}
}

func TestS3IsRefusedPlainly(t *testing.T) {
	server := s3.Start(t)
	for name, address := range map[string]string{
		"no bucket":      strings.Replace(server, "/loa/", "/none/", 1),
		"not there":      "s3://k:loa-secret@127.0.0.1:1/loa",
		"no such CA":     strings.Replace(server, "ca=", "ca=x", 1),
		"unknown CA":     strings.Split(server, "&ca=")[0],
		"not an address": "s3://k:loa-secret@%zz/loa",
	} {
		t.Run(name, func(t *testing.T) {
			var p *problem.Error
			if _, err := OpenS3(t.Context(), address, t.TempDir()); !errors.As(err, &p) || p.Code != "BLOBS_UNREACHABLE" || strings.Contains(err.Error(), "loa-secret") {
				t.Errorf("%v", err)
			}
		})
	}
}
