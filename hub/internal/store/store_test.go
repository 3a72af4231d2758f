package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

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
	t.Run("postgres is refused plainly", func(t *testing.T) {
		var p *problem.Error
		if _, err := Open(ctx, "postgres://x/y", dir); !errors.As(err, &p) || p.Code != "DATABASE_UNSUPPORTED" {
			t.Fatalf("got %v", err)
		}
	})
}

// TestWriters: read-then-write transactions of many goroutines must all go through (stack.md: without
// immediate transactions 491 of 800 failed).
func TestWriters(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE counter (n BIGINT NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO counter VALUES (0)"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
					var n int
					if err := tx.NewRaw("SELECT n FROM counter").Scan(ctx, &n); err != nil {
						return err
					}
					_, err := tx.ExecContext(ctx, "UPDATE counter SET n = ?", n+1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.NewRaw("SELECT n FROM counter").Scan(ctx, &n); err != nil || n != 160 {
		t.Fatalf("counted %d, %v", n, err)
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
