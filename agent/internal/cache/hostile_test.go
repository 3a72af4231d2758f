package cache

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/seal"
	"github.com/loa-vn/loa/internal/wire"
)

// enemy knows everything that was ever sent, holds keys of its own, one that was revoked, and one of every role but the
// role that a document needs.
type enemy struct {
	*hub
	keys map[string]seal.Key
	doc  seal.TrustDoc
}

func newEnemy(t *testing.T) *enemy {
	e := &enemy{hub: newHub(t), keys: map[string]seal.Key{}}
	for _, name := range []string{"root", "planner", "urgent", "time", "revoked", "stranger", "next root"} {
		k, err := seal.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		e.keys[name] = k
	}
	role := func(name string) seal.RoleKeys { return seal.RoleKeys{Keys: []string{e.keys[name].ID()}, Threshold: 1} }
	e.doc = seal.TrustDoc{Version: 1, IssuedAt: now.Add(-time.Hour), Expires: now.Add(365 * 24 * time.Hour), Revoked: []string{e.keys["revoked"].ID()},
		Roles: seal.Roles{Root: role("root"), Planner: role("planner"), Urgent: role("urgent"), Time: role("time")}, Keys: map[string]seal.PublicKey{}}
	for _, name := range []string{"root", "planner", "urgent", "time"} {
		e.doc.Keys[e.keys[name].ID()] = e.keys[name].Public()
	}
	trust, err := seal.NewTrust(e.doc, e.keys["root"])
	if err != nil {
		t.Fatal(err)
	}
	e.trust, e.key = trust, e.keys["planner"]
	return e
}

// seal signs any payload.
func (e *enemy) seal(payloadType string, payload []byte, keys ...string) []byte {
	e.t.Helper()
	var with []seal.Key
	for _, k := range keys {
		with = append(with, e.keys[k])
	}
	envelope, err := seal.Seal(payloadType, payload, with...)
	if err != nil {
		e.t.Fatal(err)
	}
	return envelope
}

// raw is an envelope to be broken.
type raw struct {
	PayloadType string `json:"payloadType"`
	Payload     string `json:"payload"`
	Signatures  []sig  `json:"signatures"`
}

type sig struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// kind is a document that makes loudspeakers speak, or says who may.
type kind struct {
	name, payloadType, key, foreign string
	payload                         []byte
	offer                           func(envelope []byte) (code string)
}

