package speaker

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/e2e/soundcard"
	"github.com/loa-vn/loa/internal/mono"
)

// childMark makes the test binary the speaker's child; its value says which kind.
const childMark = "LOA_TEST_SPEAKER_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMark) {
	case "child":
		os.Exit(Child(os.Stdin, os.Stdout))
	case "blind": // as where there is no sound server to ask
		os.Exit(serveAgent(os.Stdin, os.Stdout, func() (stream, error) { return nil, nil }))
	case "parent":
		os.Exit(parent())
	case "busy":
		for begin := mono.Now(); mono.Now().Sub(begin) < busyFor; {
			continue // it is its work
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// parent is an agent that does nothing but keep a speaker.
func parent() int {
	s := New(Config{
		Command: []string{os.Args[0]}, Env: append(os.Environ(), childMark+"=child"), Log: slog.Default(),
	})
	_ = s.Run(context.Background())
	return 0
}

// sound is PCM held in memory.
type sound []float32

func (s sound) ReadAt(buf []float32, pos int64) (int, error) {
	n := copy(buf, s[pos:])
	if n < len(buf) {
		return n, io.EOF
	}
	return n, nil
}

func noise(frames int, seed uint64) sound {
	random := rand.New(rand.NewPCG(seed, 2))
	s := make(sound, frames)
	for i := range s {
		s[i] = 0.4 * (random.Float32()*2 - 1)
	}
	return s
}

func needPulse(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("real-time sound")
	}
	if _, err := exec.LookPath("pulseaudio"); err != nil && os.Getenv("CI") == "" {
		t.Skip("pulseaudio is not installed")
	}
}

// rig is a card and a speaker that plays on it.
type rig struct {
	t       *testing.T
	ctx     context.Context
	card    *soundcard.Card
	speaker *Speaker
}

func newCard(t *testing.T) *soundcard.Card {
	t.Helper()
	needPulse(t)
	card, err := soundcard.Start(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = card.Close() })
	return card
}

func newRig(t *testing.T, card *soundcard.Card) *rig {
	t.Helper()
	return newRigOf(t, card, "child")
}

func newRigOf(t *testing.T, card *soundcard.Card, kind string) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := New(Config{
		Command: []string{os.Args[0]},
		Env:     append(os.Environ(), childMark+"="+kind, "PULSE_SERVER="+card.Server()),
		Log:     log,
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return &rig{t, ctx, card, s}
}

// await waits for a state of the card.
func (r *rig) await(want player.Condition, limit time.Duration) player.CardState {
	r.t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		state, changed := r.speaker.Watch()
		if state.State == want {
			return state
		}
		select {
		case <-changed:
		case <-end.C:
			r.t.Fatalf("card is %+v, not %s within %v", state, want, limit)
		}
	}
}

