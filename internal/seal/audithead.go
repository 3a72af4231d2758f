package seal

import (
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// TypeAuditHead is the payload type of an audit head, MaxAuditHead its limit in bytes.
const (
	TypeAuditHead = "application/vnd.loa.audit-head.v1+json"
	MaxAuditHead  = 1 << 10
)

// AuditHead says where the hub's audit log ended at an instant. No agent believes it anything.
type AuditHead struct {
	Seq  int64     `json:"seq"`  // of the last line, 0 for an empty log
	Hash string    `json:"hash"` // of that line
	At   time.Time `json:"at"`
}

// SealAuditHead signs a head with the hub's key for that, which no trust document names.
func SealAuditHead(h AuditHead, key Key) ([]byte, error) { //nolint:revive // AuditHead is the noun
	payload, err := Marshal(h)
	if err != nil {
		return nil, err
	}
	return Seal(TypeAuditHead, payload, key)
}

// OpenAuditHead verifies a head by the one key that may have signed it.
func OpenAuditHead(key PublicKey, envelope []byte) (AuditHead, error) {
	env, err := parseEnvelope(envelope, TypeAuditHead, MaxAuditHead)
	if err != nil {
		return AuditHead{}, err
	}
	for i, sig := range env.Signatures {
		if sig.KeyID == key.ID() && key.Verify(dsse.PAE(env.PayloadType, env.payload), env.signatures[i]) {
			return Strict[AuditHead](env.payload, MaxAuditHead)
		}
	}
	return AuditHead{}, refuse(KeyRole, "not signed by the key %s", key.ID())
}
