package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// sniffed is what the bytes themselves say, before any foreign code reads them.
type sniffed struct {
	known bool // begins as a container that we take
	noEnd bool // does not say where it ends, as a recording does that was never closed
}

// sniff looks at the file's first and last bytes. It refuses what is certainly no sound.
func sniff(path string) (sniffed, error) {
	f, err := os.Open(path)
	if err != nil {
		return sniffed{}, fmt.Errorf("open upload: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return sniffed{}, fmt.Errorf("look at upload: %w", err)
	}
	head := make([]byte, 4096)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF { //nolint:errorlint // ReadAt gives io.EOF itself
		return sniffed{}, fmt.Errorf("read upload: %w", err)
	}
	head = head[:n]
	switch {
	case n == 0:
		return sniffed{}, ErrEmpty
	case isPlaylist(head):
		return sniffed{}, ErrPlaylist
	case isForeign(head), isText(head):
		return sniffed{}, ErrNotAudio
	}
	s := sniffed{known: isContainer(head)}
	if bytes.HasPrefix(head, []byte("OggS")) {
		s.noEnd = !endsOgg(f, info.Size())
	}
	cut, open := promised(f, head, info.Size())
	if cut {
		return s, ErrTruncated
	}
	s.noEnd = s.noEnd || open
	return s, nil
}

// isPlaylist knows files that only name other files: HLS and M3U, ffmpeg's concat list, PLS, ASX, DASH, SMIL.
func isPlaylist(head []byte) bool {
	t := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")))
	for _, mark := range []string{"#extm3u", "ffconcat", "[playlist]", "[reference]", "<asx", "<smil", "<mpd", "http://", "https://", "rtsp://"} {
		if strings.HasPrefix(t, mark) {
			return true
		}
	}
	if strings.HasPrefix(t, "<?xml") {
		return strings.Contains(t, "<mpd") || strings.Contains(t, "<smil") || strings.Contains(t, "<asx") || strings.Contains(t, "<playlist")
	}
	return isText(head) && (strings.HasPrefix(t, "file ") || strings.Contains(t, "\nfile '") || strings.Contains(t, "#extinf"))
}

// isForeign knows programs, archives, documents and pictures by their first bytes.
func isForeign(head []byte) bool {
	for _, magic := range []string{
		"MZ", "\x7fELF", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe", "#!", "PK\x03\x04", "Rar!", "7z\xbc\xaf", "\x1f\x8b", "BZh", "\xfd7zXZ",
		"%PDF", "{\\rtf", "\xd0\xcf\x11\xe0", "\x89PNG", "\xff\xd8\xff", "GIF8", "II*\x00", "MM\x00*", "8BPS", "SQLite format 3",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if len(head) >= 14 && head[0] == 'B' && head[1] == 'M' && binary.LittleEndian.Uint32(head[6:]) == 0 {
		return true // a bitmap: its reserved words are zero
	}
	return len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP"
}

// isText says that head is readable text, and so no sound.
func isText(head []byte) bool {
	if len(head) == cap(head) { // the read may have cut a letter
		for i := 0; i < 3 && len(head) > 0 && !utf8.Valid(head); i++ {
			head = head[:len(head)-1]
		}
	}
	if bytes.HasPrefix(head, []byte("\xff\xfeh")) || bytes.HasPrefix(head, []byte("\xff\xfe<\x00")) {
		return true // UTF-16
	}
	if !utf8.Valid(head) {
		return false
	}
	for _, b := range head {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' && b != '\f' || b == 0x7f {
			return false
		}
	}
	return true
}

// isContainer knows the first bytes of the common containers that we take.
func isContainer(head []byte) bool {
	for _, magic := range []string{
		"ID3", "OggS", "fLaC", "RIFF", "RF64", "FORM", "\x30\x26\xb2\x75", "\x1a\x45\xdf\xa3", "#!AMR", "caff", "FLV", "wvpk", "MAC ",
		"\x00\x00\x01\xba",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		return true
	}
	return len(head) >= 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0
}

// endsOgg says whether a page marked as the last of its stream (RFC 3533, flag 0x04) is near the end.
func endsOgg(f io.ReaderAt, size int64) bool {
	tail := make([]byte, min(size, 128<<10))
	n, _ := f.ReadAt(tail, size-int64(len(tail))) // what cannot be read has no mark
	for tail = tail[:n]; ; tail = tail[4:] {
		i := bytes.Index(tail, []byte("OggS"))
		if i < 0 || len(tail) < i+6 {
			return false
		}
		if tail = tail[i:]; tail[5]&0x04 != 0 {
			return true
		}
	}
}
