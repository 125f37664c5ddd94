package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

func (d *desk) parties(codes ...party.Code) []party.Code { return codes }

// TestDuty is a night at the desk: what is overdue stands first, with the article that set its clock and what may be said.
func TestDuty(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	calm := d.page("duty", "/")
	d.has("nothing has happened", calm, "Nothing is owed", "We owe nobody an answer.", "1 peer, and it can be reached.")
	flash := d.ask("Logs of the control centre", statement.Flash)
	d.ask("A sample of the implant", statement.Routine)
	soon := d.page("duty", "/")
	d.has("two requests", soon, "The next acknowledgement is due in", "Acknowledgement to XB", "Answer to XB", "Logs of the control centre", "TLP:AMBER", "flash", "sets this clock", "/agreements/"+d.agreed.String()+"#article-",
		"You may:", "Acknowledge", "Refuse", "/threads/"+flash.Thread.String()+"?say=assist.acknowledge")
	d.f.Clock.Pass(26 * time.Hour)
	late := d.page("duty", "/")
	d.has("a day later", late, "overdue")
	if strings.Index(late, "Logs of the control centre") > strings.Index(late, "A sample of the implant") {
		t.Error("what is longest overdue does not stand first")
	}
	d.has("in the browser's language, while the officer has named none", d.page("duty", "/", "Accept-Language", "ru"), "Просрочен")
	d.names["duty"] = page.Visitor{Officer: "duty", Languages: []string{"ar"}}
	d.has("in the officer's own", d.page("duty", "/", "Accept-Language", "ru"), "متأخر")
	d.has("in the one chosen", d.page("duty", "/", "Accept-Language", "ru", "Cookie", "comity-language=en"), "overdue")
}

// TestThread answers a request by the forms of its page, without a script.
func TestThread(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	html := d.page("duty", at)
	d.has("the request", html, "Logs of the control centre", "TLP:AMBER", "192.0.2.17", "preservation of data", "recovery", "Mark as read", "What you may say", `id="say-assist.acknowledge"`, `id="say-assist.refuse"`)
	d.lacks("the request", html, `id="say-assist.withdraw"`)
	if to := d.sends("duty", at+"/read", nil); to != at {
		t.Errorf("reading leads to %s", to)
	}
	d.lacks("read", d.page("duty", at), "Mark as read")

	checked := d.post("duty", at+"/say", url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "do": {"check"}})
	d.has("checked", checked.body, "May pass", "Article")
	red := d.post("duty", at+"/say", url.Values{"kind": {"assist.acknowledge"}, "tlp": {"RED"}, "personal_data": {"allowed"}, "do": {"check"}, "text": {"What I typed stays."}})
	d.has("too much", red.body, "May not pass", "What I typed stays.")

	to := d.sends("duty", at+"/say", url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "text": {"We are on it."}, "do": {"send"}})
	if !strings.HasPrefix(to, at+"?done=said#s-") {
		t.Fatalf("acknowledging leads to %s", to)
	}
	after := d.page("duty", to)
	d.has("acknowledged", after, "Said. It is logged", "We are on it.", "acknowledged")
	d.xb.Until("the acknowledgement", func() bool {
		v, _, err := d.xb.Thread(t.Context(), s.Thread)
		return err == nil && v.Summary.Status == string(assist.Acknowledged)
	})

	missing := d.post("duty", at+"/say", url.Values{"kind": {"assist.postpone"}, "tlp": {"AMBER"}, "fact.reason": {"ongoing-case"}, "do": {"send"}})
	if missing.Code != http.StatusBadRequest {
		t.Errorf("without a date: %d", missing.Code)
	}
	d.has("without a date", missing.body, "Until: this is to be filled in", "ongoing-case")
	cookie := "comity-zone=Europe/Paris"
	postponed := d.do("duty", formOf(d, at+"/say", url.Values{"kind": {"assist.postpone"}, "tlp": {"AMBER"}, "fact.reason": {"ongoing-case"}, "fact.until": {"2026-03-05T09:00"}, "do": {"send"}}, cookie))
	if postponed.Code != http.StatusSeeOther {
		t.Fatalf("postponing: %d %s", postponed.Code, postponed.body)
	}
	d.has("postponed, in Paris", d.page("duty", at, "Cookie", cookie), "an ongoing case", "Thu 5 March, 09:00", "has named this date")
	d.has("postponed, in UTC", d.page("duty", at), "Thu 5 March, 08:00")
	d.refuses(at)
}

