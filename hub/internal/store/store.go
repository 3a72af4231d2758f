// Package store is where the hub keeps what must last. It takes the database and blob settings from app,
// and gives every package of the hub one connection pool (each package owns its SQL, the migrations lie
// here together because their order is one) and one place for content-addressed files: audio, manifests,
// day documents. A DB and any Blobs are safe for concurrent use.
package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the "sqlite" driver, without cgo

	"github.com/loa-vn/loa/internal/problem"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DB is the hub's database, used through bun.
type DB struct {
	*bun.DB
	dialect goose.Dialect
}

// sqliteConns bounds the pool. Readers run beside the one writer in WAL mode; more connections than this
// only cost memory, because writers wait for each other anyway.
const sqliteConns = 8

// Open opens the database, making its file where needed: "" is hub.db in dataDir, "sqlite:PATH" or a plain
// path an SQLite file, "postgres://…" a database of PostgreSQL. It does not migrate.
func Open(ctx context.Context, database, dataDir string) (*DB, error) {
	if Shared(database) {
		return openPostgres(ctx, database)
	}
	path, err := Path(database, dataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make database folder: %w", err)
	}
	pool, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool.SetMaxOpenConns(sqliteConns)
	pool.SetMaxIdleConns(sqliteConns)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close() // the reason is the ping's error
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return &DB{DB: bun.NewDB(pool, sqlitedialect.New()), dialect: goose.DialectSQLite3}, nil
}

// Path gives the file of a database that Open would open; none for a shared one.
func Path(database, dataDir string) (string, error) {
	scheme, rest, has := strings.Cut(database, ":")
	switch {
	case database == "":
		return filepath.Join(dataDir, "hub.db"), nil
	case has && scheme == "sqlite":
		return strings.TrimPrefix(rest, "//"), nil
	case strings.Contains(database, "://"):
		return "", problem.New("DATABASE_UNSUPPORTED", 500,
			"Bản này chưa dùng được cơ sở dữ liệu "+scheme+". Hãy để trống mục database, hoặc ghi sqlite:ĐƯỜNG-DẪN hay postgres://….",
			"This version cannot use a "+scheme+" database. Leave database empty, or write sqlite:PATH or postgres://….").At("database")
	}
	return database, nil
}

// sqliteDSN sets what every connection of the pool needs. Immediate transactions: without, 491 of 800 write
// transactions failed busy, with it none (stack.md). synchronous FULL: a play record is acknowledged to its
// agent, which then deletes it, so a commit must survive a power cut; in WAL mode NORMAL does not promise that.
func sqliteDSN(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// Migrate brings the schema to this program's version.
func (db *DB) Migrate(ctx context.Context) error {
	p, err := db.migrations()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// Schema gives the version of the schema, and the one that Migrate would bring it to.
func (db *DB) Schema(ctx context.Context) (now, newest int64, err error) {
	p, err := db.migrations()
	if err != nil {
		return 0, 0, err
	}
	if now, newest, err = p.GetVersions(ctx); err != nil {
		return 0, 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return now, newest, nil
}

func (db *DB) migrations() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if db.dialect == goose.DialectPostgres {
		one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // hubs may start together
		if err != nil {
			return nil, fmt.Errorf("read migrations: %w", err)
		}
		files, options = inPostgres{files}, append(options, goose.WithSessionLocker(one))
	}
	p, err := goose.NewProvider(db.dialect, db.DB.DB, files, options...)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}

// Millis is how a time is kept in SQL: unix milliseconds, 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Time is the instant of Millis, in UTC; 0 gives the zero time.
func Time(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
