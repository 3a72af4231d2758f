package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// limit says how failures that have something in common slow down the next attempt: none of the first free ones does,
// each one more doubles the wait from a second up to longest.
type limit struct {
	kind    string
	free    int
	longest time.Duration
}

// The three limits of a sign-in. A guesser from one place meets the first; from many places, on one account, the second,
// whose wait is short, because it is also the owner's; one who tries many names the third. The second and third do not
// bind whoever signed in to this account from this very place in the last 30 days: nobody can keep an officer out of an
// account from elsewhere.
func perPlace() limit   { return limit{"place", 5, 15 * time.Minute} }
func perAccount() limit { return limit{"account", 20, time.Minute} }
func perAddress() limit { return limit{"address", 50, 5 * time.Minute} }

const (
	forgetFailures = 24 * time.Hour // without another one
	forgetTrust    = 30 * 24 * time.Hour
)

// wait is how long after the last of so many failures nothing is tried.
func (l limit) wait(failures int) time.Duration {
	over := failures - l.free
	if over < 0 {
		return 0
	}
	return min(l.longest, time.Second<<min(over, 30))
}

type failureRow struct {
	bun.BaseModel `bun:"table:login_failures"`
	Subject       string `bun:"subject,pk"`
	Failures      int    `bun:"failures"`
	LastAt        int64  `bun:"last_at"`
	TrustedAt     int64  `bun:"trusted_at"`
}

// WaitError is LOGIN_WAIT with how long to wait.
type WaitError struct{ After time.Duration }

// Error implements error.
func (e *WaitError) Error() string { return fmt.Sprintf("%v (%v)", errWait, e.After) }

// Unwrap gives the refusal.
func (e *WaitError) Unwrap() error { return errWait }

// attempt is one that was counted as a failure before it is known to be one, so that many at once count too.
type attempt struct {
	place, account, address string
	locks                   bool // this failure is the one from which on somebody has to wait
}

// subject names what attempts have in common; names and addresses as they were typed are not kept.
func (l limit) subject(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return l.kind + ":" + hex.EncodeToString(sum[:16])
}

// network is the address without what one person can change: of IPv6 the /64 they were given.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	p, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

// begin counts an attempt, or refuses it with a WaitError. Known and unknown names are treated alike.
func (s *Service) begin(ctx context.Context, name, from string) (attempt, error) {
	from = network(from)
	a := attempt{place: perPlace().subject(name, from), account: perAccount().subject(name), address: perAddress().subject(from)}
	now := s.now()
	err := s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*failureRow)(nil)).Where("last_at < ? AND trusted_at < ?",
			now.Add(-forgetFailures).UnixMilli(), now.Add(-forgetTrust).UnixMilli()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("sweep failed sign-ins: %w", err)
		}
		var rows []failureRow
		if err := tx.NewSelect().Model(&rows).Where("subject IN (?)", bun.List([]string{a.place, a.account, a.address})).Scan(ctx); err != nil {
			return fmt.Errorf("read failed sign-ins: %w", err)
		}
		have := map[string]failureRow{}
		for _, r := range rows {
			if now.UnixMilli()-r.LastAt > forgetFailures.Milliseconds() {
				r.Failures = 0
			}
			have[r.Subject] = r
		}
		return s.count(ctx, tx, &a, have, now)
	})
	return a, err
}

func (s *Service) count(ctx context.Context, tx bun.Tx, a *attempt, have map[string]failureRow, now time.Time) error {
	trusted := have[a.place].TrustedAt > now.Add(-forgetTrust).UnixMilli()
	var wait time.Duration
	for subject, l := range map[string]limit{a.place: perPlace(), a.account: perAccount(), a.address: perAddress()} {
		if trusted && subject != a.place {
			continue
		}
		r := have[subject]
		wait = max(wait, time.UnixMilli(r.LastAt).Add(l.wait(r.Failures)).Sub(now))
		a.locks = a.locks || subject != a.address && r.Failures+1 == l.free
	}
	if wait > 0 {
		return &WaitError{After: wait}
	}
	for _, subject := range []string{a.place, a.account, a.address} {
		r := have[subject]
		r.Subject, r.Failures, r.LastAt = subject, r.Failures+1, now.UnixMilli()
		if _, err := tx.NewInsert().Model(&r).On("CONFLICT (subject) DO UPDATE").
			Set("failures = EXCLUDED.failures, last_at = EXCLUDED.last_at").Exec(ctx); err != nil {
			return fmt.Errorf("count sign-in: %w", err)
		}
	}
	return nil
}

// undo takes the count of an attempt back that told nothing about a guess.
func (s *Service) undo(ctx context.Context, a attempt) error {
	_, err := s.db.NewUpdate().Model((*failureRow)(nil)).Set("failures = failures - 1").
		Where("subject IN (?) AND failures > 0", bun.List([]string{a.place, a.account, a.address})).Exec(context.WithoutCancel(ctx))
	if err != nil {
		return fmt.Errorf("uncount sign-in: %w", err)
	}
	return nil
}

// passed takes the count back of one that succeeded, forgets the failures from its place and trusts it from now on.
func (s *Service) passed(ctx context.Context, a attempt) error {
	if err := s.undo(ctx, a); err != nil {
		return err
	}
	_, err := s.db.NewUpdate().Model((*failureRow)(nil)).Set("failures = 0, trusted_at = ?", s.now().UnixMilli()).
		Where("subject = ?", a.place).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note sign-in: %w", err)
	}
	return nil
}

// forgive forgets what was failed on an account, from wherever.
func (s *Service) forgive(ctx context.Context, db bun.IDB, name string) error {
	if _, err := db.NewDelete().Model((*failureRow)(nil)).Where("subject = ?", perAccount().subject(name)).Exec(ctx); err != nil {
		return fmt.Errorf("forget failed sign-ins: %w", err)
	}
	return nil
}
