package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// containers are the demuxers ffmpeg may use: none that opens other files or addresses (hls, concat, dash,
// sdp, image2, ...), none that takes any bytes for sound.
const containers = "mp3,wav,w64,aiff,au,mov,mp4,m4a,3gp,3g2,mj2,aac,flac,ogg,asf,matroska,webm,avi,flv,mpegts,mpeg,amr,caf," +
	"ac3,eac3,dts,ape,wv,tta,mpc,mpc8,tak,rm"

// hostile is what every reading of an upload begins with.
func hostile(args ...string) []string {
	return append([]string{"-hide_banner", "-protocol_whitelist", "file,pipe", "-format_whitelist", containers}, args...)
}

// probed is what ffprobe says of an upload.
type probed struct {
	stream   int    // index of the sound to take
	format   string // container/codec, as ffmpeg names them
	channels int
	ours     bool          // a file that we made
	declared time.Duration // 0: not known, or only guessed from the bit rate
}

type probeStream struct {
	Index       int    `json:"index"`
	Kind        string `json:"codec_type"`
	Codec       string `json:"codec_name"`
	Rate        string `json:"sample_rate"`
	Channels    int    `json:"channels"`
	Bits        int    `json:"bits_per_sample"`
	Duration    string `json:"duration"`
	Disposition struct {
		Default  int `json:"default"`
		Attached int `json:"attached_pic"`
	} `json:"disposition"`
}

type probeAnswer struct {
	Streams []probeStream `json:"streams"`
	Format  struct {
		Name     string `json:"format_name"`
		Duration string `json:"duration"`
		Score    int    `json:"probe_score"`
	} `json:"format"`
}

// probe asks ffprobe what the file is and refuses what holds no sound, or more or less than it says.
func (c *conversion) probe(ctx context.Context, in sniffed) (probed, error) {
	out := &capped{limit: 1 << 20}
	t := c.tool(c.cfg.FFprobe, hostile("-v", "warning", "-of", "json", "-show_entries",
		"format=format_name,duration,probe_score:stream=index,codec_type,codec_name,sample_rate,channels,bits_per_sample,duration:"+
			"stream_disposition=attached_pic,default", "-i", "file:"+c.source)...)
	t.stdout = out
	said, err := t.run(ctx)
	if err != nil {
		return probed{}, probeRefusal(err, said, in)
	}
	var a probeAnswer
	if err := json.Unmarshal(out.buf.Bytes(), &a); err != nil {
		return probed{}, ErrUnreadable.With(fmt.Errorf("read ffprobe's answer: %w", err))
	}
	return c.judge(a, in, strings.Contains(said, "Estimating duration from bitrate"))
}

func probeRefusal(err error, said string, in sniffed) error {
	var failed *toolError
	switch {
	case !errors.As(err, &failed):
		return err
	case strings.Contains(said, "moov atom not found"):
		return ErrTruncated.With(err) // an MP4 is finished by its index
	case in.known:
		return ErrUnreadable.With(err)
	}
	return ErrNotAudio.With(err)
}

// judge picks the sound: the one marked as default, or the first.
func (c *conversion) judge(a probeAnswer, in sniffed, guessed bool) (probed, error) {
	var pick *probeStream
	video := false
	for i := range a.Streams {
		s := &a.Streams[i]
		video = video || s.Kind == "video" && s.Disposition.Attached == 0
		if s.Kind == "audio" && (pick == nil || pick.Disposition.Default == 0 && s.Disposition.Default == 1) {
			pick = s
		}
	}
	switch {
	case pick == nil && video:
		return probed{}, ErrNoSound
	case pick == nil || !in.known && a.Format.Score < 25: // AVPROBE_SCORE_RETRY: a guess among noise
		return probed{}, ErrNotAudio
	case pick.Channels < 1 || pick.Codec == "":
		return probed{}, ErrUnreadable
	}
	container, _, _ := strings.Cut(a.Format.Name, ",")
	p := probed{stream: pick.Index, format: container + "/" + pick.Codec, channels: pick.Channels, declared: seconds(pick.Duration)}
	if p.declared == 0 && !video {
		p.declared = seconds(a.Format.Duration)
	}
	if guessed || container == "mpegts" || container == "mpeg" {
		p.declared = 0
	}
	if most := pick.longest(c.size); most > 0 && p.declared-most > missing(p.declared) {
		return p, ErrTruncated // such as a WAV of a second that claims twelve hours
	}
	if p.declared > c.cfg.MaxDuration {
		return p, ErrTooLong
	}
	return p, nil
}

// longest is how long plain samples in a file of that size can be; 0 for every other codec.
func (s *probeStream) longest(size int64) time.Duration {
	rate, err := strconv.Atoi(s.Rate)
	perSecond := float64(rate) * float64(s.Channels) * float64(s.Bits) / 8
	if err != nil || !strings.HasPrefix(s.Codec, "pcm_") || perSecond <= 0 {
		return 0
	}
	return time.Duration(float64(size) / perSecond * float64(time.Second))
}

// missing is how much shorter than declared a sound may be before it counts as cut off. A report on the law
// must not be aired without its end, so more is refused.
func missing(declared time.Duration) time.Duration { return max(time.Second, declared/100) }

// seconds reads a duration as ffprobe writes it; 0 when there is none.
func seconds(text string) time.Duration {
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(s > 0) {
		return 0
	}
	return time.Duration(min(s, 1e9) * float64(time.Second))
}

// capped keeps what a program writes and fails beyond its limit. The buffer is a field: embedded, its ReadFrom would be
// what os/exec copies by, past Write and its limit.
type capped struct {
	buf   bytes.Buffer
	limit int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.buf.Len()+len(p) > c.limit {
		return 0, errors.New("too much output")
	}
	return c.buf.Write(p)
}
