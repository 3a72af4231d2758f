package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// maxFrames bounds a file's length to a day; a longer one is taken as damaged.
const maxFrames = 24 * 3600 * Rate

// Stream is an opened file of the distribution format, from its first real frame (the encoder's lead-in
// cut) to its last (the padding cut).
type Stream struct {
	pages   pages
	decoder packetDecoder
	serial  uint32
	preSkip int64
	gain    float32
	audio   int64 // where the first audio page begins
	total   int64 // last granule, lead-in included

	off      int64  // next page to read
	sequence uint32 // its number
	queue    []byte // packets not yet decoded: the rest of the current page
	lacing   []byte
	partial  []byte // a packet that goes on in the next page
	pos      int64  // granule of the next frame that Read gives
	end      int64  // granule at the end of what the decoder gave
	pcm      []float32
	buffer   [maxPacketFrames]float32
	err      error // sticks until the next SeekFrame
}

// Open reads the file's head and its last page. It reads size bytes of r, never more.
func Open(r io.ReaderAt, size int64) (*Stream, error) {
	s := &Stream{pages: pages{r: r, size: size}}
	if err := s.readHead(); err != nil {
		return nil, err
	}
	if err := s.readEnd(); err != nil {
		return nil, err
	}
	var err error
	if s.decoder, err = newDecoder(); err != nil {
		return nil, err
	}
	if err := s.SeekFrame(0); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenPromised opens a file whose rest may still be on its way: it is frames long, as somebody who can be believed
// says, and nothing of its end is read before it is due.
func OpenPromised(r io.ReaderAt, size, frames int64) (*Stream, error) {
	s := &Stream{pages: pages{r: r, size: size}}
	if err := s.readHead(); err != nil {
		return nil, err
	}
	if frames <= 0 || frames > maxFrames {
		return nil, fmt.Errorf("open promised audio: impossible length: %w", ErrDamaged)
	}
	s.total = s.preSkip + frames
	if err := s.checkBegin(); err != nil {
		return nil, err
	}
	var err error
	if s.decoder, err = newDecoder(); err != nil {
		return nil, err
	}
	if err := s.SeekFrame(0); err != nil {
		return nil, err
	}
	return s, nil
}

// Frames gives the length in frames of 1/48,000 s.
func (s *Stream) Frames() int64 { return s.total - s.preSkip }

// readHead reads OpusHead and OpusTags (RFC 7845, 5).
func (s *Stream) readHead() error {
	pg, err := s.pages.at(0)
	if err != nil {
		return notFormat("read first page", err)
	}
	h := pg.body
	if pg.flags != flagFirst || len(h) != 19 || string(h[:8]) != "OpusHead" || h[8]>>4 != 0 {
		return fmt.Errorf("read opus head: %w", ErrFormat)
	}
	if h[9] != 1 || h[18] != 0 {
		return fmt.Errorf("read opus head: %d channels: %w", h[9], ErrFormat)
	}
	s.serial = pg.serial
	s.preSkip = int64(binary.LittleEndian.Uint16(h[10:]))
	gain := int16(binary.LittleEndian.Uint16(h[16:]))
	s.gain = float32(math.Pow(10, float64(gain)/(20*256)))
	return s.readTags(pg.size)
}

// readTags passes over the tags; they may take many pages, a picture for example.
func (s *Stream) readTags(off int64) error {
	for first := true; ; first = false {
		pg, err := s.pages.at(off)
		if err != nil {
			return notFormat("read opus tags", err)
		}
		if pg.serial != s.serial || first && (len(pg.body) < 8 || string(pg.body[:8]) != "OpusTags") {
			return fmt.Errorf("read opus tags: %w", ErrFormat)
		}
		off += pg.size
		if n := len(pg.lacing); n > 0 && pg.lacing[n-1] < 255 {
			s.audio, s.sequence = off, pg.sequence+1
			return nil
		}
	}
}

// readEnd finds the length.
func (s *Stream) readEnd() error {
	last, _, err := s.pages.last()
	if err != nil {
		return err
	}
	if last.serial != s.serial || last.flags&flagLast == 0 {
		return fmt.Errorf("read last page: the end is missing: %w", ErrDamaged)
	}
	if last.granule > maxFrames || int64(last.granule) < s.preSkip {
		return fmt.Errorf("read last page: impossible length: %w", ErrDamaged)
	}
	s.total = int64(last.granule)
	return s.checkBegin()
}

// checkBegin checks that the audio begins at its beginning.
func (s *Stream) checkBegin() error {
	first, err := s.pages.at(s.audio)
	if err != nil {
		return notFormat("read first audio page", err)
	}
	n, err := pageFrames(first)
	if err != nil {
		return err
	}
	if first.flags&flagLast == 0 && first.granule != noGranule && int64(first.granule) != n {
		return fmt.Errorf("read first audio page: it begins at %d: %w", int64(first.granule)-n, ErrFormat)
	}
	return nil
}

// SeekFrame makes frame the next one that Read gives. Beyond the end it is an error.
func (s *Stream) SeekFrame(frame int64) error {
	if frame < 0 || frame > s.Frames() {
		return fmt.Errorf("seek to frame %d of %d: out of range", frame, s.Frames())
	}
	target := frame + s.preSkip
	off, granule, sequence, err := s.findPage(target - preRoll)
	if err != nil {
		s.err = err
		return err
	}
	s.off, s.sequence, s.end, s.err = off, sequence, granule, nil
	s.queue, s.lacing, s.partial, s.pcm = nil, nil, s.partial[:0], nil
	s.pos = target
	s.decoder.Reset()
	return nil
}

// findPage gives the last page that ends at or before granule, by bisection, and where its first whole
// packet begins; the first audio page when there is none.
func (s *Stream) findPage(granule int64) (off, start int64, sequence uint32, err error) {
	first, err := s.pages.at(s.audio)
	if err != nil {
		return 0, 0, 0, err
	}
	off, sequence = s.audio, first.sequence
	if granule <= 0 {
		return off, 0, sequence, nil
	}
	lo, hi := s.audio, s.pages.size
	for lo < hi {
		mid := lo + (hi-lo)/2
		pg, at, err := s.pages.next(mid, hi, s.serial)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, 0, err
		}
		if errors.Is(err, io.EOF) || pg.granule == noGranule || int64(pg.granule) > granule || pg.flags&flagLast != 0 {
			hi = mid
			continue
		}
		n, err := pageFrames(pg)
		if err != nil {
			return 0, 0, 0, err
		}
		off, start, sequence = at, int64(pg.granule)-n, pg.sequence
		lo = at + pg.size
	}
	return off, start, sequence, nil
}

