package web

import (
	"context"
	"slices"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// verdict is what would become of something, for people.
func (f *face) verdict(ctx context.Context, s *page.Shell, o node.Outlook) *page.Verdict {
	v := f.decided(ctx, s, o.Verdict)
	v.Asks, v.Approval = o.Approval, o.Approval != ""
	if s.Code() != "en" && v.Approval {
		v.AsksBy = asks(s, o.Verdict)
	}
	if o.Release != nil {
		v.NotYou = fault.Of(o.Release).Msg
	}
	if v.Permitted && v.Approval {
		v.Heading = s.T("verdict.second")
	}
	return v
}

// decided is a decision with its grounds.
func (f *face) decided(ctx context.Context, s *page.Shell, d exchange.Verdict) *page.Verdict {
	v := &page.Verdict{Permitted: d.Permitted, Heading: s.T("verdict.yes"), Clause: d.Clause}
	if !d.Permitted {
		v.Heading, v.Reason = s.T("verdict.no"), d.Reason
		v.Why = why(s, denial{d.Clause, d.Articles, len(d.Nearest) > 0, !d.Agreement.IsZero(), d.Caveat})
	}
	switch {
	case d.Caveat:
		v.By = &page.Link{Text: s.T("verdict.caveats")}
	case d.Agreement.IsZero():
		v.By = &page.Link{Text: s.T("verdict.charter")}
	default:
		v.By = &page.Link{Text: d.Agreement.Short(), Href: agreementHref(d.Agreement, "")}
		if a, err := f.n.Agreement(ctx, d.Agreement); err == nil {
			v.By.Text = orShort(a.Title.In(s.Code(), "en"), d.Agreement)
		}
		for _, article := range d.Articles {
			v.Articles = append(v.Articles, page.Link{Text: article, Href: agreementHref(d.Agreement, article)})
		}
	}
	v.Nearest = slices.DeleteFunc(slices.Clone(d.Nearest), func(n string) bool { return n == d.Reason })
	for _, r := range d.Per {
		v.Per = append(v.Per, page.PerParty{
			To: string(r.To), Permitted: r.Permitted, Reason: r.Reason, Why: why(s, denial{r.Clause, r.Articles, len(r.Nearest) > 0, !d.Agreement.IsZero(), d.Caveat}),
		})
	}
	return v
}

// denial is what is known of why something may not pass, beside the program's words.
type denial struct {
	clause   string
	articles []string // that forbid it, or ask for more
	nearest  bool     // some article nearly permits it
	agreed   bool     // under an agreement, and not the charter
	caveat   bool     // by the party's own rules
}

// why says it in the reader's language; "" in English, where the program's own words say more.
func why(s *page.Shell, d denial) string {
	if s.Code() == "en" {
		return ""
	}
	articles := s.List(d.articles)
	switch {
	case d.caveat || d.clause == "DEC-7":
		return s.T("verdict.why.caveat")
	case d.clause == "DEC-1" && len(d.articles) > 0:
		return s.T("verdict.why.forbids", len(d.articles), articles)
	case d.clause == "DEC-1" && d.nearest:
		return s.T("verdict.why.nearest")
	case d.clause == "DEC-1" && d.agreed:
		return s.T("verdict.why.no-article")
	case d.clause == "DEC-1" || d.clause == "DEC-5":
		return s.T("verdict.why.charter")
	case d.clause == "DEC-6" && len(d.articles) > 0:
		return s.T("verdict.why.clock", articles)
	case s.Has("verdict.why." + d.clause):
		return s.T("verdict.why." + d.clause)
	case d.clause == "":
		return ""
	}
	return s.T("verdict.why.other", d.clause)
}

// asks names the articles and the caveats that ask for a second officer. What the node's settings ask for stands in the program's words alone.
func asks(s *page.Shell, d exchange.Verdict) string {
	var by []string
	if n := len(d.ApprovalBy); n > 0 {
		by = append(by, s.T("verdict.asks.articles", n, s.List(d.ApprovalBy)))
	}
	for _, name := range d.AskedBy {
		by = append(by, s.T("verdict.asks.caveat", name))
	}
	if len(by) == 0 {
		return s.T("verdict.asks.settings")
	}
	return s.List(by) + "."
}

// uses are what a recipient may do with something, in sentences.
func uses(s *page.Shell, u agreement.Use) []string {
	var out []string
	if u.Onward != "" {
		out = append(out, s.T("use.onward."+string(u.Onward))+" "+s.T("use.by", u.OnwardBy))
	}
	if u.Proceedings != "" {
		out = append(out, s.T("use.proceedings."+string(u.Proceedings))+" "+s.T("use.by", u.ProceedingsBy))
	}
	if u.Retention > 0 {
		out = append(out, s.T("use.retention", s.Span(time.Duration(u.Retention)*time.Second))+" "+s.T("use.by", u.RetentionBy))
	}
	return out
}
