package page

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
)

// Fault is what is shown of an error.
type Fault struct {
	Status int
	Title  string // in the reader's language
	Means  string // what that is and what to do, in the reader's language; "" where Says tells it
	Says   string // the fault's own words, in English
	Clause string
}

// FaultOf is what is shown of an error: its words, which are safe, and a heading by its code.
func FaultOf(s *Shell, err error) Fault {
	f := fault.Of(err)
	code := fault.Wire(f.Code)
	out := Fault{Status: fault.HTTP(f.Code), Title: s.T("fault." + string(code)), Says: sentence(f.Msg), Clause: f.Clause}
	// What a rule hides looks like what is not there, to the letter.
	if f.Code == fault.Withheld || f.Code == fault.NotFound {
		out.Says, out.Clause = "", ""
	}
	if s.Code() != "en" || out.Says == "" {
		out.Means = s.Or("fault.means."+string(code), "")
	}
	return out
}

// Marked raises the page's label to a stricter one: whoever prints the page may pass it on no further than the strictest of what it shows.
func (s *Shell) Marked(labels ...string) {
	rank := func(label string) int {
		return slices.Index([]string{"", "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}, label)
	}
	for _, l := range labels {
		if rank(l) > rank(s.TLP) {
			s.TLP = l
		}
	}
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}

func scheme(theme string) string {
	if theme == "" {
		return "light dark"
	}
	return theme
}

func flag(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

func roleNames(s *Shell) []string {
	var out []string
	for _, r := range s.Visitor.Roles {
		out = append(out, s.Or("role."+string(r), r.String()))
	}
	return out
}

// zones are those that the field of the time zone offers; it takes every other one.
func zones() []string {
	return []string{
		"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Bogota", "America/Mexico_City", "America/New_York", "America/Sao_Paulo",
		"America/Los_Angeles", "Asia/Almaty", "Asia/Dubai", "Asia/Jakarta", "Asia/Kolkata", "Asia/Riyadh", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
		"Australia/Sydney", "Europe/Berlin", "Europe/Brussels", "Europe/Istanbul", "Europe/London", "Europe/Moscow", "Europe/Paris",
	}
}

// left is a countdown's text.
func left(s *Shell, t time.Time) string {
	d := t.Sub(s.Now)
	if d < 0 {
		return s.T("clock.over", s.Span(d))
	}
	return s.T("clock.in", s.Span(d))
}

// urgency is the class of a countdown. What it says in colour, the text says in words.
func urgency(s *Shell, t time.Time) string {
	switch d := t.Sub(s.Now); {
	case d < 0:
		return "over"
	case d < time.Hour:
		return "soon"
	}
	return "later"
}

// Word is an identifier of a protocol in the reader's language, where that has one.
func (s *Shell) Word(group, id string) string {
	return s.Or(group+"."+id, strings.ReplaceAll(id, "-", " "))
}

// Words are several.
func (s *Shell) Words(group string, ids []string) []string {
	out := slices.Clone(ids)
	for i, id := range out {
		out[i] = s.Word(group, id)
	}
	return out
}

// isolated keeps each of several values from turning the words around it, where these are written in the other direction.
func isolated(values []string) []string {
	out := slices.Clone(values)
	for i, v := range out {
		out[i] = "\u2068" + v + "\u2069"
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }

// RecallReasons are why something is recalled.
func RecallReasons(s *Shell) []Choice {
	var out []Choice
	for _, r := range recall.Reasons() {
		out = append(out, Choice{Value: string(r), Label: s.Word("value", string(r))})
	}
	return out
}