func formOf(d *desk, path string, values url.Values, cookie string) *http.Request {
	r, err := http.NewRequestWithContext(d.Context(), http.MethodPost, "http://example.com"+path, strings.NewReader(values.Encode()))
	d.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", cookie)
	return r
}

// refuses shows that the grounds of the agreement are offered, and that another one is told off.
func (d *desk) refuses(at string) {
	html := d.page("duty", at)
	if !strings.Contains(html, `name="fact.grounds" value="`) {
		d.Errorf("the agreement's grounds are not offered")
	}
	a := d.post("duty", at+"/say", url.Values{"kind": {"assist.refuse"}, "tlp": {"AMBER"}, "fact.grounds": {"no-such-ground"}, "do": {"send"}})
	if a.Code != http.StatusSeeOther || !strings.HasPrefix(a.Header().Get("Location"), "/drafts/") {
		d.Fatalf("a refusal on a ground that no article lists: %d", a.Code)
	}
	held := d.page("duty", a.Header().Get("Location"))
	d.has("a refusal on a ground that no article lists", held, "It was not sent", "May not pass", "DEC-6")
}

// TestApproval is what the officers' roles ask for: who may not release submits, another one sends it back, and then approves.
func TestApproval(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	d.has("an analyst", d.page("writer", at), "Submit for approval", "Another officer lets it out.")
	to := d.sends("writer", at+"/say", url.Values{"kind": {"assist.clarify"}, "tlp": {"AMBER"}, "fact.wanted": {"period, addresses"}, "text": {"Until when?"}, "do": {"send"}})
	draft, _, _ := strings.Cut(to, "?")
	d.has("submitted", d.page("writer", to), "Submitted: it waits for another officer.", "waits for approval")
	d.has("it waits", d.page("release", "/"), "For your approval", "Ask for clarification", "Analyst of XA")
	d.lacks("duty does not approve", d.page("duty", draft), `action="`+draft+`/approve"`)
	if a := d.post("duty", draft+"/approve", nil); a.Code != http.StatusForbidden {
		t.Errorf("a duty officer approves: %d", a.Code)
	}
	if a := d.post("writer", draft+"/approve", nil); a.Code != http.StatusForbidden {
		t.Errorf("an analyst approves their own: %d", a.Code)
	}
	d.sends("release", draft+"/return", url.Values{"reason": {"Name the period."}})
	d.has("sent back", d.page("writer", draft), "Sent back", "Name the period.", "Change")
	edit := d.page("writer", draft+"/edit")
	d.has("the form again", edit, "period, addresses", "Until when?")
	d.sends("writer", draft+"/edit", url.Values{"tlp": {"AMBER"}, "fact.wanted": {"period"}, "text": {"From when until when?"}, "do": {"send"}})
	d.sends("release", draft+"/approve", d.presses("release", draft, "approve"))
	released := d.sends("release", draft+"/release", d.presses("release", draft, "release"))
	d.has("released", d.page("writer", released), "From when until when?", "Ask for clarification")
	if a := d.get("release", draft); a.Code != http.StatusNotFound {
		t.Errorf("a draft that was released: %d", a.Code)
	}
}

// presses is what the button of a page posts.
func (d *desk) presses(who, at, do string) url.Values {
	d.Helper()
	_, html, _ := strings.Cut(d.page(who, at), `action="`+at+`/`+do+`"`)
	html, _, _ = strings.Cut(html, "</form>")
	read := regexp.MustCompile(`name="read" value="([0-9a-f]{64})"`).FindStringSubmatch(html)
	if read == nil {
		d.Fatalf("the button %s of %s does not say what was read", do, at)
	}
	return url.Values{"read": {read[1]}}
}

