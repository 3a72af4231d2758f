// Package body reads the JSON that people and programs send to the api: it takes bytes from outside and gives a value,
// or an error that says where it does not fit. It keeps nothing; its functions are safe for concurrent use. It stands
// apart from the api so that it can be fuzzed without the whole hub around it.
package body

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth of nesting: ours need 5, a bomb of brackets has thousands.
const maxDepth = 32

// Decode reads a document into a value, by the exact case of its names, unlike encoding/json.
func Decode(data []byte, v any) error {
	if err := Check(data); err != nil {
		return err
	}
	return placed(strict.Unmarshal(data, v, strict.RejectUnknownMembers(true)))
}

// PlaceMark parts the place of an error from its text: the api's library carries only a text.
const PlaceMark = "\x00"

// placed says where a value does not fit, without names of our types.
func placed(err error) error {
	var bad *strict.SemanticError
	if !errors.As(err, &bad) {
		return err
	}
	text := "does not fit here"
	switch {
	case errors.Is(bad, strict.ErrUnknownName):
		text = "unexpected property"
	case errors.Is(bad, strconv.ErrRange):
		text = "number out of range"
	case bad.Err != nil && bad.JSONKind == '"':
		text = bad.Err.Error()
	}
	var place strings.Builder
	for token := range bad.JSONPointer.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			place.WriteString("[" + token + "]")
		} else {
			place.WriteString("." + token)
		}
	}
	return errors.New(strings.TrimPrefix(place.String(), ".") + PlaceMark + text)
}

// Check refuses what two readers could understand differently (RFC 8259 leaves it open; I-JSON, RFC 7493,
// forbids it): double keys, invalid UTF-8, numbers beyond a double; depth that only costs; and NUL, which no text of
// ours has and on which the database fails.
func Check(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(data)) // refuses double keys and invalid UTF-8 by default
	for first := true; ; first = false {
		if dec.StackDepth() == 0 && !first {
			break
		}
		tok, err := dec.ReadToken()
		if err != nil {
			return fmt.Errorf("read json: %w", err)
		}
		if dec.StackDepth() > maxDepth {
			return fmt.Errorf("read json: nested deeper than %d", maxDepth)
		}
		switch tok.Kind() {
		case '0':
			if _, err := strconv.ParseFloat(tok.String(), 64); err != nil {
				return fmt.Errorf("read json: a number is too large")
			}
		case '"':
			if strings.ContainsRune(tok.String(), 0) {
				return fmt.Errorf("read json: a text has a NUL")
			}
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("read json: something follows the document")
	}
	return nil
}
