package pairing

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/loa-vn/loa/internal/seal"
)

// Agent is one attempt of an agent: Start, Offer, Answer, Confirmed, in this order.
type Agent struct {
	key   ed25519.PrivateKey
	code  Code
	own   *ecdh.PrivateKey
	said  transcript
	sec   *secret
	trust *seal.Trust
	next  step
}

// step is the message that may come next; any error ends the attempt.
type step int

const (
	over step = iota
	wantStart
	wantOffer
	wantReveal
	wantAnswer
	wantConfirm
	wantDone
)

// Joined is what a finished pairing gives the agent.
type Joined struct {
	Agent string      // id
	Name  string      // as the hub has it
	Area  string      // code
	Trust *seal.Trust // to be pinned, now and not before
}

// NewAgent begins an attempt. key becomes the agent's identity and is to be made for this pairing.
func NewAgent(key ed25519.PrivateKey, code Code, name string) (*Agent, error) {
	return newAgent(key, code, name, rand.Reader)
}

func newAgent(key ed25519.PrivateKey, code Code, name string, random io.Reader) (*Agent, error) {
	if !validName(name) {
		return nil, ErrName
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("begin pairing: a key of %d bytes", len(key))
	}
	if _, err := ParseCode(string(code)); err != nil {
		return nil, err
	}
	own, nonce, err := ephemeral(random)
	if err != nil {
		return nil, err
	}
	public := key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]
	a := &Agent{key: key, code: code, own: own, next: wantOffer}
	a.said.reveal = Reveal{Ephemeral: own.PublicKey().Bytes(), Nonce: nonce, Key: bytes.Clone(public), Name: name}
	a.said.start = Start{Protocol: Protocol, Commit: a.said.reveal.commit()}
	return a, nil
}

// Start is the first message.
func (a *Agent) Start() Start { return a.said.start }

// Offer takes the hub's offer and gives the reveal.
func (a *Agent) Offer(m Offer) (Reveal, error) {
	if err := a.take(wantOffer, m.check()); err != nil {
		return Reveal{}, err
	}
	shared, err := exchange(a.own, m.Ephemeral)
	if err != nil {
		return Reveal{}, err
	}
	a.said.offer = m
	a.sec = &secret{shared: shared, code: a.code, hash: a.said.hash()}
	a.next = wantAnswer
	reveal := a.said.reveal
	reveal.MAC = a.sec.mac(roleAgent)
	return reveal, nil
}

// Answer takes the hub's answer: it knows the code, and the trust document is the one it offered. The words
// are for people to compare; nothing is trusted before Confirmed.
func (a *Agent) Answer(m Answer) (Words, error) {
	if err := a.take(wantAnswer, m.check()); err != nil {
		return Words{}, err
	}
	if !a.sec.proven(m.MAC, roleHub) {
		return Words{}, ErrOtherSide
	}
	if sum := sha256.Sum256(m.Trust); !bytes.Equal(sum[:], a.said.offer.TrustSHA256) {
		return Words{}, ErrTrust.With(errors.New("another document than the one offered"))
	}
	trust, err := seal.PinTrust(m.Trust)
	if err != nil {
		return Words{}, ErrTrust.With(err)
	}
	a.trust, a.next = trust, wantConfirm
	return wordsOf(a.sec.hash), nil
}

// Confirmed takes the admin's yes. What it gives is to be kept durably before Done is sent.
func (a *Agent) Confirmed(m Confirmed) (Done, Joined, error) {
	if err := a.take(wantConfirm, m.check()); err != nil {
		return Done{}, Joined{}, err
	}
	if !a.sec.proven(m.MAC, roleConfirm, m.Agent, m.Name, m.Area) {
		return Done{}, Joined{}, ErrOtherSide
	}
	done := Done{Signature: ed25519.Sign(a.key, paired(a.sec.hash, m.Agent))}
	return done, Joined{Agent: m.Agent, Name: m.Name, Area: m.Area, Trust: a.trust}, nil
}

func (a *Agent) take(want step, sound bool) error { return take(&a.next, want, sound) }

// take ends the attempt; the step that succeeds says what comes next.
func take(next *step, want step, sound bool) error {
	now := *next
	*next = over
	if now != want {
		return ErrOrder
	}
	if !sound {
		return ErrMessage
	}
	return nil
}