func (r *rig) record() *soundcard.Recording {
	r.t.Helper()
	rec, err := r.card.Record(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(rec.Stop)
	return rec
}

func voiceOf(slot string, s sound, at mono.Instant) player.Voice {
	return player.Voice{Slot: slot, PCM: s, At: at, First: 0, End: int64(len(s))}
}

func TestSoundStartsAtItsInstant(t *testing.T) {
	t.Run("with pulseaudio's own account", func(t *testing.T) {
		measureStarts(t, "child", 3*time.Millisecond)
	})
	// How much PulseAudio holds back is not known then (200 ms more or less, by chance), so the mean says
	// nothing; but it must not change from one sound to the next.
	t.Run("by the pulls alone", func(t *testing.T) {
		measureStarts(t, "blind", 300*time.Millisecond)
	})
}

// measureStarts plays six sounds. On a busy machine one or two may be torn or late; then the account must say
// so, and the others' errors must be small and alike.
func measureStarts(t *testing.T, kind string, usual time.Duration) {
	r := newRigOf(t, newCard(t), kind)
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	const plays = 6
	var wg sync.WaitGroup
	at := mono.Now().Add(1500 * time.Millisecond)
	sounds, heard := make([]sound, plays), make([]player.Heard, plays)
	for i := range sounds {
		sounds[i] = noise(audio.Rate/2, uint64(i+1))
		planned := at.Add(time.Duration(i) * 900 * time.Millisecond)
		wg.Go(func() {
			heard[i] = r.speaker.Play(r.ctx, voiceOf("a", sounds[i], planned))
		})
	}
	wg.Wait()
	if err := rec.Wait(r.ctx, at.Add(plays*900*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var offs []time.Duration
	for i, s := range sounds {
		planned, h := at.Add(time.Duration(i)*900*time.Millisecond), heard[i]
		m := soundcard.MeasureStart(rec, s, planned)
		t.Logf("play %d: start error %v, correlation %.5f, %d frames missed", i, m.Error, m.Correlation, h.Missed)
		if !h.Complete || h.Reached+h.Missed != int64(len(s)) {
			t.Errorf("play %d: %+v", i, h)
		}
		if h.Missed > 0 {
			continue
		}
		offs = append(offs, m.Error)
		if m.Error.Abs() > usual+100*time.Millisecond || m.Correlation < 0.99 {
			t.Errorf("play %d is said to be whole: %+v", i, m)
		}
		if d := h.StartedAt.Sub(planned); d.Abs() > usual+100*time.Millisecond {
			t.Errorf("play %d says it started %v off", i, d)
		}
	}
	if len(offs) < plays/2 {
		t.Fatalf("%d of %d plays were whole", len(offs), plays)
	}
	slices.Sort(offs)
	if got := offs[len(offs)/2]; got.Abs() > usual {
		t.Errorf("median start error %v", got)
	}
	if spread := offs[len(offs)-1] - offs[0]; spread > 50*time.Millisecond {
		t.Errorf("start errors lie %v apart", spread)
	}
}

func TestItemsFollowEachOtherWithoutAGap(t *testing.T) {
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	whole := noise(3*audio.Rate, 7)
	at := mono.Now().Add(1500 * time.Millisecond)
	var wg sync.WaitGroup
	for i := range 3 {
		part := whole[i*audio.Rate : (i+1)*audio.Rate]
		// The plan knows lengths in whole milliseconds only, and calls a little too late or too early.
		planned := at.Add(time.Duration(i)*time.Second + time.Duration(i%2)*time.Millisecond)
		wg.Go(func() {
			if h := r.speaker.Play(r.ctx, voiceOf("b", part, planned)); !h.Complete || h.Missed != 0 {
				t.Errorf("part %d: %+v", i, h)
			}
		})
	}
	wg.Wait()
	if err := rec.Wait(r.ctx, at.Add(3500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	m := soundcard.MeasureStart(rec, whole, at)
	t.Logf("three in a row: %+v", m)
	if m.Correlation < 0.9999 {
		t.Errorf("the three parts are not one sound: %+v", m)
	}
}

func TestALateSoundJoinsWhereItWouldBe(t *testing.T) {
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	s := noise(4*audio.Rate, 3)
	at := mono.Now().Add(-time.Second)
	h := r.speaker.Play(r.ctx, voiceOf("late", s, at))
	if err := rec.Wait(r.ctx, at.Add(4500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if !h.Complete || h.CardMissing || h.Reached+h.Missed != int64(len(s)) {
		t.Errorf("%+v", h)
	}
	missed := audio.Duration(h.Missed)
	if missed < time.Second || missed > 2*time.Second {
		t.Errorf("missed %v of a sound that came a second late", missed)
	}
	rest := s[h.Missed+fadeIn:]
	m := soundcard.MeasureStart(rec, rest, at.Add(audio.Duration(h.Missed+fadeIn)))
	t.Logf("joined after %v: %+v", missed, m)
	if m.Error.Abs() > 10*time.Millisecond || m.Correlation < 0.99 {
		t.Errorf("the rest is not at its place: %+v", m)
	}
}

func TestACutFadesAndCountsWhatWasHeard(t *testing.T) {
	r := newRig(t, newCard(t))
	r.await(player.CardOK, 10*time.Second)
	rec := r.record()
	s := noise(6*audio.Rate, 4)
	at := mono.Now().Add(time.Second)
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	time.AfterFunc(2*time.Second, cancel) // one second into the sound
	h := r.speaker.Play(ctx, voiceOf("cut", s, at))
	if err := rec.Wait(r.ctx, at.Add(2500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	reached := audio.Duration(h.Reached)
	t.Logf("cut after a second: heard %v", reached)
	if !h.Cut || h.Complete || h.Missed != 0 || reached < time.Second || reached > 1900*time.Millisecond {
		t.Errorf("%+v", h)
	}
	m := soundcard.MeasureStart(rec, s[:h.Reached-fadeOut], at)
	if m.Correlation < 0.999 {
		t.Errorf("%+v", m)
	}
	for i, v := range rec.PCM()[m.Frame+int(h.Reached):] {
		if v != 0 {
			t.Fatalf("sound %d frames after the cut", i)
		}
	}
}
