package speaker

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// clock maps frames of the output to the instants at which they are at the card. It rests on observations
// "this frame was at the card at this instant" of the last few seconds. Not safe for concurrent use.
type clock struct {
	window   time.Duration
	least    int  // observations needed
	envelope bool // an observation can only be late (the lower envelope counts), not early (the median)

	seen   []observation
	origin mono.Instant // where frame 0 was at the card, by the present rate
	known  bool
}

type observation struct {
	origin mono.Instant // instant of the observation less the time of its frame
	at     mono.Instant
}

// newPulseClock is for observations that err to both sides: PulseAudio's answers.
func newPulseClock() *clock { return &clock{window: 3 * time.Second, least: 5} }

// newPullClock is for the instants at which the device took frames: a busy machine only delays them.
func newPullClock() *clock { return &clock{window: 8 * time.Second, least: 8, envelope: true} }

const (
	jumpSeen = 4                     // so many observations in a row
	jumpFar  = 10 * time.Millisecond // all so far from the map
	jumpNear = 3 * time.Millisecond  // and so near to each other mean that the card has stood still
)

// observe takes that frame was at the card at instant; true means that the card has stood still since the
// observations before.
func (c *clock) observe(frame float64, instant mono.Instant) (jumped bool) {
	o := observation{origin: instant - mono.Instant(frame*float64(time.Second)/audio.Rate), at: instant}
	c.seen = append(c.seen, o)
	if jumped = c.jumped(); jumped {
		c.seen = c.seen[len(c.seen)-jumpSeen:]
	}
	for instant.Sub(c.seen[0].at) > c.window {
		c.seen = c.seen[1:]
	}
	c.known = c.known || len(c.seen) >= c.least
	origins := make([]mono.Instant, len(c.seen))
	for i, o := range c.seen {
		origins[i] = o.origin
	}
	if c.envelope {
		c.origin = slices.Min(origins)
		return jumped
	}
	slices.Sort(origins)
	c.origin = origins[len(origins)/2]
	return jumped
}

// jumped says whether the last observations agree on another map. An envelope looks back further: what is
// late may be late for a while.
func (c *clock) jumped() bool {
	n := jumpSeen
	if c.envelope || len(c.seen) <= n || !c.ready() {
		return false
	}
	last := c.seen[len(c.seen)-1].origin
	for _, o := range c.seen[len(c.seen)-n:] {
		if o.origin.Sub(last).Abs() > jumpNear || o.origin.Sub(c.origin).Abs() < jumpFar {
			return false
		}
	}
	return true
}

// ready says whether the map can be relied on.
func (c *clock) ready() bool { return c.known }

// instant says when frame is at the card.
func (c *clock) instant(frame int64) mono.Instant { return c.origin.Add(audio.Duration(frame)) }

// frame says which frame is at the card at instant, rounded.
func (c *clock) frame(instant mono.Instant) int64 {
	const half = time.Second / audio.Rate / 2
	return audio.Frames(instant.Sub(c.origin) + half)
}
