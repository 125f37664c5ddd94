package web_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
)

// multipartForm is a form with files.
func (d *desk) multipartForm(path string, values url.Values, files map[string]string) *http.Request {
	d.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, all := range values {
		for _, v := range all {
			d.must(w.WriteField(name, v))
		}
	}
	for name, text := range files {
		part, err := w.CreatePart(map[string][]string{"Content-Disposition": {`form-data; name="files"; filename="` + name + `"`}, "Content-Type": {"text/html"}})
		d.must(err)
		_, err = part.Write([]byte(text))
		d.must(err)
	}
	d.must(w.Close())
	r := httptest.NewRequestWithContext(d.Context(), http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// TestUploads sends files of hostile names; none leaves its folder, and none stays when what it belongs to is gone.
func TestUploads(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := d.ask("Logs", statement.Immediate)
	at := "/threads/" + s.Thread.String()
	values := url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "do": {"keep"}}
	uploads := filepath.Join(d.xa.Dir, "uploads")
	lying := func() (n int) {
		all, err := os.ReadDir(uploads)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return len(all)
	}
	for name, want := range map[string]string{
		"../../../../etc/passwd": "passwd", `..\\..\\evil.exe`: "evil.exe", "/etc/shadow": "shadow", "..": "attachment", ".htaccess": "htaccess", "a\u202egpj.exe": "agpj.exe",
		"<b>.html": "_b_.html", strings.Repeat("long", 200) + ".txt": "", "con:aux|x.txt": "con_aux_x.txt", "  ": "attachment", "отчёт.pdf": "отчёт.pdf",
	} {
		a := d.do("duty", d.multipartForm(at+"/say", values, map[string]string{name: "text"}))
		if a.Code != http.StatusSeeOther {
			t.Fatalf("%q: %d %s", name, a.Code, said(a.body))
		}
		id := strings.TrimSuffix(strings.TrimPrefix(a.Header().Get("Location"), "/drafts/"), "?done=kept")
		v, _, err := d.xa.Draft(d.as("duty"), id)
		d.must(err)
		if len(v.Files) != 1 || want != "" && v.Files[0].Name != want || len(v.Files[0].Name) > 120 {
			t.Errorf("%q became %q", name, v.Files[0].Name)
		}
		if f := v.Files[0]; f.Path != "" || f.Upload != "" || f.Key != "" {
			t.Errorf("%q is shown with where it lies: %+v", name, f)
		}
		d.sends("duty", "/drafts/"+id+"/drop", nil)
	}
	if n := lying(); n != 0 {
		t.Errorf("%d files are left of drafts that were dropped", n)
	}
	// What replaces attachments removes those that were there; what does not come leaves them.
	kept := d.do("duty", d.multipartForm(at+"/say", values, map[string]string{"a.txt": "a"}))
	draft := strings.TrimSuffix(kept.Header().Get("Location"), "?done=kept")
	edit := url.Values{"tlp": {"AMBER"}, "do": {"keep"}}
	if a := d.do("duty", d.multipartForm(draft+"/edit", edit, nil)); a.Code != http.StatusSeeOther || lying() != 1 {
		t.Errorf("an edit without files: %d %s, %d files", a.Code, said(a.body), lying())
	}
	if a := d.do("duty", d.multipartForm(draft+"/edit", edit, map[string]string{"b.txt": "b", "c.txt": "c"})); a.Code != http.StatusSeeOther || lying() != 2 {
		t.Errorf("an edit with files: %d %s, %d files", a.Code, said(a.body), lying())
	}
	d.sends("duty", draft+"/drop", nil)
	if lying() != 0 {
		t.Errorf("%d files are left of a draft that was changed and dropped", lying())
	}
	values.Set("do", "check")
	if a := d.do("duty", d.multipartForm(at+"/say", values, map[string]string{"x.txt": "text"})); a.Code != http.StatusOK || lying() != 0 {
		t.Errorf("checking: %d, %d files are left", a.Code, lying())
	}
	values.Set("do", "send")
	sent := d.do("duty", d.multipartForm(at+"/say", values, map[string]string{"x.txt": "the text"}))
	if sent.Code != http.StatusSeeOther || !strings.Contains(sent.Header().Get("Location"), "done=said") || lying() != 0 {
		t.Errorf("sending: %d %s, %d files are left", sent.Code, sent.Header().Get("Location"), lying())
	}
	d.has("sent", d.page("duty", at), "x.txt", "8 B")

	o := d.options
	o.MaxUpload = 64
	d.pages = web.Handler(d.xa.Node, o)
	if a := d.do("duty", d.multipartForm(at+"/say", values, map[string]string{"x.txt": strings.Repeat("x", 65)})); a.Code != http.StatusRequestEntityTooLarge || lying() != 0 {
		t.Errorf("too large: %d, %d files are left", a.Code, lying())
	}
	// Many files of nothing are bounded too.
	many := map[string]string{}
	for i := range statement.MaxBlobs + 1 {
		many[fmt.Sprintf("%d.txt", i)] = ""
	}
	if a := d.do("duty", d.multipartForm(at+"/say", values, many)); a.Code != http.StatusRequestEntityTooLarge || lying() != 0 {
		t.Errorf("too many: %d %s, %d files are left", a.Code, said(a.body), lying())
	}
	// Who may not draft leaves nothing on the disk.
	values.Set("do", "keep")
	if a := d.do("root", d.multipartForm("/new/assist.request", values, map[string]string{"x.txt": "x"})); a.Code != http.StatusForbidden || lying() != 0 {
		t.Errorf("an administrator's file: %d, %d files are left", a.Code, lying())
	}
}

func TestPreferences(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.post("duty", "/preferences", url.Values{"language": {"ar"}, "zone": {"Asia/Riyadh"}, "theme": {"dark"}, "back": {"/threads?owed=yes"}})
	if a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/threads?owed=yes" || len(a.Result().Cookies()) != 3 {
		t.Errorf("%d %s %v", a.Code, a.Header().Get("Location"), a.Result().Cookies())
	}
	for _, c := range a.Result().Cookies() {
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("the cookie %v", c)
		}
	}
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "", "/\t/evil.example", "///evil.example", "/x\x00y", " /x", "/" + strings.Repeat("a", 2000)} {
		if a := d.post("duty", "/preferences", url.Values{"back": {back}}); a.Header().Get("Location") != "/" {
			t.Errorf("back %q leads to %q", back, a.Header().Get("Location"))
		}
	}
	for name, v := range map[string]url.Values{"language": {"language": {"xx"}}, "zone": {"zone": {"Local"}}, "another zone": {"zone": {"../../etc/passwd"}}, "light": {"theme": {"pink"}}} {
		if a := d.post("duty", "/preferences", v); a.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.Code)
		}
	}
	secure, err := page.NewHouse("XA", true, d.xa.Now)
	d.must(err)
	if c := secure.Cookie(page.CookieTheme, "dark", 1); c.Name != "__Host-comity-theme" || !c.Secure || c.Domain != "" {
		t.Errorf("over https: %v", c)
	}
	o := d.options
	o.House = secure
	d.pages = web.Handler(d.xa.Node, o)
	if h := d.get("duty", "/").Header().Get("Strict-Transport-Security"); h == "" {
		t.Error("no HSTS over https")
	}
}

