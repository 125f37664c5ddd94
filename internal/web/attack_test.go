package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
)

// TestHostileNames: whatever a file is called, its name misleads nobody and leads nowhere.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"../../etc/passwd": "passwd", `C:\x\\y.txt`: "y.txt", "a\x00.exe\x00.txt": "a.exe.txt", "x\u202etxt.exe": "xtxt.exe", "\u2066a\u2069.txt": "a.txt", "a\u200b\u200fb": "ab",
		"a\r\nX-Evil: 1": "aX-Evil_ 1", "\x1b[2J.txt": "[2J.txt", "\xff\xfe.txt": "txt", "...": "attachment", "": "attachment", "/": "attachment", "a\u2028b": "a b", `x";y.txt`: "x_;y.txt",
	} {
		if got := node.SafeName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	long := node.SafeName(strings.Repeat("д", 5000) + ".pdf")
	if len(long) > 120 || !strings.HasSuffix(long, ".pdf") || strings.ToValidUTF8(long, "?") != long {
		t.Errorf("%q", long)
	}
}

// TestOfficersWithPaths: an officer whose id looks like a path is managed by it, and nobody else is in its place.
func TestOfficersWithPaths(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, id := range []string{"x/../duty", "a/b", "night:1", "a+b"} {
		d.must(d.xa.AddOfficer(d.as("root"), auth.Person{ID: id, Name: "Officer", Roles: []auth.Role{auth.Analyst}}))
		at := "/officers/" + url.PathEscape(id) + "/disable"
		d.has(id, d.page("root", "/officers"), `action="`+at+`"`)
		if a := d.post("root", at, nil); a.Code != http.StatusSeeOther {
			t.Errorf("%s: %d %s", id, a.Code, said(a.body))
		}
	}
	all, err := d.xa.Officers(d.as("root"))
	d.must(err)
	for _, o := range all {
		if o.Disabled != strings.ContainsAny(o.ID, "/:+") {
			t.Errorf("%s: disabled is %v", o.ID, o.Disabled)
		}
	}
}

// TestMarkupOfOfficers puts markup where an administrator and officers can: names, ids that were refused, reasons, what is asked in addresses.
func TestMarkupOfOfficers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const evil = `<script>alert("x")</script><img src=x onerror=alert(1)>"'>`
	d.enter(d.as("root"), "evil", evil, auth.DutyOfficer, auth.Analyst)
	v, err := d.xa.NewDraft(d.as("evil"), d.request("x"), nil)
	d.must(err)
	for who, paths := range map[string][]string{
		"root":    {"/officers", "/officers?done=" + url.QueryEscape(evil), "/settings", "/log"},
		"evil":    {"/", "/drafts", "/threads", "/threads?peer=" + url.QueryEscape(evil), "/threads?after=" + url.QueryEscape(evil), "/directory", "/peers", "/ledger?peer=" + url.QueryEscape(evil)},
		"release": {"/drafts/" + v.ID},
	} {
		for _, path := range paths {
			a := d.get(who, path)
			d.lacks(path, a.body, "<script>alert", "<img src=x", `onerror=alert(1)>"'>`)
			for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
				if got := a.Header().Get(name); got != want {
					t.Errorf("%s: %s is %q", path, name, got)
				}
			}
			if p := a.Header().Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
				t.Errorf("%s: %q", path, p)
			}
		}
	}
	a := d.post("root", "/officers", url.Values{"id": {evil}, "name": {evil}, "languages": {evil}, "role": {evil}})
	d.lacks("what was refused", a.body, "<script>alert", "<img src=x")
}

// TestForgedUploads: no request names a file of the node, nor another officer's upload: what a form calls so is a word of it and nothing more.
func TestForgedUploads(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	theirs, err := d.xa.KeepUpload(d.as("duty"), node.Upload{Name: "secret.txt", Data: strings.NewReader("quince")}, 1<<20)
	d.must(err)
	v, err := d.xa.NewDraft(d.as("duty"), d.request("An own draft"), []drafts.File{theirs})
	d.must(err)
	say := "/threads/" + d.ask("Logs", statement.Immediate).Thread.String() + "/say"
	values := url.Values{"kind": {"assist.acknowledge"}, "tlp": {"AMBER"}, "do": {"keep"}}
	for _, field := range []string{"files", "file", "path", "upload", "key", "draft"} {
		for _, value := range []string{theirs.Upload, "/etc/passwd", filepath.Join(d.xa.Dir, "keys.age"), v.ID} {
			values.Add(field, value)
		}
	}
	a := d.do("writer", d.multipartForm(say, values, nil))
	if a.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.Code, said(a.body))
	}
	own, _, err := d.xa.Draft(d.as("writer"), strings.TrimSuffix(strings.TrimPrefix(a.Header().Get("Location"), "/drafts/"), "?done=kept"))
	d.must(err)
	if len(own.Files) != 0 {
		t.Errorf("%+v", own.Files)
	}
	// Nor does what is broken off in the middle leave anything.
	r := d.multipartForm(say, values, map[string]string{"x.txt": strings.Repeat("x", 100_000)})
	raw := make([]byte, 60_000)
	n, err := r.Body.Read(raw)
	d.must(err)
	cut := httptest.NewRequestWithContext(t.Context(), http.MethodPost, say, strings.NewReader(string(raw[:n])))
	cut.Header.Set("Content-Type", r.Header.Get("Content-Type"))
	if a := d.do("writer", cut); a.Code != http.StatusBadRequest {
		t.Errorf("broken off: %d %s", a.Code, said(a.body))
	}
	all, err := os.ReadDir(filepath.Join(d.xa.Dir, "uploads"))
	d.must(err)
	if len(all) != 1 {
		t.Errorf("%d files lie there, one draft has one", len(all))
	}
}