// broken gives a good envelope broken in every way that needs no key of the role.
func (e *enemy) broken(k kind) map[string][]byte {
	e.t.Helper()
	good := e.seal(k.payloadType, k.payload, k.key)
	out := map[string][]byte{
		"nothing":                    {},
		"null":                       []byte("null"),
		"an empty object":            []byte("{}"),
		"a list":                     []byte("[]"),
		"a number":                   []byte("1e999"),
		"its first half":             good[:len(good)/2],
		"without its end":            good[:len(good)-1],
		"more behind it":             append(slices.Clone(good), '{'),
		"twice in a row":             slices.Concat(good, good),
		"a mark before it":           append([]byte("\xef\xbb\xbf"), good...),
		"NUL before it":              append([]byte{0}, good...),
		"invalid UTF-8":              bytes.Replace(good, []byte("payloadType"), []byte("payload\xffType"), 1),
		"a double key":               bytes.Replace(good, []byte("{"), []byte(`{"payloadType":"x",`), 1),
		"an unknown key":             bytes.Replace(good, []byte("{"), []byte(`{"louder":true,`), 1),
		"a key in capitals":          bytes.Replace(good, []byte("payloadType"), []byte("PayloadType"), 1),
		"far too deep":               bytes.Repeat([]byte("["), 10_000),
		"far too large":              append(slices.Clone(good), bytes.Repeat([]byte(" "), 1<<20)...),
		"a bare payload":             k.payload,
		"signed by nobody":           e.edit(good, func(r *raw) { r.Signatures = []sig{} }),
		"signatures null":            e.edit(good, func(r *raw) { r.Signatures = nil }),
		"signed by a stranger":       e.seal(k.payloadType, k.payload, "stranger"),
		"signed by a revoked key":    e.seal(k.payloadType, k.payload, "revoked"),
		"a revoked key signed too":   e.seal(k.payloadType, k.payload, k.key, "revoked"),
		"signed by another role":     e.seal(k.payloadType, k.payload, k.foreign),
		"one key twice":              e.edit(good, func(r *raw) { r.Signatures = append(r.Signatures, r.Signatures[0]) }),
		"17 signatures":              e.edit(good, func(r *raw) { r.Signatures = slices.Repeat(r.Signatures, 17) }),
		"a signature without a name": e.edit(good, func(r *raw) { r.Signatures[0].KeyID = "" }),
		"a name in capitals":         e.edit(good, func(r *raw) { r.Signatures[0].KeyID = strings.ToUpper(r.Signatures[0].KeyID) }),
		"a stranger in its name":     e.edit(e.seal(k.payloadType, k.payload, "stranger"), func(r *raw) { r.Signatures[0].KeyID = e.keys[k.key].ID() }),
		"a signature cut short":      e.edit(good, func(r *raw) { r.Signatures[0].Sig = r.Signatures[0].Sig[:40] }),
		"an empty signature":         e.edit(good, func(r *raw) { r.Signatures[0].Sig = "" }),
		"a signature of zeros":       e.edit(good, func(r *raw) { r.Signatures[0].Sig = base64.StdEncoding.EncodeToString(make([]byte, 64)) }),
		"a bit of the signature":     e.edit(good, func(r *raw) { r.Signatures[0].Sig = flip(e.t, r.Signatures[0].Sig) }),
		"a bit of the payload":       e.edit(good, func(r *raw) { r.Payload = flip(e.t, r.Payload) }),
		"no payload":                 e.edit(good, func(r *raw) { r.Payload = "" }),
		"a payload that is none":     e.edit(good, func(r *raw) { r.Payload = "!" + r.Payload }),
		"a payload on two lines":     e.edit(good, func(r *raw) { r.Payload = r.Payload[:8] + "\n" + r.Payload[8:] }),
		"another payload":            e.edit(good, func(r *raw) { r.Payload = base64.StdEncoding.EncodeToString([]byte(`{"all":true}`)) }),
		"no type":                    e.edit(good, func(r *raw) { r.PayloadType = "" }),
		"its type in capitals":       e.edit(good, func(r *raw) { r.PayloadType = strings.ToUpper(r.PayloadType) }),
		"type of tomorrow":           e.edit(good, func(r *raw) { r.PayloadType = strings.Replace(r.PayloadType, "v1", "v2", 1) }),
	}
	for _, other := range []string{seal.TypePlanHead, seal.TypeOrder, seal.TypeDrill, seal.TypeTrust, seal.TypeTime} {
		if other != k.payloadType {
			out["renamed to "+other] = e.edit(good, func(r *raw) { r.PayloadType = other })
		}
	}
	return out
}

func (e *enemy) edit(envelope []byte, change func(*raw)) []byte {
	e.t.Helper()
	var r raw
	if err := json.Unmarshal(envelope, &r); err != nil {
		e.t.Fatal(err)
	}
	change(&r)
	return e.marshal(r)
}

func flip(t testing.TB, text string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	return base64.StdEncoding.EncodeToString(b)
}

