package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/wire"
)

var (
	errUnmanaged = problem.New("RESTART_UNMANAGED", 409,
		"Agent này không chạy như một dịch vụ, nên không thể tự khởi động lại. Hãy cài dịch vụ bằng loa-agent service install.",
		"This agent does not run as a service and would not start again. Install it by loa-agent service install.")
	errCommandBusy = problem.New("COMMAND_BUSY", 409,
		"Agent đang làm một việc như vậy. Hãy chờ nó xong.",
		"The agent is at such a command already. Wait until it is done.")
	errRestart = errors.New("restarted by the hub's admin: the service manager starts the agent again")
)

// commanded is the link's way to orders: those about bulletins are the cache's, a command is followed here.
type commanded struct {
	a *App
	p *paired
}

func (c commanded) Order(ctx context.Context, envelope []byte) (code string, log []string) {
	command, code := c.p.cache.Order(ctx, envelope)
	if command == nil {
		return code, nil
	}
	if command.Do == broadcast.DoLog {
		return "", c.a.tail.last()
	}
	var err error
	switch command.Do {
	case broadcast.DoTone:
		err = c.p.tester.Start()
	case broadcast.DoRestart:
		if err = errUnmanaged; c.a.o.Service.Restarts() || c.a.o.Hung != nil {
			err = c.p.commands.ask(c.p.commands.restart)
		}
	case broadcast.DoRecheck:
		err = c.p.commands.ask(c.p.commands.recheck)
	}
	var p *problem.Error
	if errors.As(err, &p) {
		return p.Code, nil
	}
	return "", nil
}

// commands does what takes longer than an answer.
type commands struct {
	check            func(context.Context)
	restart, recheck chan struct{}
}

func newCommands(check func(context.Context)) *commands {
	return &commands{check: check, restart: make(chan struct{}, 1), recheck: make(chan struct{}, 1)}
}

func (c *commands) ask(what chan struct{}) error {
	select {
	case what <- struct{}{}:
		return nil
	default:
		return errCommandBusy
	}
}

// answerTime is how long the answer to a restart has until the connection ends.
const answerTime = time.Second

func (c *commands) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.recheck:
			c.check(ctx)
		case <-c.restart:
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(answerTime):
				return errRestart
			}
		}
	}
}

// tail keeps the last lines of the log. It takes whole lines, as slog's handlers write them.
type tail struct {
	mu    sync.Mutex
	lines []string
}

const longestLine = 500

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	line := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(string(p), "?"))
	if runes := []rune(line); len(runes) > longestLine {
		line = string(runes[:longestLine]) + "…"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines = append(t.lines, line); len(t.lines) > wire.MaxLogLines {
		t.lines = append(t.lines[:0:0], t.lines[len(t.lines)-wire.MaxLogLines:]...)
	}
	return len(p), nil
}

// last gives as many of the newest lines as one message takes, oldest first.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := 0
	for i := len(t.lines) - 1; i >= 0; i-- {
		encoded, err := json.Marshal(t.lines[i])
		if size += len(encoded) + 1; err != nil || size > wire.MaxLog {
			return append([]string{}, t.lines[i+1:]...)
		}
	}
	return append([]string{}, t.lines...)
}
