package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// words is what the tests' reports say: our own, on Article 20 of the Civil Code 2015.
const words = `Theo Điều 20 Bộ luật Dân sự, người thành niên là người từ đủ mười tám tuổi trở lên. Người thành niên có năng lực hành vi
dân sự đầy đủ. Người chưa thành niên là người chưa đủ mười tám tuổi. Mời bà con nghe tiếp chuyên mục Tìm hiểu pháp luật vào buổi chiều.`

// station is one hub and one agent, as programs, with a virtual sound card that is recorded.
type station struct {
	*rig.Site
	t     *testing.T
	ctx   context.Context //nolint:containedctx // a test's own, handed to every call of it
	dir   string
	agent *rig.Agent
	card  *soundcard.Card
	rec   *soundcard.Recording
	meant []float32 // what the card is to get for the last report that was approved
}

// newStation starts everything; line, when it is not nil, gives where the agent dials.
func newStation(t *testing.T, line func(hub string) string, hubEnv ...string) *station {
	t.Helper()
	needs(t, "ffmpeg", "pulseaudio", "espeak-ng")
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	s := &station{t: t, ctx: ctx, dir: t.TempDir()}
	var err error
	s.card, err = soundcard.Start(ctx, filepath.Join(s.dir, "card"))
	s.must(err)
	t.Cleanup(func() { _ = s.card.Close() })
	s.Site, err = rig.NewSite(ctx, rig.SiteOptions{Bin: bin, Dir: s.dir, Env: hubEnv})
	s.must(err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("hub:\n%s", s.Hub.Tail())
			if s.agent != nil && s.agent.Process != nil {
				t.Logf("agent:\n%s", s.agent.Tail())
			}
		}
	})
	if line != nil {
		s.Line = line(s.URL)
	}
	s.must(s.Chief.Call(ctx, "POST", "areas", map[string]any{
		"code": "hoang-dao", "name": "Xã Hoằng Đạo",
		"policy": map[string]any{"windows": []map[string]any{{"start": "00:00", "end": "24:00"}}},
	}, nil))
	s.agent, err = s.AddAgent(ctx, "hoang-dao", "dai-xa", "PULSE_SERVER="+s.card.Server())
	s.must(err)
	return s
}

func (s *station) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// needs skips a test on a bare machine; where CI is set up, a missing tool is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil && os.Getenv("CI") == "" {
			t.Skip(p + " is not installed: make setup")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		t.Skip("sound takes its time")
	}
}

// speech is espeak-ng's voice saying words, about 17 s.
func (s *station) speech() string {
	file := filepath.Join(s.dir, "speech.wav")
	out, err := exec.CommandContext(s.ctx, "espeak-ng", "-v", "vi", "-s", "180", "-w", file, words).CombinedOutput()
	if err != nil {
		s.t.Fatalf("espeak-ng: %v\n%s", err, out)
	}
	return file
}

// approved brings a file to an approved report.
func (s *station) approved(file string) rig.Report {
	s.t.Helper()
	r, err := s.Ingest(s.ctx, file, "Tìm hiểu pháp luật", nil)
	s.must(err)
	s.must(s.Approve(s.ctx, "reports/"+r.ID))
	s.meant, err = s.Meant(s.ctx, r.ID)
	s.must(err)
	return r
}

// at schedules a report for an instant and gives the broadcast.
func (s *station) at(report rig.Report, planned time.Time) string {
	s.t.Helper()
	zone := time.FixedZone("", 7*3600)
	id, err := s.Schedule(s.ctx, report.ID, "Tìm hiểu pháp luật", map[string]any{"at": planned.In(zone).Format("2006-01-02T15:04:05")}, "hoang-dao")
	s.must(err)
	return id
}

// record begins to record the card.
func (s *station) record() {
	s.t.Helper()
	var err error
	s.rec, err = s.card.Record(s.ctx)
	s.must(err)
	s.t.Cleanup(s.rec.Stop)
}

// only gives the one record a slot must leave.
func (s *station) only(broadcast string) rig.Play {
	s.t.Helper()
	plays, err := s.AwaitPlays(s.ctx, s.agent.ID, broadcast, 1)
	s.must(err)
	if len(plays) != 1 {
		s.t.Fatalf("%d play records, want one: %+v", len(plays), plays)
	}
	return plays[0]
}

// whole checks that the card got the whole report at its instant.
func (s *station) whole(report rig.Report, planned time.Time) {
	s.t.Helper()
	instant := mono.Now().Add(time.Until(planned))
	s.must(s.rec.Wait(s.ctx, instant.Add(length(report))))
	onset := soundcard.MeasureStart(s.rec, s.meant, instant)
	s.t.Logf("correlation %.5f, start %+.2f ms", onset.Correlation, onset.Error.Seconds()*1000)
	if onset.Correlation < 0.99 {
		s.t.Errorf("what the card got correlates by %.4f with what was meant, want at least 0.99", onset.Correlation)
	}
	if onset.Error.Abs() > 100*time.Millisecond {
		s.t.Errorf("began %v from its instant, want at most 100 ms", onset.Error)
	}
}

