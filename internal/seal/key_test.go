package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "planner.key")
	made, err := LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadOrCreateKey(path)
	if err != nil || again.ID() != made.ID() || !made.Public().Verify([]byte("x"), again.Sign([]byte("x"))) {
		t.Fatalf("the key is another after loading: %v", err)
	}
	if err := CreateKey(path, made); !errors.Is(err, fs.ErrExist) {
		t.Errorf("written over: %v", err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if runtime.GOOS == "windows" {
		return // no such modes
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); err == nil {
			t.Errorf("loaded with mode %v", mode)
		}
		if k, err := LoadOrCreateKey(path); err == nil || len(k.Private()) != 0 {
			t.Errorf("made anew over a key with mode %v", mode)
		}
	}
}

func TestLoadKeyRefusesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	good, err := testKey(t, "k").PEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "text": "secret", "cut": string(good[:len(good)/2]), "two keys": string(good) + string(good),
		"certificate": strings.ReplaceAll(string(good), "PRIVATE KEY", "CERTIFICATE"),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if _, err := LoadKey(dir); err == nil {
		t.Error("a folder: loaded")
	}
}

func TestPublicKeyText(t *testing.T) {
	want := testKey(t, "k").Public()
	var got PublicKey
	if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
		t.Errorf("%s read as %s: %v", want, got, err)
	}
	for name, text := range map[string]string{
		"no prefix": strings.TrimPrefix(want.String(), publicPrefix), "short": "ed25519:AAAA", "empty": "",
		"line break": want.String()[:12] + "\n" + want.String()[12:], "not padded": strings.TrimRight(want.String(), "="),
	} {
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	k := testKey(t, "k")
	seed := fmt.Sprintf("%v", k.private[:4])
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(format, k); !strings.Contains(out, k.Public().String()) || strings.Contains(out, strings.Trim(seed, "[]")) {
			t.Errorf("%s prints %s", format, out)
		}
	}
}
