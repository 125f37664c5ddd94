package client

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
)

// TestDirect: which addresses are of a collection, so that no server is asked for another.
func TestDirect(t *testing.T) {
	t.Parallel()
	const at = "https://feeds.example/api/collections/c1/"
	for address, want := range map[string]string{
		at: at, at + "objects/": at, at + "objects": at, "https://feeds.example/api/collections/c1": at, at + "manifest/": at,
		"https://feeds.example/collections/c1/":  "https://feeds.example/collections/c1/",
		"https://feeds.example/api/collections/": "", "https://feeds.example/taxii2/": "", at + "objects/indicator--1/": "", at + "?a=b": "", "ftp://feeds.example/api/collections/c1/": "",
	} {
		if got, ok := Direct(address); got != want || ok != (want != "") {
			t.Errorf("%s: %s", address, got)
		}
	}
}

// TestFind: collections are found from wherever one begins; what fails costs the others nothing, and what a server says of itself cannot disturb who reads it.
func TestFind(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"/taxii2/":            `{"title":"x","default":"/one/","api_roots":["/one/","/two/","/gone/","/one/"],"contact":"nobody","contact":"twice"}`,
		"/one/":               `{"title":"One","versions":["application/taxii+json;version=2.1"],"max_content_length":1}`,
		"/two/":               `{"title":"Two","versions":["application/taxii+json;version=2.1"],"max_content_length":1}`,
		"/one/collections/":   `{"collections":[{"id":"a","title":"Hosts","alias":"hosts","can_read":true},{"id":"b","title":"\u001b[2JNames\u0007","can_read":false},{"id":"../up","title":"up"},{"title":"none"}]}`,
		"/two/collections/":   `{"collections":[{"id":"c","title":"Hosts"}]}`,
		"/one/collections/a/": `{"id":"a","title":"Hosts","can_read":true,"can_write":false,"media_types":[]}`,
		"/empty/":             `{"title":"Empty","versions":["application/taxii+json;version=2.1"],"max_content_length":1}`,
		"/empty/collections/": `{}`,
		"/other/":             `{"hello":"world"}`,
		"/list/":              `[1]`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	find := func(path string) ([]mirror.Collection, error) {
		site, err := mirror.NewSite(server.URL+path, "", nil, nil, mirror.Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		defer site.Close()
		return Find(t.Context(), site)
	}
	for path, want := range map[string]string{
		"/taxii2/": "a b c", "/taxii2": "a b c", "/": "a b c", "/nowhere/": "a b c", "/other/": "a b c", "/list/": "a b c", // whoever names the wrong place is shown the usual one
		"/one/": "a b", "/one/collections/": "a b", "/one/collections/a/": "a", "/two": "c",
	} {
		all, err := find(path)
		var ids []string
		for _, c := range all {
			ids = append(ids, c.ID)
			if strings.ContainsAny(c.Title, "\x1b\x07") || !strings.HasPrefix(c.URL, server.URL+"/") {
				t.Errorf("%+v", c)
			}
		}
		if err != nil || strings.Join(ids, " ") != want {
			t.Errorf("%s: %v, %v", path, ids, err)
		}
	}
	if all, err := find("/empty/"); fault.CodeOf(err) != fault.NotFound {
		t.Error(all, err)
	}
	all, err := find("/taxii2/")
	if err != nil || all[0].URL != server.URL+"/one/collections/a/" || all[0].Root != "One" || !all[0].CanRead || all[1].CanRead || !all[2].CanRead {
		t.Errorf("%v %+v", err, all)
	}
	for name, want := range map[string]string{"a": "a", "hosts": "a", "c": "c"} {
		if c, err := Choose(all, name); err != nil || c.ID != want {
			t.Errorf("%s: %+v %v", name, c, err)
		}
	}
	for name, want := range map[string]fault.Code{"Hosts": fault.Usage, "": fault.Usage, "nothing": fault.NotFound} {
		if _, err := Choose(all, name); fault.CodeOf(err) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	if c, err := Choose(all[:1], ""); err != nil || c.ID != "a" {
		t.Error(err)
	}
	// It ends, and nothing is left of what the server points to again and again.
	answers["/taxii2/"] = `{"title":"x","default":"/taxii2/","api_roots":["/taxii2/","/taxii2/"]}`
	if _, err := find("/taxii2/"); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
	answers["/taxii2/"] = `{"title":"` + strings.Repeat("x", maxResource) + `"}`
	if _, err := find("/taxii2/"); fault.CodeOf(err) != fault.TooLarge {
		t.Error(err)
	}
}

// TestStands: a cursor in words, with the date alone that a reader can do something with.
func TestStands(t *testing.T) {
	t.Parallel()
	for cursor, want := range map[string]string{
		`{"added":"2026-03-01T08:00:00.123456Z","tail":["aaaa","bbbb"]}`:                         "objects added there up to 2026-03-01 08:00:00 UTC",
		`{"since":"2026-02-01T00:00:00Z","next":"opaque","added":"2026-03-01T08:00:00.000000Z"}`: "objects added there up to 2026-03-01 08:00:00 UTC, in the middle of a list that the server goes on with",
		`{"next":"opaque"}`: "nothing yet that the server dates, in the middle of a list that the server goes on with",
		`{"limit":100}`:     "nothing yet that the server dates",
		`not ours`:          "nothing yet that the server dates",
	} {
		if got := Stands(cursor); got != want {
			t.Errorf("%s: %q, want %q", cursor, got, want)
		}
	}
}
