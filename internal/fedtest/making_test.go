package fedtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// making is an agreement that is negotiated.
type making struct {
	*Federation
	id agreement.ID
}

// propose has XA propose a text and waits until all have it.
func (f *Federation) propose(document string) *making {
	f.T.Helper()
	xa := f.At("XA")
	said, err := xa.Propose(f.T.Context(), []byte(document), nil, "", xa.By("legal-adviser", "first"))
	f.must(err)
	m := &making{f, said.ID}
	m.heard(said.ID)
	return m
}

// heard waits until every party has folded a statement.
func (m *making) heard(id statement.ID) {
	m.T.Helper()
	for _, p := range m.Parties {
		p.Has(id)
	}
}

// try says something in the making.
func (m *making) try(code party.Code, kind statement.Kind, facts any) (exchange.Said, error) {
	p := m.At(code)
	return p.Negotiate(m.T.Context(), m.id, kind, facts, "", p.By("legal-adviser", "first"))
}

func (m *making) say(code party.Code, kind statement.Kind, facts any) statement.ID {
	m.T.Helper()
	said, err := m.try(code, kind, facts)
	m.must(err)
	return said.ID
}

// all says something and waits until every party has it.
func (m *making) all(code party.Code, kind statement.Kind, facts any) statement.ID {
	m.T.Helper()
	id := m.say(code, kind, facts)
	m.heard(id)
	return id
}

func (m *making) sign(code party.Code, reservations ...string) {
	m.T.Helper()
	p := m.At(code)
	said, err := p.Sign(m.T.Context(), m.id, reservations, "", p.By("legal-adviser", "second"))
	m.must(err)
	m.heard(said.ID)
}

// view is the making as one party has it; all parties' states must be the same.
func (m *making) view() instrument.View {
	m.T.Helper()
	m.Quiet() // what nodes say by themselves too
	first := ""
	for code, p := range m.Parties {
		if s := p.State(m.id); first == "" {
			first = s
		} else if s != first {
			m.T.Fatalf("%s has another state:\n%s\n%s", code, s, first)
		}
	}
	v, err := m.At("XA").Agreement(m.T.Context(), m.id)
	m.must(err)
	return *v.Making
}

// refused wants a submission to be refused with these words.
func (m *making) refused(err error, code fault.Code, text string) {
	m.T.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fault.Show(err), text) {
		m.T.Errorf("refused with %v %v, want %q", fault.CodeOf(err), err, text)
	}
}

// Three parties negotiate. One breaks the silence with an amendment, which is circulated and adopted; all sign, one with a reservation. What was refused before passes after, but for
// what was reserved.
func TestNegotiation(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB", "XC")
	first := strings.Replace(Pact("XA", "XB", "XC"), `"AMBER"`, `"GREEN"`, 1)
	m := f.propose(first)
	xa, xb := f.At("XA"), f.At("XB")
	request := func(to ...party.Code) error {
		_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: m.id, To: to, Text: "Who knows this address?"}, assist.Request{Type: assist.Information})
		return err
	}
	m.refused(request("XB"), fault.Denied, "not in force")

	// spec: AGR-12
	hand := m.view().Draft.Digest
	expires := statement.TimeOf(f.Clock.Now().Add(48 * time.Hour))
	m.all("XA", instrument.KindSilence, instrument.Ask{Digest: hand, Expires: expires})
	amended, err := xb.Amend(t.Context(), m.id, []byte(Pact("XA", "XB", "XC")), "Up to AMBER.", xb.By("legal-adviser", "first"))
	f.must(err)
	m.heard(amended.ID)
	if v := m.view(); v.Stage != instrument.Negotiating || len(v.Table) != 1 || v.Silence.Objections[0].By != "XB" {
		t.Fatalf("%+v", v)
	}
	// spec: AGR-9
	hand = m.view().Table[0].Digest
	m.all("XA", instrument.KindCirculate, instrument.Text{Digest: hand})
	q := m.all("XA", instrument.KindSilence, instrument.Ask{Digest: hand, Expires: statement.TimeOf(f.Clock.Now().Add(48 * time.Hour))})
	_, err = m.try("XA", instrument.KindClose, instrument.Close{Silence: q, Outcome: instrument.OutcomeAdopted})
	m.refused(err, fault.Inadmissible, "the silence goes on")
	f.Clock.Pass(48*time.Hour + time.Minute)
	m.all("XA", instrument.KindClose, instrument.Close{Silence: q, Outcome: instrument.OutcomeAdopted})
	m.all("XA", instrument.KindOpen, instrument.Text{Digest: hand})

	// spec: AGR-8, AGR-14
	m.sign("XA")
	m.sign("XB")
	m.refused(request("XB"), fault.Denied, "not in force")
	m.sign("XC", "1")
	if v := m.view(); v.Stage != instrument.StatusInForce || v.Consents["XC"].Reserved[0] != "1" {
		t.Fatalf("%+v", v)
	}
	f.must(request("XB"))
	// spec: AGR-10
	m.refused(request("XC"), fault.Denied, "for a reservation")
	f.Quiet()
}

