package packaging

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is a Debian whose systemd runs, in a container that forgets all when it ends.
type machine struct {
	t    *testing.T
	init string // its first process, as this machine counts
}

// boot needs what make test-systemd prepares.
func boot(t *testing.T) *machine {
	t.Helper()
	prepared := os.Getenv("LOA_SYSTEMD")
	if prepared == "" {
		t.Skip("make test-systemd")
	}
	packages := filepath.Dir(built(t, "loa-agent_*_amd64.deb"))
	said := &strings.Builder{}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, filepath.Join(prepared, "tools", "usr", "bin", "systemd-nspawn"), "--directory="+filepath.Join(prepared, "root"), "--volatile=overlay",
		"--register=no", "--keep-unit", "--private-network", "--machine=loa-test", "--console=pipe", "--bind-ro="+packages+":/opt/loa", "--boot")
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it shuts down
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t}
	t.Cleanup(func() {
		cancel()
		if err := cmd.Wait(); err != nil && t.Failed() {
			t.Logf("container: %v\n%s", err, said)
		}
	})
	m.await("the machine has started", func() bool {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		m.init, _, _ = strings.Cut(string(children), " ")
		return err == nil && m.init != "" && m.is("systemctl is-system-running", "running")
	})
	return m
}

// run has a shell in the machine run a line.
func (m *machine) run(line string) (string, error) {
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nsenter", "--target="+m.init, "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--root", "--wd", "sh", "-c", line).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (m *machine) must(line string) string {
	m.t.Helper()
	said, err := m.run(line)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", line, err, said)
	}
	return said
}

func (m *machine) is(line, want string) bool {
	said, err := m.run(line)
	return err == nil && said == want
}

func (m *machine) await(what string, done func() bool) {
	m.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			m.t.Fatal("waited in vain: " + what)
		}
	}
}

// serves waits until a service is up as its own user, and was started anew so many times.
func (m *machine) serves(name string, restarts int) {
	m.t.Helper()
	m.await(fmt.Sprintf("%s serves after %d restarts", name, restarts), func() bool {
		said, err := m.run("systemctl show -p ActiveState -p NRestarts -p User " + name)
		is := strings.Fields(said)
		slices.Sort(is)
		return err == nil && slices.Equal(is, []string{"ActiveState=active", fmt.Sprintf("NRestarts=%d", restarts), "User=" + name})
	})
}

// A real systemd starts what the packages bring, with all that their units forbid, starts it again when it was killed and
// when it hangs, and keeps nothing of it in the end.
func TestThePackagesServeUnderSystemd(t *testing.T) {
	m := boot(t)
	m.must("dpkg --force-depends --install /opt/loa/*_amd64.deb") // there is no ffmpeg and no sound here
	m.serves("loa-hub", 0)
	m.serves("loa-agent", 0)
	for _, name := range []string{"loa-hub", "loa-agent"} {
		if said := m.must("systemctl is-enabled " + name); said != "enabled" {
			t.Errorf("%s at the next start: %s", name, said)
		}
	}
	if said, _ := m.run("loa-agent doctor"); !strings.Contains(said, "running: true") || !strings.Contains(said, "DOCTOR_PAIRING") || !strings.Contains(said, "CARD_MISSING") {
		t.Errorf("doctor:\n%s", said)
	}

	for i, signal := range []string{"KILL", "STOP"} { // the second is the watchdog's
		m.must("systemctl kill --signal=" + signal + " loa-agent")
		m.serves("loa-agent", 1+i)
	}

	m.must("loa-agent service stop")
	if said, err := m.run("loa-agent service status"); err == nil || !strings.Contains(said, "SERVICE_NOT_RUNNING") {
		t.Errorf("stopped: %v\n%s", err, said)
	}
	m.must("loa-agent service start")
	if said := m.must("loa-agent service status"); !strings.Contains(said, "running (active, enabled)") {
		t.Errorf("started: %s", said)
	}

	for _, want := range []string{"/etc/loa\n", "/var/lib/loa-agent\n", "/usr/bin/loa-hub\n", "multi-user.target.wants/loa-agent.service", "loa-hub:x:"} {
		if said := m.loas(); !strings.Contains(said, want) {
			t.Errorf("%q is not among\n%s", want, said)
		}
	}
	m.must("dpkg --purge loa-agent loa-hub")
	m.keepsNothing()
}

// The program alone makes a service of itself.
func TestAProgramServesUnderSystemd(t *testing.T) {
	m := boot(t)
	m.must("mkdir /tmp/deb && dpkg --extract /opt/loa/loa-agent_*_amd64.deb /tmp/deb && cp /tmp/deb/usr/bin/loa-agent /tmp/loa-agent")
	m.must("/tmp/loa-agent service install")
	m.serves("loa-agent", 0)
	if said := m.must("loa-agent service uninstall"); !strings.Contains(said, "/var/lib/loa-agent") || !strings.Contains(said, "--purge") {
		t.Errorf("it does not say what stays: %s", said)
	}
	m.must("test -e /etc/loa/agent.yaml && test -e /var/lib/loa-agent && ! test -e /usr/bin/loa-agent")
	m.must("/tmp/loa-agent service install && /tmp/loa-agent service uninstall --purge")
	m.keepsNothing()
}

// loas are the files and users of Loa.
func (m *machine) loas() string {
	said, _ := m.run("find / -xdev -path /proc -prune -o -path /opt -prune -o -path /tmp -prune -o -name '*loa-[ah]*' -print -o -path /etc/loa -print; getent passwd loa-agent loa-hub")
	return said
}

func (m *machine) keepsNothing() {
	m.t.Helper()
	if left := m.loas(); left != "" {
		m.t.Errorf("left:\n%s", left)
	}
	if !m.is("systemctl is-system-running", "running") {
		m.t.Errorf("systemd:\n%s", m.must("systemctl --failed --no-pager"))
	}
}
