package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// How long a set-up link counts: the first admin's is used by who just started the hub, another is sent to a person.
const (
	firstLife  = time.Hour
	inviteLife = 72 * time.Hour
)

type invitationRow struct {
	bun.BaseModel `bun:"table:invitations"`
	Hash          string `bun:"hash,pk"`
	Person        string `bun:"person"` // "": makes the first admin
	ExpiresAt     int64  `bun:"expires_at"`
}

// Invitation lets whoever has it set a password once. Nobody, the admin who made it included, learns that password: an
// officer whose password an admin chose would be no second person.
type Invitation struct {
	Code    string    `json:"code" doc:"shown once; /setup?code=… is the page for it"`
	Expires time.Time `json:"expires_at"`
}

// FirstRun gives the invitation to make the first admin; ok is false when there are people already. An earlier one ends.
func (s *Service) FirstRun(ctx context.Context) (inv Invitation, ok bool, err error) {
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		if n, err := count(ctx, tx); err != nil || n > 0 {
			return err
		}
		ok = true
		var err error
		inv, err = s.invite(ctx, tx, "", firstLife)
		return err
	})
	return inv, ok && err == nil, err
}

// Invite makes an account whose person chooses the password themselves. Errors: NAME_INVALID, NAME_TAKEN, ROLE_UNKNOWN.
func (s *Service) Invite(ctx context.Context, n NewPerson) (Account, Invitation, error) {
	if err := n.check(); err != nil {
		return Account{}, Invitation{}, err
	}
	var row personRow
	var inv Invitation
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		if row, err = s.insert(ctx, tx, n, ""); err != nil {
			return err
		}
		inv, err = s.invite(ctx, tx, row.ID, inviteLife)
		return err
	})
	return row.account(), inv, err
}

// invite puts a new invitation in the place of the person's old one.
func (s *Service) invite(ctx context.Context, tx bun.Tx, person string, life time.Duration) (Invitation, error) {
	_, err := tx.NewDelete().Model((*invitationRow)(nil)).Where("person = ? OR expires_at <= ?", person, s.now().UnixMilli()).Exec(ctx)
	if err != nil {
		return Invitation{}, fmt.Errorf("drop invitation: %w", err)
	}
	inv := Invitation{Code: strings.ToLower(rand.Text()), Expires: s.now().Add(life).UTC().Truncate(time.Second)}
	row := invitationRow{Hash: secretHash(inv.Code), Person: person, ExpiresAt: inv.Expires.UnixMilli()}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return Invitation{}, fmt.Errorf("keep invitation: %w", err)
	}
	return inv, nil
}

// SetUp is what somebody with an invitation sends.
type SetUp struct {
	Code, Password string
	Name           string // of the first admin; an account that was made has its name
	From           string // network address
}

// Invited tells whose invitation a code is: "" for the first admin's. Error: SETUP_CODE.
func (s *Service) Invited(ctx context.Context, code string) (name string, err error) {
	row, err := s.invitation(ctx, s.db, code)
	if err != nil || row.Person == "" {
		return "", err
	}
	p, err := s.byID(ctx, s.db, row.Person)
	return p.Name, err
}

// SetUp sets the password an invitation is for, once; the first one makes the first admin. Errors: SETUP_CODE,
// NAME_INVALID, PASSWORD_SHORT, neither of which uses it up.
func (s *Service) SetUp(ctx context.Context, in SetUp) (Person, error) {
	code := strings.TrimSpace(in.Code)
	if _, err := s.invitation(ctx, s.db, code); err != nil {
		return Person{}, err // before anything is hashed for a stranger
	}
	if err := checkPassword(in.Password); err != nil {
		return Person{}, err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return Person{}, err
	}
	var row personRow
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		inv, err := s.invitation(ctx, tx, code)
		if err != nil {
			return err
		}
		if _, err := tx.NewDelete().Model(&inv).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("use invitation: %w", err)
		}
		if inv.Person == "" {
			row, err = s.firstAdmin(ctx, tx, in, hash)
		} else {
			row, err = s.accept(ctx, tx, inv.Person, hash, in.From)
		}
		return err
	})
	return row.person(), err
}

// invitation gives one that counts now. The first admin's counts only while there is nobody.
func (s *Service) invitation(ctx context.Context, db bun.IDB, code string) (invitationRow, error) {
	var row invitationRow
	err := db.NewSelect().Model(&row).Where("hash = ?", secretHash(code)).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && s.now().UnixMilli() >= row.ExpiresAt:
		return row, errInvitation
	case err != nil:
		return row, fmt.Errorf("find invitation: %w", err)
	case row.Person != "":
		return row, nil
	}
	if n, err := count(ctx, db); err != nil {
		return row, err
	} else if n > 0 {
		return row, errInvitation
	}
	return row, nil
}

func (s *Service) firstAdmin(ctx context.Context, tx bun.Tx, in SetUp, hash string) (personRow, error) {
	n := NewPerson{Name: in.Name, Role: Admin, By: By{Name: strings.TrimSpace(in.Name), Origin: in.From}}
	if err := n.check(); err != nil {
		return personRow{}, err
	}
	return s.insert(ctx, tx, n, hash)
}

func (s *Service) accept(ctx context.Context, tx bun.Tx, id, hash, from string) (personRow, error) {
	row, err := s.byID(ctx, tx, id)
	if err != nil {
		return row, err
	}
	if row.Disabled {
		return row, errInvitation
	}
	row.PasswordHash = hash
	row.Epoch++
	if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
		return row, fmt.Errorf("write password: %w", err)
	}
	return row, s.line(ctx, tx, By{row.Name, from}, "password.set", row, nil, nil)
}
