package misp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
)

// pushes does what an instance does with one event: is it wanted, is it there, then add or edit.
func (h *house) pushes(n int, stamp, event string) (wanted bool, a answered) {
	h.t.Helper()
	asked := fmt.Sprintf(`[{"Event":{"uuid":"%s","timestamp":"%s"}}]`, eventUUID(n), stamp)
	if uuids := read[[]string](h.t, h.posts(200, "/misp/events/filterEventIdsForPush", asked)); len(uuids) == 0 {
		return false, a
	}
	path := "/misp/events/add/metadata:1"
	if h.ask("ana", head, "/misp/events/view/"+eventUUID(n), "").status == 200 {
		path = "/misp/events/edit/" + eventUUID(n) + "/metadata:1"
	}
	return true, h.ask("ana", post, path, event)
}

// TestPush is an instance that pushes: an event, the same again, a newer one, a stale one.
func TestPush(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	first := anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", ""), attribute(2, "ip-dst", "198.51.100.7", "tlp:amber"))
	// Where no source takes it, that is said, with what to do.
	if _, a := h.pushes(1, "1795000100", first); a.status != 403 || !strings.Contains(a.body, "--format misp") {
		t.Errorf("%d %s", a.status, a.body)
	}
	into := h.opens("fromMISP", "misp", marking.Green)
	wanted, a := h.pushes(1, "1795000100", first)
	if made := read[wrapped](t, h.wants(200, a, "add")).Event; !wanted || string(made.UUID) != eventUUID(1) || len(made.Attributes) != 0 || !strings.Contains(a.body, `"id":"`) {
		t.Errorf("%s", a.body)
	}
	// It comes back as it was, and each attribute is marked by its own label.
	event := read[wrapped](t, h.gets(200, "/misp/events/view/"+eventUUID(1))).Event
	if values(event) != "walnut.example 198.51.100.7" || misp.TLP(event.Tags) != marking.Green || misp.TLP(event.Attributes[1].Tags) != marking.Amber || event.Orgc.Name != "XB.cert" {
		t.Errorf("%+v", event)
	}
	h.wants(200, h.ask("ana", get, "/misp/feed/"+into.String()+"/"+eventUUID(1)+".json", ""), "its feed")
	if open := h.openly(t, into); len(open) != 0 {
		t.Errorf("%v is for everybody", open)
	}

	// The same once more is not wanted; who adds it nevertheless hears where it is, by a 404 with a Location, and edits it.
	if wanted, _ := h.pushes(1, "1795000100", first); wanted {
		t.Error("it is wanted again")
	}
	a = h.posts(404, "/misp/events/add/metadata:1", first)
	at := a.header.Get("Location")
	if at[strings.LastIndexByte(at, '/')+1:] != eventUUID(1) {
		t.Errorf("Location %s", at)
	}
	// What is not newer is refused in the words that an instance knows.
	const stale = "Event could not be saved: Event in the request not newer than the local copy."
	if a := h.posts(403, "/misp/events/edit/"+eventUUID(1)+"/metadata:1", first); read[struct {
		Errors string `json:"errors"`
	}](t, a).Errors != stale {
		t.Errorf("%s", a.body)
	}
	// A newer one: an attribute is another, one is gone, one is new.
	second := anEvent(1, "walnut again", "1795000200", "tlp:green", strings.Replace(strings.Replace(attribute(1, "domain", "other.example", ""), "1795000000", "1795000150", 1), `"comment":""`, `"comment":"moved"`, 1), attribute(3, "url", "http://walnut.example/x", ""))
	if wanted, a := h.pushes(1, "1795000200", second); !wanted || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	event = read[wrapped](t, h.gets(200, "/misp/events/view/"+eventUUID(1))).Event
	if event.Info != "walnut again" || values(event) != "other.example http://walnut.example/x" || event.Attributes[0].Comment != "moved" {
		t.Errorf("%s %s", event.Info, values(event))
	}
	if rows := read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`)); len(rows) != 1 || rows[0].Timestamp != "1795000200" {
		t.Errorf("%+v", rows)
	}
	// An event that this node makes of what came otherwise is nobody's to edit.
	h.adds(h.source, marking.Green, indicator(1, "one", v1, ""))
	for _, row := range read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`)) {
		if row.UUID != eventUUID(1) {
			h.posts(403, "/misp/events/edit/"+row.UUID, strings.Replace(anEvent(1, "mine", "1999999999", ""), eventUUID(1), row.UUID, 1))
		}
	}
	h.posts(404, "/misp/events/edit/"+eventUUID(7), anEvent(7, "none", "1795000200", ""))
}

