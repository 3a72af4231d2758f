package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"github.com/uptrace/bun"
)

// A step of RFC 6238 has 30 s; a phone's clock may be one step off. Recovery codes have 80 random bits, so that a plain
// SHA-256 keeps them.
const (
	stepSeconds   = 30
	recoveryCodes = 10
	recoveryText  = 16
)

type recoveryRow struct {
	bun.BaseModel `bun:"table:recovery_codes"`
	Person        string `bun:"person,pk"`
	Hash          string `bun:"hash,pk"`
}

// Enrolment is what a phone needs to make codes.
type Enrolment struct {
	Secret string `json:"secret" doc:"base32, to be typed where no camera is"`
	URL    string `json:"url" doc:"otpauth://…, to be shown as a QR code"`
}

// EnrolTOTP begins a second factor: it counts once ConfirmTOTP got a code made with it. Errors: PASSWORD_WRONG, OTP_ON.
func (s *Service) EnrolTOTP(ctx context.Context, id string, a Attempt) (Enrolment, error) {
	row, err := s.prove(ctx, id, a, false)
	if err != nil {
		return Enrolment{}, err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Loa", AccountName: row.Name})
	if err != nil {
		return Enrolment{}, fmt.Errorf("make one-time codes: %w", err)
	}
	res, err := s.db.NewUpdate().Model((*personRow)(nil)).Set("totp_pending = ?", key.Secret()).Where("id = ? AND totp_secret = ''", id).Exec(ctx)
	if err != nil {
		return Enrolment{}, fmt.Errorf("begin one-time codes: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return Enrolment{}, errors.Join(errOTPOn, err)
	}
	return Enrolment{Secret: key.Secret(), URL: key.URL()}, nil
}

// ConfirmTOTP ends the enrolment and gives the recovery codes, which are shown once. Errors: OTP_WRONG, OTP_OFF, and
// LOGIN_WAIT for who guesses.
func (s *Service) ConfirmTOTP(ctx context.Context, id, code string, by By) ([]string, error) {
	row, err := s.byID(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	counted, err := s.begin(ctx, row.Name, by.Origin)
	if err != nil {
		return nil, err
	}
	codes, err := s.confirm(ctx, id, code, by)
	if errors.Is(err, errOTPWrong) {
		return nil, s.failed(ctx, counted, row, by.Origin, err)
	}
	return codes, errors.Join(err, s.undo(ctx, counted))
}

func (s *Service) confirm(ctx context.Context, id, code string, by By) (codes []string, err error) {
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		row, err := s.byID(ctx, tx, id)
		if err != nil {
			return err
		}
		if row.TOTPPending == "" {
			return errOTPOff
		}
		step, ok, err := s.stepOf(row.TOTPPending, code)
		if err != nil {
			return err
		} else if !ok {
			return errOTPWrong
		}
		_, err = tx.NewUpdate().Model((*personRow)(nil)).Set("totp_secret = totp_pending, totp_pending = '', totp_step = ?", step).
			Where("id = ?", id).Exec(ctx)
		if err != nil {
			return fmt.Errorf("keep one-time codes: %w", err)
		}
		if codes, err = newRecoveryCodes(ctx, tx, id); err != nil {
			return err
		}
		return s.line(ctx, tx, by, "otp.enrol", row, nil, nil)
	})
	return codes, err
}

// RemoveTOTP ends a second factor, by password and a last code. Errors: those of Login, OTP_OFF.
func (s *Service) RemoveTOTP(ctx context.Context, id string, a Attempt, by By) error {
	return s.withSecondFactor(ctx, id, a, func(ctx context.Context, tx bun.Tx, row personRow) error {
		if err := dropTOTP(ctx, tx, id); err != nil {
			return err
		}
		return s.line(ctx, tx, by, "otp.remove", row, nil, nil)
	})
}

// RenewRecovery gives new recovery codes and ends the old ones. Errors: those of Login, OTP_OFF.
func (s *Service) RenewRecovery(ctx context.Context, id string, a Attempt, by By) (codes []string, err error) {
	err = s.withSecondFactor(ctx, id, a, func(ctx context.Context, tx bun.Tx, row personRow) (err error) {
		if codes, err = newRecoveryCodes(ctx, tx, id); err != nil {
			return err
		}
		return s.line(ctx, tx, by, "otp.recovery", row, nil, nil)
	})
	return codes, err
}

func (s *Service) withSecondFactor(ctx context.Context, id string, a Attempt, do func(context.Context, bun.Tx, personRow) error) error {
	row, err := s.byID(ctx, s.db, id)
	if err != nil {
		return err
	}
	if row.TOTPSecret == "" {
		return errOTPOff
	}
	if row, err = s.prove(ctx, id, a, true); err != nil {
		return err
	}
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error { return do(ctx, tx, row) })
}

