package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
)

func TestFolder(t *testing.T) {
	blobsContract(t, func(t *testing.T) Blobs {
		f, err := NewFolder(filepath.Join(t.TempDir(), "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
}

func hashOf(b []byte) broadcast.Hash {
	sum := sha256.Sum256(b)
	return broadcast.Hash(hex.EncodeToString(sum[:]))
}

// blobsContract is what every Blobs must keep; open gives a new, empty one.
func blobsContract(t *testing.T, open func(*testing.T) Blobs) {
	ctx := context.Background()
	audio := bytes.Repeat([]byte("loa phường "), 20_000)
	read := func(t *testing.T, b Blobs, hash broadcast.Hash) []byte {
		t.Helper()
		blob, err := b.Open(ctx, hash)
		if err != nil {
			t.Fatal(err)
		}
		defer blob.Close()
		got, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	put := func(t *testing.T, b Blobs, content []byte) broadcast.Hash {
		t.Helper()
		hash, size, err := b.Put(ctx, bytes.NewReader(content))
		if err != nil || hash != hashOf(content) || size != int64(len(content)) {
			t.Fatalf("put gives %s, %d, %v", hash, size, err)
		}
		return hash
	}
	walk := func(t *testing.T, b Blobs) map[broadcast.Hash]int64 {
		t.Helper()
		seen := map[broadcast.Hash]int64{}
		if err := b.Walk(ctx, func(i BlobInfo) error { seen[i.Hash] = i.Size; return nil }); err != nil {
			t.Fatal(err)
		}
		return seen
	}

	for name, content := range map[string][]byte{"audio": audio, "empty": {}} {
		t.Run("put, then read: "+name, func(t *testing.T) {
			b := open(t)
			hash := put(t, b, content)
			if put(t, b, content) != hash || len(walk(t, b)) != 1 {
				t.Fatal("the same content twice is not one blob")
			}
			if !bytes.Equal(read(t, b, hash), content) {
				t.Fatal("read other bytes than put")
			}
			if has, err := b.Has(ctx, hash); err != nil || !has {
				t.Fatalf("has = %v, %v", has, err)
			}
		})
	}
	t.Run("a file is taken over", func(t *testing.T) {
		b := open(t)
		path := filepath.Join(t.TempDir(), "f")
		for range 2 { // the second time the content is there already
			if err := os.WriteFile(path, audio, 0o600); err != nil {
				t.Fatal(err)
			}
			hash, size, err := b.PutFile(ctx, path)
			if err != nil || hash != hashOf(audio) || size != int64(len(audio)) {
				t.Fatalf("put file gives %s, %d, %v", hash, size, err)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the file is still there: %v", err)
			}
			if !bytes.Equal(read(t, b, hash), audio) {
				t.Fatal("read other bytes than put")
			}
		}
	})
	t.Run("what is not there", func(t *testing.T) {
		b := open(t)
		none := hashOf([]byte("none"))
		if _, err := b.Open(ctx, none); !errors.Is(err, ErrNoBlob) {
			t.Fatalf("open gives %v", err)
		}
		if has, err := b.Has(ctx, none); has || err != nil {
			t.Fatalf("has = %v, %v", has, err)
		}
		if err := b.Delete(ctx, none); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("names that are no hash", func(t *testing.T) {
		b := open(t)
		for _, bad := range []broadcast.Hash{"", "../../etc/passwd", broadcast.Hash(bytes.Repeat([]byte("A"), 64))} {
			if blob, err := b.Open(ctx, bad); err == nil {
				blob.Close()
				t.Fatalf("%q was opened", bad)
			}
			if err := b.Delete(ctx, bad); err == nil {
				t.Fatalf("%q was deleted", bad)
			}
		}
	})
	t.Run("deleted while open", func(t *testing.T) {
		b := open(t)
		hash := put(t, b, audio)
		if err := b.Delete(ctx, hash); err != nil {
			t.Fatal(err)
		}
		if has, _ := b.Has(ctx, hash); has || len(walk(t, b)) != 0 {
			t.Fatal("a deleted blob is still there")
		}
	})
	t.Run("a broken source leaves nothing", func(t *testing.T) {
		b := open(t)
		broken := io.MultiReader(bytes.NewReader(audio), failing{})
		if _, _, err := b.Put(ctx, broken); err == nil {
			t.Fatal("kept half a file")
		}
		if seen := walk(t, b); len(seen) != 0 {
			t.Fatalf("left %v", seen)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		b := open(t)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					if _, _, err := b.Put(ctx, bytes.NewReader(audio)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if !bytes.Equal(read(t, b, hashOf(audio)), audio) || len(walk(t, b)) != 1 {
			t.Fatal("puts of the same content disturbed each other")
		}
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("line broke") }
