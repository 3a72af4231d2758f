package pairing

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"github.com/loa-vn/loa/internal/seal"
)

// Hub is one attempt as the hub sees it, one for each connection: Start, Reveal, Confirm, Done, in this order.
type Hub struct {
	trust []byte
	own   *ecdh.PrivateKey
	nonce []byte
	said  transcript
	sec   *secret
	agent string
	next  step
}

// Candidate is an open pairing.
type Candidate struct {
	ID   string
	Code Code
}

// Match is the open pairing whose code the agent knows.
type Match struct {
	ID    string            // of the Candidate
	Key   ed25519.PublicKey // what the agent says is its key; proven by Done
	Name  string            // what the agent calls itself
	Words Words
}

// NewHub begins an attempt with the envelope of the trust document in force.
func NewHub(trust []byte) (*Hub, error) { return newHub(trust, rand.Reader) }

func newHub(trust []byte, random io.Reader) (*Hub, error) {
	if _, err := seal.PinTrust(trust); err != nil {
		return nil, fmt.Errorf("begin pairing: %w", err)
	}
	own, nonce, err := ephemeral(random)
	if err != nil {
		return nil, err
	}
	return &Hub{trust: bytes.Clone(trust), own: own, nonce: nonce, next: wantStart}, nil
}

// Start takes the agent's first message and gives the offer.
func (h *Hub) Start(m Start) (Offer, error) {
	if err := h.take(wantStart, m.check()); err != nil {
		return Offer{}, err
	}
	if m.Protocol != Protocol {
		return Offer{}, ErrProtocol
	}
	digest := sha256.Sum256(h.trust)
	h.said.start = m
	h.said.offer = Offer{Ephemeral: h.own.PublicKey().Bytes(), Nonce: h.nonce, TrustSHA256: digest[:]}
	h.next = wantReveal
	return h.said.offer, nil
}

// Reveal takes what the agent was bound to and finds the open pairing whose code it knows. ErrCodeWrong says
// that there is none: nothing in a reveal names a pairing, so it is a wrong try at each of open. Every other error is no try. A match takes the
// pairing: the caller marks it answered, so that no second agent can match it.
func (h *Hub) Reveal(m Reveal, open []Candidate) (Match, Answer, error) {
	if err := h.take(wantReveal, m.check()); err != nil {
		return Match{}, Answer{}, err
	}
	if !bytes.Equal(m.commit(), h.said.start.Commit) {
		return Match{}, Answer{}, ErrMessage.With(errors.New("not what the agent was bound to"))
	}
	shared, err := exchange(h.own, m.Ephemeral)
	if err != nil {
		return Match{}, Answer{}, err
	}
	h.said.reveal = m
	id, ok := h.find(m.MAC, shared, open)
	if !ok {
		return Match{}, Answer{}, ErrCodeWrong
	}
	h.next = wantConfirm
	match := Match{ID: id, Key: bytes.Clone(m.Key), Name: m.Name, Words: wordsOf(h.sec.hash)}
	return match, Answer{MAC: h.sec.mac(roleHub), Trust: bytes.Clone(h.trust)}, nil
}

// find tries every code, so that how long it takes says nothing about which one fits.
func (h *Hub) find(mac, shared []byte, open []Candidate) (id string, ok bool) {
	hash := h.said.hash()
	for _, c := range open {
		s := &secret{shared: shared, code: c.Code, hash: hash}
		if len(c.Code) == codeSize && subtle.ConstantTimeCompare(mac, s.mac(roleAgent)) == 1 && !ok {
			id, ok, h.sec = c.ID, true, s
		}
	}
	return id, ok
}

// Confirm says that the admin has compared the words: the agent is now this one, in this area.
func (h *Hub) Confirm(agentID, name, area string) (Confirmed, error) {
	if err := h.take(wantConfirm, true); err != nil {
		return Confirmed{}, err
	}
	m := Confirmed{Agent: agentID, Name: name, Area: area, MAC: h.sec.mac(roleConfirm, agentID, name, area)}
	if !m.check() {
		return Confirmed{}, ErrMessage
	}
	h.agent, h.next = agentID, wantDone
	return m, nil
}

// Done takes the proof of the agent's key. Only now the key may be written into the fleet as proven.
func (h *Hub) Done(m Done) error {
	if err := h.take(wantDone, m.check()); err != nil {
		return err
	}
	if !ed25519.Verify(h.said.reveal.Key, paired(h.sec.hash, h.agent), m.Signature) {
		return ErrProof
	}
	return nil
}

func (h *Hub) take(want step, sound bool) error { return take(&h.next, want, sound) }
