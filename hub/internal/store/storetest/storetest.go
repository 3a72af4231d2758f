// Package storetest opens databases for the tests of the hub's packages: SQLite files as a rule, PostgreSQL where
// LOA_TEST_DATABASE names a server (scripts/postgres runs one around a command), so that every test of a query is one
// on both. Safe for tests that run side by side.
package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/internal/postgres"
)

// Env names the environment variable with the address of a PostgreSQL server's own database.
const Env = "LOA_TEST_DATABASE"

// Database gives what store.Open shall open for a hub whose data folder is dir: "" for SQLite. One folder has one
// database as long as the test runs.
func Database(t testing.TB, dir string) string {
	t.Helper()
	server := os.Getenv(Env)
	if server == "" {
		if err := begin(dir); err != nil {
			t.Fatal(err)
		}
		return ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(dir))
	name := fmt.Sprintf("t%d_%s", os.Getpid(), hex.EncodeToString(sum[:12]))
	made, err := create(context.Background(), server, name)
	if err != nil {
		t.Fatal(err)
	}
	if !made {
		return on(server, name)
	}
	t.Cleanup(func() {
		if err := release(context.Background(), server, name); err != nil {
			t.Error(err)
		}
	})
	return on(server, name)
}

// begin puts a database into a folder that has none, as its migrations leave it: to migrate takes most of a test's time.
func begin(dir string) error {
	file := filepath.Join(dir, "hub.db")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	made, err := template()
	if err != nil {
		return err
	}
	return os.WriteFile(file, made, 0o600)
}

var template = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "storetest-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := store.Open(context.Background(), "", dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(db.Migrate(context.Background()), db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "hub.db"))
})

// Server gives the address of a PostgreSQL server's own database: the one of the environment, else one that runs as long
// as the test. Without PostgreSQL the test is skipped, but not where all tools were set up.
func Server(t testing.TB) string {
	t.Helper()
	if server := os.Getenv(Env); server != "" {
		return server
	}
	s, err := postgres.Start(t.Context())
	if errors.Is(err, postgres.ErrMissing) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s.URL("postgres")
}

// Empty makes a database without any table on a server, for as long as the test runs.
func Empty(t testing.TB, server, name string) string {
	t.Helper()
	name = fmt.Sprintf("%s_%d", name, os.Getpid())
	if err := session(context.Background(), server, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `CREATE DATABASE "`+name+`"`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(context.Background(), server, name); err != nil {
			t.Error(err)
		}
	})
	return on(server, name)
}

func on(server, name string) string {
	at, options, _ := strings.Cut(server, "?")
	return at[:strings.LastIndex(at, "/")+1] + name + "?" + options
}

// create gives a migrated database its name: one that an earlier test has no more use for, or a new one. False when there
// is one of that name.
func create(ctx context.Context, server, name string) (made bool, err error) {
	err = session(ctx, server, func(ctx context.Context, c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "SELECT pg_advisory_lock(1)"); err != nil { // with the connection it goes
			return err
		}
		if there, err := exists(ctx, c, name); err != nil || there {
			return err
		}
		made = true
		var free string
		err := c.QueryRow(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1) LIMIT 1", unused).Scan(&free)
		if errors.Is(err, pgx.ErrNoRows) {
			return migrate(ctx, c, server, name)
		} else if err == nil {
			_, err = c.Exec(ctx, `ALTER DATABASE "`+free+`" RENAME TO "`+name+`"`)
		}
		return err
	})
	return made, err
}

// unused begins the names of databases that wait for a test. They have the process's number too: only tests of one
// program have one schema for sure.
var unused = fmt.Sprintf("unused%d_", os.Getpid())

// release empties a database for the next test: to make one takes ten times as long.
func release(ctx context.Context, server, name string) error {
	err := session(ctx, on(server, name), func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
			SET session_replication_role = replica;
			DO $$ DECLARE t record; BEGIN
				FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version' LOOP
					EXECUTE format('DELETE FROM %I', t.tablename);
				END LOOP;
			END $$;
			INSERT INTO languages SELECT * FROM seed.languages`)
		return err
	})
	if err != nil {
		return err
	}
	return session(ctx, server, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `ALTER DATABASE "`+name+`" RENAME TO "`+unused+name+`"`)
		if err != nil { // a connection of it ends late
			_, err = c.Exec(ctx, `DROP DATABASE "`+name+`" WITH (FORCE)`)
		}
		return err
	})
}

func migrate(ctx context.Context, c *pgx.Conn, server, name string) (err error) {
	if _, err := c.Exec(ctx, `CREATE DATABASE "`+name+`"`); err != nil {
		return err
	}
	db, err := store.Open(ctx, on(server, name), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "CREATE SCHEMA seed; CREATE TABLE seed.languages AS TABLE languages") // what release gives back
	return err
}

func exists(ctx context.Context, c *pgx.Conn, name string) (there bool, err error) {
	err = c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there)
	return there, err
}

func drop(ctx context.Context, server, name string) error {
	return session(ctx, server, func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, `DROP DATABASE IF EXISTS "`+name+`" WITH (FORCE)`)
		return err
	})
}

func session(ctx context.Context, server string, do func(context.Context, *pgx.Conn) error) (err error) {
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	return do(ctx, c)
}