func dropTOTP(ctx context.Context, tx bun.Tx, id string) error {
	_, err := tx.NewUpdate().Model((*personRow)(nil)).Set("totp_secret = '', totp_pending = ''").Where("id = ?", id).Exec(ctx)
	if err == nil {
		_, err = tx.NewDelete().Model((*recoveryRow)(nil)).Where("person = ?", id).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("drop one-time codes: %w", err)
	}
	return nil
}

// newRecoveryCodes puts fresh codes in the place of the old ones.
func newRecoveryCodes(ctx context.Context, tx bun.Tx, id string) ([]string, error) {
	if _, err := tx.NewDelete().Model((*recoveryRow)(nil)).Where("person = ?", id).Exec(ctx); err != nil {
		return nil, fmt.Errorf("drop recovery codes: %w", err)
	}
	codes, rows := make([]string, recoveryCodes), make([]recoveryRow, recoveryCodes)
	for i := range codes {
		text := strings.ToLower(rand.Text()[:recoveryText])
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
		rows[i] = recoveryRow{Person: id, Hash: secretHash(text)}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return nil, fmt.Errorf("keep recovery codes: %w", err)
	}
	return codes, nil
}

// secondFactor takes a code once: a step, or a recovery code, that was used before is OTP_WRONG, and of two requests
// with one code only one passes. Without a second factor nothing is asked.
func (s *Service) secondFactor(ctx context.Context, row personRow, code, from string) error {
	if row.TOTPSecret == "" {
		return nil
	}
	code = plainCode(code)
	if len(code) == recoveryText {
		return s.recover(ctx, row, code, from)
	}
	step, ok, err := s.stepOf(row.TOTPSecret, code)
	if err != nil {
		return err
	} else if !ok {
		return errOTPWrong
	}
	res, err := s.db.NewUpdate().Model((*personRow)(nil)).Set("totp_step = ?", step).
		Where("id = ? AND totp_secret = ? AND totp_step < ?", row.ID, row.TOTPSecret, step).Exec(ctx)
	if err != nil {
		return fmt.Errorf("use one-time code: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errOTPWrong, err)
	}
	return nil
}

func (s *Service) recover(ctx context.Context, row personRow, code, from string) error {
	return s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*recoveryRow)(nil)).Where("person = ? AND hash = ?", row.ID, secretHash(code)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("use recovery code: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errOTPWrong, err)
		}
		left, err := tx.NewSelect().Model((*recoveryRow)(nil)).Where("person = ?", row.ID).Count(ctx)
		if err != nil {
			return fmt.Errorf("count recovery codes: %w", err)
		}
		return s.line(ctx, tx, By{row.Name, from}, "otp.recover", row, nil, map[string]any{"codes_left": left})
	})
}

// stepOf finds the step whose code it is: now, the one before or the one after.
func (s *Service) stepOf(secret, code string) (step int64, ok bool, err error) {
	code = plainCode(code)
	now := s.now().Unix() / stepSeconds
	for at := now - 1; at <= now+1; at++ {
		want, err := hotp.GenerateCode(secret, uint64(max(at, 0)))
		if err != nil {
			return 0, false, fmt.Errorf("make one-time code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok, nil
}

// plainCode leaves out what people type between groups.
func plainCode(code string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, code))
}
