package speaker

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// hurry puts this process before ordinary ones, where that is allowed (root, CAP_SYS_NICE, RLIMIT_NICE): on a
// machine with something else to do, sound that comes 100 ms late is a hole. Priorities belong to threads;
// those to come inherit them.
// One processor is enough for it, and a second one that must be woken for each step costs more than the steps.
func hurry() {
	runtime.GOMAXPROCS(1)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, -11) // as PulseAudio does; not allowed is no fault
		}
	}
}

// pipeBytes holds a second of PCM, which comes at once.
const pipeBytes = 256 << 10

// pollable gives the same file without blocking, and with room. It has a number of its own, because the given one may be closed when
// nobody holds it any more.
func pollable(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return f
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // nothing was written to it
		return f
	}
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, pipeBytes) // where it is refused, a second takes more steps
	return os.NewFile(uintptr(fd), f.Name())
}
