package party_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

func TestWordList(t *testing.T) {
	t.Parallel()
	// spec: LTR-9
	ours, err := os.ReadFile("words.txt")
	if err != nil {
		t.Fatal(err)
	}
	published, err := os.ReadFile("../spec/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(published) {
		t.Fatal("the list is another than the one in spec/")
	}
	words := strings.Split(strings.TrimSuffix(string(ours), "\n"), "\n")
	if len(words) != 256 || !slices.IsSorted(words) {
		t.Fatalf("%d words, or not in order", len(words))
	}
	seen := map[string]bool{}
	for _, w := range words {
		if len(w) < 4 || len(w) > 7 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is no word of four to seven letters", w)
			continue
		}
		if seen[w[:4]] {
			t.Errorf("%q shares its first four letters with another", w)
		}
		seen[w[:4]] = true
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	// spec: LTR-9
	// Computed outside: printf 'comity/words/v1\n' followed by 32 zero bytes, through sha256sum; then the list's lines.
	want := "pasture antler canyon koala olive popcorn garden pillow harvest zigzag"
	if got := strings.Join(party.WordsOf(wire.Digest{}), " "); got != want {
		t.Fatalf("got %s", got)
	}
	if slices.Equal(party.WordsOf(wire.Digest{1}), party.WordsOf(wire.Digest{})) {
		t.Fatal("two digests have the same words")
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	// spec: LTR-9
	l := &party.Letter{Digest: wire.Digest{8}} // its words differ from one another
	words := l.Words()
	for _, heard := range []string{strings.Join(words, " "), strings.ToUpper(strings.Join(words, "  ")), strings.Join(words, ", ") + ".\n"} {
		if err := l.Confirm(heard); err != nil {
			t.Errorf("%q: %v", heard, err)
		}
	}
	swapped := slices.Clone(words)
	swapped[0], swapped[9] = swapped[9], swapped[0]
	for _, heard := range []string{"", strings.Join(words[:9], " "), strings.Join(append(slices.Clone(words), "acorn"), " "), strings.Join(swapped, " "), strings.Join(words, "")} {
		wantFault(t, l.Confirm(heard), fault.Failed, "LTR-9")
	}
}
