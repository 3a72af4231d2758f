package ingest

import (
	"bufio"
	"encoding/binary"
	"math"
	"os"
	"time"

	"github.com/loa-vn/loa/internal/audio"
)

// mix says how two channels become one.
type mix int

const (
	mixBoth mix = iota
	mixLeft
	mixRight
)

// measurer takes the decoded sound (float32, 48 kHz, one or two channels) as ffmpeg writes it, mixes it to
// mono into a file, and measures it on the way: one pass for loudness, silence, waveform and clipping.
type measurer struct {
	channels int
	mix      mix
	out      *bufio.Writer
	max      int64 // frames; more is AUDIO_TOO_LONG
	err      error // why Write refused
	heard    func(time.Duration)

	rest    []byte // an incomplete frame
	scratch []byte
	frames  int64
	windows []window

	k                audio.KWeighting
	sum              float64 // of the current window
	min, max32       float32
	inWindow         int
	left, right, mid float64 // power
	flat             [2]int  // samples in a row at full scale, for each channel
	flats            int     // runs of them
}

func newMeasurer(out *os.File, channels int, m mix, most time.Duration) *measurer {
	return &measurer{channels: channels, mix: m, out: bufio.NewWriterSize(out, 256<<10), max: int64(most.Seconds() * rate)}
}

// Write takes any number of bytes.
func (m *measurer) Write(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, size := len(p), 4*m.channels
	if len(m.rest) > 0 {
		need := min(size-len(m.rest), len(p))
		m.rest = append(m.rest, p[:need]...)
		if p = p[need:]; len(m.rest) < size {
			return n, nil
		}
		whole := m.rest
		m.rest = nil
		m.take(whole)
	}
	whole := len(p) / size * size
	m.take(p[:whole])
	m.rest = append(m.rest, p[whole:]...)
	if m.err != nil {
		return 0, m.err
	}
	if m.heard != nil {
		m.heard(time.Duration(m.frames) * time.Second / rate)
	}
	return n, nil
}

// take takes whole frames.
func (m *measurer) take(p []byte) {
	m.scratch = m.scratch[:0]
	for len(p) > 0 {
		x := m.sample(p, 0)
		if m.channels == 2 {
			r := m.sample(p[4:], 1)
			m.left += float64(x) * float64(x)
			m.right += float64(r) * float64(r)
			both := (x + r) / 2
			m.mid += float64(both) * float64(both)
			switch m.mix {
			case mixBoth:
				x = both
			case mixLeft:
			case mixRight:
				x = r
			}
			p = p[4:]
		}
		p = p[4:]
		m.scratch = binary.LittleEndian.AppendUint32(m.scratch, math.Float32bits(x))
		m.add(x)
	}
	if m.frames > m.max {
		m.err = ErrTooLong
		return
	}
	if _, err := m.out.Write(m.scratch); err != nil {
		m.err = diskError("write samples", err)
	}
}

// sample reads one; a float file may hold NaN or numbers beyond all sense, which would poison every sum.
func (m *measurer) sample(p []byte, channel int) float32 {
	x := math.Float32frombits(binary.LittleEndian.Uint32(p))
	if !(x > -64 && x < 64) {
		x = 0
	}
	if x >= 0.99 || x <= -0.99 {
		m.flat[channel]++
		return x
	}
	if m.flat[channel] >= 4 { // four samples in a row do not reach full scale by chance
		m.flats++
	}
	m.flat[channel] = 0
	return x
}

func (m *measurer) add(x float32) {
	if m.inWindow == 0 {
		m.min, m.max32 = x, x
	}
	m.min, m.max32 = min(m.min, x), max(m.max32, x)
	y := m.k.Next(float64(x))
	m.sum += y * y
	m.frames++
	if m.inWindow++; m.inWindow == windowFrames {
		m.endWindow()
	}
}

func (m *measurer) endWindow() {
	m.windows = append(m.windows, window{energy: float32(m.sum / windowFrames), min: m.min, max: m.max32})
	m.sum, m.inWindow = 0, 0
	m.k.Settle()
}

// finish ends the last window and writes the rest to the file.
func (m *measurer) finish() error {
	if m.inWindow > 0 {
		m.endWindow()
	}
	if err := m.out.Flush(); err != nil {
		return diskError("write samples", err)
	}
	return nil
}

func (m *measurer) duration() time.Duration { return time.Duration(m.frames) * time.Second / rate }

// clipped says that the source is overdriven: flat tops, more than one in ten seconds and at least five.
func (m *measurer) clipped() bool {
	return m.flats >= 5 && float64(m.flats) > m.duration().Seconds()/10
}

// cancels says that mixing lost 13 dB or more of what the two channels hold. Equal channels lose nothing,
// unrelated ones or a single one 3 dB; so much is lost only when one is the other upside down.
func (m *measurer) cancels() bool {
	return m.channels == 2 && m.mix == mixBoth && m.mid < 0.05*(m.left+m.right)/2
}

// louder gives the channel to take instead.
func (m *measurer) louder() mix {
	if m.right > m.left {
		return mixRight
	}
	return mixLeft
}
