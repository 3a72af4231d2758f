package rig

import (
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Once a hub died in the middle of a test: the thread it was started from had ended with another test's card.
func TestAProgramOutlivesTheThreadItWasStartedFrom(t *testing.T) {
	type start struct {
		*Process
		thread int
		err    error
	}
	started := make(chan start)
	var launch func()
	launch = func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its goroutine
		if syscall.Gettid() == syscall.Getpid() {
			go launch() // the first thread never ends; locked, it cannot be the next one's
			return
		}
		p, err := Start("sleep", []string{"60"}, nil, filepath.Join(t.TempDir(), "sleep.log"))
		started <- start{p, syscall.Gettid(), err}
	}
	go launch()
	p := <-started
	if p.err != nil {
		t.Fatal(p.err)
	}
	defer p.Kill()
	gone := time.NewTicker(time.Millisecond)
	defer gone.Stop()
	for syscall.Tgkill(syscall.Getpid(), p.thread, 0) == nil {
		select {
		case <-gone.C:
		case <-p.Done():
			t.Fatal("the program died with the thread")
		case <-t.Context().Done():
			t.Fatal("the thread never ended")
		}
	}
	select {
	case <-p.Done():
		t.Fatal("the program died with the thread")
	case <-time.After(100 * time.Millisecond): // the kernel's signal comes at once
	}
}