// An objection that was said before expiry comes to the chair after it has closed the silence. Another party's node had it in time and has said so by itself: the text is in negotiation
// again, on all sides alike.
func TestObjectionOnItsWay(t *testing.T) {
	t.Parallel()
	// spec: AGR-12, AGR-13
	f := New(t, "XA", "XB", "XC")
	m := f.propose(Pact("XA", "XB", "XC"))
	hand := m.view().Draft.Digest
	q := m.all("XA", instrument.KindSilence, instrument.Ask{Digest: hand, Expires: statement.TimeOf(f.Clock.Now().Add(24 * time.Hour))})
	f.Cut("XA", "XB")
	objection := m.say("XB", instrument.KindObject, instrument.Object{Of: q})
	xb, xc := f.At("XB"), f.At("XC")
	xc.Has(objection)
	f.Cut("XA", "XC") // what XC's node says of it is on its way too
	xb.Until("XC's word that it has heard", func() bool {
		v, err := xb.Agreement(t.Context(), m.id)
		return err == nil && v.Making.Silence != nil && len(v.Making.Silence.Objections) == 1 && len(v.Making.Silence.Objections[0].Heard) > 0
	})
	f.Clock.Pass(24*time.Hour + time.Minute)
	v, err := f.At("XA").Agreement(t.Context(), m.id)
	f.must(err)
	if len(v.Making.Silence.Objections) > 0 {
		t.Skip("LOUD: XC's word overtook the cut link; the story did not happen")
	}
	closed := m.say("XA", instrument.KindClose, instrument.Close{Silence: q, Outcome: instrument.OutcomeAdopted})
	f.Mend("XA", "XB")
	f.Mend("XA", "XC")
	m.heard(closed)
	m.heard(objection)
	f.Quiet()
	if v := m.view(); v.Stage != instrument.Adopted || !v.Silence.Objections[0].Late {
		t.Fatalf("%+v %+v", v, v.Silence)
	}
	m.all("XB", instrument.KindContest, instrument.Object{Of: objection})
	if v := m.view(); v.Stage != instrument.Negotiating {
		t.Fatalf("%+v", v)
	}
}

