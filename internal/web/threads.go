package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// perPage is how many threads a page lists.
const perPage = 50

// threads lists them.
func (f *face) threads(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "nav.threads", "threads")
	s.Live = true
	get := r.URL.Query()
	q, err := f.wants(get)
	if err != nil {
		return err
	}
	list, err := f.n.List(r.Context(), q)
	if err != nil {
		return err
	}
	v := &page.Threads{Search: q.Text, Unread: q.Unread, Owed: q.Owed, Others: q.Order == node.ByOthersDue, MayNew: f.n.MayDraft(r.Context())}
	for _, t := range list.Threads {
		v.Rows = append(v.Rows, f.row(s, t))
	}
	if v.Filters, err = f.filters(r.Context(), s, q); err != nil {
		return err
	}
	for name, all := range get {
		v.Any = v.Any || name != "after" && len(all) > 0 && all[0] != ""
	}
	at := func(cursor string) string {
		next := url.Values{}
		for name, all := range get {
			if name != "after" && len(all) > 0 && all[0] != "" {
				next.Set(name, all[0])
			}
		}
		if cursor != "" {
			next.Set("after", cursor)
		}
		if len(next) == 0 {
			return "/threads"
		}
		return "/threads?" + next.Encode()
	}
	if list.Next != "" {
		v.Next = at(list.Next)
	}
	if q.Cursor != "" {
		v.First = at("")
	}
	return f.show(w, r, http.StatusOK, page.ThreadList(s, v))
}

// A thread is open while something may still come in it.
const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// wants reads the filters. What is no value of one is told, not passed over.
func (f *face) wants(get url.Values) (q node.Query, err error) {
	q = node.Query{
		Filter: node.Filter{
			Desk: get.Get("desk"), Unread: get.Get("unread") != "", Owed: get.Get("owed") != "", Status: get.Get("status"), Open: get.Get("state") == stateOpen, Closed: get.Get("state") == stateClosed, Track: statement.Track(get.Get("track")),
			Precedence: statement.Precedence(get.Get("precedence")), TLP: marking.TLP(get.Get("tlp")),
		},
		Text: strings.TrimSpace(get.Get("q")), Cursor: get.Get("after"), Limit: perPage,
	}
	if get.Get("others") != "" {
		q.Order = node.ByOthersDue // only threads in which another party owes something
	}
	if s := get.Get("state"); s != "" && s != stateOpen && s != stateClosed {
		return q, fault.New(fault.Usage, "", "threads are open or closed")
	}
	if p := get.Get("peer"); p != "" {
		if q.Peer, err = party.ParseCode(p); err != nil {
			return q, fault.Wrap(err, fault.Usage, "ENC-6", "a party's code is like XA or XA.cert")
		}
	}
	if a := get.Get("agreement"); a != "" {
		if q.Agreement, err = statement.ParseID(a); err != nil {
			return q, fault.Wrap(err, fault.Usage, "ENC-4", "an agreement's id has 64 hexadecimal digits")
		}
	}
	return q, nil
}

// filters are the selects above the list.
func (f *face) filters(ctx context.Context, s *page.Shell, q node.Query) ([]page.Select, error) {
	letters, err := f.n.PeerViews(ctx)
	if err != nil {
		return nil, err
	}
	var peers, desks []string
	for _, l := range letters {
		peers = append(peers, string(l.Code))
	}
	for _, spec := range f.n.Rules.Specs() {
		if d := spec.Kind.Desk(); !slices.Contains(desks, d) && d != "receipt" && d != "thread" {
			desks = append(desks, d)
		}
	}
	state := ""
	switch {
	case q.Open:
		state = stateOpen
	case q.Closed:
		state = stateClosed
	}
	plain := func(v string) string { return v }
	word := func(group string) func(string) string { return func(v string) string { return s.Word(group, v) } }
	out := []page.Select{
		choose(s, "desk", q.Desk, desks, word("desk")),
		choose(s, "peer", string(q.Peer), peers, plain),
		choose(s, "state", state, []string{stateOpen, stateClosed}, word("state")),
		choose(s, "status", q.Status, statuses(), word("status")),
		choose(s, "precedence", string(q.Precedence), texts(statement.Precedences()), word("precedence")),
		choose(s, "tlp", string(q.TLP), texts(marking.TLPs()), func(v string) string { return "TLP:" + v }),
		choose(s, "track", string(q.Track), texts(tracks()), word("track")),
	}
	list, err := f.n.AgreementList(ctx, "", perPage) // those touched last; the address takes any
	all := list.Agreements
	if !q.Agreement.IsZero() && !slices.ContainsFunc(all, func(a node.AgreementView) bool { return a.ID == q.Agreement }) {
		if a, err := f.n.Agreement(ctx, q.Agreement); err == nil {
			all = append(all, a)
		}
	}
	if err != nil || len(all) == 0 {
		return out, nil // whoever may not see agreements filters by the rest
	}
	titles := map[string]string{}
	var ids []string
	for _, a := range all {
		ids = append(ids, a.ID.String())
		if titles[a.ID.String()] = a.Title.In(s.Code(), "en"); titles[a.ID.String()] == "" {
			titles[a.ID.String()] = a.ID.Short()
		}
	}
	chosen := ""
	if !q.Agreement.IsZero() {
		chosen = q.Agreement.String()
	}
	return append(out, choose(s, "agreement", chosen, ids, func(v string) string { return titles[v] })), nil
}

func tracks() []statement.Track {
	return []statement.Track{statement.Technical, statement.Diplomatic, statement.Leadership}
}

// statuses are those by which threads are filtered: of every desk, the least settled first.
func statuses() []string {
	return []string{
		"open", "acknowledged", "clarification-asked", "postponed", "granted-on-conditions", "partly-granted", "granted", "refused", "refused-by-rule", "withdrawn",
		"negotiating", "under-silence", "adopted", "open-for-signature", "in-force", "terminated", "waiting",
	}
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// choose makes a select with "any" first. A value that is asked for and not among the others is kept, so that the page says what it shows.
func choose(s *page.Shell, name, chosen string, values []string, label func(string) string) page.Select {
	out := page.Select{Name: name, Label: s.T("filter." + name), Choices: []page.Choice{{Label: s.T("filter.any"), Chosen: chosen == ""}}}
	if chosen != "" && !slices.Contains(values, chosen) {
		values = append(values, chosen)
	}
	for _, v := range values {
		l := label(v)
		if l == "" {
			l = v
		}
		out.Choices = append(out.Choices, page.Choice{Value: v, Label: l, Chosen: v == chosen})
	}
	return out
}
