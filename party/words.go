package party

import (
	"crypto/sha256"
	_ "embed"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// wordList holds 256 words of four to seven letters, a line each, in alphabetical order. No two share their first four letters, so
// a word that was half understood is still the right one. It is a copy of spec/words.txt and never changes.
//
//go:embed words.txt
var wordList string

// wordCount is how many words are read out: 80 bits, which nobody can search for while two people are on the telephone.
const wordCount = 10

// WordsOf is the word sequence of the letter with this digest.
func WordsOf(letter wire.Digest) []string {
	// spec: LTR-9
	list := strings.Fields(wordList)
	sum := sha256.Sum256(append([]byte("comity/words/v1\n"), letter[:]...))
	words := make([]string, wordCount)
	for i := range words {
		words[i] = list[sum[i]]
	}
	return words
}

// Words is what two people read to each other before they trust the letter.
func (l *Letter) Words() []string { return WordsOf(l.Digest) }

// Confirm holds what somebody heard and typed against the letter's words. Case and the signs between words do not matter.
// Error: fault.Failed, which does not say which word was wrong.
func (l *Letter) Confirm(heard string) error {
	// spec: LTR-9
	words := strings.FieldsFunc(strings.ToLower(heard), func(r rune) bool { return r < 'a' || r > 'z' })
	if strings.Join(words, " ") != strings.Join(l.Words(), " ") {
		return fault.New(fault.Failed, "LTR-9", "these are not the words of this letter; ask for them again and compare the letters")
	}
	return nil
}
