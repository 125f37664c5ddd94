package client

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of what a server may have kept for it.
const (
	maxNext = 4 << 10 // bytes of next
	maxTail = 32      // objects of the last page
	maxDate = 64
)

// The sizes of pages: the usual, what is asked for where the usual is refused, and the largest where many objects have one date.
const (
	usualLimit = 1000
	smallLimit = 100
	noLimit    = -1 // the server's own
	mostLimit  = 100_000
	mostSlim   = 3
)

// cursor is where an Origin goes on.
type cursor struct {
	Since string   `json:"since,omitzero"` // after what the pages under way were asked for
	Next  string   `json:"next,omitzero"`  // what the server gave to ask with
	Added string   `json:"added,omitzero"` // the last date that it has shown
	Mixed bool     `json:"mixed,omitzero"` // the pages under way do not come in the order of their dates
	Limit int      `json:"limit,omitzero"` // of a page; 0: the usual
	Tied  int      `json:"tied,omitzero"`  // objects of the last page, where all had one date and there were more
	Slim  int      `json:"slim,omitzero"`  // how often a page was too much, and the next is a tenth
	Exact bool     `json:"exact,omitzero"` // Added is what is asked for, and not gone back behind
	Tail  []string `json:"tail,omitempty"` // hashes of the last objects that came
}

func parseCursor(text string) (c cursor) {
	if text == "" || json.Unmarshal([]byte(text), &c) != nil {
		return cursor{} // another program's: from the beginning
	}
	return c
}

func (c cursor) text() (string, error) {
	b, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		return "", fault.Wrap(err, fault.Malformed, "", "what the server gave to go on with is no text")
	}
	return string(b), nil
}

// after is what is asked for: what was added after this; "": all.
func (c cursor) after() string {
	switch {
	case c.Next != "":
		return c.Since
	case c.Exact:
		return c.Added
	}
	return behind(c.Added)
}

// limit is how many objects are asked for; 0: as many as the server likes.
func (c cursor) limit() int {
	switch {
	case c.Limit == noLimit:
		return 0
	case c.Limit > usualLimit:
		return c.Limit
	}
	n := c.Limit
	if n <= 0 {
		n = usualLimit
	}
	for range c.Slim {
		n /= 10
	}
	return max(n, 1)
}

// behind goes one unit back behind a date, of the precision in which it is written: what has that very date comes after it, though the server has cut the date or rounded it.
func behind(date string) string {
	if date == "" {
		return ""
	}
	_, fraction, _ := strings.Cut(strings.TrimSuffix(date, "Z"), ".")
	unit := time.Second
	for range min(len(fraction), 6) {
		unit /= 10
	}
	return stix.Timestamp(date).Time().Add(-unit).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// dateOf is a date that a server shows; "" for none, or one that cannot be: whoever believed it would see nothing more for years.
func dateOf(text string, now time.Time) string {
	const mayBeAhead = 48 * time.Hour
	if len(text) > maxDate {
		return ""
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil && !strings.HasSuffix(text, "Z") { // with an offset, which the standard does not allow
		text = t.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	t, err := stix.ParseTimestamp(text)
	if err != nil || t.Time().Sub(now) > mayBeAhead {
		return ""
	}
	return string(t)
}

// compare orders dates; "" comes first.
func compare(a, b string) int {
	if a == "" || b == "" {
		return strings.Compare(a, b)
	}
	return stix.Timestamp(a).Compare(stix.Timestamp(b))
}

// hashOf tells objects apart by their bytes.
func hashOf(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Stands says in words how far a cursor of an Origin is.
func Stands(text string) string {
	c := parseCursor(text)
	words := "nothing yet that the server dates"
	if t, err := stix.ParseTimestamp(c.Added); err == nil {
		words = "objects added there up to " + t.Time().UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if c.Next != "" {
		words += ", in the middle of a list that the server goes on with"
	}
	return words
}
