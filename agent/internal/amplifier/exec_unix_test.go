//go:build unix

package amplifier

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExecute(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := Execute(t.Context(), []string{"/bin/sh", "-c", `printf '%s' "$1" > "$0"`, out, "a $HOME; b"}); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(out); string(b) != "a $HOME; b" {
		t.Errorf("%q", b)
	}
	for name, c := range map[string]struct {
		command []string
		want    string
	}{
		"fails with words": {[]string{"/bin/sh", "-c", "echo no relay >&2; exit 3"}, "exit status 3: no relay"},
		"says too much":    {[]string{"/bin/sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x; exit 1"}, strings.Repeat("x", mostSay)},
		"is not there":     {[]string{"/nowhere/relay"}, "no such file"},
		"is empty":         {nil, "no command"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Execute(t.Context(), c.command); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 2*mostSay {
				t.Errorf("%v", err)
			}
		})
	}
}

// A named pipe's end comes only when the last who holds it open is dead: here a child of the command.
func TestAKilledCommandTakesItsChildrenAlong(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // what it must not come to
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- Execute(ctx, []string{"/bin/sh", "-c", `(echo here; exec sleep 600) > "$0" & wait`, pipe})
	}()
	read, err := os.Open(pipe) // waits for the child
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	words := make([]byte, 16)
	if n, err := read.Read(words); err != nil || string(words[:n]) != "here\n" {
		t.Fatalf("%q, %v", words[:n], err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("a killed command did well")
	}
	if n, err := read.Read(words); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d, %v", n, err)
	}
}
