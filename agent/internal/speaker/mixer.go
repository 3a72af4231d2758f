package speaker

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

const (
	// blockFrames is the most that one Read gives: in larger steps the instants of the reads lose their meaning.
	blockFrames = 480

	// A voice is placed this long before its first frame is mixed: as late as its predecessor's end allows,
	// because the map only gets better.
	placeAhead = audio.Rate / 10

	// Voices planned to follow each other within joinPlan are joined frame to frame, as long as the card's
	// clock has not drifted further than joinCard since the first was placed.
	joinPlan = 5 * time.Millisecond
	joinCard = audio.Rate * 60 / 1000

	// A voice further than this from its instant is moved there: the card has drifted for long, or jumped in
	// a way that was not noticed. When it was, a small step is enough: the sound is torn already.
	stepCard  = audio.Rate * 80 / 1000
	stepJump  = audio.Rate * 5 / 1000
	stepAfter = 3 // confirmations in a row

	maxVoices = 64
)

// mixer is what oto reads from, without end. Safe for concurrent use.
type mixer struct {
	now func() mono.Instant

	mu       sync.Mutex
	clock    *clock
	voices   []*voice
	frame    int64 // the next to be mixed
	lastRead mono.Instant
	peak     float32
	block    [blockFrames]float32
	pulls    pulls
	astray   map[uint32]int // how often in a row a voice was found away from its instant
}

func newMixer(now func() mono.Instant) *mixer {
	return &mixer{now: now, clock: newPulseClock(), lastRead: now(), astray: map[uint32]int{}}
}

// Read gives the next frames as float32, little-endian; it never fails and never blocks for long.
func (m *mixer) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastRead = m.now()
	m.note(m.lastRead)
	n := min(len(p)/4, blockFrames)
	out := m.block[:n]
	clear(out)
	for _, v := range m.voices {
		if m.place(v, n) {
			v.mix(out, m.frame)
		}
	}
	for i, s := range out {
		s = min(max(s, -1), 1)
		m.peak = max(m.peak, s, -s)
		binary.LittleEndian.PutUint32(p[4*i:], math.Float32bits(s))
	}
	m.frame += int64(n)
	return 4 * n, nil
}

// place says whether v has something to do with the next n frames, and fixes where it begins when that is near.
func (m *mixer) place(v *voice, n int) bool {
	if v.mixed {
		return false
	}
	if !v.placed {
		if !m.clock.ready() {
			return false
		}
		start := m.clock.frame(v.at)
		if start > m.frame+int64(n)+placeAhead {
			return false
		}
		v.placed, v.start = true, m.follow(v, start)
	}
	return v.start < m.frame+int64(n)
}

// follow gives the end of the voice that v was planned to follow, or start.
func (m *mixer) follow(v *voice, start int64) int64 {
	for _, o := range m.voices {
		if o == v || !o.placed || o.cutting {
			continue
		}
		near := v.at.Sub(o.endAt()).Abs() <= joinPlan
		if d := start - o.endFrame(); near && -joinCard <= d && d <= joinCard {
			return o.endFrame()
		}
	}
	return start
}

// voice finds a voice by its id.
func (m *mixer) voice(id uint32) *voice {
	for _, v := range m.voices {
		if v.id == id {
			return v
		}
	}
	return nil
}

// apply takes one message of the agent.
func (m *mixer) apply(msg message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch msg := msg.(type) {
	case openVoice:
		if m.voice(msg.Voice) != nil || len(m.voices) == maxVoices {
			return fmt.Errorf("open voice %d: %w", msg.Voice, errWire)
		}
		v, err := newVoice(msg)
		if err != nil {
			return err
		}
		m.voices = append(m.voices, v)
	case pcmFrame:
		if v := m.voice(msg.Voice); v != nil {
			return v.push(msg.Pos, msg.Samples)
		}
	case endVoice:
		if v := m.voice(msg.Voice); v != nil {
			v.end = min(v.end, max(msg.End, v.first))
		}
	case cutVoice:
		if v := m.voice(msg.Voice); v != nil {
			v.cut(m.frame)
		}
	default:
		return fmt.Errorf("unexpected %T: %w", msg, errWire)
	}
	return nil
}

// confirm takes that the card has played up to frame played, and gives what the agent is to be told.
func (m *mixer) confirm(played int64, real bool) []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []message
	kept := m.voices[:0]
	for _, v := range m.voices {
		v.confirm(played, m.clock, real)
		m.correct(v)
		if v.rep != v.told {
			out = append(out, v.rep)
			v.told = v.rep
		}
		if v.rep.Ended != 0 {
			delete(m.astray, v.id)
			continue
		}
		kept = append(kept, v)
		if g := m.credit(v); g > v.granted {
			v.granted = g
			out = append(out, grant{v.id, g})
		}
	}
	clear(m.voices[len(kept):])
	m.voices = kept
	return out
}

// credit gives the position up to which there is room for v's PCM.
func (m *mixer) credit(v *voice) int64 {
	pos := v.first
	if v.placed {
		pos = max(pos, v.due(m.frame))
	}
	return min(pos+creditFrames, v.end)
}

// correct moves a voice that has been away from its instant for a while: the card stood still, and the
// programme's time went on.
func (m *mixer) correct(v *voice) {
	if !v.movable() {
		return
	}
	start := m.clock.frame(v.at)
	if d := start - v.start; -stepCard <= d && d <= stepCard {
		delete(m.astray, v.id)
		return
	}
	m.astray[v.id]++
	if m.astray[v.id] >= stepAfter {
		delete(m.astray, v.id)
		v.move(start)
	}
}

// level gives the peak since the last call.
func (m *mixer) level() float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peak
	m.peak = 0
	return p
}

// idle says whether there is nothing to mix.
func (m *mixer) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.voices) == 0
}

// progress gives the next frame and when it was last asked for one.
func (m *mixer) progress() (frame int64, lastRead mono.Instant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.frame, m.lastRead
}

// observe adds to the map.
func (m *mixer) observe(frame float64, instant mono.Instant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.clock.observe(frame, instant) {
		return
	}
	for _, v := range m.voices {
		if d := m.clock.frame(v.at) - v.start; v.movable() && (d < -stepJump || d > stepJump) {
			v.move(v.start + d)
		}
	}
}

// lead says how long after its mixing a frame is at the card, and whether that is known.
func (m *mixer) lead() (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock.instant(m.frame).Sub(m.now()), m.clock.ready()
}
