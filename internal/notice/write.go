package notice

import (
	"net/url"
	"strings"

	"github.com/comity-exchange/comity/internal/i18n"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Place is where officers look: the origin of the pages; "" where nobody has said. Addresses name no thread: with a thread's id, who carries the mail could look up in
// a party's public log whose statement it is.
type Place string

// Of is the address of the page where things of a line are.
func (p Place) Of(l Line) string {
	if p == "" {
		return ""
	}
	path := "/"
	switch l.Kind {
	case Arrived, Recall:
		path = "/threads?" + threads("unread", l.Desk)
	case Due, Overdue:
		path = "/threads?" + threads("owed", l.Desk)
	case Approval:
		path = "/drafts"
	case Fork:
		path = "/log"
	}
	return string(p) + path
}

func threads(which, desk string) string {
	q := url.Values{which: {"1"}}
	if desk != "" {
		q.Set("desk", desk)
	}
	return q.Encode()
}

// Letter is a notice as people read it.
type Letter struct{ Subject, Text string }

// Write puts a notice into words.
func Write(n Notice, self party.Code, at Place, p *i18n.Printer) Letter {
	var b strings.Builder
	say := func(text string) { b.WriteString(text + "\n") }
	if !n.test() {
		say(p.T("notice.begin", self))
		say("")
	}
	for i, l := range sorted(n.Lines) {
		if i > 0 {
			say("")
		}
		say(sentence(l, p))
		if where := at.Of(l); where != "" {
			say(where)
		}
	}
	say("")
	if at == "" {
		say(p.T("notice.nowhere"))
	}
	say(p.T("notice.end", p.Time(n.Made.Std())))
	return Letter{subject(n, self, p), b.String()}
}

func subject(n Notice, self party.Code, p *i18n.Printer) string {
	switch h := Highest(n.Lines); {
	case n.test():
		return p.T("notice.trial", self)
	case h == "":
		return p.T("notice.subject", total(n.Lines), self)
	default:
		return p.T("notice.pressing", total(n.Lines), self, strings.ToUpper(word(h, p)))
	}
}

// sentence is a line in words.
func sentence(l Line, p *i18n.Printer) string {
	out := []string{p.T("notice."+string(l.Kind), l.Count)}
	if l.Desk != "" {
		out = append(out, p.T("notice.at", p.Or("desk."+l.Desk, l.Desk)))
	}
	if l.Party != "" {
		out = append(out, p.T("notice.party", l.Party))
	}
	if l.Precedence != "" {
		key := "notice.precedence"
		if l.Count > 1 {
			key = "notice.highest"
		}
		out = append(out, p.T(key, word(l.Precedence, p)))
	}
	if l.TLP != "" {
		key := "notice.marking"
		if l.Count > 1 {
			key = "notice.strictest"
		}
		out = append(out, p.T(key, "TLP:"+string(l.TLP)))
	}
	return strings.Join(out, " ")
}

func word(of statement.Precedence, p *i18n.Printer) string {
	return p.Or("precedence."+string(of), string(of))
}
