package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
)

var update = flag.Bool("update", false, "write testdata and docs/protocol.md anew")

// golden compares got with a file of testdata: the bytes on the wire change only knowingly.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nwant\n%s", name, got, want)
	}
}

func TestGoldenMessages(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range examples() {
		name := e.message.Type()
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			data, err := Encode(e.message)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", data)
			back, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Encode(back)
			if err != nil || !bytes.Equal(data, again) {
				t.Errorf("decoded and encoded again: %s, %v", again, err)
			}
		})
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".json"); ok && (!seen[name] || empty(name) == nil) {
			t.Errorf("golden %s belongs to no message", f.Name())
		}
	}
}

func TestGoldenFrame(t *testing.T) {
	frame, err := EncodeChunk(exampleChunk())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "chunk.hex", []byte(hex.Dump(frame)))
	back, err := DecodeChunk(frame)
	if err != nil || !reflect.DeepEqual(back, exampleChunk()) {
		t.Errorf("decoded %+v, %v", back, err)
	}
}

func TestGoldenProof(t *testing.T) {
	key := ed25519.NewKeyFromSeed(fill(7, 32))
	c := &Challenge{Nonce: fill(1, NonceSize)}
	h := &Hello{Agent: exampleAgent, Nonce: fill(3, NonceSize), PlanVersion: 42, PlanSHA256: exampleHash(), TrustVersion: 1}
	h.Prove(c, key)
	golden(t, "proof.hex", []byte(hex.EncodeToString(ProofText(c, h))+"\n"+hex.EncodeToString(h.Proof)+"\n"))
	if !h.Proven(c) {
		t.Fatal("a good proof is refused")
	}
	tests := map[string]func(*Challenge, *Hello){
		"another nonce of the hub": func(c *Challenge, _ *Hello) { c.Nonce = fill(9, NonceSize) },
		"another own nonce":        func(_ *Challenge, h *Hello) { h.Nonce = fill(9, NonceSize) },
		"another agent":            func(_ *Challenge, h *Hello) { h.Agent += "x" },
		"another key":              func(_ *Challenge, h *Hello) { h.Key = fill(9, 32) },
		"another plan":             func(_ *Challenge, h *Hello) { h.PlanVersion++ },
		"another hash":             func(_ *Challenge, h *Hello) { h.PlanSHA256 = "" },
		"another trust":            func(_ *Challenge, h *Hello) { h.TrustVersion++ },
		"a key cut short":          func(_ *Challenge, h *Hello) { h.Key = h.Key[:31] },
		"moved between parts":      func(_ *Challenge, h *Hello) { h.Agent, h.PlanSHA256 = h.Agent+"9", h.PlanSHA256[1:] },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			otherC, otherH := *c, *h
			change(&otherC, &otherH)
			if otherH.Proven(&otherC) {
				t.Error("the proof is taken")
			}
		})
	}
}

func TestNewerSideIsTolerated(t *testing.T) {
	m, err := Decode([]byte(`{"type":"telepathy","body":{"x":1}}`))
	if u, ok := m.(*Unknown); err != nil || !ok || u.Name != "telepathy" {
		t.Errorf("unknown type: %+v, %v", m, err)
	}
	if _, err := Encode(m); err == nil {
		t.Error("an unknown message can be sent")
	}
	m, err = Decode([]byte(`{"type":"bye","body":{"code":"X","mood":"sad"},"extra":true}`))
	if b, ok := m.(*Bye); err != nil || !ok || b.Code != "X" {
		t.Errorf("unknown field: %+v, %v", m, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	hash := string(exampleHash())
	tests := map[string]string{
		"nothing":             ``,
		"no JSON":             `hello`,
		"a list":              `[]`,
		"two values":          `{"type":"bye","body":{"code":""}}{}`,
		"no type":             `{"body":{}}`,
		"no body":             `{"type":"bye"}`,
		"a body of text":      `{"type":"bye","body":"x"}`,
		"a short nonce":       `{"type":"challenge","body":{"nonce":"AAAA"}}`,
		"time with nothing":   `{"type":"time","body":{}}`,
		"an upper-case hash":  `{"type":"gone","body":{"sha256":"` + strings.ToUpper(hash) + `"}}`,
		"a short hash":        `{"type":"gone","body":{"sha256":"` + hash[1:] + `"}}`,
		"offset off grain":    `{"type":"want","body":{"sha256":"` + hash + `","offset":1,"window":65536}}`,
		"negative offset":     `{"type":"want","body":{"sha256":"` + hash + `","offset":-4096,"window":65536}}`,
		"end before offset":   `{"type":"want","body":{"sha256":"` + hash + `","offset":8192,"end":4096,"window":65536}}`,
		"window too large":    `{"type":"want","body":{"sha256":"` + hash + `","offset":0,"window":1048576}}`,
		"no window":           `{"type":"want","body":{"sha256":"` + hash + `","offset":0}}`,
		"a record without id": `{"type":"plays","body":{"records":[{"slot":"x"}]}}`,
		"no records":          `{"type":"plays","body":{"records":[]}}`,
		"a strange state":     `{"type":"plan_state","body":{"version":1,"state":"dancing"}}`,
		"no envelope":         `{"type":"plan","body":{"envelope":""}}`,
		"too large":           `{"type":"bye","body":{"code":"` + strings.Repeat("x", MaxControl) + `"}}`,
		"a long code":         `{"type":"bye","body":{"code":"` + strings.Repeat("x", 600) + `"}}`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			if m, err := Decode([]byte(data)); err == nil {
				t.Errorf("taken as %+v", m)
			}
		})
	}
}