// TestApprovesWhatWasRead: a page that stood open while the author changed the draft approves nothing, and releases nothing.
func TestApprovesWhatWasRead(t *testing.T) {
	t.Parallel()
	// spec: DEC-10
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	words := func(text string) url.Values {
		return url.Values{"kind": {"assist.clarify"}, "tlp": {"AMBER"}, "fact.wanted": {"period"}, "text": {text}, "do": {"send"}}
	}
	to := d.sends("writer", "/threads/"+s.Thread.String()+"/say", words("Nothing of note"))
	draft, _, _ := strings.Cut(to, "?")
	open := d.presses("release", draft, "approve")
	d.sends("writer", draft+"/edit", words("Here are all names and addresses"))
	a := d.post("release", draft+"/approve", open)
	if a.Code != http.StatusConflict {
		t.Errorf("what was never read is approved: %d", a.Code)
	}
	d.has("why not, and what it says by now", a.body, "not what you have read any more", "Here are all names and addresses")
	if a := d.post("release", draft+"/approve", nil); a.Code != http.StatusBadRequest {
		t.Errorf("approved unread: %d", a.Code)
	}
	read := d.presses("release", draft, "approve")
	d.sends("release", draft+"/approve", read)
	for name, values := range map[string]url.Values{"what was never read": open, "nothing": nil} {
		if a := d.post("release", draft+"/release", values); a.Code != http.StatusConflict && a.Code != http.StatusBadRequest {
			t.Errorf("released after having read %s: %d", name, a.Code)
		}
	}
	d.sends("release", draft+"/release", read)
}

// TestOtherOfficersDrafts tries what is another officer's, and what does not exist.
func TestOtherOfficersDrafts(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v, err := d.xa.NewDraft(d.as("duty"), d.request("An own draft"), nil)
	d.must(err)
	at := "/drafts/" + v.ID
	for _, c := range []struct {
		who, do string
		values  url.Values
		want    int
	}{
		{"writer", "/edit", url.Values{"tlp": {"RED"}, "text": {"stolen"}}, http.StatusForbidden},
		{"writer", "/submit", nil, http.StatusForbidden},
		{"writer", "/drop", nil, http.StatusForbidden},
		{"writer", "/release", nil, http.StatusForbidden},
		{"writer", "/approve", nil, http.StatusForbidden},
		{"audit", "/drop", nil, http.StatusForbidden},
		{"release", "/drop", nil, http.StatusForbidden}, // it is still being written
		{"root", "/approve", nil, http.StatusForbidden},
		{"release", "/approve", nil, http.StatusConflict}, // it was not submitted
	} {
		if a := d.post(c.who, at+c.do, c.values); a.Code != c.want && !(c.do == "/edit" && a.Code == http.StatusBadRequest) {
			t.Errorf("%s %s: %d, want %d\n%s", c.who, c.do, a.Code, c.want, said(a.body))
		}
	}
	if a := d.get("release", at+"/edit"); a.Code != http.StatusForbidden {
		t.Errorf("the form of another officer's draft: %d", a.Code)
	}
	d.lacks("what is still being written", d.page("release", at), `action="`+at+`/drop"`)
	after, _, err := d.xa.Draft(d.as("duty"), v.ID)
	d.must(err)
	if after.Title != "An own draft" || after.Text != "What do you know of it?" || after.Status != "draft" {
		t.Errorf("the draft was changed: %+v", after)
	}
	for _, path := range []string{"/drafts/" + v.ID[:8], "/drafts/00000000000000000000000000000000", "/drafts/..", "/threads/" + strings.Repeat("0", 64), "/threads/zz", "/agreements/" + strings.Repeat("1", 64), "/attachments/" + strings.Repeat("0", 64) + "/0", "/nothing"} {
		if a := d.get("duty", path); a.Code != http.StatusNotFound && a.Code != http.StatusMovedPermanently && a.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s: %d", path, a.Code)
		}
	}
	if a := d.get("nobody", at); a.Code != http.StatusSeeOther {
		t.Errorf("nobody sees a draft: %d", a.Code)
	}
}