// openly is what everybody may have of a source that the settings name.
func (h *house) openly(t *testing.T, of fmt.Stringer) misp.Manifest {
	t.Helper()
	h.xa.Config.MISPOpen = []string{"fromMISP", "sensors"}
	a := h.wants(200, h.ask("", get, "/misp/feed/"+of.String()+"/manifest.json", ""), "an open feed")
	return read[misp.Manifest](t, a)
}

// TestPushPartly: what is broken is told, with its place and reason, and the others go in; what is no event at all changes nothing.
func TestPushPartly(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Green)
	broken := strings.Replace(attribute(2, "domain", "x.example", ""), `"value":"x.example"`, `"value":["x"]`, 1)
	a := h.posts(200, "/misp/events/add", anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", ""), broken, attribute(3, "domain", "third.example", "")))
	told := read[struct {
		Event  misp.Event `json:"Event"`
		Errors []string   `json:"errors"`
	}](t, a)
	if values(told.Event) != "walnut.example third.example" || len(told.Errors) != 1 || !strings.Contains(told.Errors[0], "Attribute 2") {
		t.Errorf("%s", a.body)
	}
	before := h.posts(200, "/misp/events/index", `{"minimal":1}`).body
	for name, body := range map[string]string{
		"nothing": `{}`, "no JSON": `{"Event":`, "a list": `[]`, "two": "[" + anEvent(2, "a", "1795000100", "") + "," + anEvent(3, "b", "1795000100", "") + "]",
		"no uuid": strings.Replace(anEvent(4, "c", "1795000100", ""), eventUUID(4), "x", 1), "no info": strings.Replace(anEvent(5, "d", "1795000100", ""), `"info":"d"`, `"info":""`, 1),
		"cut short": anEvent(6, "e", "1795000100", "", attribute(9, "domain", "y.example", ""))[:600],
	} {
		if a := h.posts(400, "/misp/events/add/metadata:1", body); !strings.Contains(a.body, `"message"`) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	if after := h.posts(200, "/misp/events/index", `{"minimal":1}`).body; after != before {
		t.Errorf("%s", after)
	}
	// Who may bring nothing pushes nothing.
	h.wants(403, h.ask("aud", post, "/misp/events/add/metadata:1", anEvent(2, "a", "1795000100", "", attribute(5, "domain", "z.example", ""))), "an auditor")
	// The address can name the source.
	h.opens("partners", "misp", marking.Green)
	h.posts(403, "/misp/events/add", anEvent(2, "a", "1795000100", "tlp:green", attribute(5, "domain", "z.example", "")))
	h.posts(200, "/misp/source/partners/events/add", anEvent(2, "a", "1795000100", "tlp:green", attribute(5, "domain", "z.example", "")))
	if rows := read[[]minimalRow](t, h.posts(200, "/misp/source/partners/events/index", `{"minimal":1}`)); len(rows) != 1 || rows[0].UUID != eventUUID(2) {
		t.Errorf("%+v", rows)
	}
}

// TestPushLarge: an event of twenty thousand attributes, compressed as an instance does it, arrives whole; what unpacks to too much is refused.
func TestPushLarge(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Green)
	const n = 20_000
	all := make([]string, n)
	for i := range all {
		all[i] = attribute(i, "domain", fmt.Sprintf("host%d.example", i), "")
	}
	zipped := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text))
		_ = w.Close()
		return b.String()
	}
	h.posts(200, "/misp/events/add/metadata:1", zipped(anEvent(1, "large", "1795000100", "tlp:green", all...)), "Content-Encoding", "gzip")
	event := read[wrapped](t, h.gets(200, "/misp/events/view/"+eventUUID(1)+pullArgs)).Event
	if len(event.Attributes) != n {
		t.Errorf("%d attributes", len(event.Attributes))
	}
	seen := map[misp.UUID]bool{}
	for _, a := range event.Attributes {
		seen[a.UUID] = true
	}
	if len(seen) != n {
		t.Errorf("%d different attributes", len(seen))
	}
	// Nothing of it is in an event of its own.
	if rows := read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`)); len(rows) != 1 {
		t.Errorf("%d events", len(rows))
	}
	h.posts(413, "/misp/events/add", zipped(`{"Event":{"info":"`+strings.Repeat(" ", maxContent)+`"}}`), "Content-Encoding", "gzip")
	h.posts(400, "/misp/events/add", "x", "Content-Encoding", "gzip")
	h.posts(400, "/misp/events/add", "x", "Content-Encoding", "br")
}

// TestSightings: what is seen is told with the attribute that was seen, once.
func TestSightings(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Green)
	h.posts(200, "/misp/events/add", anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
	one := fmt.Sprintf(`{"uuid":"33333333-0000-4000-8000-000000000001","attribute_uuid":"%s","date_sighting":"1795000500","type":"0","source":"","org_id":"0","Organisation":{"uuid":"44444444-0000-4000-8000-000000000001","name":"XC"}}`, attributeUUID(1))
	two := `{"uuid":"33333333-0000-4000-8000-000000000002","attribute_uuid":"55555555-0000-4000-8000-000000000001","date_sighting":"1795000500","type":"0"}`
	three := strings.NewReplacer("000000000001\",\"att", "000000000003\",\"att", `"type":"0"`, `"type":"1"`).Replace(one)
	uuids := `["33333333-0000-4000-8000-000000000001","33333333-0000-4000-8000-000000000003"]`
	if here := h.posts(200, "/misp/sightings/filterSightingUuidsForPush/"+eventUUID(1), uuids); here.body != "[]" {
		t.Errorf("%s", here.body)
	}
	index := h.posts(200, "/misp/events/index", `{"minimal":1}`)
	saved := read[struct {
		Saved   bool     `json:"saved"`
		Success string   `json:"success"`
		Errors  []string `json:"errors"`
	}](t, h.posts(200, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), "["+one+","+two+","+three+"]"))
	if !saved.Saved || saved.Success != "2 sightings added." || len(saved.Errors) != 1 {
		t.Errorf("%+v", saved)
	}
	if again := h.posts(200, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), `{"Sighting":[`+one+`]}`); !strings.Contains(again.body, `"saved":false`) {
		t.Errorf("%s", again.body)
	}
	if here := read[[]string](t, h.posts(200, "/misp/sightings/filterSightingUuidsForPush/"+eventUUID(1), uuids)); len(here) != 2 {
		t.Errorf("%v", here)
	}
	h.posts(405, "/misp/sightings/bulkSaveSightings/"+eventUUID(9), "["+one+"]")
	// The index says that there is something to pull, and then it is pulled.
	rows := read[[]minimalRow](t, h.posts(200, "/misp/events/index", `{"minimal":1}`, "If-None-Match", index.header.Get("ETag")))
	if len(rows) != 1 || rows[0].Sighted == "0" || rows[0].Timestamp != "1795000100" {
		t.Fatalf("%+v", rows)
	}
	pulled := read[struct {
		Response []struct {
			Sighting foundSighting `json:"Sighting"`
		} `json:"response"`
	}](t, h.posts(200, "/misp/sightings/restSearch/event", `{"returnFormat":"json","last":0,"includeUuid":true,"uuid":["`+eventUUID(1)+`","`+eventUUID(2)+`"]}`))
	if len(pulled.Response) != 1 {
		t.Fatalf("%+v", pulled)
	}
	if s := pulled.Response[0].Sighting; s.EventUUID != eventUUID(1) || string(s.Attribute) != attributeUUID(1) || s.Date != "1795000500" || s.Org == nil || s.Org.Name != "XC" {
		t.Errorf("%+v", s)
	}
	h.posts(400, "/misp/sightings/restSearch/attribute", `{"uuid":"x"}`)
	h.posts(400, "/misp/sightings/restSearch/event", `{}`)
	h.posts(400, "/misp/sightings/restSearch/event", `{"uuid":"x","color":"red"}`)
}