func length(r rig.Report) time.Duration { return time.Duration(r.DurationMS) * time.Millisecond }

// soon is an instant far enough for approval and delivery on a busy machine.
func soon(d time.Duration) time.Time { return time.Now().Add(d).Truncate(time.Second) }

func TestTheCardGetsWhatWasMeant(t *testing.T) {
	s := newStation(t, nil)
	sources := []string{s.speech()}
	real, err := filepath.Glob(filepath.Join(sharedAudio(), "*.mp3"))
	s.must(err)
	for i, file := range real { // a part of each is enough, and keeps the test short
		part := filepath.Join(s.dir, fmt.Sprintf("part%d.mp3", i))
		out, err := exec.CommandContext(s.ctx, "ffmpeg", "-v", "error", "-t", "10", "-i", file, "-c", "copy", part).CombinedOutput()
		if err != nil {
			t.Fatalf("ffmpeg: %v\n%s", err, out)
		}
		sources = append(sources, part)
	}
	s.record()
	for _, source := range sources {
		report := s.approved(source)
		planned := soon(5 * time.Second)
		broadcast := s.at(report, planned)
		s.must(s.AwaitArmed(s.ctx, broadcast))
		p := s.only(broadcast)
		if p.Outcome != "played" || p.Reason != "complete" {
			t.Errorf("%s: %s/%s", filepath.Base(source), p.Outcome, p.Reason)
		}
		if missing := report.DurationMS - p.ReachedMS; missing < -5 || missing > 50 {
			t.Errorf("%s: the record says that %d of %d ms reached the card", filepath.Base(source), p.ReachedMS, report.DurationMS)
		}
		s.whole(report, planned)
	}
}

func sharedAudio() string {
	if dir := os.Getenv("LOA_TEST_AUDIO"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "audio")
}

func TestHubGoneBeforeTheSlot(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.speech())
	planned := soon(6 * time.Second)
	broadcast := s.at(report, planned)
	s.must(s.AwaitArmed(s.ctx, broadcast))
	s.record()
	s.Hub.Kill()
	s.whole(report, planned)
	s.must(s.StartHub(s.ctx))
	if p := s.only(broadcast); p.Outcome != "played" || p.StartedAt.Sub(planned).Abs() > 100*time.Millisecond {
		t.Errorf("after the hub came back its play log says %s, started at %v, planned %v", p.Outcome, p.StartedAt, planned)
	}
}

func TestAgentKilledInTheMiddleOfADownload(t *testing.T) {
	s := newStation(t, func(hub string) string { return slowLine(t, hub, 20) })
	report := s.approved(s.noise(90 * time.Second)) // some 300 kB: 15 s on this line
	planned := soon(90 * time.Second)
	broadcast := s.at(report, planned)
	part := func(ctx context.Context) (bool, error) {
		ready, err := s.Readiness(ctx, broadcast)
		return len(ready) == 1 && ready[0].Percent >= 30 && ready[0].Percent < 100, err
	}
	for range 2 {
		s.must(rig.Await(s.ctx, "a part of the audio has arrived", part))
		s.agent.Kill()
		s.must(s.agent.Start(s.ctx))
	}
	s.must(s.AwaitArmed(s.ctx, broadcast))
	s.record()
	s.must(s.rec.Wait(s.ctx, mono.Now().Add(time.Second)))
	if peak := loudest(s.rec.PCM()); peak > 0 {
		t.Errorf("the card got sound (%.4f) before the slot", peak)
	}
}

