package misp

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/thread"
)

// TestFeed is an instance that fetches a feed: the manifest, events, hashes, and the same again.
func TestFeed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
	h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", ""), attribute(2, "domain|ip", "nut.example|198.51.100.7", "")))
	other := h.opens("other", "stix", marking.Green)
	h.adds(other, marking.Green, indicator(3, "three", v1, ""))
	for path, events := range map[string]int{"/misp/feed/all/": 3, "/misp/feed/" + h.source.String() + "/": 2, "/misp/feed/" + other.String() + "/": 1} {
		a := h.gets(200, path+"manifest.json")
		m, refused, err := misp.ParseManifest([]byte(a.body)) // as what fetches feeds reads it
		if err != nil || len(refused) != 0 || len(m) != events || a.header.Get("Last-Modified") == "" || !strings.HasPrefix(a.header.Get("ETag"), `"`) {
			t.Fatalf("%s: %d events: %v %v", path, len(m), err, a.header)
		}
		sums := ""
		for uuid, entry := range m {
			// What the manifest says of an event is what the event says of itself.
			one := h.gets(200, path+string(uuid)+".json")
			e, err := misp.ParseEvent([]byte(one.body))
			if err != nil || e.UUID != uuid || e.Info != entry.Info || e.Timestamp != entry.Timestamp || e.Date != entry.Date || e.Orgc == nil || e.Orgc.Name != entry.Orgc.Name ||
				misp.TLP(e.Tags) != marking.Green || misp.TLP(entry.Tags) != marking.Green {
				t.Errorf("%s: %v %+v, the manifest says %+v", uuid, err, e, entry)
			}
			h.gets(304, path+string(uuid)+".json", "If-None-Match", one.header.Get("ETag"))
			for sum := range e.Hashes() {
				sums += sum + "," + string(uuid) + "\n"
			}
		}
		hashes := h.gets(200, path+"hashes.csv")
		if len(hashes.body) != len(sums) || strings.Count(hashes.body, "\n") != strings.Count(sums, "\n") {
			t.Errorf("%s: %q, want %q", path, hashes.body, sums)
		}
		for _, file := range []string{"manifest.json", "hashes.csv"} {
			etag := h.gets(200, path+file).header.Get("ETag")
			for _, shown := range []string{etag, "W/" + etag, `"x", ` + etag, strings.TrimSuffix(etag, `"`) + `-gzip"`, "*"} {
				if a := h.gets(304, path+file, "If-None-Match", shown); a.body != "" || a.header.Get("ETag") != etag {
					t.Errorf("%s: %v", shown, a)
				}
			}
			h.gets(200, path+file, "If-None-Match", `"x"`)
			if a := h.ask("ana", head, path+file, ""); a.status != 200 || a.body != "" || a.header.Get("ETag") != etag {
				t.Errorf("HEAD %s: %v", file, a)
			}
		}
	}
	sum := md5.Sum([]byte("nut.example"))
	if a := h.gets(200, "/misp/feed/all/hashes.csv"); !strings.Contains(a.body, hex.EncodeToString(sum[:])+","+eventUUID(1)+"\n") {
		t.Errorf("%s", a.body)
	}
	// The feeds are listed; a password does for the key, as feeds are asked for by some.
	if a := h.gets(200, "/misp/feed/"); !strings.Contains(a.body, `"Source other"`) || !strings.Contains(a.body, other.String()) {
		t.Errorf("%s", a.body)
	}
	h.wants(200, h.ask("", get, "/misp/feed/all/manifest.json", "", "Authorization", "Bearer "+h.tokens["ana"]), "bearer")
	// A source of which nothing may be seen is none.
	closed := h.opens("closed", "stix", marking.Red)
	h.gets(404, "/misp/feed/"+closed.String()+"/manifest.json")
}

