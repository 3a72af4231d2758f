package player_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/agent/internal/player/playertest"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const length = 4 * time.Second

// stage is a player on a fake card inside a synctest bubble.
type stage struct {
	card   *playertest.Card
	player *player.Player
	now    func() mono.Instant
}

func newStage() *stage {
	now := playertest.Clock()
	card := playertest.New(now)
	return &stage{card, player.New(card, now, slog.New(slog.DiscardHandler)), now}
}

func TestResults(t *testing.T) {
	report := playertest.Report(length)
	damaged := make([]byte, report.Size())
	if _, err := report.ReadAt(damaged, 0); err != nil {
		t.Fatal(err)
	}
	damaged[len(damaged)/2] ^= 1

	type want struct {
		outcome         player.Outcome
		reason          string
		reached, missed time.Duration
		started         time.Duration // after At, -1: never
	}
	cases := []struct {
		name   string
		audio  player.Source
		in     time.Duration // At, from now
		offset time.Duration
		script func(*stage, context.CancelFunc)
		want   want
	}{
		{"to its end", report, time.Second, 0, nil, want{player.Complete, "", length, 0, 0}},
		{"from an offset", report, time.Second, 1500 * time.Millisecond, nil, want{player.Complete, "", 2500 * time.Millisecond, 0, 0}},
		{"from its end", report, time.Second, length, nil, want{player.Complete, "", 0, 0, -1}},
		{"a second late", report, -time.Second, 0, nil, want{player.Complete, "", 3 * time.Second, time.Second, time.Second}},
		{"cut before it began", report, time.Second, 0, after(time.Second/2, cut), want{player.Cut, player.ReasonCut, 0, 0, -1}},
		{"cut in the middle", report, time.Second, 0, after(2*time.Second, cut), want{player.Cut, player.ReasonCut, time.Second, 0, 0}},
		{"card missing all the time", report, time.Second, 0, after(0, lose), want{player.Failed, player.ReasonCardMissing, 0, length, -1}},
		{"card missing at the start", report, time.Second, 0, both(after(0, lose), after(2*time.Second, give)), want{player.Complete, player.ReasonCardMissing, 3 * time.Second, time.Second, time.Second}},
		{"card missing in the middle", report, time.Second, 0, both(after(2*time.Second, lose), after(3*time.Second, give)), want{player.Complete, player.ReasonCardMissing, 3 * time.Second, time.Second, 0}},
		{"card missing at the end", report, time.Second, 0, after(3*time.Second, lose), want{player.Failed, player.ReasonCardMissing, 2 * time.Second, 2 * time.Second, 0}},
		{"not audio at all", bytes.NewReader([]byte("something else")), time.Second, 0, nil, want{player.Failed, player.ReasonAudioDamaged, 0, 0, -1}},
		{"damaged in the middle", bytes.NewReader(damaged), time.Second, 0, nil, want{player.Failed, player.ReasonAudioDamaged, -1, -1, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.card.Decode = true
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.script != nil {
					c.script(s, cancel)
				}
				at := s.now().Add(c.in)
				got := s.player.Play(ctx, player.Cue{Slot: "s", Audio: c.audio, At: at, Offset: c.offset, VolumePercent: 100})
				if got.Outcome != c.want.outcome || got.Reason != c.want.reason {
					t.Errorf("%s/%s, want %s/%s", got.Outcome, got.Reason, c.want.outcome, c.want.reason)
				}
				if c.want.reached >= 0 && (got.Reached != c.want.reached || got.Missed != c.want.missed) {
					t.Errorf("reached %v, missed %v", got.Reached, got.Missed)
				}
				if c.want.reached < 0 && (got.Reached == 0 || got.Missed == 0 || got.Reached+got.Missed != length) {
					t.Errorf("reached %v, missed %v", got.Reached, got.Missed)
				}
				if c.want.started < 0 && got.StartedAt != 0 {
					t.Errorf("started at %v", got.StartedAt)
				}
				if c.want.started >= 0 && got.StartedAt != at.Add(c.want.started) {
					t.Errorf("started %v after its instant", got.StartedAt.Sub(at))
				}
			})
		})
	}
}

type script = func(*stage, context.CancelFunc)

func after(d time.Duration, do script) script {
	return func(s *stage, cancel context.CancelFunc) {
		if d == 0 {
			do(s, cancel)
			return
		}
		time.AfterFunc(d, func() { do(s, cancel) })
	}
}

func both(a, b script) script {
	return func(s *stage, cancel context.CancelFunc) { a(s, cancel); b(s, cancel) }
}

func cut(_ *stage, cancel context.CancelFunc) { cancel() }
func lose(s *stage, _ context.CancelFunc)     { s.card.Set(player.CardMissing, "unplugged") }
func give(s *stage, _ context.CancelFunc)     { s.card.Set(player.CardOK, "") }

func TestTheCardRemembersWhatSoundedWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		report := playertest.Report(length)
		at := s.now().Add(time.Second)
		done := make(chan player.Result, 1)
		go func() {
			done <- s.player.Play(t.Context(), player.Cue{Slot: "second", Audio: report, At: at.Add(length), VolumePercent: 100})
		}()
		s.player.Play(t.Context(), player.Cue{Slot: "first", Audio: report, At: at, VolumePercent: 100})
		<-done
		got := s.card.WaitSounded(t.Context(), 2)
		frames := audio.Frames(length)
		want := []playertest.Sounded{
			{Slot: "first", To: frames, At: at},
			{Slot: "second", To: frames, At: at.Add(length)},
		}
		if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestTheCardsStateIsToldOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		state, changed := s.player.WatchCard()
		if state.State != player.CardOK {
			t.Fatalf("%+v", state)
		}
		time.AfterFunc(time.Second, func() { s.card.Set(player.CardMissing, "unplugged") })
		<-changed
		if state := s.player.Card(); state.State != player.CardMissing || state.Detail != "unplugged" || state.Since != s.now() {
			t.Errorf("%+v", state)
		}
	})
}

func TestProgress(t *testing.T) {
	report := playertest.Report(length)
	cases := []struct {
		name            string
		in              time.Duration // At, from now
		script          script
		started         time.Duration // after At, -1: never
		reached, missed time.Duration // of the last telling before the end
	}{
		{"to its end", time.Second, nil, 0, 3900 * time.Millisecond, 0},
		{"a second late", -time.Second, nil, time.Second, 2800 * time.Millisecond, time.Second},
		{"card missing in the middle", time.Second, both(after(2*time.Second, lose), after(3*time.Second, give)), 0, 2750 * time.Millisecond, time.Second},
		{"card missing all the time", time.Second, after(0, lose), -1, 0, 3900 * time.Millisecond},
		{"cut in the middle", time.Second, after(2900*time.Millisecond, cut), 0, 1800 * time.Millisecond, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.card.TellEvery = 350 * time.Millisecond
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.script != nil {
					c.script(s, cancel)
				}
				at := s.now().Add(c.in)
				var last player.Progress
				end := s.player.Play(ctx, player.Cue{Slot: "s", Audio: report, At: at, VolumePercent: 100, Progress: func(p player.Progress) {
					if p.Reached < last.Reached || p.Missed < last.Missed {
						t.Errorf("went back from %+v to %+v", last, p)
					}
					last = p
				}})
				if last.Reached > end.Reached || last.Missed > end.Missed || last.EndedAt > end.EndedAt {
					t.Errorf("told %+v, in the end %+v", last, end)
				}
				if last.Reached != c.reached || last.Missed != c.missed {
					t.Errorf("told %v reached, %v missed", last.Reached, last.Missed)
				}
				if c.started < 0 && last.StartedAt != 0 || c.started >= 0 && last.StartedAt != at.Add(c.started) {
					t.Errorf("told that it started %v after its instant", last.StartedAt.Sub(at))
				}
			})
		})
	}
}

// tap is an Output that only reads the voice's PCM.
type tap struct {
	player.Output
	pcm []float32
	err error
}

func (o *tap) Play(_ context.Context, v player.Voice) player.Heard {
	o.pcm = make([]float32, v.End-v.First)
	_, o.err = v.PCM.ReadAt(o.pcm, v.First)
	return player.Heard{Complete: true}
}

func TestVolumeAndGain(t *testing.T) {
	report := playertest.Report(time.Second)
	now := playertest.Clock()
	peak := func(volume int, gain float64) float64 {
		o := &tap{}
		p := player.New(o, now, slog.New(slog.DiscardHandler))
		p.Play(t.Context(), player.Cue{Audio: report, At: now(), VolumePercent: volume, GainDB: gain})
		if o.err != nil && !errors.Is(o.err, io.EOF) {
			t.Fatal(o.err)
		}
		var most float64
		for _, v := range o.pcm {
			most = max(most, math.Abs(float64(v)))
		}
		return most
	}
	full := peak(100, 0)
	cases := []struct {
		name   string
		volume int
		gain   float64
		want   float64
	}{
		{"half is an eighth of the amplitude", 50, 0, full / 8},
		{"nothing", 0, 0, 0},
		{"more than all is all", 250, 0, full},
		{"less than nothing is nothing", -5, 0, 0},
		{"minus 6 dB", 100, -6.0206, full / 2},
		{"clipped, not wrapped", 100, 40, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := peak(c.volume, c.gain); math.Abs(got-c.want) > 1e-4 {
				t.Errorf("peak %f, want %f", got, c.want)
			}
		})
	}
}
