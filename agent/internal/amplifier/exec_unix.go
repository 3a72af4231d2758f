//go:build unix

package amplifier

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// apart puts a command in a process group of its own, so that the whole of it can be killed, and Ctrl-C is for the
// agent alone, which then switches off.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
}
