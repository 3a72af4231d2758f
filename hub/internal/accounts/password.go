package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id as OWASP's Password Storage Cheat Sheet asks at least (19 MiB, 2 passes, one lane): RFC 9106's
// 64 MiB would stay in an idle hub's heap after every login.
func owasp() cost { return cost{memoryKiB: 19 << 10, passes: 2} }

// cost of one hash, of one lane.
type cost struct{ memoryKiB, passes uint32 }

const (
	hashLanes  = 1
	hashLength = 32
	saltLength = 16
)

// waiting is how many hashes may queue behind those under way: at some 30 ms each the last waits for half a second.
const waiting = 32

// hasher bounds the hashes under way, each of which takes 19 MiB, and the queue before them: who finds it full is
// refused at once (LOGIN_BUSY).
type hasher struct {
	cost          cost // of new hashes
	places, queue chan struct{}
}

func newHasher(c cost, atOnce, waiting int) hasher {
	return hasher{cost: c, places: make(chan struct{}, atOnce), queue: make(chan struct{}, atOnce+waiting)}
}

// derive waits for a place, or for the caller to give up.
func (h hasher) derive(ctx context.Context, password string, salt []byte, memory, passes uint32, lanes uint8) ([]byte, error) {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return nil, errBusy
	}
	select {
	case h.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.places }()
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, hashLength), nil
}

// hash gives the PHC string of a password under a fresh salt.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	key, err := h.derive(ctx, password, salt, h.cost.memoryKiB, h.cost.passes, hashLanes)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return h.cost.phc(salt, key), nil
}

func (c cost) phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memoryKiB, c.passes, hashLanes, b64(salt), b64(key))
}

// decoy gives a PHC string that no password has: its key was not derived from any, so making it costs nothing.
func (c cost) decoy() string {
	salt, key := make([]byte, saltLength), make([]byte, hashLength)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	_, _ = rand.Read(key)
	return c.phc(salt, key)
}

// matches tells whether password belongs to the PHC string.
func (h hasher) matches(ctx context.Context, phc, password string) (bool, error) {
	var version int
	var memory, passes uint32
	var lanes uint8
	fields := strings.Split(phc, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return false, fmt.Errorf("read password hash: not argon2id")
	}
	if _, err := fmt.Sscanf(fields[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("read password hash: version %q", fields[2])
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	got, err := h.derive(ctx, password, salt, memory, passes, lanes)
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