// twisted are payloads that the right key signed and that must be refused all the same.
func (e *enemy) twisted(head broadcast.Head, order seal.Order) map[string]struct {
	kind     string
	envelope []byte
	want     seal.Code
} {
	type twist = struct {
		kind     string
		envelope []byte
		want     seal.Code
	}
	h := func(change func(*broadcast.Head)) []byte {
		d := head
		change(&d)
		return e.seal(seal.TypePlanHead, e.marshal(d), "planner")
	}
	o := func(change func(*seal.Order)) []byte {
		d := order
		change(&d)
		return e.seal(seal.TypeOrder, e.marshal(d), "urgent")
	}
	tr := func(change func(*seal.TrustDoc), keys ...string) []byte {
		d := e.doc
		d.Version++
		d.Keys, d.Revoked = maps.Clone(d.Keys), slices.Clone(d.Revoked)
		change(&d)
		return e.seal(seal.TypeTrust, e.marshal(d), keys...)
	}
	text := func(doc any, old, new string) []byte {
		return bytes.Replace(e.marshal(doc), []byte(old), []byte(new), 1)
	}
	headly := func(old, new string) []byte { return e.seal(seal.TypePlanHead, text(head, old, new), "planner") }
	orderly := func(old, new string) []byte { return e.seal(seal.TypeOrder, text(order, old, new), "urgent") }
	return map[string]twist{
		"a lower version":                   {"head", h(func(d *broadcast.Head) { d.Version = 1 }), seal.VersionLower},
		"this version with more":            {"head", h(func(d *broadcast.Head) { d.Version, d.Area = 2, "xa-2" }), seal.VersionReused},
		"a jump of a million":               {"head", h(func(d *broadcast.Head) { d.Version = 3 + seal.MaxJump }), seal.VersionJump},
		"no version":                        {"head", h(func(d *broadcast.Head) { d.Version = 0 }), seal.Malformed},
		"an old plan":                       {"head", h(func(d *broadcast.Head) { d.IssuedAt, d.Expires = now.AddDate(0, -2, 0), now.Add(-time.Second) }), seal.Expired},
		"a plan of next week":               {"head", h(func(d *broadcast.Head) { d.IssuedAt = now.AddDate(0, 0, 7) }), seal.FromFuture},
		"a plan that ends before it begins": {"head", h(func(d *broadcast.Head) { d.Expires = d.IssuedAt }), seal.Malformed},
		"another's plan":                    {"head", h(func(d *broadcast.Head) { d.Audience = "other" }), seal.Audience},
		"nobody's plan":                     {"head", h(func(d *broadcast.Head) { d.Audience = "" }), seal.Audience},
		"a plan with an unknown field":      {"head", headly(`"audience"`, `"louder":true,"audience"`), seal.Malformed},
		"a plan with a double field":        {"head", headly(`"audience"`, `"version":9,"audience"`), seal.Malformed},
		"a plan in capitals":                {"head", headly(`"audience"`, `"Audience"`), seal.Malformed},
		"a version of 1e999":                {"head", headly(`"version":3`, `"version":1e999`), seal.Malformed},
		"a version of -3":                   {"head", headly(`"version":3`, `"version":-3`), seal.Malformed},
		"half a letter in a plan":           {"head", headly(`"zone":"`, `"zone":"\ud800`), seal.Malformed},
		"a plan of null":                    {"head", e.seal(seal.TypePlanHead, []byte("null"), "planner"), seal.Malformed},
		"a plan and more":                   {"head", e.seal(seal.TypePlanHead, append(e.marshal(head), '1'), "planner"), seal.Malformed},
		"a recorded order":                  {"order", o(func(d *seal.Order) { d.Sequence = 7 }), seal.OrderReplayed},
		"an order of before":                {"order", o(func(d *seal.Order) { d.Sequence = 1 }), seal.OrderReplayed},
		"an order of sequence 0":            {"order", o(func(d *seal.Order) { d.Sequence = 0 }), seal.Malformed},
		"an order far ahead":                {"order", o(func(d *seal.Order) { d.Sequence = 8 + seal.MaxJump }), seal.VersionJump},
		"an order that is over":             {"order", o(func(d *seal.Order) { d.IssuedAt, d.Expires = now.Add(-time.Hour), now.Add(-50*time.Minute) }), seal.Expired},
		"an order at its end":               {"order", o(func(d *seal.Order) { d.IssuedAt, d.Expires = now.Add(-time.Minute), now }), seal.Expired},
		"an order for a day":                {"order", o(func(d *seal.Order) { d.Expires = d.IssuedAt.Add(24 * time.Hour) }), seal.OrderTooLong},
		"an order of tomorrow":              {"order", o(func(d *seal.Order) { d.IssuedAt, d.Expires = now.Add(24*time.Hour), now.Add(24*time.Hour+time.Minute) }), seal.FromFuture},
		"an order to others":                {"order", o(func(d *seal.Order) { d.Audience = seal.OrderAudience{Agents: []string{"other"}} }), seal.Audience},
		"an order to another area":          {"order", o(func(d *seal.Order) { d.Audience = seal.OrderAudience{Areas: []string{"xa-9"}} }), seal.Audience},
		"an order to nobody":                {"order", o(func(d *seal.Order) { d.Audience = seal.OrderAudience{} }), seal.Malformed},
		"an order to all and to some":       {"order", o(func(d *seal.Order) { d.Audience.All = true }), seal.Malformed},
		"another key's count":               {"order", o(func(d *seal.Order) { d.Key = e.keys["planner"].ID() }), seal.OrderKey},
		"nobody's count":                    {"order", o(func(d *seal.Order) { d.Key = "" }), seal.OrderKey},
		"an order of no kind":               {"order", o(func(d *seal.Order) { d.Kind = "" }), seal.Malformed},
		"an order to shout":                 {"order", o(func(d *seal.Order) { d.Kind = "shout" }), seal.TypeUnknown},
		"a drill as an order":               {"order", o(func(d *seal.Order) { d.Kind = seal.OrderDrill }), seal.TypeUnknown},
		"a live order as a drill":           {"order", e.seal(seal.TypeDrill, e.marshal(order), "urgent"), seal.TypeUnknown},
		"an order with a double field":      {"order", orderly(`"sequence"`, `"kind":"live","sequence"`), seal.Malformed},
		"an order with another field":       {"order", orderly(`"sequence"`, `"volume":200,"sequence"`), seal.Malformed},
		"trust that skips one":              {"trust", tr(func(d *seal.TrustDoc) { d.Version++ }, "root"), seal.VersionSkipped},
		"trust of its version, other bytes": {"trust", tr(func(d *seal.TrustDoc) { d.Version--; d.Expires = d.Expires.Add(time.Hour) }, "root"), seal.VersionReused},
		"trust of version 0":                {"trust", tr(func(d *seal.TrustDoc) { d.Version = 0 }, "root"), seal.TrustInvalid},
		"trust by the new root alone": {"trust", tr(func(d *seal.TrustDoc) {
			d.Keys[e.keys["next root"].ID()] = e.keys["next root"].Public()
			d.Roles.Root.Keys = []string{e.keys["next root"].ID()}
		}, "next root"), seal.KeyRole},
		"trust by the old root alone": {"trust", tr(func(d *seal.TrustDoc) {
			d.Keys[e.keys["next root"].ID()] = e.keys["next root"].Public()
			d.Roles.Root.Keys = []string{e.keys["next root"].ID()}
		}, "root"), seal.KeyRole},
		"trust without its revocations": {"trust", tr(func(d *seal.TrustDoc) { d.Revoked = []string{} }, "root"), seal.TrustInvalid},
		"trust that is over":            {"trust", tr(func(d *seal.TrustDoc) { d.Expires = now.Add(-time.Minute) }, "root"), seal.Expired},
		"trust of next year":            {"trust", tr(func(d *seal.TrustDoc) { d.IssuedAt = now.AddDate(0, 11, 0) }, "root"), seal.FromFuture},
		"trust that asks for nobody":    {"trust", tr(func(d *seal.TrustDoc) { d.Roles.Urgent.Threshold = 0 }, "root"), seal.TrustInvalid},
		"trust in a key without a name": {"trust", tr(func(d *seal.TrustDoc) { d.Roles.Urgent.Keys = []string{e.keys["stranger"].ID()} }, "root"), seal.TrustInvalid},
		"trust in a key under another's name": {"trust", tr(func(d *seal.TrustDoc) {
			d.Keys[e.keys["urgent"].ID()] = e.keys["stranger"].Public()
		}, "root"), seal.TrustInvalid},
		"trust in one key twice": {"trust", tr(func(d *seal.TrustDoc) {
			d.Roles.Urgent.Keys = append(slices.Clone(d.Roles.Urgent.Keys), d.Roles.Urgent.Keys...)
		}, "root"), seal.KeyTwice},
		"trust in a revoked key": {"trust", tr(func(d *seal.TrustDoc) {
			d.Keys[e.keys["revoked"].ID()] = e.keys["revoked"].Public()
			d.Roles.Planner.Keys = []string{e.keys["revoked"].ID()}
		}, "root"), seal.TrustInvalid},
	}
}

