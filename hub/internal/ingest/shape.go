package ingest

import (
	"math"

	"github.com/loa-vn/loa/internal/audio"
)

const (
	margin       = 18  // windows of silence left at both ends: 180 ms
	soundsBelow  = 30  // LU under the loudness at which 10 ms still count as sound
	soundsLeast  = -65 // LUFS under which nothing counts as sound
	silentBelow  = -60 // LUFS: a whole file under this is silence with noise
	peaksASecond = 50
	peaksMost    = 4000
)

// span is a range of windows, the end not included.
type span struct{ from, to int }

func (s span) of(windows []window) []window { return windows[s.from:s.to] }

// sounding finds what is between the silences at both ends, with its margins. Sound is two windows in a row
// (20 ms) within 30 LU of the report's loudness, so that a click does not count.
func sounding(windows []window, loudness float64) span {
	threshold := float32(audio.EnergyOf(math.Max(loudness-soundsBelow, soundsLeast)))
	sounds := func(i int) bool { return windows[i].energy > threshold && windows[i+1].energy > threshold }
	first, last := 0, len(windows)-2
	for first <= last && !sounds(first) {
		first++
	}
	for last >= first && !sounds(last) {
		last--
	}
	if first > last {
		return span{}
	}
	return span{from: max(0, first-margin), to: min(len(windows), last+2+margin)}
}

// hasMusic tells music from speech alone by the share of low-energy windows (Scheirer and Slaney 1997):
// speech pauses between syllables, music seldom does. Of a second of speech 30-50 % of the windows have less
// than half its mean amplitude, of music less than 15 %. Four such seconds in a row that are not quiet are
// music: a signature tune is at least as long.
func hasMusic(windows []window, loudness float64) bool {
	const second, share, inRow = perSecond, 0.12, 4
	quiet := audio.EnergyOf(loudness - 15)
	row := 0
	for i := 0; i+second <= len(windows); i += second {
		var energy, amplitude float64
		for _, w := range windows[i : i+second] {
			energy += float64(w.energy) / second
			amplitude += math.Sqrt(float64(w.energy)) / second
		}
		low := 0
		for _, w := range windows[i : i+second] {
			if math.Sqrt(float64(w.energy)) < amplitude/2 {
				low++
			}
		}
		if energy < quiet || float64(low) > share*second {
			row = 0
			continue
		}
		if row++; row == inRow {
			return true
		}
	}
	return false
}

// waveform gives pairs of int8 (lowest, highest sample of a stretch; 127 is full scale) as the report looks
// after its gain: 50 pairs a second, fewer and longer stretches beyond 80 s so that there are at most 4,000.
func waveform(windows []window, gainDB, ceilingDB float64) []byte {
	n := min((len(windows)*peaksASecond+perSecond-1)/perSecond, peaksMost)
	gain, most := fromDB(gainDB), fromDB(ceilingDB)
	scale := func(x float32) byte {
		v := math.Max(-most, math.Min(most, float64(x)*gain))
		return byte(int8(math.Round(v * 127)))
	}
	out := make([]byte, 0, 2*n)
	for i := range n {
		part := windows[i*len(windows)/n : max((i+1)*len(windows)/n, i*len(windows)/n+1)]
		low, high := part[0].min, part[0].max
		for _, w := range part {
			low, high = min(low, w.min), max(high, w.max)
		}
		out = append(out, scale(low), scale(high))
	}
	return out
}
