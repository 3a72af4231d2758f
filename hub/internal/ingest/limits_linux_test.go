package ingest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHostileGround lets ffmpeg itself do what a crafted upload might make it do. None of the limits needs root.
func TestHostileGround(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	endless := []string{"-hide_banner", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "anoisesrc=r=48000:c=pink"}
	for name, c := range map[string]struct {
		limit tool
		args  []string
		dies  string // what it says, or how it ends
	}{
		"takes all memory": {tool{memory: 1 << 30, cpu: time.Minute},
			[]string{"-hide_banner", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=size=4000x4000:rate=25:duration=2", "-vf", "reverse", "-f", "null", "-"}, "cannot allocate memory"},
		"takes the processor for ever": {tool{memory: 2 << 30, cpu: time.Second}, append(endless, "-f", "null", "-"), "killed"},
		"writes a file":                {tool{memory: 2 << 30, cpu: time.Minute}, append(endless, "-t", "10", "-y", "out.wav"), "file size limit"},
		"opens very many files":        {tool{memory: 2 << 30, cpu: time.Minute}, append(endless, manyOutputs(100)...), "Too many open files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.limit.name, c.limit.args, c.limit.dir, c.limit.nice = "ffmpeg", c.args, t.TempDir(), -1
			said, err := c.limit.run(t.Context())
			if how := strings.ToLower(fmt.Sprint(err, said)); !strings.Contains(how, strings.ToLower(c.dies)) {
				t.Errorf("it ended by %s", how)
			}
			files, _ := filepath.Glob(filepath.Join(c.limit.dir, "*"))
			for _, f := range files {
				if info, err := os.Stat(f); err != nil || info.Size() > 0 {
					t.Errorf("it left %s", f)
				}
			}
		})
	}
}

func manyOutputs(n int) (args []string) {
	for range n {
		args = append(args, "-map", "0", "-t", "1", "-f", "wav", "-y", "/dev/null")
	}
	return args
}

// What it gives is bounded too: the answer of ffprobe in bytes, sound in time, however long the file claims to be.
func TestOutputHasItsEnd(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	out := &capped{limit: 10}
	probe := tool{name: "ffprobe", args: []string{"-v", "quiet", "-codecs"}, dir: t.TempDir(), stdout: out, memory: 2 << 30, cpu: time.Minute, nice: -1}
	if _, err := probe.run(t.Context()); err == nil || out.buf.Len() > 10 {
		t.Errorf("%d bytes of an answer, %v", out.buf.Len(), err)
	}
	bomb := filepath.Join(t.TempDir(), "bomb.flac")
	f, err := os.Create(bomb)
	if err != nil {
		t.Fatal(err)
	}
	// Into a pipe: the head does not say how long it is, and an hour of silence is 70 KB.
	stream := tool{name: "ffmpeg", args: []string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "3600", "-f", "flac", "pipe:1"},
		dir: t.TempDir(), stdout: io.Writer(f), memory: 2 << 30, cpu: time.Minute, nice: -1}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	copied := make(chan error, 1)
	go func() { _, err := io.Copy(f, r); copied <- err }()
	stream.stdout = w
	_, err = stream.run(t.Context())
	if err = errors.Join(err, w.Close(), <-copied, r.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, err = Convert(t.Context(), Config{Nice: -1, MaxDuration: 10 * time.Second}, slog.New(slog.DiscardHandler), bomb, dir, nil)
	if !errors.Is(err, ErrTooLong) {
		t.Errorf("an hour out of a head that does not say so: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "samples")); err != nil || info.Size() > 4*rate*11 {
		t.Errorf("samples beyond the limit: %v %v", info, err)
	}
}

// An address is no file, whatever a file may talk ffmpeg into.
func TestNoAddressIsAsked(t *testing.T) {
	need(t, "ffmpeg", "ffprobe")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan struct{}, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			select {
			case asked <- struct{}{}:
			default: // once is enough
			}
		}
	}()
	for _, scheme := range []string{"http", "tcp", "rtmp", "rtsp", "gopher", "concat:http"} {
		probe := tool{name: "ffprobe", args: hostile("-v", "error", "-i", scheme+"://"+l.Addr().String()+"/a.mp3"), dir: t.TempDir(),
			memory: 2 << 30, cpu: time.Minute, nice: -1}
		if _, err := probe.run(t.Context()); err == nil {
			t.Errorf("%s was read", scheme)
		}
	}
	select {
	case <-asked:
		t.Error("the hub asked an address")
	default:
	}
}

// A playlist of a kind that nobody recognises by its first bytes must not bring another file of the hub on the air.
func TestPlaylistReadsNoOtherFile(t *testing.T) {
	wav := content(t, speech(t))
	dir := t.TempDir()
	for name, text := range map[string]string{
		"secret.wav": string(wav),
		"list.txt":   "ffconcat version 1.0\nfile secret.wav\n",
		"list.m3u8":  "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nsecret.wav\n#EXT-X-ENDLIST\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, list := range []string{"list.txt", "list.m3u8"} {
		// Past the look at the first bytes, straight to ffprobe.
		c := &conversion{cfg: Config{Nice: -1}.withDefaults(), log: slog.New(slog.DiscardHandler), source: filepath.Join(dir, list), dir: t.TempDir(),
			progress: &progress{tell: func(string, int) {}}}
		if p, err := c.probe(t.Context(), sniffed{known: true}); err == nil {
			t.Errorf("%s was read as %+v", list, p)
		}
	}
}

// Programs, archives, documents, pictures and lists are known by their first bytes, before any foreign code reads them.
func TestMagicBytes(t *testing.T) {
	for name, c := range map[string]struct {
		head string
		want error
	}{
		"a Windows program": {"MZ\x90\x00\x03\x00\x00\x00\xff\xfe", ErrNotAudio},
		"a Linux program":   {"\x7fELF\x02\x01\x01\x00", ErrNotAudio},
		"a ZIP":             {"PK\x03\x04\x14\x00\x00\xff", ErrNotAudio},
		"a gzip":            {"\x1f\x8b\x08\x00\x00\xff", ErrNotAudio},
		"a PDF":             {"%PDF-1.7\n\xff\xfe", ErrNotAudio},
		"a JPEG":            {"\xff\xd8\xff\xe0\x00\x10JFIF", ErrNotAudio},
		"a script":          {"#!/bin/sh\nrm -rf /\n", ErrNotAudio},
		"a database":        {"SQLite format 3\x00\xff", ErrNotAudio},
		"HLS":               {"#EXTM3U\n", ErrPlaylist},
		"a concat list":     {"ffconcat version 1.0\n", ErrPlaylist},
		"a bare list":       {"file '/etc/passwd'\n", ErrPlaylist},
		"nothing":           {"", ErrEmpty},
	} {
		if _, err := sniff(file(t, "a.mp3", []byte(c.head))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
