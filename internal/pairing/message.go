package pairing

import (
	"crypto/sha256"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/loa-vn/loa/internal/seal"
)

// Protocol is the version both sides must speak.
const Protocol = "loa.v1"

const (
	pointSize   = 32
	nonceSize   = 32
	maxText     = 512
	maxName     = 100 // characters
	maxMessage  = 64 << 10
	maxEnvelope = 32 << 10
)

// Start binds the agent to what it will reveal.
type Start struct {
	Protocol string `json:"protocol"`
	Commit   []byte `json:"commit"`
}

// Offer is the hub's half of the key exchange and the trust document it will give, by hash.
type Offer struct {
	Ephemeral   []byte `json:"ephemeral"`
	Nonce       []byte `json:"nonce"`
	TrustSHA256 []byte `json:"trust_sha256"`
}

// Reveal is what Start was bound to, and the proof that the agent knows the code.
type Reveal struct {
	Ephemeral []byte `json:"ephemeral"`
	Nonce     []byte `json:"nonce"`
	Key       []byte `json:"key"` // Ed25519 public key: the agent's identity from now on
	Name      string `json:"name"`
	MAC       []byte `json:"mac"`
}

// Answer is the hub's proof that it knows the code, and the trust document.
type Answer struct {
	MAC   []byte `json:"mac"`
	Trust []byte `json:"trust"` // envelope
}

// Confirmed says that an admin has compared the words.
type Confirmed struct {
	Agent string `json:"agent"` // id
	Name  string `json:"name"`
	Area  string `json:"area"` // code
	MAC   []byte `json:"mac"`
}

// Done proves the agent's key.
type Done struct {
	Signature []byte `json:"signature"`
}

// Message is one step of a pairing.
type Message interface {
	Start | Offer | Reveal | Answer | Confirmed | Done
	Step() string
	check() bool
}

// Step is the message's name on the wire.
func (Start) Step() string     { return "start" }
func (Offer) Step() string     { return "offer" }
func (Reveal) Step() string    { return "reveal" }
func (Answer) Step() string    { return "answer" }
func (Confirmed) Step() string { return "confirmed" }
func (Done) Step() string      { return "done" }

func (m Start) check() bool {
	return len(m.Protocol) <= maxText && len(m.Commit) == sha256.Size
}

func (m Offer) check() bool {
	return len(m.Ephemeral) == pointSize && len(m.Nonce) == nonceSize && len(m.TrustSHA256) == sha256.Size
}

func (m Reveal) check() bool {
	return len(m.Ephemeral) == pointSize && len(m.Nonce) == nonceSize && len(m.Key) == pointSize &&
		validName(m.Name) && len(m.MAC) == sha256.Size
}

func (m Answer) check() bool {
	return len(m.MAC) == sha256.Size && len(m.Trust) > 0 && len(m.Trust) <= maxEnvelope
}

func (m Confirmed) check() bool {
	return m.Agent != "" && len(m.Agent) <= maxText && len(m.Name) <= maxText && len(m.Area) <= maxText && len(m.MAC) == sha256.Size
}

func (m Done) check() bool { return len(m.Signature) == 64 }

// Encode gives the message's body as JSON.
func Encode[M Message](m M) ([]byte, error) {
	b, err := seal.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode pairing %s: %w", m.Step(), err)
	}
	return b, nil
}

// Decode reads a body strictly: another form is another Protocol.
func Decode[M Message](body []byte) (M, error) {
	m, err := seal.Strict[M](body, maxMessage)
	if err != nil {
		return m, ErrMessage.With(err)
	}
	if !m.check() {
		var none M
		return none, ErrMessage.With(fmt.Errorf("a field of %s has a wrong size", m.Step()))
	}
	return m, nil
}

// validName keeps what an admin reads beside the words from being other than it looks.
func validName(name string) bool {
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || len(name) > maxText || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) { // also no direction marks and no line breaks
			return false
		}
	}
	return true
}
