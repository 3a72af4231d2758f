package player

import (
	"context"
	"time"

	"github.com/loa-vn/loa/internal/mono"
)

// Output is a card that plays always, silence when there is nothing else, and into which voices are mixed at
// a sample position. Its methods may be called by any goroutine.
type Output interface {
	// Run keeps the card playing until ctx ends; nothing sounds without it.
	Run(ctx context.Context) error

	// Play mixes the voice in so that frame v.First reaches the card at v.At, and blocks until the card has
	// confirmed its end or the end's time has passed. The voice's time goes on while the card is missing; when
	// it comes back the voice joins where it then is. Cancelling ctx fades the voice out within 20 ms. A
	// voice planned to begin when another ends follows it without a gap.
	Play(ctx context.Context, v Voice) Heard

	// Watch gives the state of the card and a channel that is closed when it changes.
	Watch() (CardState, <-chan struct{})

	// Lead is how far ahead of its instant a voice must come to lose nothing of its beginning.
	Lead() time.Duration
}

// Voice is one sound on its way to the card. Positions are frames of the audio.
type Voice struct {
	Slot       string
	PCM        PCM
	At         mono.Instant // when frame First must reach the card
	First, End int64        // what is to be heard: [First, End)

	// Progress, if not nil, is told while the voice is on its way what the card has confirmed of it so far, at
	// most every ProgressEvery. It is called by Play's goroutine and must not block.
	Progress func(Heard)
}

// ProgressEvery is the least time between two calls of a Progress.
const ProgressEvery = 250 * time.Millisecond

// PCM gives sound by position, nearly always in order. Only one goroutine calls it at a time.
type PCM interface {
	ReadAt(buf []float32, pos int64) (int, error)
}

// Heard is what the card side confirmed of a voice.
type Heard struct {
	StartedAt, EndedAt mono.Instant
	Reached            int64 // frames that reached the card
	Missed             int64 // frames that were due until the end or the cut and did not; all the rest after Err
	Complete           bool  // the last frame reached the card
	Cut                bool  // ctx was cancelled before the end
	CardMissing        bool  // the card was not there for a part of it
	Err                error // the PCM failed; what follows the failure was not played
}

// Condition is what can be said of a sound card.
type Condition string

// What can be said of it.
const (
	CardStarting Condition = "starting" // not known yet
	CardOK       Condition = "ok"       // takes sound
	CardMissing  Condition = "missing"  // there is none, or only a dummy
	CardStalled  Condition = "stalled"  // there is one, but it has stopped taking sound
)

// CardState is the state of the card and since when it is so.
type CardState struct {
	State  Condition
	Detail string // for the log and the console: what the sound system said
	Since  mono.Instant
}
