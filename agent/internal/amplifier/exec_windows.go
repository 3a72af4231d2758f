package amplifier

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"syscall"
)

// apart makes a command one that can be killed with all it started; Ctrl-C is for the agent alone.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
	cmd.Cancel = func() error {
		ctx, cancel := context.WithTimeout(context.Background(), reaping)
		defer cancel()
		tree := exec.CommandContext(ctx, "taskkill", "/T", "/F", "/PID", strconv.Itoa(cmd.Process.Pid)).Run()
		if tree == nil {
			return nil
		}
		return errors.Join(tree, cmd.Process.Kill())
	}
}
