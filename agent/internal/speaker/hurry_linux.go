package speaker

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// hurry puts this process before ordinary ones, where that is allowed (root, CAP_SYS_NICE, RLIMIT_NICE): on a
// machine with something else to do, sound that comes 100 ms late is a hole. Priorities belong to threads;
// those to come inherit them.
func hurry() {
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
