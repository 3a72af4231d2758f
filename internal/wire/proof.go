package wire

import (
	"crypto/ed25519"
	"encoding/binary"
)

// proofContext keeps a signature made here from being one over anything else.
const proofContext = "loa.v1 hello\x00"

// ProofText is what an agent signs to prove that it holds its key: the hub's nonce (fresh for each connection,
// so that a recorded proof is worth nothing), its own nonce, its id, and what it says it already has. Each part
// is preceded by its length, so that no two sets of parts give the same text.
func ProofText(c *Challenge, h *Hello) []byte {
	text := append(make([]byte, 0, 256), proofContext...) // as long as it is with a head
	for _, part := range [][]byte{c.Nonce, h.Nonce, h.Key, []byte(h.Agent), []byte(h.PlanSHA256)} {
		text = binary.BigEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	text = binary.BigEndian.AppendUint64(text, h.PlanVersion)
	return binary.BigEndian.AppendUint64(text, h.TrustVersion)
}

// Prove fills Key and Proof of h.
func (h *Hello) Prove(c *Challenge, key ed25519.PrivateKey) {
	h.Key = append([]byte(nil), key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]...)
	h.Proof = ed25519.Sign(key, ProofText(c, h))
}

// Proven tells whether h was made by the holder of its key for the challenge.
func (h *Hello) Proven(c *Challenge) bool {
	return len(h.Key) == ed25519.PublicKeySize && ed25519.Verify(h.Key, ProofText(c, h), h.Proof)
}
