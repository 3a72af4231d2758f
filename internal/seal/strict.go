package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// MaxDepth is how deep objects and arrays may lie in each other in a strict document.
const MaxDepth = 16

// Marshal gives the JSON that Strict reads: the same value always gives the same bytes.
func Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return b, nil
}

// Strict reads one JSON value of at most maxSize bytes: no unknown and no double keys, names by exact case, no
// invalid UTF-8, nothing after it, at most MaxDepth deep. Errors are Refusals: TooLarge or Malformed.
func Strict[T any](data []byte, maxSize int) (T, error) {
	var v, none T
	if len(data) > maxSize {
		return none, refuse(TooLarge, "%d bytes, at most %d", len(data), maxSize)
	}
	if !shallow(data) {
		return none, refuse(Malformed, "more than %d levels deep", MaxDepth)
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return none, refuse(Malformed, "null instead of a document")
	}
	if err := json.Unmarshal(data, &v, json.RejectUnknownMembers(true)); err != nil {
		return none, refuse(Malformed, "not strictly a %T", v).because(err)
	}
	return v, nil
}

// shallow tells whether nothing lies deeper than MaxDepth; the parser itself allows 10,000 levels.
func shallow(data []byte) bool {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i+1)
		case '{', '[':
			if depth++; depth > MaxDepth {
				return false
			}
		case '}', ']':
			depth--
		}
	}
	return true
}

// stringEnd gives where the string that goes on at i ends: most of a document is in strings, and most of them long.
func stringEnd(data []byte, i int) int {
	for i < len(data) {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			return len(data)
		}
		escape := bytes.IndexByte(data[i:i+quote], '\\')
		if escape < 0 {
			return i + quote
		}
		i += escape + 2
	}
	return i
}

// decodeBase64 takes the one standard spelling of bytes: padded, no line breaks, no stray bits.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	if base64.StdEncoding.EncodedLen(len(b)) != len(s) {
		return nil, errors.New("line breaks in base64")
	}
	return b, nil
}
