package speaker

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestAPipeCarriesMoreThanItHolds(t *testing.T) {
	from, into, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("loa "), 300_000)
	wrote := make(chan error, 1)
	go func() {
		w := quiet[io.WriteCloser](into)
		_, err := w.Write(want)
		wrote <- errors.Join(err, w.Close())
	}()
	got, err := io.ReadAll(quiet[io.Reader](from)) // until the end, which is told as such
	if err := errors.Join(err, <-wrote, from.Close()); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d: %v", len(got), len(want), err)
	}
}

func TestAPipeWhoseOtherEndIsGone(t *testing.T) {
	from, into, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := quiet[io.ReadCloser](from), quiet[io.WriteCloser](into)
	read := make(chan error, 1)
	go func() {
		_, err := r.Read(make([]byte, 1))
		read <- err
	}()
	closed := make(chan error, 1)
	time.AfterFunc(10*time.Millisecond, func() { closed <- r.Close() }) // whether the read waits by then or not
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("read ends with %v", err)
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("wrote %d: %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
