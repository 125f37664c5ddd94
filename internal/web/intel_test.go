package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// gathered is where a desk's intelligence is shown.
type gathered struct {
	source, given, got string // pages
	malware, host      string // pages of a malware, and of an indicator that both parties have
}

const (
	walnut = "malware--5a0b0000-0000-4000-8000-000000000001"
	host   = "indicator--5a0b0000-0000-4000-8000-000000000005"
)

// theirs is what XB has on the same host, and thinks otherwise of; and a sighting of it.
const (
	theirs = `{"type":"indicator","spec_version":"2.1","id":"` + host + `","created":"2026-02-20T08:00:00.000Z","modified":"2026-02-20T08:00:00.000Z","name":"Second stage","pattern":"[domain-name:value = 'update.walnut.example']","pattern_type":"stix","valid_from":"2026-02-20T08:00:00Z","confidence":35,"labels":["shared-hosting"]}`
	seen   = `{"type":"sighting","spec_version":"2.1","id":"sighting--5a0b0000-0000-4000-8000-000000000001","created":"2026-03-02T07:00:00.000Z","modified":"2026-03-02T07:00:00.000Z","sighting_of_ref":"` + host + `","count":3,"first_seen":"2026-03-01T10:00:00Z","last_seen":"2026-03-02T06:00:00Z"}` + "\n"
)

// gathers has XA take the demonstration's objects into a source and offer them to XB, who subscribes, tells of a sighting, and offers a feed of its own that XA has subscribed to.
func (d *desk) gathers() (g gathered) {
	d.Helper()
	release := d.as("release")
	deposited, err := d.xb.Deposit(d.Context(), []byte(d.read("../demo/data/intelligence.json")), d.xb.By("legal-adviser", "one"))
	d.must(err)
	agreed := deposited.Thread
	d.xa.Has(agreed)
	_, err = d.xb.Sign(d.Context(), agreed, nil, "", d.xb.By("legal-adviser", "one"))
	d.must(err)
	_, err = d.xa.Sign(release, agreed, nil, "", d.xa.By("", ""))
	d.must(err)
	ctx := map[*fedtest.Party]context.Context{d.xa: release, d.xb: d.Context()}
	for p := range ctx {
		p.Until("the agreement", func() bool {
			v, err := p.Agreement(ctx[p], agreed)
			return err == nil && !v.InForce.IsZero()
		})
	}
	source, err := d.xa.OpenSource(release, intel.Source{Name: "sensors", Format: "stix", Own: true}, marking.Marking{TLP: marking.Green}, d.xa.By("", ""))
	d.must(err)
	items := stix.NewReader(strings.NewReader(d.read("../demo/data/walnut.stix.json")), stix.Limits{}).All()
	_, err = d.xa.Import(release, catalogue.Source{Thread: source, By: d.xa.By("", ""), Marking: marking.Marking{TLP: marking.Green}, Title: "walnut.stix.json"}, items, catalogue.ImportOptions{})
	d.must(err)
	d.must(d.xa.Catalogued(d.Context()))
	says := func(draft exchange.Draft, facts any) exchange.Said {
		d.Helper()
		draft.Facts, err = node.Facts(facts)
		d.must(err)
		draft.Track, draft.Marking.TLP, draft.By = statement.Technical, marking.Green, d.xa.By("", "")
		if draft.Thread.IsZero() {
			draft.Precedence = statement.Routine
		}
		said, err := d.xa.Node.Say(release, draft)
		d.must(err)
		return said
	}
	offer := says(exchange.Draft{To: []party.Code{"XB"}, Agreement: agreed, Kind: intel.KindOffer, Title: "The walnut campaign"}, intel.Offer{Feed: "walnut", Types: []string{"indicator", "malware"}, ConfidenceMin: 0})
	d.xb.Has(offer.ID)
	tells := func(draft exchange.Draft, facts any) exchange.Said {
		d.Helper()
		draft.Track, draft.Marking.TLP, draft.By = statement.Technical, marking.Green, d.xb.By("duty-officer", "one")
		if draft.Thread.IsZero() {
			draft.Precedence = statement.Routine
		}
		said := d.xb.Say(draft, facts)
		d.xa.Has(said.ID)
		return said
	}
	tells(exchange.Draft{Thread: offer.Thread, Kind: intel.KindSubscribe}, intel.Subscribe{})
	d.xa.Until("the feed has come", func() bool {
		d.must(d.xa.Catalogued(d.Context()))
		v, _, err := d.xa.Intel(release, offer.Thread)
		d.must(err)
		return v.Objects > 0 && len(v.Held) > 0 && !v.View.More
	})
	d.xb.Until("it has arrived", func() bool {
		v, _, err := d.xb.Intel(d.Context(), offer.Thread)
		d.must(err)
		return v.Objects > 0
	})
	tells(exchange.Draft{Thread: offer.Thread, Kind: intel.KindSighting, Blobs: []exchange.Attachment{{Name: "1.jsonl", Type: intel.ParcelType, Raw: []byte(seen)}}}, intel.Sighting{Objects: 1, Count: 3})

	own, err := d.xb.OpenSource(d.Context(), intel.Source{Name: "sinkhole", Format: "stix"}, marking.Marking{TLP: marking.Green}, d.xb.By("analyst", "one"))
	d.must(err)
	_, err = d.xb.Import(d.Context(), catalogue.Source{Thread: own, By: d.xb.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Green}}, stix.NewReader(strings.NewReader(theirs), stix.Limits{}).All(), catalogue.ImportOptions{})
	d.must(err)
	d.must(d.xb.Catalogued(d.Context()))
	fir := tells(exchange.Draft{To: []party.Code{"XA"}, Agreement: agreed, Kind: intel.KindOffer, Title: "Sinkholes"}, intel.Offer{Feed: "sinkholes"})
	d.xb.Has(says(exchange.Draft{Thread: fir.Thread, Kind: intel.KindSubscribe}, intel.Subscribe{}).ID)
	d.xa.Until("what XB has", func() bool {
		d.must(d.xb.Catalogued(d.Context()))
		d.must(d.xa.Catalogued(d.Context()))
		v, err := d.xa.Object(release, host)
		d.must(err)
		return len(v.Entries) == 2 && len(v.About) > 1
	})
	return gathered{
		source: "/intelligence/" + source.String(), given: "/intelligence/" + offer.Thread.String(), got: "/intelligence/" + fir.Thread.String(),
		malware: "/intelligence/object/" + walnut, host: "/intelligence/object/" + host,
	}
}

