package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	strict "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth of nesting in a request's body: ours need 5, a bomb of brackets has thousands.
const maxDepth = 32

// formats is JSON alone, read strictly.
func formats() map[string]huma.Format {
	f := huma.Format{
		Marshal: func(w io.Writer, v any) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			return enc.Encode(v)
		},
		Unmarshal: func(data []byte, v any) error {
			if err := checkJSON(data); err != nil {
				return err
			}
			return placed(strict.Unmarshal(data, v, strict.RejectUnknownMembers(true))) // by exact case, unlike encoding/json
		},
	}
	return map[string]huma.Format{"application/json": f, "json": f}
}

// placeMark parts the place of an error from its text; the library carries only a text.
const placeMark = "\x00"

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
	return errors.New(strings.TrimPrefix(place.String(), ".") + placeMark + text)
}

// checkJSON refuses what two readers could understand differently (RFC 8259 leaves it open; I-JSON, RFC 7493,
// forbids it): double keys, invalid UTF-8, numbers beyond a double; and depth that only costs.
func checkJSON(data []byte) error {
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
		if tok.Kind() == '0' {
			if _, err := strconv.ParseFloat(tok.String(), 64); err != nil {
				return fmt.Errorf("read json: a number is too large")
			}
		}
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("read json: something follows the document")
	}
	return nil
}
