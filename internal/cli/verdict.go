package cli

import (
	"strings"

	"github.com/comity-exchange/comity/agreement"
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
	Approval   bool            `json:"approval,omitzero"`     // a second officer approves before it leaves
	ApprovalBy []string        `json:"approval_by,omitempty"` // the articles that ask for it
	Use        *agreement.Use  `json:"use,omitempty"`         // what recipients may do with it

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
		Approval: v.Approval, ApprovalBy: v.ApprovalBy,
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
		if v.Approval {
			p.say("    A second officer approves it before it leaves%s.", asks(v.ApprovalBy))
		}
		if v.Use != nil {
			writeUse(p, *v.Use)
		}
		return
	}
	p.say("%s under %s: %s (%s)", p.warn("May not pass"), by, line(v.Reason), v.Clause)
	for _, g := range v.grounds() {
		p.say("    %s", line(g))
	}
}

// asks names the articles that ask for approval; a caveat asks without one.
func asks(list []string) string {
	if len(list) == 0 {
		return ""
	}
	if len(list) == 1 {
		return ": " + articles(list) + " asks for it"
	}
	return ": " + articles(list) + " ask for it"
}

// writeUse says what recipients may do with what they get.
func writeUse(p *page, u agreement.Use) {
	if u.Onward != "" {
		p.say("    %s (article %s).", map[agreement.Onward]string{
			agreement.OnwardNone: "Recipients pass it on to nobody", agreement.OnwardParties: "Recipients pass it on to other parties alone",
			agreement.OnwardAsk: "Recipients ask before they pass it on", agreement.OnwardFree: "Recipients pass it on as its marking lets them",
		}[u.Onward], u.OnwardBy)
	}
	if u.Proceedings != "" {
		p.say("    %s (article %s).", map[agreement.Proceedings]string{
			agreement.ProceedingsNo: "It serves in no judicial proceedings", agreement.ProceedingsPermission: "It serves in judicial proceedings with permission alone",
			agreement.ProceedingsYes: "It may serve in judicial proceedings",
		}[u.Proceedings], u.ProceedingsBy)
	}
	if u.Retention > 0 {
		p.say("    It is erased after %s, where its marking has no date (article %s).", seconds(u.Retention), u.RetentionBy)
	}
}

func articles(list []string) string {
	if len(list) == 1 {
		return "article " + list[0]
	}
	return "articles " + strings.Join(list, ", ")
}
