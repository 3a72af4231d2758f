package own

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"time"

	"github.com/loa-vn/loa/internal/audio"
)

// longestDecode is more than an old PC needs for ten minutes of anything.
const longestDecode = 3 * time.Minute

// containers that ffmpeg may read, as on the hub: none that names other files or addresses.
const containers = "mp3,wav,w64,aiff,mov,mp4,m4a,3gp,3g2,mj2,aac,flac,ogg,asf,matroska,webm,mpegts,mpeg,amr,caf"

// decode gives the sound of a file, one channel at 48 kHz.
func (s *Shelf) decode(ctx context.Context, path string) ([]float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	defer f.Close()
	head := make([]byte, 12)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, errFormat.With(err)
	}
	switch {
	case string(head[:4]) == "RIFF" && string(head[8:]) == "WAVE":
		if pcm, err := readWAV(f); !errors.Is(err, errOtherWAV) {
			return pcm, err
		}
	case string(head[:4]) == "OggS":
		if pcm, err := readOpus(f); !errors.Is(err, audio.ErrFormat) {
			return pcm, err
		}
	}
	if s.ffmpeg == "" {
		return nil, errNoFFmpeg
	}
	return s.convert(ctx, path)
}

func readOpus(f *os.File) ([]float32, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at file: %w", err)
	}
	stream, err := audio.Open(f, info.Size())
	if errors.Is(err, audio.ErrDamaged) {
		return nil, errFormat.With(err)
	}
	if err != nil {
		return nil, err
	}
	if stream.Frames() > audio.Frames(maxLength) {
		return nil, errTooLong
	}
	pcm, err := audio.ReadAll(stream)
	if err != nil {
		return nil, errFormat.With(err)
	}
	return pcm, nil
}

// convert has ffmpeg read a file of any other kind: without network, and not more of it than may be.
func (s *Shelf) convert(ctx context.Context, path string) ([]float32, error) {
	ctx, cancel := context.WithTimeout(ctx, longestDecode)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", containers,
		"-i", "file:"+path, "-map", "0:a:0", "-t", fmt.Sprint((maxLength + time.Second).Seconds()), "-ac", "1", "-ar", fmt.Sprint(audio.Rate), "-f", "f32le", "pipe:1")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	pcm, readErr := readSamples(out, wavFormat{code: wavFloat, channels: 1, bits: 32, rate: audio.Rate}, math.MaxInt64)
	if readErr != nil {
		cancel() // it is not to be read any further
	}
	err = cmd.Wait()
	switch {
	case readErr != nil:
		return nil, readErr
	case err != nil:
		return nil, errFormat.With(err)
	}
	return pcm, nil
}

const (
	wavPCM        = 1
	wavFloat      = 3
	wavExtensible = 0xfffe
)

// errOtherWAV is a WAV of a kind that only ffmpeg reads.
var errOtherWAV = errors.New("the WAV is compressed")

type wavFormat struct{ code, channels, bits, rate int }

// read gives one sample of the format.
func (w wavFormat) read(p []byte) float32 {
	switch {
	case w.code == wavFloat:
		if x := math.Float32frombits(binary.LittleEndian.Uint32(p)); x > -64 && x < 64 {
			return x
		}
		return 0 // no number, or beyond all sense: it would poison every sum
	case w.bits == 8:
		return (float32(p[0]) - 128) / 128
	case w.bits == 16:
		return float32(int16(binary.LittleEndian.Uint16(p))) / (1 << 15)
	case w.bits == 24:
		return float32(int32(uint32(p[0])<<8|uint32(p[1])<<16|uint32(p[2])<<24)) / (1 << 31)
	}
	return float32(int32(binary.LittleEndian.Uint32(p))) / (1 << 31)
}

func (w wavFormat) check() error {
	plain := w.code == wavPCM && (w.bits == 8 || w.bits == 16 || w.bits == 24 || w.bits == 32) || w.code == wavFloat && w.bits == 32
	if !plain || w.channels < 1 || w.channels > 8 || w.rate < 4_000 || w.rate > 192_000 {
		return errOtherWAV
	}
	return nil
}

// readWAV reads after the twelve bytes of its head.
func readWAV(f io.Reader) ([]float32, error) {
	r := bufio.NewReaderSize(f, 64<<10)
	var w wavFormat
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, errFormat.With(err)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch name := string(head[:4]); {
		case name == "fmt " && size >= 16 && size <= 1<<10:
			p := make([]byte, size+size%2)
			if _, err := io.ReadFull(r, p); err != nil {
				return nil, errFormat.With(err)
			}
			le := binary.LittleEndian
			w = wavFormat{code: int(le.Uint16(p)), channels: int(le.Uint16(p[2:])), rate: int(le.Uint32(p[4:])), bits: int(le.Uint16(p[14:]))}
			if w.code == wavExtensible && size >= 26 {
				w.code = int(le.Uint16(p[24:]))
			}
			if err := w.check(); err != nil {
				return nil, err
			}
		case name == "data" && w.rate > 0:
			return readSamples(r, w, size)
		default:
			if _, err := io.CopyN(io.Discard, r, size+size%2); err != nil {
				return nil, errFormat.With(err)
			}
		}
	}
}

// readSamples reads at most size bytes of sound, mixes them to one channel and brings them to 48 kHz.
func readSamples(r io.Reader, w wavFormat, size int64) ([]float32, error) {
	in := bufio.NewReaderSize(io.LimitReader(r, size), 64<<10)
	step := w.bits / 8
	frame := make([]byte, step*w.channels)
	most := int(maxLength.Seconds()) * w.rate
	var pcm []float32
	for {
		if _, err := io.ReadFull(in, frame); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return resampled(pcm, w.rate), nil // a recorder that was switched off leaves less than it says
		} else if err != nil {
			return nil, fmt.Errorf("read sound: %w", err)
		}
		var x float32
		for c := range w.channels {
			x += w.read(frame[c*step:])
		}
		if pcm = append(pcm, x/float32(w.channels)); len(pcm) > most {
			return nil, errTooLong
		}
	}
}

const (
	taps   = 48 // to each side, at the rate of the source or less
	phases = 256
)

// resampled gives sound at 48 kHz by a windowed sinc that cuts what the lower of the two rates cannot hold.
func resampled(pcm []float32, rate int) []float32 {
	if rate == audio.Rate || len(pcm) == 0 {
		return pcm
	}
	ratio := float64(rate) / audio.Rate
	band := min(1, 1/ratio) * 0.95
	wide := int(math.Ceil(taps / band))
	table := make([][]float32, phases)
	for p := range table {
		row, sum := make([]float32, 2*wide), 0.0
		for k := range row {
			x := float64(k-wide+1) - float64(p)/phases
			w := math.Cos(math.Pi * x / float64(2*(wide+1)))
			v := w * w
			if x != 0 {
				v *= math.Sin(math.Pi*x*band) / (math.Pi * x * band)
			}
			row[k] = float32(v)
			sum += v
		}
		for k := range row {
			row[k] /= float32(sum)
		}
		table[p] = row
	}
	out := make([]float32, int(float64(len(pcm))/ratio))
	for i := range out {
		at := float64(i) * ratio
		base := int(at)
		row := table[min(int((at-float64(base))*phases), phases-1)]
		var sum float32
		for k, t := range row {
			if j := base + k - wide + 1; j >= 0 && j < len(pcm) {
				sum += t * pcm[j]
			}
		}
		out[i] = sum
	}
	return out
}
