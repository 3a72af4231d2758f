package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/problem"
)

// right checks what every accepted upload must have become, measured anew by ffmpeg.
func right(t *testing.T, r Result) {
	t.Helper()
	out := command(t, "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-c:a", "libopus", "-i", r.Path, "-af", meterFilter, "-f", "null", "-")
	var m made
	if err := readSummary(out, &m); err != nil {
		t.Fatal(err)
	}
	if math.Abs(m.loudness-targetLUFS) > tolerance || m.peak > ceilingTP {
		t.Errorf("loudness %.1f LUFS, true peak %.1f dBTP", m.loudness, m.peak)
	}
	if m.loudness != r.LoudnessLUFS || m.peak != r.TruePeakDBTP {
		t.Errorf("said %.1f LUFS and %.1f dBTP, is %.1f and %.1f", r.LoudnessLUFS, r.TruePeakDBTP, m.loudness, m.peak)
	}
	f, err := os.Open(r.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := audio.Open(f, r.Size)
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := audio.ReadAll(s)
	if err != nil || int64(len(pcm)) != s.Frames() || int64(len(pcm))*1000/rate != r.DurationMS {
		t.Errorf("%d of %d frames, %d ms, %v", len(pcm), s.Frames(), r.DurationMS, err)
	}
	if pairs := len(r.Peaks) / 2; pairs == 0 || pairs > peaksMost || math.Abs(float64(pairs)-float64(r.DurationMS)/20) > 2 {
		t.Errorf("%d peaks for %d ms", pairs, r.DurationMS)
	}
}

func TestEveryFormat(t *testing.T) {
	wav := speech(t)
	dir := t.TempDir()
	video := []string{"-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=5", "-shortest", "-c:v"}
	for _, c := range []struct {
		file   string
		args   []string
		format string
	}{
		{"a.mp3", []string{"-c:a", "libmp3lame", "-b:a", "128k", "-metadata", "title=Bí mật"}, "mp3/mp3"},
		{"a.wav", []string{"-ar", "44100", "-ac", "2"}, "wav/pcm_s16le"},
		{"a24.wav", []string{"-c:a", "pcm_s24le", "-ar", "96000"}, "wav/pcm_s24le"},
		{"float.wav", []string{"-c:a", "pcm_f32le", "-ar", "48000"}, "wav/pcm_f32le"},
		{"5.1.wav", []string{"-ac", "6"}, "wav/pcm_s16le"},
		{"a.m4a", []string{"-c:a", "aac"}, "mov/aac"},
		{"a.aac", []string{"-c:a", "aac"}, "aac/aac"},
		{"a.flac", []string{"-c:a", "flac"}, "flac/flac"},
		{"a.ogg", []string{"-c:a", "libvorbis", "-ac", "2"}, "ogg/vorbis"},
		{"a.opus", []string{"-c:a", "libopus"}, "ogg/opus"},
		{"a.wma", []string{"-c:a", "wmav2"}, "asf/wmav2"},
		{"a.aiff", nil, "aiff/pcm_s16be"},
		{"video.mp4", append(video, "mpeg4", "-c:a", "aac"), "mov/aac"},
		{"video.mkv", append(video, "mpeg4", "-c:a", "libopus"), "matroska/opus"},
		{"video.avi", append(video, "mpeg4", "-c:a", "libmp3lame"), "avi/mp3"},
		{"video.ts", append(video, "mpeg2video", "-c:a", "mp2"), "mpegts/mp2"},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, c.file)
			ffmpeg(t, append(append([]string{"-i", wav}, c.args...), path)...)
			r := mustConvert(t, path)
			if r.SourceFormat != c.format {
				t.Errorf("format %s", r.SourceFormat)
			}
			if r.BitrateKbps != 24 || r.DurationMS < 4500 {
				t.Errorf("%d kb/s, %d ms", r.BitrateKbps, r.DurationMS)
			}
			if bytes.Contains(content(t, r.Path), []byte("Bí mật")) {
				t.Error("the source's tags are in the distribution file")
			}
			if c.file == "a.mp3" || c.file == "video.mp4" { // the others' numbers come from the same place
				right(t, r)
			} else if math.Abs(r.LoudnessLUFS-targetLUFS) > tolerance || r.TruePeakDBTP > ceilingTP {
				t.Errorf("%.1f LUFS, %.1f dBTP", r.LoudnessLUFS, r.TruePeakDBTP)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	wav := speech(t)
	dir := t.TempDir()
	produce := func(name string, args ...string) []byte {
		path := filepath.Join(dir, name)
		ffmpeg(t, append(args, path)...)
		return content(t, path)
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	noise := randomBytes(rand.New(rand.NewPCG(1, 2)), 300_000)
	twelve := content(t, wav)
	binary.LittleEndian.PutUint32(twelve[40:], 12*3600*44100)
	mp3 := produce("a.mp3", "-i", wav, "-c:a", "libmp3lame")
	for name, c := range map[string]struct {
		content []byte
		want    error
	}{
		"empty":                   {nil, ErrEmpty},
		"an EXE named mp3":        {append([]byte("MZ\x90\x00\x03"), noise...), ErrNotAudio},
		"text":                    {[]byte(strings.Repeat("Luật An ninh mạng. ", 400)), ErrNotAudio},
		"a web page":              {[]byte("<!DOCTYPE html><html>404</html>"), ErrNotAudio},
		"a picture":               {produce("p.png", "-f", "lavfi", "-i", "testsrc", "-frames:v", "1"), ErrNotAudio},
		"a bitmap":                {produce("p.bmp", "-f", "lavfi", "-i", "testsrc", "-frames:v", "1"), ErrNotAudio},
		"noise":                   {noise, ErrNotAudio},
		"one byte":                {[]byte{0}, ErrNotAudio},
		"zeros":                   {bytes.Repeat([]byte{0}, 100_000), ErrNotAudio},
		"a WAV's head and noise":  {append([]byte("RIFF\x00\x10\x00\x00WAVEjunk"), noise[:5000]...), ErrUnreadable},
		"a video without sound":   {produce("v.mp4", "-f", "lavfi", "-i", "testsrc=size=64x64:duration=1", "-c:v", "mpeg4"), ErrNoSound},
		"silence":                 {produce("s.wav", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "3"), ErrSilent},
		"a hiss nobody hears":     {produce("h.wav", "-f", "lavfi", "-i", "anoisesrc=a=0.0003:r=16000:d=3", "-c:a", "pcm_s24le"), ErrSilent},
		"a tenth of a second":     {produce("t.wav", "-i", wav, "-t", "0.1"), ErrTooShort},
		"a word within silence":   {produce("w.flac", "-f", "lavfi", "-i", "sine=300:d=0.1", "-af", "adelay=3000,apad=pad_dur=3"), ErrTooShort},
		"five hours":              {produce("l.flac", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "18000"), ErrTooLong},
		"a WAV claiming 12 hours": {twelve, ErrTruncated},
		"half a WAV":              {half(content(t, wav)), ErrTruncated},
		"half an MP3":             {half(mp3), ErrTruncated},
		"half an M4A":             {half(produce("a.m4a", "-i", wav, "-c:a", "aac")), ErrTruncated},
		"half an M4A, index first": {
			half(produce("b.m4a", "-i", wav, "-c:a", "aac", "-movflags", "+faststart")), ErrTruncated},
		"half a FLAC":         {half(produce("a.flac", "-i", wav)), ErrTruncated},
		"half a WMA":          {half(produce("a.wma", "-i", wav, "-c:a", "wmav2")), ErrTruncated},
		"HLS":                 {[]byte("#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:5,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"), ErrPlaylist},
		"a concat file":       {[]byte("ffconcat version 1.0\nfile '/etc/passwd'\n"), ErrPlaylist},
		"a bare concat file":  {[]byte("# list\nfile '/etc/passwd'\n"), ErrPlaylist},
		"DASH":                {[]byte(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>`), ErrPlaylist},
		"PLS":                 {[]byte("[playlist]\nFile1=http://127.0.0.1:9/\n"), ErrPlaylist},
		"SDP":                 {[]byte("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"), ErrNotAudio},
		"an mp3 tag and text": {append([]byte("ID3\x03\x00\x00\x00\x00\x00\x00"), bytes.Repeat([]byte("chữ "), 3000)...), ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := convert(t, file(t, "upload.mp3", c.content))
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			var p *problem.Error
			if !errors.As(err, &p) || p.VI == "" || p.EN == "" || p.Status < 400 {
				t.Errorf("not for people: %#v", p)
			}
		})
	}
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestCutOffSoundWithoutALengthIsAccepted(t *testing.T) {
	wav := speech(t)
	path := filepath.Join(t.TempDir(), "a.ogg")
	ffmpeg(t, "-i", wav, "-c:a", "libvorbis", path)
	ogg, unclosed := content(t, path), content(t, wav)
	binary.LittleEndian.PutUint32(unclosed[40:], math.MaxUint32)
	for name, b := range map[string][]byte{"half an Ogg": ogg[:len(ogg)/2], "a WAV written into a pipe": unclosed} {
		t.Run(name, func(t *testing.T) {
			r := mustConvert(t, file(t, "upload", b))
			if !hasWarning(r, WarnNoEnd) {
				t.Errorf("warnings %v", r.Warnings)
			}
			right(t, r)
		})
	}
}

func TestPlaylistAsksNobody(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			asked <- struct{}{}
			_ = c.Close()
		}
	}()
	defer l.Close()
	// Past the look at the first bytes, straight to ffprobe and ffmpeg.
	path := file(t, "a.m3u8", []byte("#EXTM3U\n#EXTINF:5,\nhttp://"+l.Addr().String()+"/x.ts\n#EXT-X-ENDLIST\n"))
	c := &conversion{cfg: Config{Nice: -1}.withDefaults(), log: slog.New(slog.DiscardHandler), source: path, dir: t.TempDir(),
		progress: &progress{tell: func(string, int) {}}}
	if _, err := c.probe(t.Context(), sniffed{}); !errors.Is(err, ErrNotAudio) {
		t.Errorf("probe: %v", err)
	}
	if _, _, err := c.decode(t.Context(), probed{channels: 1}, filepath.Join(c.dir, "pcm"), mixBoth); !errors.Is(err, ErrUnreadable) {
		t.Errorf("decode: %v", err)
	}
	select {
	case <-asked:
		t.Error("an upload made the hub ask an address")
	default:
	}
}

func TestStepsHaveTheirTime(t *testing.T) {
	wav := speech(t)
	dir := t.TempDir()
	_, err := Convert(t.Context(), Config{Nice: -1, StepTimeout: time.Millisecond}, slog.New(slog.DiscardHandler), wav, dir, nil)
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("%v", err)
	}
}

func TestMissingProgramIsSaid(t *testing.T) {
	path := file(t, "a.wav", append([]byte("RIFF\x00\x10\x00\x00WAVE"), 0, 1, 2, 3))
	_, err := Convert(t.Context(), Config{FFprobe: "no-such-ffprobe"}, slog.New(slog.DiscardHandler), path, t.TempDir(), nil)
	if !errors.Is(err, ErrNoTool) {
		t.Errorf("%v", err)
	}
}

func TestSilenceIsCut(t *testing.T) {
	wav := speech(t)
	path := filepath.Join(t.TempDir(), "padded.flac")
	ffmpeg(t, "-i", wav, "-af", "adelay=2000,apad=pad_dur=1.5", path)
	bare, r := mustConvert(t, wav), mustConvert(t, path)
	if d := r.TrimStartMS - bare.TrimStartMS; d < 1800 || d > 2000 {
		t.Errorf("cut %d ms at the start, %d without padding", r.TrimStartMS, bare.TrimStartMS)
	}
	if d := r.DurationMS - bare.DurationMS; d < 0 || d > 2*180 {
		t.Errorf("%d ms, without padding %d", r.DurationMS, bare.DurationMS)
	}
	if sum := r.TrimStartMS + r.DurationMS + r.TrimEndMS; math.Abs(float64(sum-r.SourceDurationMS)) > 10 {
		t.Errorf("%d + %d + %d ms is not %d", r.TrimStartMS, r.DurationMS, r.TrimEndMS, r.SourceDurationMS)
	}
	right(t, r)
}

func TestSameInputSameBytes(t *testing.T) {
	wav := speech(t)
	a, b := mustConvert(t, wav), mustConvert(t, wav)
	if a.SHA256 != b.SHA256 || !bytes.Equal(content(t, a.Path), content(t, b.Path)) {
		t.Errorf("%s and %s", a.SHA256, b.SHA256)
	}
}

func TestLevels(t *testing.T) {
	wav := speech(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name, filter string
		warning      string
	}{
		{"very quiet", "volume=-35dB", WarnQuiet},
		{"overdriven", "volume=25dB", WarnClipped},
		{"one channel upside down", "aresample=48000,pan=stereo|c0=c0|c1=-1*c0", WarnCancelled},
		{"left only", "pan=stereo|c0=c0|c1=0*c0", ""},
		{"loud and quiet halves", "volume='if(lt(t,2.5),1,0.05)':eval=frame", ""},
		{"peaks far above the speech", "volume='if(lt(mod(t,2),0.01),12,0.3)':eval=frame", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(dir, c.name+".wav")
			ffmpeg(t, "-i", wav, "-af", c.filter, "-c:a", "pcm_s24le", path)
			r := mustConvert(t, path)
			if c.warning != "" && !hasWarning(r, c.warning) || hasWarning(r, WarnLevel) || hasWarning(r, WarnPeak) {
				t.Errorf("warnings %v", r.Warnings)
			}
			if (c.warning == WarnClipped) != r.Clipped {
				t.Errorf("clipped %v", r.Clipped)
			}
			right(t, r)
		})
	}
}

func TestMusicGetsMoreBits(t *testing.T) {
	wav := speech(t)
	path := filepath.Join(t.TempDir(), "tune.wav")
	// A signature tune of six seconds of swelling chords, then speech.
	chord := "0.2*(sin(2*PI*262*t)+sin(2*PI*330*t)+sin(2*PI*392*t))*(0.7+0.3*sin(2*PI*2*t))"
	ffmpeg(t, "-f", "lavfi", "-i", "aevalsrc='"+chord+"':s=48000:d=6", "-i", wav,
		"-filter_complex", "[1]aresample=48000[s];[0][s]concat=n=2:v=0:a=1", path)
	r := mustConvert(t, path)
	if r.BitrateKbps != 32 {
		t.Errorf("%d kb/s", r.BitrateKbps)
	}
	right(t, r)
}

func TestPeopleReading(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	dir := os.Getenv("LOA_TEST_AUDIO")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "audio")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.mp3"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r := mustConvert(t, path)
			if r.BitrateKbps != 24 {
				t.Errorf("%d kb/s: speech taken for music", r.BitrateKbps)
			}
			right(t, r)
		})
	}
}

func TestProgressGoesForward(t *testing.T) {
	wav := speech(t)
	var percents []int
	var stages []string
	_, err := Convert(t.Context(), Config{Nice: -1}, slog.New(slog.DiscardHandler), wav, t.TempDir(), func(stage string, percent int) {
		percents = append(percents, percent)
		if !slices.Contains(stages, stage) {
			stages = append(stages, stage)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(percents) || percents[0] != 0 || percents[len(percents)-1] != 99 {
		t.Errorf("percents %v", percents)
	}
	if want := []string{"probe", "measure", "normalise", "encode", "verify"}; !slices.Equal(stages, want) {
		t.Errorf("stages %v", stages)
	}
}
