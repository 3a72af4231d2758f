package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/link"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
	"github.com/loa-vn/loa/internal/seal"
)

var (
	errNoHub = problem.New("PAIR_HUB_MISSING", 400,
		"Chưa cho biết địa chỉ máy chủ. Hãy ghi địa chỉ như https://loa.example.vn (khi dùng lệnh: --hub).",
		"The hub's address is not given. Write it like https://loa.example.vn (for the command: --hub).").At("hub")
	errNoCode = problem.New("PAIR_CODE_MISSING", 400,
		"Chưa cho biết mã ghép. Hãy nhập mã mà máy chủ hiện ra (khi dùng lệnh: --code).",
		"The pairing code is not given. Type the code that the hub shows (for the command: --code).").At("code")
	errWordsDiffer = problem.New("PAIR_WORDS_DIFFER", 409,
		"Sáu từ không khớp nên đã dừng ghép. Tạo mã mới trên máy chủ và thử lại; nếu vẫn khác, có người chen vào đường truyền.",
		"The six words differ, so the pairing was stopped. Make a new code on the hub and try again; if they differ again, "+
			"somebody is on the line.")
)

// Terminal is who types at a command and reads it.
type Terminal struct {
	In  io.Reader
	Out io.Writer
}

// say prints; a terminal that is closed stops nothing.
func (t Terminal) say(format string, args ...any) { _, _ = fmt.Fprintf(t.Out, format, args...) }

// Pair brings this agent into the fleet of the hub in the settings. yes takes the six words as compared.
func Pair(ctx context.Context, c config.Agent, code string, yes bool, term Terminal, log *slog.Logger) error {
	joined, err := join(ctx, c, code, func(words []string) bool { return shown(words, yes, term) }, log)
	if err != nil {
		return err
	}
	term.say("Đã ghép / Paired: %s (%s)\n", joined.Name, joined.Area)
	return nil
}

// join pairs with the hub in the settings. compare is given the six words and tells whether a person found them the
// same; nothing is kept before it has returned.
func join(ctx context.Context, c config.Agent, code string, compare func(words []string) bool, log *slog.Logger) (link.Paired, error) {
	switch {
	case c.Hub == "":
		return link.Paired{}, errNoHub
	case code == "":
		return link.Paired{}, errNoCode
	}
	if err := makeDataDir(c.Data); err != nil {
		return link.Paired{}, err
	}
	// An agent that runs with an older pairing would go on with it: it must be stopped first.
	if err := cache.Free(c.Data, log); err != nil {
		return link.Paired{}, err
	}
	key, err := seal.NewKey()
	if err != nil {
		return link.Paired{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	joined, err := link.Pair(ctx, link.PairOptions{
		Hub: c.Hub, Security: security(c), Code: code, Name: machineName(c), Key: key.Private(),
		Show: func(words []string) {
			if !compare(words) {
				cancel(errWordsDiffer)
			}
		},
		Keep: func(j link.Paired) error {
			if err := cache.Free(c.Data, log); err != nil {
				return err
			}
			return keepPairing(c.Data, c.Hub, c.HubPin, key, j)
		},
	})
	if errors.Is(context.Cause(ctx), errWordsDiffer) {
		return link.Paired{}, errWordsDiffer
	}
	return joined, err
}

// shown prints the six words and, unless they are taken as compared, asks.
func shown(words []string, yes bool, term Terminal) bool {
	term.say("%s\n", strings.Join(words, " "))
	if yes {
		return true
	}
	term.say("Sáu từ này có giống trên máy chủ không? / Does the hub show the same six words? [y/N] ")
	line, err := bufio.NewReader(term.In).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes", "c", "co", "có":
		return true
	}
	return false
}

// machineName is what the hub is told.
func machineName(c config.Agent) string {
	if c.Name != "" {
		return c.Name
	}
	name, err := os.Hostname()
	if err != nil {
		return "loa-agent"
	}
	return name
}
