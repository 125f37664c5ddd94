package node

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// What was said is found by its words without being kept in plain: the store has keyed hashes of them, under a key that is not in it. Whoever has the store learns from
// them in how many statements a word stands and which statements share one, not which word it is. They go with the body (STM-7).

// Bounds of what is kept of one statement's words, and of one look for them.
const (
	maxWords    = 300 // different words of a statement; what comes after them is not found
	maxLetters  = 64  // of a word; what comes after them does not count
	maxAsked    = 16  // words that are looked for at once
	shortPrefix = 4   // letters by which words are found that begin with them
	longPrefix  = 6
)

// wordsIn splits a text into words: letters, digits and marks in compatibility form, without case. What is written without blanks between words is split into its letters.
func wordsIn(text string) iter.Seq[string] {
	if isASCII(text) {
		return plainWordsIn(strings.ToLower(text))
	}
	return anyWordsIn(text)
}

func anyWordsIn(text string) iter.Seq[string] {
	text = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	return func(yield func(string) bool) {
		var word []rune
		flush := func() bool {
			w := string(word)
			word = word[:0]
			return w == "" || yield(w)
		}
		for _, r := range text {
			switch {
			case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana):
				if !flush() || !yield(string(r)) {
					return
				}
			case unicode.IsLetter(r) || unicode.IsDigit(r) || len(word) > 0 && unicode.IsMark(r):
				if len(word) < maxLetters {
					word = append(word, r)
				}
			default:
				if !flush() {
					return
				}
			}
		}
		flush()
	}
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainWordsIn is wordsIn for a text of lower ASCII, which is its own compatibility form. Words are parts of it.
func plainWordsIn(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		from := 0
		for i := 0; i <= len(text); i++ {
			if i < len(text) && (text[i]-'a' < 26 || text[i]-'0' < 10) {
				continue
			}
			if i > from && !yield(text[from:min(i, from+maxLetters)]) {
				return
			}
			from = i + 1
		}
	}
}

// prefixOf is the first letters of a word; "" where it has fewer.
func prefixOf(word string, letters int) string {
	for i := range word {
		if letters == 0 {
			return word[:i]
		}
		letters--
	}
	if letters == 0 {
		return word
	}
	return ""
}

// wordMAC makes what stands for words in the store.
func (n *Node) wordMAC() hash.Hash { return hmac.New(sha256.New, n.Keys.Derive("words")) }

// wordHash is what stands for a word, or for the beginning of words, in the store.
func wordHash(m hash.Hash, kind byte, word string) store.Word {
	m.Reset()
	m.Write([]byte{kind})
	m.Write([]byte(word))
	return store.Word(binary.BigEndian.Uint64(m.Sum(nil)))
}

func (n *Node) wordHash(kind byte, word string) store.Word { return wordHash(n.wordMAC(), kind, word) }

const (
	wholeWord = 'w'
	beginning = 'p'
)

// lookFor is what stands in the store for the words that somebody looks for. Of what ends with a star only the first letters are known: four, or six where there are as
// many. So it may find somewhat more than was asked for, and never less.
func (n *Node) lookFor(text string) (out []store.Word, err error) {
	bad := func(what string) ([]store.Word, error) { return nil, fault.New(fault.Usage, "", "%s", what) }
	if len(text) > 1000 {
		return bad("what is looked for has at most 1000 bytes")
	}
	for _, field := range strings.Fields(text) {
		field, star := strings.CutSuffix(field, "*")
		var last string
		for w := range wordsIn(field) {
			if last != "" {
				out = append(out, n.wordHash(wholeWord, last))
			}
			last = w
		}
		if last == "" {
			continue
		}
		if !star {
			out = append(out, n.wordHash(wholeWord, last))
			continue
		}
		p := prefixOf(last, longPrefix)
		if p == "" {
			p = prefixOf(last, shortPrefix)
		}
		if p == "" {
			return bad("a star stands after four letters at least, as in rans*")
		}
		out = append(out, n.wordHash(beginning, p))
	}
	switch {
	case len(out) == 0:
		return bad("there is no word in what is looked for")
	case len(out) > maxAsked:
		return bad("at most 16 words are looked for at once")
	}
	return out, nil
}

// words gathers what stands in the store for the words of texts, each once.
type words struct {
	n    *Node
	mac  hash.Hash // nil: not yet made
	seen map[string]bool
	all  []store.Word

	known map[string][]store.Word // what stands for words that were met before; nil: not remembered
}

// maxKnown bounds the words that are remembered while those of many texts are gathered: texts that come together share most of theirs.
const maxKnown = 1 << 14

