package own

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// talk is something like it: syllables of a low voice with its overtones, of a level and a length in seconds.
func talk(rate int, seconds, db float64) []float64 {
	out := make([]float64, int(seconds*float64(rate)))
	for i := range out {
		t := float64(i) / float64(rate)
		syllable := math.Max(0, math.Sin(2*math.Pi*3*t))
		var x float64
		for h := 1.0; h <= 12; h++ {
			x += math.Sin(2*math.Pi*140*h*t) / h
		}
		out[i] = math.Pow(10, db/20) * syllable * x / 2
	}
	return out
}

// wav writes samples, the same in every channel; -1 for bits means float.
func wav(rate, channels, bits int, extensible bool, pcm []float64) []byte {
	code, width := wavPCM, bits
	if bits < 0 {
		code, width = wavFloat, 32
	}
	var data bytes.Buffer
	for _, x := range pcm {
		for range channels {
			switch {
			case bits < 0:
				_ = binary.Write(&data, binary.LittleEndian, float32(x))
			case bits == 8:
				data.WriteByte(byte(128 + 127*x))
			case bits == 16:
				_ = binary.Write(&data, binary.LittleEndian, int16(32767*x))
			case bits == 24:
				v := int32(8388607 * x)
				data.Write([]byte{byte(v), byte(v >> 8), byte(v >> 16)})
			default:
				_ = binary.Write(&data, binary.LittleEndian, int32(2147483647*x))
			}
		}
	}
	le := binary.LittleEndian
	format := le.AppendUint16(nil, uint16(code))
	if extensible {
		format = le.AppendUint16(nil, wavExtensible)
	}
	format = le.AppendUint16(format, uint16(channels))
	format = le.AppendUint32(format, uint32(rate))
	format = le.AppendUint32(format, uint32(rate*channels*width/8))
	format = le.AppendUint16(format, uint16(channels*width/8))
	format = le.AppendUint16(format, uint16(width))
	if extensible {
		format = le.AppendUint16(format, 22)
		format = append(format, 0, 0, 0, 0, 0, 0)
		format = append(le.AppendUint16(format, uint16(code)), make([]byte, 14)...)
	}
	out := append([]byte("RIFF\xff\xff\xff\xffWAVE"), "junk\x03\x00\x00\x00abc\x00"...) // an odd chunk before
	out = append(le.AppendUint32(append(out, "fmt "...), uint32(len(format))), format...)
	out = le.AppendUint32(append(out, "data"...), uint32(data.Len()))
	return append(out, data.Bytes()...)
}

func opus(t *testing.T, seconds float64) []byte {
	t.Helper()
	rest := talk(audio.Rate, seconds, -30)
	var file bytes.Buffer
	err := audio.Encode(&file, int64(len(rest)), func(p []float32) {
		for i := range p {
			p[i], rest = float32(rest[0]), rest[1:]
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestWhatIsReadWithoutFFmpeg(t *testing.T) {
	meant := make([]float32, 0, 2*audio.Rate)
	for _, x := range talk(audio.Rate, 2, -20) {
		meant = append(meant, float32(x))
	}
	for name, file := range map[string][]byte{
		"a recorder's WAV":           wav(44_100, 2, 16, false, talk(44_100, 2, -25)),
		"a telephone's":              wav(8_000, 1, 8, false, talk(8_000, 2, -12)),
		"one of 24 bits, extensible": wav(96_000, 1, 24, true, talk(96_000, 2, -30)),
		"one of 32 bits":             wav(48_000, 1, 32, false, talk(48_000, 2, -20)),
		"floats":                     wav(22_050, 2, -1, false, talk(22_050, 2, -6)),
		"Ogg Opus":                   opus(t, 2),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "chosen")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			pcm, err := Open(t.TempDir(), "").decode(t.Context(), path)
			if err != nil || len(pcm) < len(meant)-200 || len(pcm) > len(meant) {
				t.Fatalf("%d samples, %v", len(pcm), err)
			}
			if offset, like := audio.Match(pcm, meant); like < 0.97 || offset < -10 || offset > 10 {
				t.Errorf("it sounds %.3f like what was chosen, %d frames off", like, offset)
			}
		})
	}
}

func TestWhatIsChosenComesToTheUsualLevel(t *testing.T) {
	for name, db := range map[string]float64{"far too soft": -35, "far too loud": -1} {
		t.Run(name, func(t *testing.T) {
			s := Open(filepath.Join(t.TempDir(), "own"), "")
			m, err := s.Make(t.Context(), bytes.NewReader(wav(48_000, 1, 16, false, talk(48_000, 2, db))))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(m.LUFS-target) > near || m.DBTP > ceiling || m.Duration != 2*time.Second {
				t.Errorf("%+v", m)
			}
			a, err := s.Open(m.Audio)
			if err != nil || !s.Has(m.Audio) {
				t.Fatal(err)
			}
			stream, err := audio.Open(a, a.Size())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := audio.ReadAll(stream); err != nil || audio.Duration(int64(len(got))) != m.Duration {
				t.Errorf("%d frames, %v", len(got), err)
			}
			if files, err := os.ReadDir(s.dir); err != nil || len(files) != 1 {
				t.Errorf("%v %v", files, err)
			}
		})
	}
}

func TestAFileIsRefusedWithTheReason(t *testing.T) {
	long := wav(4_000, 1, 8, false, make([]float64, 4_000*601))
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":                  {nil, "OWN_FORMAT"},
		"half a head":              {[]byte("RIFF\x00\x00"), "OWN_FORMAT"},
		"a WAV without a format":   {[]byte("RIFF\xff\xff\xff\xffWAVEdata\x04\x00\x00\x00abcd"), "OWN_FORMAT"},
		"a compressed WAV":         {append([]byte("RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x55\x00\x01\x00\x80\xbb\x00\x00"), make([]byte, 12)...), "OWN_NEEDS_FFMPEG"},
		"an MP3":                   {append([]byte("ID3\x04"), make([]byte, 100)...), "OWN_NEEDS_FFMPEG"},
		"a damaged Opus":           {opus(t, 1)[:2000], "OWN_FORMAT"},
		"silence":                  {wav(48_000, 1, 16, false, make([]float64, 96_000)), "OWN_TOO_SHORT"},
		"half a second":            {wav(48_000, 1, 16, false, talk(48_000, 0.5, -20)), "OWN_TOO_SHORT"},
		"more than ten minutes":    {long, "OWN_TOO_LONG"},
		"a WAV that ends too soon": {wav(48_000, 1, 16, false, talk(48_000, 0.9, -20))[:60], "OWN_TOO_SHORT"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Open(filepath.Join(t.TempDir(), "own"), "")
			_, err := s.Make(t.Context(), bytes.NewReader(c.file))
			var p *problem.Error
			if !errors.As(err, &p) || p.Code != c.code {
				t.Errorf("%v", err)
			}
			if files, err := os.ReadDir(s.dir); err != nil || len(files) != 0 {
				t.Errorf("what was refused is still there: %v %v", files, err)
			}
		})
	}
}

