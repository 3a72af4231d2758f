package ingest

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/audio"
)

// measured runs samples through a measurer in pieces of the given sizes.
func measured(t testing.TB, channels int, how mix, samples []float32, pieces ...int) (*measurer, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pcm")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := newMeasurer(f, channels, how, time.Hour)
	raw := make([]byte, 0, 4*len(samples))
	for _, x := range samples {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	for _, n := range pieces {
		n = min(n, len(raw))
		if _, err := m.Write(raw[:n]); err != nil {
			t.Fatal(err)
		}
		raw = raw[n:]
	}
	if _, err := m.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := m.finish(); err != nil {
		t.Fatal(err)
	}
	return m, content(t, path)
}

func sine(seconds, frequency, db float64) []float32 {
	out := make([]float32, int(seconds*rate))
	for i := range out {
		out[i] = float32(fromDB(db) * math.Sin(2*math.Pi*frequency*float64(i)/rate))
	}
	return out
}

// TestLoudnessOfTones: BS.1770-4 gives a full-scale sine of 997 Hz in one channel -3.01 LUFS; the gated
// cases are those of EBU Tech 3341 (3 to 5), for one channel.
func TestLoudnessOfTones(t *testing.T) {
	join := slices.Concat[[]float32]
	for _, c := range []struct {
		name    string
		samples []float32
		want    float64
	}{
		{"full scale", sine(5, 997, 0), -3.01},
		{"-23 dBFS", sine(4, 997, -23), -26.01},
		{"quiet ends are gated out", join(sine(3, 1000, -36), sine(12, 1000, -23), sine(3, 1000, -36)), -26.01},
		{"silent ends are gated out", join(sine(3, 1000, -72), sine(12, 1000, -23), sine(3, 1000, -72)), -26.01},
		{"levels within the gate add", join(sine(6, 1000, -26), sine(6, 1000, -20), sine(6, 1000, -26)), -26.01},
		{"nothing", make([]float32, rate), math.Inf(-1)},
		{"too short for a block", sine(0.3, 997, 0), math.Inf(-1)},
	} {
		m, _ := measured(t, 1, mixBoth, c.samples)
		if got := audio.Integrated(energies(m.windows)); got != c.want && !(math.Abs(got-c.want) < 0.15) {
			t.Errorf("%s: %.2f LUFS, want %.2f", c.name, got, c.want)
		}
	}
}

func TestLoudnessAgreesWithFFmpeg(t *testing.T) {
	wav := speech(t)
	raw := filepath.Join(t.TempDir(), "pcm")
	ffmpeg(t, "-i", wav, "-ar", "48000", "-f", "f32le", raw)
	b := content(t, raw)
	samples := make([]float32, len(b)/4)
	for i := range samples {
		samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	m, out := measured(t, 1, mixBoth, samples)
	if !bytes.Equal(b, out) {
		t.Error("mono is not kept as it is")
	}
	var theirs made
	said := command(t, "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-i", wav, "-af", "aresample=48000,"+meterFilter, "-f", "null", "-")
	if err := readSummary(said, &theirs); err != nil {
		t.Fatal(err)
	}
	if ours := audio.Integrated(energies(m.windows)); math.Abs(ours-theirs.loudness) > 0.1 {
		t.Errorf("%.2f LUFS, ffmpeg says %.1f", ours, theirs.loudness)
	}
}

func TestPiecesDoNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		channels := rapid.IntRange(1, 2).Draw(r, "channels")
		samples := rapid.SliceOfN(rapid.Float32Range(-2, 2), 0, 3000).Draw(r, "samples")
		samples = samples[:len(samples)/channels*channels]
		pieces := rapid.SliceOfN(rapid.IntRange(0, 500), 0, 40).Draw(r, "pieces")
		whole, a := measured(t, channels, mixBoth, samples)
		cut, b := measured(t, channels, mixBoth, samples, pieces...)
		if !bytes.Equal(a, b) || !slices.Equal(whole.windows, cut.windows) || whole.frames != cut.frames || whole.flats != cut.flats {
			r.Fatal("another result in pieces")
		}
		if len(a) != len(samples)/channels*4 || len(whole.windows) != (len(a)/4+windowFrames-1)/windowFrames {
			r.Fatalf("%d samples gave %d bytes and %d windows", len(samples), len(a), len(whole.windows))
		}
	})
}

