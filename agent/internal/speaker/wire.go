package speaker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	wireVersion = 1
	maxPayload  = 32 << 10
	maxText     = 300
	headerSize  = 5

	// pcmStep is the most frames that one pcm frame carries: 100 ms.
	pcmStep = 4800
)

// errWire says that the other side does not keep to the protocol.
var errWire = errors.New("speaker protocol")

// message is one frame of the pipes.
type message interface {
	kind() byte
}

type (
	hello struct {
		Version     uint16
		Calibration int64 // only from the agent: nanoseconds, see Config
		child       bool
	}
	openVoice struct {
		Voice      uint32
		At         int64
		First, End int64
		Join       uint8
	}
	pcmFrame struct {
		Voice   uint32
		Pos     int64
		Samples []float32
	}
	endVoice struct {
		Voice uint32
		End   int64
	}
	cutVoice struct {
		Voice uint32
	}
	shiftTime struct {
		Shift int64 // nanoseconds
	}
	status struct {
		State  uint8
		Peak   float32
		Lead   int64 // nanoseconds from mixing to the card
		Detail string
	}
	grant struct {
		Voice uint32
		UpTo  int64
	}
	heard struct {
		Voice     uint32
		Ended     uint8
		Reached   int64 // frames that reached the card
		Pos       int64 // one past the last position that did
		Stop      int64 // one past the last position that was due, valid when Ended
		StartedAt int64
		EndedAt   int64
	}
	fail struct {
		Text string
	}
)

func (h hello) kind() byte {
	if h.child {
		return 'h'
	}
	return 'H'
}
func (openVoice) kind() byte { return 'O' }
func (pcmFrame) kind() byte  { return 'P' }
func (endVoice) kind() byte  { return 'E' }
func (cutVoice) kind() byte  { return 'C' }
func (shiftTime) kind() byte { return 'T' }
func (status) kind() byte    { return 's' }
func (grant) kind() byte     { return 'g' }
func (heard) kind() byte     { return 'v' }
func (fail) kind() byte      { return 'x' }

// appendFrame appends m as one frame.
func appendFrame(dst []byte, m message) []byte {
	begin := len(dst)
	dst = append(dst, m.kind(), 0, 0, 0, 0)
	le := binary.LittleEndian
	switch m := m.(type) {
	case hello:
		dst = le.AppendUint16(dst, m.Version)
		if !m.child {
			dst = le.AppendUint64(dst, uint64(m.Calibration))
		}
	case pcmFrame:
		dst = le.AppendUint32(dst, m.Voice)
		dst = le.AppendUint64(dst, uint64(m.Pos))
		for _, s := range m.Samples {
			dst = le.AppendUint32(dst, math.Float32bits(s))
		}
	case status:
		dst = append(dst, m.State)
		dst = le.AppendUint32(dst, math.Float32bits(m.Peak))
		dst = le.AppendUint64(dst, uint64(m.Lead))
		dst = append(dst, m.Detail[:min(len(m.Detail), maxText)]...)
	case fail:
		dst = append(dst, m.Text[:min(len(m.Text), maxText)]...)
	default:
		dst, _ = binary.Append(dst, le, m) // the rest are of fixed size and cannot fail
	}
	le.PutUint32(dst[begin+1:], uint32(len(dst)-begin-headerSize))
	return dst
}

// reader reads frames. What it gave last has its PCM no longer when it reads the next: a sound that plays makes nothing
// for the garbage collector.
type reader struct {
	io.Reader
	payload []byte
	samples []float32
}

func (r *reader) next() (message, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(header[1:])
	if n > maxPayload {
		return nil, fmt.Errorf("read frame of %d bytes: %w", n, errWire)
	}
	r.payload = slices.Grow(r.payload[:0], int(n))[:n]
	if _, err := io.ReadFull(r, r.payload); err != nil {
		return nil, fmt.Errorf("read frame: %w", io.ErrUnexpectedEOF)
	}
	return r.parse(header[0], r.payload)
}

// parse makes a message of a payload; nothing of it points into data.
func (r *reader) parse(kind byte, data []byte) (message, error) {
	switch kind {
	case 'H', 'h':
		return parseHello(data, kind == 'h')
	case 'O':
		return fixed[openVoice](data)
	case 'P':
		return r.parsePCM(data)
	case 'E':
		return fixed[endVoice](data)
	case 'C':
		return fixed[cutVoice](data)
	case 'T':
		return fixed[shiftTime](data)
	case 's':
		return parseStatus(data)
	case 'g':
		return fixed[grant](data)
	case 'v':
		return fixed[heard](data)
	case 'x':
		return fail{string(data[:min(len(data), maxText)])}, nil
	}
	return nil, fmt.Errorf("parse frame of kind %q: %w", kind, errWire)
}

// parseHello reads the version first: a later version's hello may be of another length.
func parseHello(data []byte, child bool) (message, error) {
	if len(data) < 2 {
		return nil, fmt.Errorf("parse hello: %w", errWire)
	}
	h := hello{Version: binary.LittleEndian.Uint16(data), child: child}
	if h.Version != wireVersion || child {
		return h, nil
	}
	if len(data) != 10 {
		return nil, fmt.Errorf("parse hello: %w", errWire)
	}
	h.Calibration = int64(binary.LittleEndian.Uint64(data[2:]))
	return h, nil
}

func fixed[T message](data []byte) (message, error) {
	var m T
	n, err := binary.Decode(data, binary.LittleEndian, &m)
	if err != nil || n != len(data) {
		return nil, fmt.Errorf("parse %T of %d bytes: %w", m, len(data), errWire)
	}
	return m, nil
}

func (r *reader) parsePCM(data []byte) (message, error) {
	if len(data) < 12 || len(data)%4 != 0 || (len(data)-12)/4 > pcmStep {
		return nil, fmt.Errorf("parse pcm of %d bytes: %w", len(data), errWire)
	}
	r.samples = r.samples[:0]
	for at := 12; at < len(data); at += 4 {
		r.samples = append(r.samples, math.Float32frombits(binary.LittleEndian.Uint32(data[at:])))
	}
	return pcmFrame{binary.LittleEndian.Uint32(data), int64(binary.LittleEndian.Uint64(data[4:])), r.samples}, nil
}

func parseStatus(data []byte) (message, error) {
	if len(data) < 13 {
		return nil, fmt.Errorf("parse status: %w", errWire)
	}
	return status{
		State:  data[0],
		Peak:   math.Float32frombits(binary.LittleEndian.Uint32(data[1:])),
		Lead:   int64(binary.LittleEndian.Uint64(data[5:])),
		Detail: string(data[13:min(len(data), 13+maxText)]),
	}, nil
}
