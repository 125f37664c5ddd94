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
		v.Per = append(v.Per, page.PerParty{To: string(r.To), Permitted: r.Permitted, Reason: r.Reason})
	}
	return v
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
