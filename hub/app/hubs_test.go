package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/s3"
)

// TestASecondHub: it starts with the keys of the first one, and never makes a trust document of its own.
func TestASecondHub(t *testing.T) {
	shared := Options{Database: storetest.Empty(t, storetest.Server(t), "hubs"), Blobs: s3.Start(t), Bus: natsServer(t)}
	first, second := shared, shared
	first.Data, second.Data = t.TempDir(), t.TempDir()
	r := startAs(t, first)
	if _, err := New(t.Context(), second); !errors.Is(err, errOtherTrust) {
		t.Fatalf("a hub without keys: %v", err)
	}
	if err := copyKeys(first.Data, second.Data); err != nil {
		t.Fatal(err)
	}
	other := startAs(t, second)
	admin := r.join("minh", accounts.Admin, "")
	r.json(admin, "POST", "areas", `{"code":"xa-a","name":"Xã A"}`).want(t, 201, "")
	other.json(admin, "GET", "areas/xa-a", "").want(t, 200, "")
}

func natsServer(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s.ClientURL()
}

// copyKeys does what docs/operating.md has people do for a second hub.
func copyKeys(from, to string) error {
	files, err := keptFiles(from)
	for _, file := range files {
		text, bad := os.ReadFile(filepath.Join(from, file))
		if bad == nil {
			bad = errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(to, file)), 0o700), os.WriteFile(filepath.Join(to, file), text, 0o600))
		}
		err = errors.Join(err, bad)
	}
	return err
}
