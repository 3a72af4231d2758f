package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

func TestTailKeepsTheLastLines(t *testing.T) {
	tl := &tail{}
	log := slog.New(slog.NewTextHandler(tl, nil))
	for i := range 3 * wire.MaxLogLines {
		log.Info("line", "n", i, "odd", "\x1b[31m<&>\x00")
	}
	lines := tl.last()
	if len(lines) == 0 || len(lines) > wire.MaxLogLines || !strings.Contains(lines[len(lines)-1], fmt.Sprint("n=", 3*wire.MaxLogLines-1)) {
		t.Fatalf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
	log.Info(strings.Repeat("<", 100_000))
	for range 100 {
		log.Info(strings.Repeat("<", 400))
	}
	// What it gives always fits a message, however much its characters grow on the wire.
	if _, err := wire.Encode(&wire.OrderState{SHA256: broadcast.Hash(strings.Repeat("a", 64)), Log: tl.last()}); err != nil {
		t.Error(err)
	}
	if data, err := json.Marshal(tl.last()); err != nil || len(data) < wire.MaxLog/2 || strings.ContainsRune(string(data), 0x1b) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

func TestCommandsEndTheAgentOnlyWhenAsked(t *testing.T) {
	checked := make(chan struct{})
	c := newCommands(func(context.Context) { checked <- struct{}{} })
	done := make(chan error, 1)
	go func() { done <- c.run(t.Context()) }()
	if err := c.ask(c.recheck); err != nil {
		t.Fatal(err)
	}
	<-checked
	if err := c.ask(c.restart); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != errRestart { //nolint:errorlint // exactly this one
		t.Errorf("ended with %v", err)
	}
	if err := c.ask(c.recheck); err != nil {
		t.Fatal(err)
	}
	if err := c.ask(c.recheck); err != errCommandBusy { //nolint:errorlint // exactly this one
		t.Errorf("asked twice: %v", err)
	}
}
