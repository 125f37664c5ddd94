package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// TestRetention: the page says what goes and when, by what, what has gone, and what is kept although its author asked for it back.
//
// spec: RET-1, RCL-3
func TestRetention(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.has("nothing yet", d.page("duty", "/settings/retention"), "Nothing has a date.", "Nothing was, as far as is noted.", "What is recalled is erased when an officer says so.")
	agreed := d.ask("Logs of the control centre", statement.Routine)
	facts, err := node.Facts(assist.Request{Type: assist.Information, Purpose: "recovery", Sector: "energy"})
	d.must(err)
	dated := d.xb.Say(exchange.Draft{
		Kind: assist.KindRequest, To: d.parties("XA"), Agreement: d.agreed, Precedence: statement.Routine, Track: statement.Technical, Facts: facts, Title: "Soon gone", Text: "text",
		Marking: marking.Marking{TLP: marking.Amber, RetainUntil: statement.TimeOf(d.xa.Now().Add(time.Hour)).String()},
	}, nil)
	d.xa.Has(dated.ID)
	html := d.page("duty", "/settings/retention")
	d.has("two dates", html, "its marking", "of the agreement", "/agreements/"+d.agreed.String()+"#article-", "#s-"+agreed.ID.Short(), "#s-"+dated.ID.Short())
	if strings.Index(html, dated.ID.Short()) > strings.Index(html, agreed.ID.Short()) {
		t.Error("what is due first does not stand first")
	}
	d.f.Clock.Pass(2 * time.Hour)
	_, err = d.xa.Tend(t.Context())
	d.must(err)
	asked, err := d.xb.Recall(t.Context(), node.Recalling{IDs: []statement.ID{agreed.ID}, Reason: recall.SentInError, Precedence: statement.Flash, By: d.xb.By("duty-officer", "")})
	d.must(err)
	d.xa.Has(asked[0].Thread)
	html = d.page("duty", "/settings/retention")
	d.has("gone, and recalled", html, "its date", "no answer yet", "/threads/"+asked[0].Thread.String())
	_, err = d.xa.KeepRecalled(d.as("release"), asked[0].Thread, nil, recall.InUse, "", d.xa.By("", ""))
	d.must(err)
	d.has("kept", d.page("duty", "/settings/retention"), "in use")
	d.has("in Russian", d.page("duty", "/settings/retention", "Cookie", "comity-language=ru"), "Сроки хранения", "Недавно стёрто", "по сроку")
	_, err = d.xa.Erase(d.as("release"), []statement.ID{agreed.ID}, d.xa.By("", ""))
	d.must(err)
	d.has("erased after all", d.page("duty", "/settings/retention"), "an officer")
	if a := d.get("root", "/settings/retention"); a.Code != http.StatusForbidden {
		t.Errorf("an administrator reads no threads, but %d", a.Code)
	}
	d.lacks("root", d.page("root", "/settings"), "/settings/retention")
}

// TestNotices: the settings say how mail and webhook stand, and try them.
func TestNotices(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	html := d.page("root", "/settings")
	d.has("none is set", html, "Mail and webhook", "nobody is told this way", "Languages", "العربية", "in English: the mail")
	d.lacks("none is set", html, "Send a test")
	for _, language := range []string{"en", "ru", "ar"} {
		d.lacks(language, d.page("root", "/settings", "Cookie", "comity-language="+language), "⟦")
	}
	var posted atomic.Int32
	answer := atomic.Int32{}
	answer.Store(http.StatusNoContent)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		posted.Add(1)
		w.WriteHeader(int(answer.Load()))
	}))
	t.Cleanup(hook.Close)
	dir := filepath.Join(t.TempDir(), "XA")
	_, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}})
	d.must(err)
	n, err := node.Open(t.Context(), dir, node.Options{})
	d.must(err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	n.Config.WebhookURL, n.Config.WebhookSecret = hook.URL, config.Secret(strings.Repeat("k", 32))
	pages := web.Handler(n, web.Options{})
	do := func(method, path string) string {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
		return w.Body.String()
	}
	d.has("set, and nothing sent", do(http.MethodGet, "/settings"), "Send a test", "nothing yet", "nothing waits")
	d.has("tried", do(http.MethodPost, "/settings/notices"), "The test was taken at the webhook’s address.")
	answer.Store(http.StatusInternalServerError)
	failed := do(http.MethodPost, "/settings/notices")
	d.has("tried in vain", failed, "The test was not taken at the webhook’s address.", "500")
	d.lacks("tried in vain", failed, "kkkk")
	if posted.Load() != 2 {
		t.Errorf("%d posts", posted.Load())
	}
}

// TestRecalled: a thread says of each statement that it was recalled, by whom and why, and who has erased it.
//
// spec: RCL-6
func TestRecalled(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs of the control centre", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	d.lacks("not recalled", d.page("duty", at), "Recalled by")
	asked, err := d.xb.Recall(t.Context(), node.Recalling{IDs: []statement.ID{s.ID}, Reason: recall.WrongRecipient, Within: time.Hour, Precedence: statement.Flash, By: d.xb.By("duty-officer", "")})
	d.must(err)
	d.xa.Has(asked[0].Thread)
	back := "/threads/" + asked[0].Thread.String()
	d.has("recalled", d.page("duty", at), "Recalled by XB", "Reason: wrong recipient", `href="`+back+`"`, "no answer yet")
	d.sends("duty", back+"/erase", nil)
	after := d.page("duty", at)
	d.has("erased", after, "Recalled by XB", "erased", "What it said was erased.")
	d.lacks("erased", after, "no answer yet")
	d.has("in Russian", d.page("duty", at, "Cookie", "comity-language=ru"), "Отозвано стороной XB", "Причина: не тот получатель")
	d.lacks("another thread", d.page("duty", "/threads/"+d.ask("Another", statement.Routine).Thread.String()), "Recalled by")

	own := d.askOut("Scans of 12 May")
	mine := "/threads/" + own.Thread.String()
	d.has("our own", d.page("release", mine), "Ask to erase it")
	d.sends("release", mine+"/recall", url.Values{"sure": {"yes"}, "of": {own.ID.String()}, "reason": {"incorrect"}})
	d.lacks("recalled once", d.page("release", mine), "Ask to erase it")
	d.has("recalled by us", d.page("release", mine), "Recalled by XA", "Reason: incorrect")

	seen := map[statement.ID]bool{}
	cursor := ""
	for range 2 {
		list, err := d.xa.RecallList(d.as("release"), cursor, 1)
		d.must(err)
		if len(list.Recalls) != 1 || seen[list.Recalls[0].ID] {
			t.Fatalf("a page of recalls has %d", len(list.Recalls))
		}
		seen[list.Recalls[0].ID], cursor = true, list.Next
	}
	if cursor != "" {
		if list, err := d.xa.RecallList(d.as("release"), cursor, 1); err != nil || len(list.Recalls) > 0 || list.Next != "" {
			t.Errorf("after the last recall: %+v, %v", list, err)
		}
	}
}
