package audio

import (
	"fmt"
	"io"

	"github.com/thesyncim/gopus"
	"github.com/thesyncim/gopus/container/ogg"
)

// encodedFrame is 20 ms, the distribution format's.
const encodedFrame = Rate / 50

// bitRate is that of sound with music in it, in bit/s: what is encoded outside of the hub may be anything.
const bitRate = 32_000

// Encode writes frames of sound as the distribution format; next fills each piece of it in turn. It is for where there
// is no ffmpeg: libopus, which the hub has by it, sounds a little better at the same size.
func Encode(w io.Writer, frames int64, next func([]float32)) error {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: Rate, Channels: 1, Application: gopus.ApplicationAudio})
	if err != nil {
		return fmt.Errorf("make opus encoder: %w", err)
	}
	if err := enc.SetBitrate(bitRate); err != nil {
		return fmt.Errorf("make opus encoder: %w", err)
	}
	enc.SetVBRConstraint(true)
	lead := int64(enc.Lookahead())
	out, err := ogg.NewWriterWithConfig(w, ogg.WriterConfig{SampleRate: Rate, Channels: 1, PreSkip: uint16(lead), StreamCount: 1})
	if err != nil {
		return fmt.Errorf("write ogg: %w", err)
	}
	packet, pcm := make([]byte, maxPacketBytes), make([]float32, encodedFrame)
	// The last packet's count says where the audio ends: padding behind it is cut.
	for pos, total := int64(0), frames+lead; pos < total; pos += encodedFrame {
		clear(pcm)
		if n := min(encodedFrame, frames-pos); n > 0 {
			next(pcm[:n])
		}
		n, err := enc.Encode(pcm, packet)
		if err != nil {
			return fmt.Errorf("encode opus: %w", err)
		}
		if err := out.WritePacket(packet[:n], int(min(encodedFrame, total-pos))); err != nil {
			return fmt.Errorf("write ogg: %w", err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write ogg: %w", err)
	}
	return nil
}
