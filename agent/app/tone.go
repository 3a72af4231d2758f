package app

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/mono"
	"github.com/loa-vn/loa/internal/problem"
)

// The test tone, as broadcasters line up with: 1 kHz at -18 dBFS (EBU R 68).
const (
	toneHz    = 1000
	toneLevel = -18.0
	toneRate  = 48000
	toneTime  = 3 * time.Second

	// toneSpare is how long before the next item a tone must have ended.
	toneSpare = 10 * time.Second
)

var (
	errToneProgramme = problem.New("TONE_PROGRAMME", 409,
		"Đang phát hoặc sắp phát chương trình. Hãy thử tiếng sau khi mục đó kết thúc.",
		"Something is played now or within a minute. Try the tone when that has ended.")
	errToneForbidden = problem.New("TONE_FORBIDDEN", 409,
		"Lúc này loa phải im lặng: ngoài giờ được phát, giờ tiếp âm, đang tắt tiếng hoặc đang dừng. Hãy thử vào lúc khác, hoặc bật tiếng lại trước.",
		"The loudspeakers must be silent now: outside the allowed hours, while another source speaks, muted or stopped. Try at another time, or end the mute or stop first.")
	errToneOn = problem.New("TONE_ON", 409,
		"Tiếng thử đang phát. Hãy chờ nó kết thúc.",
		"The test tone is on already. Wait until it has ended.")
)

// tone is a sine at a volume, in percent on the scale of the player's.
type tone struct{ percent int }

// ReadAt gives the sine at a position.
func (s tone) ReadAt(buf []float32, pos int64) (int, error) {
	v := float64(s.percent) / 100
	amplitude := math.Pow(10, toneLevel/20) * v * v * v
	for i := range buf {
		t := float64(pos+int64(i)) / toneRate
		buf[i] = float32(amplitude * math.Sin(2*math.Pi*toneHz*t))
	}
	return len(buf), nil
}

// toneVoice is the tone at the soonest.
func toneVoice(out player.Output, now mono.Instant, percent int) player.Voice {
	return player.Voice{Slot: "test-tone", PCM: tone{percent}, At: now.Add(out.Lead()), End: int64(toneTime.Seconds() * toneRate)}
}

// tester plays the test tone for the operator on the card of the agent that runs: never over a programme, never when
// the loudspeakers must be silent, as loud as the programme would be; a stop or an urgent bulletin ends it.
type tester struct {
	a       *App
	p       *paired
	output  player.Output
	asked   chan struct{}
	changes []<-chan struct{} // of what sounds and of what the commune decides

	mu    sync.Mutex
	state console.Tone
}

func newTester(a *App, p *paired, output player.Output) *tester {
	return &tester{a: a, p: p, output: output, asked: make(chan struct{}, 1),
		changes: []<-chan struct{}{p.scheduler.Subscribe(), p.decisions.Subscribe()}}
}

// State is how the last tone went.
func (t *tester) State() console.Tone {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

func (t *tester) set(state string, reached time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = console.Tone{State: state, At: t.a.now(), ReachedMS: reached.Milliseconds()}
}

// Start has Run play the tone, or says why not.
func (t *tester) Start() error {
	if err := t.allowed(t.warmUp() + toneTime); err != nil {
		return err
	}
	if state, _ := t.output.Watch(); state.State != player.CardOK {
		return errNoCard
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state.State == "warming" || t.state.State == "sounding" {
		return errToneOn
	}
	t.state = console.Tone{State: "warming", At: t.a.now()}
	t.asked <- struct{}{} // empty: it is read before the state is another
	return nil
}

// allowed tells whether a tone may be heard from now on for a while.
func (t *tester) allowed(length time.Duration) error {
	now := t.a.now()
	end := now.Add(length)
	playing, next := t.p.scheduler.Playing()
	if playing != nil || next != nil && next.Start.Before(end.Add(toneSpare)) {
		return errToneProgramme
	}
	// Without a trusted time no rule can be looked at: whoever is there with the PIN knows the hour.
	if plan := t.p.plan(); plan != nil && !t.a.trusted().IsZero() && plan.Forbids(broadcast.Span{Start: now, End: end}) != "" {
		return errToneForbidden
	}
	return nil
}

// warmUp is how long the amplifier needs from now on.
func (t *tester) warmUp() time.Duration {
	if t.p.amplifier == nil || t.p.amplifier.Status().State == "on" {
		return 0
	}
	return t.a.o.Config.AmplifierLead
}

// Run plays what is asked for until ctx ends.
func (t *tester) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.asked:
			t.play(ctx)
		}
	}
}

func (t *tester) play(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { t.watch(ctx, cancel) })
	percent := 100
	if plan := t.p.plan(); plan != nil {
		percent = plan.VolumeAt(t.a.now())
	}
	warm := time.NewTimer(t.warmUp())
	defer warm.Stop()
	if t.p.amplifier != nil {
		defer t.p.amplifier.Cue(t.a.now())()
	}
	select {
	case <-ctx.Done():
		t.set("cut", 0)
		return
	case <-warm.C:
	}
	t.set("sounding", 0)
	heard := t.output.Play(ctx, toneVoice(t.output, t.a.monoNow(), percent))
	reached := time.Duration(heard.Reached) * time.Second / toneRate
	switch {
	case heard.Cut:
		t.set("cut", reached)
	case !heard.Complete:
		t.set("failed", reached)
	default:
		t.set("heard", reached)
	}
	t.a.o.Log.Info("test tone", "state", t.State().State, "reached", reached)
}

// watch ends the tone when it may not be heard any more.
func (t *tester) watch(ctx context.Context, cancel context.CancelFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.changes[0]:
		case <-t.changes[1]:
		}
		playing, _ := t.p.scheduler.Playing()
		now := t.a.now()
		plan := t.p.plan()
		if playing != nil || t.p.stopped(now) || plan != nil && !t.a.trusted().IsZero() && plan.Forbids(broadcast.Span{Start: now, End: now.Add(1)}) != "" {
			cancel()
			return
		}
	}
}

// stopped tells whether a stop at this PC holds, with a plan or without.
func (p *paired) stopped(now time.Time) bool {
	held := false
	for _, e := range p.decisions.List() {
		switch d := e.Decision; d.Kind {
		case "hold":
			held = d.Until == nil || now.Before(*d.Until)
		case "release":
			held = false
		}
	}
	return held
}
