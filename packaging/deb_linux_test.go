package packaging

import (
	"archive/zip"
	"bytes"
	"context"
	"debug/elf"
	"debug/pe"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// built gives what make package has put into dist.
func built(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "dist", pattern))
	if err != nil || len(found) != 1 {
		if os.Getenv("CI") != "" {
			t.Fatalf("make package has not built one dist/%s but %q", pattern, found)
		}
		t.Skipf("dist/%s is not there: make package", pattern)
	}
	abs, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// scratch is the root of a machine that has nothing but dpkg's list of packages.
type scratch struct {
	t    *testing.T
	root string
	bin  string // its systemctl writes down how it is called
}

const users = "root:x:0:0:root:/root:/bin/sh\n"

func newScratch(t *testing.T, systemd bool) *scratch {
	t.Helper()
	s := &scratch{t: t, root: t.TempDir(), bin: t.TempDir()}
	for _, dir := range []string{"etc", "usr/bin", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"} {
		s.do(os.MkdirAll(s.path(dir), 0o755))
	}
	if systemd {
		s.do(os.MkdirAll(s.path("run/systemd/system"), 0o755))
	}
	s.do(os.WriteFile(s.path("var/lib/dpkg/status"), nil, 0o644))
	s.do(os.WriteFile(s.path("etc/passwd"), []byte(users), 0o644))
	s.do(os.WriteFile(s.path("etc/group"), []byte("root:x:0:\n"), 0o644))
	s.do(os.WriteFile(filepath.Join(s.bin, "systemctl"), []byte("#!/bin/sh\necho \"$*\" >>\"$SYSTEMCTL_CALLS\"\n"), 0o755))
	return s
}

func (s *scratch) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scratch) path(name string) string { return filepath.Join(s.root, name) }

// dpkg runs it on the scratch root and gives how systemctl was called meanwhile.
func (s *scratch) dpkg(args ...string) []string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	calls := filepath.Join(s.bin, "calls")
	_ = os.Remove(calls)
	argv := append([]string{"dpkg", "--root=" + s.root, "--log=" + filepath.Join(s.bin, "log"), "--force-script-chrootless", "--force-depends",
		"--force-confold", "--force-unsafe-io"}, args...)
	if os.Getuid() != 0 {
		argv = append([]string{"fakeroot"}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+s.bin+":/usr/sbin:/usr/bin:/sbin:/bin", "SYSTEMCTL_CALLS="+calls, "DEBIAN_FRONTEND=noninteractive")
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	raw, err := os.ReadFile(calls)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s.do(err)
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// files are all of the root but dpkg's own, with their modes.
func (s *scratch) files() map[string]fs.FileMode {
	found := map[string]fs.FileMode{}
	s.do(filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.root, path)
		if err != nil {
			return err
		}
		if name == "var/lib/dpkg" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if name != "." && err == nil {
			found[name] = info.Mode()
		}
		return err
	}))
	return found
}

var leftBySysusers = regexp.MustCompile(`^(etc/(\.pwd\.lock|g?shadow|passwd|group|passwd-|g?shadow-|group-|subuid|subgid)|etc/(passwd|group|shadow|gshadow)\.lock)$`)

func TestADebIsInstalledUpgradedRemovedAndPurged(t *testing.T) {
	for _, name := range []string{"loa-hub", "loa-agent"} {
		t.Run(name, func(t *testing.T) {
			deb := built(t, name+"_*_amd64.deb")
			s := newScratch(t, true)
			before := s.files()
			settings, data := "etc/loa/"+strings.TrimPrefix(name, "loa-")+".yaml", "var/lib/"+name

			if got, want := s.dpkg("--install", deb), []string{"daemon-reload", "enable --quiet " + name + ".service", "start " + name + ".service"}; !slices.Equal(got, want) {
				t.Errorf("installed: systemctl %q", got)
			}
			have := s.files()
			for file, mode := range map[string]fs.FileMode{
				"usr/bin/" + name: 0o755, "usr/lib/systemd/system/" + name + ".service": 0o644, "usr/lib/sysusers.d/" + name + ".conf": 0o644,
				settings: 0o640, data: fs.ModeDir | 0o700, "usr/share/doc/" + name + "/copyright": 0o644,
			} {
				if have[file] != mode {
					t.Errorf("%s has mode %v, not %v", file, have[file], mode)
				}
			}
			s.checkOwner(name, data, settings)
			s.checkRuns(name, settings)

			s.do(os.WriteFile(s.path(data+"/identity.key"), []byte("key"), 0o600))
			mine := append(s.read(settings), "\n# mine\n"...)
			s.do(os.WriteFile(s.path(settings), mine, 0o640))
			if got, want := s.dpkg("--install", deb), []string{"daemon-reload", "try-restart " + name + ".service"}; !slices.Equal(last(got, 2), want) {
				t.Errorf("upgraded: systemctl %q", got)
			}
			if got, want := s.dpkg("--remove", name), []string{"disable --quiet --now " + name + ".service", "daemon-reload"}; !slices.Equal(got, want) {
				t.Errorf("removed: systemctl %q", got)
			}
			have = s.files()
			if have["usr/bin/"+name] != 0 || have["usr/lib/systemd/system/"+name+".service"] != 0 {
				t.Error("removed, and the program is still there")
			}
			if !bytes.Equal(s.read(settings), mine) || string(s.read(data+"/identity.key")) != "key" {
				t.Error("an upgrade and a removal did not keep settings and data")
			}
			s.dpkg("--purge", name)
			have = s.files()
			for file := range have {
				if _, there := before[file]; !there && !leftBySysusers.MatchString(file) {
					t.Errorf("purged, and %s is left", file)
				}
			}
			for _, file := range []string{"etc/passwd", "etc/group"} {
				if bytes.Contains(s.read(file), []byte(name)) {
					t.Errorf("purged, and %s still knows %s: %s", file, name, s.read(file))
				}
			}
			if !strings.HasPrefix(string(s.read("etc/passwd")), users) {
				t.Errorf("etc/passwd: %s", s.read("etc/passwd"))
			}
		})
	}
}