// A suspension crosses a request on its way: the request passes. From its receipt on it binds the author, and one that acts as if it had not heard is refused.
func TestSuspensionCrosses(t *testing.T) {
	t.Parallel()
	// spec: AGR-11, DEC-11
	f := New(t, "XA", "XB", "XM")
	m := &making{f, f.Agree(strings.Replace(Pact("XA", "XB", "XM"), `"articles"`, `"notice":3600,"articles"`, 1), "XA")}
	xa, xb := f.At("XA"), f.At("XB")
	old := reliance(xa, m.id, "XB")
	f.Cut("XA", "XB")
	suspended := m.say("XB", instrument.KindSuspend, instrument.Suspend{})
	crossing := xa.Ask(m.id, exchange.Draft{Text: "It crosses."}, "XB")
	f.Mend("XA", "XB")
	xb.Has(crossing.ID)
	if r := xb.said(crossing.ID).Refused; len(r) > 0 {
		t.Errorf("what crossed it was refused: %v", r)
	}
	m.heard(suspended)
	f.Quiet()
	_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: m.id, To: []party.Code{"XB"}, Text: "After it."}, assist.Request{Type: assist.Information})
	m.refused(err, fault.Denied, "XB has suspended the agreement")
	f.must(func() error {
		_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: m.id, To: []party.Code{"XM"}, Text: "Between us it stands."}, assist.Request{Type: assist.Information})
		return err
	}())

	// XM has receipted the suspension too, and relies on the making as it was before.
	x := f.corrupt("XM", m.id)
	deaf := x.say(func(h *statement.Head) {
		h.To, h.Agreement, h.Kind, h.Facts = []party.Code{"XB"}, old, assist.KindRequest, []byte(`{"type":"information"}`)
	})
	x.takes("XB", deaf)
	if r := xb.said(deaf.ID).Refused; len(r) != 1 || r[0].Clause != "DEC-2" {
		t.Errorf("what ignores a suspension that it has receipted is answered with %+v", r)
	}
	m.all("XB", instrument.KindResume, struct{}{})
	again := xa.Ask(m.id, exchange.Draft{Text: "Thank you."}, "XB")
	xb.Has(again.ID)
}

// reliance is what a head of a party's would say of an agreement now.
func reliance(p *Party, id agreement.ID, to party.Code) (ref *statement.AgreementRef) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) (err error) {
		ref, err = p.Exchange.Reliance(tx, id, to)
		return err
	}))
	return ref
}

// An article lets two requests a day pass: the author's node counts, and starts again the next day.
func TestQuotaOfTheDay(t *testing.T) {
	t.Parallel()
	// spec: DEC-9
	f := New(t, "XA", "XB")
	m := &making{f, f.Agree(strings.Replace(Pact("XA", "XB"), `"tlp_max":"AMBER"`, `"tlp_max":"AMBER","per_day":2`, 1), "XA")}
	xa := f.At("XA")
	ask := func() error {
		_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: m.id, To: []party.Code{"XB"}, Text: "Another one."}, assist.Request{Type: assist.Information})
		return err
	}
	now := f.Clock.Now().UTC()
	f.Clock.Pass(now.Truncate(24 * time.Hour).Add(25 * time.Hour).Sub(now)) // one o'clock of the next day
	for day := range 2 {
		f.must(ask())
		f.must(ask())
		if err := ask(); fault.CodeOf(err) != fault.Denied {
			t.Errorf("day %d: a third is answered with %v", day, err)
		}
		f.Clock.Pass(24 * time.Hour)
	}
	f.Quiet()
	if n := f.At("XB").LengthOf("XA/1"); n == 0 {
		t.Error("nothing has arrived")
	}
}

