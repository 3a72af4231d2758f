package rig

import "syscall"

// dieWithParent keeps a killed test from leaving servers behind, and Ctrl-C for the one who started them.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
