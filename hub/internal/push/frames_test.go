package push

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/wire"
)

// counted is a blob in memory that counts what is read of it.
type counted struct {
	memory
	read *int
}

// ReadAt implements store.Blob.
func (c counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.memory.ReadAt(p, at)
	*c.read += n
	return n, err
}

func TestAFrameIsReadOnceForAllWhoWantIt(t *testing.T) {
	const agents, size = 5, 4 * wire.MaxChunk
	f, data, read := newFrames(), noise(size), 0
	blob := counted{memory{bytes.NewReader(data), &world{open: agents}}, &read}
	var all [agents]streams
	for i := range all {
		all[i].frames, all[i].metrics = f, &Metrics{}
		if err := all[i].start(&wire.Want{SHA256: song, Window: wire.MaxWindow}, blob, false); err != nil {
			t.Fatal(err)
		}
	}
	for at := int64(0); at < size; at += wire.MaxChunk {
		for i := range all {
			got, err := all[i].NextFrame()
			if err != nil {
				t.Fatal(err)
			}
			c, err := wire.DecodeChunk(got)
			if err != nil || c.Offset != at || !bytes.Equal(c.Data, data[at:at+wire.MaxChunk]) {
				t.Fatalf("agent %d at %d: %d bytes at %d, %v", i, at, len(c.Data), c.Offset, err)
			}
			all[i].got(&wire.Got{SHA256: song, Offset: at + wire.MaxChunk})
		}
	}
	if read != size {
		t.Errorf("%d bytes were read for %d agents, of %d", read, agents, size)
	}
	for i := range all {
		all[i].close()
	}
	f.forgetAll()
	if len(f.kept) != 0 {
		t.Errorf("%d frames are kept", len(f.kept))
	}
}

// TestAFrameStaysAsItIsForWhoeverHoldsIt: whatever else is read, kept and forgotten meanwhile.
func TestAFrameStaysAsItIsForWhoeverHoldsIt(t *testing.T) {
	const size = 100 * wire.Grain
	blobs := map[broadcast.Hash][]byte{song: noise(size), other: bytes.Repeat([]byte("other"), size/5+1)[:size]}
	rapid.Check(t, func(t *rapid.T) {
		f := newFrames()
		var held []*frame
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
			case step == 0:
				f.forgetAll()
			case step < 4 && len(held) > 0:
				i := rapid.IntRange(0, len(held)-1).Draw(t, "who")
				f.put(held[i])
				held = append(held[:i], held[i+1:]...)
			default:
				sha256 := rapid.SampledFrom([]broadcast.Hash{song, other}).Draw(t, "blob")
				at := wire.Grain * rapid.Int64Range(0, 98).Draw(t, "at")
				st := &stream{sha256: sha256, size: size, sent: at, blob: memory{bytes.NewReader(blobs[sha256]), nil}}
				fr, err := f.get(st, wire.Grain*rapid.Int64Range(1, 2).Draw(t, "size"))
				if err != nil {
					t.Fatal(err)
				}
				held = append(held, fr)
			}
			for _, fr := range held {
				c, err := wire.DecodeChunk(fr.data)
				if err != nil || c.SHA256 != fr.sha256 || c.Offset != fr.offset || !bytes.Equal(c.Data, blobs[c.SHA256][c.Offset:c.Offset+fr.size]) {
					t.Fatalf("the frame of %v is another: %v", fr.place, err)
				}
			}
			if len(f.kept) > keptFrames {
				t.Fatalf("%d are kept", len(f.kept))
			}
		}
		users := map[*frame]int{}
		for _, fr := range held {
			users[fr]++
		}
		for _, fr := range f.kept {
			users[fr]++
		}
		for fr, n := range users {
			if fr.users != n {
				t.Fatalf("%v has %d users, and counts %d", fr.place, n, fr.users)
			}
		}
	})
}