// A fourth party is admitted to an agreement in force among three, gets the whole history from each who made it, is invited, and accedes: what passes between it and the others then is decided
// by it.
func TestAccession(t *testing.T) {
	t.Parallel()
	// spec: THR-8, PKT-7, AGR-15
	f := New(t, "XA", "XB", "XC", "XD")
	pact := strings.Replace(Pact("XA", "XB", "XC"), `"articles"`, `"accession":"invitation","articles"`, 1)
	m := &making{f, f.Agree(pact, "XA")}
	xa, xd := f.At("XA"), f.At("XD")
	comment, err := f.At("XB").Negotiate(t.Context(), m.id, instrument.KindComment, instrument.Comment{Digest: agreementView(xa, m.id).Digest, Article: "1"}, "As agreed.", f.At("XB").By("", ""))
	f.must(err)
	for _, code := range []party.Code{"XA", "XC"} {
		f.At(code).Has(comment.ID)
	}
	_, err = m.try("XA", instrument.KindInvite, instrument.Invite{Party: "XD"})
	m.refused(err, fault.Inadmissible, "takes part in the thread: it is admitted first")
	f.Cut("XB", "XD") // what XB said comes later than what the others did
	admitted, err := xa.Admit(t.Context(), m.id, "XD", xa.By("legal-adviser", "first"))
	f.must(err)
	for _, code := range []party.Code{"XB", "XC"} {
		f.At(code).Has(admitted.ID)
	}
	f.Mend("XB", "XD")
	m.heard(admitted.ID)
	xd.Has(comment.ID)
	m.view()
	if doc, err := xd.Document(t.Context(), m.id); err != nil || len(doc.Articles) != 2 {
		t.Fatalf("the newcomer has no text: %v", err)
	}
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		_, err := xd.Accede(t.Context(), m.id, nil, "", xd.By("legal-adviser", "first"))
		m.refused(err, fault.Inadmissible, "")
		m.all(code, instrument.KindInvite, instrument.Invite{Party: "XD"})
	}
	said, err := xd.Accede(t.Context(), m.id, nil, "", xd.By("legal-adviser", "first"))
	f.must(err)
	m.heard(said.ID)
	if v := m.view(); v.Consents["XD"].As != "accession" {
		t.Fatalf("%+v", v.Consents)
	}
	asked := xd.Ask(m.id, exchange.Draft{Text: "We are new here."}, "XB")
	f.At("XB").Has(asked.ID)
	if r := f.At("XB").said(asked.ID).Refused; len(r) > 0 {
		t.Errorf("refused: %+v", r)
	}
	f.Quiet()

	// What was said under an agreement stays with whom it was said to.
	_, err = xa.Admit(t.Context(), xa.Ask(m.id, exchange.Draft{Text: "Between us."}, "XB").ID, "XC", xa.By("", ""))
	m.refused(err, fault.Inadmissible, "nobody is admitted")
}

func agreementView(p *Party, id agreement.ID) *instrument.Draft {
	p.F.T.Helper()
	v, err := p.Agreement(p.F.T.Context(), id)
	p.F.must(err)
	return &v.Making.Draft
}

// A caveat is put into a node's folder while it runs, and holds from the next statement on; one that does not compile changes nothing.
func TestCaveatsAgain(t *testing.T) {
	t.Parallel()
	// spec: DEC-7
	f := New(t, "XA", "XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	xa := f.At("XA")
	ask := func() error {
		_, err := xa.Try(exchange.Draft{Kind: assist.KindRequest, Agreement: agreed, To: []party.Code{"XB"}, Text: "May we?"}, assist.Request{Type: assist.Information})
		return err
	}
	f.must(ask())
	name := filepath.Join(xa.Dir, "caveats", "own.cedar")
	f.must(os.MkdirAll(filepath.Dir(name), 0o700))
	f.must(os.WriteFile(name, []byte(`@caveat("hold") forbid (principal, action == Action::"assist.request", resource);`), 0o600))
	f.must(ask())
	f.must(xa.Reload())
	if err := ask(); fault.CodeOf(err) != fault.Denied || fault.ClauseOf(err) != "DEC-7" {
		t.Errorf("with the caveat: %v", err)
	}
	for _, broken := range []string{"forbid (", `permit (principal, action, resource);`, `forbid (principal, action == Action::"assist.applaud", resource);`} {
		f.must(os.WriteFile(name, []byte(broken), 0o600))
		if err := xa.Reload(); fault.ClauseOf(err) != "DEC-7" {
			t.Errorf("%s: %v", broken, err)
		}
	}
	if err := ask(); fault.CodeOf(err) != fault.Denied {
		t.Errorf("those that held hold no more: %v", err)
	}
	f.must(os.Remove(name))
	f.must(xa.Reload())
	f.must(ask())
}
