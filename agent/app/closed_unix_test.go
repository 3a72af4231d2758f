//go:build unix

package app

import (
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
)

// TestNoFileIsOtherUsers walks everything an agent has written in a whole life, under the umask of a careless machine.
func TestNoFileIsOtherUsers(t *testing.T) {
	old := syscall.Umask(0)
	t.Cleanup(func() { syscall.Umask(old) })
	dir := filepath.Join(t.TempDir(), "agent")
	h := newPairHub(t)
	a := start(t, dir, machine("1"))
	if status, code := a.press(t, "pair", `{"hub":"`+h.url+`","code":"0123456789AB"}`); status != 200 {
		t.Fatal(status, code)
	}
	a.await(t, "words to compare", stage(console.EnrolWords))
	h.admin <- struct{}{}
	if status, code := a.press(t, "compared", `{"same":true}`); status != 200 {
		t.Fatal(status, code)
	}
	select {
	case <-a.Started():
	case <-within(t, 20*time.Second).Done():
		t.Fatal("it does not start")
	}
	if status, code := a.press(t, "pin", `{"new_pin":"2468"}`); status != 200 {
		t.Fatal(status, code)
	}
	if status, code := a.press(t, "stop", ""); status != 200 {
		t.Fatal(status, code)
	}
	a.stop()
	pair(t, dir) // sets the first pairing aside
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[d.Name()] = true
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pairingFile, keyFile, pinFile, "clock.json", "state.db", "audio.db", "trust.json"} {
		if !seen[name] {
			t.Errorf("%s was not looked at: %v", name, seen)
		}
	}
}