func (d *desk) read(name string) string {
	d.Helper()
	raw, err := os.ReadFile(name)
	d.must(err)
	return string(raw)
}

// TestIntelligence reads the pages of intelligence: at a glance, a source, feeds both ways, sightings, and objects with what each party says of them.
func TestIntelligence(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	empty := d.page("release", "/intelligence")
	d.has("nothing yet", empty, "Nothing has been gathered yet", "Open a source.", "Offer a feed", `name="q"`)
	g := d.gathers()
	glance := d.page("duty", "/intelligence")
	d.has("at a glance", glance, "sensors", "43 objects", "walnut", "XB", "subscribed", "by the agreement", "up to date", "sinkholes", "walnut.stix.json", "1 object")
	d.lacks("at a glance", glance, "⟦", "Nothing has been gathered yet")

	given := d.page("release", g.given)
	d.has("a feed that is given", given, "XB has subscribed.", "Types", "malware", "Increment 1", "delivered", "The agreement of the feed does not let them pass.", "3 times", "update[.]walnut[.]example", "End", `action="`+strings.Replace(g.given, "intelligence", "threads", 1)+`/say"`)
	d.lacks("a feed that is given", given, "⟦", "intel.increment")
	got := d.page("release", g.got)
	d.has("a feed that is got", got, "We have subscribed. 1 object has come from XB", "Everything that may pass.", "Unsubscribe", "Report a sighting")
	source := d.page("release", g.source)
	d.has("a source", source, "43 objects were taken into it", "walnut.stix.json", "Import a file", "Show its objects")
	d.lacks("a source", source, `id="say-intel.import"`)
	d.has("sightings", d.page("release", "/intelligence/sightings"), "Of what we gave", "3 times", "walnut", "update[.]walnut[.]example", "We have told nobody of a sighting.")

	malware := d.page("release", g.malware)
	d.has("a malware", malware, "WALNUT loader", "Fetches a second stage", "indicates", "198[.]51[.]100[.]7", "Walnut harvest", `href="/intelligence/object/indicator--5a0b0000-0000-4000-8000-000000000001"`, "drops", "WALNUT wiper", "gathered by ourselves", "nobody: it is a record of our own", "downloader, remote-access-trojan", "<svg")
	host := d.page("release", g.host)
	d.has("what two parties say", host, "they differ in", "differs", "90 of 100", "35 of 100", "shared-hosting", "Arrangement of XA and XB on the exchange of intelligence", "sinkholes", "3 times", "[domain-name:value = &#39;update[.]walnut[.]example&#39;]")
	d.has("what differs stands first", host, "What they do not agree on stands first")
	if table := host[strings.Index(host, `class="mini beside"`):]; strings.LastIndex(table, `class="differs"`) > strings.Index(table, "Came with") {
		t.Error("something on which they differ stands behind how it came")
	}
	d.has("to whom it went", host, "Passed on", "walnut", "passed on Increment", "arrived")
	d.lacks("one word has none to differ from", malware, "What they do not agree on")
	d.has("a malware's creator", malware, "this is created by")
	d.lacks("values are not to be clicked on", host, `href="https://update`, ">update.walnut.example<")
	for _, path := range []string{g.host, g.malware, "/intelligence", "/intelligence/search?type=indicator", g.given} {
		for _, language := range []string{"en", "ru", "ar"} {
			d.lacks(path+" in "+language, d.page("release", path, "Cookie", "comity-language="+language), "⟦")
		}
	}
	if a := d.get("release", "/intelligence/object/malware--00000000-0000-4000-8000-000000000000"); a.Code != http.StatusNotFound {
		t.Errorf("an object that is not here: %d", a.Code)
	}
	if a := d.get("release", "/intelligence/object/x"); a.Code != http.StatusNotFound {
		t.Errorf("what is no object: %d", a.Code)
	}
	for _, path := range []string{"/intelligence", "/intelligence/search?value=x", g.host, g.given, "/intelligence/sightings", "/intelligence/imports"} {
		if a := d.get("root", path); a.Code != http.StatusForbidden {
			t.Errorf("an administrator reads %s: %d", path, a.Code)
		}
	}
}