// TestStoredMarkup puts markup into every field that a peer or an officer can fill; it stays text.
func TestStoredMarkup(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const evil = `<script>alert("x")</script><img src=x onerror=alert(1)>"'><svg/onload=alert(2)>`
	facts := assist.Request{Type: assist.Information, Purpose: "recovery", Sector: "energy"}
	s := d.xb.Say(exchange.Draft{
		Kind: assist.KindRequest, To: d.parties("XA"), Agreement: d.agreed, Title: evil, Text: evil, Marking: marking.Marking{TLP: marking.Green},
		Blobs: []exchange.Attachment{{Name: `x"><script>alert(3)<.html`, Type: "text/html", Data: strings.NewReader(evil)}},
	}, facts)
	d.xa.Has(s.ID)
	d.xa.Until("the attachment", func() bool {
		_, all, err := d.xa.Thread(d.as("duty"), s.Thread)
		return err == nil && len(all) == 1 && len(all[0].Attachments) == 1 && all[0].Attachments[0].Whole
	})
	draft := d.request(evil)
	draft.Text = evil
	v, err := d.xa.NewDraft(d.as("writer"), draft, nil)
	d.must(err)
	_, _, err = d.xa.SubmitDraft(d.as("writer"), v.ID)
	d.must(err)
	_, err = d.xa.ReturnDraft(d.as("release"), v.ID, evil)
	d.must(err)
	at := "/threads/" + s.Thread.String()
	for _, path := range []string{"/", "/threads", at, "/drafts", "/drafts/" + v.ID, "/drafts/" + v.ID + "/edit", "/threads?q=" + url.QueryEscape(evil), "/threads?desk=" + url.QueryEscape(evil), "/agreements/" + d.agreed.String() + "?try=yes&purpose=" + url.QueryEscape(evil)} {
		html := d.page("writer", path)
		d.lacks(path, html, "<script>alert", "<img src=x", "<svg/onload", "<b>", "onerror=alert(1)>\"'>")
	}
	again := d.post("duty", at+"/say", url.Values{"kind": {"assist.acknowledge"}, "tlp": {"GREEN"}, "text": {evil}, "fact.reason": {evil}, "do": {"check"}})
	d.lacks("a form that is shown again", again.body, "<script>alert", "<img src=x")

	a := d.get("duty", "/attachments/"+s.ID.String()+"/0")
	if a.Code != http.StatusOK || a.body != evil {
		t.Fatalf("the attachment: %d %q", a.Code, a.body)
	}
	for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("the attachment's %s is %q", name, got)
		}
	}
	if got := a.Header().Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") || strings.ContainsAny(got, "<>\r\n") {
		t.Errorf("the attachment's disposition is %q", got)
	}
}

var inline = regexp.MustCompile(`(?i)\s(style|on[a-z]+)="|<style|<script(?: [^>]*)?>[^<]|javascript:|https?://`)

// TestEveryPage renders every page in every language: nothing is missing, nothing is inline, nothing is asked of another host, and the headers stand.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Flash)
	out := d.askOut("Scans of 12 May")
	v, err := d.xa.NewDraft(d.as("writer"), d.request("A draft"), nil)
	d.must(err)
	agreed := "/agreements/" + d.agreed.String()
	paths := []string{
		"/", "/threads", "/threads?owed=yes&desk=assist&status=open&tlp=AMBER&track=technical&agreement=" + d.agreed.String(), "/threads?q=nothing-like-it", "/threads/" + s.Thread.String(),
		"/threads/" + out.Thread.String(), "/threads/" + d.agreed.String(), "/new/assist.request", "/drafts", "/drafts/" + v.ID, "/agreements", agreed, agreed + "?left=ru&right=en",
		agreed + "?try=yes&to=XB&kind=assist.request&tlp=RED", agreed + "?try=yes&to=XA", "/peers", "/log", "/nothing", "/threads?after=x", "/settings/retention",
	}
	for _, who := range []string{"writer", "audit"} {
		for _, lang := range []string{"en", "ru", "ar"} {
			for _, path := range paths {
				if who == "audit" && (strings.HasPrefix(path, "/new") || path == "/drafts/"+v.ID) {
					continue
				}
				a := d.get(who, path, "Cookie", "comity-language="+lang+"; comity-zone=Asia/Riyadh; comity-theme=dark")
				d.sound(who+" "+lang+" "+path, a, lang)
			}
		}
	}
	d.has("edit", d.page("writer", "/drafts/"+v.ID+"/edit", "Cookie", "comity-language=ar"), "العنوان")
}

// sound wants a page that is whole, and its headers.
func (d *desk) sound(what string, a answer, lang string) {
	d.Helper()
	if a.Code >= 500 {
		d.Errorf("%s: %d", what, a.Code)
	}
	if i := strings.Index(a.body, "⟦"); i >= 0 {
		d.Errorf("%s: a message is missing: %s", what, a.body[i:min(len(a.body), i+60)])
	}
	if m := inline.FindString(strings.ReplaceAll(a.body, "https://127.0.0.1", "")); m != "" {
		d.Errorf("%s: something inline, or from elsewhere: %q", what, m)
	}
	direction := "ltr"
	if lang == "ar" {
		direction = "rtl"
	}
	if !strings.Contains(a.body, `<html lang="`+lang+`" dir="`+direction+`" data-theme="dark"`) {
		d.Errorf("%s: it is in another language, direction or light", what)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := a.Header().Get(name); got != want {
			d.Errorf("%s: %s is %q", what, name, got)
		}
	}
}

