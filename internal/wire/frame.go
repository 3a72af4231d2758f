package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/loa-vn/loa/internal/broadcast"
)

// HeaderSize of a binary frame: kind, flags, two zero bytes, length of the payload (4), offset (8) and
// SHA-256 of the blob (32), numbers big-endian; the payload follows.
const HeaderSize = 48

const (
	kindChunk = 1
	flagLast  = 1
)

// Chunk is a binary frame: bytes of a blob from Offset on. Last says that the blob ends with them.
type Chunk struct {
	SHA256 broadcast.Hash
	Offset int64
	Last   bool
	Data   []byte
}

// AppendHeader puts the header of c, its payload to follow, at the end of dst.
func AppendHeader(dst []byte, c Chunk) ([]byte, error) {
	if err := c.check(); err != nil {
		return dst, fmt.Errorf("encode frame: %w", err)
	}
	var flags byte
	if c.Last {
		flags = flagLast
	}
	dst = append(dst, kindChunk, flags, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.Data)))
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.Offset))
	return hex.AppendDecode(dst, []byte(c.SHA256))
}

// EncodeChunk gives the bytes of a frame.
func EncodeChunk(c Chunk) ([]byte, error) {
	b, err := AppendHeader(make([]byte, 0, HeaderSize+len(c.Data)), c)
	if err != nil {
		return nil, err
	}
	return append(b, c.Data...), nil
}

// DecodeChunk reads a frame; Data is part of frame, not a copy.
func DecodeChunk(frame []byte) (Chunk, error) {
	switch {
	case len(frame) > MaxFrame:
		return Chunk{}, fmt.Errorf("decode frame: %w", ErrTooLarge)
	case len(frame) < HeaderSize:
		return Chunk{}, errors.New("decode frame: it is shorter than its header")
	case frame[0] != kindChunk || frame[1]&^flagLast != 0 || frame[2] != 0 || frame[3] != 0:
		return Chunk{}, fmt.Errorf("decode frame: kind and flags %x are not known", frame[:4])
	case int64(binary.BigEndian.Uint32(frame[4:])) != int64(len(frame)-HeaderSize):
		return Chunk{}, errors.New("decode frame: its length is not what its header says")
	}
	c := Chunk{
		SHA256: broadcast.Hash(hex.EncodeToString(frame[16:HeaderSize])),
		// A negative offset is refused by check.
		Offset: int64(binary.BigEndian.Uint64(frame[8:])),
		Last:   frame[1]&flagLast != 0,
		Data:   frame[HeaderSize:],
	}
	if err := c.check(); err != nil {
		return Chunk{}, fmt.Errorf("decode frame: %w", err)
	}
	return c, nil
}

// check: frames lie on the grain, and only the last one of a blob may end beside it.
func (c Chunk) check() error {
	size := int64(len(c.Data))
	switch {
	case !ValidHash(c.SHA256):
		return hash(c.SHA256)
	case c.Offset < 0 || c.Offset > maxOffset || c.Offset%Grain != 0:
		return fmt.Errorf("offset %d is not a multiple of %d", c.Offset, Grain)
	case size > MaxChunk:
		return ErrTooLarge
	case !c.Last && (size == 0 || size%Grain != 0):
		return fmt.Errorf("%d bytes are not a multiple of %d, and not the last", size, Grain)
	}
	return nil
}
