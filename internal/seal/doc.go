// Package seal makes and checks the documents that may make a loudspeaker speak. It takes payloads from the
// hub's planner, orders and trust command and gives DSSE envelopes signed with Ed25519; on the agent it takes
// received bytes and gives back the verified payload, or a Refusal with a stable code and nothing changed.
// A payload is parsed only after the signatures over exactly those bytes were verified, and strictly: unknown
// or double keys refuse it, so new fields come with a new type version. It knows no network, no clock (the time
// is an argument) and no storage except key files and the two-slot FloorFile.
//
// Key, Trust and the other values are immutable once made and safe for concurrent use; a FloorFile is too.
package seal

// Payload types. A type names the form of its payload; another form is another type.
const (
	TypeTrust    = "application/vnd.loa.trust.v1+json"
	TypePlanHead = "application/vnd.loa.plan-head.v1+json"
	TypeOrder    = "application/vnd.loa.order.v1+json"
	TypeDrill    = "application/vnd.loa.drill.v1+json" // an exercise is signed as one: no bytes of it are ever a live order
	TypeTime     = "application/vnd.loa.time.v1+json"
)

// Limits of payloads in bytes.
const (
	MaxTrust    = 16 << 10
	MaxPlanHead = 16 << 10
	MaxOrder    = 16 << 10
	MaxTime     = 1 << 10
)

// MaxSize gives the limit of a payload type, 0 for a type that is not known.
func MaxSize(payloadType string) int {
	switch payloadType {
	case TypeTrust:
		return MaxTrust
	case TypePlanHead:
		return MaxPlanHead
	case TypeOrder, TypeDrill:
		return MaxOrder
	case TypeTime:
		return MaxTime
	}
	return 0
}
