// Package player makes sound out of the scheduler's decisions. It takes a Cue (which audio, from where in it,
// at which instant, how loud) from the scheduler's loop, decodes it as it is needed, and gives PCM to an
// Output, the card that plays always (agent/internal/speaker; playertest has a fake). It answers with a
// Result that claims only what the card side has confirmed: silence is never reported as success.
//
// A Player is safe for concurrent use. Any number of Plays may run at once; two cues of which the second is
// planned to begin when the first ends are joined without a gap.
package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// Source is the bytes of one file of the distribution format. A read of a damaged chunk fails.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Cue is one sound to be heard.
type Cue struct {
	Slot          string // for the log and the fake card
	Audio         Source
	At            mono.Instant  // when the frame at Offset must reach the card; in the past: join where it would be
	Offset        time.Duration // position in the audio that belongs to At
	VolumePercent int           // 0..100, on the scale of a system's volume slider (cubic)
	GainDB        float64       // added on top; what exceeds full scale is clipped

	// Progress, if not nil, is told a few times a second at most what has reached the card so far. It is called
	// by Play's goroutine, never after Play has returned, and must not block.
	Progress func(Progress)
}

// Progress is what the card has confirmed of a cue so far: never more than what has been heard, and behind it by
// what the card has not confirmed yet, some 0.4 s.
type Progress struct {
	StartedAt mono.Instant  // when its first frame reached the card, 0 if none has
	EndedAt   mono.Instant  // when its last confirmed frame did, 0 if none has
	Reached   time.Duration // audio that reached the sound card
	Missed    time.Duration // audio that should have sounded by then and did not
}

// Outcome says how a sound ended.
type Outcome string

const (
	// Complete says that its last frame reached the card. What lies before may have gaps: see Missed and Reason.
	Complete Outcome = "complete"
	// Cut says that its context was cancelled.
	Cut Outcome = "cut"
	// Failed says that its end did not reach the card. Reached says how much did.
	Failed Outcome = "failed"
)

// Reasons of a Result.
const (
	ReasonNone         = ""
	ReasonCut          = "cut"
	ReasonCardMissing  = "card_missing"
	ReasonAudioDamaged = "audio_damaged"
)

// Result is what became of a cue. Reached + Missed is the audio from the cue's Offset to its end or, when it was
// cut, to the cut.
type Result struct {
	StartedAt mono.Instant  // when its first frame reached the card, 0 if none did
	EndedAt   mono.Instant  // when its last frame did; the instant of giving up if none did
	Reached   time.Duration // audio that reached the sound card
	Missed    time.Duration // audio that should have sounded and did not: card absent or stalled, cue late
	Outcome   Outcome
	Reason    string
}

// Player plays cues through an Output.
type Player struct {
	output Output
	now    func() mono.Instant
	log    *slog.Logger
}

// New makes a Player. now is the clock of the cues' instants, mono.Now outside of tests.
func New(output Output, now func() mono.Instant, log *slog.Logger) *Player {
	return &Player{output: output, now: now, log: log}
}

// Run keeps the card playing until ctx ends.
func (p *Player) Run(ctx context.Context) error { return p.output.Run(ctx) }

// Card gives the state of the sound card.
func (p *Player) Card() CardState {
	state, _ := p.output.Watch()
	return state
}

// WatchCard gives the state of the sound card and a channel that is closed when it changes.
func (p *Player) WatchCard() (CardState, <-chan struct{}) { return p.output.Watch() }

// Level gives the peak (0..1) of what goes to the card now, 0 for an Output that does not measure it.
func (p *Player) Level() float64 {
	if m, ok := p.output.(interface{ Level() float64 }); ok {
		return m.Level()
	}
	return 0
}

// Lead is how far ahead of its instant a cue must come so that nothing of its beginning is lost: a sound
// that is to begin at once begins at now + Lead.
func (p *Player) Lead() time.Duration { return p.output.Lead() }

