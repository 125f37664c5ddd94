package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/ledger"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// A share of a clock is counted by tenths, up to twice the clock; what took longer is one column more.
const (
	tenths = 20
	onTime = 10
)

// counted is a ledger that was asked for.
type counted struct {
	peer      party.Code
	agreement statement.ID
	from, to  time.Time // the first day and the last, in the reader's zone
	ledger    *ledger.Ledger
	part      ledger.Part
}

// ledgerPage shows what two parties asked of each other.
func (f *face) ledgerPage(w http.ResponseWriter, r *http.Request) error {
	s := f.shell(r, "ledger.title", "ledger")
	peers, err := f.n.PeerViews(r.Context())
	if err != nil {
		return err
	}
	if len(peers) == 0 {
		return f.show(w, r, http.StatusOK, page.LedgerPage(s, &page.Ledger{None: true}))
	}
	c, err := f.counts(r, s, peers)
	if err != nil {
		return err
	}
	v := &page.Ledger{Peer: string(c.peer), From: c.from.Format(time.DateOnly), To: c.to.Format(time.DateOnly), Digest: c.ledger.Digest().String()}
	for _, p := range peers {
		v.Peers = append(v.Peers, page.Choice{Value: string(p.Code), Label: string(p.Code), Chosen: p.Code == c.peer})
	}
	if v.Agreements, err = f.ledgerAgreements(r, s, c); err != nil {
		return err
	}
	ours, theirs := c.part.Totals[0], c.part.Totals[1]
	if ours.Asker != f.n.Config.Code {
		ours, theirs = theirs, ours
	}
	v.Sides = []page.Side{side(s, s.T("ledger.ours", string(c.peer)), "ours", ours, c.part), side(s, s.T("ledger.theirs", string(c.peer)), "theirs", theirs, c.part)}
	for _, e := range slices.Backward(c.part.Entries) {
		v.Entries = append(v.Entries, ledgerRow(s, &e))
		if e.Exercise {
			v.Exercises++
		}
	}
	query := url.Values{"peer": {v.Peer}, "from": {v.From}, "to": {v.To}}
	v.JSON = "/ledger.json?" + query.Encode()
	if !c.agreement.IsZero() {
		query.Set("agreement", c.agreement.String())
	}
	v.CSV = "/ledger.csv?" + query.Encode()
	return f.show(w, r, http.StatusOK, page.LedgerPage(s, v))
}

// counts computes the ledger that a query asks for: of a year, with the first peer, where it does not say.
func (f *face) counts(r *http.Request, s *page.Shell, peers []node.PeerView) (*counted, error) {
	get := r.URL.Query()
	today := s.Now.In(s.Zone)
	c := &counted{peer: party.Code(get.Get("peer")), from: today.AddDate(-1, 0, 0), to: today}
	if c.peer == "" {
		c.peer = peers[0].Code
	}
	if !slices.ContainsFunc(peers, func(p node.PeerView) bool { return p.Code == c.peer }) {
		return nil, fault.New(fault.NotFound, "LED-1", "there is no such peer")
	}
	for name, at := range map[string]*time.Time{"from": &c.from, "to": &c.to} {
		if text := get.Get(name); text != "" {
			day, err := time.ParseInLocation(time.DateOnly, text, s.Zone)
			if err != nil {
				return nil, fault.New(fault.Usage, "LED-2", "a day is written like 2026-11-22")
			}
			*at = day
		}
	}
	if text := get.Get("agreement"); text != "" {
		id, err := statement.ParseID(text)
		if err != nil {
			return nil, fault.New(fault.Usage, "LED-3", "this is no agreement's id")
		}
		c.agreement = id
	}
	begin := time.Date(c.from.Year(), c.from.Month(), c.from.Day(), 0, 0, 0, 0, s.Zone)
	end := time.Date(c.to.Year(), c.to.Month(), c.to.Day()+1, 0, 0, 0, 0, s.Zone)
	var err error
	c.ledger, err = f.n.Ledger(r.Context(), node.Period{Peer: c.peer, From: statement.TimeOf(begin), To: statement.TimeOf(end)})
	if err != nil {
		return nil, err
	}
	c.part = c.ledger.Under(c.agreement)
	return c, nil
}

// ledgerAgreements are those under which something was asked, and all of them.
func (f *face) ledgerAgreements(r *http.Request, s *page.Shell, c *counted) ([]page.Choice, error) {
	out := []page.Choice{{Value: "", Label: s.T("ledger.all"), Chosen: c.agreement.IsZero()}}
	ids := []statement.ID{}
	if !c.agreement.IsZero() {
		ids = append(ids, c.agreement)
	}
	for _, e := range c.ledger.Entries {
		if !e.Agreement.IsZero() && !slices.Contains(ids, e.Agreement) {
			ids = append(ids, e.Agreement)
		}
	}
	for _, id := range ids {
		a, err := f.n.Agreement(r.Context(), id)
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, page.Choice{Value: id.String(), Label: orShort(a.Title.In(s.Code(), "en"), id), Chosen: id == c.agreement})
	}
	return out, nil
}