func (s *words) add(text string) {
	for w := range wordsIn(text) {
		if len(s.seen) == maxWords {
			return
		}
		if s.seen[w] {
			continue
		}
		if s.mac == nil {
			s.mac = s.n.wordMAC()
		}
		s.seen[w] = true
		if marks, ok := s.known[w]; ok {
			s.all = append(s.all, marks...)
			continue
		}
		before := len(s.all)
		s.all = append(s.all, wordHash(s.mac, wholeWord, w))
		for _, letters := range []int{shortPrefix, longPrefix} {
			if p := prefixOf(w, letters); p != "" {
				s.all = append(s.all, wordHash(s.mac, beginning, p))
			}
		}
		if s.known != nil && len(s.known) < maxKnown {
			s.known[strings.Clone(w)] = slices.Clone(s.all[before:])
		}
	}
}

// wordsOfMany makes what tells what stands in the store for the words of texts, for one who asks for many. It is not for concurrent use, and what it gave holds until it is asked again.
func (n *Node) wordsOfMany() func(texts ...string) []store.Word {
	w := words{n: n, seen: map[string]bool{}, known: map[string][]store.Word{}}
	return func(texts ...string) []store.Word {
		clear(w.seen)
		w.all = w.all[:0]
		for _, t := range texts {
			w.add(t)
		}
		return w.all
	}
}

// wordsOf is what stands in the store for the words of a statement: of its title and text, of whatever else its body says, and of its facts.
func (n *Node) wordsOf(h *statement.Head, b *statement.Body) []store.Word {
	s := words{n: n, seen: map[string]bool{}}
	s.add(b.Title)
	for _, blob := range b.Blobs {
		s.add(blob.Name)
	}
	for text := range stringsIn(h.Facts) {
		s.add(text)
	}
	s.add(b.Text)
	for _, v := range b.Rest {
		for text := range stringsIn(v) {
			s.add(text)
		}
	}
	return s.all
}

// stringsIn gives the strings of a JSON value that are not names of members.
func stringsIn(v jsontext.Value) iter.Seq[string] {
	return func(yield func(string) bool) {
		d := jsontext.NewDecoder(bytes.NewReader(v))
		for {
			kind, length := d.StackIndex(d.StackDepth())
			t, err := d.ReadToken()
			if err != nil {
				return
			}
			isName := kind == '{' && length%2 == 0
			if t.Kind() == '"' && !isName && !yield(t.String()) {
				return
			}
		}
	}
}

// Rounds of looking for words. One holds up who writes for some milliseconds.
const (
	indexRound  = 32 // statements
	indexAtOnce = 8  // rounds before somebody's search
	indexTended = 16 // rounds of one look
)

// indexRoundOf keeps the words of some statements that are here and whose words are not. more tells that there may be others.
func (n *Node) indexRoundOf(ctx context.Context) (more bool, err error) {
	found := map[statement.ID][]store.Word{}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		clear(found)
		ids, err := tx.Unworded(indexRound)
		if err != nil {
			return err
		}
		for _, id := range ids {
			h, err := headOf(tx, id)
			if err != nil {
				return err
			}
			found[id] = nil // also of one whose body cannot be read: it is not looked at again
			if b, err := readBody(tx, h); err == nil && b != nil {
				found[id] = n.wordsOf(h, b)
			}
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return false, err
	}
	err = n.Exchange.Update(ctx, func(tx store.Tx) error {
		for id, words := range found {
			if err := tx.PutWords(id, words); err != nil {
				return err
			}
		}
		return nil
	})
	return len(found) == indexRound, err
}

// indexSome goes through rounds until nothing is left, or so many times.
func (n *Node) indexSome(ctx context.Context, rounds int) error {
	for range rounds {
		more, err := n.indexRoundOf(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Index notes the words of all bodies that are here and were not looked at yet, so that a search finds them. A served node does that by itself, a little at a time.
func (n *Node) Index(ctx context.Context) error {
	for {
		if more, err := n.indexRoundOf(ctx); err != nil || !more {
			return err
		}
	}
}

// follow keeps the words of what comes, until ctx ends. While there is more it takes at most a tenth of the time: who writes comes first.
func (n *Node) follow(ctx context.Context) {
	const idle, tenth = time.Second, 9
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		more, err := n.indexRoundOf(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			n.component("words").WarnContext(ctx, "words of what came could not be kept now; it is tried again", "error", fault.Show(err))
			timer.Reset(10 * idle)
		case err == nil && more:
			timer.Reset(tenth * time.Since(began))
		default:
			timer.Reset(idle)
		}
	}
}
