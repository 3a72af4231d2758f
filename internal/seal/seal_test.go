package seal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

var update = flag.Bool("update", false, "write testdata anew")

// now is the time of all tests.
var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// testKey makes the key of a name.
func testKey(t testing.TB, name string) Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	k, err := KeyFromSeed(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func keys(t testing.TB, names ...string) []Key {
	t.Helper()
	var ks []Key
	for _, n := range names {
		ks = append(ks, testKey(t, n))
	}
	return ks
}

// testDoc has one key for each role, of the role's name.
func testDoc(t testing.TB, version uint64) TrustDoc {
	t.Helper()
	d := TrustDoc{Version: version, IssuedAt: now.Add(-time.Hour), Expires: now.AddDate(10, 0, 0), Keys: map[string]PublicKey{}}
	d.Roles = Roles{role(t, &d, 1, "root"), role(t, &d, 1, "planner"), role(t, &d, 1, "urgent"), role(t, &d, 1, "time")}
	return d
}

// role adds the keys to the document and gives their role.
func role(t testing.TB, d *TrustDoc, threshold int, names ...string) RoleKeys {
	t.Helper()
	r := RoleKeys{Threshold: threshold}
	for _, k := range keys(t, names...) {
		d.Keys[k.ID()] = k.Public()
		r.Keys = append(r.Keys, k.ID())
	}
	return r
}

func makeTrust(t testing.TB, d TrustDoc, signers ...string) *Trust {
	t.Helper()
	trust, err := NewTrust(d, keys(t, signers...)...)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// testHead stands for broadcast.Head.
type testHead struct {
	Audience string    `json:"audience"`
	Area     string    `json:"area"`
	Version  uint64    `json:"version"`
	IssuedAt time.Time `json:"issued_at"`
	Expires  time.Time `json:"expires"`
	Note     string    `json:"note"`
}

func header(h testHead) Header {
	return Header{Audience: h.Audience, Area: h.Area, Version: h.Version, IssuedAt: h.IssuedAt, Expires: h.Expires}
}

func goodHead(version uint64) testHead {
	return testHead{"agent-1", "xa-1", version, now.Add(-time.Minute), now.AddDate(0, 0, 35), ""}
}

func sealAny(t testing.TB, payloadType string, v any, signers ...string) []byte {
	t.Helper()
	payload, ok := v.([]byte)
	if !ok {
		var err error
		if payload, err = Marshal(v); err != nil {
			t.Fatal(err)
		}
	}
	env, err := Seal(payloadType, payload, keys(t, signers...)...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// edit changes an envelope after it was signed.
func edit(t testing.TB, envelope []byte, change func(*dsse.Envelope)) []byte {
	t.Helper()
	var e dsse.Envelope
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	change(&e)
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func expect(floor Floor) Expect {
	return Expect{Role: Planner, Type: TypePlanHead, Audience: "agent-1", Floor: floor, Now: now}
}

func TestHeadsAreRefused(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Revoked = []string{testKey(t, "revoked").ID()}
	trust := makeTrust(t, doc, "root")
	_, held, err := OpenVersioned(trust, expect(Floor{}), sealAny(t, TypePlanHead, goodHead(5), "planner"), header)
	if err != nil {
		t.Fatal(err)
	}
	head := func(change func(*testHead)) []byte {
		h := goodHead(6)
		change(&h)
		return sealAny(t, TypePlanHead, h, "planner")
	}
	good := head(func(*testHead) {})
	for name, c := range map[string]struct {
		envelope []byte
		want     Code
	}{
		"lower version":              {head(func(h *testHead) { h.Version = 4 }), VersionLower},
		"version 0":                  {head(func(h *testHead) { h.Version = 0 }), Malformed},
		"same, other bytes":          {head(func(h *testHead) { h.Version, h.Note = 5, "x" }), VersionReused},
		"jump":                       {head(func(h *testHead) { h.Version = 5 + MaxJump + 1 }), VersionJump},
		"largest version":            {head(func(h *testHead) { h.Version = 1<<64 - 1 }), VersionJump},
		"expired":                    {head(func(h *testHead) { h.Expires = now }), Expired},
		"ends before it begins":      {head(func(h *testHead) { h.Expires = h.IssuedAt }), Malformed},
		"far future":                 {head(func(h *testHead) { h.IssuedAt = now.Add(FutureSlack + time.Second) }), FromFuture},
		"other audience":             {head(func(h *testHead) { h.Audience = "agent-2" }), Audience},
		"no audience":                {head(func(h *testHead) { h.Audience = "" }), Audience},
		"key of another role":        {sealAny(t, TypePlanHead, goodHead(6), "urgent"), KeyRole},
		"key nobody knows":           {sealAny(t, TypePlanHead, goodHead(6), "stranger"), KeyRole},
		"revoked key":                {sealAny(t, TypePlanHead, goodHead(6), "revoked"), KeyRevoked},
		"revoked key and a good one": {sealAny(t, TypePlanHead, goodHead(6), "planner", "revoked"), KeyRevoked},
		"one key twice":              {sealAny(t, TypePlanHead, goodHead(6), "planner", "planner"), KeyTwice},
		"unknown type":               {sealAny(t, "application/json", goodHead(6), "planner"), TypeUnknown},
		"type of another document":   {sealAny(t, TypeOrder, goodHead(6), "planner"), TypeUnknown},
		"type changed afterwards":    {edit(t, sealAny(t, TypeOrder, goodHead(6), "planner"), func(e *dsse.Envelope) { e.PayloadType = TypePlanHead }), Threshold},
		"payload changed": {edit(t, good, func(e *dsse.Envelope) {
			e.Payload = base64.StdEncoding.EncodeToString([]byte(`{"audience":"agent-1"}`))
		}), Threshold},
		"signature of another key under this one's name": {edit(t, sealAny(t, TypePlanHead, goodHead(6), "stranger"), func(e *dsse.Envelope) {
			e.Signatures[0].KeyID = testKey(t, "planner").ID()
		}), Threshold},
		"no signature":             {edit(t, good, func(e *dsse.Envelope) { e.Signatures = nil }), Malformed},
		"no key id":                {edit(t, good, func(e *dsse.Envelope) { e.Signatures[0].KeyID = "" }), Malformed},
		"base64 for URLs":          {edit(t, good, func(e *dsse.Envelope) { e.Payload = strings.TrimRight(e.Payload, "=") + "_-" }), Malformed},
		"line break in base64":     {edit(t, good, func(e *dsse.Envelope) { e.Payload = e.Payload[:4] + "\n" + e.Payload[4:] }), Malformed},
		"unknown key in envelope":  {[]byte(strings.Replace(string(good), `{"`, `{"x":1,"`, 1)), Malformed},
		"double key in envelope":   {[]byte(strings.Replace(string(good), `{"`, `{"payload":"","`, 1)), Malformed},
		"two envelopes":            {append(append([]byte{}, good...), good...), Malformed},
		"nothing":                  {nil, Malformed},
		"null":                     {[]byte("null"), Malformed},
		"huge envelope":            {make([]byte, MaxEnvelope(MaxPlanHead)+1), TooLarge},
		"unknown key in payload":   {sealAny(t, TypePlanHead, []byte(`{"audience":"agent-1","extra":1}`), "planner"), Malformed},
		"double key in payload":    {sealAny(t, TypePlanHead, []byte(`{"version":1,"version":9}`), "planner"), Malformed},
		"other case in payload":    {sealAny(t, TypePlanHead, []byte(`{"Version":6}`), "planner"), Malformed},
		"number out of range":      {sealAny(t, TypePlanHead, []byte(`{"version":1e999}`), "planner"), Malformed},
		"deep payload":             {sealAny(t, TypePlanHead, []byte(strings.Repeat("[", 17)+strings.Repeat("]", 17)), "planner"), Malformed},
		"payload over the limit":   {oversized(t), TooLarge},
		"invalid UTF-8 in payload": {sealAny(t, TypePlanHead, []byte("{\"note\":\"\xff\"}"), "planner"), Malformed},
	} {
		got, floor, err := OpenVersioned(trust, expect(held), c.envelope, header)
		if !errors.Is(err, c.want) || CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if floor != held || got != (testHead{}) {
			t.Errorf("%s: refused, and yet %+v, floor %+v", name, got, floor)
		}
	}
}

// oversized is a head that Seal would not sign.
func oversized(t *testing.T) []byte {
	h := goodHead(6)
	h.Note = strings.Repeat("x", MaxPlanHead)
	big := sealAny(t, "application/x", h, "planner")
	return edit(t, big, func(e *dsse.Envelope) { e.PayloadType = TypePlanHead })
}

func TestHeadsAreAccepted(t *testing.T) {
	trust := makeTrust(t, testDoc(t, 1), "root")
	first := sealAny(t, TypePlanHead, goodHead(5), "planner")
	h, floor, err := OpenVersioned(trust, expect(Floor{}), first, header)
	if err != nil || h != goodHead(5) || floor.Version != 5 {
		t.Fatalf("%+v, %+v, %v", h, floor, err)
	}
	if _, again, err := OpenVersioned(trust, expect(floor), first, header); err != nil || again != floor {
		t.Errorf("the same document again: %+v, %v", again, err)
	}
	for name, c := range map[string]struct {
		head testHead
		at   time.Time
	}{
		"next version":                           {goodHead(6), now},
		"largest jump":                           {goodHead(5 + MaxJump), now},
		"slack into the future":                  {testHead{"agent-1", "", 6, now.Add(FutureSlack), now.AddDate(0, 0, 1), ""}, now},
		"expired, clock not trusted":             {testHead{"agent-1", "", 6, now.AddDate(-1, 0, 0), now.AddDate(-1, 0, 1), ""}, time.Time{}},
		"from the future, clock not trusted":     {testHead{"agent-1", "", 6, now.AddDate(1, 0, 0), now.AddDate(1, 0, 1), ""}, time.Time{}},
		"trust document over, clock not trusted": {testHead{"agent-1", "", 6, now.AddDate(20, 0, 0), now.AddDate(21, 0, 0), ""}, time.Time{}},
	} {
		e := expect(floor)
		e.Now = c.at
		if _, next, err := OpenVersioned(trust, e, sealAny(t, TypePlanHead, c.head, "planner"), header); err != nil || next.Version != c.head.Version {
			t.Errorf("%s: %+v, %v", name, next, err)
		}
	}
	e := expect(floor)
	e.Now = now.AddDate(11, 0, 0)
	if _, _, err := OpenVersioned(trust, e, sealAny(t, TypePlanHead, goodHead(6), "planner"), header); !errors.Is(err, TrustExpired) {
		t.Errorf("under a trust document that is over: %v", err)
	}
}

func TestThresholdNeedsDistinctKeys(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Roles.Planner = role(t, &doc, 2, "planner", "planner 2", "planner 3")
	doc.Roles.Planner.Areas = nil
	trust := makeTrust(t, doc, "root")
	for name, c := range map[string]struct {
		signers []string
		want    Code
	}{
		"two":                     {[]string{"planner", "planner 2"}, ""},
		"three":                   {[]string{"planner 3", "planner", "planner 2"}, ""},
		"two and a stranger":      {[]string{"stranger", "planner", "planner 2"}, ""},
		"one":                     {[]string{"planner"}, Threshold},
		"one twice":               {[]string{"planner", "planner"}, KeyTwice},
		"one and a stranger":      {[]string{"planner", "stranger"}, Threshold},
		"one and of another role": {[]string{"planner", "root"}, Threshold},
	} {
		_, err := trust.Open(sealAny(t, TypePlanHead, goodHead(1), c.signers...), Planner, TypePlanHead, MaxPlanHead)
		if CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	broken := edit(t, sealAny(t, TypePlanHead, goodHead(1), "planner", "planner 2"), func(e *dsse.Envelope) {
		e.Signatures[1].Sig = e.Signatures[0].Sig
	})
	if _, err := trust.Open(broken, Planner, TypePlanHead, MaxPlanHead); !errors.Is(err, Threshold) {
		t.Errorf("one signature used for two keys: %v", err)
	}
}

func TestRoleLimitedToAreas(t *testing.T) {
	doc := testDoc(t, 1)
	doc.Roles.Planner.Areas = []string{"xa-1"}
	trust := makeTrust(t, doc, "root")
	good, foreign := goodHead(1), goodHead(1)
	foreign.Area = "xa-2"
	if _, _, err := OpenVersioned(trust, expect(Floor{}), sealAny(t, TypePlanHead, good, "planner"), header); err != nil {
		t.Error(err)
	}
	if _, _, err := OpenVersioned(trust, expect(Floor{}), sealAny(t, TypePlanHead, foreign, "planner"), header); !errors.Is(err, AreaForeign) {
		t.Errorf("another area: %v", err)
	}
	if _, err := trust.Open(sealAny(t, TypePlanHead, good, "planner"), Planner, TypePlanHead, MaxPlanHead); !errors.Is(err, AreaForeign) {
		t.Errorf("where the area is not known: %v", err)
	}
}

func TestStrictBoundsTheDepth(t *testing.T) {
	nested := func(depth int) []byte {
		return []byte(strings.Repeat(`{"[{\"[[":[`, depth/2) + strings.Repeat("]}", depth/2))
	}
	if _, err := Strict[any](nested(MaxDepth), MaxOrder); err != nil {
		t.Errorf("%d deep: %v", MaxDepth, err)
	}
	if _, err := Strict[any](nested(MaxDepth+2), MaxOrder); !errors.Is(err, Malformed) {
		t.Errorf("%d deep: %v", MaxDepth+2, err)
	}
}

func TestSealKeepsTheLimits(t *testing.T) {
	if _, err := Seal(TypeTime, make([]byte, MaxTime+1), testKey(t, "time")); !errors.Is(err, TooLarge) {
		t.Error(err)
	}
	if _, err := Seal(TypeTime, []byte("{}")); err == nil {
		t.Error("sealed without a key")
	}
	if _, err := Seal(TypeTime, []byte("{}"), Key{}); err == nil {
		t.Error("sealed with an empty key")
	}
}

// golden holds that a document has exactly these bytes, for ever: agents out there must go on reading it.
func golden(t *testing.T, name string, envelope []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, envelope, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(envelope) {
		t.Errorf("%s has other bytes:\n%s", name, envelope)
	}
}

func TestGolden(t *testing.T) {
	trust := makeTrust(t, testDoc(t, 1), "root")
	golden(t, "trust.json", trust.Envelope())
	golden(t, "plan-head.json", sealAny(t, TypePlanHead, goodHead(1), "planner"))
	golden(t, "order.json", sealOrder(t, goodOrder(1), "urgent"))
	golden(t, "time.json", sealTime(t, "time"))
}
