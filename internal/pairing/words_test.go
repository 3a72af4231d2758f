package pairing

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata and words.txt anew")

// The sounds of the list: beginnings that are written alike before every vowel here, and endings without a final
// that the south merges (n, ng) or that asks for a tone mark (c, p, t).
var (
	beginnings = []string{"b", "ch", "h", "kh", "l", "m", "nh", "ph", "r", "t", "th", "v", "x"}
	endings    = []string{"a", "ai", "am", "ao", "e", "em", "i", "o", "oi", "om", "u", "ui", "um"}
)

// generate makes every word whose last ending is the check of the three sounds before it: with 13 of each, a
// prime, one changed sound is always another check. It keeps the shortest 2,048, passing over those that are one
// letter from one it has (bamao and bamrao have no two sounds alike in their places, and yet).
func generate() []string {
	n := len(beginnings)
	var words []string
	for i := range n {
		for j := range n {
			for k := range n {
				words = append(words, beginnings[i]+endings[j]+beginnings[k]+endings[(i+2*j+3*k+1)%n])
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	var kept []string
	for _, w := range words {
		near := slices.ContainsFunc(kept, func(o string) bool { return oneEdit(w, o) })
		if !near && len(kept) < wordCount {
			kept = append(kept, w)
		}
	}
	slices.Sort(kept)
	return kept
}

func TestWordListIsTheGeneratedOne(t *testing.T) {
	want := strings.Join(generate(), "\n") + "\n"
	if *update {
		if err := os.WriteFile("words.txt", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if wordList != want {
		t.Error("words.txt is not what generate gives")
	}
}

func TestWordsAreFarFromEachOther(t *testing.T) {
	words := strings.Fields(wordList)
	if len(words) != wordCount || !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != wordCount {
		t.Fatalf("%d words; want %d, sorted, each once", len(words), wordCount)
	}
	for i, w := range words {
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" || len(w) < 4 || len(w) > 8 {
			t.Errorf("word %q: want 4 to 8 lower-case letters", w)
		}
		for _, o := range words[:i] {
			if oneEdit(w, o) {
				t.Errorf("%s and %s differ by less than two letters", w, o)
			}
		}
	}
}

// oneEdit tells whether a becomes b by at most one letter changed, put in or taken out.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

func TestOneEdit(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"bama", "bama", true}, {"bama", "bamo", true}, {"bama", "bamao", true}, {"bama", "rama", true}, {"bama", "ama", true},
		{"bama", "bomo", false}, {"bama", "bam", true}, {"bama", "bamaoi", false}, {"bama", "abam", false},
	} {
		if oneEdit(c.a, c.b) != c.want || oneEdit(c.b, c.a) != c.want {
			t.Errorf("oneEdit(%q, %q) is not %t", c.a, c.b, c.want)
		}
	}
}

func TestWordsTakeTheFirst66Bits(t *testing.T) {
	list := strings.Fields(wordList)
	hash := make([]byte, 32)
	if got := wordsOf(hash); got != (Words{list[0], list[0], list[0], list[0], list[0], list[0]}) {
		t.Errorf("zeros give %v", got)
	}
	hash[0], hash[8] = 0xff, 0b01_111111 // 11 bits: 11111111000; the last word ends with the first two bits of byte 8
	if got := wordsOf(hash); got[0] != list[0b11111111000] || got[1] != list[0] || got[5] != list[1] {
		t.Errorf("got %v", got)
	}
}

func TestWordsMatchWhatPeopleType(t *testing.T) {
	w := wordsOf([]byte("some hash that is long enough 32"))
	for name, c := range map[string]struct {
		typed string
		want  bool
	}{
		"as shown":      {w.String(), true},
		"capitals":      {strings.ToUpper(w.String()), true},
		"dashes, lines": {" " + strings.Join(w[:], "-\n") + ".", true},
		"one missing":   {strings.Join(w[1:], " "), false},
		"swapped":       {strings.Join([]string{w[1], w[0], w[2], w[3], w[4], w[5]}, " "), false},
		"nothing":       {"", false},
	} {
		if w.Match(c.typed) != c.want {
			t.Errorf("%s: not %t", name, c.want)
		}
	}
	if (Words{}).Match("") {
		t.Error("no words match nothing")
	}
}