// TestSearchPage finds by value, defanged or not, by words, type, source and time, and goes through pages.
func TestSearchPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	g := d.gathers()
	source := strings.TrimPrefix(g.source, "/intelligence/")
	for name, c := range map[string]struct{ query, has, lacks string }{
		"a value":              {"value=198.51.100.7", "198[.]51[.]100[.]7", "WALNUT loader"},
		"a defanged one":       {"value=hxxps%3A%2F%2Fupdate%5B.%5Dwalnut%5B.%5Dexample%2Fstage%2F2", "hxxps://update[.]walnut[.]example/stage/2", "Nothing here fits."},
		"words":                {"text=grids", "Walnut harvest", "Nothing here fits."},
		"a type":               {"type=malware", "WALNUT wiper", "Walnut harvest"},
		"the one field, value": {"q=203.0.113.40", "203[.]0[.]113[.]40", "Nothing here fits."},
		"the one field, words": {"q=walnut+loader", "WALNUT loader", "Nothing here fits."},
		"a source":             {"type=malware&source=" + source, "sensors", "sinkholes"},
		"of a time":            {"type=malware&from=2027-01-01T00:00", "Nothing here fits.", "WALNUT"},
		"before a time":        {"type=malware&until=2027-01-01T00:00", "WALNUT wiper", "Nothing here fits."},
		"what has expired":     {"value=http%3A%2F%2F203.0.113.40%2Fgate.php", "expired", "Nothing here fits."},
		"nothing asked":        {"", "An address, a name", "<table"},
		"nothing found":        {"value=192.0.2.255", "Nothing here fits.", "<table"},
	} {
		html := d.page("duty", "/intelligence/search?"+c.query)
		d.has(name, html, c.has)
		_, html, _ = strings.Cut(html, `id="f-until"`) // the choices stand before it
		d.lacks(name, html, c.lacks)
	}
	first := d.page("duty", "/intelligence/search?type=indicator&source="+source)
	d.lacks("twelve fit on a page", first, `rel="next"`)
	for query, want := range map[string]int{"after=x": 400, "source=x": 400, "from=yesterday": 400, "text=%00": 200, "type=%3Cscript%3E": 200} {
		a := d.get("duty", "/intelligence/search?"+query)
		if a.Code != want && !(want == 200 && a.Code == 400) {
			t.Errorf("%s: %d", query, a.Code)
		}
		d.lacks(query, a.body, "<script>")
	}
}