// TestHostileDocuments offers an agent everything that somebody could send it who holds the line, old keys and recorded
// documents. Each is refused with a code of its own reason and one line of audit, and changes nothing.
func TestHostileDocuments(t *testing.T) {
	e := newEnemy(t)
	r := newRig(t, e.hub)
	it := e.report(chunk)
	r.offer(e.head(nil, it))
	r.offer(e.head(func(d *broadcast.Head) { d.Area = "xa-1" }, it))
	r.fetch(e.hub, 100)
	plan := r.cache.Plan()
	order := seal.Order{Key: e.keys["urgent"].ID(), Sequence: 8, IssuedAt: now, Expires: now.Add(5 * time.Minute), Kind: seal.OrderLive,
		Audience: seal.OrderAudience{Agents: []string{"agent"}}, Body: e.marshal(flood("flood", "live", it))}
	first := order
	first.Sequence, first.Kind, first.Body = 7, seal.OrderCancel, e.marshal(broadcast.Cancellation{Bulletin: "x"})
	if code := r.order(e.seal(seal.TypeOrder, e.marshal(first), "urgent")); code != "" {
		t.Fatal(code)
	}
	log := &lines{}
	r.cache.o.Log = slog.New(slog.NewTextHandler(log, nil))

	next := plan.Head
	next.Version = 3
	drill := order
	drill.Kind, drill.Body = seal.OrderDrill, e.marshal(flood("drill", "drill", it))
	follower := e.doc
	follower.Version = 2
	offerTrust := func(envelope []byte) string {
		err := r.cache.OfferTrust(t.Context(), [][]byte{envelope})
		if err != nil && seal.CodeOf(err) == "" {
			return "no code: " + err.Error()
		}
		return string(seal.CodeOf(err))
	}
	offerHead := func(envelope []byte) string {
		if s := r.offer(envelope); s.State == wire.PlanRefused {
			return s.Code
		}
		return ""
	}
	kinds := map[string]kind{
		"head":  {"head", seal.TypePlanHead, "planner", "urgent", e.marshal(next), offerHead},
		"order": {"order", seal.TypeOrder, "urgent", "planner", e.marshal(order), r.order},
		"drill": {"drill", seal.TypeDrill, "urgent", "time", e.marshal(drill), r.order},
		"trust": {"trust", seal.TypeTrust, "root", "planner", e.marshal(follower), offerTrust},
	}
	offered, codes := 0, map[string]bool{}
	refused := func(name string, k kind, envelope []byte, want seal.Code) {
		t.Helper()
		before := r.kept()
		code := k.offer(envelope)
		lines := log.refusals()
		offered++
		switch {
		case code == "" || want != "" && code != string(want):
			t.Errorf("%s, %s: %q, want %q", k.name, name, code, want)
		case !slices.Equal(lines, []string{code}):
			t.Errorf("%s, %s: audit lines %v", k.name, name, lines)
		case r.kept() != before || r.cache.Plan().Head.Version != plan.Head.Version || len(r.cache.Plan().Head.Bulletins) > 0:
			t.Errorf("%s, %s: something changed", k.name, name)
		}
		codes[code] = true
	}
	for _, k := range kinds {
		for name, envelope := range e.broken(k) {
			if k.name == "trust" && name == "a revoked key signed too" {
				continue // the key that a rotation revokes may sign that rotation
			}
			refused(name, k, envelope, "")
		}
	}
	for name, tw := range e.twisted(next, order) {
		refused(name, kinds[tw.kind], tw.envelope, tw.want)
	}
	// The good ones are good: what was refused was refused for what was done to it.
	for _, name := range []string{"trust", "head", "order"} {
		k := kinds[name]
		if code := k.offer(e.seal(k.payloadType, k.payload, k.key)); code != "" {
			t.Errorf("a good %s: %s", name, code)
		}
	}
	t.Logf("%d documents, %d codes: %v", offered, len(codes), slices.Sorted(maps.Keys(codes)))
	if offered < 150 {
		t.Errorf("only %d documents", offered)
	}
	e.times(r)
}