// TestOpenFeed: without a token there is what the settings name, and of that what is TLP:CLEAR and nothing else.
func TestOpenFeed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	for i, m := range []marking.TLP{marking.Clear, marking.Green, marking.Amber} {
		h.adds(h.source, m, indicator(i, "i", v1, m))
	}
	path := "/misp/feed/" + h.source.String() + "/"
	h.wants(401, h.ask("", get, path+"manifest.json", ""), "not switched on")
	h.xa.Config.MISPOpen = []string{"sensors"}
	m := read[misp.Manifest](t, h.wants(200, h.ask("", get, path+"manifest.json", ""), "switched on"))
	if len(m) != 1 {
		t.Fatalf("%+v", m)
	}
	for uuid := range m {
		if e := read[wrapped](t, h.wants(200, h.ask("", get, path+string(uuid)+".json", ""), "an event")).Event; values(e) != "host0.example" || misp.TLP(e.Tags) != marking.Clear {
			t.Errorf("%s", values(e))
		}
	}
	if a := h.ask("", get, path+"hashes.csv", ""); strings.Count(a.body, "\n") == 0 || strings.Contains(a.body, "host1") {
		t.Errorf("%s", a.body)
	}
	for uuid := range read[misp.Manifest](t, h.gets(200, path+"manifest.json")) {
		if _, open := m[uuid]; !open {
			h.wants(404, h.ask("", get, path+string(uuid)+".json", ""), "what is GREEN")
		}
	}
	for _, other := range []string{"/misp/feed/all/manifest.json", "/misp/feed/", "/misp/feed/" + strings.Repeat("0", 64) + "/manifest.json"} {
		h.wants(401, h.ask("", get, other, ""), other)
	}
	// What is CLEAR and is to be handled in some way is not for everybody.
	_, err := h.xa.Import(h.ctx, sourceOf(h.source, marking.Marking{TLP: marking.Clear, Handling: []string{"no-onward"}}), itemsFrom(indicator(7, "i", v1, "")), noOptions())
	h.must(err)
	h.must(h.xa.Catalogued(h.ctx))
	if again := read[misp.Manifest](t, h.ask("", get, path+"manifest.json", "")); len(again) != 1 {
		t.Errorf("%+v", again)
	}
}

// TestNobodySeesAbove: whatever is here and however it is asked for, nothing reaches a token that is marked more strictly than the token is good for.
func TestNobodySeesAbove(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-2
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			nobodySeesAbove(t, rand.New(rand.NewPCG(seed, 1)))
		})
	}
}

