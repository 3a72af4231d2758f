package accounts

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/problem"
)

// errStale is what two who change one person meet.
var errStale = problem.New("STALE_VERSION", 412,
	"Người dùng này vừa được người khác sửa. Hãy tải lại trang rồi làm lại.",
	"Somebody changed this person meanwhile. Load it again, then repeat your change.")

// PersonChange is what may change about a person; nil stays as it is.
type PersonChange struct {
	Role     *Role
	Area     *string
	Disabled *bool
}

// Change changes a person who still is as seen: what was checked of them is what is changed. Whoever is disabled loses
// sessions, tokens and an open invitation for good. Errors: ROLE_UNKNOWN, LAST_ADMIN, STALE_VERSION.
func (s *Service) Change(ctx context.Context, seen Account, c PersonChange, by By) (Account, error) {
	if c.Role != nil {
		if _, ok := ParseRole(string(*c.Role)); !ok {
			return Account{}, errRole
		}
	}
	return s.change(ctx, seen, by, "person.edit", func(ctx context.Context, tx bun.Tx, row *personRow) error {
		if c.Role != nil {
			row.Role = *c.Role
		}
		if c.Area != nil {
			row.Area = *c.Area
		}
		if c.Disabled != nil && row.Disabled != *c.Disabled {
			if row.Disabled = *c.Disabled; row.Disabled {
				return s.endAll(ctx, tx, row)
			}
		}
		return nil
	})
}

// Reset takes a person's password away and ends everything they are signed in by; they choose a new one by the
// invitation. secondFactor takes their one-time codes away too, for a phone that is lost. Error: STALE_VERSION.
func (s *Service) Reset(ctx context.Context, seen Account, secondFactor bool, by By) (Account, Invitation, error) {
	var inv Invitation
	a, err := s.change(ctx, seen, by, "person.reset", func(ctx context.Context, tx bun.Tx, row *personRow) error {
		if err := s.endAll(ctx, tx, row); err != nil {
			return err
		}
		row.PasswordHash = ""
		if secondFactor {
			if err := dropTOTP(ctx, tx, row.ID); err != nil {
				return err
			}
			row.TOTPSecret, row.TOTPPending = "", ""
		}
		var err error
		inv, err = s.invite(ctx, tx, row.ID, inviteLife)
		return err
	})
	return a, inv, err
}

// change lets edit change a person, with its audit line, in one transaction.
func (s *Service) change(ctx context.Context, seen Account, by By, action string,
	edit func(context.Context, bun.Tx, *personRow) error) (Account, error) {
	var row personRow
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		if row, err = s.byID(ctx, tx, seen.ID); err != nil {
			return err
		}
		if now := row.account(); now.Role != seen.Role || now.Area != seen.Area || now.Disabled != seen.Disabled {
			return errStale
		}
		before := row
		if err := edit(ctx, tx, &row); err != nil {
			return err
		}
		if err := keepsAdmin(ctx, tx, before, row); err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil {
			return fmt.Errorf("write person: %w", err)
		}
		// The line is for those who manage the area the person was in; where they come to, it is in "after".
		return s.line(ctx, tx, by, action, before, before.said(), row.said())
	})
	if err != nil {
		return Account{}, err
	}
	s.lessen()
	return row.account(), nil
}

// keepsAdmin refuses a change that leaves nobody to manage the whole tree.
func keepsAdmin(ctx context.Context, tx bun.Tx, before, after personRow) error {
	rules := func(r personRow) bool { return r.Role == Admin && r.Area == "" && !r.Disabled }
	if !rules(before) || rules(after) {
		return nil
	}
	others, err := tx.NewSelect().Model((*personRow)(nil)).
		Where("role = ? AND area = '' AND NOT disabled AND id <> ?", Admin, before.ID).Count(ctx)
	if err != nil {
		return fmt.Errorf("count admins: %w", err)
	}
	if others == 0 {
		return errLastAdmin
	}
	return nil
}

// endAll ends sessions, tokens and invitations of a person, and forgets what others failed on the account.
func (s *Service) endAll(ctx context.Context, tx bun.Tx, row *personRow) error {
	row.Epoch++
	if _, err := tx.NewDelete().Model((*tokenRow)(nil)).Where("person = ?", row.ID).Exec(ctx); err != nil {
		return fmt.Errorf("drop tokens: %w", err)
	}
	if _, err := tx.NewDelete().Model((*invitationRow)(nil)).Where("person = ?", row.ID).Exec(ctx); err != nil {
		return fmt.Errorf("drop invitations: %w", err)
	}
	return s.forgive(ctx, tx, row.Name)
}

// ChangePassword ends every session but gives the person of the one that asked, in its new epoch; tokens stay. Errors:
// PASSWORD_WRONG, PASSWORD_SHORT, and LOGIN_WAIT for who guesses.
func (s *Service) ChangePassword(ctx context.Context, id string, a Attempt, password string, by By) (Person, error) {
	if err := checkPassword(password); err != nil {
		return Person{}, err
	}
	row, err := s.prove(ctx, id, a, true)
	if err != nil {
		return Person{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Person{}, err
	}
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		// The password that was proven is the one that is replaced.
		res, err := tx.NewUpdate().Model((*personRow)(nil)).Set("password_hash = ?, epoch = epoch + 1", hash).
			Where("id = ? AND password_hash = ?", id, row.PasswordHash).Exec(ctx)
		if err != nil {
			return fmt.Errorf("write password: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errPasswordWrong.With(err)
		}
		if row, err = s.byID(ctx, tx, id); err != nil {
			return err
		}
		return s.line(ctx, tx, by, "password.change", row, nil, nil)
	})
	if err != nil {
		return Person{}, err
	}
	s.lessen()
	return row.person(), nil
}

// ConsoleReset gives a person a new password and takes everything else away that they, or a thief, prove themselves by:
// for the console, where the last admin who lost phone and codes comes in again.
func (s *Service) ConsoleReset(ctx context.Context, name, password string) (Account, error) {
	if err := checkPassword(password); err != nil {
		return Account{}, err
	}
	seen, err := s.Named(ctx, name)
	if err != nil {
		return Account{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return Account{}, err
	}
	return s.change(ctx, seen, Console(), "person.reset", func(ctx context.Context, tx bun.Tx, row *personRow) error {
		row.PasswordHash, row.TOTPSecret, row.TOTPPending = hash, "", ""
		if err := dropTOTP(ctx, tx, row.ID); err != nil {
			return err
		}
		return s.endAll(ctx, tx, row)
	})
}
