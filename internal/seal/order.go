package seal

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// MaxOrderLife is the longest time from an order's issue to its expiry.
const MaxOrderLife = 15 * time.Minute

// Order is the payload of an order: it only accelerates what the next head says too.
type Order struct {
	Key      string         `json:"key"`      // id of the signing key whose sequence it counts
	Sequence uint64         `json:"sequence"` // per key, always rising
	IssuedAt time.Time      `json:"issued_at"`
	Expires  time.Time      `json:"expires"`
	Audience OrderAudience  `json:"audience"`
	Kind     OrderKind      `json:"kind"`
	Body     jsontext.Value `json:"body"` // by kind; to be read with Strict
}

// OrderKind is what an order asks for.
type OrderKind string

// The kinds of orders.
const (
	OrderLive   OrderKind = "live"   // sound an urgent bulletin; the body is a broadcast.Bulletin
	OrderDrill  OrderKind = "drill"  // the same for an exercise, as a TypeDrill
	OrderCancel OrderKind = "cancel" // take one back; the body is a broadcast.Cancellation

	OrderCommand OrderKind = "command" // something for one agent's PC; the body is a broadcast.Command
)

// payloadType is the only one an order of the kind may have, "" for a kind that does not exist.
func (k OrderKind) payloadType() string {
	switch k {
	case OrderLive, OrderCancel, OrderCommand:
		return TypeOrder
	case OrderDrill:
		return TypeDrill
	}
	return ""
}

// OrderAudience is who an order is for: everybody, or the agents and areas that are named.
type OrderAudience struct {
	All    bool     `json:"all,omitempty"`
	Agents []string `json:"agents,omitempty"`
	Areas  []string `json:"areas,omitempty"`
}

// Listener is the agent that opens an order.
type Listener struct {
	Agent string
	Areas []string // its area and those above it
}

// SealOrder signs an order; keys[0] is the one whose sequence it counts.
func SealOrder(o Order, keys ...Key) ([]byte, error) { //nolint:revive // Order is the document, sealing is what is done to it
	if len(keys) == 0 {
		return nil, errors.New("seal order: no key")
	}
	o.Key = keys[0].ID()
	if len(o.Body) == 0 {
		o.Body = jsontext.Value("{}")
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("seal order: %w", err)
	}
	if o.Kind.payloadType() == "" {
		return nil, fmt.Errorf("seal order: kind %q is not known", o.Kind)
	}
	payload, err := Marshal(o)
	if err != nil {
		return nil, err
	}
	return Seal(o.Kind.payloadType(), payload, keys...)
}

// OpenOrder verifies an order and holds it against all rules; floors is what to commit before acting on it.
// An order needs a trusted now: with the zero time it is refused (ClockUntrusted), because after the floors
// were lost only the expiry tells a recorded order from a fresh one.
func OpenOrder(t *Trust, envelope []byte, who Listener, floors Floors, now time.Time) (Order, Floors, error) {
	o, err := t.openOrder(envelope, who, now)
	if err != nil {
		return Order{}, floors, err
	}
	next, err := floors.NextOrder(o.Key, o.Sequence)
	if err != nil {
		return Order{}, floors, err
	}
	return o, next, nil
}

func (t *Trust) openOrder(envelope []byte, who Listener, now time.Time) (Order, error) {
	payloadType := orderType(envelope)
	payload, signers, err := t.open(envelope, Urgent, payloadType, MaxOrder)
	if err != nil {
		return Order{}, err
	}
	o, err := Strict[Order](payload, MaxOrder)
	if err != nil {
		return Order{}, err
	}
	if err := o.check(); err != nil {
		return Order{}, err
	}
	role := t.role(Urgent)
	switch {
	case o.Kind.payloadType() != payloadType:
		return Order{}, refuse(TypeUnknown, "an order of kind %.40q as %s", o.Kind, payloadType)
	case !slices.Contains(signers, o.Key):
		return Order{}, refuse(OrderKey, "key %.64q did not sign it", o.Key)
	case !o.Audience.holds(who):
		return Order{}, refuse(Audience, "not for agent %q", who.Agent)
	case len(role.Areas) > 0 && (o.Audience.All || len(o.Audience.Agents) > 0 || !role.speaksFor(o.Audience.Areas...)):
		// Agents are named by id, which says nothing about the area: such a role names areas.
		return Order{}, refuse(AreaForeign, "the role is limited to other areas")
	case now.IsZero():
		return Order{}, refuse(ClockUntrusted, "the time is not known")
	case t.Expired(now):
		return Order{}, refuse(TrustExpired, "trust document %d is over", t.Version())
	case fromFuture(o.IssuedAt, now):
		return Order{}, refuse(FromFuture, "issued at %s", o.IssuedAt.Format(time.RFC3339))
	case !now.Before(o.Expires):
		return Order{}, refuse(Expired, "it ended at %s", o.Expires.Format(time.RFC3339))
	}
	return o, nil
}

// orderType gives which of its two types an envelope claims to be; what it is, its signature says.
func orderType(envelope []byte) string {
	if env, err := Strict[dsse.Envelope](envelope, MaxEnvelope(MaxOrder)); err == nil && env.PayloadType == TypeDrill {
		return TypeDrill
	}
	return TypeOrder
}

// check holds an order against the rules that need nothing else.
func (o *Order) check() error {
	switch life := o.Expires.Sub(o.IssuedAt); {
	case o.Sequence == 0 || o.Kind == "" || o.IssuedAt.IsZero() || life <= 0:
		return refuse(Malformed, "without sequence, kind, or time between issue and expiry")
	case life > MaxOrderLife:
		return refuse(OrderTooLong, "valid for %s, at most %s", life, MaxOrderLife)
	case o.Audience.All == (len(o.Audience.Agents)+len(o.Audience.Areas) > 0):
		return refuse(Malformed, "for nobody, or for all and for some")
	case o.Kind == OrderCommand && (len(o.Audience.Agents) != 1 || len(o.Audience.Areas) > 0):
		return refuse(Malformed, "a command is for one agent: no slip may restart a province")
	}
	return nil
}

func (a *OrderAudience) holds(who Listener) bool {
	return a.All || who.Agent != "" && slices.Contains(a.Agents, who.Agent) ||
		slices.ContainsFunc(who.Areas, func(area string) bool { return slices.Contains(a.Areas, area) })
}
