package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/loa-vn/loa/internal/s3"
)

func TestFolderParts(t *testing.T) {
	partsContract(t, func(t *testing.T) Parts { return NewFolderParts(filepath.Join(t.TempDir(), "parts")) })
	t.Run("what a kill left half written is no part", func(t *testing.T) {
		root := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(root, "a"), 0o700), os.WriteFile(filepath.Join(root, "a", ".put-1"), []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if all, err := NewFolderParts(root).List(t.Context(), ""); err != nil || len(all) != 0 {
			t.Errorf("%v, %v", all, err)
		}
	})
}

func TestS3Parts(t *testing.T) {
	server := s3.Start(t)
	var n atomic.Int32
	partsContract(t, func(t *testing.T) Parts {
		u, _ := url.Parse(server)
		u.Path += "/" + strings.Repeat("x", int(n.Add(1)))
		b := openS3(t, u.String())
		t.Cleanup(func() { // parts are no blobs
			if err := b.Walk(context.Background(), func(i BlobInfo) error { return fmt.Errorf("blob %s", i.Hash) }); err != nil {
				t.Error(err)
			}
		})
		return b.Parts()
	})
}

// partsContract is what every Parts must keep; open gives a new, empty one.
func partsContract(t *testing.T, open func(*testing.T) Parts) {
	ctx := context.Background()
	put := func(t *testing.T, p Parts, name, content string) {
		t.Helper()
		if err := p.Put(ctx, name, bytes.NewReader([]byte(content)), int64(len(content))); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, p Parts, name string) string {
		t.Helper()
		r, err := p.Open(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		all, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(all)
	}
	names := func(t *testing.T, p Parts, prefix string) (s string) {
		t.Helper()
		all, err := p.List(ctx, prefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range all {
			if part.Modified.IsZero() {
				t.Errorf("%s has no time", part.Name)
			}
			s += fmt.Sprint(part.Name, ":", part.Size, " ")
		}
		return s
	}
	t.Run("kept, listed, replaced, taken away", func(t *testing.T) {
		p := open(t)
		if got := names(t, p, ""); got != "" {
			t.Errorf("an empty one lists %q", got)
		}
		put(t, p, "b/2-20", "twenty")
		put(t, p, "b/1", "loa phường")
		put(t, p, "a/1", strings.Repeat("x", 300_000))
		put(t, p, "bb/1", "other")
		put(t, p, "b/1", "loa")
		if got := names(t, p, "b/"); got != "b/1:3 b/2-20:6 " {
			t.Errorf("of b: %q", got)
		}
		if got := names(t, p, ""); got != "a/1:300000 b/1:3 b/2-20:6 bb/1:5 " {
			t.Errorf("all: %q", got)
		}
		if got := read(t, p, "b/1"); got != "loa" {
			t.Errorf("read %q", got)
		}
		for range 2 {
			if err := p.Delete(ctx, "b/1"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Open(ctx, "b/1"); !errors.Is(err, ErrNoPart) {
			t.Errorf("%v", err)
		}
		if got := names(t, p, "b/"); got != "b/2-20:6 " {
			t.Errorf("left: %q", got)
		}
	})
	t.Run("less than was said is not kept", func(t *testing.T) {
		p := open(t)
		if err := p.Put(ctx, "a/1", bytes.NewReader([]byte("loa")), 4); err == nil {
			t.Error("kept")
		}
		if got := names(t, p, ""); got != "" {
			t.Errorf("left: %q", got)
		}
	})
	t.Run("names that are none", func(t *testing.T) {
		p := open(t)
		for _, name := range []string{"", "a", "a/", "/a", "../a", "a/..", "a/b/c", "a/.b"} {
			if err := p.Put(ctx, name, bytes.NewReader(nil), 0); err == nil {
				t.Errorf("%q was taken", name)
			}
		}
	})
}
