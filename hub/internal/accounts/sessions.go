package accounts

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions"`
	TokenHash     string `bun:"token_hash,pk"`
	Data          string `bun:"data"`
	ExpiresAt     int64  `bun:"expires_at"`
}

// Sessions keeps the session library's data in SQL, so that any hub of a fleet knows every session. It is
// an scs.CtxStore; tokens arrive as they are in the cookie and are kept hashed.
type Sessions struct{ s *Service }

// Sessions gives the store of sessions.
func (s *Service) Sessions() Sessions { return Sessions{s} }

// FindCtx gives a session's data; found is false when there is none or it has ended.
func (x Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	var row sessionRow
	err = x.s.db.NewSelect().Model(&row).Where("token_hash = ?", secretHash(token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	if x.s.now().UnixMilli() >= row.ExpiresAt {
		return nil, false, nil
	}
	data, err = base64.StdEncoding.DecodeString(row.Data)
	return data, err == nil, nil
}

// CommitCtx writes a session, and sweeps out those that have ended.
func (x Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if _, err := x.s.db.NewDelete().Model((*sessionRow)(nil)).Where("expires_at <= ?", x.s.now().UnixMilli()).Exec(ctx); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	row := sessionRow{TokenHash: secretHash(token), Data: base64.StdEncoding.EncodeToString(data), ExpiresAt: expiry.UnixMilli()}
	_, err := x.s.db.NewInsert().Model(&row).On("CONFLICT (token_hash) DO UPDATE").
		Set("data = EXCLUDED.data, expires_at = EXCLUDED.expires_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session.
func (x Sessions) DeleteCtx(ctx context.Context, token string) error {
	if _, err := x.s.db.NewDelete().Model((*sessionRow)(nil)).Where("token_hash = ?", secretHash(token)).Exec(ctx); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	x.s.lessen()
	return nil
}

// Find, Commit and Delete are scs.Store's forms without a context; the library calls the others.

// Find is FindCtx.
func (x Sessions) Find(token string) ([]byte, bool, error) {
	return x.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (x Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return x.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx.
func (x Sessions) Delete(token string) error { return x.DeleteCtx(context.Background(), token) }

// Restored ends every session and token of a database that comes back from a backup: some were ended since.
func (s *Service) Restored(ctx context.Context) error {
	for _, table := range []string{"sessions", "tokens"} {
		if _, err := s.db.NewRaw("DELETE FROM ?", bun.Ident(table)).Exec(ctx); err != nil {
			return fmt.Errorf("end %s: %w", table, err)
		}
	}
	return nil
}
