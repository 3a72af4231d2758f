package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

const protocolDoc = "../../docs/protocol.md"

// The part of the document between these lines is written by this test.
const (
	docBegin = "<!-- messages: written by go test ./internal/wire -update -->\n"
	docEnd   = "<!-- end of messages -->\n"
)

// TestProtocolDoc keeps docs/protocol.md true: each message and the frame stand there with the bytes of its golden.
func TestProtocolDoc(t *testing.T) {
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), docBegin)
	_, after, ok2 := strings.Cut(rest, docEnd)
	if !ok || !ok2 {
		t.Fatal("docs/protocol.md has no place for the messages")
	}
	want := before + docBegin + messagesDoc(t) + docEnd + after
	if *update {
		if err := os.WriteFile(protocolDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(doc) != want {
		t.Error("docs/protocol.md does not show the messages as they are: go test ./internal/wire -update")
	}
}

func messagesDoc(t *testing.T) string {
	var b strings.Builder
	for _, e := range examples() {
		data, err := Encode(e.message)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, data, "", "  "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n### %s\n\nFrom: %s. %s\n\n```json\n%s\n```\n", e.message.Type(), e.from, e.about, pretty.String())
	}
	frame, err := EncodeChunk(exampleChunk())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\n### Binary frame\n\nFrom: hub. The last 10 bytes of a blob of 131,082:\n\n```\n%s```\n", hex.Dump(frame))
	return b.String()
}