// TestText lays an agreement's text before others by a file, and another one beside it; the page shows where they differ.
func TestText(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	raw, err := os.ReadFile("testdata/assistance.json")
	d.must(err)
	send := func(who string, values url.Values, document string) answer {
		r := d.multipartForm("/agreements", values, nil)
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name := range values {
			d.must(w.WriteField(name, values.Get(name)))
		}
		part, err := w.CreateFormFile("document", "text.json")
		d.must(err)
		_, err = part.Write([]byte(document))
		d.must(err)
		d.must(w.Close())
		r.Body, r.ContentLength = io.NopCloser(&b), int64(b.Len())
		r.Header.Set("Content-Type", w.FormDataContentType())
		return d.do(who, r)
	}
	if a := send("duty", url.Values{"do": {"propose"}}, string(raw)); a.Code != http.StatusForbidden {
		t.Errorf("a duty officer proposes a text: %d", a.Code)
	}
	if a := send("release", url.Values{"do": {"propose"}}, `{"v":1}`); a.Code != http.StatusBadRequest {
		t.Errorf("what is no agreement: %d", a.Code)
	}
	made := send("release", url.Values{"do": {"propose"}}, string(raw))
	if made.Code != http.StatusSeeOther {
		t.Fatalf("proposing: %d %s", made.Code, said(made.body))
	}
	at, _, _ := strings.Cut(made.Header().Get("Location"), "?")
	second := strings.Replace(string(raw), "after two years", "after one year", 1)
	amended := send("release", url.Values{"do": {"amend"}, "agreement": {strings.TrimPrefix(at, "/agreements/")}, "text": {"One year will do."}}, second)
	if amended.Code != http.StatusSeeOther {
		t.Fatalf("amending: %d %s", amended.Code, said(amended.body))
	}
	html := d.page("release", at)
	compare := regexp.MustCompile(at + `\?text=[0-9a-f]{64}&amp;diff=yes`).FindString(html)
	if compare == "" {
		t.Fatal("nothing leads to the differences")
	}
	deposited := send("release", url.Values{"do": {"deposit"}}, strings.Replace(string(raw), "mutual assistance", "mutual help", 1))
	making := strings.Replace(deposited.Header().Get("Location"), "/agreements/", "/threads/", 1)
	making, _, _ = strings.Cut(making, "?")
	id, err := statement.ParseID(strings.TrimPrefix(making, "/threads/"))
	d.must(err)
	v, err := d.xa.Agreement(d.as("release"), id)
	d.must(err)
	if a := d.post("release", making+"/say", url.Values{"kind": {"instrument.sign"}, "tlp": {"GREEN"}, "fact.digest": {strings.Repeat("a", 64)}, "do": {"send"}}); a.Code != http.StatusConflict {
		t.Errorf("signing what was never opened: %d %s", a.Code, said(a.body))
	}
	if a := d.post("duty", making+"/say", url.Values{"kind": {"instrument.sign"}, "tlp": {"GREEN"}, "fact.digest": {v.Digest.String()}, "do": {"send"}}); a.Code != http.StatusSeeOther || !strings.Contains(a.Header().Get("Location"), "done=submitted") {
		t.Errorf("a duty officer signs: %d %s", a.Code, a.Header().Get("Location"))
	}
	d.has("the text to sign", d.page("release", making), v.Digest.String(), "Binds the party to the text")
	d.sends("release", making+"/say", url.Values{"kind": {"instrument.sign"}, "tlp": {"GREEN"}, "fact.digest": {v.Digest.String()}, "fact.reservations": {"6"}, "do": {"send"}})
	d.has("signed", d.page("release", strings.Replace(making, "/threads/", "/agreements/", 1)), "Articles: 6", "signature")
	d.has("the differences", d.page("release", strings.ReplaceAll(compare, "&amp;", "&")), "<ins>one year.</ins>", "<del>two years.</del>")
}

