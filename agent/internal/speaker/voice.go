package speaker

import (
	"fmt"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	creditFrames = 2 * audio.Rate  // PCM kept ahead of what is mixed
	grantStep    = audio.Rate      // the least room that is worth waking the agent for
	fadeOut      = audio.Rate / 50 // 20 ms at a cut
	fadeIn       = audio.Rate / 200
)

// voice is one sound inside the child's mixer. Positions are frames of its audio, frames those of the
// mixer's timeline.
type voice struct {
	id         uint32
	at         mono.Instant // when position first is due, in the line's time
	first, end int64

	placed bool
	start  int64 // the line's frame that belongs to position first, valid once placed

	room     []float32 // for as much as is granted ahead: queue lies in it, as a rule
	queue    []float32 // PCM not yet mixed
	queuePos int64     // position of queue[0]
	granted  int64

	fade    int64 // frames of the fade-in still to come
	cutting bool
	out     int64 // frames of the fade-out still to come
	mixed   bool  // nothing of it will be mixed any more
	stop    int64 // one past the last position that was due

	runs []run // mixed, not yet confirmed
	rep  heard
	told heard // last report sent
}

// run is a stretch of sound that went to the device.
type run struct{ frame, pos, n int64 }

func newVoice(m openVoice) (*voice, error) {
	if m.First < 0 || m.End <= m.First || m.End > 1<<40 {
		return nil, fmt.Errorf("open voice [%d,%d): %w", m.First, m.End, errWire)
	}
	v := &voice{id: m.Voice, at: mono.Instant(m.At), first: m.First, end: m.End, queuePos: m.First, stop: m.First}
	v.granted = min(m.First+creditFrames, m.End)
	if m.Join != 0 {
		v.fade = fadeIn
	}
	v.rep.Voice = m.Voice
	return v, nil
}

// push appends PCM; it must follow what was pushed before.
func (v *voice) push(pos int64, samples []float32) error {
	if pos != v.queuePos+int64(len(v.queue)) || pos+int64(len(samples)) > v.granted {
		return fmt.Errorf("pcm at %d of voice %d: %w", pos, v.id, errWire)
	}
	if v.mixed {
		v.queuePos = pos + int64(len(samples))
		return nil
	}
	if v.room == nil {
		v.room = make([]float32, min(creditFrames, v.end-v.first))
	}
	if n := len(v.queue) + len(samples); n > cap(v.queue) && n <= len(v.room) {
		v.queue = v.room[:copy(v.room, v.queue)] // to the front again
	}
	v.queue = append(v.queue, samples...)
	return nil
}

// drop forgets PCM before pos.
func (v *voice) drop(pos int64) {
	n := min(max(pos-v.queuePos, 0), int64(len(v.queue)))
	v.queue, v.queuePos = v.queue[n:], v.queuePos+n
}

// due gives the position that belongs to a frame of the line.
func (v *voice) due(frame int64) int64 { return v.first + frame - v.start }

// fadeIn begins what is to come softly, where the line was torn.
func (v *voice) fadeIn() {
	if v.placed && !v.mixed && !v.cutting && v.runs != nil {
		v.fade = fadeIn
	}
}

// endFrame gives the frame of the line at which the voice ends when it begins at start.
func (v *voice) endFrame(start int64) int64 { return start + v.end - v.first }

// endAt gives the instant at which it is planned to end.
func (v *voice) endAt() mono.Instant { return v.at.Add(audio.Duration(v.end - v.first)) }

// mix adds the voice to out, whose first frame is frame of the line.
func (v *voice) mix(out []float32, frame int64) {
	from := v.due(frame)
	to := min(from+int64(len(out)), v.end)
	if v.cutting {
		to = min(to, max(from, v.first)+v.out)
	}
	begin := max(from, v.first)
	v.stop = max(v.stop, min(to, v.end))
	v.drop(begin)
	if begin < v.queuePos { // starved: what comes late is not heard, what comes next is faded in
		v.fade = fadeIn
		begin = v.queuePos
	}
	n := min(to, v.queuePos+int64(len(v.queue))) - begin
	if n > 0 {
		v.add(out[begin-from:], v.queue[:n])
		v.runs = appendRun(v.runs, run{frame + begin - from, begin, n})
	}
	if n < to-begin && to > v.first {
		v.fade = fadeIn
	}
	v.drop(to)
	if v.cutting && to >= v.first {
		v.out -= to - max(from, v.first)
	}
	if to >= v.end || v.cutting && v.out <= 0 {
		v.finish()
	}
}

// add mixes samples into out through the fades.
func (v *voice) add(out, samples []float32) {
	for i, s := range samples {
		if v.fade > 0 {
			s *= 1 - float32(v.fade)/fadeIn
			v.fade--
		}
		if v.cutting {
			s *= float32(v.out-int64(i)) / fadeOut
		}
		out[i] += s
	}
}

func (v *voice) finish() {
	v.mixed = true
	v.queuePos += int64(len(v.queue))
	v.queue = nil
}

// cut begins the fade-out; a voice of which nothing was mixed before frame ends at once.
func (v *voice) cut(frame int64) {
	if v.cutting || v.mixed {
		return
	}
	v.cutting, v.out = true, fadeOut
	if !v.placed || v.start >= frame {
		v.finish()
	}
}

func appendRun(runs []run, r run) []run {
	if n := len(runs); n > 0 {
		l := &runs[n-1]
		if l.frame+l.n == r.frame && l.pos+l.n == r.pos {
			l.n += r.n
			return runs
		}
	}
	return append(runs, r)
}

// confirm takes that the card has played every frame of the line before reached; instant says when a frame was
// there. real is false for a card that nobody can hear.
func (v *voice) confirm(reached float64, instant func(frame int64) mono.Instant, real bool) {
	for len(v.runs) > 0 && float64(v.runs[0].frame) < reached {
		r := &v.runs[0]
		n := r.n
		if left := reached - float64(r.frame); left < float64(n) {
			n = max(int64(left), 1)
		}
		if real {
			if v.rep.Reached == 0 {
				v.rep.StartedAt = int64(instant(r.frame))
			}
			v.rep.Reached += n
			v.rep.Pos = r.pos + n
			v.rep.EndedAt = int64(instant(r.frame + n))
		}
		r.frame, r.pos, r.n = r.frame+n, r.pos+n, r.n-n
		if r.n == 0 {
			v.runs = append(v.runs[:0], v.runs[1:]...)
		}
	}
	if v.mixed && len(v.runs) == 0 {
		v.rep.Ended, v.rep.Stop = 1, v.stop
	}
}
