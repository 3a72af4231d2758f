// Command loa-agent lives on a commune's amplifier PC and plays its programme on time, network or not.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/loa-vn/loa/agent/app"
)

// Stamped by the linker (Makefile): the version, and when its source was committed, in Unix seconds.
var version, built = "dev", ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Command(version, built, os.Exit).ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, app.Explain(err))
		os.Exit(1)
	}
}