// times offers signed times that answer something else.
func (e *enemy) times(r *rig) {
	t := e.t
	nonce, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	sealed := func(st seal.SignedTime, key string) []byte {
		envelope, err := seal.SealTime(st, e.keys[key])
		if err != nil {
			t.Fatal(err)
		}
		return envelope
	}
	good := seal.SignedTime{Nonce: nonce, Time: now, Agent: "agent"}
	k := kind{"time", seal.TypeTime, "time", "planner", e.marshal(good), nil}
	hostile := e.broken(k)
	hostile["for another question"] = sealed(seal.SignedTime{Nonce: other, Time: now, Agent: "agent"}, "time")
	hostile["for another agent"] = sealed(seal.SignedTime{Nonce: nonce, Time: now, Agent: "other"}, "time")
	hostile["without a time"] = sealed(seal.SignedTime{Nonce: nonce, Agent: "agent"}, "time")
	for name, envelope := range hostile {
		if _, err := seal.OpenTime(r.cache.Trust(), envelope, nonce, "agent"); err == nil || seal.CodeOf(err) == "" {
			t.Errorf("time, %s: %v", name, err)
		}
	}
	if _, err := seal.OpenTime(r.cache.Trust(), sealed(good, "time"), nonce, "agent"); err != nil {
		t.Errorf("a good time: %v", err)
	}
}

// A false hub begins every part that a plan names and ends none. All of it was kept, and an honest hub asked for the rest, which
// there is not.
func TestPartsWithoutEndDoNoHarm(t *testing.T) {
	h := newHub(t)
	r := newRig(t, h)
	var items []broadcast.Item
	for range 20 {
		items = append(items, h.report(1))
	}
	r.offer(h.head(nil, items...))
	r.fetch(h, 2) // the days
	noise := bytes.Repeat([]byte{1}, chunk)
	for _, it := range items {
		for at := int64(0); at+chunk < maxPart; at += chunk {
			if err := r.cache.Put(t.Context(), it.Manifest, at, noise, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept := len(r.cache.partial.bytes); kept > maxPart {
		t.Errorf("%d bytes of parts are in memory", kept)
	}
	w, _ := r.cache.NextWant(never) // longer than it is
	if err := r.cache.Put(t.Context(), w.SHA256, 0, noise, false); err != nil {
		t.Fatal(err)
	}
	r.fetch(h, 100)
	if st := r.cache.PlanState(); st.State != wire.PlanActive {
		t.Errorf("with an honest hub: %+v", st)
	}
}
