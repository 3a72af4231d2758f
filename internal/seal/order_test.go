package seal

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

func goodOrder(sequence uint64) Order {
	return Order{Sequence: sequence, IssuedAt: now.Add(-time.Minute), Expires: now.Add(10 * time.Minute), Kind: OrderCancel, Audience: OrderAudience{All: true}}
}

func sealOrder(t testing.TB, o Order, signers ...string) []byte {
	t.Helper()
	env, err := SealOrder(o, keys(t, signers...)...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func nonce() []byte { return bytes.Repeat([]byte{7}, 32) }

func sealTime(t testing.TB, signers ...string) []byte {
	t.Helper()
	env, err := SealTime(SignedTime{Nonce: nonce(), Time: now, Agent: "agent-1"}, keys(t, signers...)...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestOrders(t *testing.T) {
	trust := makeTrust(t, testDoc(t, 1), "root")
	urgent := testKey(t, "urgent").ID()
	who := Listener{Agent: "agent-1", Areas: []string{"tinh", "xa-1"}}
	order := func(change func(*Order)) []byte {
		o := goodOrder(6)
		change(&o)
		return sealOrder(t, o, "urgent")
	}
	raw := func(change func(*Order)) []byte { // what SealOrder would not sign
		o := goodOrder(6)
		o.Key, o.Body = urgent, []byte("{}")
		change(&o)
		return sealAny(t, TypeOrder, o, "urgent")
	}
	to := func(a OrderAudience) []byte { return order(func(o *Order) { o.Audience = a }) }
	for name, c := range map[string]struct {
		envelope []byte
		now      time.Time
		want     Code
	}{
		"for all":           {order(func(*Order) {}), now, ""},
		"for the agent":     {to(OrderAudience{Agents: []string{"agent-0", "agent-1"}}), now, ""},
		"for an area above": {to(OrderAudience{Areas: []string{"tinh"}}), now, ""},
		"for another agent": {to(OrderAudience{Agents: []string{"agent-2"}}), now, Audience},
		"for another area":  {to(OrderAudience{Areas: []string{"xa-2"}}), now, Audience},
		"for nobody":        {raw(func(o *Order) { o.Audience = OrderAudience{} }), now, Malformed},
		"replayed":          {order(func(o *Order) { o.Sequence = 5 }), now, OrderReplayed},
		"older":             {order(func(o *Order) { o.Sequence = 1 }), now, OrderReplayed},
		"jump":              {order(func(o *Order) { o.Sequence = 6 + MaxJump }), now, VersionJump},
		"over":              {order(func(*Order) {}), now.Add(10 * time.Minute), Expired},
		"from the future":   {order(func(*Order) {}), now.Add(-2 * time.Hour), FromFuture},
		"clock not trusted": {order(func(*Order) {}), time.Time{}, ClockUntrusted},
		"16 minutes":        {raw(func(o *Order) { o.Expires = o.IssuedAt.Add(16 * time.Minute) }), now, OrderTooLong},
		"unknown kind":      {raw(func(o *Order) { o.Kind = "shout" }), now, TypeUnknown},
		"drill as an order": {raw(func(o *Order) { o.Kind = OrderDrill }), now, TypeUnknown},
		"a drill":           {order(func(o *Order) { o.Kind = OrderDrill }), now, ""},
		"order as a drill": {sealAny(t, TypeDrill, Order{Key: urgent, Sequence: 6, IssuedAt: now, Expires: now.Add(time.Minute), Kind: OrderLive,
			Audience: OrderAudience{All: true}, Body: []byte("{}")}, "urgent"), now, TypeUnknown},
		"no kind": {raw(func(o *Order) { o.Kind = "" }), now, Malformed},
		"trust document over": {raw(func(o *Order) {
			o.IssuedAt, o.Expires = now.AddDate(10, 0, 0), now.AddDate(10, 0, 0).Add(time.Minute)
		}), now.AddDate(10, 0, 0), TrustExpired},
		"of the planner":        {sealOrder(t, goodOrder(6), "planner"), now, KeyRole},
		"another key's counter": {raw(func(o *Order) { o.Key = testKey(t, "planner").ID() }), now, OrderKey},
	} {
		floors := Floors{Orders: map[string]uint64{urgent: 5}}
		o, next, err := OpenOrder(trust, c.envelope, who, floors, c.now)
		if CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if floors.Orders[urgent] != 5 {
			t.Errorf("%s: the floors given were changed", name)
		}
		if err != nil && (!next.Equal(floors) || o.Kind != "") {
			t.Errorf("%s: refused, and yet %+v", name, next)
		}
		if err == nil && next.Orders[urgent] != 6 {
			t.Errorf("%s: floors %+v", name, next)
		}
	}
}

// With two signers an order could come twice, once under each, if the counter were anybody's who signed.
func TestOrderIsNotReplayedByDroppingASignature(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Roles.Urgent = role(t, &doc, 1, "urgent", "urgent 2")
	trust := makeTrust(t, doc, "root")
	both := sealOrder(t, goodOrder(1), "urgent", "urgent 2")
	who := Listener{Agent: "agent-1"}
	_, floors, err := OpenOrder(trust, both, who, Floors{}, now)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Code{OrderKey, OrderReplayed} {
		one := edit(t, both, func(e *dsse.Envelope) { e.Signatures = append(e.Signatures[:i:i], e.Signatures[i+1:]...) })
		if _, _, err := OpenOrder(trust, one, who, floors, now); !errors.Is(err, want) {
			t.Errorf("without signature %d: %v", i, err)
		}
	}
}

func TestUrgentRoleLimitedToAreas(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Roles.Urgent.Areas = []string{"xa-1", "xa-2"}
	trust := makeTrust(t, doc, "root")
	who := Listener{Agent: "agent-1", Areas: []string{"tinh", "xa-1"}}
	for name, c := range map[string]struct {
		audience OrderAudience
		want     Code
	}{
		"its areas":          {OrderAudience{Areas: []string{"xa-1", "xa-2"}}, ""},
		"all":                {OrderAudience{All: true}, AreaForeign},
		"an area above":      {OrderAudience{Areas: []string{"tinh"}}, AreaForeign},
		"its area and above": {OrderAudience{Areas: []string{"xa-1", "tinh"}}, AreaForeign},
		"an agent":           {OrderAudience{Agents: []string{"agent-1"}}, AreaForeign},
	} {
		o := goodOrder(1)
		o.Audience = c.audience
		if _, _, err := OpenOrder(trust, sealOrder(t, o, "urgent"), who, Floors{}, now); CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestSignedTime(t *testing.T) {
	trust := makeTrust(t, testDoc(t, 1), "root")
	got, err := OpenTime(trust, sealTime(t, "time"), nonce(), "agent-1")
	if err != nil || !got.Equal(now) {
		t.Fatalf("%s, %v", got, err)
	}
	for name, c := range map[string]struct {
		envelope, nonce []byte
		agent           string
		want            Code
	}{
		"replayed for another nonce": {sealTime(t, "time"), bytes.Repeat([]byte{8}, 32), "agent-1", NonceForeign},
		"for another agent":          {sealTime(t, "time"), nonce(), "agent-2", Audience},
		"of the planner":             {sealTime(t, "planner"), nonce(), "agent-1", KeyRole},
		"no nonce on either side":    {sealAny(t, TypeTime, SignedTime{Time: now}, "time"), nil, "agent-1", NonceForeign},
		"no time":                    {sealAny(t, TypeTime, SignedTime{Nonce: nonce()}, "time"), nonce(), "agent-1", Malformed},
		"a head instead":             {sealAny(t, TypePlanHead, goodHead(1), "time"), nonce(), "agent-1", TypeUnknown},
	} {
		if got, err := OpenTime(trust, c.envelope, c.nonce, c.agent); CodeOf(err) != c.want || !got.IsZero() {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
	if _, err := SealTime(SignedTime{Nonce: make([]byte, 8), Time: now}, testKey(t, "time")); err == nil {
		t.Error("a nonce of 8 bytes was signed")
	}
}
