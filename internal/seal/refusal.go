package seal

import (
	"errors"
	"fmt"
)

// Code says why a document was refused. It is stable and never reused for another meaning; errors.Is finds it:
// errors.Is(err, seal.VersionLower).
type Code string

// The codes of refusals.
const (
	TooLarge         Code = "SEAL_TOO_LARGE"          // envelope or payload over the type's limit
	Malformed        Code = "SEAL_MALFORMED"          // not an envelope, or its verified payload is not strictly of its type
	TypeUnknown      Code = "SEAL_TYPE_UNKNOWN"       // not the payload type that is expected here
	KeyTwice         Code = "SEAL_KEY_TWICE"          // two signatures of one key
	KeyRevoked       Code = "SEAL_KEY_REVOKED"        // signed by a revoked key
	KeyRole          Code = "SEAL_KEY_ROLE"           // signed only by keys of other roles, or of none
	Threshold        Code = "SEAL_THRESHOLD"          // fewer valid signatures than the role asks for
	Audience         Code = "SEAL_AUDIENCE"           // meant for somebody else
	AreaForeign      Code = "SEAL_AREA"               // the role may not speak for this area
	Expired          Code = "SEAL_EXPIRED"            // its time is over
	FromFuture       Code = "SEAL_FROM_FUTURE"        // issued more than FutureSlack after now
	TrustExpired     Code = "SEAL_TRUST_EXPIRED"      // the trust document held is over: a newer one is needed first
	VersionLower     Code = "SEAL_VERSION_LOWER"      // older than what was already accepted
	VersionReused    Code = "SEAL_VERSION_REUSED"     // the version already accepted, with other bytes
	VersionJump      Code = "SEAL_VERSION_JUMP"       // more than MaxJump above the floor
	VersionSkipped   Code = "SEAL_VERSION_SKIPPED"    // a trust document that does not follow the one held
	TrustInvalid     Code = "SEAL_TRUST_INVALID"      // verified, but its roles cannot work
	OrderReplayed    Code = "SEAL_ORDER_REPLAYED"     // sequence at or under the key's floor
	OrderTooLong     Code = "SEAL_ORDER_TOO_LONG"     // valid for more than MaxOrderLife
	OrderKey         Code = "SEAL_ORDER_KEY"          // the key whose sequence it counts did not sign it
	ClockUntrusted   Code = "SEAL_CLOCK_UNTRUSTED"    // an order while the time is not known
	NonceForeign     Code = "SEAL_NONCE"              // signed time for another question
	FloorFileDamaged Code = "SEAL_FLOOR_FILE_DAMAGED" // neither slot of the floor file is whole
)

// Error makes a Code a target of errors.Is.
func (c Code) Error() string { return string(c) }

// Refusal is why a document was refused; nothing was changed.
type Refusal struct {
	Code Code
	Why  string // for the log and the audit line
	Err  error  // the cause, nil when the rule itself is the cause
}

// Error is for logs.
func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %s: %v", r.Code, r.Why, r.Err)
	}
	return fmt.Sprintf("%s: %s", r.Code, r.Why)
}

// Unwrap gives the code and the cause to errors.Is.
func (r *Refusal) Unwrap() []error {
	if r.Err != nil {
		return []error{r.Code, r.Err}
	}
	return []error{r.Code}
}

// CodeOf gives the code of a refusal anywhere in err, "" when there is none.
func CodeOf(err error) Code {
	var c Code
	errors.As(err, &c)
	return c
}

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Why: fmt.Sprintf(format, args...)}
}

func (r *Refusal) because(err error) *Refusal {
	r.Err = err
	return r
}
