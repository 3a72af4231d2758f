package packaging

import (
	"archive/zip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// windowsPC is a folder of wine's.
type windowsPC struct {
	t   *testing.T
	dir string // drive C:
	env []string
}

// TestTheZipInstallsAndRemovesItselfUnderWine needs what make test-windows prepares.
func TestTheZipInstallsAndRemovesItselfUnderWine(t *testing.T) {
	prefix := os.Getenv("LOA_WINE")
	if prefix == "" {
		t.Skip("make test-windows")
	}
	pc := &windowsPC{t: t, dir: filepath.Join(prefix, "drive_c"), env: append(os.Environ(), "WINEPREFIX="+prefix, "WINEDEBUG=-all")}
	pc.keepOn()
	program := pc.extract(built(t, "loa-agent_*_windows_amd64.zip"))
	t.Cleanup(func() { _, _ = pc.run(program, "service", "uninstall", "--purge") }) // where the test ended before its end

	if said, err := pc.run(program, "service", "status"); err == nil || !strings.Contains(said, "SERVICE_NOT_INSTALLED") {
		t.Fatalf("before: %v\n%s", err, said)
	}
	pc.must(program, "service", "install")
	settings, err := os.ReadFile(pc.path("ProgramData/Loa/agent.yaml"))
	if err != nil || !strings.Contains(string(settings), "\ndata: 'C:\\ProgramData\\Loa\\agent'\r\n") {
		t.Errorf("settings: %v\n%s", err, settings)
	}
	if said := pc.must(program, "service", "status"); !strings.Contains(said, "running; ") && !strings.Contains(said, "running (running)") {
		t.Errorf("status: %s", said)
	}
	pc.awaitLog(1)
	pc.must(program, "service", "install") // an update
	pc.awaitLog(2)
	pc.must(program, "service", "stop")
	if said, err := pc.run(program, "service", "status"); err == nil || !strings.Contains(said, "SERVICE_NOT_RUNNING") {
		t.Errorf("stopped: %v\n%s", err, said)
	}
	pc.must(program, "service", "start")
	pc.awaitLog(3)
	if said := pc.must(program, "service", "uninstall"); !strings.Contains(said, `C:\ProgramData\Loa\agent.yaml`) || !strings.Contains(said, "--purge") {
		t.Errorf("it does not say what stays: %s", said)
	}
	if left := pc.files("Program Files/Loa"); left != nil {
		t.Errorf("removed, and there are %q", left)
	}
	if left := fmt.Sprint(pc.files("ProgramData/Loa")); !strings.Contains(left, "agent.yaml") || !strings.Contains(left, "clock.json") {
		t.Errorf("removed, and of settings and data there are %s", left)
	}
	pc.must(program, "service", "uninstall", "--purge")
	if left := pc.files("ProgramData/Loa"); left != nil {
		t.Errorf("purged, and there are %q", left)
	}
}

func (pc *windowsPC) path(name string) string { return filepath.Join(pc.dir, filepath.FromSlash(name)) }

// keepOn holds a program open for as long as the test goes: wine ends its services when no other runs.
func (pc *windowsPC) keepOn() {
	pc.t.Helper()
	cmd := exec.Command("wine", "cmd")
	cmd.Env = pc.env
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		pc.t.Fatal(err)
	}
	pc.t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // its end is all that is wanted
	})
}

func (pc *windowsPC) extract(archive string) (program string) {
	pc.t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		pc.t.Fatal(err)
	}
	defer r.Close()
	dir := pc.path("extracted")
	if err := os.RemoveAll(dir); err != nil {
		pc.t.Fatal(err)
	}
	if err := os.CopyFS(dir, r); err != nil {
		pc.t.Fatal(err)
	}
	return filepath.Join(dir, "loa-agent", "loa-agent.exe")
}

func (pc *windowsPC) run(argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(pc.t.Context()), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "wine", argv...)
	cmd.Env, cmd.WaitDelay = pc.env, 5*time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (pc *windowsPC) must(argv ...string) string {
	pc.t.Helper()
	said, err := pc.run(argv...)
	if err != nil {
		pc.t.Fatalf("%q: %v\n%s", argv[1:], err, said)
	}
	return said
}

// awaitLog waits until the service has begun so many times, by its log.
func (pc *windowsPC) awaitLog(times int) {
	pc.t.Helper()
	ctx, cancel := context.WithTimeout(pc.t.Context(), 30*time.Second)
	defer cancel()
	for {
		raw, err := os.ReadFile(pc.path("ProgramData/Loa/agent/log/loa-agent.log"))
		if strings.Count(string(raw), "not paired") >= times {
			return
		}
		select {
		case <-ctx.Done():
			pc.t.Fatalf("the service did not begin %d times: %v\n%s", times, err, raw)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (pc *windowsPC) files(dir string) []string {
	pc.t.Helper()
	var found []string
	err := filepath.WalkDir(pc.path(dir), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			found = append(found, path)
		}
		return nil // what is not there is the answer
	})
	if err != nil {
		pc.t.Fatal(err)
	}
	return found
}
