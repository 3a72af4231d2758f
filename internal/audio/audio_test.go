package audio

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/opus"
	"github.com/thesyncim/gopus"
	"github.com/thesyncim/gopus/container/ogg"
)

// tone is a sound whose every stretch is unlike the others: a chirp with a slow, uneven envelope.
func tone(frames int) []float32 {
	pcm := make([]float32, frames)
	phase := 0.0
	for i := range pcm {
		t := float64(i) / Rate
		phase += 2 * math.Pi * (300 + 150*math.Sin(2*math.Pi*0.37*t) + 40*t) / Rate
		pcm[i] = float32(0.3 * (0.6 + 0.4*math.Sin(2*math.Pi*1.3*t+t*t)) * math.Sin(phase))
	}
	return pcm
}

// encode makes a file as the hub would, with an encoder of our own so that no tool is needed.
func encode(t testing.TB, pcm []float32, frames uint64) []byte {
	t.Helper()
	return encodeAt(t, 24000, pcm, frames)
}

func encodeAt(t testing.TB, bitrate int, pcm []float32, frames uint64) []byte {
	t.Helper()
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationAudio})
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.SetBitrate(bitrate); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w, err := ogg.NewWriter(&file, Rate, 1)
	if err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 4000)
	for len(pcm) > 0 {
		frame := make([]float32, 960)
		pcm = pcm[copy(frame, pcm):]
		n, err := enc.Encode(frame, packet)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WritePacket(packet[:n], 960); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return endAt(t, file.Bytes(), frames)
}

// endAt rewrites the last page's granule, as an encoder does that knows the true length.
func endAt(t testing.TB, file []byte, frames uint64) []byte {
	t.Helper()
	if frames == 0 {
		return file
	}
	i := bytes.LastIndex(file, []byte("OggS"))
	patch(file[i:], func(page []byte) {
		g := frames + 312
		for k := range 8 {
			page[6+k] = byte(g >> (8 * k))
		}
	})
	return file
}

func patch(page []byte, change func([]byte)) {
	change(page)
	sum := checksum(page)
	for k := range 4 {
		page[22+k] = byte(sum >> (8 * k))
	}
}