// until loads a page again until it says something.
func (d *desk) until(id, path, says string) string {
	d.Helper()
	html := ""
	d.xa.Until(says, func() bool {
		html = d.page(id, path)
		return strings.Contains(said(html), says)
	})
	return html
}

// TestImportPage opens a source, looks at files before they are imported, imports them, and repeats it.
func TestImportPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.has("no source yet", d.page("duty", "/intelligence/imports"), "Open a source first")
	bad := d.post("duty", "/intelligence/sources", url.Values{"name": {""}, "tlp": {"GREEN"}})
	if bad.Code != http.StatusBadRequest {
		t.Errorf("a source without a name: %d", bad.Code)
	}
	d.has("a source without a name", bad.body, "A source has a name")
	to := d.sends("duty", "/intelligence/sources", url.Values{"name": {"lists"}, "tlp": {"GREEN"}, "once": {"one"}})
	if again := d.sends("duty", "/intelligence/sources", url.Values{"name": {"lists"}, "tlp": {"GREEN"}, "once": {"one"}}); again != to {
		t.Errorf("the button pressed twice leads to %s, not %s", again, to)
	}
	html := d.page("duty", to)
	d.has("opened", html, "The source is open.", "Look at it first")
	source := regexp.MustCompile(`<option value="([0-9a-f]{64})" selected`).FindStringSubmatch(html)
	if source == nil {
		t.Fatal("the new source is not chosen")
	}
	values := url.Values{"source": {source[1]}, "form": {"auto"}}
	sends := func(name, text string) string {
		t.Helper()
		a := d.do("duty", d.multipartForm("/intelligence/imports", values, map[string]string{name: text}))
		if a.Code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", name, a.Code, said(a.body))
		}
		return a.Header().Get("Location")
	}
	at := sends("iocs.txt", "198.51.100[.]77\nwalnut.example\nno value at all, is it\nhxxp://198.51.100.78/x\n")
	html = d.until("duty", at, "3 objects would be taken")
	d.has("looked at", html, "Not understood", "By type", "By marking", "TLP:GREEN", "Import 3 objects", "lists")
	if all, err := d.xa.Objects(d.as("duty"), catalogue.Query{}); err != nil || len(all.Objects) != 0 {
		t.Fatalf("looking has imported %d objects: %v", len(all.Objects), err)
	}
	if a := d.get("writer", at); a.Code != http.StatusNotFound {
		t.Errorf("another officer's import: %d", a.Code)
	}
	d.has("the list of imports", d.page("duty", "/intelligence/imports"), "waits for you", "iocs.txt")
	d.sends("duty", at, url.Values{"do": {"import"}})
	d.sends("duty", at, url.Values{"do": {"import"}}) // pressed twice
	d.until("duty", at, "3 objects were taken")
	d.must(d.xa.Catalogued(d.Context()))
	d.has("what was imported", d.page("duty", "/intelligence/search?value=198.51.100.77"), "198[.]51[.]100[.]77", "lists")
	d.has("the list of what was imported", d.page("duty", "/intelligence/imports"), "iocs.txt", "3 objects")

	again := sends("iocs.txt", "198.51.100.77\nwalnut.example\n203.0.113.9\n")
	d.has("once more", d.until("duty", again, "1 object would be taken"), "2 objects are in this source already")
	d.sends("duty", again, url.Values{"do": {"drop"}})
	if a := d.get("duty", again); a.Code != http.StatusNotFound {
		t.Errorf("what was let go: %d", a.Code)
	}
	broken := sends("bundle.json", `{"type":"bundle","objects":[`+theirs+`,{"type":"indicator"},`)
	d.has("a file that breaks off", d.until("duty", broken, "It could not be gone on with."), "Send the same file again")
	csv := sends("list.csv", "value,kind,valid_from,valid_until,revoked\n203.0.113.10,,,,\n")
	d.until("duty", csv, "1 object would be taken")
	event := sends("event.json", `{"Event":{"uuid":"5a0b0000-0000-4000-8000-0000000000aa","info":"Walnut","date":"2026-03-01","timestamp":"1772355600","published":true,"Attribute":[{"uuid":"5a0b0000-0000-4000-8000-0000000000ab","type":"ip-dst","category":"Network activity","value":"198.51.100.44","to_ids":true,"timestamp":"1772355600"}]}}`)
	d.has("an event of MISP", d.until("duty", event, "would be taken"), "events of MISP", "Import ")
	d.mayNotImport(values)
}

