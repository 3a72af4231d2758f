package console

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/durable"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/problem"
)

// Refusals of a PIN.
var (
	errPINNone = problem.New("PIN_NONE", http.StatusConflict,
		"Máy này chưa có mã PIN. Hãy chọn mã PIN trước, trong mục Mã PIN.",
		"This PC has no PIN yet. Choose one first, under PIN.")
	errPINForm = problem.New("PIN_INVALID", http.StatusUnprocessableEntity,
		"Mã PIN phải có từ 4 đến 12 chữ số, không được toàn một chữ số. Hãy chọn mã khác.",
		"A PIN has 4 to 12 digits, not all the same. Choose another.")
	errPINWrong = problem.New("PIN_WRONG", http.StatusForbidden,
		"Mã PIN không đúng. Hãy nhập lại; sau 5 lần sai phải chờ.",
		"The PIN is wrong. Type it again; after 5 wrong ones you have to wait.")
	errPINWait = problem.New("PIN_WAIT", http.StatusTooManyRequests,
		"Sai mã PIN quá nhiều lần. Hãy chờ ít phút rồi thử lại; nút Dừng vẫn dùng được.",
		"Too many wrong PINs. Wait some minutes and try again; Stop works all the same.")
)

const (
	pinTries      = 5
	pinWait       = 30 * time.Second // after that many wrong ones, then twice as long each time
	pinWaitMost   = 15 * time.Minute
	pinIterations = 600_000 // of PBKDF2 with SHA-256, as OWASP's Password Storage Cheat Sheet asks; it needs no memory
)

// PIN is the lock before what changes the programme. It is kept as a file: salt and derived key, and how many wrong
// ones came in a row, so that pulling the plug begins no new row. Safe for concurrent use, one guess at a time.
type PIN struct {
	file       string
	now        func() mono.Instant
	iterations int

	mu     sync.Mutex
	locked mono.Instant // no guess before; 0 for none
}

type pinFile struct {
	Salt       []byte `json:"salt"`
	Key        []byte `json:"key"`
	Iterations int    `json:"iterations"`
	Wrong      int    `json:"wrong"`

	TakenBack time.Time `json:"taken_back,omitzero"` // by the newest of the hub's admin's words that was followed
}

// NewPIN gives the lock whose file that is; it need not be there yet.
func NewPIN(file string, now func() mono.Instant) *PIN {
	return &PIN{file: file, now: now, iterations: pinIterations}
}

// Chosen tells whether there is a PIN. A file that cannot be read is one: damage opens no lock.
func (p *PIN) Chosen() bool {
	f, err := p.load()
	return err != nil || len(f.Key) > 0
}

// TakeBack forgets a PIN, once for each instant at which the hub's admin said so, and the wrong tries with it: whoever
// is at the PC may choose the next.
func (p *PIN) TakeBack(at time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f, err := p.load(); err == nil && !at.After(f.TakenBack) {
		return nil
	}
	p.locked = 0
	return p.write(pinFile{TakenBack: at})
}

func (p *PIN) load() (f pinFile, err error) {
	raw, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		return f, fmt.Errorf("read PIN: %w", err)
	}
	return f, nil
}

// Choose sets the PIN; one that is there must be given as old.
func (p *PIN) Choose(old, pin string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.check(old); err != nil && !errors.Is(err, errPINNone) {
		return err
	}
	if len(pin) < 4 || len(pin) > 12 || strings.Trim(pin, "0123456789") != "" || strings.Trim(pin, pin[:1]) == "" {
		return errPINForm
	}
	was, err := p.load()
	if err != nil {
		return err
	}
	f := pinFile{Salt: make([]byte, 16), Iterations: p.iterations, TakenBack: was.TakenBack}
	_, _ = rand.Read(f.Salt) // never fails
	if f.Key, err = derive(pin, f.Salt, f.Iterations); err != nil {
		return err
	}
	return p.write(f)
}

// Check opens the lock, or refuses.
func (p *PIN) Check(pin string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.check(pin)
}

func (p *PIN) check(pin string) error {
	f, err := p.load()
	if err != nil {
		return err
	}
	if len(f.Key) == 0 {
		return errPINNone
	}
	if p.locked == 0 && f.Wrong >= pinTries { // the agent was started anew meanwhile
		p.lock(f.Wrong)
	}
	if p.now().Sub(p.locked) < 0 {
		return errPINWait
	}
	f.Wrong++ // written before the answer: whoever pulls the plug in between has had a try
	if err := p.write(f); err != nil {
		return err
	}
	got, err := derive(pin, f.Salt, f.Iterations)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(got, f.Key) != 1 {
		if f.Wrong >= pinTries {
			p.lock(f.Wrong)
		}
		return errPINWrong
	}
	f.Wrong, p.locked = 0, 0
	return p.write(f)
}

func (p *PIN) lock(wrong int) {
	p.locked = p.now().Add(min(pinWait<<min(wrong-pinTries, 10), pinWaitMost))
}

func (p *PIN) write(f pinFile) error {
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode PIN: %w", err)
	}
	if err := durable.Replace(p.file, raw); err != nil {
		return fmt.Errorf("write PIN: %w", err)
	}
	return nil
}

func derive(pin string, salt []byte, iterations int) ([]byte, error) {
	key, err := pbkdf2.Key(sha256.New, pin, salt, iterations, 32)
	if err != nil {
		return nil, fmt.Errorf("derive PIN: %w", err)
	}
	return key, nil
}
