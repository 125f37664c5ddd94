package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/statement"
)

// TestKept: a draft is kept however little of it is there, and told what it lacks when it is to go.
func TestKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	part := url.Values{"tlp": {"AMBER"}, "track": {"technical"}, "precedence": {"routine"}, "title": {"Half of it"}, "text": {"And no more."}, "fact.purpose": {"recovery"}, "do": {"keep"}}
	at, _, _ := strings.Cut(d.sends("duty", "/new/assist.request", part), "?")
	html := d.page("duty", at)
	d.has("kept", html, "Half of it", "And no more.", "recovery", "to nobody")
	d.lacks("kept", html, `action="`+at+`/release"`, `action="`+at+`/submit"`)
	edit := d.page("duty", at+"/edit")
	d.has("its form", edit, "Half of it", "And no more.", `value="recovery"`, "formnovalidate")
	if a := d.post("duty", at+"/release", nil); a.Code < 400 || a.Code >= 500 {
		t.Errorf("releasing it: %d", a.Code)
	}
	if a := d.post("duty", at+"/submit", nil); a.Code < 400 || a.Code >= 500 {
		t.Errorf("submitting it: %d", a.Code)
	}
	part.Set("fact.type", "preservation")
	part.Del("fact.purpose")
	d.sends("duty", at+"/edit", part)
	d.has("changed, and not complete yet", d.page("duty", at), "preservation of data")
	if a := d.post("duty", at+"/edit", url.Values{"tlp": {"AMBER"}, "title": {"Half of it"}, "do": {"send"}}); a.Code != http.StatusBadRequest {
		t.Errorf("sending what is not complete: %d", a.Code)
	}
	part.Set("to", "XB")
	part.Set("agreement", d.agreed.String())
	part.Set("fact.purpose", "recovery")
	part.Set("do", "send")
	if to := d.sends("duty", at+"/edit", part); !strings.Contains(to, "done=said") {
		t.Errorf("what is complete leads to %s", to)
	}
	// In a thread, with a date and an id missing.
	s := d.ask("Logs", statement.Immediate)
	for _, kind := range []string{"assist.postpone", "assist.refuse", "assist.clarify"} {
		to := d.sends("duty", "/threads/"+s.Thread.String()+"/say", url.Values{"kind": {kind}, "tlp": {"AMBER"}, "text": {"Not yet."}, "do": {"keep"}})
		d.has(kind, d.page("duty", strings.Split(to, "?")[0]+"/edit"), "Not yet.")
	}
	// What is kept still has to be what it is, and is bounded.
	for name, v := range map[string]url.Values{
		"no marking": {"tlp": {"PINK"}}, "no date": {"tlp": {"AMBER"}, "retain_until": {"soon"}}, "no type": {"tlp": {"AMBER"}, "to": {"not a party"}},
		"too long": {"tlp": {"AMBER"}, "text": {strings.Repeat("x", statement.MaxBody+1)}},
	} {
		v.Set("do", "keep")
		if a := d.post("duty", "/new/assist.request", v); a.Code != http.StatusBadRequest && a.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, a.Code)
		}
	}
}

// TestLost: a form that is shown again says which files it has lost.
func TestLost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs", statement.Immediate)
	values := url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "do": {"check"}}
	a := d.do("duty", d.multipartForm("/threads/"+s.Thread.String()+"/say", values, map[string]string{"list.txt": "a"}))
	d.has("checked", a.body, "Choose the files again: list.txt")
	values.Set("tlp", "PINK")
	a = d.do("duty", d.multipartForm("/threads/"+s.Thread.String()+"/say", values, map[string]string{"list.txt": "a"}))
	d.has("wrong", a.body, "Choose the files again: list.txt")
}

// TestDone: a link makes no page say that something was done.
func TestDone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for from, says := range map[string]bool{"same-origin": true, "none": false, "cross-site": false, "same-site": false} {
		html := d.page("duty", "/?done=said", "Sec-Fetch-Site", from)
		if strings.Contains(html, "Said. It is logged") != says {
			t.Errorf("asked for from %s, it is said: %v", from, !says)
		}
	}
}

var firstButton = regexp.MustCompile(`(?s)<form class="saying"[^>]*>\s*<button([^>]*)>`)

// TestOnce: a form that is sent twice is said once, Enter in a field presses the button that says nothing, and a recall is asked for twice.
func TestOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	html := d.page("duty", at)
	all := firstButton.FindAllStringSubmatch(html, -1)
	if len(all) != strings.Count(html, `<form class="saying"`) || len(all) == 0 {
		t.Fatalf("%d forms begin with a button", len(all))
	}
	for _, m := range all {
		if !strings.Contains(m[1], `value="check"`) {
			t.Errorf("Enter presses %s", m[1])
		}
	}
	once := regexp.MustCompile(`name="once" value="([^"]+)"`).FindStringSubmatch(html)
	values := url.Values{"kind": {"assist.clarify"}, "tlp": {"AMBER"}, "fact.wanted": {"period"}, "once": {once[1]}, "do": {"send"}}
	if a := d.post("duty", at+"/say", url.Values{"kind": {"assist.clarify"}, "tlp": {"PINK"}, "once": {once[1]}, "do": {"send"}}); a.Code != http.StatusBadRequest {
		t.Errorf("a form that is wrong: %d", a.Code)
	}
	first, second := d.sends("duty", at+"/say", values), d.sends("duty", at+"/say", values)
	if first != second || !strings.Contains(first, "done=said") {
		t.Errorf("the first leads to %s, the second to %s", first, second)
	}
	if _, said, err := d.xa.Thread(d.as("duty"), s.Thread); err != nil || len(said) != 2 {
		t.Errorf("%d statements, %v", len(said), err)
	}
	if drafts, err := d.xa.Drafts(d.as("duty")); err != nil || len(drafts) != 0 {
		t.Errorf("%d drafts are left, %v", len(drafts), err)
	}
	out := d.askOut("Scans")
	recall := url.Values{"of": {out.ID.String()}, "reason": {"incorrect"}, "text": {"The wrong address."}}
	a := d.post("duty", "/threads/"+out.Thread.String()+"/recall", recall)
	if a.Code != http.StatusOK {
		t.Fatalf("a recall is asked for at once: %d", a.Code)
	}
	d.has("a recall", a.body, "Really?", "incorrect", "The wrong address.")
	recall.Set("sure", "yes")
	d.sends("duty", "/threads/"+out.Thread.String()+"/recall", recall)
}
