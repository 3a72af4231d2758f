package app

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/loa-vn/loa/hub/internal/accounts"
)

// Who gets hold of the data folder, a backup of it for example, gets nobody's password, session or token with it.
func TestNoSecretOfAPersonLiesInTheDataFolder(t *testing.T) {
	data := t.TempDir()
	r := start(t, data)
	token := r.join("minh", accounts.Admin, "")
	login := r.json("", "POST", "login", `{"name":"minh","password":"`+password+`"}`)
	login.want(t, 200, "")
	var session string
	for _, c := range (&http.Response{Header: login.header}).Cookies() {
		session = c.Value
	}
	var made struct{ Token string }
	if err := json.Unmarshal(r.json(token, "POST", "tokens", `{"label":"x"}`).body, &made); err != nil || made.Token == "" {
		t.Fatal(err)
	}
	if len(session) < 20 || len(token) < 20 {
		t.Fatalf("session %q, token %q", session, token)
	}
	files := 0
	look := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for name, secret := range map[string]string{"password": password, "session": session, "token": token, "token by the api": made.Token} {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("the %s lies in %s", name, strings.TrimPrefix(path, data))
			}
		}
		return err
	}
	if err := filepath.WalkDir(data, look); err != nil || files < 5 {
		t.Errorf("%d files were read, %v", files, err)
	}
}
