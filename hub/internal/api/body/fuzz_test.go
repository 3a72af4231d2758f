package body

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/internal/broadcast"
)

// sent has what the api's inputs are made of: text, numbers, times, lists, and the types that read themselves.
type sent struct {
	Code     string              `json:"code"`
	Name     *string             `json:"name,omitempty"`
	Policy   *broadcast.Rules    `json:"policy,omitempty"`
	Dayparts []broadcast.Daypart `json:"dayparts,omitempty"`
	Expires  *time.Time          `json:"expires_at,omitempty"`
	Items    []struct {
		Report string `json:"report"`
	} `json:"items,omitempty"`
	Count   int            `json:"count"`
	Percent float64        `json:"percent"`
	More    map[string]any `json:"more,omitempty"`
}

// What is taken, two readers understand alike: it is UTF-8 without double keys, not deeper than allowed, and every other
// JSON reader takes it too.
func FuzzBodies(f *testing.F) {
	for _, body := range []string{
		`{"code":"x","name":"X","policy":{"windows":[{"start":"05:00","end":"21:00","days":["mon"]}]}}`,
		`{"dayparts":[{"name":"m","start":"05:00","end":"05:45","reserved":[{"start":"05:10","end":"05:20","label":"VOV"}]}]}`,
		`{"items":[{"report":"r"}],"expires_at":"2099-01-01T00:00:00Z","count":3,"percent":0.5,"more":{"a":[null,true]}}`,
		`{"percent":1e999}`, `{"count":1e3}`, `{"code":"x","code":"y"}`, `{"more":{"a":1,"a":2}}`, `[[[[`, "\xff", `{"code":"\ud800"}`, `{"code":"\u0000"}`, `{} {}`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100), `{"Code":"x"}`, `null`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s sent
		err := Decode(data, &s)
		if Check(data) != nil && err == nil {
			t.Fatalf("%q was taken", data)
		}
		if err != nil {
			if place, text, ok := strings.Cut(err.Error(), PlaceMark); ok && (text == "" || strings.Contains(place, PlaceMark)) {
				t.Errorf("a place without its text: %q", err)
			}
			return
		}
		if !utf8.Valid(data) || !json.Valid(data) {
			t.Errorf("%q was taken", data)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Errorf("what was taken cannot be written: %v", err)
		}
	})
}
