package seal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// maxSignatures bounds the work one envelope can ask for; thresholds are far below.
const maxSignatures = 16

// envelopeRoom is what names and signatures may take beside the payload.
const envelopeRoom = 4 << 10

// MaxEnvelope is the largest envelope of a payload of at most maxPayload bytes.
func MaxEnvelope(maxPayload int) int { return base64.StdEncoding.EncodedLen(maxPayload) + envelopeRoom }

// Seal signs payload with each key: a DSSE envelope as JSON.
func Seal(payloadType string, payload []byte, keys ...Key) ([]byte, error) {
	if limit := MaxSize(payloadType); limit > 0 && len(payload) > limit {
		return nil, refuse(TooLarge, "%s of %d bytes, at most %d", payloadType, len(payload), limit)
	}
	if len(keys) > maxSignatures {
		return nil, fmt.Errorf("seal document: %d keys, at most %d", len(keys), maxSignatures)
	}
	signers := make([]dsse.Signer, len(keys))
	for i, k := range keys {
		if len(k.private) == 0 {
			return nil, errors.New("seal document: empty key")
		}
		signers[i] = signer{k}
	}
	es, err := dsse.NewEnvelopeSigner(signers...)
	if err != nil {
		return nil, fmt.Errorf("seal document: %w", err)
	}
	env, err := es.SignPayload(context.Background(), payloadType, payload)
	if err != nil {
		return nil, fmt.Errorf("seal document: %w", err)
	}
	return Marshal(env)
}

// opened is an envelope that has the form of one; nothing in it is verified.
type opened struct {
	dsse.Envelope
	payload    []byte
	signatures [][]byte
}

// parseEnvelope checks form and limits: strict JSON, the expected type, one spelling of base64, named keys,
// each once.
func parseEnvelope(envelope []byte, payloadType string, maxPayload int) (*opened, error) {
	env, err := Strict[dsse.Envelope](envelope, MaxEnvelope(maxPayload))
	if err != nil {
		return nil, err
	}
	if env.PayloadType != payloadType {
		return nil, refuse(TypeUnknown, "%.80q instead of %q", env.PayloadType, payloadType)
	}
	if n := len(env.Signatures); n == 0 || n > maxSignatures {
		return nil, refuse(Malformed, "%d signatures", n)
	}
	seen, signatures := make(map[string]bool, len(env.Signatures)), make([][]byte, 0, len(env.Signatures))
	for _, s := range env.Signatures {
		if len(s.KeyID) != 64 {
			return nil, refuse(Malformed, "a signature without a key id")
		}
		if seen[s.KeyID] {
			return nil, refuse(KeyTwice, "two signatures of key %s", s.KeyID)
		}
		seen[s.KeyID] = true
		sig, err := decodeBase64(s.Sig)
		if err != nil {
			return nil, refuse(Malformed, "a signature that is not base64").because(err)
		}
		signatures = append(signatures, sig)
	}
	payload, err := decodeBase64(env.Payload)
	if err != nil {
		return nil, refuse(Malformed, "a payload that is not base64").because(err)
	}
	if len(payload) > maxPayload {
		return nil, refuse(TooLarge, "a payload of %d bytes, at most %d", len(payload), maxPayload)
	}
	return &opened{env, payload, signatures}, nil
}
