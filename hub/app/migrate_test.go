package app

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/s3"
)

// TestMigrate moves a hub with a report, people, a plan and its audit log to PostgreSQL and S3, and goes on there.
func TestMigrate(t *testing.T) {
	sound, data := speech(t), t.TempDir()
	const agent = "01a20972-a42a-7d88-a076-8cfe699912a5"
	pairedAgent(t, data, agent, "xa-a")
	r := start(t, data)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	report, _ := r.upload(admin, sound, "Tìm hiểu pháp luật").want(t, 201, "")["id"].(string)
	r.await(admin, report)
	r.awaitHeadAbove(agent, 0)
	database, blobs := storetest.Empty(t, storetest.Server(t), "moved"), s3.Start(t)

	refused(t, "MIGRATE_TO", data, "migrate")
	refused(t, "MIGRATE_TO", data, "migrate", "--to", "mysql://x")
	refused(t, "NOTHING_TO_BACK_UP", t.TempDir(), "migrate", "--to", database)
	refused(t, "DATA_IN_USE", data, "migrate", "--to", database, "--to", blobs)
	before, err := r.planner.Head(t.Context(), agent)
	if err != nil {
		t.Fatal(err)
	}
	want := r.json(admin, "GET", "reports/"+report, "").want(t, 200, "")
	r.stop()
	told(t, data, "migrate", "--to", database, "--to", blobs)
	refused(t, "DATABASE_NOT_EMPTY", data, "migrate", "--to", database)

	r = startAs(t, Options{Data: data, Database: database, Blobs: blobs})
	got := r.json(admin, "GET", "reports/"+report, "").want(t, 200, "")
	for _, field := range []string{"title", "state", "sha256", "duration_ms", "loudness_lufs", "created_at"} {
		if got[field] != want[field] {
			t.Errorf("%s is %v, was %v", field, got[field], want[field])
		}
	}
	after, err := r.planner.Head(t.Context(), agent)
	if err != nil || after.Version != before.Version || !bytes.Equal(after.Envelope, before.Envelope) {
		t.Errorf("the agent's head is version %d, was %d, %v", after.Version, before.Version, err)
	}
	if n, faults, err := r.accounts.Verify(t.Context(), nil); err != nil || len(faults) > 0 || n < 3 {
		t.Errorf("audit log: %d lines, %v, %v", n, faults, err)
	}
	second, _ := r.upload(admin, sound, "Một phóng sự nữa").want(t, 201, "")["id"].(string)
	r.await(admin, second)
	r.stop()

	// What it is now can be backed up and brought back to SQLite and a folder.
	backup, there := filepath.Join(t.TempDir(), "hub.tar"), filepath.Join(t.TempDir(), "hub")
	told(t, data, "backup", backup, "--database", database, "--blobs", blobs)
	refused(t, "RESTORE_SHARED", there, "restore", backup, "--database", database)
	told(t, there, "restore", backup)
	r = start(t, there)
	admin = r.join("hoa", accounts.Admin, "")
	for _, id := range []string{report, second} {
		r.json(admin, "GET", "reports/"+id, "").want(t, 200, "")
	}
}
