package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/schema"
)

// insertAtOnce bounds a statement.
const insertAtOnce = 5000

// InsertAll inserts many rows, structs of texts and integers whose first is the key; conflict ("ON CONFLICT …") says what
// becomes of one whose key is there. written, which may be nil, is given each key that was written; those that are texts
// only. In bun's own INSERT every value is a piece of SQL, which the database has to read and plan first.
func InsertAll[T any](ctx context.Context, tx bun.Tx, rows []T, conflict string, written func(key string)) error {
	table := tx.Dialect().Tables().Get(reflect.TypeFor[T]())
	names := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		names[i] = string(f.SQLName)
	}
	insert := fmt.Sprintf("INSERT INTO %s (%s) %%s %s", table.SQLName, strings.Join(names, ", "), conflict)
	if tx.Dialect().Name() != dialect.PG {
		return insertEach(ctx, tx, insert, table.Fields, reflect.ValueOf(rows), written)
	}
	for part := range slices.Chunk(rows, insertAtOnce) {
		if err := insertColumns(ctx, tx, insert, table.Fields, reflect.ValueOf(part), written); err != nil {
			return err
		}
	}
	return nil
}

// insertColumns gives PostgreSQL an array for each column, in binary: to it they are one value each.
func insertColumns(ctx context.Context, tx bun.Tx, insert string, fields []*schema.Field, rows reflect.Value, written func(string)) (err error) {
	arrays, columns := make([]string, len(fields)), []any{pgx.QueryExecModeCacheDescribe}
	for i, f := range fields {
		arrays[i] = fmt.Sprintf("$%d::bigint[]", i+1)
		if f.IndirectType.Kind() == reflect.String {
			arrays[i] = fmt.Sprintf("$%d::text[]", i+1)
			columns = append(columns, column(f, rows, text))
		} else {
			columns = append(columns, column(f, rows, reflect.Value.Int))
		}
	}
	insert = fmt.Sprintf(insert, "SELECT * FROM unnest("+strings.Join(arrays, ", ")+")")
	if written == nil {
		_, err := tx.Tx.ExecContext(ctx, insert, columns...)
		return err
	}
	keys, err := tx.Tx.QueryContext(ctx, insert+" RETURNING "+string(fields[0].SQLName), columns...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()
	for keys.Next() {
		var key string
		if err := keys.Scan(&key); err != nil {
			return err
		}
		written(key)
	}
	return keys.Err()
}

func column[V any](f *schema.Field, rows reflect.Value, value func(reflect.Value) V) []V {
	values := make([]V, rows.Len())
	for i := range values {
		values[i] = value(f.Value(rows.Index(i)))
	}
	return values
}

// text leaves out NULs, as bun does: PostgreSQL has none.
func text(v reflect.Value) string { return strings.ReplaceAll(v.String(), "\x00", "") }

// insertEach has SQLite read the statement once. One of several rows, or one that returns something, would need a journal
// of its own, as it may fail halfway.
func insertEach(ctx context.Context, tx bun.Tx, insert string, fields []*schema.Field, rows reflect.Value, written func(string)) (err error) {
	stmt, err := tx.PrepareContext(ctx, fmt.Sprintf(insert, "VALUES (?"+strings.Repeat(", ?", len(fields)-1)+")"))
	if err != nil {
		return err
	}
	defer stmt.Close()               // the transaction's end would do it too
	ctx = context.WithoutCancel(ctx) // the driver starts a goroutine for each statement that can be cancelled
	values := make([]any, len(fields))
	for i := range rows.Len() {
		for c, f := range fields {
			v := f.Value(rows.Index(i))
			if v.Kind() == reflect.String {
				values[c] = text(v)
			} else {
				values[c] = v.Int()
			}
		}
		done, err := stmt.ExecContext(ctx, values...)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil {
			return err
		} else if n == 1 && written != nil {
			key, _ := values[0].(string)
			written(key)
		}
	}
	return nil
}
