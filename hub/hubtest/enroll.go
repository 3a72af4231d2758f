package hubtest

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/hub/internal/store"
)

// Enrolled is an agent as a pairing would have left it in the hub's database.
type Enrolled struct {
	ID  string
	Key ed25519.PrivateKey
}

// Enroll writes agents of an area into the database of a hub that does not run: a thousand pairings, with a person
// comparing words at each, are not what a measurement measures.
func Enroll(ctx context.Context, data, area string, n int) ([]Enrolled, error) {
	return EnrollIn(ctx, "", data, area, n)
}

// EnrollIn is Enroll for a hub whose settings name a database.
func EnrollIn(ctx context.Context, database, data, area string, n int) (out []Enrolled, err error) {
	db, err := store.Open(ctx, database, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	now := time.Now().UnixMilli()
	agents, keys := make([]map[string]any, 0, n), make([]map[string]any, 0, n)
	for i := range n {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		out = append(out, Enrolled{id.String(), private})
		agents = append(agents, map[string]any{"id": id.String(), "name": fmt.Sprintf("Cụm mô phỏng %d", i), "area": area, "state": "active",
			"public_key": hex.EncodeToString(public), "created_at": now})
		keys = append(keys, map[string]any{"public_key": hex.EncodeToString(public), "agent": id.String(), "created_at": now})
	}
	return out, db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if err := insert(ctx, tx, "agents", agents); err != nil {
			return err
		}
		return insert(ctx, tx, "agent_keys", keys)
	})
}

func insert(ctx context.Context, tx bun.Tx, table string, rows []map[string]any) error {
	for _, row := range rows {
		if _, err := tx.NewInsert().Table(table).Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("enroll agents: %w", err)
		}
	}
	return nil
}

// TrustOf gives the first trust document in a hub's data folder.
func TrustOf(data string) ([]byte, error) {
	return os.ReadFile(filepath.Join(data, "trust", "00000001.json"))
}
