package speaker

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func everyMessage() []message {
	return []message{
		hello{Version: 1, Calibration: -30_000_000},
		hello{Version: 1, child: true},
		openVoice{Voice: 7, At: 1 << 60, First: 480, End: 1 << 30, Join: 1},
		pcmFrame{Voice: 7, Pos: 960, Samples: []float32{0, 1, -0.5}},
		pcmFrame{Voice: 7, Pos: 960, Samples: make([]float32, pcmStep)},
		endVoice{Voice: 7, End: 4},
		cutVoice{Voice: 7},
		shiftTime{-1 << 40},
		status{State: stateOK, Peak: 0.25, Lead: 600_000_000, Detail: "card"},
		grant{Voice: 7, UpTo: 96000},
		heard{Voice: 7, Ended: 1, Reached: 5, Pos: 6, Stop: 7, StartedAt: 8, EndedAt: 9},
		fail{Text: "gone"},
	}
}

func read(frame []byte) (message, error) { return (&reader{Reader: bytes.NewReader(frame)}).next() }

func TestFramesThereAndBack(t *testing.T) {
	var pipe []byte
	for _, m := range everyMessage() {
		pipe = appendFrame(pipe, m)
	}
	r := &reader{Reader: bytes.NewReader(pipe)}
	for _, want := range everyMessage() {
		got, err := r.next()
		if err != nil {
			t.Fatalf("%T: %v", want, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last: %v", err)
	}
}

func TestFramesThatAreRefused(t *testing.T) {
	long := appendFrame(nil, pcmFrame{Samples: make([]float32, pcmStep+1)})
	cases := []struct {
		name string
		data []byte
		want error
	}{
		{"unknown kind", []byte{'?', 0, 0, 0, 0}, errWire},
		{"too long", []byte{'P', 1, 0x80, 0, 0}, errWire},
		{"more samples than a step", long, errWire},
		{"half a sample", []byte{'P', 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, errWire},
		{"open cut short", []byte{'O', 3, 0, 0, 0, 1, 2, 3}, errWire},
		{"open too long", append([]byte{'O', 30, 0, 0, 0}, make([]byte, 30)...), errWire},
		{"hello without version", []byte{'H', 1, 0, 0, 0, 1}, errWire},
		{"status cut short", []byte{'s', 2, 0, 0, 0, 1, 2}, errWire},
		{"ends inside", []byte{'P', 12, 0, 0, 0, 1}, io.ErrUnexpectedEOF},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if m, err := read(c.data); !errors.Is(err, c.want) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func TestALaterVersionsHelloIsStillRead(t *testing.T) {
	m, err := read([]byte{'H', 3, 0, 0, 0, 9, 0, 1})
	if h, ok := m.(hello); err != nil || !ok || h.Version != 9 {
		t.Fatalf("%+v, %v", m, err)
	}
}

func TestTextsAreBounded(t *testing.T) {
	frame := appendFrame(nil, fail{strings.Repeat("x", 1<<20)})
	m, err := read(frame)
	if f, ok := m.(fail); err != nil || !ok || len(f.Text) != maxText {
		t.Fatalf("%+v, %v", m, err)
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, m := range everyMessage() {
		f.Add(appendFrame(nil, m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{Reader: bytes.NewReader(data)}
		for {
			m, err := r.next()
			if err != nil {
				return
			}
			again, err := read(appendFrame(nil, m))
			if err != nil {
				t.Fatalf("%+v does not survive: %v", m, err)
			}
			if a, b := appendFrame(nil, m), appendFrame(nil, again); !bytes.Equal(a, b) {
				t.Fatalf("%+v became %+v", m, again)
			}
		}
	})
}
