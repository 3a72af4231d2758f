package speaker

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/loa-vn/loa/internal/audio"
	"github.com/loa-vn/loa/internal/mono"
)

// tone is a sine as a voice's PCM, by position.
func tone(hz float64, pos int64, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(0.5 * math.Sin(2*math.Pi*hz*float64(pos+int64(i))/audio.Rate))
	}
	return s
}

func TestSincKeepsTheSound(t *testing.T) {
	s := newSinc()
	cases := []struct {
		hz   float64
		rate float64
		db   float64
	}{
		{300, 1 + 42e-6, 100}, {1000, 1 - 100e-6, 100}, {8000, 1 + 200e-6, 100}, {15000, 1 + 200e-6, 95}, {15000, 1, 95},
	}
	for _, c := range cases {
		const frames, from = 96000, 1000.37
		signal := tone(c.hz, 0, frames+2000)
		out := make([]float32, frames)
		s.resample(out, signal, from, c.rate)
		var noise, power float64
		for i, v := range out {
			want := 0.5 * math.Sin(2*math.Pi*c.hz*(from+float64(i)*c.rate)/audio.Rate)
			noise += (float64(v) - want) * (float64(v) - want)
			power += want * want
		}
		db := 10 * math.Log10(power/noise)
		t.Logf("%5.0f Hz at %.4f: %.0f dB", c.hz, c.rate, db)
		if db < c.db {
			t.Errorf("%.0f Hz at rate %.6f: %.1f dB, want %.0f", c.hz, c.rate, db, c.db)
		}
	}
}

func BenchmarkSinc(b *testing.B) {
	s, signal, out := newSinc(), tone(440, 0, 600), make([]float32, blockFrames)
	for b.Loop() {
		s.resample(out, signal, 20.3, 1+42e-6)
	}
	b.ReportMetric(float64(b.N)*blockFrames/audio.Rate/b.Elapsed().Seconds(), "x-real-time")
}

// simulated is a card whose clock is off by some ppm, 600 ms of sound before it, in simulated time.
type simulated struct {
	m    *mixer
	rate float64 // frames a second
	now  float64 // seconds
	slip float64 // frames that it did not play when it should have
	rng  *rand.Rand
	read int64

	watched func(card int64) // before each Read
}

func newDevice(ppm float64, m *mixer, seed uint64) *simulated {
	return &simulated{m: m, rate: audio.Rate * (1 + ppm*1e-6), rng: rand.New(rand.NewPCG(seed, 1))}
}

// played is how many frames it has played.
func (d *simulated) played() float64 { return d.now*d.rate - d.slip }

// run plays for some seconds; see makes an observation, every tenth of a second.
func (d *simulated) run(seconds float64, see func()) {
	const ahead = audio.Rate * 6 / 10
	buf := make([]byte, 4*blockFrames)
	for end, next := d.now+seconds, d.now; d.now < end; d.now += 0.005 {
		for float64(d.read) < d.played()+ahead {
			if d.watched != nil {
				d.watched(d.read)
			}
			n, _ := d.m.Read(buf)
			d.read += int64(n / 4)
		}
		if d.now >= next {
			see()
			next += 0.1
		}
	}
}

// asked is an answer of PulseAudio: 60 µs off to both sides, and now and then, on a busy machine, much.
func (d *simulated) asked() {
	off := d.rng.NormFloat64() * 60e-6
	if d.rng.IntN(20) == 0 {
		off = (d.rng.Float64() - 0.5) * 10e-3
	}
	d.m.observe(d.played(), mono.Instant((d.now+off)*1e9))
}

// pulled is the instant of a pull: late, and on a busy machine by much.
func (d *simulated) pulled() {
	late := d.rng.ExpFloat64() * 1e-3
	d.m.observe(d.played(), mono.Instant((d.now+late)*1e9))
}

// due gives how far frame card of the device, as it truly will be played, is from the instant of the line's position
// on it: positive is late.
func (d *simulated) late(card int64) time.Duration {
	at := (float64(card) + d.slip) / d.rate
	due := d.m.line.pos/audio.Rate + d.m.epoch.Sub(0).Seconds() + d.m.shift.Seconds()
	return time.Duration((at - due) * 1e9)
}

