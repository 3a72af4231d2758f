package seal

import (
	"bytes"
	"fmt"
	"time"
)

// Bounds of the nonce of a time request, in bytes.
const (
	minNonce = 16
	maxNonce = 64
)

// SignedTime is the payload of a signed time.
type SignedTime struct {
	Nonce []byte    `json:"nonce"` // of the agent that asked
	Time  time.Time `json:"time"`
	Agent string    `json:"agent,omitempty"` // id of the agent that asked
}

// SealTime signs the answer to an agent's nonce.
func SealTime(st SignedTime, keys ...Key) ([]byte, error) { //nolint:revive // Time is the role
	if n := len(st.Nonce); n < minNonce || n > maxNonce {
		return nil, fmt.Errorf("seal time: a nonce of %d bytes, %d to %d are allowed", n, minNonce, maxNonce)
	}
	payload, err := Marshal(st)
	if err != nil {
		return nil, err
	}
	return Seal(TypeTime, payload, keys...)
}

// OpenTime verifies the answer to nonce for the agent; a document that names no agent is for whoever made the
// nonce. The trust document's expiry is not looked at: without a time nobody can know that it is over. The
// caller uses each nonce once and measures the round trip.
func OpenTime(t *Trust, envelope, nonce []byte, agent string) (time.Time, error) {
	payload, err := t.Open(envelope, Time, TypeTime, MaxTime)
	if err != nil {
		return time.Time{}, err
	}
	st, err := Strict[SignedTime](payload, MaxTime)
	if err != nil {
		return time.Time{}, err
	}
	switch {
	case len(nonce) < minNonce || !bytes.Equal(st.Nonce, nonce):
		return time.Time{}, refuse(NonceForeign, "for another nonce")
	case st.Agent != "" && st.Agent != agent:
		return time.Time{}, refuse(Audience, "for %.80q, not for %q", st.Agent, agent)
	case st.Time.IsZero():
		return time.Time{}, refuse(Malformed, "without a time")
	}
	return st.Time, nil
}
