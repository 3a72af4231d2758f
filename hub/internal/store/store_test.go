package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/problem"
)

func TestOpen(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, database := range map[string]string{
		"default":           "",
		"path":              filepath.Join(dir, "folder with %20 ? and #", "a.db"),
		"sqlite: and path":  "sqlite:" + filepath.Join(dir, "b.db"),
		"sqlite:// address": "sqlite://" + filepath.Join(dir, "c.db"),
	} {
		t.Run(name, func(t *testing.T) {
			db, err := Open(ctx, database, filepath.Join(dir, "data"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for range 2 {
				if err := db.Migrate(ctx); err != nil {
					t.Fatal(err)
				}
			}
			var mode string
			var keys int
			if err := db.NewRaw("PRAGMA journal_mode").Scan(ctx, &mode); err != nil || mode != "wal" {
				t.Fatalf("journal mode %q, %v", mode, err)
			}
			if err := db.NewRaw("PRAGMA foreign_keys").Scan(ctx, &keys); err != nil || keys != 1 {
				t.Fatalf("foreign keys %d, %v", keys, err)
			}
		})
	}
	for name, c := range map[string]struct{ address, code string }{
		"another kind of database": {"mysql://x/y", "DATABASE_UNSUPPORTED"},
		"PostgreSQL is not there":  {"postgres://loa:secret@127.0.0.1:1/loa", "DATABASE_UNREACHABLE"},
		"an address that is none":  {"postgres://loa:secret@127.0.0.1:port/loa", "DATABASE_UNREACHABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			var p *problem.Error
			if _, err := Open(ctx, c.address, dir); !errors.As(err, &p) || p.Code != c.code || strings.Contains(err.Error(), "secret") {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestMillis(t *testing.T) {
	at := time.Date(2026, 11, 24, 5, 30, 0, 7e6, time.UTC)
	if got := Time(Millis(at)); !got.Equal(at) {
		t.Errorf("there and back: %v", got)
	}
	if !Time(Millis(time.Time{})).IsZero() {
		t.Error("the zero time does not stay zero")
	}
}
