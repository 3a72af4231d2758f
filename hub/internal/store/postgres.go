package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/loa-vn/loa/internal/problem"
)

// postgresConns bounds a hub's pool: PostgreSQL serves 100 connections by default, for all hubs together.
const postgresConns = 20

// writerLock is the advisory lock that every write takes ("loa" and a number).
const writerLock = 0x6c6f6101

var errDatabase = problem.New("DATABASE_UNREACHABLE", 500,
	"Không kết nối được cơ sở dữ liệu PostgreSQL. Hãy kiểm tra mục database, rằng PostgreSQL đang chạy và đã có cơ sở dữ liệu đó.",
	"PostgreSQL cannot be reached. Check database, that PostgreSQL runs, and that the database was created.")

// Shared tells whether other hubs can use the database too.
func Shared(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

func openPostgres(ctx context.Context, address string) (*DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errDatabase.With(errors.New("the address cannot be read")).At("database") // err cites it, with its password
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // bun writes values into the statement: none comes twice
	for name, value := range map[string]string{
		"application_name": "loa-hub", "timezone": "UTC",
		// What an agent is told is kept must be, whatever the server does for others.
		"synchronous_commit": "on",
		// A hub that lost power while it wrote must not hold up the others.
		"idle_in_transaction_session_timeout": "10s", "tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3",
	} {
		if _, said := config.RuntimeParams[name]; !said {
			config.RuntimeParams[name] = value
		}
	}
	pool := sql.OpenDB(oneWriter{stdlib.GetConnector(*config)})
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close() // the reason is the ping's error
		return nil, errDatabase.With(err).At("database")
	}
	return &DB{DB: bun.NewDB(pool, pgdialect.New()), dialect: goose.DialectPostgres}, nil
}

// oneWriter makes PostgreSQL keep what SQLite does by its nature and every package of the hub relies on: one write at a
// time, whose reads no other write changes meanwhile (docs/decisions/0037). Reads outside of transactions wait for nobody.
type oneWriter struct{ driver.Connector }

// Connect implements driver.Connector.
func (w oneWriter) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &writerConn{Conn: c.(*stdlib.Conn)}, nil //nolint:errcheck,forcetypeassert // what stdlib's connector gives
}

type writerConn struct {
	*stdlib.Conn
	inTx bool
}

// BeginTx implements driver.ConnBeginTx.
func (c *writerConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		if _, err := c.Conn.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", writerLock), nil); err != nil {
			return nil, errors.Join(fmt.Errorf("wait to write: %w", err), tx.Rollback())
		}
	}
	c.inTx = true
	return writerTx{tx, c}, nil
}

type writerTx struct {
	driver.Tx
	conn *writerConn
}

// Commit implements driver.Tx.
func (t writerTx) Commit() error {
	t.conn.inTx = false
	return t.Tx.Commit()
}

// Rollback implements driver.Tx.
func (t writerTx) Rollback() error {
	t.conn.inTx = false
	return t.Tx.Rollback()
}

// ExecContext implements driver.ExecerContext.
func (c *writerConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.inTx || reads(query) {
		return c.Conn.ExecContext(ctx, query, args)
	}
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	res, err := c.Conn.ExecContext(ctx, query, args)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return res, tx.Commit()
}

// QueryContext implements driver.QueryerContext; the rows of a write end its transaction when they are closed.
func (c *writerConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.inTx || reads(query) {
		return c.Conn.QueryContext(ctx, query, args)
	}
	tx, err := c.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return &writerRows{rows, tx}, nil
}

type writerRows struct {
	driver.Rows
	tx driver.Tx
}

// Close implements driver.Rows.
func (r *writerRows) Close() error {
	if err := r.Rows.Close(); err != nil {
		return errors.Join(err, r.tx.Rollback())
	}
	return r.tx.Commit()
}

// ResetSession implements driver.SessionResetter.
func (c *writerConn) ResetSession(ctx context.Context) error {
	if c.inTx {
		return driver.ErrBadConn
	}
	return c.Conn.ResetSession(ctx)
}

// reads tells a statement that changes nothing.
func reads(query string) bool {
	query = strings.ToUpper(strings.TrimLeft(query, " \t\r\n("))
	word, rest, _ := strings.Cut(query, " ")
	switch word {
	case "SELECT", "SHOW", "SET", "BEGIN", "COMMIT", "ROLLBACK", ";":
		return true
	case "WITH":
		return !strings.Contains(rest, "INSERT") && !strings.Contains(rest, "UPDATE") && !strings.Contains(rest, "DELETE")
	}
	return false
}