// TestAgreementPages: the list of agreements leads on by pages, each agreement on one of them.
func TestAgreementPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	raw, err := os.ReadFile("testdata/assistance.json")
	d.must(err)
	want := map[string]bool{d.agreed.String(): true}
	for i := range 60 {
		text := strings.Replace(string(raw), "XA and XB", "XA and XB, number "+strconv.Itoa(i), 1)
		said, err := d.xa.Propose(d.as("release"), []byte(text), nil, "", d.xa.By("", ""))
		d.must(err)
		want[said.Thread.String()] = true
	}
	pages := 0
	for path := "/agreements"; path != ""; pages++ {
		html := d.page("duty", path)
		rows := strings.Split(html, "<tr data-row>")[1:]
		if len(rows) > 50 {
			t.Errorf("%d agreements on a page", len(rows))
		}
		for _, row := range rows {
			id := strings.TrimPrefix(attribute(row, `href="`), "/agreements/")
			if !want[id] {
				t.Errorf("%s is listed twice, or is none", id)
			}
			delete(want, id)
		}
		if pages > 0 {
			d.has("a later page", html, "To the beginning")
		}
		path = strings.ReplaceAll(attribute(html, `rel="next" href="`), "&amp;", "&")
	}
	if pages != 2 || len(want) > 0 {
		t.Errorf("%d pages, and %d are on none", pages, len(want))
	}
	if a := d.get("duty", "/agreements?after=x"); a.Code != http.StatusBadRequest {
		t.Errorf("a cursor of somebody's own: %d", a.Code)
	}
	d.has("its title, however old", d.page("duty", "/threads?agreement="+d.agreed.String()), "Agreement between XA and XB on mutual assistance in cyber incidents")
}

// TestOpenOrClosed: the list tells threads in which something may still come from those in which nothing may.
func TestOpenOrClosed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.ask("Still open", statement.Routine)
	over := d.ask("Taken back", statement.Routine)
	gone := d.xb.Say(exchange.Draft{Thread: over.Thread, Kind: assist.KindWithdraw, Marking: marking.Marking{TLP: marking.Amber}}, nil)
	d.xa.Has(gone.ID)
	for path, want := range map[string][2]bool{"/threads?desk=assist": {true, true}, "/threads?state=open": {true, false}, "/threads?state=closed": {false, true}, "/threads?state=closed&peer=XB&desk=assist": {false, true}} {
		html := d.page("duty", path)
		for i, title := range []string{"Still open", "Taken back"} {
			if strings.Contains(html, title) != want[i] {
				t.Errorf("%s: %s is there: %v", path, title, !want[i])
			}
		}
	}
	d.has("the choice", d.page("duty", "/threads?state=closed"), "Open or closed", `<option value="closed" selected>`)
	if a := d.get("duty", "/threads?state=ajar"); a.Code != http.StatusBadRequest {
		t.Errorf("a state that there is none of: %d", a.Code)
	}
}

// TestWhyInOtherLanguages: what may not pass, and what went wrong, is said in the reader's language; the program's own words follow, marked as English.
func TestWhyInOtherLanguages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	ask := func(language string, values url.Values) string {
		a := d.do("duty", formOf(d, at+"/say", values, "comity-language="+language))
		if i := strings.Index(a.body, "⟦"); i >= 0 {
			t.Errorf("%s: %s", language, a.body[i:min(len(a.body), i+60)])
		}
		return a.body
	}
	red := url.Values{"kind": {"assist.acknowledge"}, "tlp": {"RED"}, "personal_data": {"allowed"}, "do": {"check"}}
	d.has("too strict, in Russian", ask("ru", red), "Отправить нельзя", "Ни одна статья этого не допускает. Ниже указано, чего недостаёт.", `class="detail" lang="en" dir="ltr">No article permits it.`)
	d.has("too strict, in Arabic", ask("ar", red), "لا يجوز إرساله", "لا تسمح به أي مادة. ويُذكر أدناه ما ينقص.")
	english := ask("en", red)
	d.has("too strict, in English", english, "No article permits it.")
	d.lacks("too strict, in English", english, "Below stands what is lacking")
	grounds := url.Values{"kind": {"assist.refuse"}, "tlp": {"AMBER"}, "fact.grounds": {"no-such-ground"}, "do": {"check"}}
	d.has("a ground that is none", ask("ru", grounds), "Основания отказа нет среди предусмотренных соглашением.")
	d.has("a field is empty", ask("ru", url.Values{"kind": {"assist.postpone"}, "tlp": {"AMBER"}, "fact.reason": {"ongoing-case"}, "do": {"send"}}), "Поле не заполнено или заполнено недопустимо.", `lang="en" dir="ltr">`)
	for language, says := range map[string]string{"en": "It is not here, or is not shown", "ru": "Этого здесь нет, или доступ", "ar": "هذا غير موجود هنا"} {
		d.has("nothing in "+language, d.get("duty", "/nothing", "Cookie", "comity-language="+language).body, says)
	}
	d.has("denied", d.get("root", "/threads", "Cookie", "comity-language=ru").body, "Этого не допускает правило или роль сотрудника.")
}
