package own

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/loa-vn/loa/internal/audio"
)

const (
	target   = -18.0 // LUFS, as the hub's
	ceiling  = -1.5  // dBTP after decoding
	near     = 0.5   // LU
	tries    = 5
	mostGain = 12.0 // dB beyond what a straight gain needs: what is all peaks cannot be made louder
	block    = audio.Rate / 1000
	reach    = 5 // blocks to each side over which the limiter opens and closes
)

// level encodes sound at the target, its peaks held down, and measures what it decodes to: at most five tries, of which
// the one nearest to the target with safe peaks is taken.
func level(pcm []float32) ([]byte, Made, error) {
	var source audio.Meter
	source.Add(pcm)
	loud := source.Loudness()
	if math.IsInf(loud, 0) {
		return nil, Made{}, errTooShort
	}
	peaks := blockPeaks(pcm)
	gain, most := target-loud, ceiling-2.5 // Opus at so few bits gives peaks above what it was given
	var best []byte
	var made Made
	for range tries {
		encoded, m, err := try(pcm, newLimiter(peaks, gain, most))
		if err != nil {
			return nil, Made{}, err
		}
		if m.DBTP <= ceiling && (best == nil || math.Abs(m.LUFS-target) < math.Abs(made.LUFS-target)) {
			best, made = encoded, m
		}
		if best != nil && math.Abs(made.LUFS-target) <= near {
			break
		}
		gain = min(gain+target-m.LUFS, target-loud+mostGain)
		if m.DBTP > ceiling {
			most -= m.DBTP - ceiling + 0.2
		}
	}
	if best == nil {
		return nil, Made{}, errLevel
	}
	return best, made, nil
}

// try encodes once and decodes it again.
func try(pcm []float32, l *limiter) ([]byte, Made, error) {
	var file bytes.Buffer
	pos := 0
	err := audio.Encode(&file, int64(len(pcm)), func(p []float32) {
		l.hold(p, pcm[pos:], pos)
		pos += len(p)
	})
	if err != nil {
		return nil, Made{}, err
	}
	stream, err := audio.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		return nil, Made{}, fmt.Errorf("check own audio: %w", err)
	}
	var m audio.Meter
	for buf := make([]float32, audio.Rate); ; {
		n, err := stream.Read(buf)
		m.Add(buf[:n])
		if errors.Is(err, io.EOF) {
			return file.Bytes(), Made{LUFS: m.Loudness(), DBTP: m.TruePeak()}, nil
		}
		if err != nil {
			return nil, Made{}, fmt.Errorf("check own audio: %w", err)
		}
	}
}

// blockPeaks of every millisecond.
func blockPeaks(pcm []float32) []float32 {
	out := make([]float32, len(pcm)/block+1)
	for i, x := range pcm {
		out[i/block] = max(out[i/block], x, -x)
	}
	return out
}

// limiter is a gain for each millisecond, with a straight line between them.
type limiter struct{ gains []float32 }

// newLimiter makes one that leaves no block above most dBFS after gain dB: the least gain that any block around needs,
// then the mean of those, which never is more than the block itself needs.
func newLimiter(peaks []float32, gain, most float64) *limiter {
	g, top := math.Pow(10, gain/20), math.Pow(10, most/20)
	need := make([]float64, len(peaks))
	for i, p := range peaks {
		need[i] = g
		if loud := float64(p) * g; loud > top {
			need[i] = top / float64(p)
		}
	}
	around := func(in []float64, i, wide int, join func(a, b float64) float64) float64 {
		v := in[i]
		for k := max(0, i-wide); k <= min(len(in)-1, i+wide); k++ {
			v = join(v, in[k])
		}
		return v
	}
	least := make([]float64, len(need))
	for i := range need {
		least[i] = around(need, i, 2*reach, math.Min)
	}
	l := &limiter{gains: make([]float32, len(need))}
	for i := range least {
		sum, n := 0.0, 0.0
		for k := max(0, i-reach); k <= min(len(least)-1, i+reach); k++ {
			sum += least[k]
			n++
		}
		l.gains[i] = float32(sum / n)
	}
	return l
}

// hold fills out with the sound from pos on.
func (l *limiter) hold(out, pcm []float32, pos int) {
	for i := range out {
		at := pos + i
		b, part := at/block, float32(at%block)/block
		next := l.gains[min(b+1, len(l.gains)-1)]
		out[i] = pcm[i] * (l.gains[b] + (next-l.gains[b])*part)
	}
}
