package pairing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/seal"
)

// stream is reproducible bytes: SHA-256 of the seed and a counter.
type stream struct {
	seed string
	n    uint32
	rest []byte
}

func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) < len(p) {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(s.seed), s.n))
		s.rest, s.n = append(s.rest, sum[:]...), s.n+1
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func seedKey(t testing.TB, seed string) seal.Key {
	t.Helper()
	sum := sha256.Sum256([]byte(seed))
	k, err := seal.KeyFromSeed(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// trustOf makes a trust document in which one key has every role.
func trustOf(t testing.TB, seed string) []byte {
	t.Helper()
	k := seedKey(t, seed)
	role := seal.RoleKeys{Keys: []string{k.ID()}, Threshold: 1}
	trust, err := seal.NewTrust(seal.TrustDoc{
		Version: 1, IssuedAt: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Expires: time.Date(2036, 11, 23, 0, 0, 0, 0, time.UTC),
		Roles: seal.Roles{Root: role, Planner: role, Urgent: role, Time: role},
		Keys:  map[string]seal.PublicKey{k.ID(): k.Public()},
	}, k)
	if err != nil {
		t.Fatal(err)
	}
	return trust.Envelope()
}

const goodCode Code = "7K3M9QXA02BD"

func open() []Candidate {
	return []Candidate{{"other", "000000000000"}, {"ours", goodCode}, {"third", "ZZZZZZZZZZZZ"}}
}

func agentWith(t testing.TB, seed string, code Code) *Agent {
	t.Helper()
	a, err := newAgent(seedKey(t, seed+" key").Private(), code, "Loa thôn 3", &stream{seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func hubWith(t testing.TB, seed string) *Hub {
	t.Helper()
	h, err := newHub(trustOf(t, seed+" trust"), &stream{seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// must gives the value of a step that has to succeed, after a way over the wire.
func must[M Message](t testing.TB, m M, err error) M {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", m.Step(), err)
	}
	body, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode[M](body)
	if err != nil {
		t.Fatalf("%s: %v", m.Step(), err)
	}
	return back
}

// said is everything that crosses the line in one pairing, and what each side makes of it.
type said struct {
	Start     Start
	Offer     Offer
	Reveal    Reveal
	Answer    Answer
	Words     Words
	Confirmed Confirmed
	Done      Done
}

func run(t testing.TB, a *Agent, h *Hub) (s said, m Match, j Joined) {
	t.Helper()
	var err error
	s.Start = must(t, a.Start(), nil)
	offer, err := h.Start(s.Start)
	s.Offer = must(t, offer, err)
	reveal, err := a.Offer(s.Offer)
	s.Reveal = must(t, reveal, err)
	m, answer, err := h.Reveal(s.Reveal, open())
	s.Answer = must(t, answer, err)
	if s.Words, err = a.Answer(s.Answer); err != nil {
		t.Fatal(err)
	}
	confirmed, err := h.Confirm("agent-1", "Loa thôn 3", "xa-1")
	s.Confirmed = must(t, confirmed, err)
	done, j, err := a.Confirmed(s.Confirmed)
	s.Done = must(t, done, err)
	if err := h.Done(s.Done); err != nil {
		t.Fatal(err)
	}
	return s, m, j
}

func TestPairing(t *testing.T) {
	a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
	s, m, j := run(t, a, h)
	if m.ID != "ours" || m.Name != "Loa thôn 3" || !bytes.Equal(m.Key, seedKey(t, "agent key").Private()[32:]) {
		t.Errorf("the hub matched %+v", m)
	}
	if m.Words != s.Words || s.Words[5] == "" {
		t.Errorf("words: hub %v, agent %v", m.Words, s.Words)
	}
	if j.Agent != "agent-1" || j.Name != "Loa thôn 3" || j.Area != "xa-1" || !bytes.Equal(j.Trust.Envelope(), h.trust) {
		t.Errorf("the agent joined as %+v", j)
	}
}

func TestPairingGolden(t *testing.T) {
	s, _, _ := run(t, agentWith(t, "agent", goodCode), hubWith(t, "hub"))
	// With the private halves, somebody else's implementation can be held against the vector.
	a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
	got, err := json.MarshalIndent(struct {
		AgentSeed, AgentEphemeral, HubEphemeral []byte
		Code                                    Code
		said
	}{a.key.Seed(), a.own.Bytes(), h.own.Bytes(), goodCode, s}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "pairing.json")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, append(got, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("the pairing no longer gives these bytes:\n%s", got)
	}
}

func TestStepsOnlyInOrder(t *testing.T) {
	s, _, _ := run(t, agentWith(t, "agent", goodCode), hubWith(t, "hub"))
	for name, step := range map[string]func() error{
		"agent: answer first":    func() error { _, err := agentWith(t, "agent", goodCode).Answer(s.Answer); return err },
		"agent: confirmed first": func() error { _, _, err := agentWith(t, "agent", goodCode).Confirmed(s.Confirmed); return err },
		"hub: reveal first":      func() error { _, _, err := hubWith(t, "hub").Reveal(s.Reveal, open()); return err },
		"hub: confirm first":     func() error { _, err := hubWith(t, "hub").Confirm("a", "b", "c"); return err },
		"hub: done first":        func() error { return hubWith(t, "hub").Done(s.Done) },
		"agent: confirmed before the words": func() error {
			a := agentWith(t, "agent", goodCode)
			if _, err := a.Offer(s.Offer); err != nil {
				t.Fatal(err)
			}
			_, _, err := a.Confirmed(s.Confirmed)
			return err
		},
		"agent: a second offer": func() error {
			a := agentWith(t, "agent", goodCode)
			if _, err := a.Offer(s.Offer); err != nil {
				t.Fatal(err)
			}
			_, err := a.Offer(s.Offer)
			return err
		},
		"hub: a second reveal after a wrong one": func() error {
			h := hubWith(t, "hub")
			if _, err := h.Start(s.Start); err != nil {
				t.Fatal(err)
			}
			if _, _, err := h.Reveal(s.Reveal, nil); !errors.Is(err, ErrCodeWrong) {
				t.Fatal(err)
			}
			_, _, err := h.Reveal(s.Reveal, open())
			return err
		},
	} {
		if err := step(); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHubRefusesAnotherProtocol(t *testing.T) {
	m := agentWith(t, "agent", goodCode).Start()
	m.Protocol = "loa.v2"
	if _, err := hubWith(t, "hub").Start(m); !errors.Is(err, ErrProtocol) {
		t.Error(err)
	}
}

func TestHubRefusesAStolenKey(t *testing.T) {
	a, h := agentWith(t, "agent", goodCode), hubWith(t, "hub")
	offer, err := h.Start(a.Start())
	if err != nil {
		t.Fatal(err)
	}
	a.key = seedKey(t, "not the key it revealed").Private()
	reveal, err := a.Offer(offer)
	if err != nil {
		t.Fatal(err)
	}
	_, answer, err := h.Reveal(reveal, open())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Answer(answer); err != nil {
		t.Fatal(err)
	}
	confirmed, err := h.Confirm("agent-1", "n", "a")
	if err != nil {
		t.Fatal(err)
	}
	done, _, err := a.Confirmed(confirmed)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Done(done); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
}

func TestAgentRefusesBadNames(t *testing.T) {
	for name, n := range map[string]string{
		"empty": "", "line break": "a\nb", "right to left": "a\u202eb", "not UTF-8": "a\xff", "long": string(bytes.Repeat([]byte("a"), 101)),
	} {
		if _, err := NewAgent(seedKey(t, "k").Private(), goodCode, n); !errors.Is(err, ErrName) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
