package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
)

// Main runs the agent. As a service it has no standard error that somebody keeps, and answers the service manager.
func Main(ctx context.Context, asService bool, agent func(context.Context) error) error {
	if !asService {
		return agent(ctx)
	}
	r := &running{ctx: ctx, agent: agent}
	if err := svc.Run(Name, r); err != nil {
		return fmt.Errorf("run as a service: %w", err)
	}
	return r.err
}

// running is the agent as the service manager sees it.
type running struct {
	ctx   context.Context // of the process; svc.Handler has no room for it
	agent func(context.Context) error
	err   error
}

// Execute implements svc.Handler. An agent that ends by itself has failed, and is started again.
func (r *running) Execute(_ []string, asked <-chan svc.ChangeRequest, told chan<- svc.Status) (specific bool, code uint32) {
	const takes = svc.AcceptStop | svc.AcceptShutdown
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.agent(ctx) }()
	told <- svc.Status{State: svc.Running, Accepts: takes}
	for ending := false; ; {
		select {
		case r.err = <-ended:
			if r.err == nil && ending {
				return false, 0
			}
			if r.err == nil {
				r.err = errors.New("the agent ended by itself")
			}
			r.tell()
			return true, 1
		case c := <-asked:
			switch c.Cmd {
			case svc.Interrogate:
				told <- c.CurrentStatus
			case svc.Stop, svc.Shutdown:
				ending = true
				told <- svc.Status{State: svc.StopPending, WaitHint: uint32(endWithin / time.Millisecond)}
				cancel()
			default: // not accepted, so it does not come
			}
		}
	}
}

// tell leaves the reason where Windows keeps such things: a log file may not be open yet.
func (r *running) tell() {
	log, err := eventlog.Open(Name)
	if err != nil {
		return
	}
	_ = log.Error(1, r.err.Error()) // there is nobody left to tell
	_ = log.Close()
}
