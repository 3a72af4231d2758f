package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/problem"
)

// ErrNotEmpty refuses to copy into a database that holds something.
var ErrNotEmpty = problem.New("DATABASE_NOT_EMPTY", http.StatusConflict,
	"Cơ sở dữ liệu đích đã có dữ liệu. Hãy tạo một cơ sở dữ liệu trống rồi chạy lại.",
	"The database to copy into holds something already. Create an empty one and run this again.")

// copyBatch is how many rows one statement writes.
const copyBatch = 200

// CopyTo writes the database as it is at one moment to a file that must not be there yet; others may read and write
// meanwhile.
func (db *DB) CopyTo(ctx context.Context, file string) (err error) {
	if db.dialect == goose.DialectSQLite3 {
		if _, err := db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
			return fmt.Errorf("copy database: %w", err)
		}
		return nil
	}
	to, err := Open(ctx, "sqlite:"+file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	_, err = Copy(ctx, db, to)
	return err
}

// Copy brings all rows of one database into another, which must be empty, as they are at one moment, and gives how many
// there are. The schema of both must be, and becomes, this program's. After an error the other is empty still.
func Copy(ctx context.Context, from, to *DB) (rows int, err error) {
	if err := to.Migrate(ctx); err != nil {
		return 0, err
	}
	if now, newest, err := from.Schema(ctx); err != nil {
		return 0, err
	} else if now != newest {
		return 0, fmt.Errorf("copy database: its schema is version %d, this program's %d", now, newest)
	}
	err = from.RunInTx(ctx, &sql.TxOptions{ReadOnly: from.dialect == goose.DialectPostgres, Isolation: from.oneMoment()}, func(ctx context.Context, in bun.Tx) error {
		return to.RunInTx(ctx, nil, func(ctx context.Context, out bun.Tx) error {
			rows, err = copyAll(ctx, from, to, in, out)
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("copy database: %w", err)
	}
	return rows, nil
}

// oneMoment is the isolation in which all reads see the same.
func (db *DB) oneMoment() sql.IsolationLevel {
	if db.dialect == goose.DialectPostgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault // SQLite has no other
}

// seeded is the one table that a migration puts rows into.
const seeded = "languages"

func copyAll(ctx context.Context, from, to *DB, in, out bun.Tx) (rows int, err error) {
	tables, err := from.tables(ctx, in)
	if err != nil {
		return 0, err
	}
	immediate, err := to.deferKeys(ctx, out)
	if err != nil {
		return 0, err
	}
	for _, table := range tables {
		if table == seeded { // its rows are a migration's, and from has its own of them
			if _, err := out.NewDelete().Table(table).Where("TRUE").Exec(ctx); err != nil {
				return 0, err
			}
		}
		if n, err := out.NewSelect().Table(table).Count(ctx); err != nil {
			return 0, err
		} else if n > 0 {
			return 0, ErrNotEmpty.At(table)
		}
		n, err := copyTable(ctx, in, out, table)
		if err != nil {
			return 0, fmt.Errorf("table %s: %w", table, err)
		}
		rows += n
	}
	return rows, errors.Join(immediate(), to.raiseIdentities(ctx, out))
}

func copyTable(ctx context.Context, in, out bun.Tx, table string) (total int, err error) {
	rows, err := in.QueryContext(ctx, "SELECT * FROM ?", bun.Ident(table))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return 0, err
	}
	args := []any{bun.Ident(table)}
	for _, column := range types {
		args = append(args, bun.Ident(column.Name()))
	}
	tuple, head := "(?"+strings.Repeat(", ?", len(types)-1)+")", len(args)
	write := func() error {
		n := (len(args) - head) / len(types)
		if n == 0 {
			return nil
		}
		_, err := out.ExecContext(ctx, "INSERT INTO ? "+tuple+" VALUES "+tuple+strings.Repeat(", "+tuple, n-1), args...)
		total, args = total+n, args[:head]
		return err
	}
	for rows.Next() {
		values, into := make([]any, len(types)), make([]any, len(types))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return 0, err
		}
		for i, column := range types {
			if n, isNumber := values[i].(int64); isNumber && column.DatabaseTypeName() == "BOOLEAN" { // SQLite's
				values[i] = n != 0
			}
		}
		if args = append(args, values...); len(args) == head+copyBatch*len(types) {
			if err := write(); err != nil {
				return 0, err
			}
		}
	}
	return total, errors.Join(rows.Err(), write())
}

// tables gives the names of all tables but the one of the migrations.
func (db *DB) tables(ctx context.Context, tx bun.Tx) (names []string, err error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
	if db.dialect == goose.DialectPostgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
	}
	if err := tx.NewRaw(query).Scan(ctx, &names); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == goose.DefaultTablename }), nil
}

// deferKeys lets a transaction write rows before those that they refer to; what it gives looks at them all.
func (db *DB) deferKeys(ctx context.Context, tx bun.Tx) (immediate func() error, err error) {
	if db.dialect == goose.DialectSQLite3 {
		_, err := tx.ExecContext(ctx, "PRAGMA defer_foreign_keys = ON") // until the commit, which looks at them
		return func() error { return nil }, err
	}
	var keys []struct{ Table, Name string }
	err = tx.NewRaw(`SELECT conrelid::regclass::text AS "table", conname AS name FROM pg_constraint
		WHERE contype = 'f' AND connamespace = current_schema()::regnamespace`).Scan(ctx, &keys)
	if err != nil {
		return nil, fmt.Errorf("list foreign keys: %w", err)
	}
	alter := func(how string) error {
		for _, k := range keys {
			if _, err := tx.ExecContext(ctx, "ALTER TABLE ? ALTER CONSTRAINT ? ?", bun.Safe(k.Table), bun.Ident(k.Name), bun.Safe(how)); err != nil {
				return fmt.Errorf("alter foreign key %s: %w", k.Name, err)
			}
		}
		return nil
	}
	if err := alter("DEFERRABLE INITIALLY DEFERRED"); err != nil {
		return nil, err
	}
	return func() error {
		if _, err := tx.ExecContext(ctx, "SET CONSTRAINTS ALL IMMEDIATE"); err != nil {
			return err
		}
		return alter("NOT DEFERRABLE")
	}, nil
}

// raiseIdentities makes columns that number themselves go on behind what was copied.
func (db *DB) raiseIdentities(ctx context.Context, tx bun.Tx) error {
	if db.dialect == goose.DialectSQLite3 {
		return nil
	}
	var columns []struct{ Table, Name string }
	err := tx.NewRaw(`SELECT table_name AS "table", column_name AS name FROM information_schema.columns
		WHERE table_schema = current_schema() AND is_identity = 'YES' AND table_name <> ?`, goose.DefaultTablename).Scan(ctx, &columns)
	if err != nil {
		return fmt.Errorf("list identity columns: %w", err)
	}
	for _, c := range columns {
		_, err := tx.ExecContext(ctx, "SELECT setval(pg_get_serial_sequence(?, ?), (SELECT COALESCE(MAX(?), 0) + 1 FROM ?), FALSE)",
			c.Table, c.Name, bun.Ident(c.Name), bun.Ident(c.Table))
		if err != nil {
			return fmt.Errorf("raise %s.%s: %w", c.Table, c.Name, err)
		}
	}
	return nil
}

// Content gives each table's number of rows, for who compares two databases.
func (db *DB) Content(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		tables, err := db.tables(ctx, tx)
		for _, table := range tables {
			n, failed := tx.NewSelect().Table(table).Count(ctx)
			err = errors.Join(err, failed)
			counts[table] = int(n)
		}
		return err
	})
	return counts, err
}
