package fedtest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// fourEyes asks for a second officer before a request leaves.
const fourEyes = `{"v":1,"title":{"en":"Four eyes"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Assistance"},"text":{"en":"The parties assist each other."},"rules":[{"effect":"permit","kinds":["assist.*"],"tlp_max":"RED"}]},
{"number":"7","title":{"en":"Approval"},"text":{"en":"A second officer approves each request."},"rules":[{"effect":"approve","kinds":["assist.request"]}]}
]}`

// staffed is a party with officers: a context for each, as whom what is done in it is done.
type staffed struct {
	*Party
	as    map[string]context.Context
	token map[string]auth.Secret
}

// staff gives a party an administrator, root, and these officers.
func staff(p *Party, roles map[string][]auth.Role) *staffed {
	p.F.T.Helper()
	ctx := p.F.T.Context()
	s := &staffed{p, map[string]context.Context{}, map[string]auth.Secret{}}
	enter := func(by context.Context, id string) {
		secret, err := p.MakeToken(by, id, nil, statement.TimeOf(p.now().Add(30*24*time.Hour)))
		p.F.must(err)
		s.as[id], s.token[id] = auth.With(ctx, auth.Claim{Officer: id, Token: secret}), secret
	}
	p.F.must(p.AddOfficer(ctx, auth.Person{ID: "root", Name: "Officer Zero", Roles: []auth.Role{auth.Administrator}}))
	enter(ctx, "root")
	for id, r := range roles {
		p.F.must(p.AddOfficer(s.as["root"], auth.Person{ID: id, Name: "Officer " + id, Roles: r}))
		enter(s.as["root"], id)
	}
	return s
}

// request is a draft of one.
func (s *staffed) request(agreed agreement.ID, text string) exchange.Draft {
	s.F.T.Helper()
	facts, err := node.Facts(assist.Request{Type: assist.Information})
	s.F.must(err)
	return exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: assist.KindRequest, Marking: marking.Marking{TLP: marking.Amber}, Track: statement.Technical,
		Precedence: statement.Immediate, Facts: facts, Title: "Title", Text: text, By: s.By("duty-officer", "one"),
	}
}

func (s *staffed) denied(what string, err error, says string) {
	s.F.T.Helper()
	if fault.CodeOf(err) != fault.Denied || !strings.Contains(fault.Show(err), says) {
		s.F.T.Errorf("%s: %v; want a denial, %q", what, err, says)
	}
}

// approved drafts, submits and approves.
func (s *staffed) approved(d exchange.Draft, author, other string) node.DraftView {
	s.F.T.Helper()
	v, err := s.NewDraft(s.as[author], d, nil)
	s.F.must(err)
	_, p, err := s.SubmitDraft(s.as[author], v.ID)
	s.F.must(err)
	for _, read := range []statement.Digest{{}, {1}} { // spec: DEC-10
		if _, err := s.ApproveDraft(s.as[other], v.ID, read); fault.ClauseOf(err) != "DEC-10" {
			s.F.T.Errorf("approved by whoever has read something else: %v", err)
		}
	}
	v, err = s.ApproveDraft(s.as[other], v.ID, p.Digest)
	s.F.must(err)
	return v
}

func idOf(t testing.TB, v node.DraftView) (id store.DraftID) {
	t.Helper()
	for i := range id {
		for j := range 2 {
			id[i] = id[i]<<4 | byte(strings.IndexByte("0123456789abcdef", v.ID[2*i+j]))
		}
	}
	if drafts.Name(id) != v.ID {
		t.Fatalf("%s is no name of a draft", v.ID)
	}
	return id
}

var office7 = map[string][]auth.Role{
	"writer": {auth.Analyst}, "release": {auth.ReleasingOfficer}, "night": {auth.ReleasingOfficer, auth.DutyOfficer}, "duty": {auth.DutyOfficer}, "aud": {auth.Auditor},
}

