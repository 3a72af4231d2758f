package push

import (
	"context"
	"time"
)

// How many messages a second an agent may send for long, and how many at once after a pause. An agent that comes back
// after a month offline needs some hundreds, for its records, its plan's parts and its audio. Acknowledgements of
// frames do not count: there are as many as the line is fast.
const (
	messagesPerS  = 50
	messagesBurst = 1000
)

// pace is the bucket of one connection, as the instant at which it will be full again. The agent that floods is read
// more slowly, by which its own line fills; nobody else waits.
type pace struct {
	full time.Time
}

// next takes one message at an instant and gives how long its handling is to wait.
func (p *pace) next(now time.Time) time.Duration {
	const each = time.Second / messagesPerS
	if p.full.Before(now) {
		p.full = now
	}
	p.full = p.full.Add(each)
	return max(0, p.full.Sub(now)-messagesBurst*each)
}

// wait takes one message and waits its turn.
func (p *pace) wait(ctx context.Context) error {
	d := p.next(time.Now())
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
