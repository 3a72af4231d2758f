package push

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
	"github.com/loa-vn/loa/internal/wsconn"
)

const (
	song    = broadcast.Hash("1111111111111111111111111111111111111111111111111111111111111111")
	other   = broadcast.Hash("2222222222222222222222222222222222222222222222222222222222222222")
	foreign = broadcast.Hash("3333333333333333333333333333333333333333333333333333333333333333")
	missing = broadcast.Hash("4444444444444444444444444444444444444444444444444444444444444444")
)

func noise(size int) []byte {
	data := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

func TestFramesStayWithinTheWindow(t *testing.T) {
	tests := map[string]struct {
		window int64
		frames []int // sizes, until the window is full
	}{
		"a fast line":  {256 << 10, []int{128 << 10, 128 << 10}},
		"a slow line":  {40 << 10, []int{16 << 10, 16 << 10}},
		"the slowest":  {wire.MinWindow, []int{wire.Grain}},
		"not a power":  {100 << 10, []int{32 << 10, 32 << 10, 32 << 10}},
		"two per half": {16 << 10, []int{8 << 10, 8 << 10}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			data := noise(1 << 20)
			w.blobs[song] = data
			p := w.greet(t)
			p.send(&wire.Want{SHA256: song, Window: test.window})
			end := int64(0)
			for _, size := range test.frames {
				c := next[wire.Chunk](p)
				if c.SHA256 != song || c.Offset != end || len(c.Data) != size || c.Last || !bytes.Equal(c.Data, data[end:end+int64(size)]) {
					t.Fatalf("frame of %d bytes at %d, wanted %d at %d", len(c.Data), c.Offset, size, end)
				}
				end += int64(size)
			}
			// The window is full: an order comes at once, and is followed by no frame.
			if w.hub.Order([]byte("speak"), []string{"agent-1", "agent-2"}) != 1 {
				t.Fatal("order not sent")
			}
			next[*wire.Order](p)
			p.send(&wire.Got{SHA256: song, Offset: end + wire.Grain}) // never sent: no acknowledgement
			p.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
			next[*wire.Time](p)
			p.quiet()
			p.send(&wire.Got{SHA256: song, Offset: int64(test.frames[0])})
			if c := next[wire.Chunk](p); c.Offset != end {
				t.Errorf("after an acknowledgement came the frame at %d, not %d", c.Offset, end)
			}
		})
	}
}

func TestBlobIsServedWhole(t *testing.T) {
	for name, test := range map[string]struct {
		size   int
		offset int64
		end    int64
	}{
		"from the beginning":       {size: 300_001},
		"from a chunk on":          {size: 300_001, offset: 65536},
		"a part":                   {size: 300_001, offset: 4096, end: 135_168},
		"to its known end":         {size: 300_001, end: 300_001},
		"whole chunks":             {size: 262_144},
		"nothing":                  {size: 0},
		"nothing is left":          {size: 65536, offset: 65536},
		"less than a grain":        {size: 10},
		"exactly one grain to end": {size: 8192, offset: 4096},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.blobs[song] = noise(test.size)
			p := w.greet(t)
			p.send(&wire.Want{SHA256: song, Offset: test.offset, End: test.end, Window: 64 << 10})
			end := test.end
			if end == 0 {
				end = int64(test.size)
			}
			var got []byte
			for at := test.offset; ; {
				c := next[wire.Chunk](p)
				if c.Offset != at {
					t.Fatalf("frame at %d, not %d", c.Offset, at)
				}
				got = append(got, c.Data...)
				at += int64(len(c.Data))
				p.send(&wire.Got{SHA256: song, Offset: at})
				if c.Last != (at == int64(test.size)) {
					t.Fatalf("last is %v at %d", c.Last, at)
				}
				if at == end {
					break
				}
			}
			if !bytes.Equal(got, w.blobs[song][test.offset:end]) {
				t.Error("the bytes differ")
			}
		})
	}
}

func TestWantsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.blobs[song], w.blobs[foreign] = noise(10_000), noise(10)
	p := w.greet(t)
	for name, want := range map[string]*wire.Want{
		"no such blob":          {SHA256: missing, Window: 4096},
		"not for this agent":    {SHA256: foreign, Window: 4096},
		"beyond its end":        {SHA256: song, Offset: 12_288, Window: 4096},
		"more than there is":    {SHA256: song, End: 12_288, Window: 4096},
		"an end off the grain ": {SHA256: song, End: 5000, Window: 4096},
	} {
		p.send(want)
		if m := next[*wire.Gone](p); m.SHA256 != want.SHA256 {
			t.Errorf("%s: gone %s", name, m.SHA256)
		}
	}
}

func TestStoppedWantMakesRoom(t *testing.T) {
	w := newWorld(t)
	w.blobs[song], w.blobs[other] = noise(1<<20), noise(1000)
	p := w.greet(t)
	p.send(&wire.Want{SHA256: song, Window: 8192})
	next[wire.Chunk](p)
	next[wire.Chunk](p)
	p.send(&wire.Want{SHA256: other, Window: 8192}) // the window is one for both
	p.send(&wire.Time{Nonce: make([]byte, wire.NonceSize)})
	next[*wire.Time](p)
	p.quiet()
	p.send(&wire.StopWant{SHA256: song})
	if c := next[wire.Chunk](p); c.SHA256 != other || !c.Last {
		t.Errorf("after the stop came %s at %d", c.SHA256, c.Offset)
	}
}

func TestTooManyWants(t *testing.T) {
	w := newWorld(t)
	for _, sha256 := range []broadcast.Hash{song, other, missing, "5" + song[1:], "6" + song[1:]} {
		w.blobs[sha256] = noise(1 << 20)
	}
	p := w.greet(t)
	for sha256 := range w.blobs {
		p.send(&wire.Want{SHA256: sha256, Window: 4096})
	}
	var got any
	for got = range p.messages {
		if _, frame := got.(wire.Chunk); !frame {
			break
		}
	}
	var closed *wsconn.Closed
	if err, _ := got.(error); !errors.As(err, &closed) || closed.Code != wsconn.CloseProtocol {
		t.Errorf("ended with %v", got)
	}
}

func TestSlowAgentIsDropped(t *testing.T) {
	w := newWorld(t)
	p := w.dialSlow(t, 1)
	p.send(hello(next[*wire.Challenge](p), agentKey(1)))
	next[*wire.Welcome](p) // and reads no more, after what it is reading now
	order := make([]byte, 40_000)
	sent := 0
	for w.hub.Order(order, []string{"agent-1"}) == 1 {
		if sent++; sent > 10_000 {
			t.Fatal("an agent that does not read is sent to for ever")
		}
	}
	w.await(t, "the agent going offline", func() bool { return len(w.online) == 0 })
	w.await(t, "the count of slow agents", func() bool { return w.heard[len(w.heard)-1] == "slow" })
}

// TestFrameSize: whatever the window, two frames fit into it where one grain does not fill it, and frames lie on
// the grain.
func TestFrameSize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.Int64Range(wire.MinWindow, wire.MaxWindow).Draw(t, "window")
		size := frameSize(window)
		if size%wire.Grain != 0 || size > wire.MaxChunk || size > window || window >= 2*wire.Grain && 2*size > window {
			t.Fatalf("frames of %d for a window of %d", size, window)
		}
	})
}
