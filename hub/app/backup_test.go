package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/seal"
)

// files gives the SHA-256 of what lies below a folder, by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		all[strings.TrimPrefix(path, dir+"/")] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// told runs a command that must do its work.
func told(t *testing.T, data string, args ...string) string {
	t.Helper()
	code, out, errs := run(t, data, "", args...)
	if code != 0 {
		t.Fatalf("%v: %d %s", args, code, errs)
	}
	return out
}

// refused runs a command that must be refused.
func refused(t *testing.T, code, data string, args ...string) {
	t.Helper()
	if exit, out, errs := run(t, data, "", args...); exit != 1 || !strings.Contains(errs, code) {
		t.Errorf("%v: %d %s %s, want %s", args, exit, out, errs, code)
	}
}

// TestBackupAndRestore takes a backup of a hub that serves, goes on working, and brings the backup back elsewhere.
func TestBackupAndRestore(t *testing.T) {
	sound, data, safe := speech(t), t.TempDir(), t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	report, _ := r.upload(admin, sound, "Tìm hiểu pháp luật").want(t, 201, "")["id"].(string)
	want := r.await(admin, report)
	before := r.awaitHeadAbove(agent, 0)

	backup := filepath.Join(safe, "hub.tar")
	if out := told(t, data, "backup", backup); !strings.Contains(out, "keep it where nobody else can read it") {
		t.Errorf("said %s", out)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info.Mode(), err)
	}
	refused(t, "BACKUP_EXISTS", data, "backup", backup)
	if left := files(t, safe); len(left) != 1 {
		t.Errorf("beside the backup lies %v", left)
	}
	kept := files(t, filepath.Join(data, "blobs"))
	r.json(admin, "POST", "areas", `{"code":"xa-b","name":"Xã B"}`).want(t, 201, "") // is not in it
	r.stop()

	there := filepath.Join(t.TempDir(), "hub")
	if out := told(t, there, "restore", backup); !strings.Contains(out, "Everybody signs in again") {
		t.Errorf("said %s", out)
	}
	refused(t, "DATA_NOT_EMPTY", there, "restore", backup)
	got := files(t, there)
	for name, sum := range kept {
		if got["blobs/"+name] != sum {
			t.Errorf("blob %s came back as %q", name, got["blobs/"+name])
		}
	}
	was := files(t, data)
	for _, name := range []string{"planner-key", "urgent-key", "time-key", "trust/00000001.json"} {
		if got[name] != was[name] {
			t.Errorf("%s came back as %q", name, got[name])
		}
	}
	if got[rootKeyFile] != "" || was[rootKeyFile] == "" {
		t.Error("the root key is in the backup")
	}
	if out := told(t, there, "audit", "verify"); !strings.Contains(out, "one whole chain") {
		t.Errorf("audit log: %s", out)
	}

	r = start(t, there)
	r.json(admin, "GET", "areas", "").want(t, 401, "NOT_SIGNED_IN")
	r.json("", "POST", "login", `{"name":"minh","password":"`+password+`"}`).want(t, 200, "")
	admin = r.join("hoa", accounts.Admin, "")
	if again := r.json(admin, "GET", "reports/"+report, "").want(t, 200, ""); again["sha256"] != want["sha256"] || again["state"] != want["state"] {
		t.Errorf("the report came back as %v", again)
	}
	r.json(admin, "GET", "areas/xa-b", "").want(t, 404, "AREA_NOT_FOUND")
	r.awaitHeadAbove(agent, before+1000) // an agent has got others since the backup
}

// TestABackupIsRestoredTwice restores a backup, and an hour later the same one: agents have got plans and orders of the hub
// in between, and refuse what is not above these.
func TestABackupIsRestoredTwice(t *testing.T) {
	data := t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	r.awaitHeadAbove(agent, 0)
	file := filepath.Join(t.TempDir(), "hub.tar")
	told(t, data, "backup", file)
	r.stop()
	tar, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	type numbers struct{ Plan, Order int64 }
	restored := func(at time.Time) (n numbers) {
		there := t.TempDir()
		target, err := newTarget(t.Context(), config.Hub{Data: there})
		if err != nil {
			t.Fatal(err)
		}
		target.now = at
		if _, err := target.fill(t.Context(), bytes.NewReader(tar)); err != nil {
			t.Fatal(err)
		}
		db, err := store.Open(t.Context(), "", there)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		err = db.NewRaw("SELECT (SELECT MIN(reserved) FROM plans), (SELECT MIN(last) FROM order_sequence)").Scan(t.Context(), &n.Plan, &n.Order)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := restored(time.Now())
	const hour = 500 // plans of one agent, or orders, that the first could have given in it
	if second := restored(time.Now().Add(time.Hour)); second.Plan < first.Plan+hour || second.Order < first.Order+hour {
		t.Errorf("restored at %+v, an hour later at %+v", first, second)
	}
	if old := restored(time.Now().AddDate(1, 0, 0)); old.Plan >= seal.MaxJump || old.Order >= seal.MaxJump {
		t.Errorf("a backup of a year is restored at %+v, which agents refuse", old)
	}
}

func TestRestoreThatCannotBe(t *testing.T) {
	data := t.TempDir()
	start(t, data).stop()
	backup := filepath.Join(t.TempDir(), "hub.tar")
	told(t, data, "backup", backup)
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	cut := filepath.Join(t.TempDir(), "cut.tar")
	if err := os.WriteFile(cut, whole[:len(whole)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("nothing to back up", func(t *testing.T) {
		refused(t, "NOTHING_TO_BACK_UP", t.TempDir(), "backup", filepath.Join(t.TempDir(), "x.tar"))
	})
	t.Run("over a hub", func(t *testing.T) { refused(t, "DATA_NOT_EMPTY", data, "restore", backup) })
	t.Run("cut off", func(t *testing.T) {
		there := t.TempDir()
		refused(t, "BACKUP_DAMAGED", there, "restore", cut)
		if left := files(t, there); len(left) != 1 || left["lock"] == "" {
			t.Errorf("left: %v", left)
		}
		told(t, there, "restore", backup)
	})
	t.Run("by standard input", func(t *testing.T) {
		var out, errs bytes.Buffer
		there := t.TempDir()
		code := Main(t.Context(), Process{Args: []string{"--data", there, "restore", "-"}, In: bytes.NewReader(whole), Out: &out, Err: &errs})
		if code != 0 {
			t.Errorf("%d %s", code, errs.String())
		}
	})
	t.Run("broken off by a power cut", func(t *testing.T) {
		there := t.TempDir()
		told(t, there, "restore", backup)
		// As if the power had gone before the database came to its place.
		if err := os.Mkdir(filepath.Join(there, restoring), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(there, "hub.db"), filepath.Join(there, "hub.db."+restoring)); err != nil {
			t.Fatal(err)
		}
		refused(t, "RESTORE_UNFINISHED", there, "serve", "--listen", "127.0.0.1:0")
		told(t, there, "restore", backup)
		if got := files(t, there); got["hub.db"] == "" || got["hub.db."+restoring] != "" {
			t.Errorf("after the second restore: %v", got)
		}
	})
	t.Run("made by a newer hub", func(t *testing.T) {
		newer := t.TempDir()
		start(t, newer).stop()
		db, err := store.Open(t.Context(), "", newer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		backup := filepath.Join(t.TempDir(), "newer.tar")
		told(t, newer, "backup", backup)
		refused(t, "BACKUP_NEWER", t.TempDir(), "restore", backup)
	})
}
