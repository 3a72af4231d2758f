package scheduler

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
)

// Clock is trusted time.
type Clock interface {
	Now() (t time.Time, trust string) // trust is synced, plausible or untrusted
	Instant(t time.Time) mono.Instant
	Time(at mono.Instant) time.Time
}

const (
	untrusted = "untrusted"
	synced    = "synced"
)

// Audio is whole audio, to be closed after use. Check looks for damage, in less time than a cue is ahead.
type Audio interface {
	io.ReaderAt
	Size() int64
	GainDB() float64
	Check() error
	Close() error
}

// Store opens audio; its error says that the audio is not there, or not enough of it.
type Store interface {
	Whole(audio broadcast.Hash) bool
	Ready(audio broadcast.Hash) bool // it can be opened: it is whole, or urgent and its rest comes in time
	Open(audio broadcast.Hash) (Audio, error)
}

// Cue is one sound for the player: frame Offset of Audio reaches the card at At.
type Cue struct {
	Slot          string
	Audio         Audio
	At            mono.Instant
	Offset        time.Duration
	VolumePercent int
	GainDB        float64

	// Progress takes what has reached the card so far, a few times a second at most. It may be called by any
	// goroutine, and never blocks.
	Progress func(Progress)
}

// Progress is what the card has confirmed of a cue so far: never more than what has been heard. StartedAt and EndedAt,
// of the first and the last confirmed sound, are 0 when nothing reached the card yet.
type Progress struct {
	StartedAt, EndedAt mono.Instant
	Reached, Missed    time.Duration
}

// Result is what became of a cue. StartedAt is 0 when nothing reached the card.
type Result struct {
	StartedAt, EndedAt mono.Instant
	Reached, Missed    time.Duration
	Cut                bool // its context was cancelled before its end
	Damaged            bool // the audio failed
}

// Player plays a cue and blocks until it has been heard, or ctx is cancelled and it has faded out.
type Player interface {
	Play(ctx context.Context, c Cue) Result
	Lead() time.Duration // the least time a cue must come before its instant
}

// Journal keeps entries by slot id; what a call wrote is durable when it returns.
type Journal interface {
	Load() (map[string][]byte, error)
	Write(put map[string][]byte, drop []string) error
}

// Records takes play records: one for each slot for ever, durable when Add returns.
type Records interface {
	Add(records ...broadcast.Play) error
	Has(slot string) (bool, error)
	Prune(now time.Time) error
}

// Options of a scheduler.
type Options struct {
	Plan    func() *broadcast.Plan // the active one, nil when there is none
	Clock   Clock
	Store   Store
	Player  Player
	Journal Journal
	Records Records
	// Changes of plan, clock and audio.
	Changes []<-chan struct{}
	Log     *slog.Logger
}
