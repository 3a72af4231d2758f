package playertest

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/thesyncim/gopus"
	"github.com/thesyncim/gopus/container/ogg"

	"github.com/loa-vn/loa/internal/audio"
)

const (
	opusFrame = audio.Rate / 50
	leadIn    = int64(ogg.DefaultPreSkip)
)

// Report makes a file of the distribution format that holds a soft tone of exactly the given length; it
// panics when it cannot, as only a test would call it.
func Report(d time.Duration) *bytes.Reader {
	file, err := encode(d)
	if err != nil {
		panic(fmt.Sprintf("make report: %v", err))
	}
	return bytes.NewReader(file)
}

func encode(d time.Duration) ([]byte, error) {
	enc, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: audio.Rate, Channels: 1, Application: gopus.ApplicationAudio})
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	w, err := ogg.NewWriter(&file, audio.Rate, 1)
	if err != nil {
		return nil, err
	}
	packet := make([]byte, 4000)
	frame := make([]float32, opusFrame)
	total := audio.Frames(d)
	// The last packet's count says where the audio ends: padding behind it is cut.
	total += leadIn
	for pos := int64(0); pos < total; pos += opusFrame {
		for i := range frame {
			t := float64(pos+int64(i)) / audio.Rate
			frame[i] = float32(0.2 * math.Sin(2*math.Pi*(300+20*t)*t))
		}
		n, err := enc.Encode(frame, packet)
		if err != nil {
			return nil, err
		}
		if err := w.WritePacket(packet[:n], int(min(opusFrame, total-pos))); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}
