package app

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/change"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

var errConsoleBusy = problem.New("CONSOLE_ADDRESS_BUSY", 409,
	"Trang điều khiển chưa mở được vì chương trình khác đang dùng địa chỉ của nó; loa vẫn phát theo lịch. "+
		"Dừng chương trình kia hoặc đổi khóa console: loa-agent thử lại mỗi 10 giây.",
	"The operator's page is not served because another program uses its address; the programme plays on. "+
		"Stop that program or change the key console: loa-agent tries again every 10 seconds.")

// consoleRetry is how often an address that is taken is tried again.
const consoleRetry = 10 * time.Second

// page is the operator's console at its address, which another program may hold: a commune's programme does not
// wait for it.
type page struct {
	address string
	make    func(net.Listener) *console.Console
	retry   time.Duration
	log     *slog.Logger
	changed change.Signal // served, or not any more

	mu      sync.Mutex
	console *console.Console // nil while it is not served
	problem *problem.Error   // why not
}

func newPage(address string, log *slog.Logger, build func(net.Listener) *console.Console) *page {
	return &page{address: address, make: build, retry: consoleRetry, log: log}
}

// bind takes the address and gives the console on it, nil where it is not to be had.
func (p *page) bind() *console.Console {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.console != nil {
		return p.console
	}
	listen, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", p.address)
	if err != nil {
		p.tell(err)
		return nil
	}
	p.console, p.problem = p.make(listen), nil
	p.log.Info("console", "address", "http://"+p.console.Addr())
	p.changed.Notify()
	return p.console
}

// tell keeps why the page is not served, and says so in the log once until it is served again.
func (p *page) tell(cause error) {
	if p.problem == nil {
		p.log.Warn(errConsoleBusy.EN, "code", errConsoleBusy.Code, "address", p.address, "error", cause)
		p.changed.Notify()
	}
	p.console, p.problem = nil, errConsoleBusy.With(cause)
}

// run serves the page until ctx ends, from when its address is free.
func (p *page) run(ctx context.Context) error {
	again := time.NewTicker(p.retry)
	defer again.Stop()
	for {
		if c := p.bind(); c != nil {
			err := c.Run(ctx)
			if ctx.Err() != nil {
				return err
			}
			p.mu.Lock()
			p.tell(err)
			p.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

func (p *page) addr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.console == nil {
		return ""
	}
	return p.console.Addr()
}

// status is why the page is not served, nil while it is.
func (p *page) status() *broadcast.ConsoleStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.problem == nil {
		return nil
	}
	return &broadcast.ConsoleStatus{Code: p.problem.Code, VI: p.problem.VI, EN: p.problem.EN, Detail: p.problem.Err.Error()}
}

// taken tells whether a program listens at the console's address.
func taken(ctx context.Context, address string) bool {
	if address == config.ConsoleOff {
		return false
	}
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return true
	}
	_ = listen.Close()
	return false
}
