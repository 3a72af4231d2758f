package e2e

import (
	"context"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/rig"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// warning is what the tests' urgent bulletin says: our own.
const warning = `Khẩn cấp. Nước sông đang lên rất nhanh.`

// say is espeak-ng's voice saying text.
func (s *station) say(name, text string) string {
	file := filepath.Join(s.dir, name+".wav")
	out, err := exec.CommandContext(s.ctx, "espeak-ng", "-v", "vi", "-s", "180", "-w", file, text).CombinedOutput()
	if err != nil {
		s.t.Fatalf("espeak-ng: %v\n%s", err, out)
	}
	return file
}

type bulletin struct {
	ID    string
	State string
	Reach struct{ Agents, Online int }
}

// urgent writes a live bulletin as the author, puts it in force as the second person, and says when that was.
func (s *station) urgent(report rig.Report) (b bulletin, approved mono.Instant) {
	s.t.Helper()
	s.must(s.Author.Call(s.ctx, "POST", "urgent", map[string]any{
		"kind": "live", "items": []map[string]string{{"report": report.ID}}, "targets": map[string]any{"areas": []string{"hoang-dao"}},
	}, &b))
	if b.State != "draft" || b.Reach.Agents != 1 || b.Reach.Online != 1 {
		s.t.Errorf("before its approval the bulletin is %+v", b)
	}
	s.must(s.Approve(s.ctx, "urgent/"+b.ID))
	return b, mono.Now()
}

// record of a slot with its parts.
type urgentPlay struct {
	rig.Play
	Class    string
	Segments []struct {
		OffsetMS  int64 `json:"offset_ms"`
		ReachedMS int64 `json:"reached_card_ms"`
		Ended     string
	}
}

func (s *station) detailed(id string) urgentPlay {
	s.t.Helper()
	s.only(id)
	var page struct{ Items []urgentPlay }
	s.must(s.Author.Call(s.ctx, "GET", "plays?"+url.Values{"broadcast": {id}}.Encode(), nil, &page))
	if len(page.Items) != 1 {
		s.t.Fatalf("%d play records", len(page.Items))
	}
	s.t.Logf("%+v", page.Items[0])
	return page.Items[0]
}

// begins measures how a bulletin began, which must be within 3 s of its approval.
func (s *station) begins(sound []float32, approved mono.Instant) {
	s.t.Helper()
	onset := soundcard.MeasureStart(s.rec, sound, approved.Add(time.Second)) // it looks 2 s to both sides
	delay := onset.At.Sub(approved)
	s.t.Logf("bulletin: correlation %.4f, %v after its approval", onset.Correlation, delay)
	if onset.Correlation < 0.99 || delay > 3*time.Second {
		s.t.Errorf("%v after its approval the card got the bulletin by %.4f, want all of it within 3 s", delay, onset.Correlation)
	}
}

func TestUrgentBulletinInterrupts(t *testing.T) {
	s := newStation(t, nil)
	report, urgent := s.approved(s.speech()), s.approved(s.say("warning", warning))
	heard, err := s.Meant(s.ctx, urgent.ID)
	s.must(err)
	meant, err := s.Meant(s.ctx, report.ID)
	s.must(err)
	planned := soon(6 * time.Second)
	broadcast := s.at(report, planned)
	s.must(s.AwaitArmed(s.ctx, broadcast))
	s.record()
	instant := mono.Now().Add(time.Until(planned))
	s.must(s.rec.Wait(s.ctx, instant.Add(2*time.Second)))

	b, approved := s.urgent(urgent)
	rest := length(report) - approved.Sub(instant) - length(urgent) - 3*time.Second
	if rest < 3*time.Second {
		t.Fatalf("too little of the report is left after the bulletin: %v", rest)
	}
	s.must(s.rec.Wait(s.ctx, instant.Add(length(report)+time.Second)))
	s.begins(heard, approved)
	tail := soundcard.MeasureStart(s.rec, meant[len(meant)-int(rest.Seconds()*audio.Rate):], instant.Add(length(report)-rest))
	t.Logf("rest of %v: correlation %.4f, %+.2f ms from its place", rest, tail.Correlation, tail.Error.Seconds()*1000)
	if tail.Correlation < 0.99 || tail.Error.Abs() > 100*time.Millisecond {
		t.Errorf("after the bulletin the report was not at its right position: correlation %.4f, %v off", tail.Correlation, tail.Error)
	}

	p := s.detailed(b.ID)
	if p.Class != "urgent" || p.Outcome != "played" || p.Reason != "complete" || p.Report != urgent.ID || urgent.DurationMS-p.ReachedMS > 50 {
		t.Errorf("the bulletin's record says %+v", p)
	}
	p = s.detailed(broadcast)
	if len(p.Segments) != 2 || p.Segments[0].Ended != "urgent" || p.Segments[1].Ended != "complete" ||
		p.ReachedMS < report.DurationMS-urgent.DurationMS-2000 || p.ReachedMS > report.DurationMS-urgent.DurationMS+1000 {
		t.Errorf("the report's record says %+v", p)
	}
}

func TestUrgentBulletinCancelled(t *testing.T) {
	s := newStation(t, nil)
	report := s.approved(s.speech())
	s.record()
	b, approved := s.urgent(report)
	s.must(s.rec.Wait(s.ctx, approved.Add(5*time.Second)))
	meant, err := s.Meant(s.ctx, report.ID)
	s.must(err)
	s.begins(meant[:audio.Rate], approved)

	s.must(s.Author.Call(s.ctx, "POST", "urgent/"+b.ID+"/cancel", map[string]string{"reason": "nước đã rút"}, nil))
	cancelled := mono.Now()
	s.must(s.rec.Wait(s.ctx, cancelled.Add(4*time.Second)))
	stopped := s.silentAfter(cancelled)
	t.Logf("silent %v after the cancel", stopped)
	if stopped > 2*time.Second {
		t.Errorf("the bulletin went on for %v after its cancel, want at most 2 s", stopped)
	}
	p := s.detailed(b.ID)
	if p.Class != "urgent" || p.Outcome != "cut" || p.Reason != "cancelled" || p.ReachedMS < 2000 || p.ReachedMS > report.DurationMS-4000 {
		t.Errorf("the record says %+v", p)
	}
}

// TestUrgentBulletinSoundsWhileItStillComes: on a slow line the first seconds are enough to begin with, and the rest
// follows without a hole.
func TestUrgentBulletinSoundsWhileItStillComes(t *testing.T) {
	const rate = 15 // KB/s
	s := newStation(t, func(hub string) string { return slowLine(t, hub, rate) })
	report := s.approved(s.noise(45 * time.Second))
	download := time.Duration(report.Size) * time.Second / (rate * 1000)
	s.record()
	b, approved := s.urgent(report)
	s.must(s.rec.Wait(s.ctx, approved.Add(download)))
	first := slices.IndexFunc(s.rec.PCM(), func(v float32) bool { return !silent(v) })
	if first < 0 {
		t.Fatalf("no sound within the %v that the audio takes to come", download)
	}
	began := s.rec.Fit().Instant(float64(first))
	t.Logf("sound %v after the approval, all of the audio comes in %v", began.Sub(approved).Round(time.Millisecond), download)

	s.must(s.rec.Wait(s.ctx, began.Add(26*time.Second)))
	// The first chunk is some 20 s. Parts, as noise is like itself nowhere else: over the whole, a card that is followed
	// by a fraction of a millisecond would count as another sound.
	for at := 0; at < 25; at += 3 {
		onset := soundcard.MeasureStart(s.rec, s.meant[at*audio.Rate:(at+2)*audio.Rate], began.Add(time.Duration(at)*time.Second))
		if onset.Correlation < 0.9 || onset.Error.Abs() > 20*time.Millisecond {
			t.Errorf("at %d s the card got the bulletin by %.4f, %v from its place", at, onset.Correlation, onset.Error)
		}
	}
	s.must(s.Author.Call(s.ctx, "POST", "urgent/"+b.ID+"/cancel", map[string]string{"reason": "đã đủ"}, nil))
	if p := s.detailed(b.ID); p.Outcome != "cut" || p.Reason != "cancelled" || p.Segments[0].OffsetMS > 50 || p.MissedMS > 100 {
		t.Errorf("the record says %+v", p)
	}
}

// TestUrgentBulletinOnAShortLine: a hub whose limit leaves an agent 8 KiB a second sends it a bulletin as fast as the line
// goes, while tomorrow's audio waits.
func TestUrgentBulletinOnAShortLine(t *testing.T) {
	s := newStation(t, nil, "LOA_HUB_AUDIO_LIMIT=64KiB")
	long := s.approved(s.noise(3 * time.Minute))
	urgent := s.approved(s.say("warning", strings.Repeat(warning+" ", 20)))
	if urgent.Size < 64<<10 {
		t.Fatalf("a bulletin of %d bytes is soon there on any line", urgent.Size)
	}
	tomorrow := s.at(long, soon(24*time.Hour))
	state := func() rig.Readiness {
		ready, err := s.Readiness(s.ctx, tomorrow)
		s.must(err)
		return ready[0]
	}
	s.must(rig.Await(s.ctx, "tomorrow's audio comes", func(context.Context) (bool, error) { return state().State == "receiving", nil }))
	s.record()
	b, approved := s.urgent(urgent)
	s.must(s.rec.Wait(s.ctx, approved.Add(6*time.Second)))
	s.begins(s.meant[:4*audio.Rate], approved)
	if now := state(); now.State != "receiving" {
		t.Errorf("what is for tomorrow is %s, %d %%", now.State, now.Percent)
	}
	s.must(s.Author.Call(s.ctx, "POST", "urgent/"+b.ID+"/cancel", map[string]string{"reason": "đã đủ"}, nil))
	s.only(b.ID)
}
