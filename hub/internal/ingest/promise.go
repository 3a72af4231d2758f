package ingest

import (
	"bytes"
	"encoding/binary"
	"io"
)

// promised compares what a file's head says of its own length with what is there. ffmpeg silently believes
// the file's size instead, so a report without its end would pass. cut: clearly more was promised; open: the
// head was never completed, so that nothing can be said. An MP3 or AAC without any head cannot be told from
// a shorter one.
func promised(f io.ReaderAt, head []byte, size int64) (cut, open bool) {
	var bytesSaid, there int64
	switch {
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= 12 && string(head[8:12]) == "WAVE":
		bytesSaid, there, open = wavData(f, size)
	case bytes.HasPrefix(head, asfHeader):
		bytesSaid, there = asfSize(head), size
	default:
		bytesSaid, there = xingBytes(f, size)
	}
	return !open && bytesSaid-there > max(bytesSaid/100, 16<<10), open
}

// wavData reads the length of the data chunk. Programs that write into a pipe leave nothing or the highest
// number there.
func wavData(f io.ReaderAt, size int64) (said, there int64, open bool) {
	var chunk [8]byte
	for at := int64(12); ; {
		if n, _ := f.ReadAt(chunk[:], at); n < len(chunk) {
			return 0, 0, false // no data at all: ffprobe will say so
		}
		length := int64(binary.LittleEndian.Uint32(chunk[4:]))
		at += int64(len(chunk))
		if string(chunk[:4]) == "data" {
			return length, size - at, length == 0 && size > at || length >= 0x7fff_0000 && length > size-at
		}
		at += length + length&1
	}
}

var (
	asfHeader         = []byte("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
	asfFileProperties = []byte("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65")
)

// asfSize reads the file's size out of a WMA's File Properties Object (ASF specification, 3.2); 0 when it is
// a broadcast, whose size is not valid.
func asfSize(head []byte) int64 {
	i := bytes.Index(head, asfFileProperties)
	if i < 0 || len(head) < i+92 || head[i+88]&1 != 0 {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(head[i+40:]) & (1<<62 - 1))
}

// xingBytes reads the number of bytes out of an MP3's Xing or Info header.
func xingBytes(f io.ReaderAt, size int64) (said, there int64) {
	at := int64(0)
	var id3 [10]byte
	if n, _ := f.ReadAt(id3[:], 0); n == len(id3) && string(id3[:3]) == "ID3" {
		at = 10 + (int64(id3[6]&0x7f)<<21 | int64(id3[7]&0x7f)<<14 | int64(id3[8]&0x7f)<<7 | int64(id3[9]&0x7f))
	}
	frame := make([]byte, 64)
	if n, _ := f.ReadAt(frame, at); n < len(frame) || frame[0] != 0xff || frame[1]&0xe0 != 0xe0 {
		return 0, 0
	}
	i := max(bytes.Index(frame[:40], []byte("Xing")), bytes.Index(frame[:40], []byte("Info")))
	if i < 0 || frame[i+7]&0x02 == 0 { // no number of bytes
		return 0, 0
	}
	field := i + 8
	if frame[i+7]&0x01 != 0 { // the number of frames comes first
		field += 4
	}
	return int64(binary.BigEndian.Uint32(frame[field:])), size - at
}