// noise is a file whose distribution form is large for its length, because nothing in it repeats.
func (s *station) noise(d time.Duration) string {
	file := filepath.Join(s.dir, "noise.wav")
	out, err := exec.CommandContext(s.ctx, "ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i",
		fmt.Sprintf("anoisesrc=d=%.0f:c=pink:r=48000:a=0.3:seed=7", d.Seconds()), file).CombinedOutput()
	if err != nil {
		s.t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return file
}

func loudest(pcm []float32) (peak float32) {
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	return peak
}

func TestAgentKilledInTheMiddleOfASound(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.speech())
	planned := soon(5 * time.Second)
	broadcast := s.at(report, planned)
	s.must(s.AwaitArmed(s.ctx, broadcast))
	s.record()
	instant := mono.Now().Add(time.Until(planned))
	s.must(s.rec.Wait(s.ctx, instant.Add(4*time.Second)))
	s.agent.Kill()
	started := mono.Now()
	s.must(s.agent.Start(s.ctx))
	p := s.only(broadcast)
	if p.Outcome == "skipped" || p.ReachedMS < report.DurationMS/2 || p.ReachedMS > report.DurationMS-200 {
		t.Errorf("the one record says %s/%s, %d of %d ms reached the card", p.Outcome, p.Reason, p.ReachedMS, report.DurationMS)
	}
	s.must(s.rec.Wait(s.ctx, instant.Add(length(report))))
	tail := s.meant[len(s.meant)-audio.Rate*5:]
	onset := soundcard.MeasureStart(s.rec, tail, instant.Add(length(report)-5*time.Second))
	t.Logf("tail: correlation %.4f, %+.2f ms from its place", onset.Correlation, onset.Error.Seconds()*1000)
	begin := onset.Frame - (len(s.meant) - len(tail))
	_, resumed := s.gap(begin)
	first := s.rec.Fit().Instant(float64(begin + resumed)).Sub(started)
	t.Logf("first sound %v after the start of the process, goal 2 s", first.Round(time.Millisecond))
	if first > 3*firstSound { // the machine may have other things to do
		t.Errorf("first sound %v after the start of the process, want at most %v", first, firstSound)
	}
	least, most := s.reached(begin)
	claimed := time.Duration(p.ReachedMS) * time.Millisecond
	t.Logf("the record says that %v of %v reached the card, the recording %v to %v", claimed, length(report), least, most)
	if claimed > most+50*time.Millisecond || claimed < least-2500*time.Millisecond {
		t.Errorf("the record says that %v reached the card, the recording %v to %v", claimed, least, most)
	}
	if onset.Correlation < 0.99 || onset.Error.Abs() > 100*time.Millisecond {
		t.Errorf("after the restart the sound was not at its right position: correlation %.4f, %v off", onset.Correlation, onset.Error)
	}
}

// firstSound is the most from the start of an agent in the middle of a report to its first sample at the card.
const firstSound = 2 * time.Second

func silent(v float32) bool { return v < 1e-3 && v > -1e-3 }

// gap is the longest silence of a report whose first frame lies at begin of the recording, in frames of the report.
func (s *station) gap(begin int) (from, to int) {
	got := s.rec.PCM()[begin:][:len(s.meant)] // a copy
	for i, run := 0, 0; i < len(got); i++ {
		if run++; !silent(got[i]) {
			run = 0
		}
		if run > to-from {
			from, to = i+1-run, i+1
		}
	}
	return from, to
}

// reached says how much of a report that broke off once the card got, by the recording, in which the report's first
// frame lies at begin. A pause of the speech beside the break may belong to it or not.
func (s *station) reached(begin int) (least, most time.Duration) {
	from, to := s.gap(begin)
	unsure := 0
	for i := from; i < to && silent(s.meant[i]); i++ {
		unsure++
	}
	for i := to - 1; i >= from+unsure && silent(s.meant[i]); i-- {
		unsure++
	}
	sure := len(s.meant) - (to - from)
	return audio.Duration(int64(sure)), audio.Duration(int64(sure + unsure))
}

func TestNoSoundCardAtTheStartOfASlot(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.speech())
	s.must(s.card.RemoveSink())
	planned := soon(5 * time.Second)
	broadcast := s.at(report, planned)
	instant := mono.Now().Add(time.Until(planned))
	s.must(rig.Await(s.ctx, "the hub knows that the card is missing", func(ctx context.Context) (bool, error) {
		var agent struct{ Card struct{ State string } }
		err := s.Author.Call(ctx, "GET", "agents/"+s.agent.ID, nil, &agent)
		return agent.Card.State == "missing" && mono.Now().Sub(instant) > 3*time.Second, err
	}))
	s.must(s.card.RestoreSink())
	s.record()
	p := s.only(broadcast)
	if p.Outcome == "played" && p.Reason == "complete" || p.ReachedMS < 3000 || p.ReachedMS > report.DurationMS-2900 || p.MissedMS < 2900 {
		t.Errorf("the card came 3 s late; the record says %s/%s, %d of %d ms reached it, %d missed", p.Outcome, p.Reason, p.ReachedMS, report.DurationMS, p.MissedMS)
	}
	s.must(s.rec.Wait(s.ctx, instant.Add(length(report))))
	onset := soundcard.MeasureStart(s.rec, s.meant[len(s.meant)-audio.Rate*4:], instant.Add(length(report)-4*time.Second))
	if onset.Correlation < 0.99 || onset.Error.Abs() > 100*time.Millisecond {
		t.Errorf("the programme did not go on at its right position: correlation %.4f, %v off", onset.Correlation, onset.Error)
	}
}
