package pairing

import (
	_ "embed"
	"slices"
	"strings"
)

// wordList is 2,048 words, one a line, sorted. They are no words of any language: two syllables that read the
// same in Vietnamese without marks and in most other languages, made by words_test.go so that any two words
// differ in at least two of their four sounds and by at least two letters: one sound misheard, even one of those
// that dialects merge (ch and tr, v and d), is never another word. The list never changes: it is part of Protocol.
//
//go:embed words.txt
var wordList string

const (
	wordCount = 2048 // 11 bits
	wordBits  = 11
)

// Words are what two people compare.
type Words [6]string

// String is the words with spaces.
func (w Words) String() string { return strings.Join(w[:], " ") }

// Match tells whether typed are these words, with any case, spaces and punctuation between them.
func (w Words) Match(typed string) bool {
	split := func(r rune) bool { return strings.ContainsRune(" \t\r\n-,.;\u00a0", r) }
	return w[0] != "" && slices.Equal(strings.FieldsFunc(strings.ToLower(typed), split), w[:])
}

// wordsOf gives the first 66 bits of hash.
func wordsOf(hash []byte) Words {
	list := strings.Fields(wordList)
	var w Words
	bits, have, at := 0, 0, 0
	for i := range w {
		for have < wordBits {
			bits, have, at = bits<<8|int(hash[at]), have+8, at+1
		}
		have -= wordBits
		w[i] = list[bits>>have]
		bits &= 1<<have - 1
	}
	return w
}
