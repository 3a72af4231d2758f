package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loa-vn/loa/internal/config"
)

func TestALogBeginsAnewWhenItIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "loa-agent.log")
	file := logFile(path)
	log := slog.New(slog.NewTextHandler(file, nil))
	line := strings.Repeat("x", 64<<10)
	for range (2*logMiB + 1) << 20 / len(line) {
		log.Info(line)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(logs) != 3 {
		t.Fatalf("%v, %v", logs, err)
	}
	for _, l := range logs {
		info, err := l.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > logMiB<<20 || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			t.Errorf("%s: %d bytes, %v", l.Name(), info.Size(), info.Mode())
		}
	}
}

func TestAnAgentThatRunsWritesItsLogFile(t *testing.T) {
	c, err := config.LoadAgent("", func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c.Data, c.Console, c.LogFile = filepath.Join(dir, "data"), config.ConsoleOff, filepath.Join(dir, "log", "a.log")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runAgent(ctx, Options{Config: c, Log: slog.New(slog.DiscardHandler)}) }()
	until(t, "nothing is in the log file", func() bool {
		raw, _ := os.ReadFile(c.LogFile)
		return strings.Contains(string(raw), "not paired")
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Data = filepath.Join(dir, "file", "data")
	if err := runAgent(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a data folder within a file")
	}
	if raw, _ := os.ReadFile(c.LogFile); !strings.Contains(string(raw), "DATA_FOLDER") {
		t.Error("the log does not tell why it ended")
	}
}
