package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

func TestOneHubIsOnDuty(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { dutyContract(t, "", t.TempDir()) })
	t.Run("PostgreSQL", func(t *testing.T) { dutyContract(t, storetest.Empty(t, storetest.Server(t), "duty"), "") })
}

func dutyContract(t *testing.T, database, dir string) {
	db, err := store.Open(t.Context(), database, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	hub := func(name string, lease time.Duration) duty {
		return duty{name: "test", hub: name, db: db, log: slog.New(slog.DiscardHandler), lease: lease}
	}
	has := func(d duty) bool {
		t.Helper()
		is, err := d.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	serving := make(chan string, 10) // names, and "" for who ended
	// follow is a hub that runs until stop.
	follow := func(name string, lease time.Duration) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- hub(name, lease).follow(ctx, func(ctx context.Context) error {
				serving <- name
				<-ctx.Done()
				serving <- ""
				return nil
			})
		}()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	next := func(want string) {
		t.Helper()
		select {
		case got := <-serving:
			if got != want {
				t.Fatalf("%q serves, want %q", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%q does not serve", want)
		}
	}
	if dead := hub("dead", 400*time.Millisecond); !has(dead) || has(hub("one", time.Second)) {
		t.Error("not one hub has the duty") // and it dies now
	}
	stopOne := follow("one", time.Second)
	next("one")
	stopOther := follow("other", time.Second)
	if has(hub("third", time.Second)) {
		t.Error("another hub took the duty of one that lives")
	}
	stopOne()
	next("")
	next("other")
	if _, err := db.ExecContext(t.Context(), "UPDATE hub_duties SET hub = 'thief', until = until + 60000"); err != nil {
		t.Fatal(err)
	}
	next("") // it slept, and another has it now
	stopOther()

	failed := errors.New("the job fails")
	if err := (duty{name: "fails", hub: "one", db: db, log: slog.New(slog.DiscardHandler), lease: time.Second}).follow(t.Context(),
		func(context.Context) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}
