package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
)

// tarOf is a stream that begins well and then has a file of this name.
func tarOf(t testing.TB, name string) []byte {
	t.Helper()
	first, err := json.Marshal(start{Format: format})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range []struct {
		name string
		text []byte
	}{{startName, first}, {name, []byte("x")}} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.text)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// contents gives names and contents of a tar's files, nil when it cannot be read.
func contents(stream []byte) (all []string) {
	r := tar.NewReader(bytes.NewReader(stream))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			return nil
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil
		}
		all = append(all, header.Name, string(text))
	}
}
