package speaker

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// newTestMixer makes a mixer whose frame 0 is at the card at origin.
func newTestMixer(origin mono.Instant) *mixer {
	m := newMixer(func() mono.Instant { return 0 })
	m.clock.least = 1
	m.clock.observe(0, origin)
	return m
}

// ramp is a sound in which each sample tells its position.
func ramp(n int64) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(i+1) / (1 << 20)
	}
	return s
}

func at(origin mono.Instant, frame int64) int64 { return int64(origin.Add(audio.Duration(frame))) }

// take reads n frames in blocks of the given size.
func take(t interface{ Fatal(...any) }, m *mixer, n, block int) []float32 {
	var out []float32
	buf := make([]byte, block*4)
	for len(out) < n {
		got, err := m.Read(buf[:min(block, n-len(out))*4])
		if err != nil || got == 0 {
			t.Fatal("read:", got, err)
		}
		for i := 0; i < got; i += 4 {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(buf[i:])))
		}
	}
	return out
}

func apply(t interface{ Fatal(...any) }, m *mixer, msgs ...message) {
	for _, msg := range msgs {
		if err := m.apply(msg); err != nil {
			t.Fatal(err)
		}
	}
}

// give sends samples of a voice in steps.
func give(t interface{ Fatal(...any) }, m *mixer, id uint32, pos int64, samples []float32) {
	for len(samples) > 0 {
		n := min(len(samples), pcmStep)
		apply(t, m, pcmFrame{id, pos, samples[:n]})
		samples, pos = samples[n:], pos+int64(n)
	}
}

func lastHeard(msgs []message, id uint32) (h heard) {
	for _, m := range msgs {
		if v, ok := m.(heard); ok && v.Voice == id {
			h = v
		}
	}
	return h
}

func TestAVoiceLiesAtItsFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		origin := mono.Instant(rapid.Int64Range(0, 1<<50).Draw(t, "origin"))
		start := rapid.Int64Range(placeAhead+blockFrames, 20000).Draw(t, "start")
		length := rapid.Int64Range(1, 20000).Draw(t, "length")
		block := rapid.IntRange(1, 2*blockFrames).Draw(t, "block")
		m := newTestMixer(origin)
		s := ramp(length)
		apply(t, m, openVoice{Voice: 1, At: at(origin, start), End: length})
		give(t, m, 1, 0, s)
		total := int(start + length + 1000)
		out := take(t, m, total, block)
		for i, v := range out {
			want := float32(0)
			if k := int64(i) - start; k >= 0 && k < length {
				want = s[k]
			}
			if v != want {
				t.Fatalf("frame %d is %v, want %v", i, v, want)
			}
		}
		h := lastHeard(m.confirm(int64(total), true), 1)
		if h.Ended != 1 || h.Reached != length || h.Stop != length || h.Pos != length {
			t.Fatalf("%+v", h)
		}
		if d := mono.Instant(h.StartedAt).Sub(mono.Instant(at(origin, start))); d.Abs() > 25*time.Microsecond {
			t.Fatalf("started %v off", d)
		}
	})
}

func TestVoicesPlannedInARowAreOneSound(t *testing.T) {
	cases := []struct {
		name string
		plan time.Duration // how far the second's instant is from the first's end, by the plan
		gap  int64
	}{
		{"exact", 0, 0},
		{"a millisecond late", time.Millisecond, 0},
		{"a millisecond early", -time.Millisecond, 0},
		{"a pause of 25 ms is meant", 25 * time.Millisecond, 1200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newTestMixer(0)
			s := ramp(20000)
			const start = 10000
			end := mono.Instant(at(0, start+10000))
			apply(t, m, openVoice{Voice: 1, At: at(0, start), End: 10000}, openVoice{Voice: 2, At: int64(end.Add(c.plan)), End: 10000})
			give(t, m, 1, 0, s[:10000])
			give(t, m, 2, 0, s[10000:])
			out := take(t, m, start, blockFrames)
			out = append(out, take(t, m, 25000, blockFrames)...)
			for i, v := range s {
				frame := start + i
				if i >= 10000 {
					frame += int(c.gap)
				}
				if out[frame] != v {
					t.Fatalf("position %d: %v", i, out[frame])
				}
			}
		})
	}
}

