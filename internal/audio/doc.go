// Package audio reads Loa's one distribution format: Ogg Opus, mono, 48 kHz. It takes the bytes of a file
// from the hub's ingest (which checks what it has just encoded) and from the agent's player (which reads
// them out of the cache), and gives PCM as float32 at exactly the position asked for. Match tells what a
// recording holds of what was meant, for tests, the demo and the bench.
//
// A Stream belongs to one goroutine at a time; different Streams are independent. Damaged input gives an
// error, never a panic: ErrFormat when the file is not the distribution format, ErrDamaged when it is but
// its bytes are broken or missing. An error of the reader underneath is passed on wrapped.
package audio

import (
	"errors"
	"time"
)

// Rate is the sample rate of everything in Loa, in frames per second; a frame is one mono sample.
const Rate = 48_000

var (
	// ErrFormat says that the file is not Ogg Opus, mono, from its first sample on.
	ErrFormat = errors.New("not the distribution format")
	// ErrDamaged says that the file began as the distribution format and then broke: a wrong checksum,
	// a missing page, a packet that no encoder writes, an end before its time.
	ErrDamaged = errors.New("audio damaged")
)

// Frames gives the number of whole frames in d.
func Frames(d time.Duration) int64 {
	const second = int64(time.Second)
	return int64(d)/second*Rate + int64(d)%second*Rate/second
}

// Duration gives the time that n frames take.
func Duration(n int64) time.Duration {
	const second = int64(time.Second)
	return time.Duration(n/Rate*second + n%Rate*second/Rate)
}