// side is one direction: what came of it, how fast, and why not.
func side(s *page.Shell, title, id string, t ledger.Total, p ledger.Part) page.Side {
	v := page.Side{Title: title, Asked: t.Asked, Kept: t.Kept, Late: t.Late}
	v.Outcomes = page.Bar{ID: id + "-outcomes", Title: s.T("ledger.outcomes")}
	var means []string
	for _, o := range []struct {
		status string
		n      int
	}{
		{"granted", t.Granted}, {"partly-granted", t.PartlyGranted}, {"granted-on-conditions", t.GrantedOnConditions}, {"postponed", t.Postponed},
		{"open", t.Open}, {"withdrawn", t.Withdrawn}, {"refused", t.Refused},
	} {
		words := s.Word("status", o.status)
		tip := s.T("ledger.of", words, o.n, t.Asked)
		v.Outcomes.Segments = append(v.Outcomes.Segments, page.Segment{Class: "is-" + o.status, Words: words, Tip: tip, Count: o.n})
		if o.n > 0 {
			means = append(means, tip)
		}
	}
	v.Outcomes.Means = strings.Join(means, "; ")
	var shares [tenths + 1]int
	grounds := map[string]int{}
	for i := range p.Entries {
		e := &p.Entries[i]
		if e.Asker != t.Asker || e.Exercise {
			continue
		}
		for _, g := range e.Grounds {
			grounds[g]++
		}
		if share, ok := e.Used(); ok {
			// What took exactly the whole clock was in time: it stands left of the line.
			at := min(int(share*onTime), tenths)
			if share*onTime == float64(at) && at > 0 {
				at--
			}
			shares[at]++
			v.Timed++
		}
	}
	v.Speed = speed(s, id, shares[:], v.Timed)
	for g, n := range grounds {
		v.Grounds = append(v.Grounds, page.Segment{Words: s.Word("value", g), Count: n})
	}
	slices.SortFunc(v.Grounds, func(a, b page.Segment) int { return strings.Compare(a.Words, b.Words) })
	return v
}

// speed counts answers by how much of their clock they took.
func speed(s *page.Shell, id string, shares []int, all int) page.Columns {
	c := page.Columns{ID: id + "-speed", Title: s.T("ledger.speed"), Means: s.T("ledger.speed-means", all), Mark: onTime, Under: []string{"0", s.T("ledger.clock"), s.T("ledger.longer")}}
	for i, n := range shares {
		one := page.Segment{Class: "is-kept", Count: n, Tip: s.T("ledger.within", n, i*100/onTime, (i+1)*100/onTime)}
		if i >= onTime {
			one.Class = "is-late"
		}
		if i == tenths {
			one.Tip = s.T("ledger.beyond", n, i*100/onTime)
		}
		c.Bars = append(c.Bars, one)
	}
	return c
}

func ledgerRow(s *page.Shell, e *ledger.Entry) page.LedgerRow {
	row := page.LedgerRow{
		Href: "/threads/" + e.ID.String(), Short: e.ID.Short(), Asker: string(e.Asker), Asked: string(e.Asked), Precedence: string(e.Precedence), At: e.AskedAt.Std(),
		Outcome: e.Outcome, Exercise: e.Exercise, Grounds: strings.Join(s.Words("value", e.Grounds), ", "),
	}
	if took := e.AnswerArrivedAt; !took.IsZero() && !e.ArrivedAt.IsZero() {
		row.Took = s.Span(took.Std().Sub(e.ArrivedAt.Std()))
	}
	if !e.DueAnswer.IsZero() && !e.ArrivedAt.IsZero() {
		row.Had = s.Span(e.DueAnswer.Std().Sub(e.ArrivedAt.Std()))
	}
	switch {
	case e.Kept == nil:
	case *e.Kept:
		row.Kept = "kept"
	default:
		row.Kept = "late"
	}
	return row
}

// ledgerCSV is the requests of a ledger as a table for other programs.
func (f *face) ledgerCSV(w http.ResponseWriter, r *http.Request) error {
	c, err := f.countsAnew(r)
	if err != nil {
		return err
	}
	table, err := c.part.CSV()
	if err != nil {
		return err
	}
	return download(w, "text/csv; charset=utf-8", fmt.Sprintf("ledger-%s-%s.csv", f.n.Config.Code, c.peer), table)
}

// ledgerJSON is the ledger as both sides compute it.
func (f *face) ledgerJSON(w http.ResponseWriter, r *http.Request) error {
	c, err := f.countsAnew(r)
	if err != nil {
		return err
	}
	return download(w, "application/json", fmt.Sprintf("ledger-%s-%s.json", f.n.Config.Code, c.peer), c.ledger.Marshal())
}

func (f *face) countsAnew(r *http.Request) (*counted, error) {
	peers, err := f.n.PeerViews(r.Context())
	if err != nil {
		return nil, err
	}
	if len(peers) == 0 {
		return nil, fault.New(fault.NotFound, "LED-1", "there is no such peer")
	}
	return f.counts(r, f.shell(r, "ledger.title", "ledger"), peers)
}

// download hands a file over, to be kept and not to be shown.
func download(w http.ResponseWriter, kind, name string, raw []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(raw) // the caller is gone if this fails
	return nil
}