func last(list []string, n int) []string { return list[max(0, len(list)-n):] }

func TestBothDebsLiveOnOneMachineAndServicesAreLeftAloneWithoutSystemd(t *testing.T) {
	s := newScratch(t, false)
	for _, name := range []string{"loa-hub", "loa-agent"} {
		if got := s.dpkg("--install", built(t, name+"_*_amd64.deb")); got != nil {
			t.Errorf("%s: systemctl %q where no systemd runs", name, got)
		}
	}
	if got := s.dpkg("--purge", "loa-hub"); got != nil {
		t.Errorf("purged: systemctl %q where no systemd runs", got)
	}
	have := s.files()
	if have["etc/loa/hub.yaml"] != 0 || have["var/lib/loa-hub"] != 0 || have["etc/loa/agent.yaml"] == 0 || have["var/lib/loa-agent"] == 0 {
		t.Errorf("the purge of one took the other's: %v", slices.Sorted(maps.Keys(have)))
	}
}

func (s *scratch) read(name string) []byte {
	s.t.Helper()
	raw, err := os.ReadFile(s.path(name))
	s.do(err)
	return raw
}

// checkOwner needs real rights: under fakeroot the owner is known to fakeroot alone.
func (s *scratch) checkOwner(name, data, settings string) {
	s.t.Helper()
	found := regexp.MustCompile(`(?m)^` + name + `:x:(\d+):(\d+):`).FindSubmatch(s.read("etc/passwd"))
	if found == nil {
		s.t.Fatalf("no user: %s", s.read("etc/passwd"))
	}
	if os.Getuid() != 0 {
		return
	}
	owner := func(file string) string {
		info, err := os.Stat(s.path(file))
		s.do(err)
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			s.t.Fatal("no owner")
		}
		return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
	}
	if got, want := owner(data), string(found[1])+":"+string(found[2]); got != want {
		s.t.Errorf("%s belongs to %s, not %s", data, got, want)
	}
	if got, want := owner(settings), "0:"+string(found[2]); got != want {
		s.t.Errorf("%s belongs to %s, not %s", settings, got, want)
	}
}

// checkRuns starts the installed program, which loads the installed settings.
func (s *scratch) checkRuns(name, settings string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	args := map[string][]string{"loa-hub": {"user", "list"}, "loa-agent": {"status"}}[name]
	args = append(args, "--config", s.path(settings), "--data", filepath.Join(s.bin, "data"))
	if name == "loa-agent" {
		args = append(args, "--console", "off")
	}
	cmd := exec.CommandContext(ctx, s.path("usr/bin/"+name), args...)
	cmd.Dir = s.bin
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// An arm64 package is that for amd64 with a program for the other machine: nothing here can run it.
func TestAnARM64DebIsTheSameForAnotherMachine(t *testing.T) {
	for _, name := range []string{"loa-hub", "loa-agent"} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			list := map[string]string{}
			for _, arch := range []string{"amd64", "arm64"} {
				deb := built(t, name+"_*_"+arch+".deb")
				out, err := exec.CommandContext(ctx, "dpkg-deb", "--contents", deb).Output()
				if err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(string(out)) {
					f := strings.Fields(line)
					list[arch] += f[0] + " " + f[1] + " " + f[5] + "\n"
				}
				if out, err := exec.CommandContext(ctx, "dpkg-deb", "--field", deb, "Architecture").Output(); err != nil || strings.TrimSpace(string(out)) != arch {
					t.Errorf("%s: architecture %q, %v", arch, out, err)
				}
			}
			if list["amd64"] != list["arm64"] || !strings.Contains(list["arm64"], "-rwxr-xr-x root/root ./usr/bin/"+name+"\n") {
				t.Errorf("amd64:\n%s\narm64:\n%s", list["amd64"], list["arm64"])
			}
			dir := t.TempDir()
			if out, err := exec.CommandContext(ctx, "dpkg-deb", "--extract", built(t, name+"_*_arm64.deb"), dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			program, err := elf.Open(filepath.Join(dir, "usr", "bin", name))
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			if program.Machine != elf.EM_AARCH64 {
				t.Errorf("a program for %v", program.Machine)
			}
		})
	}
}

func TestTheZipHoldsWhatWindowsNeeds(t *testing.T) {
	archive, err := zip.OpenReader(built(t, "loa-agent_*_windows_amd64.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	held := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if held[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
	}
	if got, want := slices.Sorted(maps.Keys(held)), []string{"loa-agent/LICENSE.txt", "loa-agent/README.txt", "loa-agent/install.cmd",
		"loa-agent/loa-agent.exe", "loa-agent/uninstall.cmd"}; !slices.Equal(got, want) {
		t.Fatalf("it holds %q", got)
	}
	program, err := pe.NewFile(bytes.NewReader(held["loa-agent/loa-agent.exe"]))
	if err != nil || program.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
		t.Fatalf("the program: %v", err)
	}
	for name, says := range map[string]string{"install.cmd": "service install\r\n", "uninstall.cmd": "service uninstall --purge\r\n"} {
		text := string(held["loa-agent/"+name])
		if !strings.Contains(text, says) || strings.Count(text, "\n") != strings.Count(text, "\r\n") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
