package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
	"github.com/loa-vn/loa/hub/internal/store/storetest"
)

type noted struct {
	bun.BaseModel `bun:"table:noted"`
	Key           string `bun:"key,pk"`
	Text          string `bun:"text"`
	N             int64  `bun:"n"`
	Small         int    `bun:"small"`
}

// Whatever a text has in it is kept as it is on every database, and who inserts knows what was written.
func TestInsertAll(t *testing.T) {
	for name, address := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Empty(t, storetest.Server(t), "insert") },
	} {
		t.Run(name, func(t *testing.T) { insertContract(t, open(t, address(t), t.TempDir())) })
	}
}

func insertContract(t *testing.T, db *store.DB) {
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE noted (small BIGINT NOT NULL CHECK (small < 9), n BIGINT NOT NULL, text TEXT NOT NULL, key TEXT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	const keep, add = "ON CONFLICT (key) DO NOTHING", "ON CONFLICT (key) DO UPDATE SET n = noted.n + EXCLUDED.n"
	insert := func(conflict string, rows ...noted) (written []string, err error) {
		err = db.RunInTx(t.Context(), nil, func(ctx context.Context, tx bun.Tx) error {
			return store.InsertAll(ctx, tx, rows, conflict, func(key string) { written = append(written, key) })
		})
		slices.Sort(written)
		return written, err
	}
	var hard []noted
	for i, text := range []string{"", "Xã Hoằng Hóa", "it's \"so\"", `C:\loa\`, "{a,b}", "NULL", "null", "?", "? ?0 ?TableName", "a\nb\tc", "🔊", "-- no", "$1", "%s"} {
		hard = append(hard, noted{Key: "key " + text, Text: text, N: int64(i-1) << 50, Small: -i})
	}
	if written, err := insert(keep, hard...); err != nil || len(written) != len(hard) {
		t.Fatalf("%d of %d written, %v", len(written), len(hard), err)
	}
	for _, want := range hard {
		got := noted{Key: want.Key}
		if err := db.NewSelect().Model(&got).WherePK().Scan(t.Context()); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	for _, tc := range []struct {
		name, conflict string
		rows           []noted
		written        string // one key
		n              int64  // of key a, after it
	}{
		{"none", keep, nil, "", 0},
		{"a new one", keep, []noted{{Key: "a", N: 1}}, "a", 1},
		{"it again, with a new one", keep, []noted{{Key: "a", N: 7}, {Key: "b"}}, "b", 1},
		{"a new one twice", keep, []noted{{Key: "c"}, {Key: "c"}}, "c", 1},
		{"added to", add, []noted{{Key: "a", N: 4}}, "a", 5},
		{"a NUL, which PostgreSQL has none of", keep, []noted{{Key: "d", Text: "x\x00y"}}, "d", 5},
	} {
		written, err := insert(tc.conflict, tc.rows...)
		if err != nil || len(written) > 1 || len(written) == 1 != (tc.written != "") || len(written) == 1 && written[0] != tc.written {
			t.Errorf("%s: wrote %q, %v, want %q", tc.name, written, err, tc.written)
		}
		var n int64
		if err := db.NewRaw("SELECT coalesce(max(n), 0) FROM noted WHERE key = 'a'").Scan(t.Context(), &n); err != nil || n != tc.n {
			t.Errorf("%s: counted %d, %v, want %d", tc.name, n, err, tc.n)
		}
	}
	if _, err := insert(keep, noted{Key: "good"}, noted{Key: "refused", Small: 9}, noted{Key: "good too"}); err == nil {
		t.Error("what the table refuses was written")
	}
	var n int
	if err := db.NewRaw("SELECT count(*) FROM noted WHERE key LIKE 'good%'").Scan(t.Context(), &n); err != nil || n != 0 {
		t.Errorf("%d rows of what failed, %v", n, err)
	}
	if err := db.NewRaw("SELECT count(*) FROM noted WHERE text = 'xy'").Scan(t.Context(), &n); err != nil || n != 1 {
		t.Errorf("%d texts without their NUL, %v", n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	err := db.RunInTx(ended, nil, func(ctx context.Context, tx bun.Tx) error {
		cancel()
		return store.InsertAll(ctx, tx, []noted{{Key: "too late"}}, keep, nil)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waited, and %v", err)
	}
}
