package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	Scope         string `bun:"scope"`
	CreatedAt     int64  `bun:"created_at"`
	ExpiresAt     int64  `bun:"expires_at"`
}

// Token is what is known of a token but the token itself.
type Token struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Scope   []Action  `json:"scope" nullable:"false" doc:"empty: all that its person may"`
	Created time.Time `json:"created_at"`
	Expires time.Time `json:"expires_at,omitzero" doc:"never when left out"`
}

func (r tokenRow) token() Token {
	t := Token{ID: r.ID, Label: r.Label, Scope: r.scope(), Created: time.UnixMilli(r.CreatedAt).UTC()}
	if r.ExpiresAt != 0 {
		t.Expires = time.UnixMilli(r.ExpiresAt).UTC()
	}
	return t
}

func (r tokenRow) scope() []Action {
	out := []Action{}
	for word := range strings.FieldsSeq(r.Scope) {
		out = append(out, Action(word))
	}
	return out
}

// NewToken makes a token that acts as c, with t's label, scope and end. It is shown once; only its hash is kept. What a
// token makes has no more scope and no later end than itself. Errors: TOKEN_SCOPE, NOT_SIGNED_IN.
func (s *Service) NewToken(ctx context.Context, c Caller, t Token) (secret string, err error) {
	if len(t.Scope) == 0 {
		t.Scope = c.Scope
	}
	if t.Expires.IsZero() {
		t.Expires = c.Expires
	}
	for _, a := range t.Scope {
		if !slices.Contains(Actions(), a) || !c.May(a) {
			return "", errTokenScope
		}
	}
	if !c.Expires.IsZero() && t.Expires.After(c.Expires) {
		return "", errTokenScope.At("expires_at")
	}
	words := make([]string, len(t.Scope))
	for i, a := range t.Scope {
		words[i] = string(a)
	}
	secret = tokenPrefix + strings.ToLower(rand.Text()+rand.Text())
	row := tokenRow{ID: uuid.Must(uuid.NewV7()).String(), Person: c.ID, Label: t.Label, Hash: secretHash(secret),
		Scope: strings.Join(words, " "), CreatedAt: s.now().UnixMilli()}
	if !t.Expires.IsZero() {
		row.ExpiresAt = t.Expires.UnixMilli()
	}
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		// Whoever was reset or disabled since they were let in makes no token that outlives it.
		if p, err := s.byID(ctx, tx, c.ID); err != nil {
			return err
		} else if p.Disabled || p.Epoch != c.Epoch {
			return ErrNotSignedIn()
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return fmt.Errorf("insert token: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// ByToken gives the caller a token acts for. Error: NOT_SIGNED_IN.
func (s *Service) ByToken(ctx context.Context, secret string) (Caller, error) {
	var row tokenRow
	err := s.db.NewSelect().Model(&row).Where("hash = ?", secretHash(secret)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Caller{}, ErrNotSignedIn()
	}
	if err != nil {
		return Caller{}, fmt.Errorf("find token: %w", err)
	}
	t := row.token()
	if !t.Expires.IsZero() && !s.now().Before(t.Expires) {
		return Caller{}, ErrNotSignedIn()
	}
	p, err := s.byID(ctx, s.db, row.Person)
	if errors.Is(err, errPersonNotFound) || err == nil && p.Disabled {
		return Caller{}, ErrNotSignedIn()
	}
	return Caller{Person: p.person(), Token: t.ID, Scope: t.Scope, Expires: t.Expires}, err
}

// Tokens gives the tokens of a person that still count, the newest first.
func (s *Service) Tokens(ctx context.Context, person string) ([]Token, error) {
	var rows []tokenRow
	err := s.db.NewSelect().Model(&rows).Where("person = ? AND (expires_at = 0 OR expires_at > ?)", person, s.now().UnixMilli()).
		Order("id DESC").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	out := make([]Token, len(rows))
	for i, r := range rows {
		out[i] = r.token()
	}
	return out, nil
}

// Revoke ends a token of a person for good. Error: TOKEN_NOT_FOUND.
func (s *Service) Revoke(ctx context.Context, person, id string, by By) error {
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var row tokenRow
		err := tx.NewSelect().Model(&row).Where("id = ? AND person = ?", id, person).Scan(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return errTokenNotFound
		} else if err != nil {
			return fmt.Errorf("find token: %w", err)
		}
		if _, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("drop token: %w", err)
		}
		p, err := s.byID(ctx, tx, person)
		if err != nil {
			return err
		}
		return s.line(ctx, tx, by, "token.revoke", p, row.token(), nil)
	})
	if err == nil {
		s.lessen()
	}
	return err
}

// secretHash is how cookies and tokens are kept: they are random, so that a plain SHA-256 is enough.
func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