func TestEncodeRefusesWhatTheOtherSideWould(t *testing.T) {
	many := make([]broadcast.Play, MaxPlays)
	for i := range many {
		many[i] = broadcast.Play{ID: "x", Title: strings.Repeat("ậ", 400)}
	}
	if _, err := Encode(&Plays{many}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message over the limit: %v", err)
	}
	if _, err := Encode(&Holdings{Items: make([]Holding, MaxHoldings+1)}); err == nil {
		t.Error("too many holdings")
	}
	full := make([]Holding, MaxHoldings)
	for i := range full {
		full[i] = Holding{SHA256: exampleHash(), Have: maxOffset, Size: maxOffset, Whole: true}
	}
	if _, err := Encode(&Holdings{Items: full}); err != nil {
		t.Errorf("as many holdings as allowed: %v", err)
	}
	if _, err := Encode(&Plan{Envelope: make([]byte, maxEnvelope)}); err != nil {
		t.Errorf("the largest envelope: %v", err)
	}
	if _, err := Encode(&Pair{Step: "dance"}); err == nil {
		t.Error("an unknown step of a pairing")
	}
}

func TestFrameRefuses(t *testing.T) {
	good, err := EncodeChunk(Chunk{SHA256: exampleHash(), Offset: Grain, Data: make([]byte, Grain)})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(f []byte) []byte{
		"nothing":           func([]byte) []byte { return nil },
		"half a header":     func(f []byte) []byte { return f[:20] },
		"cut short":         func(f []byte) []byte { return f[:len(f)-1] },
		"too long":          func(f []byte) []byte { return append(f, 0) },
		"unknown kind":      func(f []byte) []byte { f[0] = 2; return f },
		"unknown flag":      func(f []byte) []byte { f[1] = 2; return f },
		"offset off grain":  func(f []byte) []byte { f[15] = 1; return f },
		"offset negative":   func(f []byte) []byte { f[8] = 0x80; return f },
		"over the limit":    func(f []byte) []byte { return append(f, make([]byte, MaxFrame)...) },
		"reserved not zero": func(f []byte) []byte { f[3] = 1; return f },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := DecodeChunk(change(bytes.Clone(good))); err == nil {
				t.Errorf("taken: %d bytes at %d", len(c.Data), c.Offset)
			}
		})
	}
	for name, c := range map[string]Chunk{
		"empty, not last":    {SHA256: exampleHash()},
		"off grain":          {SHA256: exampleHash(), Data: make([]byte, 100)},
		"over the limit":     {SHA256: exampleHash(), Data: make([]byte, MaxChunk+Grain)},
		"no hash":            {Data: make([]byte, Grain)},
		"offset over limit":  {SHA256: exampleHash(), Offset: maxOffset + Grain, Last: true},
		"hash in upper case": {SHA256: broadcast.Hash(strings.ToUpper(string(exampleHash()))), Data: make([]byte, Grain)},
	} {
		if _, err := EncodeChunk(c); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func TestFramesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Chunk{
			SHA256: broadcast.Hash(hex.EncodeToString(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))),
			Offset: Grain * rapid.Int64Range(0, maxOffset/Grain).Draw(t, "offset"),
			Last:   rapid.Bool().Draw(t, "last"),
		}
		size := Grain * rapid.IntRange(1, MaxChunk/Grain).Draw(t, "grains")
		if c.Last {
			size = rapid.IntRange(0, MaxChunk).Draw(t, "size")
		}
		c.Data = make([]byte, size)
		frame, err := EncodeChunk(c)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeChunk(frame); err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("came back as %d bytes at %d, %v", len(back.Data), back.Offset, err)
		}
	})
}

// FuzzWire gives the same bytes to both decoders: what stands on the line is told apart by the websocket only.
func FuzzWire(f *testing.F) {
	for _, e := range examples() {
		data, err := Encode(e.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"type":"telepathy","body":{"x":1}}`))
	f.Add([]byte(`{"type":"want","body":{"sha256":null,"offset":1e999}}`))
	f.Add([]byte(`{"type":"bye","body":{"code":"A"},"body":{"code":"B"}}`))
	f.Add([]byte(`{"type":"bye","body":{"code":"A"},"type":"gone"}`))
	f.Add([]byte(`{"type":"bye","body":{}}}`))
	frame, err := EncodeChunk(exampleChunk())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(frame)
	f.Add(frame[:HeaderSize])
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzMessage(t, data)
		if c, err := DecodeChunk(data); err == nil {
			if again, err := EncodeChunk(c); err != nil || !bytes.Equal(data, again) {
				t.Fatalf("encoded again the frame differs: %v", err)
			}
		}
	})
}

func fuzzMessage(t *testing.T, data []byte) {
	m, err := Decode(data)
	if len(data) < MaxControl { // with a space before it it is read the long way, and must say the same
		other, err2 := Decode(append([]byte(" "), data...))
		if (err == nil) != (err2 == nil) || !reflect.DeepEqual(m, other) {
			t.Fatalf("%+v, %v; the long way %+v, %v", m, err, other, err2)
		}
	}
	if err != nil {
		return
	}
	if _, unknown := m.(*Unknown); unknown {
		return
	}
	again, err := Encode(m)
	if errors.Is(err, ErrTooLarge) {
		return // the same in more letters, as with escaped characters
	} else if err != nil {
		t.Fatalf("decoded but cannot be encoded: %v", err)
	}
	if _, err := Decode(again); err != nil {
		t.Fatalf("its own encoding is refused: %v", err)
	}
}
