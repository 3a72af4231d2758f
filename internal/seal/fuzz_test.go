package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// addGoldens gives a fuzz target every document there is, and some that are broken on purpose.
func addGoldens(f *testing.F) {
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"payloadType":"","payload":"","payload":"","signatures":[]}`))
	f.Add(bytes.Repeat([]byte("["), 20))
}

// Whatever comes, an envelope that opens was signed: only the goldens' payloads may come out.
func FuzzEnvelope(f *testing.F) {
	addGoldens(f)
	trust := makeTrust(f, testDoc(f, 1), "root")
	head, err := Marshal(goodHead(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, envelope []byte) {
		payload, err := trust.Open(envelope, Planner, TypePlanHead, MaxPlanHead)
		if err == nil && !bytes.Equal(payload, head) {
			t.Errorf("opened without a signature: %q", payload)
		}
		if err != nil && CodeOf(err) == "" {
			t.Errorf("%v has no code", err)
		}
		if _, err := AcceptTrust(trust, envelope, now); err != nil && CodeOf(err) == "" {
			t.Errorf("%v has no code", err)
		}
	})
}

// Strict takes what it wrote itself, and nothing that it would write differently in meaning.
func FuzzPayloads(f *testing.F) {
	for _, v := range []any{goodHead(1), goodOrder(1), testDoc(f, 1), SignedTime{Nonce: nonce(), Time: now}, floorsAt(1)} {
		b, err := Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"version":1e999}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		stable[TrustDoc](t, payload)
		stable[Order](t, payload)
		stable[SignedTime](t, payload)
		stable[Floors](t, payload)
		if trust, err := readTrust(payload, nil); err == nil && trust.doc.Roles.Root.Threshold < 1 {
			t.Error("a trust document without a root")
		}
	})
}

func stable[T any](t *testing.T, payload []byte) {
	v, err := Strict[T](payload, MaxTrust)
	if err != nil {
		if CodeOf(err) == "" {
			t.Errorf("%v has no code", err)
		}
		return
	}
	once, err := Marshal(v)
	if err != nil {
		return // a time that RFC 3339 cannot write
	}
	again, err := Strict[T](once, 4*MaxTrust)
	if err != nil {
		t.Fatalf("%s is not read again: %v", once, err)
	}
	if twice, err := Marshal(again); err != nil || !bytes.Equal(once, twice) {
		t.Errorf("%s becomes %s: %v", once, twice, err)
	}
}

func FuzzSlot(f *testing.F) {
	slot, err := encodeSlot(floorsAt(7), 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slot[:300])
	f.Add(make([]byte, 64))
	f.Add([]byte(slotMagic + "\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff........................................"))
	f.Fuzz(func(t *testing.T, slot []byte) {
		floors, generation, err := decodeSlot(slot)
		if err != nil {
			return
		}
		again, err := encodeSlot(floors, generation)
		if err != nil {
			t.Fatal(err)
		}
		if back, g, err := decodeSlot(again); err != nil || g != generation || !back.Equal(floors) {
			t.Errorf("%+v becomes %+v: %v", floors, back, err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	good, err := testKey(f, "k").PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(testKey(f, "k").Public().String()))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseKey(text); err == nil && !k.Public().Verify(text, k.Sign(text)) {
			t.Error("a key that does not fit itself")
		}
		var p PublicKey
		if err := p.UnmarshalText(text); err == nil && p.String() != string(text) {
			t.Errorf("%q is read as %s", text, p)
		}
	})
}

// BenchmarkOpenHead verifies, reads and checks a head of a usual size; heads/s is for one core.
func BenchmarkOpenHead(b *testing.B) {
	trust := makeTrust(b, testDoc(b, 1), "root")
	h := goodHead(1)
	h.Note = string(bytes.Repeat([]byte("x"), 5<<10)) // 35 days with their hashes
	envelope := sealAny(b, TypePlanHead, h, "planner")
	b.ResetTimer()
	start := time.Now()
	for b.Loop() {
		if _, _, err := OpenVersioned(trust, expect(Floor{}), envelope, header); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "heads/s")
}

func BenchmarkSealHead(b *testing.B) {
	h := goodHead(1)
	h.Note = string(bytes.Repeat([]byte("x"), 5<<10))
	payload, err := Marshal(h)
	if err != nil {
		b.Fatal(err)
	}
	key := testKey(b, "planner")
	for b.Loop() {
		if _, err := Seal(TypePlanHead, payload, key); err != nil {
			b.Fatal(err)
		}
	}
}
