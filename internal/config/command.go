package config

import (
	"fmt"
	"strings"
)

// Command is a program and its arguments; as text one line, with spaces between them. Double or single quotes keep
// spaces in an argument. Nothing else has a meaning: no shell reads it, and a backslash is a backslash, as in the
// paths of Windows.
type Command []string

// UnmarshalText reads what the type's doc shows.
func (c *Command) UnmarshalText(b []byte) error {
	var out Command
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range string(b) {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, begun = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if begun {
				out = append(out, word.String())
				word.Reset()
			}
			begun = false
		case r == 0:
			return fmt.Errorf("command %q has a zero byte", string(b))
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return fmt.Errorf("command %q has a quote without its end", string(b))
	}
	if begun {
		out = append(out, word.String())
	}
	if len(out) > 0 && out[0] == "" {
		return fmt.Errorf("command %q names no program", string(b))
	}
	*c = out
	return nil
}
