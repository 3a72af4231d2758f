package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/library"
)

func libraryMeta(title string) library.Meta { return library.Meta{Title: title} }

func libraryPerson() library.Person { return library.Person{ID: "p", Name: "p"} }

// run gives exit code, output and errors of one command.
func run(t *testing.T, data, stdin string, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(t.Context(), Process{Version: "1.2.3", Args: append([]string{"--data", data}, args...), In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestUserAddBesideAServingHub(t *testing.T) {
	data := t.TempDir()
	r := start(t, data)
	code, out, errs := run(t, data, "mật khẩu đủ dài\r\n", "user", "add", "--name", "lan", "--role", "officer")
	if code != 0 || !strings.Contains(out, "added lan, officer of the whole tree") {
		t.Fatalf("%d %s %s", code, out, errs)
	}
	r.json("", "POST", "login", `{"name":"lan","password":"mật khẩu đủ dài"}`).want(t, 200, "")
	for _, tc := range []struct {
		name, stdin, code string
		args              []string
	}{
		{"again", "mật khẩu đủ dài", "NAME_TAKEN", []string{"--name", "lan", "--role", "officer"}},
		{"no password", "", "PASSWORD_SHORT", []string{"--name", "hoa", "--role", "officer"}},
		{"no such role", "mật khẩu đủ dài", "ROLE_UNKNOWN", []string{"--name", "hoa", "--role", "root"}},
		{"no such area", "mật khẩu đủ dài", "AREA_NOT_FOUND", []string{"--name", "hoa", "--role", "officer", "--area", "nowhere"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, _, errs := run(t, data, tc.stdin, append([]string{"user", "add"}, tc.args...)...)
			if code != 1 || !strings.Contains(errs, tc.code) {
				t.Errorf("%d %s", code, errs)
			}
		})
	}
}

func TestDataFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"serve"}, {"trust", "init"}, {"user", "add", "--name", "lan", "--role", "officer"}} {
		t.Run(args[0], func(t *testing.T) {
			if code, _, errs := run(t, filepath.Join(file, "hub"), "mật khẩu đủ dài", args...); code != 1 || !strings.Contains(errs, "DATA_FOLDER") {
				t.Errorf("%d %s", code, errs)
			}
		})
	}
}

func TestTrustCommands(t *testing.T) {
	data := filepath.Join(t.TempDir(), "hub")
	if code, _, errs := run(t, data, "", "trust", "show"); code != 1 || !strings.Contains(errs, "TRUST_MISSING") {
		t.Errorf("show before init: %d %s", code, errs)
	}
	code, out, errs := run(t, data, "", "trust", "init")
	if code != 0 || !strings.Contains(out, "trust document 1") || !strings.Contains(out, "ALARM") {
		t.Fatalf("init: %d %s %s", code, out, errs)
	}
	for _, name := range []string{rootKeyFile, "planner-key", "urgent-key", "time-key"} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if code, _, errs := run(t, data, "", "trust", "init"); code != 1 || !strings.Contains(errs, "TRUST_EXISTS") {
		t.Errorf("init again: %d %s", code, errs)
	}
	if err := os.Remove(filepath.Join(data, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := run(t, data, "", "trust", "show"); code != 0 || strings.Contains(out, "ALARM") {
		t.Errorf("show without the root key: %d %s", code, out)
	}
	if err := os.Remove(filepath.Join(data, "time-key")); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), Options{Data: data}); err == nil || !strings.Contains(err.Error(), "TRUST_KEY_MISSING") {
		t.Errorf("a hub without a key of the document: %v", err)
	}
}

func TestTrustInitGoesOnWhereItWasCutShort(t *testing.T) {
	data := t.TempDir()
	first, err := initTrust(data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, trustFolder)); err != nil {
		t.Fatal(err)
	}
	again, err := initTrust(data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.newest().Doc().Roles.Root.Keys, first.newest().Doc().Roles.Root.Keys; got[0] != want[0] {
		t.Errorf("other keys: %v, %v", got, want)
	}
}

func TestDoctor(t *testing.T) {
	speech(t) // ffmpeg is among what it looks for
	data := filepath.Join(t.TempDir(), "hub")
	if code, out, errs := run(t, data, "", "doctor"); code != 1 || !strings.Contains(out, "FAIL  data folder") || !strings.Contains(errs, "DOCTOR_FAILED") {
		t.Errorf("before serve: %d %s %s", code, out, errs)
	}
	r := start(t, data)
	code, out, errs := run(t, data, "", "doctor")
	for _, line := range []string{"ok    data folder", "WARN  database", "ok    ffmpeg", "ok    trust", "WARN  root key"} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if code != 0 {
		t.Errorf("%d %s", code, errs)
	}
	r.join("minh", "admin", "")
	if err := os.Remove(filepath.Join(data, rootKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, out, _ := run(t, data, "", "doctor"); strings.Contains(out, "WARN  database") || strings.Contains(out, "WARN  root key") {
		t.Errorf("after both were put right:\n%s", out)
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := run(t, t.TempDir(), "", "--version"); code != 0 || !strings.Contains(out, "1.2.3") {
		t.Errorf("%d %s", code, out)
	}
}
