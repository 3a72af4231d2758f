package pairing

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// lp appends each part after its length, so that no two lists of parts give the same bytes.
func lp[B ~[]byte | ~string](to []byte, parts ...B) []byte {
	for _, p := range parts {
		to = binary.BigEndian.AppendUint32(to, uint32(len(p)))
		to = append(to, p...)
	}
	return to
}

// transcript is everything both sides said before the first mac.
type transcript struct {
	start  Start
	offer  Offer
	reveal Reveal // without MAC
}

func (r *Reveal) commit() []byte {
	text := lp([]byte("loa.v1 pairing commit\x00"), r.Ephemeral, r.Nonce, r.Key, []byte(r.Name))
	sum := sha256.Sum256(text)
	return sum[:]
}

func (t *transcript) hash() []byte {
	text := lp([]byte("loa.v1 pairing\x00"), []byte(t.start.Protocol), t.start.Commit, t.offer.Ephemeral, t.offer.Nonce,
		t.offer.TrustSHA256, t.reveal.Ephemeral, t.reveal.Nonce, t.reveal.Key, []byte(t.reveal.Name))
	sum := sha256.Sum256(text)
	return sum[:]
}

// Roles of the derived keys.
const (
	roleAgent   = "agent"
	roleHub     = "hub"
	roleConfirm = "confirm"
)

// secret is what only the two sides know.
type secret struct {
	shared []byte // X25519
	code   Code
	hash   []byte // T
}

func (s *secret) mac(role string, more ...string) []byte {
	info := append([]byte("loa.v1 pairing "+role+"\x00"), s.hash...)
	key, err := hkdf.Key(sha256.New, s.shared, []byte(s.code), string(info), 32)
	if err != nil {
		panic(err) // only for a length that HKDF cannot give
	}
	m := hmac.New(sha256.New, key)
	m.Write(s.hash)
	m.Write(lp(nil, more...))
	return m.Sum(nil)
}

func (s *secret) proven(mac []byte, role string, more ...string) bool {
	return hmac.Equal(mac, s.mac(role, more...))
}

func paired(hash []byte, agentID string) []byte {
	return lp(append([]byte("loa.v1 paired\x00"), hash...), agentID)
}

// ephemeral makes a key exchange's half and a nonce.
func ephemeral(random io.Reader) (*ecdh.PrivateKey, []byte, error) {
	b := make([]byte, pointSize+nonceSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, nil, fmt.Errorf("make ephemeral key: %w", err)
	}
	key, err := ecdh.X25519().NewPrivateKey(b[:pointSize])
	if err != nil {
		return nil, nil, fmt.Errorf("make ephemeral key: %w", err)
	}
	return key, b[pointSize:], nil
}

// exchange gives the shared secret. It fails for a point of low order, whose secret everybody knows
// (RFC 7748, section 6.1).
func exchange(own *ecdh.PrivateKey, other []byte) ([]byte, error) {
	point, err := ecdh.X25519().NewPublicKey(other)
	if err != nil {
		return nil, ErrMessage.With(err)
	}
	shared, err := own.ECDH(point)
	if err != nil {
		return nil, ErrMessage.With(err)
	}
	return shared, nil
}