// TestFourEyes tries to get out what article 7 wants approved, in every way but the right one, and then in that.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	// spec: DEC-10
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(fourEyes, "XA")
	const asks = "article 7 of the agreement asks for a second officer"

	// A node without officers has nobody to approve. What nobody asks approval for goes as ever.
	bare := &staffed{Party: xa}
	_, err := xa.Node.Say(t.Context(), bare.request(agreed, "x"))
	bare.denied("without officers", err, asks)
	v, err := xa.NewDraft(t.Context(), bare.request(agreed, "x"), nil)
	f.must(err)
	_, err = xa.ReleaseDraft(t.Context(), v.ID, statement.Digest{})
	bare.denied("the operator's draft", err, asks)
	_, _, err = xa.SubmitDraft(t.Context(), v.ID)
	f.must(err)
	_, err = xa.ApproveDraft(t.Context(), v.ID, statement.Digest{})
	bare.denied("the operator approves", err, "nobody approves a draft of their own")

	s := staff(xa, office7)
	text := "MARKER of what is asked " + strings.Repeat("x", 3000)
	for who, says := range map[string]string{"writer": "may not let this out", "duty": asks, "release": asks, "aud": "an auditor changes nothing", "root": "may not let this out"} {
		_, err := s.Node.Say(s.as[who], s.request(agreed, text))
		s.denied(who+" says it", err, says)
	}
	_, err = s.Node.Say(t.Context(), s.request(agreed, text))
	s.denied("nobody says it", err, "this node has officers: say who you are")

	// An approval is of one draft, as it is.
	v = s.approved(s.request(agreed, text), "writer", "release")
	for what, change := range map[string]func(*exchange.Draft){
		"another text":       func(d *exchange.Draft) { d.Text += "!" },
		"another title":      func(d *exchange.Draft) { d.Title = "Other" },
		"another label":      func(d *exchange.Draft) { d.Marking.TLP = marking.Green },
		"another precedence": func(d *exchange.Draft) { d.Precedence = statement.Flash },
		"an exercise":        func(d *exchange.Draft) { d.Exercise = true },
		"an attachment": func(d *exchange.Draft) {
			d.Blobs = []exchange.Attachment{{Name: "a", Type: "text/plain", Data: strings.NewReader("x")}}
		},
		"another author":  func(d *exchange.Draft) { d.By.Officer = s.Keys.Pseudonym("release") },
		"another role":    func(d *exchange.Draft) { d.By.Role = "duty-officer" },
		"another purpose": func(d *exchange.Draft) { d.Facts = []byte(`{"type":"analysis"}`) },
	} {
		d := s.request(agreed, text)
		d.By, d.Approval = v.By, idOf(t, v)
		change(&d)
		_, err := s.Node.Say(s.as["duty"], d)
		s.denied(what, err, "not what was submitted any more")
	}
	d := s.request(agreed, text)
	d.Approval = store.DraftID{1}
	if _, err := s.Node.Say(s.as["duty"], d); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an approval that was never given: %v", err)
	}
	own := s.request(agreed, text)
	waiting, err := s.NewDraft(s.as["night"], own, nil)
	f.must(err)
	_, _, err = s.SubmitDraft(s.as["night"], waiting.ID)
	f.must(err)
	_, err = s.ApproveDraft(s.as["night"], waiting.ID, statement.Digest{})
	s.denied("one's own", err, "a releasing officer other than the author may approve this")
	_, err = s.ReleaseDraft(s.as["night"], waiting.ID, statement.Digest{})
	s.denied("not yet approved", err, asks)
	f.must(s.DropDraft(s.as["release"], waiting.ID))

	// Whoever releases it, at whatever time, it goes out once.
	var wg sync.WaitGroup
	var mu sync.Mutex
	var out []exchange.Said
	for _, who := range []string{"duty", "night", "release", "duty", "night"} {
		wg.Go(func() {
			said, err := s.ReleaseDraft(s.as[who], v.ID, v.Digest)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				out = append(out, said)
			} else if code := fault.CodeOf(err); code != fault.NotFound && code != fault.Unavailable {
				t.Errorf("%s: %v", who, err)
			}
		})
	}
	wg.Wait()
	if len(out) != 1 {
		t.Fatalf("one draft has become %d statements", len(out))
	}
	xb.Has(out[0].ID)
	xa.Delivered(out[0].ID)
	_, said, err := xb.Thread(t.Context(), out[0].ID)
	f.must(err)
	if got := said[0]; got.Text != text || got.By.Role != "analyst" || got.By.Officer != s.Keys.Pseudonym("writer") {
		t.Errorf("it speaks as %+v", got.By)
	}

	// What is in the draft is nowhere any more, and what was done stands in the log.
	if _, _, err := s.Draft(s.as["release"], v.ID); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("the draft is still here: %v", err)
	}
	f.must(s.Store.View(t.Context(), func(tx store.Tx) error {
		if owed, err := tx.Meta(exchange.NoteUnscrubbed); err != nil || owed != "" {
			t.Errorf("traces are still to be overwritten: %q, %v", owed, err)
		}
		return nil
	}))
	threads, err := s.Threads(s.as["aud"], node.Filter{Desk: string(office.Kind)})
	f.must(err)
	count := map[string]int{}
	for _, one := range threads {
		count[one.Summary.Status]++
	}
	if count[office.Released] != 1 || count[office.Dropped] != 1 || count[office.Enrolled] != 6 {
		t.Errorf("recorded: %v", count)
	}
	if _, err := s.Threads(s.as["writer"], node.Filter{Desk: string(office.Kind)}); fault.CodeOf(err) != fault.Denied {
		t.Errorf("an analyst reads the records of officers: %v", err)
	}
}

