package durable

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

const markSize = 8

// Mark gives a value with a checksum of itself and of its key behind it: a database that has none of its own gives back
// what a failing disk made of either.
func Mark(key, value []byte) []byte { return append(bytes.Clone(value), mark(key, value)...) }

// Unmark gives a value that Mark was given, or false when it or its key is damaged.
func Unmark(key, marked []byte) (value []byte, ok bool) {
	at := len(marked) - markSize
	if at < 0 || !bytes.Equal(mark(key, marked[:at]), marked[at:]) {
		return nil, false
	}
	return marked[:at:at], true
}

func mark(key, value []byte) []byte {
	sum := sha256.New()
	_, _ = sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(key)))) // a hash takes everything
	_, _ = sum.Write(key)
	_, _ = sum.Write(value)
	return sum.Sum(nil)[:markSize]
}