func TestLatePCMIsMissingNotShifted(t *testing.T) {
	m := newTestMixer(0)
	s := ramp(20000)
	apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 20000})
	give(t, m, 1, 0, s[:5000])
	out := take(t, m, 9600+10000, blockFrames)
	give(t, m, 1, 5000, s[5000:])
	out = append(out, take(t, m, 12000, blockFrames)...)
	for i, v := range out {
		k := i - 9600
		switch {
		case k >= 0 && k < 5000 || k >= 10000+fadeIn && k < 20000:
			if v != s[k] {
				t.Fatalf("position %d: %v", k, v)
			}
		case k >= 10000 && k < 10000+fadeIn:
			if v > s[k] {
				t.Fatalf("position %d is louder than it is: %v", k, v)
			}
		case v != 0:
			t.Fatalf("position %d should be silent: %v", k, v)
		}
	}
	h := lastHeard(m.confirm(1<<40, true), 1)
	if h.Reached != 15000 || h.Stop != 20000 || h.Ended != 1 {
		t.Errorf("%+v", h)
	}
}

func TestCut(t *testing.T) {
	open := func(m *mixer) {
		apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 50000})
		give(t, m, 1, 0, ramp(50000))
	}
	t.Run("in the middle", func(t *testing.T) {
		m := newTestMixer(0)
		open(m)
		take(t, m, 9600+1000, blockFrames)
		apply(t, m, cutVoice{1})
		out := take(t, m, 5000, 333) // the fade ends inside a block
		for i := 1; i < fadeOut; i++ {
			if out[i] >= out[i-1] {
				t.Fatalf("not falling at %d: %v, %v", i, out[i-1], out[i])
			}
		}
		for i, v := range out[fadeOut:] {
			if v != 0 {
				t.Fatalf("sound %d frames after the fade", i)
			}
		}
		h := lastHeard(m.confirm(1<<40, true), 1)
		if h.Reached != 1000+fadeOut || h.Stop != h.Reached || h.Ended != 1 {
			t.Errorf("%+v", h)
		}
	})
	for _, mixed := range []int{0, 4800, 9600} {
		m := newTestMixer(0)
		open(m)
		take(t, m, mixed, blockFrames)
		apply(t, m, cutVoice{1})
		out := take(t, m, 20000, blockFrames)
		for i, v := range out {
			if v != 0 {
				t.Fatalf("cut %d frames before the start, and frame %d sounds", 9600-mixed, i)
			}
		}
		if h := lastHeard(m.confirm(1<<40, true), 1); h.Ended != 1 || h.Reached != 0 || h.Stop != 0 {
			t.Errorf("%+v", h)
		}
	}
}

func TestConfirmation(t *testing.T) {
	m := newTestMixer(0)
	apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 9600})
	give(t, m, 1, 0, ramp(9600))
	take(t, m, 30000, blockFrames)
	steps := []struct {
		played  int64
		real    bool
		reached int64
		ended   uint8
	}{
		{9600, true, 0, 0},
		{9601, true, 1, 0},
		{12000, true, 2400, 0},
		{14400, false, 2400, 0}, // a dummy played it: nobody heard
		{30000, true, 7200, 1},
	}
	for _, s := range steps {
		msgs := m.confirm(s.played, s.real)
		h := lastHeard(msgs, 1)
		if len(msgs) == 0 {
			h.Reached = m.voices[0].rep.Reached
		}
		if h.Reached != s.reached || h.Ended != s.ended {
			t.Errorf("played to %d: %+v", s.played, h)
		}
	}
	if len(m.voices) != 0 {
		t.Error("an ended voice is kept")
	}
}

