package ingest

import "fmt"

// PeerCommands are the plain ffmpeg commands that do what Convert did to in: measure, then filter and
// encode, then decode and measure again, one after the other, with the same filters and numbers. The bench
// sets Convert's time beside theirs. Each is a program with its arguments.
func PeerCommands(in, out string, r Result) [][]string {
	s := setting{gain: r.GainDB, ceiling: r.LimiterDBFS, kbps: r.BitrateKbps}
	mono := "aresample=48000,aformat=sample_fmts=flt:channel_layouts=mono"
	cut := fmt.Sprintf("atrim=start_sample=%d:end_sample=%d,asetpts=PTS-STARTPTS", r.TrimStartMS*rate/1000, (r.TrimStartMS+r.DurationMS)*rate/1000)
	ffmpeg := func(args ...string) []string {
		return append([]string{"ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-y"}, args...)
	}
	silence := fmt.Sprintf("silencedetect=noise=%.1fdB", targetLUFS-r.GainDB-soundsBelow)
	encode := append(ffmpeg("-i", in, "-vn", "-af", mono+","+cut+","+s.filters()), s.encoder()...)
	return [][]string{
		ffmpeg("-i", in, "-vn", "-af", mono+",ebur128=framelog=verbose,"+silence, "-f", "null", "-"),
		append(encode, out),
		ffmpeg("-c:a", "libopus", "-i", out, "-af", meterFilter, "-f", "null", "-"),
	}
}