func open(t testing.TB, file []byte) *Stream {
	t.Helper()
	s, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestStreamIsCutToItsFrames(t *testing.T) {
	file := encode(t, tone(Rate*2), Rate*2-1234)
	s := open(t, file)
	if s.Frames() != Rate*2-1234 {
		t.Fatalf("frames = %d", s.Frames())
	}
	pcm, err := ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Read(make([]float32, 10)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("after the end: %d, %v", n, err)
	}
	offset, correlation := Match(pcm, tone(Rate*2-1234))
	if offset != 0 && math.Abs(float64(offset)) > 1 || correlation < 0.98 {
		t.Fatalf("offset %d, correlation %f", offset, correlation)
	}
}

func TestSeekGivesWhatReadingThroughGives(t *testing.T) {
	file := encode(t, tone(Rate*6), 0)
	s := open(t, file)
	whole, err := ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	positions := []int64{0, 1, 311, 959, 960, preRoll, preRoll + 1, s.Frames() - 1, s.Frames()}
	for range 15 {
		positions = append(positions, random.Int64N(s.Frames()))
	}
	for _, at := range positions {
		if err := s.SeekFrame(at); err != nil {
			t.Fatalf("seek %d: %v", at, err)
		}
		got := make([]float32, min(4800, s.Frames()-at))
		for n := 0; n < len(got); {
			m, err := s.Read(got[n:])
			if err != nil {
				t.Fatalf("read at %d: %v", at, err)
			}
			n += m
		}
		if noise := snr(whole[at:at+int64(len(got))], got); noise < 40 && len(got) > 0 {
			t.Errorf("seek %d: %0.1f dB from the whole", at, noise)
		}
	}
	for _, at := range []int64{-1, s.Frames() + 1} {
		if err := s.SeekFrame(at); err == nil {
			t.Errorf("seek %d was taken", at)
		}
	}
}

// snr says how far got is from want, in dB.
func snr(want, got []float32) float64 {
	var signal, noise float64
	for i := range want {
		d := float64(want[i] - got[i])
		signal += float64(want[i]) * float64(want[i])
		noise += d * d
	}
	if noise == 0 {
		return 200
	}
	return 10 * math.Log10(signal/noise)
}

func TestDamagedFiles(t *testing.T) {
	good := encode(t, tone(Rate*3), 0)
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	cases := []struct {
		name string
		file []byte
		want error
	}{
		{"empty", nil, ErrFormat},
		{"not ogg", []byte("RIFF....WAVEfmt "), ErrFormat},
		{"cut short", good[:len(good)/2], ErrDamaged},
		{"one byte cut", good[:len(good)-1], ErrDamaged},
		{"bytes after the end", append(bytes.Clone(good), 0), ErrDamaged},
		{"a bit of the audio", change(func(b []byte) []byte { b[len(b)/2] ^= 4; return b }), ErrDamaged},
		{"stereo", change(func(b []byte) []byte { patch(b[:47], func(p []byte) { p[28+9] = 2 }); return b }), ErrFormat},
		{"a page missing", dropPage(good, 4), ErrDamaged},
		{"first audio page missing", dropPage(good, 2), ErrFormat},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(bytes.NewReader(c.file), int64(len(c.file)))
			if err == nil {
				_, err = ReadAll(s)
			}
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

func dropPage(file []byte, n int) []byte {
	var out []byte
	p := &pages{r: bytes.NewReader(file), size: int64(len(file))}
	for i, off := 0, int64(0); ; i++ {
		pg, err := p.at(off)
		if err != nil {
			return out
		}
		if i != n {
			out = append(out, file[off:off+pg.size]...)
		}
		off += pg.size
	}
}

type brokenReader struct {
	data []byte
	from int64
	err  error
}

func (b brokenReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(b.data).ReadAt(p, off)
	if off < b.from+4096 && off+int64(n) > b.from {
		return int(max(b.from-off, 0)), b.err
	}
	return n, err
}

func TestReadersErrorIsPassedOn(t *testing.T) {
	file := encodeAt(t, 256000, tone(Rate*12), 0)
	chunk := errors.New("chunk 3 does not have its hash")
	s, err := Open(brokenReader{file, int64(len(file) / 2), chunk}, int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := ReadAll(s)
	if !errors.Is(err, chunk) || len(pcm) < Rate*5 {
		t.Fatalf("got %d frames and %v", len(pcm), err)
	}
	if err := s.SeekFrame(0); err != nil {
		t.Fatalf("a stream can be used again after an error: %v", err)
	}
}

// pionDecoder is the second decoder, written by others from the same RFC.
type pionDecoder struct{ d opus.Decoder }

func (p *pionDecoder) Decode(packet []byte, pcm []float32) (int, error) {
	return p.d.DecodeToFloat32(packet, pcm)
}
func (p *pionDecoder) Reset() { p.d, _ = opus.NewDecoderWithOutput(Rate, 1) }

func TestTwoDecodersAgree(t *testing.T) {
	file := encode(t, tone(Rate*3), 0)
	ours, err := ReadAll(open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, file)
	s.decoder = &pionDecoder{}
	s.decoder.Reset()
	theirs, err := ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	if db := snr(theirs, ours); db < 40 {
		t.Fatalf("%.1f dB apart", db)
	}
}

func TestDecodesWhatLibopusEncodes(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	dir := t.TempDir()
	file, raw := filepath.Join(dir, "a.opus"), filepath.Join(dir, "a.raw")
	// A noise under a voice-like tone, so that SILK, hybrid and CELT all have something to do.
	source := "aevalsrc=0.2*sin(2*PI*(180+60*sin(2*PI*2*t))*t)*(0.5+0.5*sin(2*PI*3*t))+0.02*(random(0)-0.5):s=48000:d=7.3"
	for _, bitrate := range []string{"24k", "32k"} {
		run(t, "-f", "lavfi", "-i", source, "-ac", "1", "-c:a", "libopus", "-b:a", bitrate, "-vbr", "constrained", "-frame_duration", "20", file)
		run(t, "-c:a", "libopus", "-i", "file:"+file, "-f", "s16le", "-ac", "1", "-ar", "48000", raw)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := os.Open(raw)
		if err != nil {
			t.Fatal(err)
		}
		reference, err := ReadS16LE(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		s := open(t, data)
		got, err := ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if s.Frames() != Frames(7300*time.Millisecond) {
			t.Errorf("%s: %d frames", bitrate, s.Frames())
		}
		offset, correlation := Match(got, reference[:min(len(reference), len(got))])
		if offset != 0 || correlation < 0.9999 {
			t.Errorf("%s: offset %d, correlation %f against libopus", bitrate, offset, correlation)
		}
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

func BenchmarkDecode(b *testing.B) {
	file := encode(b, tone(Rate*10), 0)
	s := open(b, file)
	buffer := make([]float32, 4800)
	b.ResetTimer()
	for b.Loop() {
		if _, err := s.Read(buffer); errors.Is(err, io.EOF) {
			_ = s.SeekFrame(0)
		}
	}
	b.ReportMetric(float64(b.N)*0.1/b.Elapsed().Seconds(), "x-real-time")
}

// What is still on its way is opened by what its sealed manifest promises: nothing of its end is read before it is due.
func TestOpenPromised(t *testing.T) {
	file := encodeAt(t, 96_000, tone(6*Rate), 6*Rate-1234)
	want, err := ReadAll(open(t, file))
	if err != nil {
		t.Fatal(err)
	}
	half := len(file) / 2
	s, err := OpenPromised(io.NewSectionReader(cut{file, half}, 0, int64(len(file))), int64(len(file)), int64(len(want)-96))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, Rate/2)
	if n, err := s.Read(got); err != nil || n != len(got) || !slices.Equal(got, want[:len(got)]) {
		t.Errorf("its beginning: %d %v", n, err)
	}
	whole, err := OpenPromised(bytes.NewReader(file), int64(len(file)), int64(len(want)-96))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadAll(whole)
	if err != nil || !slices.Equal(all, want[:len(want)-96]) {
		t.Errorf("all of it: %d frames, %v", len(all), err)
	}
	if _, err := OpenPromised(bytes.NewReader(file), int64(len(file)), 0); err == nil {
		t.Error("opened what is no frame long")
	}
}

// cut is a file of which only the beginning is here.
type cut struct {
	file []byte
	here int
}

func (c cut) ReadAt(p []byte, off int64) (int, error) {
	if int(off)+len(p) > c.here {
		return 0, errors.New("read beyond what is here")
	}
	return copy(p, c.file[off:]), nil
}
