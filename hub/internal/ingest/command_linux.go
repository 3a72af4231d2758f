package ingest

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// limit bounds a program that has just begun to load: its memory, its processor time, no file of its own
// (it writes to pipes only), no core.
func limit(pid int, memory uint64, cpu time.Duration, nice int) error {
	seconds := uint64(cpu/time.Second) + 1
	for _, l := range []struct {
		what  int
		value uint64
	}{
		{unix.RLIMIT_AS, memory}, {unix.RLIMIT_CPU, seconds}, {unix.RLIMIT_FSIZE, 0}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 64},
	} {
		err := unix.Prlimit(pid, l.what, &unix.Rlimit{Cur: l.value, Max: l.value}, nil)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("limit program: %w", err)
		}
	}
	if nice < 1 {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, pid, nice); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("limit program: %w", err)
	}
	return nil
}
