package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tool is one run of ffmpeg or ffprobe.
type tool struct {
	name   string
	args   []string
	dir    string    // its working and temporary folder
	stdin  *os.File  // nil: nothing to read
	stdout io.Writer // nil: thrown away; an *os.File is given to the program itself
	// progress hears how much sound was written so far; needs "-progress pipe:3" among args.
	progress func(time.Duration)
	memory   uint64        // bytes of address space
	cpu      time.Duration // processor time
	nice     int           // below 1: as the hub
}

// toolError is a run that failed by itself.
type toolError struct {
	tool string
	text string // end of what it wrote
	err  error
}

func (e *toolError) Error() string { return fmt.Sprintf("run %s: %v: %s", e.tool, e.err, e.text) }
func (e *toolError) Unwrap() error { return e.err }

// run runs the program to its end and gives what it wrote to stderr. It is killed with ctx, and by the
// kernel when the hub dies.
func (t tool) run(ctx context.Context) (string, error) {
	// The kernel sends the death signal when the thread that started the program ends (golang/go#27505).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.CommandContext(ctx, t.name, t.args...)
	cmd.Dir = t.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + t.dir, "TMPDIR=" + t.dir}
	cmd.WaitDelay = 5 * time.Second
	if t.stdin != nil {
		cmd.Stdin = t.stdin
	}
	if t.stdout != nil {
		cmd.Stdout = t.stdout
	}
	text := &tail{}
	cmd.Stderr = text
	cmd.SysProcAttr = dieWithParent()
	heard, err := t.listen(cmd)
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		heard()
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
			return "", ErrNoTool.With(err)
		}
		return "", fmt.Errorf("start %s: %w", t.name, err)
	}
	if err := limit(cmd.Process.Pid, t.memory, t.cpu, t.nice); err != nil {
		_ = cmd.Process.Kill() // Wait tells
	}
	err = cmd.Wait()
	heard()
	switch {
	case ctx.Err() != nil:
		return text.String(), fmt.Errorf("run %s: %w", t.name, context.Cause(ctx))
	case err != nil:
		return text.String(), &toolError{tool: t.name, text: text.last(), err: err}
	}
	return text.String(), nil
}

// listen gives the program a pipe as descriptor 3 and starts to read it. The function it gives closes our
// writing end, waits for the reader and must be called once after Start or its failure.
func (t tool) listen(cmd *exec.Cmd) (func(), error) {
	if t.progress == nil {
		return func() {}, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	cmd.ExtraFiles = []*os.File{w}
	var done sync.WaitGroup
	done.Go(func() {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			value, ok := strings.CutPrefix(lines.Text(), "out_time_us=")
			if us, err := strconv.ParseInt(value, 10, 64); ok && err == nil && us >= 0 {
				t.progress(time.Duration(us) * time.Microsecond)
			}
		}
	})
	return func() { _ = w.Close(); done.Wait(); _ = r.Close() }, nil
}

// tail keeps the last part of what a program writes, and counts its lines.
type tail struct {
	buf   bytes.Buffer
	lines int
}

const tailSize = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.lines += bytes.Count(p, []byte("\n"))
	t.buf.Write(p)
	if extra := t.buf.Len() - tailSize; extra > tailSize {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.buf.String() }

// last is short enough for a log line.
func (t *tail) last() string {
	s := strings.TrimSpace(t.buf.String())
	if len(s) > 600 {
		s = s[len(s)-600:]
	}
	return strings.ToValidUTF8(s, "?")
}
