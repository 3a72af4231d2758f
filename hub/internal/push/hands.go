package push

import "time"

// idleHand is how long a hand waits for more work.
const idleHand = time.Second

// hands are goroutines that work for sessions, one after the other, on stacks that have grown already.
type hands chan func()

// do has work done by a hand that is idle, or by a new one.
func (h hands) do(work func()) {
	select {
	case h <- work:
	default:
		go h.work(work)
	}
}

func (h hands) work(work func()) {
	idle := time.NewTimer(idleHand)
	defer idle.Stop()
	for more := true; more; {
		work()
		idle.Reset(idleHand)
		select {
		case work, more = <-h:
		case <-idle.C:
			more = false
		}
	}
}