// mayNotImport tries what is not to be imported, and who may not.
func (d *desk) mayNotImport(values url.Values) {
	d.Helper()
	for name, c := range map[string]struct {
		who   string
		tweak url.Values
		files map[string]string
		want  int
	}{
		"no file":            {"duty", nil, nil, http.StatusBadRequest},
		"two files":          {"duty", nil, map[string]string{"a.json": "{}", "b.json": "{}"}, http.StatusBadRequest},
		"no such source":     {"duty", url.Values{"source": {strings.Repeat("0", 64)}}, map[string]string{"a.json": "{}"}, http.StatusNotFound},
		"no such form":       {"duty", url.Values{"form": {"pdf"}}, map[string]string{"a.json": "{}"}, http.StatusBadRequest},
		"no such label":      {"duty", url.Values{"tlp": {"PINK"}}, map[string]string{"a.json": "{}"}, http.StatusBadRequest},
		"an administrator":   {"root", nil, map[string]string{"a.json": "{}"}, http.StatusForbidden},
		"an auditor":         {"audit", nil, map[string]string{"a.json": "{}"}, http.StatusForbidden},
		"neither one to say": {"audit", url.Values{"do": {"import"}}, nil, http.StatusForbidden},
	} {
		form := url.Values{}
		for k, v := range values {
			form[k] = v
		}
		for k, v := range c.tweak {
			form[k] = v
		}
		a := d.do(c.who, d.multipartForm("/intelligence/imports", form, c.files))
		if a.Code != c.want && !(c.who == "audit" && a.Code == http.StatusBadRequest) {
			d.Errorf("%s: %d %s", name, a.Code, said(a.body))
		}
	}
	left, err := os.ReadDir(d.xa.Dir + "/uploads")
	if err != nil && !os.IsNotExist(err) {
		d.Fatal(err)
	}
	if len(left) > 3 { // those that wait to be decided on
		d.Errorf("%d files are left of what was refused", len(left))
	}
	if d.get("audit", "/intelligence/imports").Code == http.StatusOK {
		d.lacks("an auditor", d.page("audit", "/intelligence/imports"), `action="/intelligence/imports"`)
	}
}

// TestLateImport: an import goes on when nobody looks, and its page says how far it is whenever somebody does.
func TestLateImport(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.sends("duty", "/intelligence/sources", url.Values{"name": {"big"}, "tlp": {"GREEN"}})
	all, err := d.xa.Intelligence(d.as("duty"))
	d.must(err)
	var b strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&b, "10.%d.%d.%d\n", i>>16&255, i>>8&255, i&255)
	}
	a := d.do("duty", d.multipartForm("/intelligence/imports", url.Values{"source": {all[0].ID.String()}, "form": {"list"}}, map[string]string{"big.txt": b.String()}))
	at := a.Header().Get("Location")
	d.until("duty", at, "9,000 objects would be taken")
	d.sends("duty", at, url.Values{"do": {"import"}})
	d.until("duty", at, "9,000 objects were taken")
	if v, _, err := d.xa.Intel(d.as("duty"), all[0].ID); err != nil || v.Objects != 9000 {
		t.Errorf("%d objects are in the source: %v", v.Objects, err)
	}
	d.f.Clock.Pass(2 * time.Hour)
	d.has("it is remembered", d.page("duty", at), "9,000 objects were taken")
}
