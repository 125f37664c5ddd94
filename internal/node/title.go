package node

import (
	"strings"
	"unicode/utf8"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
)

// MaxTitle is how long a title is that this node composes, and how much of a peer's its views show, in characters. Without it one peer's titles, which only the bound of
// a body (STM-3) holds, would fill every list.
const MaxTitle = 200

// heading is as much of a title as a view shows. The statement itself has all of it.
func heading(title string) string {
	if len(title) <= MaxTitle { // bytes: it has no more characters than these
		return title
	}
	n, cut := 0, 0
	for at := range title {
		switch n++; n {
		case MaxTitle: // here the ellipsis would stand
			cut = at
		case MaxTitle + 1:
			return strings.TrimSpace(title[:cut]) + "…"
		}
	}
	return title
}

// headings are as much of an agreement's title as a view shows, in each language.
func headings(title agreement.Text) agreement.Text {
	if title == nil {
		return nil
	}
	out := make(agreement.Text, len(title))
	for language, t := range title {
		out[language] = heading(t)
	}
	return out
}

// checkTitle is the fault of a title that this node does not compose.
func checkTitle(title string) error {
	if utf8.RuneCountInString(title) > MaxTitle {
		return fault.New(fault.Usage, "", "a title has at most %d characters: the text says the rest", MaxTitle)
	}
	return nil
}