func nobodySeesAbove(t *testing.T, r *rand.Rand) {
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Clear)
	max := []marking.TLP{marking.Clear, marking.Green, marking.Amber}[r.IntN(3)]
	h.serve(Options{Max: max, Burst: 1_000_000})
	above := map[string]bool{}
	sources := []thread.ID{h.source, h.opens("second", "stix", marking.Clear)}
	for i := range 1 + r.IntN(6) {
		m := marking.TLPs()[r.IntN(5)]
		into := sources[r.IntN(len(sources))]
		if r.IntN(2) == 0 {
			inner := marking.TLPs()[r.IntN(5)]
			h.brings(into, marking.Clear, anEvent(i, fmt.Sprintf("event%d", i), "1795000100", "tlp:"+strings.ToLower(string(m)),
				attribute(2*i, "domain", fmt.Sprintf("secret%d.example", 2*i), ""), attribute(2*i+1, "ip-src|port", fmt.Sprintf("198.51.100.%d|80", 2*i+1), "tlp:"+strings.ToLower(string(inner)))))
			above[fmt.Sprintf("secret%d.example", 2*i)] = m.Rank() > max.Rank()
			above[fmt.Sprintf("198.51.100.%d|80", 2*i+1)] = m.Rank() > max.Rank() || inner.Rank() > max.Rank()
			above[fmt.Sprintf(`"event%d"`, i)] = m.Rank() > max.Rank()
			continue
		}
		h.adds(into, marking.Clear, indicator(i, fmt.Sprintf("name%d", i), v1, m))
		above[fmt.Sprintf("host%d.example", i)] = m.Rank() > max.Rank()
	}
	got := ""
	for _, path := range []string{"/misp/feed/all/", "/misp/feed/" + sources[0].String() + "/", "/misp/feed/" + sources[1].String() + "/"} {
		a := h.ask("ana", get, path+"manifest.json", "")
		if got += a.body; a.status != 200 {
			continue
		}
		for uuid := range read[misp.Manifest](t, a) {
			got += h.gets(200, path+string(uuid)+".json").body
		}
	}
	for i := range 6 {
		got += h.ask("ana", get, "/misp/events/view/"+eventUUID(i)+pullArgs, "").body
	}
	for _, row := range read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`)) {
		got += h.gets(200, "/misp/events/view/"+row.UUID+pullArgs).body
	}
	got += h.posts(200, "/misp/events/index", `{}`).body + h.posts(200, "/misp/events/restSearch", `{"returnFormat":"json","deleted":1}`).body + h.posts(200, "/misp/attributes/restSearch", `{}`).body
	for text, secret := range above {
		if strings.Contains(got, text) == secret {
			t.Errorf("%s: above %s is %v", text, max, secret)
		}
		if h.posts(200, "/misp/attributes/restSearch", fmt.Sprintf(`{"value":%q}`, text)); secret && strings.Contains(h.posts(200, "/misp/events/restSearch", fmt.Sprintf(`{"value":%q}`, text)).body, text) {
			t.Errorf("%s is found", text)
		}
	}
}

// TestSearch: what is searched for is found, and a filter that is not known is refused.
func TestSearch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""), indicator(2, "two", v1, ""))
	h.brings(h.source, marking.Green, anEvent(1, "walnut loader", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", ""), attribute(2, "domain|ip", "nut.example|198.51.100.7", ""), attribute(3, "comment", "a comment", "tlp:amber")))
	h.brings(h.source, marking.Green, anEvent(2, "kettle", "1795100100", "tlp:green", attribute(4, "domain", "kettle.example", "")))
	type hits struct {
		Response struct {
			Attribute []foundAttribute `json:"Attribute"`
		} `json:"response"`
	}
	for query, want := range map[string]string{
		`{"value":"walnut.example"}`: "walnut.example", `{"value":"198.51.100.7"}`: "nut.example|198.51.100.7", `{"value":["kettle.example","walnut.example"]}`: "walnut.example kettle.example",
		`{"value":"%.example","type":"domain","org":"XB.cert"}`: "walnut.example kettle.example", `{"value":{"NOT":["walnut.example"]},"type":"domain","eventid":"` + eventUUID(1) + `"}`: "",
		`{"value":"WALNUT.example","returnFormat":"json"}`: "walnut.example", `{"type":["domain|ip"]}`: "nut.example|198.51.100.7", `{"uuid":"` + attributeUUID(4) + `"}`: "kettle.example",
		`{"tags":["tlp:amber"]}`: "a comment", `{"tags":["!tlp:green"],"type":"domain"}`: "", `{"eventid":["` + eventUUID(2) + `"],"page":1,"limit":10}`: "kettle.example",
		`{"type":"domain","org":"XB.cert","limit":1,"page":2}`: "kettle.example", `{"type":"domain","limit":1,"page":9}`: "", `{"published":0}`: "", `{"value":"nothing.example"}`: "",
		`{"eventinfo":"%loader%","type":"domain"}`: "walnut.example", `{"timestamp":"1d","type":"domain","org":"XB.cert"}`: "walnut.example kettle.example", `{"timestamp":"1999999999"}`: "",
		`{"timestamp":[1794999999,1795000001],"type":"domain"}`: "walnut.example kettle.example", `{"value":"host2.example"}`: "host2.example", `{"value":"a comment"}`: "a comment",
		`{"to_ids":1,"type":"comment","withAttachments":0,"includeEventUuid":true}`: "a comment", `{"request":{"value":"kettle.example"}}`: "kettle.example", `{"category":"Payload delivery"}`: "",
	} {
		var got []string
		for _, a := range read[hits](t, h.posts(200, "/misp/attributes/restSearch", query)).Response.Attribute {
			if got = append(got, string(a.Value)); a.Event.UUID == "" || a.Event.Info == "" || !strings.Contains(string(a.Rest), `"event_id"`) {
				t.Errorf("%+v", a)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, strings.Join(got, " "), want)
		}
	}
	type events struct {
		Response []wrapped `json:"response"`
	}
	for query, want := range map[string]string{
		`{"value":"198.51.100.7"}`: "walnut loader", `{"eventid":"` + eventUUID(2) + `"}`: "kettle", `{"uuid":"` + eventUUID(2) + `"}`: "kettle", `{"org":"XB.cert","limit":1}`: "walnut loader",
		`{"org":"5e1d7f3a-3c4b-4c6e-9d0a-0123456789ab","limit":1,"page":2}`: "kettle", `{"tags":"tlp:amber"}`: "walnut loader", `{"timestamp":"1795050000","org":"XB.cert"}`: "kettle",
		`{"last":"1795050000","org":"XB.cert","metadata":1}`: "kettle", `{"from":"2026-11-20","org":"XB.cert"}`: "", `{"from":"2026-11-19","to":"2026-11-19","org":"XB.cert"}`: "walnut loader kettle",
	} {
		var got []string
		for _, e := range read[events](t, h.posts(200, "/misp/events/restSearch", query)).Response {
			got = append(got, e.Event.Info)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, strings.Join(got, " "), want)
		}
	}
	for _, path := range []string{"/misp/events/restSearch", "/misp/attributes/restSearch", "/misp/events/index"} {
		for _, bad := range []string{`{"color":"red"}`, `{"returnFormat":"csv"}`, `{"limit":-1}`, `{"timestamp":"yesterday"}`, `{"sort":"color"}`, `{"sharinggroup":"1"}`, `{"quickFilter":"a"}`, `{"eventid":{"XOR":["a"]}}`, `{"eventid":[["a"]]}`, `{"enforceWarninglist":1}`} {
			if a := h.posts(400, path, bad); !strings.Contains(a.body, `"message"`) {
				t.Errorf("%s", a.body)
			}
		}
		h.posts(200, path, `{"color":null,"sharinggroup":[],"enforceWarninglist":0,"quickFilter":""}`)
	}
	h.posts(400, "/misp/events/index", `{"value":"walnut.example"}`)
	if rows := read[[]indexRow](t, h.posts(200, "/misp/events/index", `{"tags":["tlp:green"],"org":["XB.cert","!XA"],"sort":"timestamp","direction":"desc"}`)); len(rows) != 2 || rows[0].Info != "kettle" || rows[0].Creator.Name != "XB.cert" {
		t.Errorf("%+v", rows)
	}
}

// TestAStricterVersionStaysInItsEvent: what came anew under a stricter label is in the event that has this label, and in no other.
func TestAStricterVersionStaysInItsEvent(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "first", v1, ""), indicator(2, "beside", v1, ""))
	h.adds(h.source, marking.Green, indicator(1, "second", v2, ""))
	h.adds(h.source, marking.Amber, indicator(1, "third", v3, ""))
	third := 0
	for uuid, e := range read[misp.Manifest](t, h.gets(200, "/misp/feed/all/manifest.json")) {
		body := h.gets(200, "/misp/feed/all/"+string(uuid)+".json").body
		if !strings.Contains(body, "third") {
			continue
		}
		if third++; misp.TLP(e.Tags) != marking.Amber {
			t.Errorf("under TLP:%s: %.400s", misp.TLP(e.Tags), body)
		}
	}
	if third != 1 {
		t.Errorf("it is in %d events", third)
	}
}
