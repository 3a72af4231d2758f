package seal

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestAuditHead(t *testing.T) {
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	head := AuditHead{Seq: 7, Hash: "ab", At: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}
	envelope, err := SealAuditHead(head, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenAuditHead(key.Public(), envelope); err != nil || got != head {
		t.Fatalf("%+v, %v", got, err)
	}
	payload, err := Marshal(head)
	if err != nil {
		t.Fatal(err)
	}
	as, err := Seal(TypeOrder, payload, key)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := Seal(TypeAuditHead, []byte(`{"seq":7,"hash":"ab","at":"2026-11-25T04:00:00Z","more":1}`), key)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := SealAuditHead(head, other)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name     string
		envelope []byte
		code     Code
	}{
		{"another key's", foreign, KeyRole},
		{"another type", as, TypeUnknown},
		{"a field more", wide, Malformed},
		{"nothing", nil, Malformed},
		{"a signature cut out", bytes.Replace(envelope, []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1), KeyRole},
		{"too large", bytes.Repeat([]byte(" "), MaxEnvelope(MaxAuditHead)+1), TooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := OpenAuditHead(key.Public(), tc.envelope); !errors.Is(err, tc.code) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}