// TestOfficerSpeaks: who says something is who has signed in, whatever the draft claims, and only in own roles.
func TestOfficerSpeaks(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	s := staff(f.At("XA"), office7)
	d := s.request(agreed, "text")
	d.By = statement.By{Role: "duty-officer", Officer: s.Keys.Pseudonym("release")} // another officer
	said, err := s.Node.Say(s.as["duty"], d)
	f.must(err)
	got, err := s.Statement(s.as["duty"], said.ID)
	f.must(err)
	if got.By != (statement.By{Role: "duty-officer", Officer: s.Keys.Pseudonym("duty")}) {
		t.Errorf("it speaks as %+v", got.By)
	}
	d.By = statement.By{Role: "releasing-officer"}
	_, err = s.Node.Say(s.as["duty"], d)
	s.denied("another role", err, "you do not have the role releasing officer here")

	// A token for less is less.
	secret, err := s.MakeToken(s.as["root"], "night", []auth.Role{auth.DutyOfficer}, statement.TimeOf(s.now().Add(time.Hour)))
	f.must(err)
	narrow := auth.With(t.Context(), auth.Claim{Token: secret})
	v, err := s.NewDraft(s.as["writer"], s.request(agreed, "x"), nil)
	f.must(err)
	_, _, err = s.SubmitDraft(s.as["writer"], v.ID)
	f.must(err)
	forged := s.request(agreed, "not what writer has written")
	forged.By, forged.Approval = v.By, idOf(t, v)
	if _, err := s.Node.Say(s.as["duty"], forged); fault.CodeOf(err) != fault.Inadmissible || !strings.Contains(fault.Show(err), "a draft is released as it is") {
		t.Errorf("another's name is used: %v", err)
	}
	vouch, err := node.Facts(party.OfficeFacts{Office: "XA.cert", Letter: statement.Sum([]byte("letter"))})
	f.must(err)
	_, err = s.Node.Say(s.as["writer"], exchange.Draft{
		Kind: "credence.office", Marking: marking.Marking{TLP: marking.Green}, Track: statement.Technical, Precedence: statement.Routine, Facts: vouch,
	})
	s.denied("an analyst vouches for an office", err, "an analyst may not change keys: an administrator may")
	_, err = s.ApproveDraft(narrow, v.ID, v.Digest)
	s.denied("a narrow token", err, "this token does not stand for you as releasing officer")
	f.Clock.Pass(time.Hour)
	_, err = s.Node.Say(narrow, s.request(agreed, "x"))
	s.denied("an expired token", err, "this token has expired")

	// Disabled is disabled, with the token still in hand, in the middle of things.
	f.must(s.SetDisabled(s.as["root"], "duty", true))
	_, err = s.Node.Say(s.as["duty"], s.request(agreed, "x"))
	s.denied("a disabled officer", err, "a disabled officer may do nothing")
	_, err = s.Threads(s.as["duty"], node.Filter{})
	s.denied("a disabled officer", err, "a disabled officer may do nothing")
	_, _, err = s.Thread(t.Context(), said.ID)
	s.denied("nobody", err, "say who you are")
	_, err = s.Evidence(s.as["writer"], said.ID, true)
	s.denied("an analyst", err, "may not export evidence")
	_, err = s.Erase(s.as["writer"], []statement.ID{said.ID}, s.By("", ""))
	s.denied("an analyst", err, "may not erase this")

	// The node itself speaks on: receipts need nobody.
	f.must(s.Opened(s.as["aud"], said.ID, s.By("", "")))
	asked := f.At("XB").Ask(agreed, exchange.Draft{Text: "And you?"}, "XA")
	f.At("XB").Delivered(asked.ID)

	// A link lets an officer in once, however many come at once.
	link, err := s.MakeLink(s.as["root"], "writer", statement.TimeOf(s.now().Add(time.Hour)))
	f.must(err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	entered := 0
	for range 4 {
		wg.Go(func() {
			_, a, err := s.UseLink(t.Context(), link)
			mu.Lock()
			defer mu.Unlock()
			if err == nil && a.ID == "writer" {
				entered++
			}
		})
	}
	wg.Wait()
	if entered != 1 {
		t.Errorf("a one-time link has let in %d", entered)
	}
}

// TestDoctorLooksAtOfficers: it says who could not be replaced, and nothing while there are no officers.
func TestDoctorLooksAtOfficers(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	p := f.At("XA")
	look := func(health node.Health, says string) {
		t.Helper()
		all, err := p.Doctor(t.Context())
		f.must(err)
		for _, one := range all {
			if one.Check == "officers" {
				if one.Health != health || one.Says != says {
					t.Errorf("%+v", one)
				}
				return
			}
		}
		if says != "" {
			t.Error("nothing is said of officers")
		}
	}
	look("", "")
	s := staff(p, office7)
	look(node.Warning, "6 officers; 1 can administer, 2 can approve")
	f.must(p.AddOfficer(s.as["root"], auth.Person{ID: "second", Name: "Second", Roles: []auth.Role{auth.Administrator}}))
	look(node.Good, "7 officers; 2 can administer, 2 can approve")
	f.must(p.SetDisabled(s.as["root"], "release", true))
	look(node.Warning, "6 officers; 2 can administer, 1 can approve")
}

// TestOfficersAreCopied: a backup has officers, tokens and drafts; a token that was shown once still opens, and no secret is in any file of the node.
func TestOfficersAreCopied(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	agreed := f.Agree(fourEyes, "XA")
	s := staff(f.At("XA"), office7)
	const text = "MARKER of what is about to be said"
	v := s.approved(s.request(agreed, text), "writer", "release")
	var backup bytes.Buffer
	_, err := s.Node.Backup(t.Context(), &backup)
	f.must(err)
	dir := s.Dir
	s.Stop()
	entries, err := os.ReadDir(dir)
	f.must(err)
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		f.must(err)
		for _, secret := range []string{text, "Officer writer", s.token["writer"].Reveal(), strings.TrimPrefix(s.token["root"].Reveal(), "comity_token_")} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%q is in %s", secret, e.Name())
			}
		}
	}
	_, err = node.Restore(t.Context(), dir, nil, &backup, strings.NewReader(""), f.Clock.Now())
	f.must(err)
	s.Start(dir)
	all, err := s.Officers(s.as["release"])
	f.must(err)
	if len(all) != 6 || all[5].ID != "writer" || all[5].Name != "Officer writer" {
		t.Errorf("%+v", all)
	}
	got, now, err := s.Draft(s.as["release"], v.ID)
	f.must(err)
	if got.Text != text || got.Status != drafts.Approved || now.Digest != got.Digest {
		t.Errorf("%+v\n%+v", got, now)
	}
	s.Until("the restored node may speak", func() bool {
		_, err := s.ReleaseDraft(s.as["duty"], v.ID, got.Digest)
		return err == nil
	})
}