func TestAFileWithoutEndIsNotTakenWhole(t *testing.T) {
	s := Open(t.TempDir(), "")
	s.most = 1 << 20
	endless := io.MultiReader(bytes.NewReader([]byte("RIFF\xff\xff\xff\xffWAVE")), zeros{})
	if _, err := s.Make(t.Context(), endless); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestOtherFormatsAreReadByFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("ffmpeg is not installed: make setup")
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source, mp3 := filepath.Join(dir, "a.wav"), filepath.Join(dir, "a.mp3")
	if err := os.WriteFile(source, wav(44_100, 2, 16, false, talk(44_100, 2, -30)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-i", source, mp3).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	file, err := os.ReadFile(mp3)
	if err != nil {
		t.Fatal(err)
	}
	s := Open(filepath.Join(dir, "own"), ffmpeg)
	m, err := s.Make(t.Context(), bytes.NewReader(file))
	if err != nil || math.Abs(m.LUFS-target) > near || m.DBTP > ceiling || m.Duration < 2*time.Second {
		t.Errorf("%+v %v", m, err)
	}
	if _, err := s.Make(t.Context(), bytes.NewReader([]byte("#EXTM3U\n/etc/passwd\n"))); !errors.Is(err, errFormat) {
		t.Errorf("a playlist: %v", err)
	}
}

func TestTheShelfKeepsWhatIsWantedAndGivesNothingDamaged(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "own"), "")
	none := func(broadcast.Hash) bool { return false }
	if err := s.Keep(none); err != nil {
		t.Errorf("an empty shelf: %v", err)
	}
	m, err := s.Make(t.Context(), bytes.NewReader(opus(t, 1.1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(func(h broadcast.Hash) bool { return h == m.Audio }); err != nil || !s.Has(m.Audio) {
		t.Fatalf("%v", err)
	}
	raw, err := os.ReadFile(s.path(m.Audio))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(s.path(m.Audio), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(m.Audio); !errors.Is(err, errGone) {
		t.Errorf("a damaged file: %v", err)
	}
	if err := s.Keep(none); err != nil || s.Has(m.Audio) {
		t.Errorf("%v", err)
	}
}

func FuzzWAV(f *testing.F) {
	f.Add(wav(44_100, 2, 16, true, talk(44_100, 0.01, -20))[12:])
	f.Add(wav(8_000, 1, 8, false, talk(8_000, 0.01, -20))[12:])
	f.Add([]byte("fmt \x10\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		pcm, err := readWAV(bytes.NewReader(file))
		if err == nil && len(pcm) > int(audio.Frames(maxLength))+audio.Rate {
			t.Errorf("%d samples of %d bytes", len(pcm), len(file))
		}
	})
}
