package pairing

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNewCodeIsReadBack(t *testing.T) {
	seen := map[Code]bool{}
	for range 100 {
		c, err := NewCode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseCode(c.String()); err != nil || back != c || len(c.String()) != 14 || seen[c] {
			t.Errorf("%s read as %s: %v", c, back, err)
		}
		seen[c] = true
	}
}

func TestParseCodeForgivesHands(t *testing.T) {
	for name, c := range map[string]struct {
		typed string
		want  Code
	}{
		"as shown":           {"7K3M-9QXA-02BD", "7K3M9QXA02BD"},
		"small, spaces":      {" 7k3m 9qxa 02bd\n", "7K3M9QXA02BD"},
		"O for 0":            {"7K3M9QXAO2BD", "7K3M9QXA02BD"},
		"I and l for 1":      {"IlLi-0000-0000", "111100000000"},
		"dashes of a phone":  {"7K3M–9QXA—02BD", "7K3M9QXA02BD"},
		"too short":          {"7K3M-9QXA-02B", ""},
		"too long":           {"7K3M-9QXA-02BDE", ""},
		"U is no character":  {"UK3M-9QXA-02BD", ""},
		"letter with a mark": {"ÁK3M-9QXA-02BD", ""},
		"nothing":            {"", ""},
	} {
		got, err := ParseCode(c.typed)
		if got != c.want || (c.want == "") != errors.Is(err, ErrCodeForm) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestParseCodeTakesEveryHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Code(rapid.StringOfN(rapid.SampledFrom([]rune(crockford)), codeSize, codeSize, -1).Draw(t, "code"))
		var typed strings.Builder
		for _, r := range string(want) {
			typed.WriteString(rapid.SampledFrom([]string{"", " ", "-", " - "}).Draw(t, "gap"))
			if rapid.Bool().Draw(t, "small") {
				typed.WriteString(strings.ToLower(string(r)))
			} else {
				typed.WriteRune(r)
			}
		}
		if got, err := ParseCode(typed.String()); err != nil || got != want {
			t.Fatalf("%q read as %q: %v", typed.String(), got, err)
		}
	})
}

func FuzzParseCode(f *testing.F) {
	f.Add("7K3M-9QXA-02BD")
	f.Add("oil")
	f.Fuzz(func(t *testing.T, typed string) {
		c, err := ParseCode(typed)
		if err != nil {
			return
		}
		if back, err := ParseCode(c.String()); err != nil || back != c {
			t.Errorf("%q gives %q, which is read as %q: %v", typed, c, back, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	s, _, _ := run(f, agentWith(f, "agent", goodCode), hubWith(f, "hub"))
	add(f, s.Start)
	add(f, s.Offer)
	add(f, s.Reveal)
	add(f, s.Answer)
	add(f, s.Confirmed)
	add(f, s.Done)
	f.Add([]byte(`{"protocol":"loa.v1","protocol":"loa.v2"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		again[Start](t, body)
		again[Offer](t, body)
		again[Reveal](t, body)
		again[Answer](t, body)
		again[Confirmed](t, body)
		again[Done](t, body)
	})
}

func add[M Message](f *testing.F, m M) {
	body, err := Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
}

// again holds that what was read can be written and read again.
func again[M Message](t *testing.T, body []byte) {
	m, err := Decode[M](body)
	if err != nil {
		if !errors.Is(err, ErrMessage) {
			t.Errorf("%v is no ErrMessage", err)
		}
		return
	}
	out, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode[M](out); err != nil {
		t.Errorf("%s is not read again: %v", out, err)
	}
}

func TestDecodeIsStrict(t *testing.T) {
	for name, body := range map[string]string{
		"unknown key":  `{"signature":"AA==","x":1}`,
		"double key":   `{"signature":"AA==","signature":"AA=="}`,
		"other case":   `{"Signature":"AA=="}`,
		"wrong size":   `{"signature":"AA=="}`,
		"nothing":      ``,
		"null":         `null`,
		"two messages": `{}{}`,
	} {
		if _, err := Decode[Done]([]byte(body)); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