// pageFrames counts the frames of the packets that begin and end on the page.
func pageFrames(pg page) (int64, error) {
	var n int64
	body, begin, length := pg.body, 0, 0
	skip := pg.flags&flagContinued != 0
	for _, l := range pg.lacing {
		length += int(l)
		if l == 255 {
			continue
		}
		if !skip {
			d, err := packetFrames(body[begin : begin+length])
			if err != nil {
				return 0, err
			}
			n += int64(d)
		}
		skip, begin, length = false, begin+length, 0
	}
	return n, nil
}

// Read fills p with the next frames; fewer only at the end or before an error. io.EOF comes alone.
func (s *Stream) Read(p []float32) (int, error) {
	n := 0
	for n < len(p) {
		if len(s.pcm) == 0 {
			if s.err == nil {
				s.err = s.decode()
			}
			if s.err != nil {
				break
			}
		}
		c := copy(p[n:], s.pcm)
		s.pcm = s.pcm[c:]
		s.pos += int64(c)
		n += c
	}
	if n == 0 && len(p) > 0 {
		return 0, s.err
	}
	return n, nil
}

// decode gives the next PCM that begins at pos, or io.EOF.
func (s *Stream) decode() error {
	for {
		if s.pos >= s.total {
			return io.EOF
		}
		packet, err := s.packet()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("read audio: it ends at frame %d of %d: %w", s.end, s.total, ErrDamaged)
		}
		if err != nil {
			return err
		}
		want, err := packetFrames(packet)
		if err != nil {
			return err
		}
		n, err := s.decoder.Decode(packet, s.buffer[:])
		if err != nil || n != want {
			return fmt.Errorf("decode packet: %w", errors.Join(ErrDamaged, err))
		}
		begin := s.end
		s.end += int64(n)
		if s.end > s.pos {
			s.pcm = s.trim(begin)
			return nil
		}
	}
}

// trim cuts the buffer, which begins at granule begin, to what lies in [pos, total), and applies the gain
// that the file's head asks for.
func (s *Stream) trim(begin int64) []float32 {
	pcm := s.buffer[max(s.pos-begin, 0) : min(s.end, s.total)-begin]
	if s.gain != 1 {
		for i := range pcm {
			pcm[i] *= s.gain
		}
	}
	return pcm
}

// packet gives the next whole packet; it is valid until the next call.
func (s *Stream) packet() ([]byte, error) {
	s.partial = s.partial[:0]
	for {
		for i, l := range s.lacing {
			if l == 255 {
				continue
			}
			length := i*255 + int(l)
			packet := s.queue[:length]
			s.queue, s.lacing = s.queue[length:], s.lacing[i+1:]
			if len(s.partial) > 0 {
				packet = append(s.partial, packet...)
				s.partial = packet
			}
			return packet, nil
		}
		s.partial = append(s.partial, s.queue...)
		if len(s.partial) > maxPacketBytes {
			return nil, fmt.Errorf("read packet: too long: %w", ErrDamaged)
		}
		if err := s.nextPage(); err != nil {
			return nil, err
		}
	}
}

// nextPage queues the packets of the next page.
func (s *Stream) nextPage() error {
	pg, err := s.pages.at(s.off)
	if err != nil {
		return err
	}
	if pg.serial != s.serial || pg.sequence != s.sequence || pg.flags&flagFirst != 0 {
		return fmt.Errorf("read page: page %d missing: %w", s.sequence, ErrDamaged)
	}
	s.off += pg.size
	s.sequence++
	s.queue, s.lacing = pg.body, pg.lacing
	continued := pg.flags&flagContinued != 0
	if continued && len(s.partial) == 0 { // after a seek: its beginning is on a page not read
		s.skipPartial()
		return nil
	}
	if !continued && len(s.partial) > 0 {
		return fmt.Errorf("read page: a packet breaks off: %w", ErrDamaged)
	}
	return nil
}

// skipPartial drops the packet whose beginning was not read.
func (s *Stream) skipPartial() {
	for i, l := range s.lacing {
		if l < 255 {
			length := i*255 + int(l)
			s.queue, s.lacing = s.queue[length:], s.lacing[i+1:]
			return
		}
	}
	s.queue, s.lacing = nil, nil
}

func isDamaged(err error) bool { return errors.Is(err, ErrDamaged) }

// notFormat makes damage at the very beginning what it nearly always is: another kind of file.
func notFormat(what string, err error) error {
	if errors.Is(err, io.EOF) || isDamaged(err) {
		return fmt.Errorf("%s: %w", what, ErrFormat)
	}
	return fmt.Errorf("%s: %w", what, err)
}
