package speaker

import (
	"math"

	"github.com/loa-vn/loa/internal/audio"
)

const (
	// A card is followed by playing 200 ppm faster or slower, which nobody hears, when the line is offFrom from its
	// instant, until it is there. In between frames go to the card as they are, which costs nothing.
	slew    = 200e-6
	offFrom = audio.Rate * 200 / 1_000_000
)

// timeline is the programme's own line of frames, on which voices lie, and its way to the card: a frame of the
// card carries the line's position pos, and the next one pos + rate. Not safe for concurrent use.
type timeline struct {
	card int64   // the next frame of the card
	pos  float64 // the position that it carries
	rate float64
	turn float64 // 1 while it hurries to its instant, -1 while it waits for it, else 0
	hold int64   // frames of the card for which the line stands still before that
	tape []float32
	head int64 // the next frame to be laid on the tape: it ends there

	sinc  *sinc
	parts []part // how the line went on the card, as far back as it is not confirmed
}

// part says how the line goes from a frame of the card on.
type part struct {
	card int64
	pos  float64
	rate float64 // 0 while it is held
}

// started says whether the line has a place on the card.
func (l *timeline) started() bool { return l.parts != nil }

// pass lets n frames of the card go by without the line.
func (l *timeline) pass(n int) { l.card, l.parts = l.card+int64(n), nil }

// jump goes on at a position; what was on the tape is gone.
func (l *timeline) jump(pos float64) {
	l.pos, l.rate, l.turn, l.hold = math.Round(pos), 1, 0, 0
	l.tape = append(l.tape[:0], make([]float32, sincBefore)...)
	l.head = int64(l.pos)
	l.note()
}

// stay lets the line stand still for n frames of the card.
func (l *timeline) stay(n int64) {
	at := l.pos
	l.jump(at)
	l.hold = n
	l.note()
}

// off gives how far the line is behind a position that belongs to the next frame of the card after what is held.
func (l *timeline) off(due float64) float64 { return due - l.pos }

// steer sets the rate for the next n frames of the card; off is how far behind the line is.
func (l *timeline) steer(off float64, n int) {
	switch {
	case l.turn == 0 && math.Abs(off) < offFrom:
		l.pos, l.rate = math.Round(l.pos), 1 // it has landed, or never left
	case off > offFrom:
		l.turn = 1
	case off < -offFrom:
		l.turn = -1
	}
	if l.turn == 0 {
		return
	}
	step := l.turn * slew * float64(n)
	l.rate = 1 + l.turn*slew
	if off*l.turn > 1 {
		return
	}
	// It is there: at the next whole frame it goes on as usual.
	whole := math.Round(l.pos + step)
	if math.Abs(whole-l.pos) <= math.Abs(step) {
		l.rate, l.turn = 1+(whole-l.pos)/float64(n), 0
	}
}

// note remembers how the line goes on from here.
func (l *timeline) note() {
	p := part{l.card, l.pos, l.rate}
	if l.hold > 0 {
		p.rate = 0
	}
	n := len(l.parts)
	if n > 0 {
		last := l.parts[n-1]
		if last.rate == p.rate && math.Abs(last.at(p.card)-p.pos) < 1e-3 {
			return
		}
		if last.card == p.card {
			l.parts[n-1] = p
			return
		}
	}
	l.parts = append(l.parts, p)
}

func (p part) at(card int64) float64 { return p.pos + float64(card-p.card)*p.rate }

// confirmed gives the position that the card has reached when it has played every frame before played.
func (l *timeline) confirmed(played int64) float64 {
	if len(l.parts) == 0 || played < l.parts[0].card {
		return math.Inf(-1)
	}
	return l.parts[l.partAt(played)].at(played)
}

// forget lets go of what lies before the part in which the card has played every frame before played.
func (l *timeline) forget(played int64) {
	if i := l.partAt(played); i > 0 {
		l.parts = append(l.parts[:0], l.parts[i:]...)
	}
}

// partAt gives the index of the part in which a frame of the card lies, 0 for those before all.
func (l *timeline) partAt(card int64) int {
	i := 0
	for i+1 < len(l.parts) && l.parts[i+1].card <= card {
		i++
	}
	return i
}

// cardOf gives the frame of the card that carries a position.
func (l *timeline) cardOf(pos float64) float64 {
	for i := len(l.parts) - 1; i >= 0; i-- {
		if p := l.parts[i]; p.rate != 0 && (pos >= p.pos || i == 0) {
			return float64(p.card) + (pos-p.pos)/p.rate
		}
	}
	return float64(l.card) + pos - l.pos
}

// need gives up to which frame the tape must reach for n frames of the card.
func (l *timeline) need(n int) int64 {
	n -= int(min(l.hold, int64(n)))
	if l.straight() {
		return int64(l.pos) + int64(n)
	}
	return int64(l.pos+float64(n)*l.rate) + sincAfter + 1
}

// straight says that frames go to the card as they are.
func (l *timeline) straight() bool { return l.rate == 1 && l.pos == math.Trunc(l.pos) }

// lay makes room on the tape up to frame to, and gives it, silent.
func (l *timeline) lay(to int64) []float32 {
	n := to - l.head
	if n <= 0 {
		return nil
	}
	from := len(l.tape)
	for range n {
		l.tape = append(l.tape, 0)
	}
	l.head = to
	return l.tape[from:]
}

// play gives the next frames of the card; the tape must reach as far as need says.
func (l *timeline) play(out []float32) {
	l.note()
	if h := min(l.hold, int64(len(out))); h > 0 {
		clear(out[:h])
		l.card, l.hold, out = l.card+h, l.hold-h, out[h:]
		if l.hold > 0 {
			return
		}
		l.note()
	}
	begin := l.head - int64(len(l.tape)) // the frame of tape[0]
	switch {
	case l.straight():
		copy(out, l.tape[int64(l.pos)-begin:])
	case silent(l.tape):
		clear(out)
	default:
		if l.sinc == nil {
			l.sinc = newSinc()
		}
		l.sinc.resample(out, l.tape, l.pos-float64(begin), l.rate)
	}
	l.card += int64(len(out))
	l.pos += float64(len(out)) * l.rate
	if keep := int64(l.pos) - sincBefore; keep > begin {
		l.tape = append(l.tape[:0], l.tape[keep-begin:]...)
	}
}

func silent(tape []float32) bool {
	for _, v := range tape {
		if v != 0 {
			return false
		}
	}
	return true
}