// TestEvents follows the stream: it tells that something has changed and nothing of it, is bounded, and ends with the session.
func TestEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	o := d.options
	o.Heartbeat, o.Streams = 50*time.Millisecond, 2
	d.pages = web.Handler(d.xa.Node, o)
	server := httptest.NewServer(d.pages)
	t.Cleanup(server.Close)
	open := func(ctx context.Context, id string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
		d.must(err)
		r.Header.Set(officerHeader, id)
		a, err := server.Client().Do(r)
		d.must(err)
		t.Cleanup(func() { _ = a.Body.Close() })
		return a
	}
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
	defer stop()
	first := open(ctx, "duty")
	if first.StatusCode != http.StatusOK || first.Header.Get("Content-Type") != "text/event-stream" || first.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", first.StatusCode, first.Header)
	}
	lines := bufio.NewScanner(first.Body)
	next := func(want string) string {
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return lines.Text()
			}
			if text := lines.Text(); strings.Contains(text, "Logs") {
				t.Errorf("the stream says %q", text)
			}
		}
		return ""
	}
	if next("event: ready") == "" || next("still here") == "" {
		t.Fatal("the stream does not begin, or has no heartbeat")
	}
	d.ask("Logs of the control centre", statement.Immediate)
	if next("event: changed") == "" {
		t.Fatal("the stream does not tell of a change")
	}
	open(ctx, "duty")
	if a := open(ctx, "duty"); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third stream of one session: %d", a.StatusCode)
	}
	if a := open(ctx, "release"); a.StatusCode != http.StatusOK {
		t.Errorf("another session: %d", a.StatusCode)
	}
	d.must(d.xa.SetDisabled(d.as("root"), "duty", true))
	for lines.Scan() { // it ends by itself, or the time runs out
	}
	if ctx.Err() != nil {
		t.Error("the stream goes on though its officer may do nothing any more")
	}
}