func TestSenselessSamples(t *testing.T) {
	samples := sine(1, 440, -20)
	for i, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30, -1e30} {
		samples[1000*i] = float32(x)
	}
	m, out := measured(t, 1, mixBoth, samples)
	if l := audio.Integrated(energies(m.windows)); math.Abs(l+23.6) > 1 {
		t.Errorf("%.1f LUFS", l)
	}
	for i := 0; i < len(out); i += 4 {
		if x := math.Float32frombits(binary.LittleEndian.Uint32(out[i:])); !(x > -64 && x < 64) {
			t.Fatalf("sample %d is %v", i/4, x)
		}
	}
}

func TestTooLongStopsWriting(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "pcm"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := newMeasurer(f, 1, mixBoth, time.Second)
	if _, err := m.Write(make([]byte, 4*rate)); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	if _, err := m.Write(make([]byte, 4)); err == nil || m.err != ErrTooLong { //nolint:errorlint // this very value
		t.Errorf("%v", err)
	}
}

func TestWaveform(t *testing.T) {
	for seconds, pairs := range map[int]int{1: 50, 79: 3950, 80: 4000, 600: 4000} {
		windows := make([]window, seconds*perSecond)
		for i := range windows {
			windows[i] = window{min: -0.25, max: 0.5}
		}
		windows[len(windows)-1].max = 3
		got := waveform(windows, 0, -1)
		if len(got) != 2*pairs || int8(got[0]) != -32 || int8(got[1]) != 64 || int8(got[len(got)-1]) != 113 {
			t.Errorf("%d s: %d pairs, first %d %d, last %d", seconds, len(got)/2, int8(got[0]), int8(got[1]), int8(got[len(got)-1]))
		}
	}
	if got := waveform(make([]window, 51), 0, 0); len(got) != 2*26 {
		t.Errorf("510 ms: %d pairs", len(got)/2)
	}
}

func TestSounding(t *testing.T) {
	loud, still := window{energy: float32(audio.EnergyOf(-20))}, window{energy: float32(audio.EnergyOf(-70))}
	fill := func(parts ...int) (w []window) {
		for i, n := range parts {
			for range n {
				w = append(w, []window{still, loud}[i%2])
			}
		}
		return w
	}
	for name, c := range map[string]struct {
		windows []window
		want    span
	}{
		"silence around":      {fill(100, 200, 100), span{82, 318}},
		"no silence":          {fill(0, 200), span{0, 200}},
		"short silence stays": {fill(10, 200, 10), span{0, 220}},
		"pauses stay":         {fill(100, 100, 500, 100, 100), span{82, 818}},
		"a click is no sound": {fill(100, 1, 100, 200), span{183, 401}},
		"nothing":             {fill(100), span{}},
		"empty":               {nil, span{}},
	} {
		if got := sounding(c.windows, -20); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestLevelModel: the gain it finds leads to the target by its own account, and more limiting wants more gain.
func TestLevelModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(100, 400).Draw(r, "windows")
		windows := make([]window, n)
		for i := range windows {
			rms := rapid.Float64Range(0.02, 0.1).Draw(r, "rms")
			crest := rapid.Float64Range(1.5, 5).Draw(r, "crest")
			windows[i] = window{energy: float32(rms * rms), min: float32(-rms), max: float32(rms * crest)}
		}
		source := audio.Integrated(energies(windows))
		m := newLevelModel(windows)
		gain := m.gainFor(-18, source, -4.5)
		if got := m.loudness(gain, -4.5); math.Abs(got+18) > 0.1 && gain < -18-source+11.9 {
			r.Fatalf("gain %.2f gives %.2f LUFS", gain, got)
		}
		if gain < -18-source-0.1 {
			r.Fatalf("limiting made it louder: %.2f, straight %.2f", gain, -18-source)
		}
	})
}

func FuzzReadSummary(f *testing.F) {
	f.Add("[Parsed_ebur128_0 @ 0x1] Summary:\n\n  Integrated loudness:\n    I:         -18.2 LUFS\n  Loudness range:\n    LRA:         6.0 LU\n  True peak:\n    Peak:       -0.2 dBFS\n")
	f.Add("    I: -inf LUFS\n    LRA: 0.0 LU\n    Peak: nan dBFS\n")
	f.Add("    I: 1.2.3 LUFS\n")
	f.Fuzz(func(t *testing.T, text string) {
		var m made
		if err := readSummary(text, &m); err == nil && (math.IsNaN(m.loudness) || math.IsNaN(m.peak)) {
			t.Errorf("%+v of %q", m, text)
		}
	})
}
