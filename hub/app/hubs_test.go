package app

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/s3"
	"github.com/loa-vn/loa/internal/seal"
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

// TestHubsWithABusOfTheirOwn: they take the key of those that serve, and hear each other by it.
func TestHubsWithABusOfTheirOwn(t *testing.T) {
	shared := Options{Database: storetest.Empty(t, storetest.Server(t), "hubs"), Blobs: s3.Start(t), Bus: config.BusOfHubs, BusHubs: []string{freeAddr(t), freeAddr(t)}}
	first, second := shared, shared
	first.Data, first.BusListen = t.TempDir(), shared.BusHubs[0]
	second.Data, second.BusListen = t.TempDir(), shared.BusHubs[1]
	r := startAs(t, first)
	until(t, "the first hub says that it serves", func() bool {
		n, err := r.db.NewSelect().Table("hubs").Count(t.Context())
		return err == nil && n > 0
	})
	if err := copyKeys(first.Data, second.Data); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(second.Data, busKeyFile)
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), second); !errors.Is(err, errOtherBus) {
		t.Fatalf("a hub without the key: %v", err)
	}
	if _, err := seal.LoadOrCreateKey(key); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), second); !errors.Is(err, errOtherBus) {
		t.Fatalf("a hub with another key: %v", err)
	}
	if err := os.WriteFile(key, right, 0o600); err != nil {
		t.Fatal(err)
	}
	other := startAs(t, second)
	until(t, "they hear each other", func() bool { return r.heardHubs() == 2 && other.heardHubs() == 2 })
}

// TestARunningHubShowsNoProfiler: it is linked, with nats-server, and nobody gets at it.
func TestARunningHubShowsNoProfiler(t *testing.T) {
	r := start(t, t.TempDir())
	admin := r.join("minh", accounts.Admin, "")
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof", "/debug/vars"} {
		r.ask(admin, "GET", path, "", nil).want(t, 404, "NOT_FOUND")
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !is(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not so in time: %s", what)
		}
	}
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

// Only a database that nobody else can write to may be remembered instead of read.
func TestAHubIsAlone(t *testing.T) {
	for database, want := range map[string]bool{
		"": true, "sqlite:/srv/hub/hub.db": true, "sqlite:///srv/hub/./fleet.db": true, "/srv/hub/hub.db": true,
		"sqlite:/srv/hub.db": false, "sqlite:/srv/hub/of/another/hub.db": false, "postgres://loa@db/srv/hub/": false, "mysql://db": false,
	} {
		if got := (&App{o: Options{Data: "/srv/hub/", Database: database}}).alone(); got != want {
			t.Errorf("with %q it is alone: %v", database, got)
		}
	}
	file := filepath.Join(t.TempDir(), "hub.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		data  string
		alone bool
	}{"database": {linked(t, file), false}, "data folder": {filepath.Join(linked(t, filepath.Dir(file)), "hub.db"), true}} {
		if got := (&App{o: Options{Data: test.data}}).alone(); got != test.alone {
			t.Errorf("with a link as its %s it is alone: %v", what, got)
		}
	}
}
