package cli

import (
	"strings"

	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// verdictView is a decision as it is shown.
type verdictView struct {
	Permitted  bool            `json:"permitted"`
	Agreement  statement.ID    `json:"agreement,omitzero"` // absent: the charter
	Caveat     bool            `json:"caveat,omitzero"`    // a caveat of this party decided
	Articles   []string        `json:"articles"`
	Clause     string          `json:"clause,omitzero"`
	Reason     string          `json:"reason,omitzero"`
	Nearest    []string        `json:"nearest,omitempty"` // what would be permitted instead
	Recipients []recipientView `json:"recipients,omitempty"`

	Text string `json:"-"` // what decided, where it is neither of these
}

type recipientView struct {
	To        party.Code `json:"to"`
	Permitted bool       `json:"permitted"`
	Articles  []string   `json:"articles"`
	Reason    string     `json:"reason,omitzero"`
	Nearest   []string   `json:"nearest,omitempty"`
}

func viewVerdict(v exchange.Verdict) verdictView {
	out := verdictView{
		Permitted: v.Permitted, Agreement: v.Agreement, Caveat: v.Caveat, Articles: v.Articles, Clause: v.Clause, Reason: v.Reason, Nearest: v.Nearest,
	}
	for _, r := range v.Per {
		out.Recipients = append(out.Recipients, recipientView{r.To, r.Permitted, r.Articles, r.Reason, r.Nearest})
	}
	return out
}

// grounds is what a denial rests on, and what would be permitted instead.
func (v verdictView) grounds() []string {
	var out []string
	if len(v.Articles) > 0 && !v.Permitted {
		out = append(out, "forbidden by "+articles(v.Articles))
	}
	if len(v.Recipients) > 1 {
		for _, r := range v.Recipients {
			if !r.Permitted {
				out = append(out, "to "+string(r.To)+": "+r.Reason)
			}
		}
	}
	for _, n := range v.Nearest {
		if !strings.Contains(v.Reason, n) {
			out = append(out, n)
		}
	}
	return out
}

func (v verdictView) write(p *page) {
	by := "the charter"
	switch {
	case v.Text != "":
		by = v.Text
	case v.Caveat:
		by = "this party's own caveats"
	case !v.Agreement.IsZero():
		by = "agreement " + v.Agreement.Short()
	}
	if v.Permitted {
		text := "May pass under " + by
		if len(v.Articles) > 0 {
			text += ", by " + articles(v.Articles)
		}
		p.say("%s.", text)
		return
	}
	p.say("%s under %s: %s (%s)", p.warn("May not pass"), by, line(v.Reason), v.Clause)
	for _, g := range v.grounds() {
		p.say("    %s", line(g))
	}
}

func articles(list []string) string {
	if len(list) == 1 {
		return "article " + list[0]
	}
	return "articles " + strings.Join(list, ", ")
}
