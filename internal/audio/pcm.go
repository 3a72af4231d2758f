package audio

import (
	"encoding/binary"
	"fmt"
	"io"
)

// ReadS16LE reads raw signed 16-bit little-endian mono PCM to its end, as parec and ffmpeg write it.
func ReadS16LE(r io.Reader) ([]float32, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read s16le: %w", err)
	}
	pcm := make([]float32, len(data)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(data[2*i:]))) / 32768
	}
	return pcm, nil
}

// ReadAll decodes what is left of s.
func ReadAll(s *Stream) ([]float32, error) {
	pcm := make([]float32, s.total-s.pos)
	for n := 0; n < len(pcm); {
		got, err := s.Read(pcm[n:])
		if err != nil {
			return pcm[:n], err
		}
		n += got
	}
	return pcm, nil
}
