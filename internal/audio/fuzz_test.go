package audio

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func FuzzOpen(f *testing.F) {
	short := encode(f, tone(2000), 1500)
	f.Add(short, int64(700))
	f.Add(encode(f, tone(Rate), 0), int64(40000))
	f.Add(short[:len(short)-3], int64(0))
	f.Add([]byte("OggS"), int64(0))
	f.Fuzz(func(t *testing.T, file []byte, at int64) {
		repairChecksums(file)
		s, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrDamaged) {
				t.Fatalf("unnamed error %v", err)
			}
			return
		}
		if err := s.SeekFrame(at); err != nil {
			return
		}
		buffer := make([]float32, 5000)
		var total int64
		for {
			n, err := s.Read(buffer)
			total += int64(n)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
		}
		if total != s.Frames()-at {
			t.Fatalf("read %d frames from %d of %d", total, at, s.Frames())
		}
	})
}

// repairChecksums lets the fuzzer reach what lies behind the checksum.
func repairChecksums(file []byte) {
	for off := 0; off+pageHeader < len(file); {
		i := bytes.Index(file[off:], []byte("OggS"))
		if i < 0 {
			return
		}
		off += i
		size := pageHeader + 255
		if off+pageHeader <= len(file) {
			size = pageHeader + int(file[off+26])
			for _, l := range file[min(off+pageHeader, len(file)):min(off+size, len(file))] {
				size += int(l)
			}
		}
		if off+size > len(file) {
			return
		}
		patch(file[off:off+size], func([]byte) {})
		off += size
	}
}
