package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Ogg pages (RFC 3533). The reader is strict: one logical stream, every page whole, every checksum right.
const (
	pageHeader = 27
	maxPage    = pageHeader + 255 + 255*255
	noGranule  = ^uint64(0) // a page on which no packet ends

	flagContinued = 1
	flagFirst     = 2
	flagLast      = 4
)

// page is one Ogg page; its slices point into the buffer it was parsed from.
type page struct {
	flags    byte
	granule  uint64
	serial   uint32
	sequence uint32
	lacing   []byte
	body     []byte
	size     int64 // bytes in the file
}

// parsePage reads the page that data begins with. io.ErrUnexpectedEOF means that data ends inside it.
func parsePage(data []byte) (page, error) {
	if len(data) < pageHeader {
		return page{}, io.ErrUnexpectedEOF
	}
	if string(data[:4]) != "OggS" || data[4] != 0 || data[5]&^7 != 0 {
		return page{}, fmt.Errorf("read page header: %w", ErrDamaged)
	}
	segments := int(data[26])
	if len(data) < pageHeader+segments {
		return page{}, io.ErrUnexpectedEOF
	}
	lacing := data[pageHeader : pageHeader+segments]
	size := pageHeader + segments
	for _, l := range lacing {
		size += int(l)
	}
	if len(data) < size {
		return page{}, io.ErrUnexpectedEOF
	}
	if checksum(data[:size]) != binary.LittleEndian.Uint32(data[22:]) {
		return page{}, fmt.Errorf("check page: %w", ErrDamaged)
	}
	return page{
		flags:    data[5],
		granule:  binary.LittleEndian.Uint64(data[6:]),
		serial:   binary.LittleEndian.Uint32(data[14:]),
		sequence: binary.LittleEndian.Uint32(data[18:]),
		lacing:   lacing,
		body:     data[pageHeader+segments : size],
		size:     int64(size),
	}, nil
}

// crcTable is for Ogg's CRC: polynomial 0x04c11db7, most significant bit first, no inversion.
var crcTable = func() (table [256]uint32) {
	for i := range table {
		r := uint32(i) << 24
		for range 8 {
			if r&0x80000000 != 0 {
				r = r<<1 ^ 0x04c11db7
			} else {
				r <<= 1
			}
		}
		table[i] = r
	}
	return table
}()

// checksum is the CRC of a page, its own four bytes taken as zero.
func checksum(data []byte) uint32 {
	var crc uint32
	for i, b := range data {
		if i >= 22 && i < 26 {
			b = 0
		}
		crc = crc<<8 ^ crcTable[byte(crc>>24)^b]
	}
	return crc
}

// pages gives the pages of a file by position. It holds one window of the file, a little over a page.
type pages struct {
	r      io.ReaderAt
	size   int64
	start  int64 // position of window in the file
	window []byte
}

// readStep is how much is asked of the reader at once: the cache hashes a whole 64 KiB chunk per read.
const readStep = 16 << 10

// at gives the page at position off. io.EOF means that off is the end of the file.
func (p *pages) at(off int64) (page, error) {
	if off == p.size {
		return page{}, io.EOF
	}
	for want := readStep; ; want += readStep {
		if err := p.load(off, want); err != nil {
			return page{}, err
		}
		pg, err := parsePage(p.window[off-p.start:])
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return pg, err
		}
		if p.start+int64(len(p.window)) == p.size || want > maxPage {
			return page{}, fmt.Errorf("read page: the file ends inside it: %w", ErrDamaged)
		}
	}
}

// load makes the window hold at least min(n, rest of the file) bytes from off.
func (p *pages) load(off int64, n int) error {
	end := min(off+int64(n), p.size)
	have := p.start + int64(len(p.window))
	if off >= p.start && end <= have {
		return nil
	}
	if off >= p.start && off <= have {
		kept := copy(p.window, p.window[off-p.start:])
		p.window = p.window[:kept]
	} else {
		p.window = p.window[:0]
	}
	p.start = off
	kept := len(p.window)
	need := int(end-off) - kept
	p.window = append(p.window, make([]byte, need)...)
	got, err := p.r.ReadAt(p.window[kept:], off+int64(kept))
	if got == need {
		return nil
	}
	p.window = p.window[:kept+got]
	if err == nil || err == io.EOF {
		return fmt.Errorf("read audio: shorter than its size: %w", ErrDamaged)
	}
	return fmt.Errorf("read audio: %w", err)
}

// next gives the first whole page of this stream at or after off and before limit, with its position.
// io.EOF means that there is none. In a sound file one begins within a page's length of any position, and
// its letters seldom stand in the audio by chance: the search is bounded by both.
func (p *pages) next(off, limit int64, serial uint32) (page, int64, error) {
	far := off + maxPage
	for chances := 64; off < limit; {
		if off > far || chances == 0 {
			return page{}, 0, fmt.Errorf("find page: %w", ErrDamaged)
		}
		if err := p.load(off, readStep); err != nil {
			return page{}, 0, err
		}
		here := p.window[off-p.start:]
		i := bytes.Index(here, []byte("OggS"))
		if i < 0 {
			off += int64(max(len(here)-3, 1))
			continue
		}
		off += int64(i)
		if off >= limit {
			break
		}
		pg, err := p.at(off)
		switch {
		case err == nil && pg.serial == serial:
			return pg, off, nil
		case err == nil || isDamaged(err):
			off++
			chances--
		default:
			return page{}, 0, err
		}
	}
	return page{}, 0, io.EOF
}

// last finds the page that ends the file exactly.
func (p *pages) last() (page, int64, error) {
	tail := make([]byte, min(p.size, maxPage))
	base := p.size - int64(len(tail))
	if n, err := p.r.ReadAt(tail, base); n < len(tail) {
		if err == nil || err == io.EOF {
			err = ErrDamaged
		}
		return page{}, 0, fmt.Errorf("read last page: %w", err)
	}
	for i := len(tail); i > 0; {
		i = bytes.LastIndex(tail[:i], []byte("OggS"))
		if i < 0 {
			break
		}
		pg, err := parsePage(tail[i:])
		if err == nil && i+int(pg.size) == len(tail) {
			return pg, base + int64(i), nil
		}
	}
	return page{}, 0, fmt.Errorf("read last page: the file does not end with one: %w", ErrDamaged)
}
