package amplifier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const (
	reaping = 2 * time.Second // for the pipes of what was killed, that a grandchild may hold
	mostSay = 200             // bytes of a command's words that are told
)

// Execute runs a program without a shell, and kills it with all it started when ctx ends.
func Execute(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("there is no command")
	}
	var words tail
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &words, &words
	cmd.WaitDelay = reaping
	apart(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // it ended well; what it left running holds its output
	}
	if said := words.String(); err != nil && said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// tail keeps the end of what a command says.
type tail struct{ b []byte }

// Write takes everything and keeps little.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - mostSay; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(bytes.TrimSpace(t.b)), "")), " ")
}
