package ingest

import "math"

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

// kFilter is the K-weighting of ITU-R BS.1770-4, annex 1, at 48 kHz: a high shelf, then a high-pass.
type kFilter struct{ a1, a2, b1, b2 float64 }

func (k *kFilter) next(x float64) float64 {
	// Transposed direct form II.
	y := 1.53512485958697*x + k.a1
	k.a1 = -2.69169618940638*x + 1.69065929318241*y + k.a2
	k.a2 = 1.19839281085285*x - 0.73248077421585*y
	z := y + k.b1
	k.b1 = -2*y + 1.99004745483398*z + k.b2
	k.b2 = y - 0.99007225036621*z
	return z
}

// settle ends numbers too small to hear: arithmetic on them is a hundred times slower.
func (k *kFilter) settle() {
	for _, v := range []*float64{&k.a1, &k.a2, &k.b1, &k.b2} {
		if math.Abs(*v) < 1e-20 {
			*v = 0
		}
	}
}

// lufs turns a mean square into LUFS (one channel of weight 1).
func lufs(energy float64) float64 { return -0.691 + 10*math.Log10(energy) }

func energyOf(lufs float64) float64 { return math.Pow(10, (lufs+0.691)/10) }

// integrated is the gated loudness of EBU R128: blocks of 400 ms every 100 ms, those below -70 LUFS left
// out, then those 10 LU below the mean of the rest. -Inf when nothing is left.
func integrated(energies []float32) float64 {
	const block, step = 40, 10
	var blocks []float64
	var sum float64
	for i, e := range energies {
		if sum += float64(e); i >= block {
			sum -= float64(energies[i-block])
		}
		if n := i + 1; n >= block && n%step == 0 {
			blocks = append(blocks, max(sum, 0)/block)
		}
	}
	loud, _ := gate(blocks, energyOf(-70))
	loud, _ = gate(blocks, max(loud/10, energyOf(-70)))
	if loud == 0 {
		return math.Inf(-1)
	}
	return lufs(loud)
}

// gate gives the mean of the blocks above a threshold and how many they are.
func gate(blocks []float64, threshold float64) (mean float64, n int) {
	for _, b := range blocks {
		if b > threshold {
			mean += b
			n++
		}
	}
	if n > 0 {
		mean /= float64(n)
	}
	return mean, n
}

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
	return integrated(m.scratch)
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
