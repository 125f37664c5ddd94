package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// desk is a node of XA with officers, its pages, and peers that talk to it.
type desk struct {
	*testing.T
	f       *fedtest.Federation
	xa, xb  *fedtest.Party
	pages   http.Handler
	claims  map[string]auth.Claim
	names   map[string]page.Visitor
	agreed  agreement.ID
	options web.Options
	seen    map[string]bool // looks whose cookies are set
}

// officerHeader names the officer of a request: the stub of the door takes it at its word.
const officerHeader = "X-Test-Officer"

type visitorKey struct{}

// newDesk makes XA and XB with an agreement between them; more parties where codes are given.
func newDesk(t *testing.T, codes ...string) *desk {
	t.Helper()
	if len(codes) == 0 {
		codes = []string{"XA", "XB"}
	}
	f := fedtest.New(t, codes...)
	d := &desk{T: t, f: f, xa: f.At("XA"), xb: f.At("XB"), claims: map[string]auth.Claim{}, names: map[string]page.Visitor{}, seen: map[string]bool{}}
	d.agreed = f.Agree(d.text(), "XA")
	d.staff()
	house, err := page.NewHouse("XA", false, d.xa.Now)
	d.must(err)
	house.Name = "Exampleland National CERT"
	d.options = web.Options{House: house, Signed: d.signed, Visitor: func(ctx context.Context) page.Visitor {
		v, _ := ctx.Value(visitorKey{}).(page.Visitor)
		return v
	}, SignOut: "/sign-out"}
	d.pages = web.Handler(d.xa.Node, d.options)
	return d
}

// text is that of the agreement.
func (d *desk) text() string {
	d.Helper()
	raw, err := os.ReadFile("testdata/assistance.json")
	d.must(err)
	return string(raw)
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// staff gives XA officers: root administers, duty is on duty, release releases, writer analyses, audit looks.
func (d *desk) staff() {
	ctx := d.Context()
	d.enter(ctx, "root", "Administrator of XA", auth.Administrator)
	root := d.as("root")
	d.enter(root, "duty", "Duty officer of XA", auth.DutyOfficer)
	d.enter(root, "release", "Releasing officer of XA", auth.ReleasingOfficer)
	d.enter(root, "writer", "Analyst of XA", auth.Analyst)
	d.enter(root, "audit", "Auditor of XA", auth.Auditor)
}

// enter adds an officer who has signed in.
func (d *desk) enter(by context.Context, id, name string, roles ...auth.Role) {
	d.Helper()
	d.must(d.xa.AddOfficer(by, auth.Person{ID: id, Name: name, Roles: roles, Languages: []string{"en"}}))
	secret, err := d.xa.MakeToken(by, id, nil, statement.TimeOf(d.xa.Now().Add(30*24*time.Hour)))
	d.must(err)
	d.claims[id] = auth.Claim{Officer: id, Token: secret}
	d.names[id] = page.Visitor{Officer: id, Name: name, Roles: roles, Session: id}
}

func (d *desk) as(id string) context.Context { return auth.With(d.Context(), d.claims[id]) }

// signed is the stub of the door.
func (d *desk) signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(officerHeader)
		if d.claims[id].Token.IsZero() {
			http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
			return
		}
		ctx := context.WithValue(auth.With(r.Context(), d.claims[id]), visitorKey{}, d.names[id])
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// answer is what a page has answered.
type answer struct {
	*httptest.ResponseRecorder
	body string
}

func (d *desk) do(id string, r *http.Request) answer {
	r.Header.Set(officerHeader, id)
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		r.Header.Set("Sec-Fetch-Site", "same-origin") // as after what an own page has sent
	}
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	return answer{w, w.Body.String()}
}

// get asks for a page.
func (d *desk) get(id, path string, with ...string) answer {
	path, _, _ = strings.Cut(path, "#") // a browser keeps it
	r := httptest.NewRequestWithContext(d.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(with); i += 2 {
		r.Header.Add(with[i], with[i+1])
	}
	return d.do(id, r)
}

// page asks for a page that has to be there.
func (d *desk) page(id, path string, with ...string) string {
	d.Helper()
	a := d.get(id, path, with...)
	if a.Code != http.StatusOK {
		d.Fatalf("%s as %s: %d\n%s", path, id, a.Code, said(a.body))
	}
	return a.body
}

// post sends a form.
func (d *desk) post(id, path string, values url.Values) answer {
	r := httptest.NewRequestWithContext(d.Context(), http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.do(id, r)
}

// sends sends a form that has to lead on, and gives where to.
func (d *desk) sends(id, path string, values url.Values) string {
	d.Helper()
	a := d.post(id, path, values)
	if a.Code != http.StatusSeeOther {
		d.Fatalf("%s as %s: %d\n%s", path, id, a.Code, said(a.body))
	}
	return a.Header().Get("Location")
}

// said is the text of a page, for messages of tests.
func said(html string) string {
	var b strings.Builder
	in := false
	for _, c := range html {
		switch {
		case c == '<':
			in = true
		case c == '>':
			in = false
			b.WriteByte(' ')
		case !in:
			b.WriteRune(c)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// has wants words on a page.
func (d *desk) has(what, html string, words ...string) {
	d.Helper()
	for _, w := range words {
		if !strings.Contains(html, w) && !strings.Contains(said(html), w) {
			d.Errorf("%s: nothing says %q in\n%s", what, w, said(html))
		}
	}
}

// lacks wants words not to be on a page.
func (d *desk) lacks(what, html string, words ...string) {
	d.Helper()
	for _, w := range words {
		if strings.Contains(html, w) {
			d.Errorf("%s: it says %q", what, w)
		}
	}
}

// ask has XB ask XA for something.
func (d *desk) ask(title string, p statement.Precedence) exchange.Said {
	d.Helper()
	facts, err := node.Facts(assist.Request{Type: assist.Preservation, Purpose: "recovery", Sector: "energy"})
	d.must(err)
	s := d.xb.Say(exchange.Draft{
		Kind: assist.KindRequest, To: d.parties("XA"), Agreement: d.agreed, Precedence: p, Track: statement.Technical, Facts: facts, Title: title,
		Text: "Please keep the logs of 192.0.2.17 from 1 March 08:00 UTC on.\n\nWe will ask for them through the usual channel.", Marking: marking.Marking{TLP: marking.Amber},
	}, nil)
	d.xa.Has(s.ID)
	d.xb.Delivered(s.ID)
	return s
}

// askOut has XA ask XB, by an officer's draft.
func (d *desk) askOut(title string) exchange.Said {
	d.Helper()
	draft := d.request(title)
	v, err := d.xa.NewDraft(d.as("release"), draft, nil)
	d.must(err)
	s, err := d.xa.ReleaseDraft(d.as("release"), v.ID, statement.Digest{})
	if err != nil { // the agreement asks for a second officer
		_, _, err = d.xa.SubmitDraft(d.as("release"), v.ID)
		d.must(err)
		d.Fatalf("%s waits for approval", title)
	}
	d.xa.Delivered(s.ID)
	return s
}

func (d *desk) request(title string) exchange.Draft {
	d.Helper()
	facts, err := node.Facts(assist.Request{Type: assist.Information, Purpose: "recovery", Sector: "energy"})
	d.must(err)
	return exchange.Draft{
		Kind: assist.KindRequest, To: d.parties("XB"), Agreement: d.agreed, Precedence: statement.Priority, Track: statement.Technical, Facts: facts, Title: title,
		Text: "What do you know of it?", Marking: marking.Marking{TLP: marking.Green}, By: d.xa.By("", ""),
	}
}