func TestCardThatStoodStillIsCaughtUpWith(t *testing.T) {
	const late = 30 * time.Millisecond
	m := newTestMixer(0)
	s := ramp(90000)
	apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 90000})
	give(t, m, 1, 0, s)
	take(t, m, 19200, blockFrames)
	for i := range int64(20 + jumpSeen) {
		was := time.Duration(0)
		if i >= 20 {
			was = late
		}
		m.observe(float64(i*4800), mono.Instant(0).Add(audio.Duration(i*4800)+was))
	}
	out := take(t, m, 9600, blockFrames)
	if got, want := position(out[5000]), 9600+5000+float64(audio.Frames(late)); math.Abs(got-want) > 1 {
		t.Errorf("position %v, want %v", got, want)
	}
	if h := lastHeard(m.confirm(1<<40, true), 1); h.Ended != 0 {
		t.Errorf("%+v", h)
	}
}

// position reads where in a ramp a sample lies.
func position(sample float32) float64 { return float64(sample)*(1<<20) - 1 }

func TestACardThatIsFarAway(t *testing.T) {
	const before, after = 9600, 20000
	cases := []struct {
		name  string
		far   time.Duration
		moved float64 // frames, at once
	}{
		{"200 ms ahead: the line waits", -200 * time.Millisecond, -9600},
		{"40 ms ahead: nobody hears it waiting", -40 * time.Millisecond, 0},
		{"40 ms behind: nobody hears it hurrying", 40 * time.Millisecond, 0},
		{"200 ms behind: the line jumps", 200 * time.Millisecond, 9600},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newTestMixer(0)
			s := ramp(90000)
			apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 90000})
			give(t, m, 1, 0, s)
			take(t, m, 9600+before, blockFrames)
			m.clock.seen = nil
			for range stepAfter {
				m.observe(0, mono.Instant(c.far))
			}
			out := take(t, m, after, blockFrames)
			slewed := slew * after
			if c.moved != 0 {
				slewed = 0
			}
			if c.far < 0 {
				slewed = -slewed
			}
			got, want := position(out[after-1]), before+after-1+c.moved+slewed
			if math.Abs(got-want) > 1 {
				t.Errorf("position %v, want %v", got, want)
			}
			if c.moved < 0 {
				if silence := out[100:9000]; slices.Max(silence) != 0 {
					t.Error("it does not wait in silence")
				}
			}
			m.confirm(1<<40, true)
			if h := m.voices[0].rep; h.Reached > int64(got)+sincAfter+2 {
				t.Errorf("at position %v: %+v", got, h)
			}
		})
	}
}

// What a hole kept waiting was heard so much later, also where the line has moved on by the time it is confirmed.
func TestWhatEndedBeforeTheLineMovedWasHeardAtItsOwnInstant(t *testing.T) {
	const hole = 700 * time.Millisecond
	m := newTestMixer(0)
	apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 9600})
	give(t, m, 1, 0, ramp(9600))
	take(t, m, 20000, blockFrames)
	m.clock.seen = nil
	for range stepAfter {
		m.observe(0, mono.Instant(hole))
	}
	take(t, m, 2*blockFrames, blockFrames)
	h := lastHeard(m.confirm(20000+blockFrames, true), 1)
	if want := at(mono.Instant(hole), 19200); h.Ended != 1 || h.EndedAt != want || h.StartedAt != at(mono.Instant(hole), 9600) {
		t.Errorf("%+v, want its end at %d", h, want)
	}
}

// After a hole more is granted than there is room for at once: what waits is then longer than the room, and still whole.
func TestTheQueueHoldsWhatWasPushedAndNotYetDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, err := newVoice(openVoice{Voice: 1, End: rapid.Int64Range(1, 4*creditFrames).Draw(t, "end")})
		if err != nil {
			t.Fatal(err)
		}
		pushed := int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				samples := make([]float32, min(rapid.Int64Range(1, 10*pcmStep).Draw(t, "n"), v.end-pushed))
				for i := range samples {
					samples[i] = float32(pushed + int64(i))
				}
				pushed += int64(len(samples))
				v.granted = pushed
				if err := v.push(pushed-int64(len(samples)), samples); err != nil {
					t.Fatal(err)
				}
			},
			"drop": func(t *rapid.T) { v.drop(rapid.Int64Range(0, pushed).Draw(t, "until")) },
			"": func(t *rapid.T) {
				if v.queuePos+int64(len(v.queue)) != pushed {
					t.Fatalf("queue of %d from %d on, %d were pushed", len(v.queue), v.queuePos, pushed)
				}
				for i, s := range v.queue {
					if s != float32(v.queuePos+int64(i)) {
						t.Fatalf("%v at %d", s, v.queuePos+int64(i))
					}
				}
			},
		})
	})
}

