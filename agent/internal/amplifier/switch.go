package amplifier

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loa-vn/loa/internal/durable"
)

// Limit is how long a command may take before it is killed with all it started.
const Limit = 20 * time.Second

// Owners of the mark.
const (
	Agent = "agent"
	Tone  = "test-tone"
)

// Switch is the two commands and the mark: a file that is there from before the one until the other has done its work.
type Switch struct {
	Before, After []string // a program and its arguments; no shell
	Mark          string   // path
	Owner         string   // who switches: what another has switched on meanwhile stays on
	Limit         time.Duration
	Exec          func(ctx context.Context, command []string) error // Execute, but for tests
	Log           *slog.Logger
}

// Marked tells whether it was switched on, by whomever, and not off again.
func (s Switch) Marked() bool {
	_, err := os.Stat(s.Mark)
	return !errors.Is(err, fs.ErrNotExist)
}

// Turn runs a command to its end. The error is context.Canceled when ctx ended before.
func (s Switch) Turn(ctx context.Context, on bool) error {
	command := s.After
	if on {
		command = s.Before
		if err := durable.Replace(s.Mark, []byte(s.Owner)); err != nil {
			s.Log.Error("the amplifier's mark is not on the disk: a crash now would leave it on", "error", err)
		}
	} else if s.takenOver() {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	err := s.Exec(within, command)
	switch {
	case ctx.Err() != nil && err != nil:
		return ctx.Err()
	case within.Err() != nil && err != nil:
		return fmt.Errorf("not done within %s and killed", s.Limit)
	case err != nil:
		return err
	case on:
		return nil
	}
	return s.unmark()
}

// takenOver tells whether the test tone must leave on what the agent has switched on meanwhile.
func (s Switch) takenOver() bool {
	owner, err := os.ReadFile(s.Mark)
	return err == nil && s.Owner == Tone && strings.TrimSpace(string(owner)) != Tone
}

func (s Switch) unmark() error {
	if err := os.Remove(s.Mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.Error("the amplifier's mark stays: the next start switches it off again", "error", err)
		return nil
	}
	if err := durable.SyncDir(filepath.Dir(s.Mark)); err != nil {
		s.Log.Error("the amplifier's mark may come back: the next start would switch it off again", "error", err)
	}
	return nil
}

func nameOf(on bool) string {
	if on {
		return "before_sound"
	}
	return "after_sound"
}
