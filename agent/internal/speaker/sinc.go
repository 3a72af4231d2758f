package speaker

import "math"

const (
	sincTaps   = 32
	sincPhases = 512
	sincBefore = sincTaps/2 - 1 // frames that a position needs before its own
	sincAfter  = sincTaps / 2   // and after
	// kaiser is the window's shape: 100 dB at 15 kHz with so many taps, and nothing lost below.
	kaiser = 10.0
)

// sinc reads a signal between its frames: a windowed sine cardinal, tabulated, with a straight line between the
// phases. It does not lower the band, because it is only used for rates that differ by some hundred ppm.
type sinc struct {
	taps [sincPhases + 1][sincTaps]float32
}

func newSinc() *sinc {
	s := &sinc{}
	for p := range s.taps {
		shift, sum := float64(p)/sincPhases, 0.0
		var row [sincTaps]float64
		for k := range row {
			x := float64(k-sincBefore) - shift
			row[k] = cardinal(x) * window(x/(sincTaps/2))
			sum += row[k]
		}
		for k, v := range row {
			s.taps[p][k] = float32(v / sum) // the same level at every phase
		}
	}
	return s
}

func cardinal(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

func window(x float64) float64 {
	if x <= -1 || x >= 1 {
		return 0
	}
	return bessel(kaiser*math.Sqrt(1-x*x)) / bessel(kaiser)
}

// bessel is I0, the modified Bessel function of the first kind, by its series.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / 2 / k * (x / 2 / k)
		sum += term
	}
	return sum
}

// resample fills out with the signal at pos, pos+rate, …; it needs sincBefore frames before and sincAfter after.
func (s *sinc) resample(out, signal []float32, pos, rate float64) {
	for i := range out {
		at := pos + float64(i)*rate
		whole := int(at)
		phase := (at - float64(whole)) * sincPhases
		p := int(phase)
		w := float32(phase - float64(p))
		x := (*[sincTaps]float32)(signal[whole-sincBefore:])
		a, b := &s.taps[p], &s.taps[p+1]
		var a0, a1, b0, b1 float32 // two sums each: additions that wait for each other are what takes the time
		for k := 0; k < sincTaps; k += 2 {
			a0 += a[k] * x[k]
			b0 += b[k] * x[k]
			a1 += a[k+1] * x[k+1]
			b1 += b[k+1] * x[k+1]
		}
		out[i] = (a0+a1)*(1-w) + (b0+b1)*w
	}
}
