package audio

import (
	"math"
	"sort"
)

// Match finds reference in recording. offset is the frame of recording at which the first frame of
// reference lies, exact to the frame (negative when the recording began later); correlation is 1 when the
// recording holds all of the reference at any volume, and falls with whatever is missing, distorted or
// added there. An empty or silent side gives 0, 0.
func Match(recording, reference []float32) (offset int, correlation float64) {
	if energy(recording) == 0 || energy(reference) == 0 {
		return 0, 0
	}
	// Search coarsely, on a signal short enough for one FFT, then refine by halves.
	factor := 1
	for (len(recording)+len(reference))/factor > 1<<17 {
		factor *= 2
	}
	best := newMatcher(recording, reference, factor).search(8)
	for factor > 1 {
		factor /= 2
		m := newMatcher(recording, reference, factor)
		for i := range best {
			best[i] = m.refine(best[i].lag*2, 3)
		}
		sort.Slice(best, func(i, j int) bool { return best[i].score > best[j].score })
	}
	return best[0].lag, best[0].score
}

type candidate struct {
	lag   int
	score float64
}

// matcher compares the two signals at one resolution.
type matcher struct {
	rec, ref  []float32
	recEnergy []float64 // recEnergy[i] is the energy of rec[:i]
	refEnergy float64
}

func newMatcher(recording, reference []float32, factor int) *matcher {
	m := &matcher{rec: decimate(recording, factor), ref: decimate(reference, factor)}
	m.refEnergy = energy(m.ref)
	m.recEnergy = make([]float64, len(m.rec)+1)
	for i, v := range m.rec {
		m.recEnergy[i+1] = m.recEnergy[i] + float64(v)*float64(v)
	}
	return m
}

// normalise makes a sum of products at lag a correlation. The whole energy of the reference counts, also
// where the recording does not reach: a part that is missing must not look like a match.
func (m *matcher) normalise(lag int, sum float64) float64 {
	from, to := max(lag, 0), min(lag+len(m.ref), len(m.rec))
	if from >= to {
		return 0
	}
	heard := m.recEnergy[to] - m.recEnergy[from]
	if heard <= 1e-9*m.recEnergy[len(m.rec)] || m.refEnergy == 0 {
		return 0
	}
	return sum / math.Sqrt(heard*m.refEnergy)
}

func (m *matcher) at(lag int) candidate {
	var sum float64
	for i := max(0, -lag); i < len(m.ref) && i+lag < len(m.rec); i++ {
		sum += float64(m.ref[i]) * float64(m.rec[i+lag])
	}
	return candidate{lag, m.normalise(lag, sum)}
}

// refine looks at the lags within reach of lag.
func (m *matcher) refine(lag, reach int) candidate {
	best := m.at(lag)
	for d := 1; d <= reach; d++ {
		for _, l := range [2]int{lag - d, lag + d} {
			if c := m.at(l); c.score > best.score {
				best = c
			}
		}
	}
	return best
}

// search looks at every lag and gives the n best peaks, best first.
func (m *matcher) search(n int) []candidate {
	size := 1
	for size < len(m.rec)+len(m.ref) {
		size *= 2
	}
	// Both signals in one transform: the product of their spectra comes out of the symmetries.
	z := make([]complex128, size)
	for i, v := range m.rec {
		z[i] = complex(float64(v), 0)
	}
	for i, v := range m.ref {
		z[i] += complex(0, float64(v))
	}
	fft(z, false)
	product := make([]complex128, size)
	for k := range z {
		conj := complex(real(z[(size-k)%size]), -imag(z[(size-k)%size]))
		rec, ref := (z[k]+conj)/2, (z[k]-conj)/2i
		product[k] = rec * complex(real(ref), -imag(ref))
	}
	fft(product, true)
	var best []candidate
	score := func(lag int) float64 {
		if lag <= -len(m.ref) || lag >= len(m.rec) {
			return 0
		}
		return m.normalise(lag, real(product[(lag+size)%size])/float64(size))
	}
	for lag := 1 - len(m.ref); lag < len(m.rec); lag++ {
		s := score(lag)
		if s < score(lag-1) || s < score(lag+1) || len(best) == n && s <= best[n-1].score {
			continue
		}
		if len(best) == n {
			best = best[:n-1]
		}
		i := sort.Search(len(best), func(i int) bool { return best[i].score < s })
		best = append(best[:i], append([]candidate{{lag, s}}, best[i:]...)...)
	}
	return best
}

// decimate averages groups of factor frames: a low-pass good enough to find a peak with.
func decimate(x []float32, factor int) []float32 {
	if factor == 1 {
		return x
	}
	out := make([]float32, len(x)/factor)
	for i := range out {
		var sum float32
		for _, v := range x[i*factor : (i+1)*factor] {
			sum += v
		}
		out[i] = sum / float32(factor)
	}
	return out
}

func energy(x []float32) (e float64) {
	for _, v := range x {
		e += float64(v) * float64(v)
	}
	return e
}

// fft transforms z in place; its length is a power of two. The inverse is not scaled.
func fft(z []complex128, inverse bool) {
	n := len(z)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		if i < j {
			z[i], z[j] = z[j], z[i]
		}
	}
	sign := -2 * math.Pi
	if inverse {
		sign = -sign
	}
	twiddle := make([]complex128, n/2)
	for i := range twiddle {
		sin, cos := math.Sincos(sign * float64(i) / float64(n))
		twiddle[i] = complex(cos, sin)
	}
	for span := 1; span < n; span *= 2 {
		step := n / (2 * span)
		for base := 0; base < n; base += 2 * span {
			for k := range span {
				a, b := z[base+k], z[base+k+span]*twiddle[k*step]
				z[base+k], z[base+k+span] = a+b, a-b
			}
		}
	}
}