func TestCreditIsBounded(t *testing.T) {
	m := newTestMixer(0)
	apply(t, m, openVoice{Voice: 1, At: at(0, 9600), End: 1 << 30})
	give(t, m, 1, 0, make([]float32, creditFrames))
	if err := m.apply(pcmFrame{1, creditFrames, []float32{1}}); !errors.Is(err, errWire) {
		t.Errorf("beyond the credit: %v", err)
	}
	take(t, m, 9600+grantStep-blockFrames, blockFrames)
	for _, msg := range m.confirm(0, true) {
		if _, ok := msg.(grant); ok {
			t.Error("the agent is woken for little")
		}
	}
	take(t, m, blockFrames, blockFrames)
	var upTo int64
	for _, msg := range m.confirm(0, true) {
		if g, ok := msg.(grant); ok {
			upTo = g.UpTo
		}
	}
	if upTo != creditFrames+grantStep {
		t.Errorf("granted up to %d", upTo)
	}
	if err := m.apply(pcmFrame{1, creditFrames + 1, []float32{1}}); !errors.Is(err, errWire) {
		t.Errorf("out of order: %v", err)
	}
	for i := range uint32(maxVoices - 1) {
		apply(t, m, openVoice{Voice: 2 + i, At: 0, End: 1})
	}
	if err := m.apply(openVoice{Voice: 99, End: 1}); !errors.Is(err, errWire) {
		t.Errorf("one voice too many: %v", err)
	}
}

func TestClock(t *testing.T) {
	t.Run("median of what errs to both sides", func(t *testing.T) {
		c := newPulseClock()
		for i := range int64(30) {
			off := []time.Duration{0, 100 * time.Microsecond, -100 * time.Microsecond, 0, 50 * time.Millisecond}[i%5]
			c.observe(float64(i*4800), mono.Instant(time.Second).Add(audio.Duration(i*4800)+off))
		}
		if d := c.instant(0).Sub(mono.Instant(time.Second)); d.Abs() > 100*time.Microsecond || !c.ready() {
			t.Errorf("%v off", d)
		}
		if c.instant(777).Sub(c.instant(0)) != audio.Duration(777) {
			t.Error("frames have another length")
		}
	})
	t.Run("earliest of what can only be late", func(t *testing.T) {
		c := newPullClock()
		for i := range int64(30) {
			late := time.Duration(i*7%11) * time.Millisecond
			c.observe(float64(i*2400), mono.Instant(time.Second).Add(audio.Duration(i*2400)+late))
		}
		if d := c.instant(0).Sub(mono.Instant(time.Second)); d != 0 {
			t.Errorf("%v off", d)
		}
	})
	t.Run("a card that stood still is noticed soon", func(t *testing.T) {
		c := newPulseClock()
		for i := range int64(50 + jumpSeen) {
			jump := time.Duration(0)
			if i >= 50 {
				jump = 300 * time.Millisecond
			}
			c.observe(float64(i*4800), mono.Instant(0).Add(audio.Duration(i*4800)+jump))
		}
		if d := c.instant(0); d != mono.Instant(300*time.Millisecond) {
			t.Errorf("%v", time.Duration(d))
		}
	})
}

func TestNothingGoesBeyondFullScale(t *testing.T) {
	in := []float32{0, -0.25, 0.5, 1, -1, 1.5, -7, float32(math.Inf(1)), float32(math.Inf(-1))}
	want := []float32{0, -0.25, 0.5, 1, -1, 1, -1, 1, -1}
	out := make([]byte, 4*len(in))
	if peak := put(out, in); peak != 1 {
		t.Errorf("peak %v", peak)
	}
	for i, w := range want {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(out[4*i:])); got != w {
			t.Errorf("%v became %v", in[i], got)
		}
	}
	if peak := put(out, in[:3]); peak != 0.5 {
		t.Errorf("peak %v of what is quieter", peak)
	}
}
