package ingest

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

// FuzzProbe is an upload up to the decoder: the look at its first and last bytes, and at what ffprobe said of it, which
// repeats what the file says of itself.
func FuzzProbe(f *testing.F) {
	const good = `{"streams":[{"index":0,"codec_type":"audio","codec_name":"pcm_s16le","sample_rate":"22050","channels":1,"bits_per_sample":16,` +
		`"duration":"5.0","disposition":{"default":0,"attached_pic":0}}],"format":{"format_name":"wav","duration":"5.0","probe_score":99}}`
	for _, seed := range []string{
		"", "MZ", "#EXTM3U", "OggS\x00\x04", "RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff", "RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff",
		"ID3\x03\x00\x00\x7f\x7f\x7f\x7f\xff\xfb", "\xff\xfb\x90\x00" + string(make([]byte, 32)) + "Xing\x00\x00\x00\x0f\x00\x00\x00\x09\x7f\xff\xff\xff" + string(make([]byte, 64)),
		string(asfHeader) + string(asfFileProperties) + string(make([]byte, 80)), "\xef\xbb\xbffile 'x'", "\xff\xfeh\x00",
	} {
		f.Add([]byte(seed), []byte(good))
	}
	for _, answer := range []string{`{}`, `{"streams":null}`, `{"streams":[{"codec_type":"audio","channels":-1,"duration":"NaN"}]}`,
		`{"streams":[{"codec_type":"audio","codec_name":"pcm_s16le","sample_rate":"0","channels":1,"duration":"1e300"}],"format":{"duration":"-inf","probe_score":1}}`} {
		f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata"), []byte(answer))
	}
	f.Fuzz(func(t *testing.T, file, answer []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := sniff(path)
		if err != nil {
			if refusal(err).Code == ErrInternal.Code {
				t.Errorf("%v", err)
			}
			return
		}
		var a probeAnswer
		if json.Unmarshal(answer, &a) != nil {
			return
		}
		c := &conversion{cfg: Config{}.withDefaults(), log: slog.New(slog.DiscardHandler), size: int64(len(file))}
		p, err := c.judge(a, in, false)
		if err != nil {
			if refusal(err).Code == ErrInternal.Code {
				t.Errorf("%v", err)
			}
			return
		}
		if p.channels < 1 || p.declared < 0 || p.declared > c.cfg.MaxDuration {
			t.Errorf("taken: %+v", p)
		}
	})
}
