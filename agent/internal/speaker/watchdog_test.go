package speaker

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchdog(t *testing.T) {
	cases := []struct {
		name         string
		script       func(d *watchdog)
		warned, bite int
	}{
		{"silent from the start", func(*watchdog) { pass(startLimit + time.Second) }, 0, 1},
		{"slow to open the card", func(d *watchdog) { d.feed(false); pass(startLimit - time.Second) }, 0, 0},
		{"silent for a moment", func(d *watchdog) {
			d.feed(true)
			pass(silentLimit + dogTick/2)
			d.feed(true)
			pass(silentLimit + dogTick/2)
		}, 2, 0},
		{"silent for good", func(d *watchdog) { d.feed(true); pass(hangLimit + time.Second) }, 1, 1},
		{"alive", func(d *watchdog) {
			for range 100 {
				d.feed(true)
				pass(reportEvery)
			}
		}, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var warned, bite int
				d := newWatchdog(func() { bite++ }, func() { warned++ })
				c.script(d)
				d.stop()
				if warned != c.warned || bite != c.bite || d.bit() != (c.bite > 0) {
					t.Errorf("warned %d, bitten %d", warned, bite)
				}
			})
		})
	}
}

// pass lets the bubble's time pass.
func pass(d time.Duration) { <-time.After(d) }
