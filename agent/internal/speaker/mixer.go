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

	// A voice is placed this long before its first frame is mixed, when it is known what it follows.
	placeAhead = audio.Rate / 10

	// Voices planned to follow each other within joinPlan are joined frame to frame, as long as the sum of what the
	// plan's whole milliseconds leave out stays below joinMost.
	joinPlan = 5 * time.Millisecond
	joinMost = audio.Rate * 20 / 1000

	// A line further than this from its instant is moved there: the card has jumped in a way that was not noticed.
	// When it was, a small step is enough: the sound is torn already.
	stepCard  = audio.Rate * 50 / 1000
	stepJump  = audio.Rate * 5 / 1000
	stepAfter = 5 // observations in a row

	maxVoices = 64
)

// mixer is what oto reads from, without end: voices on a timeline, which is held to the instants of the programme's
// time however the card's own clock runs. Safe for concurrent use.
type mixer struct {
	now   func() mono.Instant
	epoch mono.Instant // of the timeline's frame 0, as long as shift is 0

	mu       sync.Mutex
	clock    *clock
	line     timeline
	shift    time.Duration // how much later than at the start the programme's time is, by the machine's clock
	voices   []*voice
	lastRead mono.Instant
	peak     float32
	block    [blockFrames]float32
	pulls    pulls
	astray   int // how often in a row the line was found far from its instant
}

func newMixer(now func() mono.Instant) *mixer {
	return &mixer{now: now, epoch: now(), clock: newPulseClock(), lastRead: now()}
}

// Read gives the next frames as float32, little-endian; it never fails and never blocks for long.
func (m *mixer) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastRead = m.now()
	m.note(m.lastRead)
	n := min(len(p)/4, blockFrames)
	out := m.block[:n]
	if m.clock.ready() {
		m.play(out)
	} else {
		clear(out)
		m.line.pass(n)
	}
	m.peak = max(m.peak, put(p[:4*n], out))
	return 4 * n, nil
}

// put writes samples, none beyond full scale, and gives their peak. It compares as bits, where the sign is out of the
// way: min and max of floats take three times as long.
func put(p []byte, samples []float32) (peak float32) {
	const one, sign = 0x3F80_0000, 1 << 31
	most := uint32(0)
	for i, s := range samples {
		bits := math.Float32bits(s)
		size := bits &^ sign
		if size > one {
			size, bits = one, bits&sign|one
		}
		if size > most {
			most = size
		}
		binary.LittleEndian.PutUint32(p[4*i:4*i+4], bits)
	}
	return math.Float32frombits(most)
}

// play holds the line to its instant and gives what lies on it.
func (m *mixer) play(out []float32) {
	due := m.due()
	switch off := m.line.off(due); {
	case !m.line.started():
		m.line.jump(due)
	case !m.sounding(len(out)): // nobody hears it
		if off < -1 || off > 1 {
			m.line.jump(due)
		}
	default:
		m.line.steer(off, len(out))
	}
	from := m.line.head
	tape := m.line.lay(m.line.need(len(out)))
	for _, v := range m.voices {
		if m.place(v, from+int64(len(tape))) {
			v.mix(tape, from)
		}
	}
	m.line.play(out)
}

// due gives the position that belongs to the next frame of the card that the line moves on.
func (m *mixer) due() float64 {
	at := m.clock.instant(float64(m.line.card + m.line.hold))
	return at.Sub(m.epoch.Add(m.shift)).Seconds() * audio.Rate
}

// sounding says whether there is a sound on the tape or in the next n frames.
func (m *mixer) sounding(n int) bool {
	from, to := int64(m.line.pos)-sincBefore, m.line.need(n)+stepJump
	for _, v := range m.voices {
		if start := m.start(v); start < to && v.endFrame(start) > from {
			return true
		}
	}
	return false
}

// start gives where a voice begins on the line.
func (m *mixer) start(v *voice) int64 {
	if v.placed {
		return v.start
	}
	return int64(math.Round(v.at.Sub(m.epoch).Seconds() * audio.Rate))
}

// place says whether v has something to do with the frames before to, and fixes where it begins when that is near.
func (m *mixer) place(v *voice, to int64) bool {
	if v.mixed {
		return false
	}
	if !v.placed {
		start := m.start(v)
		if start > to+placeAhead {
			return false
		}
		v.placed, v.start = true, m.follow(v, start)
	}
	return v.start < to
}

// follow gives the end of the voice that v was planned to follow, or start.
func (m *mixer) follow(v *voice, start int64) int64 {
	for _, o := range m.voices {
		if o == v || !o.placed || o.cutting {
			continue
		}
		end := o.endFrame(o.start)
		near := v.at.Sub(o.endAt()).Abs() <= joinPlan
		if d := start - end; near && -joinMost <= d && d <= joinMost {
			return end
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
			v.cut(m.line.head)
		}
	case shiftTime:
		m.shift = time.Duration(msg.Shift)
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
	reached := m.line.confirmed(played)
	for _, v := range m.voices {
		v.confirm(reached, m.instant, real)
		if v.rep != v.told {
			out = append(out, v.rep)
			v.told = v.rep
		}
		if v.rep.Ended != 0 {
			continue
		}
		kept = append(kept, v)
		if g := m.credit(v); g >= v.granted+grantStep || g == v.end && g > v.granted {
			v.granted = g
			out = append(out, grant{v.id, g})
		}
	}
	clear(m.voices[len(kept):])
	m.voices = kept
	m.line.forget(played) // the voices were told by it when they were heard
	return out
}

// credit gives the position up to which there is room for v's PCM.
func (m *mixer) credit(v *voice) int64 {
	pos := v.first
	if v.placed {
		pos = max(pos, v.due(m.line.head))
	}
	return min(pos+creditFrames, v.end)
}

// level gives the peak since the last call.
func (m *mixer) level() float32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peak
	m.peak = 0
	return p
}

// patience is how long nothing new need be known of the card's position.
func (m *mixer) patience() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clock.unsure() {
		return learnEvery
	}
	for _, v := range m.voices {
		if v.mixed {
			return endEvery
		}
	}
	return askLatest
}

// read tells when it was last asked for frames.
func (m *mixer) read() mono.Instant {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lastRead
}

// observe adds to the map.
func (m *mixer) observe(frame float64, instant mono.Instant) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.see(frame, instant)
}

// see is observe for who holds the lock: a line that is far from its instant is moved there.
func (m *mixer) see(frame float64, instant mono.Instant) {
	jumped := m.clock.observe(frame, instant)
	if !m.line.started() {
		return
	}
	off := m.line.off(m.due())
	if m.astray++; math.Abs(off) <= stepCard {
		m.astray = 0
	}
	if m.astray < stepAfter && !(jumped && math.Abs(off) > stepJump) {
		return
	}
	m.astray = 0
	if off > 0 {
		m.line.jump(m.line.pos + off)
	} else {
		m.line.stay(m.line.hold + int64(-off))
	}
	for _, v := range m.voices {
		v.fadeIn()
	}
}

// instant says when a frame of the line is at the card.
func (m *mixer) instant(frame int64) mono.Instant {
	return m.clock.instant(m.line.cardOf(float64(frame)))
}

// lead says how long after its mixing a frame is at the card, and whether that is known.
func (m *mixer) lead() (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.instant(m.line.head).Sub(m.lastRead), m.clock.ready()
}
