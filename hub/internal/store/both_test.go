package store_test

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

// TestDatabases is what every database must keep, on SQLite and on PostgreSQL.
func TestDatabases(t *testing.T) {
	for name, address := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Empty(t, storetest.Server(t), "contract") },
	} {
		t.Run(name, func(t *testing.T) { databaseContract(t, address(t)) })
	}
}

func open(t *testing.T, address, dir string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), address, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func databaseContract(t *testing.T, address string) {
	ctx, dir := context.Background(), t.TempDir()
	t.Run("hubs that start together migrate once", func(t *testing.T) {
		one, other := open(t, address, dir), open(t, address, dir)
		var wg sync.WaitGroup
		for _, db := range []*store.DB{one, other} {
			if address == "" && db == other { // SQLite has one hub
				continue
			}
			wg.Go(func() {
				if err := db.Migrate(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if err := other.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		if now, newest, err := other.Schema(ctx); err != nil || now != newest || now == 0 {
			t.Fatalf("schema %d of %d, %v", now, newest, err)
		}
	})
	db, other := open(t, address, dir), open(t, address, dir) // as two hubs
	exec := func(t *testing.T, db *store.DB, query string, args ...any) sql.Result {
		t.Helper()
		res, err := db.ExecContext(ctx, query, args...)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	exec(t, db, "CREATE TABLE counter (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)")
	exec(t, db, "INSERT INTO counter VALUES (1, 0)")

	t.Run("transactions that read and then write lose nothing", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 8 {
			at := db
			if i%2 == 1 {
				at = other
			}
			wg.Go(func() {
				for range 10 {
					if err := at.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
						var n int
						if err := tx.NewRaw("SELECT n FROM counter").Scan(ctx, &n); err != nil {
							return err
						}
						_, err := tx.ExecContext(ctx, "UPDATE counter SET n = ?", n+1)
						return err
					}); err != nil {
						t.Error(err)
					}
					// A statement by itself comes between no transaction's read and its write.
					if _, err := at.ExecContext(ctx, "UPDATE counter SET n = n + 1"); err != nil {
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
	})
	t.Run("a failed transaction leaves nothing and holds up nobody", func(t *testing.T) {
		broken := errors.New("broken")
		if err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			exec := func(q string) { _, _ = tx.ExecContext(ctx, q) }
			exec("UPDATE counter SET n = -1")
			return broken
		}); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(ctx, "INSERT INTO counter VALUES (1, 5)"); err == nil {
			t.Fatal("a key twice")
		}
		var n int
		if err := other.NewRaw("UPDATE counter SET n = n + 1 RETURNING n").Scan(ctx, &n); err != nil || n != 161 {
			t.Fatalf("%d, %v", n, err)
		}
		if rows, err := exec(t, db, "UPDATE counter SET n = 0 WHERE n = ?", 161).RowsAffected(); err != nil || rows != 1 {
			t.Fatalf("%d rows, %v", rows, err)
		}
	})
	t.Run("text is compared by its bytes", func(t *testing.T) {
		for _, name := range []string{"é", "Z", "a", "_", "đ", "10", "9"} {
			exec(t, db, "INSERT INTO areas (code, name, parent, policy, dayparts, version, created_at, updated_at) VALUES (?, '', NULL, '', '', 1, 0, 0)", name)
		}
		var got []string
		if err := db.NewRaw("SELECT code FROM areas ORDER BY code").Scan(ctx, &got); err != nil || strings.Join(got, " ") != "10 9 Z _ a é đ" {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

// TestCopy moves a database from SQLite to PostgreSQL and back.
func TestCopy(t *testing.T) {
	ctx, server, dir := t.Context(), storetest.Server(t), t.TempDir()
	from := open(t, "", dir)
	if err := from.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		`INSERT INTO areas (code, name, parent, policy, dayparts, version, created_at, updated_at) VALUES ('a', 'Xã', NULL, '{"x":"''\"\\"}', '[]', 1, 1790000000123, 0)`,
		`INSERT INTO areas (code, name, parent, policy, dayparts, version, created_at, updated_at) VALUES ('b', 'Tỉnh', NULL, '', '', 9223372036854775807, -1, 0)`,
		`UPDATE areas SET parent = 'b' WHERE code = 'a'`, // it comes before the one above it
		`INSERT INTO people (id, name, role, area, password_hash, disabled, created_at) VALUES ('p', 'Lan', 'admin', '', 'x', TRUE, 5)`,
		`INSERT INTO people (id, name, role, area, password_hash, disabled, created_at) VALUES ('q', 'Minh', 'admin', '', 'x', FALSE, 5)`,
		`INSERT INTO tokens (id, person, label, hash, created_at, expires_at) VALUES ('t', 'p', '', 'h', 1, 2)`,
	} {
		if _, err := from.DB.DB.ExecContext(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	to := open(t, storetest.Empty(t, server, "copy"), "")
	languages, err := from.NewSelect().Table("languages").Count(ctx)
	if err != nil || languages == 0 {
		t.Fatal(languages, err)
	}
	if n, err := store.Copy(ctx, from, to); err != nil || n != 5+int(languages) {
		t.Fatalf("copied %d, %v", n, err)
	}
	if _, err := store.Copy(ctx, from, to); !errors.Is(err, store.ErrNotEmpty) {
		t.Fatalf("a second copy: %v", err)
	}
	file := filepath.Join(t.TempDir(), "back.db")
	if err := to.CopyTo(ctx, file); err != nil {
		t.Fatal(err)
	}
	back := open(t, "sqlite:"+file, "")
	for name, db := range map[string]*store.DB{"in PostgreSQL": to, "back in SQLite": back} {
		counts, err := db.Content(ctx)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
		if !maps.Equal(counts, map[string]int{"areas": 2, "languages": int(languages), "people": 2, "tokens": 1}) {
			t.Errorf("%s: %v", name, counts)
		}
		var policy, who string
		var version, created int64
		err = errors.Join(db.NewRaw("SELECT policy, created_at FROM areas WHERE parent = 'b'").Scan(ctx, &policy, &created),
			db.NewRaw("SELECT version FROM areas WHERE parent IS NULL").Scan(ctx, &version),
			db.NewRaw("SELECT id FROM people WHERE disabled").Scan(ctx, &who))
		if err != nil || policy != `{"x":"'\"\\"}` || created != 1790000000123 || version != 9223372036854775807 || who != "p" {
			t.Errorf("%s: %s %d %d %s, %v", name, policy, created, version, who, err)
		}
		if _, err := db.ExecContext(ctx, "DELETE FROM people WHERE id = 'p'"); err == nil {
			t.Errorf("%s: foreign keys are not watched", name)
		}
	}
}

// TestQueriesMeetPostgreSQL: a package of the hub whose tests open SQLite by name would keep its queries from PostgreSQL.
func TestQueriesMeetPostgreSQL(t *testing.T) {
	plain := regexp.MustCompile(`store\.Open\([^,]+, "",`)
	files, err := filepath.Glob("../*/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	make, err := os.ReadFile("../../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Base(filepath.Dir(file))
		if dir == "store" || dir == "backup" || dir == "ingest" { // what they test is the file, or they start PostgreSQL themselves
			continue
		}
		if plain.Match(text) {
			t.Errorf("%s opens SQLite by name: write storetest.Database(t, dir) in the place of \"\"", file)
		}
		if strings.Contains(string(text), "storetest.Database(") && !strings.Contains(string(make), " "+dir) {
			t.Errorf("make test does not run %s on PostgreSQL: name it in ON_POSTGRES", dir)
		}
	}
}
