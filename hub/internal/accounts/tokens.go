package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// tokenPrefix makes a leaked token easy to find by scanners.
const tokenPrefix = "loa_"

type tokenRow struct {
	bun.BaseModel `bun:"table:tokens"`
	ID            string `bun:"id,pk"`
	Person        string `bun:"person"`
	Label         string `bun:"label"`
	Hash          string `bun:"hash"`
	CreatedAt     int64  `bun:"created_at"`
	ExpiresAt     int64  `bun:"expires_at"`
}

// NewToken makes a token that acts as p until expires (zero: no end). It is shown once; only its hash is kept.
func (s *Service) NewToken(ctx context.Context, p Person, label string, expires time.Time) (string, error) {
	token := tokenPrefix + strings.ToLower(rand.Text()+rand.Text())
	row := tokenRow{ID: uuid.Must(uuid.NewV7()).String(), Person: p.ID, Label: label, Hash: secretHash(token), CreatedAt: s.now().UnixMilli()}
	if !expires.IsZero() {
		row.ExpiresAt = expires.UnixMilli()
	}
	if _, err := s.db.NewInsert().Model(&row).Exec(ctx); err != nil {
		return "", fmt.Errorf("insert token: %w", err)
	}
	return token, nil
}

// ByToken gives the person a token acts for. Error: NOT_SIGNED_IN.
func (s *Service) ByToken(ctx context.Context, token string) (Person, error) {
	var row tokenRow
	err := s.db.NewSelect().Model(&row).Where("hash = ?", secretHash(token)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNotSignedIn()
	}
	if err != nil {
		return Person{}, fmt.Errorf("find token: %w", err)
	}
	if row.ExpiresAt != 0 && s.now().UnixMilli() >= row.ExpiresAt {
		return Person{}, ErrNotSignedIn()
	}
	return s.ByID(ctx, row.Person)
}

// secretHash is how cookies and tokens are kept: they are random, so that a plain SHA-256 is enough.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
