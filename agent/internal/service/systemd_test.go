//go:build !windows

package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/problem"
)

// machine is a scratch root with a systemd that writes down what it is asked.
type machine struct {
	*Host
	t     *testing.T
	calls []string
	said  string
	fails string // this call does
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t}
	program := filepath.Join(t.TempDir(), "loa-agent")
	m.must(os.WriteFile(program, []byte("program"), 0o700))
	m.Host = &Host{Program: program, Unit: []byte("unit"), Users: []byte("users"), Settings: []byte("#data: x\n"), root: t.TempDir(), admin: true,
		Say: func(format string, args ...any) { m.said += fmt.Sprintf(format, args...) },
		run: func(_ context.Context, argv ...string) (string, error) {
			line := strings.ReplaceAll(strings.Join(argv, " "), m.root, "")
			m.calls = append(m.calls, line)
			if line == m.fails {
				return "failed", errors.New("it failed")
			}
			return map[string]string{"systemctl is-active loa-agent": "active", "systemctl is-enabled loa-agent": "enabled"}[line], nil
		}}
	m.must(os.MkdirAll(m.root+"/run/systemd/system", 0o755))
	m.must(os.MkdirAll(m.root+"/etc", 0o755))
	m.must(os.WriteFile(m.root+"/etc/passwd", []byte("root:x:0:0::/:/bin/sh\nloa-agent:x:9:9::/:/bin/sh\n"), 0o644))
	return m
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) files() map[string]fs.FileMode {
	found := map[string]fs.FileMode{}
	m.must(filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			found[strings.TrimPrefix(path, m.root)] = info.Mode()
		}
		return err
	}))
	delete(found, "/etc/passwd")
	return found
}

func TestTheServiceIsInstalledAndRemoved(t *testing.T) {
	m := newMachine(t)
	m.must(m.Install(t.Context()))
	want := map[string]fs.FileMode{programFile: 0o755, unitFile: 0o644, usersFile: 0o644, settingsFile: 0o640}
	if got := m.files(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("installed: %v", got)
	}
	if want := []string{"systemd-sysusers loa-agent.conf", "chgrp loa-agent " + settingsFile, "systemctl daemon-reload",
		"systemctl enable --quiet loa-agent", "systemctl restart loa-agent"}; !slices.Equal(m.calls, want) {
		t.Errorf("installed by %q", m.calls)
	}
	if st, err := m.Status(t.Context()); err != nil || st != (State{Installed: true, Starts: true, Running: true, Detail: "active, enabled"}) || st.Problem() != nil {
		t.Errorf("%+v, %v", st, err)
	}

	// Again, with another program and settings of one's own.
	m.must(os.WriteFile(m.root+settingsFile, []byte("name: mine\n"), 0o640))
	m.must(os.WriteFile(m.Program, []byte("newer"), 0o700))
	m.must(m.Install(t.Context()))
	if got, _ := os.ReadFile(m.root + programFile); string(got) != "newer" {
		t.Errorf("the program is still %q", got)
	}
	if got, _ := os.ReadFile(m.root + settingsFile); string(got) != "name: mine\n" {
		t.Errorf("the settings are %q", got)
	}

	m.must(os.MkdirAll(m.root+dataFolder, 0o700))
	m.must(os.WriteFile(m.root+dataFolder+"/identity.key", []byte("key"), 0o600))
	m.calls, m.said = nil, ""
	m.must(m.Uninstall(t.Context(), false))
	if want := []string{"systemctl disable --quiet --now loa-agent", "systemctl daemon-reload"}; !slices.Equal(m.calls, want) {
		t.Errorf("removed by %q", m.calls)
	}
	if got, want := m.files(), map[string]fs.FileMode{settingsFile: 0o640, dataFolder + "/identity.key": 0o600}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("what stays: %v", got)
	}
	if !strings.Contains(m.said, settingsFile) || !strings.Contains(m.said, dataFolder) || !strings.Contains(m.said, "--purge") {
		t.Errorf("it does not say what stays: %s", m.said)
	}
	if err := m.Uninstall(t.Context(), false); !errors.Is(err, errNotInstalled) {
		t.Errorf("again: %v", err)
	}
	if st, err := m.Status(t.Context()); err != nil || !errors.Is(st.Problem(), errNotInstalled) {
		t.Errorf("%+v, %v", st, err)
	}
	m.calls = nil
	m.must(m.Uninstall(t.Context(), true))
	if got := m.files(); len(got) != 0 || !slices.Contains(m.calls, "userdel loa-agent") {
		t.Errorf("purged, and %v is left (%q)", got, m.calls)
	}
	if m.there("/etc/loa") || m.there(dataFolder) {
		t.Error("purged, and a folder is left")
	}
}

func TestAPurgeLeavesTheHubAlone(t *testing.T) {
	m := newMachine(t)
	m.must(m.Install(t.Context()))
	m.must(os.WriteFile(m.root+"/etc/loa/hub.yaml", nil, 0o640))
	m.must(m.Uninstall(t.Context(), true))
	if !m.there("/etc/loa/hub.yaml") {
		t.Error("the hub's settings are gone")
	}
}

func TestTheServiceIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		of   func(*machine)
		do   func(*machine) error
		want *problem.Error
	}{
		"install without rights":   {func(m *machine) { m.admin = false }, func(m *machine) error { return m.Install(t.Context()) }, errNotAdmin},
		"install without systemd":  {func(m *machine) { m.must(os.RemoveAll(m.root + "/run")) }, func(m *machine) error { return m.Install(t.Context()) }, errNoManager},
		"install beside a package": {packaged, func(m *machine) error { return m.Install(t.Context()) }, errPackaged},
		"remove a package":         {packaged, func(m *machine) error { return m.Uninstall(t.Context(), true) }, errPackaged},
		"start what is not there":  {func(*machine) {}, func(m *machine) error { return m.Start(t.Context()) }, errNotInstalled},
		"stop without rights": {func(m *machine) { packaged(m); m.admin = false },
			func(m *machine) error { return m.Stop(t.Context()) }, errNotAdmin},
		"systemd fails": {func(m *machine) { m.fails = "systemctl restart loa-agent" }, func(m *machine) error { return m.Install(t.Context()) }, errManager},
		"sysusers fail": {func(m *machine) { m.fails = "systemd-sysusers loa-agent.conf" }, func(m *machine) error { return m.Install(t.Context()) }, errManager},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			c.of(m)
			if err := c.do(m); !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func packaged(m *machine) {
	m.must(os.MkdirAll(m.root+"/usr/lib/systemd/system", 0o755))
	m.must(os.WriteFile(m.root+"/usr/lib/systemd/system/loa-agent.service", nil, 0o644))
}

func TestAPackagesServiceIsStartedAndStopped(t *testing.T) {
	m := newMachine(t)
	packaged(m)
	m.must(m.Start(t.Context()))
	m.must(m.Stop(t.Context()))
	if want := []string{"systemctl start loa-agent", "systemctl stop loa-agent"}; !slices.Equal(m.calls, want) {
		t.Errorf("%q", m.calls)
	}
	m.fails = "systemctl is-active loa-agent"
	if st, err := m.Status(t.Context()); err != nil || !errors.Is(st.Problem(), errNotRunning) {
		t.Errorf("%+v, %v", st, err)
	}
}
