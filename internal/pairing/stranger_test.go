package pairing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// The stranger sits on the line, changes and answers everything, and does not know the code.

func TestStrangerBeforeDoesNotKnowTheCode(t *testing.T) {
	t.Run("as an agent", func(t *testing.T) {
		for name, code := range map[string]Code{"guess": "7K3M9QXA02BE", "zeros": "000000000001"} {
			s, h := agentWith(t, "stranger", code), hubWith(t, "hub")
			offer, err := h.Start(s.Start())
			if err != nil {
				t.Fatal(err)
			}
			reveal, err := s.Offer(offer)
			if err != nil {
				t.Fatal(err)
			}
			if _, answer, err := h.Reveal(reveal, open()); !errors.Is(err, ErrCodeWrong) || answer.MAC != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("no pairing has the empty code", func(t *testing.T) {
		s, h := agentWith(t, "stranger", goodCode), hubWith(t, "hub")
		s.code = ""
		offer, err := h.Start(s.Start())
		if err != nil {
			t.Fatal(err)
		}
		reveal, err := s.Offer(offer)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Reveal(reveal, []Candidate{{ID: "x"}}); !errors.Is(err, ErrCodeWrong) {
			t.Error(err)
		}
	})
	t.Run("as a hub", func(t *testing.T) {
		a, s := agentWith(t, "agent", goodCode), hubWith(t, "stranger")
		offer, err := s.Start(a.Start())
		if err != nil {
			t.Fatal(err)
		}
		reveal, err := a.Offer(offer)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Reveal(reveal, []Candidate{{"guess", "7K3M9QXA02BE"}}); !errors.Is(err, ErrCodeWrong) {
			t.Fatal(err)
		}
		answer := Answer{MAC: reveal.MAC, Trust: s.trust} // the agent's own proof handed back
		if words, err := a.Answer(answer); !errors.Is(err, ErrOtherSide) || words != (Words{}) {
			t.Errorf("%v, words %v", err, words)
		}
	})
}

// Each case changes one message on its way; each must end the attempt before the words are shown.
func TestStrangerDuringChangesMessages(t *testing.T) {
	strange := agentWith(t, "stranger", "7K3M9QXA02BE")
	strangeHub := hubWith(t, "stranger")
	digest := sha256.Sum256(strangeHub.trust)
	for name, c := range map[string]struct {
		start  func(*Start)
		offer  func(*Offer)
		reveal func(*Reveal)
		answer func(*Answer)
		want   error
	}{
		"hub's ephemeral":        {offer: func(m *Offer) { m.Ephemeral = strangeHub.own.PublicKey().Bytes() }, want: ErrCodeWrong},
		"hub's nonce":            {offer: func(m *Offer) { m.Nonce = strangeHub.nonce }, want: ErrCodeWrong},
		"trust digest":           {offer: func(m *Offer) { m.TrustSHA256 = digest[:] }, want: ErrCodeWrong},
		"commitment":             {start: func(m *Start) { *m = strange.Start() }, want: ErrMessage},
		"agent's ephemeral":      {reveal: func(m *Reveal) { m.Ephemeral = strange.own.PublicKey().Bytes() }, want: ErrMessage},
		"agent's key":            {reveal: func(m *Reveal) { m.Key = strange.said.reveal.Key }, want: ErrMessage},
		"agent's name":           {reveal: func(m *Reveal) { m.Name = "Loa khác" }, want: ErrMessage},
		"agent's mac":            {reveal: func(m *Reveal) { m.MAC[0] ^= 1 }, want: ErrCodeWrong},
		"hub's mac":              {answer: func(m *Answer) { m.MAC[31] ^= 1 }, want: ErrOtherSide},
		"trust document":         {answer: func(m *Answer) { m.Trust = strangeHub.trust }, want: ErrTrust},
		"trust document and mac": {answer: func(m *Answer) { m.Trust = append(m.Trust, ' ') }, want: ErrTrust},
		"own commitment, own reveal, agent's mac": {
			start:  func(m *Start) { *m = strange.Start() },
			reveal: func(m *Reveal) { mac := m.MAC; *m = strange.said.reveal; m.MAC = mac },
			want:   ErrCodeWrong,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
			words, err := relay(a, h, c.start, c.offer, c.reveal, c.answer)
			if !errors.Is(err, c.want) || words != (Words{}) {
				t.Errorf("%v, words %v, want %v", err, words, c.want)
			}
			if _, joined, err := a.Confirmed(Confirmed{Agent: "x", MAC: make([]byte, 32)}); err == nil || joined.Trust != nil {
				t.Error("the agent pinned something")
			}
		})
	}
}

// relay carries the messages up to the words, each through a hand of the stranger.
func relay(a *Agent, h *Hub, onStart func(*Start), onOffer func(*Offer), onReveal func(*Reveal), onAnswer func(*Answer)) (Words, error) {
	start := a.Start()
	apply(onStart, &start)
	offer, err := h.Start(start)
	if err != nil {
		return Words{}, err
	}
	offer = Offer{slices.Clone(offer.Ephemeral), slices.Clone(offer.Nonce), slices.Clone(offer.TrustSHA256)}
	apply(onOffer, &offer)
	reveal, err := a.Offer(offer)
	if err != nil {
		return Words{}, err
	}
	apply(onReveal, &reveal)
	_, answer, err := h.Reveal(reveal, open())
	if err != nil {
		return Words{}, err
	}
	apply(onAnswer, &answer)
	return a.Answer(answer)
}

func apply[M any](change func(*M), m *M) {
	if change != nil {
		change(m)
	}
}

// Even one who found the code and pairs with both sides at once shows two people different words, and had to
// choose everything before seeing what the words depend on.
func TestStrangerWithTheCodeShowsOtherWords(t *testing.T) {
	a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
	toHub, toAgent := agentWith(t, "stranger", goodCode), hubWith(t, "stranger")
	wordsAtAgent, err := relay(a, toAgent, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wordsAtHub, err := relay(toHub, h, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if wordsAtAgent == wordsAtHub {
		t.Error("both people see the same words")
	}
	if wordsAtHub.Match(wordsAtAgent.String()) {
		t.Error("the admin's page would take them")
	}
}

// After seeing the hub's offer nothing of the reveal can change: without this the words could be searched for.
func TestCommitmentBindsEveryField(t *testing.T) {
	base := agentWith(t, "agent", goodCode).said.reveal
	for name, change := range map[string]func(*Reveal){
		"ephemeral": func(r *Reveal) { r.Ephemeral = flip(r.Ephemeral) },
		"nonce":     func(r *Reveal) { r.Nonce = flip(r.Nonce) },
		"key":       func(r *Reveal) { r.Key = flip(r.Key) },
		"name":      func(r *Reveal) { r.Name += "!" },
	} {
		r := base
		change(&r)
		if bytes.Equal(r.commit(), base.commit()) {
			t.Errorf("%s is not bound", name)
		}
	}
}

func flip(b []byte) []byte {
	b = slices.Clone(b)
	b[0] ^= 1
	return b
}

func TestStrangerAfterReplaysARecordedPairing(t *testing.T) {
	s, _, _ := run(t, agentWith(t, "agent", goodCode), hubWith(t, "hub"))
	t.Run("to the hub", func(t *testing.T) { // which makes a new ephemeral and nonce for each connection
		h := hubWith(t, "hub later")
		if _, err := h.Start(s.Start); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Reveal(s.Reveal, open()); !errors.Is(err, ErrCodeWrong) {
			t.Error(err)
		}
	})
	t.Run("to an agent", func(t *testing.T) {
		a := agentWith(t, "agent later", goodCode)
		if _, err := a.Offer(s.Offer); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Answer(s.Answer); !errors.Is(err, ErrOtherSide) {
			t.Error(err)
		}
	})
	t.Run("the confirmation, with another id", func(t *testing.T) {
		a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
		if _, err := relay(a, h, nil, nil, nil, nil); err != nil {
			t.Fatal(err)
		}
		m := s.Confirmed
		m.Agent = "agent-2"
		if _, joined, err := a.Confirmed(m); !errors.Is(err, ErrOtherSide) || joined.Trust != nil {
			t.Error(err)
		}
	})
	t.Run("the signature, for another agent", func(t *testing.T) {
		a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
		if _, err := relay(a, h, nil, nil, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Confirm("agent-2", "Loa thôn 3", "xa-1"); err != nil {
			t.Fatal(err)
		}
		if err := h.Done(s.Done); !errors.Is(err, ErrProof) {
			t.Error(err)
		}
	})
}

// Points of low order on Curve25519 (RFC 7748, section 6.1; list of Bernstein's page on Curve25519): with them
// anybody would know the shared secret.
func TestLowOrderPointsAreRefused(t *testing.T) {
	for _, p := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		point, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
		if _, err := relay(a, h, nil, func(m *Offer) { m.Ephemeral = point }, nil, nil); !errors.Is(err, ErrMessage) {
			t.Errorf("hub's point %s: %v", p, err)
		}
		weak := Reveal{Ephemeral: point, Nonce: make([]byte, 32), Key: make([]byte, ed25519.PublicKeySize), Name: "x", MAC: make([]byte, 32)}
		h = hubWith(t, "hub")
		if _, err := h.Start(Start{Protocol, weak.commit()}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.Reveal(weak, open()); !errors.Is(err, ErrMessage) {
			t.Errorf("agent's point %s: %v", p, err)
		}
	}
}
