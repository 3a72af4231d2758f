package accounts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Person is an account as the rest of the hub knows it: no secret in it.
type Person struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Area  string `json:"area"` // code of the area with all below it; "" is the whole tree
	Epoch int64  `json:"-"`    // of sign-ins: raised when every session must end
}

// Account is a person as those see it who manage people.
type Account struct {
	Person
	Disabled     bool      `json:"disabled"`
	SecondFactor bool      `json:"second_factor" doc:"one-time codes are asked for"`
	Invited      bool      `json:"invited" doc:"no password yet: the set-up link was not used"`
	CreatedAt    time.Time `json:"created_at"`
}

// NewPerson is what makes an account with a password.
type NewPerson struct {
	Name, Password, Area string
	Role                 Role
	By                   By // who makes it; the console when left out
}

// personRow is a row of table people.
type personRow struct {
	bun.BaseModel `bun:"table:people"`
	ID            string `bun:"id,pk"`
	Name          string `bun:"name"`
	Role          Role   `bun:"role"`
	Area          string `bun:"area"`
	PasswordHash  string `bun:"password_hash"` // "" until they set one
	Disabled      bool   `bun:"disabled"`
	CreatedAt     int64  `bun:"created_at"`
	Epoch         int64  `bun:"epoch"`
	TOTPSecret    string `bun:"totp_secret"`
	TOTPPending   string `bun:"totp_pending"`
	TOTPStep      int64  `bun:"totp_step"`
}

func (r personRow) person() Person {
	return Person{ID: r.ID, Name: r.Name, Role: r.Role, Area: r.Area, Epoch: r.Epoch}
}

func (r personRow) account() Account {
	return Account{Person: r.person(), Disabled: r.Disabled, SecondFactor: r.TOTPSecret != "", Invited: r.PasswordHash == "",
		CreatedAt: time.UnixMilli(r.CreatedAt).UTC()}
}

// said is what an audit line says of a person.
func (r personRow) said() map[string]any {
	return map[string]any{"name": r.Name, "role": r.Role, "area": r.Area, "disabled": r.Disabled,
		"invited": r.PasswordHash == "", "second_factor": r.TOTPSecret != ""}
}

// Service keeps people, what they prove themselves by, and the audit log.
type Service struct {
	db     *bun.DB
	now    func() time.Time
	hasher hasher
	decoy  string // a hash nobody's password has, so that an unknown name takes as long as a known one

	mu   sync.Mutex
	less chan struct{} // closed, and made anew, when somebody may do less than before
}

// New makes the service; now is the hub's clock.
func New(_ context.Context, db *bun.DB, now func() time.Time) (*Service, error) {
	return &Service{db: db, now: now, hasher: newHasher(owasp(), 2, waiting), decoy: owasp().decoy(), less: make(chan struct{})}, nil
}

// Less gives a channel that is closed the next time a session or token ended, or somebody's rights changed, by this hub:
// whoever answers one request for long asks again then.
func (s *Service) Less() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.less
}

func (s *Service) lessen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.less)
	s.less = make(chan struct{})
}

// namePattern: letters, digits and . _ - @, so that a name is safe in a log line and an address.
var namePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$`)

// minPassword follows NIST SP 800-63B, which asks for length and for no other rule.
const minPassword, maxPassword = 8, 256

func (n *NewPerson) check() error {
	n.Name = strings.TrimSpace(n.Name)
	if !namePattern.MatchString(n.Name) {
		return errName
	}
	if _, ok := ParseRole(string(n.Role)); !ok {
		return errRole
	}
	if n.By == (By{}) {
		n.By = Console()
	}
	return nil
}

func checkPassword(password string) error {
	if l := utf8.RuneCountInString(password); l < minPassword || l > maxPassword {
		return errPassword
	}
	return nil
}

// Add makes an account with a password. Errors: NAME_INVALID, NAME_TAKEN, ROLE_UNKNOWN, PASSWORD_SHORT.
func (s *Service) Add(ctx context.Context, n NewPerson) (Person, error) {
	if err := n.check(); err != nil {
		return Person{}, err
	}
	if err := checkPassword(n.Password); err != nil {
		return Person{}, err
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return Person{}, err
	}
	var row personRow
	err = s.db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		row, err = s.insert(ctx, tx, n, hash)
		return err
	})
	return row.person(), err
}

// insert writes a new person, with the audit line.
func (s *Service) insert(ctx context.Context, tx bun.Tx, n NewPerson, hash string) (personRow, error) {
	row := personRow{ID: uuid.Must(uuid.NewV7()).String(), Name: n.Name, Role: n.Role, Area: n.Area, PasswordHash: hash,
		CreatedAt: s.now().UnixMilli(), Epoch: 1}
	res, err := tx.NewInsert().Model(&row).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	if err != nil {
		return personRow{}, fmt.Errorf("insert person: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return personRow{}, errors.Join(errNameTaken, err)
	}
	return row, s.line(ctx, tx, n.By, "person.add", row, nil, row.said())
}

// BySession gives the person behind a session that began in an epoch. Error: NOT_SIGNED_IN when the account is gone or
// disabled, or every session of that epoch has ended.
func (s *Service) BySession(ctx context.Context, id string, epoch int64) (Person, error) {
	row, err := s.byID(ctx, s.db, id)
	if errors.Is(err, errPersonNotFound) || err == nil && (row.Disabled || row.Epoch != epoch) {
		return Person{}, ErrNotSignedIn()
	}
	return row.person(), err
}

// Account gives one person, or PERSON_NOT_FOUND.
func (s *Service) Account(ctx context.Context, id string) (Account, error) {
	row, err := s.byID(ctx, s.db, id)
	return row.account(), err
}

// Named gives the person of a name, or PERSON_NOT_FOUND.
func (s *Service) Named(ctx context.Context, name string) (Account, error) {
	row, err := s.byName(ctx, s.db, strings.TrimSpace(name))
	return row.account(), err
}

// PeopleFilter chooses people; Areas nil is all of them.
type PeopleFilter struct {
	Areas []string
	After string // id
	Limit int
}

// List gives people, the oldest account first.
func (s *Service) List(ctx context.Context, f PeopleFilter) ([]Account, error) {
	var rows []personRow
	q := s.db.NewSelect().Model(&rows).Order("id").Limit(int64(f.Limit))
	if f.Areas != nil {
		if len(f.Areas) == 0 {
			return nil, nil
		}
		q = q.Where("area IN (?)", bun.List(f.Areas))
	}
	if f.After != "" {
		q = q.Where("id > ?", f.After)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	out := make([]Account, len(rows))
	for i, r := range rows {
		out[i] = r.account()
	}
	return out, nil
}

// Count gives the number of accounts; 0 means that the hub was never set up.
func (s *Service) Count(ctx context.Context) (int, error) { return count(ctx, s.db) }

func count(ctx context.Context, db bun.IDB) (int, error) {
	n, err := db.NewSelect().Model((*personRow)(nil)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count people: %w", err)
	}
	return int(n), nil
}
