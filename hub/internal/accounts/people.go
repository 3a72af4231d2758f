package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/loa-vn/loa/internal/problem"
)

// Person is an account as the rest of the hub knows it: no secret in it.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role Role   `json:"role"`
	Area string `json:"area"` // code of the area with all below it; "" is the whole tree
}

// NewPerson is what makes an account.
type NewPerson struct {
	Name, Password, Area string
	Role                 Role
}

// personRow is a row of table people.
type personRow struct {
	bun.BaseModel `bun:"table:people"`
	ID            string `bun:"id,pk"`
	Name          string `bun:"name"`
	Role          Role   `bun:"role"`
	Area          string `bun:"area"`
	PasswordHash  string `bun:"password_hash"`
	Disabled      bool   `bun:"disabled"`
	CreatedAt     int64  `bun:"created_at"`
}

func (r personRow) person() Person { return Person{ID: r.ID, Name: r.Name, Role: r.Role, Area: r.Area} }

// Service keeps people, sessions, tokens and the audit log.
type Service struct {
	db     *bun.DB
	now    func() time.Time
	hasher hasher
	decoy  string // a hash nobody's password has, so that an unknown name takes as long as a known one
}

// New makes the service; now is the hub's clock.
func New(_ context.Context, db *bun.DB, now func() time.Time) (*Service, error) {
	return &Service{db: db, now: now, hasher: newHasher(2), decoy: decoy()}, nil
}

// namePattern: letters, digits and . _ - @, so that a name is safe in a log line and an address.
var namePattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$`)

// minPassword follows NIST SP 800-63B, which asks for length and for no other rule.
const minPassword, maxPassword = 8, 256

// Add makes an account. Errors: NAME_INVALID, NAME_TAKEN, ROLE_UNKNOWN, PASSWORD_SHORT.
func (s *Service) Add(ctx context.Context, n NewPerson) (Person, error) {
	n.Name = strings.TrimSpace(n.Name)
	if !namePattern.MatchString(n.Name) {
		return Person{}, errName()
	}
	if _, ok := ParseRole(string(n.Role)); !ok {
		return Person{}, errRole()
	}
	if l := utf8.RuneCountInString(n.Password); l < minPassword || l > maxPassword {
		return Person{}, errPassword()
	}
	hash, err := s.hasher.hash(ctx, n.Password)
	if err != nil {
		return Person{}, err
	}
	row := personRow{ID: uuid.Must(uuid.NewV7()).String(), Name: n.Name, Role: n.Role, Area: n.Area, PasswordHash: hash, CreatedAt: s.now().UnixMilli()}
	res, err := s.db.NewInsert().Model(&row).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	if err != nil {
		return Person{}, fmt.Errorf("insert person: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return Person{}, errors.Join(errNameTaken(), err)
	}
	return row.person(), nil
}

// Login checks a name and a password. Error: LOGIN_FAILED, which does not tell which of the two was wrong.
func (s *Service) Login(ctx context.Context, name, password string) (Person, error) {
	row := personRow{PasswordHash: s.decoy}
	err := s.db.NewSelect().Model(&row).Where("name = ?", strings.TrimSpace(name)).Scan(ctx)
	known := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Person{}, fmt.Errorf("find person: %w", err)
	}
	ok, err := s.hasher.matches(ctx, row.PasswordHash, password)
	if err != nil {
		return Person{}, err
	}
	if !ok || !known || row.Disabled {
		return Person{}, ErrLogin()
	}
	return row.person(), nil
}

// ByID gives the person behind a session. Error: NOT_SIGNED_IN when the account is gone or disabled.
func (s *Service) ByID(ctx context.Context, id string) (Person, error) {
	var row personRow
	err := s.db.NewSelect().Model(&row).Where("id = ?", id).Where("NOT disabled").Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, ErrNotSignedIn()
	}
	if err != nil {
		return Person{}, fmt.Errorf("find person: %w", err)
	}
	return row.person(), nil
}

// Count gives the number of accounts; 0 means that the hub was never set up.
func (s *Service) Count(ctx context.Context) (int, error) {
	n, err := s.db.NewSelect().Model((*personRow)(nil)).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count people: %w", err)
	}
	return int(n), nil
}

// ErrNotSignedIn is the refusal of a request without a valid session or token.
func ErrNotSignedIn() *problem.Error {
	return problem.New("NOT_SIGNED_IN", 401, "Bạn chưa đăng nhập hoặc phiên đã hết hạn. Hãy đăng nhập lại.",
		"You are not signed in, or your session has ended. Sign in again.")
}

// ErrLogin is the refusal of a wrong name or password.
func ErrLogin() *problem.Error {
	return problem.New("LOGIN_FAILED", 401, "Tên hoặc mật khẩu không đúng. Hãy thử lại.", "The name or the password is wrong. Try again.")
}

func errName() *problem.Error {
	return problem.New("NAME_INVALID", 422, "Tên đăng nhập chỉ gồm chữ, số và . _ - @, dài tối đa 64 ký tự. Hãy chọn tên khác.",
		"A name has letters, digits and . _ - @ only, at most 64 of them. Choose another name.").At("name")
}

func errNameTaken() *problem.Error {
	return problem.New("NAME_TAKEN", 409, "Tên này đã có người dùng. Hãy chọn tên khác.", "This name is taken. Choose another one.").At("name")
}

func errRole() *problem.Error {
	return problem.New("ROLE_UNKNOWN", 422, "Vai trò phải là admin, officer, operator hoặc viewer.",
		"The role must be admin, officer, operator or viewer.").At("role")
}

func errPassword() *problem.Error {
	return problem.New("PASSWORD_SHORT", 422, "Mật khẩu phải dài từ 8 đến 256 ký tự. Hãy chọn một câu dễ nhớ.",
		"A password has 8 to 256 characters. Choose a sentence that you remember.").At("password")
}
