package app

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// console collects what a hub prints.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // has one token after each piece
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
	return c.text.Write(p)
}

func (c *console) String() string { c.mu.Lock(); defer c.mu.Unlock(); return c.text.String() }

// link gives the set-up link once it is printed.
func (c *console) link(t *testing.T) *url.URL {
	t.Helper()
	for {
		select {
		case <-c.more:
		case <-time.After(30 * time.Second):
			t.Fatalf("no link in %q", c.String())
		}
		if found := regexp.MustCompile(`http://\S+/setup\?code=\S+`).FindString(c.String()); found != "" {
			u, err := url.Parse(found)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
	}
}

// startOn starts a hub that prints on a console.
func startOn(t *testing.T, data string) (*running, *console) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &console{more: make(chan struct{}, 1)}
	a, err := New(ctx, Options{Data: data, Console: c})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r := &running{App: a, t: t}
	r.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		r.stop = func() {}
	}
	t.Cleanup(func() { r.stop() })
	return r, c
}

func TestFirstStartPrintsALinkOnce(t *testing.T) {
	data := t.TempDir()
	r, printed := startOn(t, data)
	old := printed.link(t)
	if old.Host != r.Addr() || !strings.Contains(printed.String(), "quản trị viên đầu tiên") {
		t.Errorf("printed %s", printed)
	}
	r.json("", "POST", "login", `{"name":"admin","password":"admin"}`).want(t, 401, "LOGIN_FAILED")
	r.stop()

	r, printed = startOn(t, data) // again, before anybody used it: the old link is over
	link := printed.link(t)
	for code, want := range map[string]int{old.Query().Get("code"): 403, link.Query().Get("code"): 201} {
		a := r.json("", "POST", "setup", `{"code":"`+code+`","name":"minh","password":"`+password+`"}`)
		if a.status != want {
			t.Errorf("%d %s, want %d", a.status, a.body, want)
		}
	}
	r.json("", "POST", "login", `{"name":"minh","password":"`+password+`"}`).want(t, 200, "")
	r.stop()

	r, printed = startOn(t, data)
	r.json("", "POST", "login", `{"name":"minh","password":"`+password+`"}`).want(t, 200, "") // it serves
	if strings.Contains(printed.String(), "setup") {
		t.Errorf("with an admin it printed %s", printed)
	}
}

func TestUserCommands(t *testing.T) {
	data := t.TempDir()
	if code, _, errs := run(t, data, password, "user", "add", "--name", "minh", "--role", "admin"); code != 0 {
		t.Fatal(errs)
	}
	if code, out, errs := run(t, data, "", "user", "list"); code != 0 || !strings.Contains(out, "minh") || !strings.Contains(out, "admin    of the whole tree\n") {
		t.Errorf("%d %q %s", code, out, errs)
	}
	if code, _, errs := run(t, data, "kurz", "user", "reset", "--name", "minh"); code != 1 || !strings.Contains(errs, "PASSWORD_SHORT") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := run(t, data, password, "user", "reset", "--name", "nobody"); code != 1 || !strings.Contains(errs, "PERSON_NOT_FOUND") {
		t.Errorf("%d %s", code, errs)
	}
	if code, _, errs := run(t, data, "một câu khác hẳn", "user", "reset", "--name", "minh"); code != 0 {
		t.Fatal(errs)
	}
	r := start(t, data)
	r.json("", "POST", "login", `{"name":"minh","password":"`+password+`"}`).want(t, 401, "LOGIN_FAILED")
	r.json("", "POST", "login", `{"name":"minh","password":"một câu khác hẳn"}`).want(t, 200, "")
}

// The commands beside a hub that serves: a head is kept, the log grows, somebody changes the file.
func TestAuditCommands(t *testing.T) {
	data := t.TempDir()
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	code, head, errs := run(t, data, "", "audit", "head")
	if code != 0 || !strings.Contains(head, "audit-head.v1+json") {
		t.Fatalf("%d %s %s", code, head, errs)
	}
	if info, err := os.Stat(filepath.Join(data, auditKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v %v", info, err)
	}
	kept := filepath.Join(t.TempDir(), "head.json")
	if err := os.WriteFile(kept, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	r.json(admin, "POST", "areas", `{"code":"xa-b","name":"Xã B"}`).want(t, 201, "")
	if code, out, errs := run(t, data, "", "audit", "verify"); code != 0 || !strings.Contains(out, "3 lines, one whole chain;") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if code, out, errs := run(t, data, "", "audit", "verify", "--head", kept); code != 0 || !strings.Contains(out, "line 2 was kept") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	forged := strings.Replace(head, `"sig":"`, `"sig":"AA`, 1)
	for name, c := range map[string]struct{ text, code string }{"a forged head": {forged, "AUDIT_HEAD_FOREIGN"}, "no head at all": {"", "AUDIT_HEAD_FOREIGN"}} {
		file := filepath.Join(t.TempDir(), "head.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := run(t, data, "", "audit", "verify", "--head", file); code != 1 || !strings.Contains(errs, c.code) {
			t.Errorf("%s: %d %s", name, code, errs)
		}
	}
	if code, _, errs := run(t, data, "", "audit", "verify", "--head", kept+".none"); code != 1 || !strings.Contains(errs, "AUDIT_HEAD_FILE") {
		t.Errorf("%d %s", code, errs)
	}
	if _, err := r.db.ExecContext(t.Context(), `DELETE FROM audit WHERE seq >= 2`); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := run(t, data, "", "audit", "verify"); code != 0 {
		t.Errorf("a cut tail shows without a head? %d %s", code, errs)
	}
	if code, out, errs := run(t, data, "", "audit", "verify", "--head", kept); code != 1 || !strings.Contains(errs, "AUDIT_BROKEN") || !strings.Contains(out, "line 2: cut off") {
		t.Errorf("a cut tail: %d %s %s", code, out, errs)
	}
	if _, err := r.db.ExecContext(t.Context(), `UPDATE audit SET who = 'lan' WHERE seq = 1`); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := run(t, data, "", "audit", "verify"); code != 1 || !strings.Contains(errs, "AUDIT_BROKEN") || !strings.Contains(out, "line 1: not what was written") {
		t.Errorf("an edit: %d %s %s", code, out, errs)
	}
}
