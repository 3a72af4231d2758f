package audio

import (
	"fmt"

	"github.com/thesyncim/gopus"
)

const (
	maxPacketFrames = 5760    // 120 ms, the longest packet Opus allows (RFC 6716, 3.2.5)
	maxPacketBytes  = 8 << 10 // RFC 7845, 6: 7,664 bytes hold any mono packet

	// preRoll is decoded and thrown away after a seek, until the decoder's state has converged. RFC 7845,
	// 4.6, asks for at least 80 ms; measured on tonal sound, 80 ms left 15 dB, 400 ms costs 0.4 ms of work.
	preRoll = 19200
)

// packetDecoder turns one Opus packet into mono PCM at 48 kHz. The tests have a second one.
type packetDecoder interface {
	Decode(packet []byte, pcm []float32) (int, error)
	Reset()
}

func newDecoder() (packetDecoder, error) {
	d, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate: Rate, Channels: 1, MaxPacketSamples: maxPacketFrames, MaxPacketBytes: maxPacketBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("make opus decoder: %w", err)
	}
	return d, nil
}

// packetFrames reads from a packet's first bytes how many frames it holds (RFC 6716, 3.1).
func packetFrames(packet []byte) (int, error) {
	if len(packet) == 0 || len(packet) > maxPacketBytes {
		return 0, fmt.Errorf("read packet of %d bytes: %w", len(packet), ErrDamaged)
	}
	count := 1
	switch packet[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0, fmt.Errorf("read packet count: %w", ErrDamaged)
		}
		count = int(packet[1] & 63)
	}
	n := count * frameSize(packet[0]>>3)
	if n == 0 || n > maxPacketFrames {
		return 0, fmt.Errorf("read packet of %d frames: %w", n, ErrDamaged)
	}
	return n, nil
}

// frameSize gives the length of one Opus frame by its configuration number, in frames at 48 kHz.
func frameSize(config byte) int {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return [2]int{480, 960}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		return [4]int{120, 240, 480, 960}[config&3]
	}
}
