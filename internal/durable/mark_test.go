package durable

import (
	"bytes"
	"testing"
)

func TestMark(t *testing.T) {
	key, value := []byte("floors"), []byte(`{"head":{"version":12}}`)
	for name, v := range map[string][]byte{"a value": value, "none": {}} {
		if got, ok := Unmark(key, Mark(key, v)); !ok || !bytes.Equal(got, v) {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
	marked := Mark(key, value)
	for i := range 8 * len(marked) {
		damaged := bytes.Clone(marked)
		damaged[i/8] ^= 1 << (i % 8)
		if _, ok := Unmark(key, damaged); ok {
			t.Errorf("bit %d of byte %d is not missed", i%8, i/8)
		}
	}
	for i := range 8 * len(key) {
		damaged := bytes.Clone(key)
		damaged[i/8] ^= 1 << (i % 8)
		if _, ok := Unmark(damaged, marked); ok {
			t.Errorf("bit %d of byte %d of the key is not missed", i%8, i/8)
		}
	}
	for n := range len(marked) {
		if _, ok := Unmark(key, marked[:n]); ok {
			t.Errorf("the first %d bytes pass for the whole", n)
		}
	}
	if _, ok := Unmark([]byte("floor"), Mark([]byte("floors"), value)); ok {
		t.Error("a key that was cut passes")
	}
}