func TestDriftIsMadeUpForWithinAnItem(t *testing.T) {
	kinds := []struct {
		name  string
		see   func(*simulated)
		clock func() *clock
		first time.Duration // until the slope is known
	}{
		{"asked", (*simulated).asked, newPulseClock, time.Millisecond},
		{"pulled", (*simulated).pulled, newPullClock, 1500 * time.Microsecond},
	}
	for _, kind := range kinds {
		for _, ppm := range []float64{-100, 0, 42, 100} {
			t.Run(fmt.Sprintf("%s, %+.0f ppm", kind.name, ppm), func(t *testing.T) {
				t.Parallel()
				m := newMixer(func() mono.Instant { return 0 })
				m.clock = kind.clock()
				d := newDevice(ppm, m, 7)
				d.run(2, func() { kind.see(d) })
				const seconds = 100
				apply(t, m, openVoice{Voice: 1, At: int64(3 * time.Second), End: seconds * audio.Rate})
				var first, worst, sum float64
				n := 0
				d.watched = func(card int64) {
					late := d.late(card).Seconds()
					switch {
					case d.now > 50:
						worst, sum, n = max(worst, math.Abs(late)), sum+late*late, n+1
					case d.now > 3:
						first = max(first, math.Abs(late))
					}
				}
				d.run(seconds-5, func() { kind.see(d) })
				rms := math.Sqrt(sum / float64(n))
				t.Logf("at first %.3f ms off, then at most %.3f ms, rms %.3f ms; slope %.1f ppm", first*1e3, worst*1e3, rms*1e3, m.clock.slope*1e6)
				if first > kind.first.Seconds() || worst > 0.3e-3 {
					t.Errorf("%.3f ms off at first, then %.3f ms", first*1e3, worst*1e3)
				}
				if off := math.Abs(m.clock.slope*1e6 + ppm); off > 5 {
					t.Errorf("a drift of %.0f ppm is measured as %.1f", ppm, -m.clock.slope*1e6)
				}
			})
		}
	}
}

func TestAnUnderrunIsNoDrift(t *testing.T) {
	for _, slip := range []time.Duration{3 * time.Millisecond, 8 * time.Millisecond, 300 * time.Millisecond} {
		m := newMixer(func() mono.Instant { return 0 })
		d := newDevice(42, m, 3)
		d.run(40, d.asked)
		apply(t, m, openVoice{Voice: 1, At: int64(41 * time.Second), End: 200 * audio.Rate})
		d.run(30, d.asked)
		d.slip += slip.Seconds() * audio.Rate
		var after []time.Duration
		hit := d.now
		d.watched = func(card int64) {
			if d.now > hit+1 && m.line.hold == 0 {
				after = append(after, d.late(card).Abs())
			}
		}
		d.run(60, d.asked)
		t.Logf("after a slip of %v: %v off at first, %v in the end, slope %.1f ppm", slip, after[0], after[len(after)-1], m.clock.slope*1e6)
		if after[0] > 9*time.Millisecond || after[len(after)-1] > time.Millisecond {
			t.Errorf("after a slip of %v: %v off at first, %v in the end", slip, after[0], after[len(after)-1])
		}
		if off := math.Abs(m.clock.slope*1e6 + 42); off > 10 {
			t.Errorf("after a slip of %v the drift is measured as %.1f ppm", slip, -m.clock.slope*1e6)
		}
	}
}

// The hub's time runs 30 ppm faster than the machine's: what sounds follows it.
func TestTheProgrammesTimeIsFollowed(t *testing.T) {
	m := newMixer(func() mono.Instant { return 0 })
	d := newDevice(0, m, 5)
	d.run(2, d.asked)
	apply(t, m, openVoice{Voice: 1, At: int64(3 * time.Second), End: 300 * audio.Rate})
	var worst time.Duration
	d.watched = func(card int64) {
		if d.now > 4 {
			worst = max(worst, d.late(card).Abs())
		}
	}
	for second := range int64(120) {
		apply(t, m, shiftTime{-second * 30_000})
		d.run(1, d.asked)
	}
	if t.Logf("at most %v off", worst); worst > time.Millisecond {
		t.Errorf("%v off", worst)
	}
	if late := d.late(d.read) + m.shift; late > -3*time.Millisecond {
		t.Errorf("by the machine's clock %v: not followed", late)
	}
}

func TestSteady(t *testing.T) {
	at := mono.Instant(time.Hour)
	held := 0
	s := newSteady(func() mono.Instant {
		if held++; held%3 == 1 {
			return at.Add(-time.Millisecond) // held up between two clocks
		}
		return at
	})
	steps := []struct{ by, want time.Duration }{
		{0, 0}, {1400 * time.Microsecond, 1400 * time.Microsecond}, {-20 * time.Millisecond, -20 * time.Millisecond},
		{300 * time.Microsecond, 0}, {850 * time.Microsecond, 1150 * time.Microsecond}, {10 * time.Minute, 0}, {time.Millisecond, time.Millisecond},
	}
	for _, step := range steps {
		at = at.Add(step.by)
		if got := s.moved(); got != step.want {
			t.Errorf("moved by %v: %v, want %v", step.by, got, step.want)
		}
	}
}