// Play plays the cue and blocks until it has been heard to its end. When ctx is cancelled it fades out within
// 20 ms; what is already on its way to the card is still heard, and waited for.
func (p *Player) Play(ctx context.Context, c Cue) Result {
	stream, err := open(c.Audio)
	if err != nil {
		p.log.Warn("audio cannot be opened", "slot", c.Slot, "err", err)
		return Result{EndedAt: p.now(), Outcome: Failed, Reason: ReasonAudioDamaged}
	}
	first := audio.Frames(c.Offset)
	end := stream.Frames()
	if first < 0 || first >= end {
		// Nothing of it is left to be heard, and nothing of it was missed.
		return Result{EndedAt: p.now(), Outcome: Complete}
	}
	voice := Voice{Slot: c.Slot, PCM: &pcm{stream: stream, gain: gain(c)}, At: c.At, First: first, End: end}
	if c.Progress != nil {
		voice.Progress = func(h Heard) { c.Progress(progress(h)) }
	}
	heard := p.output.Play(ctx, voice)
	if heard.Err != nil {
		p.log.Warn("sound broke off", "slot", c.Slot, "err", heard.Err)
	}
	return result(heard)
}

// Growing is a Source whose rest may still be on its way; a read of what is not here in time fails.
type Growing interface {
	// Length is that of the whole audio, 0 when all of it is here.
	Length() time.Duration
}

func open(s Source) (*audio.Stream, error) {
	if g, ok := s.(Growing); ok {
		if length := g.Length(); length > 0 {
			return audio.OpenPromised(s, s.Size(), audio.Frames(length-2*time.Millisecond)) // lengths are rounded to a millisecond
		}
	}
	return audio.Open(s, s.Size())
}

// missedEnough is how much may be missing before a sound that was heard to its end says why: less is the
// join of a cue that came a moment late.
const missedEnough = 100 * time.Millisecond

func result(h Heard) Result {
	r := Result{
		StartedAt: h.StartedAt, EndedAt: h.EndedAt,
		Reached: audio.Duration(h.Reached), Missed: audio.Duration(h.Missed),
	}
	switch {
	case h.Err != nil:
		r.Outcome, r.Reason = Failed, ReasonAudioDamaged
	case h.Cut:
		r.Outcome, r.Reason = Cut, ReasonCut
	case !h.Complete:
		r.Outcome, r.Reason = Failed, ReasonCardMissing
	case h.CardMissing && r.Missed > missedEnough:
		r.Outcome, r.Reason = Complete, ReasonCardMissing
	default:
		r.Outcome = Complete
	}
	return r
}

func progress(h Heard) Progress {
	return Progress{StartedAt: h.StartedAt, EndedAt: h.EndedAt, Reached: audio.Duration(h.Reached), Missed: audio.Duration(h.Missed)}
}

// gain makes one factor of volume and gain. The volume's scale is that of PulseAudio and of most sliders:
// amplitude is the cube of the position.
func gain(c Cue) float32 {
	v := float64(min(max(c.VolumePercent, 0), 100)) / 100
	return float32(v * v * v * math.Pow(10, c.GainDB/20))
}

// pcm gives the decoded audio by position.
type pcm struct {
	stream *audio.Stream
	gain   float32
	pos    int64
	bad    bool // the stream's position is not pos
}

// ReadAt fills buf from position pos on; in order it only decodes, otherwise it seeks first.
func (p *pcm) ReadAt(buf []float32, pos int64) (int, error) {
	if pos != p.pos || p.bad {
		p.bad = true
		if err := p.stream.SeekFrame(pos); err != nil {
			return 0, fmt.Errorf("seek audio: %w", err)
		}
		p.pos, p.bad = pos, false
	}
	n, err := p.stream.Read(buf)
	p.pos += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		p.bad = true
		return n, fmt.Errorf("decode audio: %w", err)
	}
	for i, v := range buf[:n] {
		v *= p.gain
		if v > 1 { // min and max of floats take five times as long
			v = 1
		} else if v < -1 {
			v = -1
		}
		buf[i] = v
	}
	return n, err
}
