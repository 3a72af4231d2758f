// Command loa-hub keeps a province's radio reports, timetable and loudspeakers, and brings each report to the
// agents that play it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/loa-vn/loa/hub/app"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return app.Main(ctx, app.Process{Version: version, Args: os.Args[1:], In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
