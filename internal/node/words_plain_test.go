package node

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
)

// TestPlainWords: a text of ASCII alone has the words that any text would have by the long way.
func TestPlainWords(t *testing.T) {
	t.Parallel()
	const letters = "abcXYZ019 \t.-_:/'\"{}[]\x00\x7f"
	r := rand.New(rand.NewPCG(3, 14))
	for range 2000 {
		var b strings.Builder
		for range r.IntN(40) {
			b.WriteString(strings.Repeat(string(letters[r.IntN(len(letters))]), 1+r.IntN(4)*r.IntN(30)))
		}
		text := b.String()
		if got, want := slices.Collect(wordsIn(text)), slices.Collect(anyWordsIn(text)); !slices.Equal(got, want) {
			t.Fatalf("%q: %q, not %q", text, got, want)
		}
	}
}

// TestWordsOfMany: what is remembered of texts before changes nothing of what a text has.
func TestWordsOfMany(t *testing.T) {
	t.Parallel()
	keys, err := keystore.Generate("XA", 1)
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{Keys: keys}
	texts := [][]string{{"Loader", "walnut, sector:energy"}, {"", "walnut walnut LOADER"}, {"Ünïcode ﬁn 東京", "walnuts"}, {""}, {"sector energy", "loaders of walnut"}}
	many := n.wordsOfMany()
	for range 3 {
		for _, some := range texts {
			var alone []store.Word
			for _, x := range some {
				for w := range wordsIn(x) {
					if alone = append(alone, n.wordHash(wholeWord, w)); len([]rune(w)) >= shortPrefix {
						alone = append(alone, n.wordHash(beginning, prefixOf(w, shortPrefix)))
					}
					if len([]rune(w)) >= longPrefix {
						alone = append(alone, n.wordHash(beginning, prefixOf(w, longPrefix)))
					}
				}
			}
			got := slices.Compact(slices.Sorted(slices.Values(many(some...))))
			if want := slices.Compact(slices.Sorted(slices.Values(alone))); !slices.Equal(got, want) {
				t.Errorf("%q: %d words, not %d", some, len(got), len(want))
			}
		}
	}
}
