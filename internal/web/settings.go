package web

import (
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/notice"
	"github.com/comity-exchange/comity/internal/web/page"
)

// settings shows how the node is set up.
func (f *face) settings(w http.ResponseWriter, r *http.Request) error {
	return f.showSettings(w, r, http.StatusOK, nil, nil)
}

func (f *face) showSettings(w http.ResponseWriter, r *http.Request, status int, problem *page.Fault, tried []node.Tried) error {
	ctx := r.Context()
	s := f.shell(r, "settings.title", "settings")
	may := func(a auth.Action) bool { return f.n.Authorize(ctx, a, auth.Matter{}) == nil }
	v := &page.Settings{Fault: problem, May: may(auth.ManageKeys), Retention: may(auth.Read)}
	files, err := f.n.CaveatFiles(ctx)
	if err != nil {
		return err
	}
	for _, c := range files {
		v.Caveats = append(v.Caveats, page.CaveatFile{Name: c.Name, Text: c.Text})
	}
	for _, l := range f.House.Catalog.Languages() {
		v.Languages = append(v.Languages, page.LanguageRow{Code: l.Code(), Name: l.Name, Lacks: s.Words("settings.group", l.Lacks), Here: l.Code() == s.Code()})
	}
	if v.Notices, err = f.notices(r, tried); err != nil {
		return err
	}
	values, err := f.n.Settings(ctx)
	if err != nil && fault.CodeOf(err) != fault.Denied {
		return err
	}
	for _, one := range values {
		v.Rows = append(v.Rows, page.SettingRow{Key: one.Key, Value: one.Text, Own: one.Own, Doc: one.Doc})
	}
	return f.show(w, r, status, page.SettingsPage(s, v))
}

// notices is how mail and webhook stand; nil for whoever may not see it.
func (f *face) notices(r *http.Request, tried []node.Tried) (*page.Notices, error) {
	n, err := f.n.Notices(r.Context())
	if fault.CodeOf(err) == fault.Denied {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := &page.Notices{
		Lost: n.Lost, LastLost: moment(n.LastLost), Test: (n.Mail || n.Webhook) && f.n.Authorize(r.Context(), auth.ManageOfficers, auth.Matter{}) == nil,
	}
	for _, l := range n.Lines {
		v.Next += l.Count
	}
	for _, way := range []struct {
		way notice.Way
		set bool
	}{{notice.ByMail, n.Mail}, {notice.ByWebhook, n.Webhook}} {
		row := page.NoticeWay{Way: string(way.way), Set: way.set, Sent: moment(n.SentBy[way.way])}
		for _, one := range n.Waiting {
			for _, try := range one.Left {
				if try.Way != way.way {
					continue
				}
				row.Waiting++
				if try.Error != "" {
					row.Error, row.Attempts, row.Next = try.Error, try.Attempts, moment(try.Next)
				}
			}
		}
		v.Ways = append(v.Ways, row)
	}
	for _, t := range tried {
		v.Tried = append(v.Tried, page.TriedRow{Way: string(t.Way), Sent: t.Sent, Says: t.Says})
	}
	return v, nil
}

// tryNotices sends a notice of nothing by every way, and says on the page what came of it.
func (f *face) tryNotices(w http.ResponseWriter, r *http.Request) error {
	tried, err := f.n.TryNotice(r.Context())
	if err != nil {
		return err
	}
	return f.showSettings(w, r, http.StatusOK, nil, tried)
}

// caveats reads the party's own rules again. Those that do not compile change nothing.
func (f *face) caveats(w http.ResponseWriter, r *http.Request) error {
	if err := f.n.ReloadCaveats(r.Context()); err != nil {
		problem := page.FaultOf(f.shell(r, "settings.title", "settings"), err)
		return f.showSettings(w, r, problem.Status, &problem, nil)
	}
	return see(w, r, "/settings?done=reloaded")
}

// retention shows what is to be erased, what was, and what stays although somebody asked for it.
func (f *face) retention(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	s := f.shell(r, "retention.title", "settings")
	all, err := f.n.Retention(ctx)
	if err != nil {
		return err
	}
	v := &page.Retention{MoreDue: all.MoreDue, Looked: moment(all.Looked), ByItself: all.ByItself, Traces: all.Traces, Aside: all.Aside}
	for _, d := range all.Due {
		row := page.DueRow{Href: "/threads/" + d.Thread.String() + "#s-" + d.Statement.Short(), Short: d.Statement.Short(), From: string(d.From), At: moment(d.At), By: page.Link{Text: s.T("retention.by.marking")}}
		row.Label, _ = f.texts(s, d.Kind)
		if !d.Agreement.IsZero() {
			row.By = page.Link{Text: s.T("retention.by.article", d.Article), Href: agreementHref(d.Agreement, d.Article)}
			if d.Article == "" {
				row.By.Text = s.T("retention.by.agreement")
			}
		}
		v.Due = append(v.Due, row)
	}
	for _, e := range all.Erased {
		row := page.ErasedRow{Short: e.Statement.Short(), At: moment(e.At), Way: e.Way}
		if !e.Thread.IsZero() {
			row.Href = "/threads/" + e.Thread.String() + "#s-" + row.Short
		}
		v.Erased = append(v.Erased, row)
	}
	for _, h := range all.Held {
		v.Held = append(v.Held, page.HeldRow{Short: h.Statement.Short(), Recall: "/threads/" + h.Recall.String(), By: string(h.By), Ground: string(h.Ground), At: moment(h.At)})
	}
	return f.show(w, r, http.StatusOK, page.RetentionPage(s, v))
}
