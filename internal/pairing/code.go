package pairing

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"
)

// Rules of a pairing (design.md, Pairing and link); counting is the hub's fleet.
const (
	Life     = 15 * time.Minute
	MaxTries = 5
)

// Code is a pairing code in canonical form: 12 characters of Crockford's base32, 60 bits.
type Code string

const (
	codeSize  = 12
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// NewCode makes one from the system's randomness.
func NewCode() (Code, error) { return newCode(rand.Reader) }

func newCode(random io.Reader) (Code, error) {
	b := make([]byte, codeSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("make pairing code: %w", err)
	}
	for i := range b {
		b[i] = crockford[b[i]%32] // 256 is a multiple of 32: every character is equally likely
	}
	return Code(b), nil
}

// String is how people see it: XXXX-XXXX-XXXX.
func (c Code) String() string {
	if len(c) != codeSize {
		return string(c)
	}
	return string(c[:4] + "-" + c[4:8] + "-" + c[8:])
}

// ParseCode reads what a person typed: small letters, spaces and dashes anywhere, O for 0, I or L for 1.
func ParseCode(typed string) (Code, error) {
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '-', '\t', '\n', '\r', '\u00a0', '–', '—':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if r >= 0x80 || strings.IndexByte(crockford, byte(r)) < 0 || b.Len() == codeSize {
			return "", ErrCodeForm
		}
		b.WriteRune(r)
	}
	if b.Len() != codeSize {
		return "", ErrCodeForm
	}
	return Code(b.String()), nil
}
