package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/uptrace/bun"
)

// Attempt is what somebody who wants to sign in sends, and from where.
type Attempt struct {
	Name, Password string
	OTP            string // six digits, or a recovery code; "" when none was typed
	From           string // network address
}

// Login finds out who it is. Errors: LOGIN_FAILED, which does not tell whether the name or the password was wrong;
// OTP_REQUIRED and OTP_WRONG, both only after the right password; LOGIN_WAIT (a WaitError) after too many failures and
// LOGIN_BUSY when too many wait to be checked, whoever they are.
func (s *Service) Login(ctx context.Context, a Attempt) (Person, error) {
	name := strings.TrimSpace(a.Name)
	counted, err := s.begin(ctx, name, a.From)
	if err != nil {
		return Person{}, err
	}
	row, err := s.byName(ctx, s.db, name)
	known := err == nil && !row.Disabled && row.PasswordHash != ""
	if err != nil && !errors.Is(err, errPersonNotFound) {
		return Person{}, err
	}
	if !known {
		row.PasswordHash = s.decoy
	}
	ok, err := s.hasher.matches(ctx, row.PasswordHash, a.Password)
	if err != nil {
		return Person{}, errors.Join(err, s.undo(ctx, counted))
	}
	if !ok || !known {
		return Person{}, s.failed(ctx, counted, row, a.From, ErrLogin())
	}
	if row.TOTPSecret != "" && a.OTP == "" {
		return Person{}, errors.Join(errOTPRequired, s.undo(ctx, counted)) // no guess; but no clean slate either
	}
	if err := s.secondFactor(ctx, row, a.OTP, a.From); errors.Is(err, errOTPWrong) {
		return Person{}, s.failed(ctx, counted, row, a.From, err)
	} else if err != nil {
		return Person{}, err
	}
	return row.person(), s.passed(ctx, counted)
}

// failed leaves a failure counted. Where it is the one from which on somebody must wait, the audit log has a line of it;
// of a name that is nobody's there is none: an attacker must not fill the log.
func (s *Service) failed(ctx context.Context, a attempt, row personRow, from string, why error) error {
	if !a.locks || row.ID == "" {
		return why
	}
	err := s.db.RunInTx(context.WithoutCancel(ctx), nil, func(ctx context.Context, tx bun.Tx) error {
		return s.line(ctx, tx, By{row.Name, from}, "login.locked", row, nil, nil)
	})
	return errors.Join(why, err)
}

// prove asks somebody who is signed in for their password again, and for a code where they have a second factor and
// withOTP says so. A stolen session guesses no faster than a stranger.
func (s *Service) prove(ctx context.Context, id string, a Attempt, withOTP bool) (personRow, error) {
	row, err := s.byID(ctx, s.db, id)
	if err != nil {
		return row, err
	}
	counted, err := s.begin(ctx, row.Name, a.From)
	if err != nil {
		return row, err
	}
	ok, err := s.hasher.matches(ctx, cmp.Or(row.PasswordHash, s.decoy), a.Password)
	if err != nil {
		return row, errors.Join(err, s.undo(ctx, counted))
	}
	if !ok {
		return row, s.failed(ctx, counted, row, a.From, errPasswordWrong)
	}
	if withOTP && row.TOTPSecret != "" {
		if a.OTP == "" {
			return row, errors.Join(errOTPRequired, s.undo(ctx, counted))
		}
		if err := s.secondFactor(ctx, row, a.OTP, a.From); errors.Is(err, errOTPWrong) {
			return row, s.failed(ctx, counted, row, a.From, err)
		} else if err != nil {
			return row, err
		}
	}
	return row, s.passed(ctx, counted)
}

func (s *Service) byName(ctx context.Context, db bun.IDB, name string) (personRow, error) {
	return one(ctx, db.NewSelect().Where("name = ?", name))
}

func (s *Service) byID(ctx context.Context, db bun.IDB, id string) (personRow, error) {
	return one(ctx, db.NewSelect().Where("id = ?", id))
}

// one gives a person, or PERSON_NOT_FOUND.
func one(ctx context.Context, q *bun.SelectQuery) (personRow, error) {
	var row personRow
	err := q.Model(&row).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return row, errPersonNotFound
	} else if err != nil {
		return row, fmt.Errorf("find person: %w", err)
	}
	return row, nil
}
