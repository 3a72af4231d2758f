package disk

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func TestWhatAPowerCutMayLeave(t *testing.T) {
	old := map[string][]byte{"file": fill('o', 3*sector)}
	write := Event{Op: Write, Name: "file", Off: sector / 2, Data: fill('n', sector)}
	cases := []struct {
		name   string
		events []Event
		states func(State) string // what a state is called
		want   []string           // all there are, and none beside them
	}{
		{"what was synced is there", []Event{write, {Op: Sync, Name: "file"}}, func(s State) string { return string(s.Files["file"][sector/2 : sector*3/2]) },
			[]string{string(fill('n', sector))}},
		{"each sector by itself, whole or torn", []Event{write}, func(s State) string {
			b := s.Files["file"]
			if bytes.Contains(b[:sector/2], []byte("n")) || bytes.Contains(b[sector*3/2:], []byte("n")) {
				return "outside"
			}
			count := func(b []byte) string {
				switch n := bytes.Count(b, []byte("n")); n {
				case 0:
					return "lost"
				case len(b):
					return "there"
				}
				return "torn"
			}
			return count(b[sector/2:sector]) + " " + count(b[sector:sector*3/2])
		}, []string{"lost lost", "lost there", "lost torn", "there lost", "there there", "there torn", "torn lost", "torn there", "torn torn"}},
		{"of two writes either is the last", []Event{{Op: Write, Name: "file", Data: []byte("1")}, {Op: Write, Name: "file", Data: []byte("2")}},
			func(s State) string { return string(s.Files["file"][:1]) }, []string{"1", "2", "o"}},
		{"a length that was not synced", []Event{{Op: Truncate, Name: "file", Off: 2}, {Op: Truncate, Name: "file", Off: 1}},
			func(s State) string { return string(s.Files["file"][:min(3, len(s.Files["file"]))]) }, []string{"o", "oo", "ooo"}},
		{"names in their order", []Event{{Op: Create, Name: "new"}, {Op: Sync, Name: "new"}, {Op: Rename, Name: "new", To: "file"}, {Op: Create, Name: "last"}},
			func(s State) string {
				out := "old"
				if len(s.Files["file"]) == 0 {
					out = "new"
				}
				for _, name := range []string{"last", "new"} {
					if _, there := s.Files[name]; there {
						out += " " + name
					}
				}
				return out
			}, []string{"new", "new last", "old", "old new"}},
		{"names that were synced", []Event{{Op: Create, Name: "new"}, {Op: SyncNames, Name: "."}, {Op: Remove, Name: "new"}, {Op: SyncNames, Name: "."}},
			func(s State) string { return string(rune('0' + len(s.Files))) }, []string{"1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d, rnd := newDisk(old), rand.New(rand.NewPCG(1, 2))
			for _, e := range c.events {
				d.Apply(e)
			}
			var got []string
			for range 3000 {
				if name := c.states(d.Cut(rnd)); !slices.Contains(got, name) {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q", got)
			}
			if certain := d.Uncertain() == 0; certain != (len(c.want) == 1) {
				t.Errorf("certain %v", certain)
			}
		})
	}
}

func TestAFolderFollowsItsStates(t *testing.T) {
	f := NewFolder(t.TempDir())
	for _, s := range []map[string][]byte{
		{"a": fill('x', 10_000), "b": []byte("b")}, {"a": append(fill('x', 5000), fill('y', 5000)...)}, {"a": fill('x', 100)}, {"a": fill('x', 9000), "c": nil}, {},
	} {
		if _, err := f.Put(State{Files: s}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, f.path); !equal(got, s) {
			t.Errorf("the folder has %d files, the state %d", len(got), len(s))
		}
	}
}
