package speaker

import (
	"slices"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// clock maps frames of the card to the instants at which they are heard. It rests on observations "this frame
// was at the card at this instant" of the last few seconds, and on one mark a second of the last minute, which
// tell how fast the card's own clock runs. Not safe for concurrent use.
type clock struct {
	window   time.Duration
	least    int  // observations needed
	envelope bool // an observation can only be late (the lower envelope counts), not early (the median)

	seen   []observation
	marks  []observation // by a second each, joined over every time the card stood still
	known  bool
	origin mono.Instant // where frame 0 would have been, seen from now
	slope  float64      // by how much origin grows in a second, in seconds: above 0 the card is slow
	sorted []mono.Instant
}

type observation struct {
	origin mono.Instant // instant of the observation less the time of its frame
	at     mono.Instant
}

// newPulseClock is for observations that err to both sides: PulseAudio's answers.
func newPulseClock() *clock { return &clock{window: 6 * time.Second, least: 5} }

// newPullClock is for the instants at which the device took frames: a busy machine only delays them.
func newPullClock() *clock { return &clock{window: 8 * time.Second, least: 8, envelope: true} }

const (
	jumpSeen = 4                     // so many observations in a row
	jumpFar  = 10 * time.Millisecond // all so far from the map
	jumpNear = 3 * time.Millisecond  // and so near to each other mean that the card has stood still

	markEvery = time.Second
	markFar   = time.Millisecond // no clock drifts so far in a second: the card has stood still
	slopeFrom = 20 * time.Second // over less, the noise is larger than any drift
	slopeOver = 60 * time.Second
	slopeMost = 1e-3 // of a card that can be played on at all
)

// observe takes that frame was at the card at instant; true means that the card has stood still since the
// observations before.
func (c *clock) observe(frame float64, instant mono.Instant) (jumped bool) {
	o := observation{origin: instant - mono.Instant(frame*float64(time.Second)/audio.Rate), at: instant}
	c.seen = append(c.seen, o)
	if jumped = c.jumped(); jumped {
		c.seen = append(c.seen[:0], c.seen[len(c.seen)-jumpSeen:]...)
	}
	old := 0
	for instant.Sub(c.seen[old].at) > c.window {
		old++
	}
	c.seen = append(c.seen[:0], c.seen[old:]...) // in place: it is called for ever
	c.known = c.known || len(c.seen) >= c.least
	c.origin = c.typical(c.seen, instant)
	c.mark(observation{c.origin, instant})
	return jumped
}

// typical gives the origin that observations tell, seen from an instant.
func (c *clock) typical(from []observation, instant mono.Instant) mono.Instant {
	c.sorted = c.sorted[:0]
	for _, o := range from {
		c.sorted = append(c.sorted, o.origin.Add(time.Duration(c.slope*float64(instant.Sub(o.at)))))
	}
	if c.envelope {
		return slices.Min(c.sorted)
	}
	slices.Sort(c.sorted)
	return c.sorted[len(c.sorted)/2]
}

// mark keeps one origin a second and measures the slope by them.
func (c *clock) mark(o observation) {
	if !c.known || len(c.marks) > 0 && o.at.Sub(c.marks[len(c.marks)-1].at) < markEvery {
		return
	}
	if n := len(c.marks); n > 0 {
		last := c.marks[n-1]
		off := o.origin.Sub(last.origin) - time.Duration(c.slope*float64(o.at.Sub(last.at)))
		if off.Abs() > markFar {
			for i := range c.marks {
				c.marks[i].origin = c.marks[i].origin.Add(off)
			}
		}
	}
	c.marks = append(c.marks, o)
	old := 0
	for o.at.Sub(c.marks[old].at) > slopeOver {
		old++
	}
	c.marks = append(c.marks[:0], c.marks[old:]...)
	if o.at.Sub(c.marks[0].at) >= slopeFrom {
		third := max(len(c.marks)/3, 1)
		early, late := c.middle(c.marks[:third]), c.middle(c.marks[len(c.marks)-third:])
		slope := float64(late.origin.Sub(early.origin)) / float64(late.at.Sub(early.at))
		c.slope = min(max(slope, -slopeMost), slopeMost)
	}
}

// middle gives the median of both numbers: they grow together.
func (c *clock) middle(marks []observation) observation {
	c.sorted = c.sorted[:0]
	for _, m := range marks {
		c.sorted = append(c.sorted, m.origin)
	}
	slices.Sort(c.sorted)
	return observation{c.sorted[len(c.sorted)/2], marks[len(marks)/2].at}
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

// unsure says whether more observations are wanted soon.
func (c *clock) unsure() bool {
	if !c.known {
		return true
	}
	last := c.seen[len(c.seen)-1]
	return !c.envelope && last.origin.Sub(c.origin).Abs() > jumpNear
}

// ready says whether the map can be relied on.
func (c *clock) ready() bool { return c.known }

// instant says when frame is at the card.
func (c *clock) instant(frame float64) mono.Instant {
	at := c.origin + mono.Instant(frame*float64(time.Second)/audio.Rate)
	if n := len(c.seen); n > 0 {
		at = at.Add(time.Duration(c.slope * float64(at.Sub(c.seen[n-1].at))))
	}
	return at
}
