package audio

import "math"

// grain of loudness: 10 ms.
const grain = Rate / 100

// KWeighting is the filter of ITU-R BS.1770-4, annex 1, at 48 kHz: a high shelf, then a high-pass.
type KWeighting struct{ a1, a2, b1, b2 float64 }

// Next filters a sample.
func (k *KWeighting) Next(x float64) float64 {
	// Transposed direct form II.
	y := 1.53512485958697*x + k.a1
	k.a1 = -2.69169618940638*x + 1.69065929318241*y + k.a2
	k.a2 = 1.19839281085285*x - 0.73248077421585*y
	z := y + k.b1
	k.b1 = -2*y + 1.99004745483398*z + k.b2
	k.b2 = y - 0.99007225036621*z
	return z
}

// Settle ends numbers too small to hear: arithmetic on them is a hundred times slower.
func (k *KWeighting) Settle() {
	for _, v := range []*float64{&k.a1, &k.a2, &k.b1, &k.b2} {
		if math.Abs(*v) < 1e-20 {
			*v = 0
		}
	}
}

// lufs turns a mean square into LUFS (one channel of weight 1).
func lufs(energy float64) float64 { return -0.691 + 10*math.Log10(energy) }

// EnergyOf is the mean square of a loudness in LUFS.
func EnergyOf(lufs float64) float64 { return math.Pow(10, (lufs+0.691)/10) }

// Integrated is the gated loudness of EBU R128 in LUFS, of the K-weighted mean squares of 10 ms each: blocks of 400 ms
// every 100 ms, those below -70 LUFS left out, then those 10 LU below the mean of the rest. -Inf when nothing is left.
func Integrated(energies []float32) float64 {
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
	loud := gate(blocks, EnergyOf(-70))
	loud = gate(blocks, max(loud/10, EnergyOf(-70)))
	if loud == 0 {
		return math.Inf(-1)
	}
	return lufs(loud)
}

// gate gives the mean of the blocks above a threshold.
func gate(blocks []float64, threshold float64) (mean float64) {
	n := 0
	for _, b := range blocks {
		if b > threshold {
			mean += b
			n++
		}
	}
	if n > 0 {
		mean /= float64(n)
	}
	return mean
}

// Meter measures sound as it passes: loudness by EBU R128, and the peak between samples, of four times the rate.
type Meter struct {
	k        KWeighting
	energies []float32
	sum      float64
	in       int
	last     [2 * peakReach]float32
	peak     float32
}

// peakReach is how many samples on each side a peak between two is guessed from: BS.1770-4, annex 2, has six.
const peakReach = 6

// Add takes the next samples.
func (m *Meter) Add(pcm []float32) {
	between := phases()
	for _, x := range pcm {
		y := m.k.Next(float64(x))
		m.sum += y * y
		if m.in++; m.in == grain {
			m.endGrain()
		}
		copy(m.last[:], m.last[1:])
		m.last[len(m.last)-1] = x
		m.peak = max(m.peak, x, -x)
		for _, taps := range between {
			var sum float32
			for i, t := range taps {
				sum += t * m.last[i]
			}
			m.peak = max(m.peak, sum, -sum)
		}
	}
}

func (m *Meter) endGrain() {
	m.energies = append(m.energies, float32(m.sum/grain))
	m.sum, m.in = 0, 0
	m.k.Settle()
}

// Loudness so far in LUFS, -Inf for silence.
func (m *Meter) Loudness() float64 { return Integrated(m.energies) }

// TruePeak so far in dBTP, -Inf for nothing at all.
func (m *Meter) TruePeak() float64 { return 20 * math.Log10(float64(m.peak)) }

// phases are the taps for a quarter, a half and three quarters between two samples: a sinc under a Hann window.
func phases() (out [3][2 * peakReach]float32) {
	for p := range out {
		for i := range out[p] {
			x := float64(i-peakReach+1) - float64(p+1)/4
			w := math.Cos(math.Pi * x / (2 * (peakReach + 1)))
			out[p][i] = float32(math.Sin(math.Pi*x) / (math.Pi * x) * w * w)
		}
	}
	return out
}
