package e2e

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
)

// A chirp is a report of which every 40 ms say what it is and where in it they lie: its pitch rises evenly, in a band
// of its own. What a card got, in pieces or whole, can so be told from the recording alone.
type chirp int

const (
	chirps      = 3
	chirpLength = 3 * time.Second
	chirpBase   = 600.0 // Hz, where the first begins
	chirpApart  = 600.0 // Hz between the beginnings of two
	chirpSpan   = 400.0 // Hz from its beginning to its end
	chirpLook   = audio.Rate * 40 / 1000
)

// write makes the chirp's file, 48 kHz mono.
func (c chirp) write(file string) error {
	frames := int(chirpLength.Seconds() * audio.Rate)
	wav := make([]byte, 0, 44+2*frames)
	wav = append(wav, "RIFF"...)
	wav = binary.LittleEndian.AppendUint32(wav, uint32(36+2*frames))
	wav = append(wav, "WAVEfmt "...)
	wav = binary.LittleEndian.AppendUint32(wav, 16)
	wav = append(wav, 1, 0, 1, 0)
	wav = binary.LittleEndian.AppendUint32(wav, audio.Rate)
	wav = binary.LittleEndian.AppendUint32(wav, 2*audio.Rate)
	wav = append(wav, 2, 0, 16, 0)
	wav = append(wav, "data"...)
	wav = binary.LittleEndian.AppendUint32(wav, uint32(2*frames))
	base, rise := chirpBase+chirpApart*float64(c), chirpSpan/chirpLength.Seconds()
	for i := range frames {
		t := float64(i) / audio.Rate
		v := 0.3 * math.Sin(2*math.Pi*(base*t+rise*t*t/2))
		wav = binary.LittleEndian.AppendUint16(wav, uint16(int16(v*math.MaxInt16)))
	}
	return os.WriteFile(file, wav, 0o600)
}

// glimpse is what a moment of a recording holds: that place of that chirp.
type glimpse struct {
	frame int // the middle of the moment
	chirp chirp
	at    time.Duration
}

// glimpses reads a recording. Moments that are silent are left out; bad are the frames of those with a sound that is no chirp,
// but not the ones beside a silence, a break, or another chirp.
func glimpses(pcm []float32) (out []glimpse, bad []int) {
	var strange []int
	flush := func() {
		bad = append(bad, strange[min(4, len(strange)):]...)
		strange = nil
	}
	for from := 0; from+chirpLook <= len(pcm); from += chirpLook / 2 {
		pitch, sound := pitchOf(pcm[from : from+chirpLook])
		if g, ok := place(pitch); ok {
			g.frame = from + chirpLook/2
			out = append(out, g)
			flush()
		} else if sound {
			strange = append(strange, from)
		} else {
			flush()
		}
	}
	flush()
	return out, bad
}

// place finds the chirp that has a pitch.
func place(pitch float64) (glimpse, bool) {
	for c := range chirp(chirps) {
		part := (pitch - chirpBase - chirpApart*float64(c)) / chirpSpan
		if part > -0.02 && part < 1.02 {
			return glimpse{chirp: c, at: time.Duration(part * float64(chirpLength))}, true
		}
	}
	return glimpse{}, false
}

// pitchOf is the pitch of an even tone, 0 when it is none; sound tells whether there is anything.
func pitchOf(pcm []float32) (pitch float64, sound bool) {
	var crossings []float64
	var power float64
	for i, v := range pcm {
		power += float64(v) * float64(v)
		if i > 0 && pcm[i-1] < 0 && v >= 0 {
			crossings = append(crossings, float64(i)-float64(v/(v-pcm[i-1])))
		}
	}
	if power/float64(len(pcm)) < 1e-6 {
		return 0, false
	}
	if len(crossings) < 10 || crossings[0]+float64(len(pcm))-crossings[len(crossings)-1] > 0.2*float64(len(pcm)) {
		return 0, true
	}
	mean := (crossings[len(crossings)-1] - crossings[0]) / float64(len(crossings)-1)
	for i := range crossings[1:] {
		if step := crossings[i+1] - crossings[i]; math.Abs(step-mean) > mean/8 {
			return 0, true
		}
	}
	return audio.Rate / mean, true
}

// readable checks that what the hub made of a chirp is read as it was meant.
func (c chirp) readable(t *testing.T, pcm []float32) {
	t.Helper()
	seen, bad := glimpses(pcm)
	wrong := slices.ContainsFunc(seen, func(g glimpse) bool {
		return g.chirp != c || (g.at-audio.Duration(int64(g.frame))).Abs() > 30*time.Millisecond
	})
	if wrong || len(bad) > 0 || len(seen) < 130 {
		t.Fatalf("chirp %d cannot be read back: %d moments, %d bad: %v", c, len(seen), bad, seen)
	}
}
