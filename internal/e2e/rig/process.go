package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Process is one running program of ours, with its output in a file.
type Process struct {
	Log  string // file its output goes to
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start runs bin with args and extra environment; its output goes to logFile. It runs until Stop or Kill, and
// dies with this process.
func Start(bin string, args, env []string, logFile string) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(logFile), 0o700); err != nil {
		return nil, err
	}
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	p := &Process{Log: logFile, cmd: exec.CommandContext(context.Background(), bin, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	go func() {
		// The kernel sends the death signal when the thread that started the program ends (golang/go#27505).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", bin, err)
	}
	return p, nil
}

// PID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends it at once, as a power cut would, and waits.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// Stop asks it to end and waits; after 15 s it is killed and an error given.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.done:
		var exit *exec.ExitError
		if errors.As(p.err, &exit) && exit.ExitCode() > 0 {
			return fmt.Errorf("%s ended with %d", filepath.Base(p.cmd.Path), exit.ExitCode())
		}
		return nil
	case <-time.After(15 * time.Second):
		p.Kill()
		return fmt.Errorf("%s did not end within 15 s of SIGTERM", filepath.Base(p.cmd.Path))
	}
}

// Tail gives the last bytes of the process's output, for a person who must find out what went wrong.
func (p *Process) Tail() string {
	f, err := os.Open(p.Log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if end, err := f.Seek(0, io.SeekEnd); err == nil && end > 4000 {
		_, _ = f.Seek(-4000, io.SeekEnd) // a shorter tail is no harm
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}

// Run runs bin to its end with input on stdin and gives what it printed.
func Run(ctx context.Context, bin string, args, env []string, input io.Reader) (string, error) {
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = input
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %v: %w\n%s", filepath.Base(bin), args, err, out)
	}
	return string(out), nil
}

// FreeAddr gives a loopback address nobody listens on.
func FreeAddr() (string, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
