package audio

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func noise(n int, level float32, seed uint64) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	pcm := make([]float32, n)
	for i := range pcm {
		pcm[i] = level * (random.Float32()*2 - 1)
	}
	return pcm
}

func within(total int, at int, part []float32, gain float32) []float32 {
	pcm := make([]float32, total)
	for i, v := range part {
		if k := at + i; k >= 0 && k < total {
			pcm[k] = v * gain
		}
	}
	return pcm
}

func TestMatch(t *testing.T) {
	chirp := tone(Rate * 2)
	white := noise(Rate*2, 0.3, 7)
	add := func(a, b []float32) []float32 {
		for i := range b {
			a[i] += b[i]
		}
		return a
	}
	hole := within(Rate*2, 0, chirp, 1)
	clear(hole[Rate : Rate+Rate/2])
	cases := []struct {
		name           string
		recording, ref []float32
		offset         int
		least, most    float64
	}{
		{"at its place", chirp, chirp, 0, 0.9999, 1.0001},
		{"later and quieter", within(Rate*5, 71234, chirp, 0.05), chirp, 71234, 0.9999, 1.0001},
		{"white noise at an odd frame", within(Rate*5, 71233, white, 2), white, 71233, 0.9999, 1.0001},
		{"recording began later", within(Rate*3, -480, chirp, 1), chirp, -480, 0.98, 0.99999},
		{"noise over it", add(within(Rate*4, 5000, chirp, 1), noise(Rate*4, 0.05, 3)), chirp, 5000, 0.9, 0.995},
		{"a quarter missing", hole, chirp, 0, 0.8, 0.95},
		{"something else", noise(Rate*2, 0.3, 9), chirp, 0, 0, 0.1},
		{"silence", make([]float32, Rate), chirp, 0, 0, 0},
		{"nothing", nil, nil, 0, 0, 0},
		{"long", within(Rate*20, Rate*7+3, white, 1), white, Rate*7 + 3, 0.9999, 1.0001},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			offset, correlation := Match(c.recording, c.ref)
			if correlation < c.least || correlation > c.most {
				t.Errorf("correlation %f", correlation)
			}
			if c.least > 0.1 && offset != c.offset {
				t.Errorf("offset %d, want %d", offset, c.offset)
			}
		})
	}
}

func TestReadS16LE(t *testing.T) {
	got, err := ReadS16LE(bytes.NewReader([]byte{0, 0x80, 0, 0, 0, 0x40, 1}))
	if err != nil || len(got) != 3 || got[0] != -1 || got[1] != 0 || got[2] != 0.5 {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestFramesAndDuration(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, 1500 * time.Millisecond, 25 * time.Hour} {
		if got := Duration(Frames(d)); got != d {
			t.Errorf("%v became %v", d, got)
		}
	}
	if math.Abs(float64(Frames(time.Second)-Rate)) != 0 {
		t.Error("a second is not 48,000 frames")
	}
}