// TestMethods: a page that is asked for in another way says so, and what is too large, that.
func TestMethods(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for path, want := range map[string]int{"/threads": http.StatusMethodNotAllowed, "/may": http.StatusMethodNotAllowed, "/nothing": http.StatusNotFound} {
		a := d.do("duty", httptest.NewRequestWithContext(t.Context(), http.MethodPut, path, nil))
		if a.Code != want || !strings.Contains(a.body, "<html") || want == http.StatusMethodNotAllowed && a.Header().Get("Allow") == "" {
			t.Errorf("PUT %s: %d, allowed are %q", path, a.Code, a.Header().Get("Allow"))
		}
	}
	large := url.Values{"back": {strings.Repeat("x", page.MaxForm)}}
	for _, path := range []string{"/preferences", "/officers", "/may", "/drafts/00000000000000000000000000000000/drop"} {
		if a := d.post("duty", path, large); a.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("too much for %s: %d", path, a.Code)
		}
	}
}

// TestOfficerIDs: an officer whose id has a slash can be changed by the page.
func TestOfficerIDs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.sends("root", "/officers", url.Values{"id": {"north/desk"}, "name": {"Desk of the north"}, "role": {"analyst"}})
	if !strings.Contains(d.page("root", "/officers"), `action="/officers/north%2Fdesk/sign-out"`) {
		t.Fatal("no form leads to the officer")
	}
	d.sends("root", "/officers/north%2Fdesk/sign-out", nil)
}

// TestAdministrator has no threads to read, and is told so on a page; the way out does not lead back to it.
func TestAdministrator(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if a := d.get("root", "/"); a.Code != http.StatusSeeOther || a.Header().Get("Location") != "/officers" {
		t.Errorf("an administrator begins at %d %s", a.Code, a.Header().Get("Location"))
	}
	home := d.page("root", "/officers")
	d.has("an administrator's", home, `href="/log"`, `href="/settings"`, `class="mark" href="/officers"`)
	d.lacks("an administrator's", home, `href="/threads"`, `href="/ledger"`, `href="/peers"`)
	d.has("the way out", d.get("root", "/threads").body, `class="button" href="/officers"`)
	d.has("an officer's", d.page("duty", "/officers"), `href="/threads"`, `href="/officers"`)
	for path, want := range map[string]int{"/threads": http.StatusForbidden, "/drafts": http.StatusForbidden, "/agreements": http.StatusForbidden, "/log": http.StatusOK} {
		a := d.get("root", path)
		if a.Code != want {
			t.Errorf("%s: %d", path, a.Code)
		}
		if want == http.StatusForbidden {
			d.has(path, a.body, "Not permitted", "An administrator may not read this")
		}
	}
	a := d.post("root", "/log", nil)
	d.has("verified", a.body, "The log verifies")
	if a := d.post("writer", "/log", nil); a.Code != http.StatusForbidden {
		t.Errorf("an analyst verifies the log: %d", a.Code)
	}
}
