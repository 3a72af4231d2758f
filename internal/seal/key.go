package seal

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loa-vn/loa/internal/durable"
)

// PublicKey is an Ed25519 public key. Its text form, in JSON too, is "ed25519:" and the 32 bytes in standard
// base64 with padding.
type PublicKey [ed25519.PublicKeySize]byte

const publicPrefix = "ed25519:"

// PublicKeyFrom takes a key of the standard library.
func PublicKeyFrom(k ed25519.PublicKey) (PublicKey, error) {
	if len(k) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("take public key: %d bytes instead of %d", len(k), ed25519.PublicKeySize)
	}
	return PublicKey(k), nil
}

// ID is the lower-case hex of the SHA-256 of the 32 bytes: the keyid in envelopes and trust documents.
func (p PublicKey) ID() string {
	sum := sha256.Sum256(p[:])
	return hex.EncodeToString(sum[:])
}

// String is the text form.
func (p PublicKey) String() string { return publicPrefix + base64.StdEncoding.EncodeToString(p[:]) }

// MarshalText gives the text form.
func (p PublicKey) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the text form, and only that.
func (p *PublicKey) UnmarshalText(text []byte) error {
	b, ok := strings.CutPrefix(string(text), publicPrefix)
	raw, err := decodeBase64(b)
	if !ok || err != nil || len(raw) != ed25519.PublicKeySize {
		return errors.New("read public key: not " + publicPrefix + " and 32 bytes in base64")
	}
	copy(p[:], raw)
	return nil
}

// Verify tells whether sig is this key's signature over message.
func (p PublicKey) Verify(message, sig []byte) bool { return ed25519.Verify(p[:], message, sig) }

// Key is an Ed25519 private key.
type Key struct {
	private ed25519.PrivateKey
	public  PublicKey
	id      string
}

// NewKey makes one from the system's randomness.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	return keyOf(private), nil
}

// KeyFromSeed makes the key of a 32-byte seed.
func KeyFromSeed(seed []byte) (Key, error) {
	if len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("make key: a seed of %d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	return keyOf(ed25519.NewKeyFromSeed(seed)), nil
}

func keyOf(private ed25519.PrivateKey) Key {
	public := PublicKey(private[ed25519.SeedSize:])
	return Key{private: private, public: public, id: public.ID()}
}

// ID is that of the public key.
func (k Key) ID() string { return k.id }

// Public is the key that may be known.
func (k Key) Public() PublicKey { return k.public }

// Private is the key in the standard library's form, for the proof at each connection.
func (k Key) Private() ed25519.PrivateKey { return k.private }

// Sign signs message.
func (k Key) Sign(message []byte) []byte { return ed25519.Sign(k.private, message) }

// String never shows the private half.
func (k Key) String() string { return k.public.String() }

// GoString never shows the private half.
func (k Key) GoString() string { return "seal.Key(" + k.public.String() + ")" }

// PEM is the key as PKCS #8, the form of key files.
func (k Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads PEM; systemd credentials come this way.
func ParseKey(text []byte) (Key, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return Key{}, errors.New("read key: not one PEM block PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("read key: %w", err)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return Key{}, errors.New("read key: not an Ed25519 key")
	}
	return keyOf(private), nil
}

// LoadKey reads a key file. On Unix a file that others than its owner can read or write is refused.
func LoadKey(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, fmt.Errorf("load key: %w", err)
	}
	if err := checkMode(path, info); err != nil {
		return Key{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, fmt.Errorf("load key: %w", err)
	}
	k, err := ParseKey(text)
	if err != nil {
		return Key{}, fmt.Errorf("load key %s: %w", path, err)
	}
	return k, nil
}

// CreateKey writes k to a new file of mode 0600; a file that is there already stays and is an error
// (errors.Is fs.ErrExist).
func CreateKey(path string, k Key) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("create key %s: %w", path, errors.Join(fs.ErrExist, err))
	}
	text, err := k.PEM()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("create key: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return durable.SyncDir(filepath.Dir(path))
}

// LoadOrCreateKey loads the file's key, and makes it when there is none.
func LoadOrCreateKey(path string) (Key, error) {
	k, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = NewKey(); err != nil {
		return Key{}, err
	}
	if err := CreateKey(path, k); err != nil {
		return Key{}, err
	}
	return k, nil
}

// signer gives dsse a Key.
type signer struct{ key Key }

func (s signer) Sign(_ context.Context, data []byte) ([]byte, error) { return s.key.Sign(data), nil }
func (s signer) KeyID() (string, error)                              { return s.key.id, nil }
