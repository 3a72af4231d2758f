//go:build !windows

package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/problem"
)

// Host is this machine's systemd and where it keeps what makes a service.
type Host struct {
	Program  string // this program's file
	Unit     []byte
	Users    []byte // for systemd-sysusers
	Settings []byte // as shipped
	Say      func(format string, args ...any)

	root  string // of the machine, "" for this one's; tests have their own
	admin bool
	run   func(ctx context.Context, argv ...string) (string, error)
}

// Open gives the service manager of this machine.
func Open(h Host) *Host {
	h.admin, h.run = os.Geteuid() == 0, call
	return &h
}

// Main runs the agent: systemd wants nothing more of it, and keeps its standard error.
func Main(ctx context.Context, _ bool, agent func(context.Context) error) error { return agent(ctx) }

var (
	errNoManager = problem.New("SERVICE_NO_MANAGER", 501,
		"Máy này không chạy systemd nên không cài được dịch vụ. Cho loa-agent run vào chương trình khởi động của máy.",
		"This machine does not run systemd, so no service can be installed. Let the machine's own start-up run loa-agent run.")
	errPackaged = problem.New("SERVICE_PACKAGED", 409,
		"Dịch vụ này do gói loa-agent cài. Cài, gỡ bằng apt install, apt remove hoặc apt purge loa-agent.",
		"This service came with the package loa-agent. Install and remove it by apt install, apt remove or apt purge loa-agent.")
)

// Where things are put. The unit names the program.
const (
	programFile  = "/usr/bin/loa-agent"
	unitFile     = "/etc/systemd/system/loa-agent.service"
	usersFile    = "/etc/sysusers.d/loa-agent.conf"
	settingsFile = "/etc/loa/agent.yaml"
	dataFolder   = "/var/lib/loa-agent"
)

// Install makes the service, or brings it up to this program, and starts it. Settings that are there stay.
func (h *Host) Install(ctx context.Context) error {
	if err := h.may(); err != nil {
		return err
	}
	program, err := os.ReadFile(h.Program)
	if err != nil {
		return fmt.Errorf("read this program: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
		mode fs.FileMode
	}{{programFile, program, 0o755}, {usersFile, h.Users, 0o644}, {unitFile, h.Unit, 0o644}} {
		if err := h.write(f.name, f.text, f.mode); err != nil {
			return err
		}
	}
	if _, err := h.run(ctx, "systemd-sysusers", filepath.Base(usersFile)); err != nil {
		return errManager.With(err)
	}
	if _, err := os.Stat(h.root + settingsFile); errors.Is(err, fs.ErrNotExist) {
		if err := h.write(settingsFile, h.Settings, 0o640); err != nil {
			return err
		}
		if _, err := h.run(ctx, "chgrp", Name, h.root+settingsFile); err != nil {
			return errManager.With(err)
		}
	}
	for _, argv := range [][]string{{"systemctl", "daemon-reload"}, {"systemctl", "enable", "--quiet", Name}, {"systemctl", "restart", Name}} {
		if _, err := h.run(ctx, argv...); err != nil {
			return errManager.With(err)
		}
	}
	h.Say("Đã cài và khởi động dịch vụ. / The service is installed and started.\n  %s\n  %s\n  %s\n  journalctl -u %s\n", programFile, settingsFile, dataFolder, Name)
	return nil
}

// Uninstall ends and removes the service, and with purge its data, settings and user too.
func (h *Host) Uninstall(ctx context.Context, purge bool) error {
	if err := h.may(); err != nil {
		return err
	}
	if !h.there(unitFile) && !purge {
		return errNotInstalled
	}
	if h.there(unitFile) {
		if _, err := h.run(ctx, "systemctl", "disable", "--quiet", "--now", Name); err != nil {
			return errManager.With(err)
		}
	}
	for _, name := range []string{unitFile, usersFile, programFile} {
		if err := os.Remove(h.root + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove service: %w", err)
		}
	}
	if _, err := h.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return errManager.With(err)
	}
	if !purge {
		h.Say("Đã gỡ dịch vụ. Còn lại trên máy: / The service is removed. What stays:\n  %s\n  %s\n"+
			"Xóa cả các mục đó: / To remove these too: loa-agent service uninstall --purge\n", settingsFile, dataFolder)
		return nil
	}
	return h.purge(ctx)
}

func (h *Host) purge(ctx context.Context) error {
	for _, name := range []string{dataFolder, settingsFile} {
		if err := os.RemoveAll(h.root + name); err != nil {
			return fmt.Errorf("remove data: %w", err)
		}
	}
	_ = os.Remove(h.root + filepath.Dir(settingsFile)) // not when the hub's settings are there
	if users, err := os.ReadFile(h.root + "/etc/passwd"); err == nil && bytes.Contains(append([]byte("\n"), users...), []byte("\n"+Name+":")) {
		if _, err := h.run(ctx, "userdel", Name); err != nil {
			return errManager.With(err)
		}
	}
	h.Say("Đã gỡ dịch vụ cùng toàn bộ dữ liệu. / The service and all of its data are removed.\n")
	return nil
}

// Start starts the service.
func (h *Host) Start(ctx context.Context) error { return h.control(ctx, "start") }

// Stop ends it until it is started, or the machine is.
func (h *Host) Stop(ctx context.Context) error { return h.control(ctx, "stop") }

func (h *Host) control(ctx context.Context, verb string) error {
	switch {
	case !h.there("/run/systemd/system"):
		return errNoManager
	case !h.there(unitFile) && !h.packaged():
		return errNotInstalled
	case !h.admin:
		return errNotAdmin
	}
	if _, err := h.run(ctx, "systemctl", verb, Name); err != nil {
		return errManager.With(err)
	}
	return nil
}

// Status asks systemd.
func (h *Host) Status(ctx context.Context) (State, error) {
	switch {
	case !h.there("/run/systemd/system"):
		return State{}, errNoManager
	case !h.there(unitFile) && !h.packaged():
		return State{}, nil
	}
	active, _ := h.run(ctx, "systemctl", "is-active", Name)   // its exit code says no more than its word
	enabled, _ := h.run(ctx, "systemctl", "is-enabled", Name) // likewise
	return State{Installed: true, Starts: enabled == "enabled", Running: active == "active", Detail: active + ", " + enabled}, nil
}

// may tells whether a person may install or remove the service here.
func (h *Host) may() error {
	switch {
	case h.packaged():
		return errPackaged
	case !h.there("/run/systemd/system"):
		return errNoManager
	case !h.admin:
		return errNotAdmin
	}
	return nil
}

// packaged tells whether the package brought the service.
func (h *Host) packaged() bool { return h.there("/usr/lib/systemd/system/loa-agent.service") }

func (h *Host) there(name string) bool {
	_, err := os.Stat(h.root + name)
	return err == nil
}

// write puts a file in its place as a whole: the program may be running, and the power may go.
func (h *Host) write(name string, text []byte, mode fs.FileMode) (err error) {
	path := h.root + name
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".loa-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", name, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, wrong := f.Write(text)
	if err := errors.Join(wrong, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// call runs a command of the machine and gives its first line.
func call(ctx context.Context, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute) // the agent has 45 s to end
	defer cancel()
	var said, wrong bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(wrong.String()))
	}
	return strings.TrimSpace(said.String()), err
}
