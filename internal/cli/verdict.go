package cli

import (
	"strings"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
)

// verdictView is a decision as it is shown.
type verdictView struct {
	node.Verdict `json:",embed"`

	text string // what decided, where it is neither agreement nor caveat
}

func viewVerdict(v exchange.Verdict) verdictView { return verdictView{Verdict: node.ViewVerdict(v)} }

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
	case v.text != "":
		by = v.text
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
			p.say("    A second officer approves it before it leaves%s.", asks(v.ApprovalBy, v.AskedBy))
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

// asks names the articles and the own caveats that ask for approval.
func asks(numbers, caveats []string) string {
	var by []string
	if len(numbers) > 0 {
		by = append(by, articles(numbers))
	}
	for _, c := range caveats {
		by = append(by, "the caveat "+line(c))
	}
	switch len(numbers) + len(caveats) {
	case 0:
		return ""
	case 1:
		return ": " + by[0] + " asks for it"
	}
	return ": " + strings.Join(by, " and ") + " ask for it"
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
