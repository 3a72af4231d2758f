package ingest

import (
	"math"

	"github.com/loa-vn/loa/internal/audio"
)

const (
	rate         = 48_000
	windowFrames = 480 // 10 ms: the grain of loudness, silence and waveform
	perSecond    = rate / windowFrames
)

// window is what is kept of 10 ms of the source.
type window struct {
	energy   float32 // mean square, K-weighted
	min, max float32 // extreme samples
}

func (w window) peak() float64 { return math.Max(-float64(w.min), float64(w.max)) }

// levelModel foretells how loud a report is after gain and limiter, so that the first encoding is mostly
// the last. It works on windows of 10 ms with a release like the real limiter's.
type levelModel struct {
	windows []window
	scratch []float32
}

func newLevelModel(windows []window) *levelModel {
	return &levelModel{windows: windows, scratch: make([]float32, len(windows))}
}

// loudness of the windows after gain and a limiter at ceiling, both in dB. Like alimiter the model falls to
// what a peak needs within its window and recovers in a straight line over the release time.
func (m *levelModel) loudness(gain, ceiling float64) float64 {
	g, most := fromDB(gain), fromDB(ceiling)
	const windowsOfRelease = limiterRelease * perSecond / 1000
	reduction, recovery := 1.0, 0.0
	for i, w := range m.windows {
		next := math.Min(1, reduction+recovery)
		mean := (reduction + next) / 2
		if p := w.peak() * g; p*next > most {
			next = most / p
			recovery = (1 - next) / windowsOfRelease
			mean = (reduction + 3*next) / 4 // most of a window's energy is near its peak
		}
		m.scratch[i] = w.energy * float32(g*g*mean*mean)
		reduction = next
	}
	return audio.Integrated(m.scratch)
}

// gainFor finds the gain with which the limited sound has the loudness target.
func (m *levelModel) gainFor(target, source, ceiling float64) float64 {
	straight := target - source
	gain := straight
	for range 12 {
		off := target - m.loudness(gain, ceiling)
		gain = min(gain+off, straight+12) // what is all peaks cannot be made louder
		if math.Abs(off) < 0.02 {
			break
		}
	}
	return gain
}

func energies(windows []window) []float32 {
	e := make([]float32, len(windows))
	for i, w := range windows {
		e[i] = w.energy
	}
	return e
}

func fromDB(db float64) float64 { return math.Pow(10, db/20) }
