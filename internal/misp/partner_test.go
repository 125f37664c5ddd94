package misp

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// partner has an administrator make a token for somebody outside, for which ana answers.
func (h *house) partner(l node.TokenLimits) {
	h.t.Helper()
	secret, err := h.xa.MakeTokenWithin(h.root(), "ana", nil, l, statement.TimeOf(h.f.Clock.Now().Add(24*time.Hour)))
	h.must(err)
	h.tokens[l.Partner] = secret.Reveal()
}

func (h *house) root() context.Context {
	return auth.With(h.t.Context(), auth.Claim{Token: auth.Typed(h.tokens["root"])})
}

// as asks as somebody and wants a status.
func (h *house) as(who string, status int, method, path, body string, headers ...string) answered {
	h.t.Helper()
	return h.wants(status, h.ask(who, method, path, body, headers...), who+": "+method+" "+path)
}

// looks asks for everything that there is to read, by every way that there is, and gives what came back with its headers.
func (h *house) looks(who string, of ...thread.ID) string {
	h.t.Helper()
	var out strings.Builder
	see := func(method, path, body string) answered {
		a := h.ask(who, method, path, body)
		a.header.Del("Date")
		fmt.Fprintf(&out, "%s %s %s\n%d %v\n%s\n", method, path, strings.ReplaceAll(body, `"`, "'"), a.status, a.header, a.body)
		return a
	}
	uuids := map[string]bool{}
	for i := range 10 {
		uuids[eventUUID(i)] = true
	}
	feeds := []string{"all"}
	for _, id := range of {
		feeds = append(feeds, id.String())
	}
	see(get, "/misp/feed/", "")
	for _, f := range feeds {
		path := "/misp/feed/" + f + "/"
		if a := see(get, path+"manifest.json", ""); a.status == http.StatusOK {
			for uuid := range read[misp.Manifest](h.t, a) {
				uuids[string(uuid)] = true
			}
		}
		see(get, path+"hashes.csv", "")
		see(head, path+"hashes.csv", "")
	}
	for _, name := range []string{"", "source/sensors/", "source/secret/", "source/drop/", "source/nothing/"} {
		root := "/misp/" + name
		see(post, root+"events/index", `{"minimal":1,"published":1}`)
		see(post, root+"events/index", `{}`)
		see(get, root+"events/index/limit:1/page:2", "")
		see(post, root+"events/restSearch", `{"returnFormat":"json","deleted":1}`)
		see(post, root+"attributes/restSearch", `{}`)
		for i := range 10 {
			see(post, root+"attributes/restSearch", fmt.Sprintf(`{"value":"host%d.example"}`, i))
			see(post, root+"attributes/restSearch", fmt.Sprintf(`{"value":"%%secret%d.example"}`, i))
			see(post, root+"sightings/filterSightingUuidsForPush/"+eventUUID(1), fmt.Sprintf(`["33333333-0000-4000-8000-%012d"]`, i))
		}
	}
	for uuid := range uuids {
		if !strings.HasPrefix(uuid, "11111111") {
			continue
		}
		see(head, "/misp/events/view/"+uuid, "")
		see(get, "/misp/events/view/"+uuid+pullArgs, "")
		see(get, "/misp/feed/all/"+uuid+".json", "")
		see(post, "/misp/sightings/restSearch/event", `{"uuid":["`+uuid+`"]}`)
		see(post, "/misp/events/filterEventIdsForPush", `[{"Event":{"uuid":"`+uuid+`","timestamp":"1"}}]`)
	}
	return out.String()
}

// sorted is a text by its lines, since what is looked at comes in any order.
func sorted(text string) map[string]int {
	lines := map[string]int{}
	for line := range strings.Lines(text) {
		lines[line]++
	}
	return lines
}

// TestPartner: somebody outside sees what the token names, and of that what its TLP and the markings leave to outsiders; of everything else there is no trace.
func TestPartner(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-1
	h := newHouse(t, Options{})
	drop, secret := h.opens("drop", "stix", marking.Clear), h.opens("secret", "stix", marking.Clear)
	h.adds(h.source, marking.Clear, indicator(1, "clear", v1, marking.Clear), indicator(2, "green", v1, marking.Green), indicator(6, "seen", v1, marking.Green))
	h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "open1.example", ""), attribute(2, "domain", "secret2.example", "tlp:amber")))
	h.partner(node.TokenLimits{Partner: "hospital-7", TLP: marking.Green, See: []string{"sensors"}, Write: "drop"})
	h.partner(node.TokenLimits{Partner: "reader", TLP: marking.Clear, See: []string{"all"}})
	h.partner(node.TokenLimits{Partner: "writer", TLP: marking.Green, Write: "drop"})
	places := []thread.ID{h.source, drop, secret}

	before := map[string]string{}
	for _, who := range []string{"hospital-7", "writer"} {
		before[who] = h.looks(who, places...)
	}
	for _, text := range []string{"host1.example", "host2.example", "open1.example", `"walnut"`, eventUUID(1), `"attribute_count":"1"`} {
		if !strings.Contains(before["hospital-7"], text) {
			t.Errorf("hospital-7 is not shown %s", text)
		}
	}
	for _, text := range []string{`host1.example"`, `open1.example"`, `"walnut"`, `"uuid":"` + eventUUID(1)} {
		if strings.Contains(before["writer"], text) {
			t.Errorf("writer is shown %s", text)
		}
	}
	if strings.Contains(before["hospital-7"], `"value":"secret2.example"`) {
		t.Error("hospital-7 is shown what is TLP:AMBER")
	}

	// What comes elsewhere, or is marked above: a source of its own, the same source, an event of the same name, a sighting of what is seen, and newer versions.
	h.adds(secret, marking.Clear, indicator(3, "hidden", v1, marking.Clear), indicator(2, "green again", v3, marking.Clear))
	h.adds(h.source, marking.Amber, indicator(4, "amber", v1, marking.Amber), indicator(1, "clear again", v3, marking.Amber))
	h.brings(secret, marking.Clear, anEvent(1, "walnut anew", "1795000900", "tlp:clear", attribute(1, "domain", "secret1.example", "")))
	h.brings(secret, marking.Clear, anEvent(5, "another", "1795000900", "tlp:clear", attribute(5, "domain", "secret5.example", "")))
	h.adds(secret, marking.Clear, aSighting(1, 1), aSighting(2, 2), aSighting(3, 6))
	h.adds(h.source, marking.Amber, aSighting(4, 6))
	h.opens("further", "misp", marking.Clear)
	for _, who := range []string{"hospital-7", "writer"} {
		after := sorted(h.looks(who, places...))
		for line, n := range sorted(before[who]) {
			if after[line] != n {
				t.Errorf("%s sees that something came: gone is %.300s", who, line)
			}
			delete(after, line)
		}
		for line := range after {
			t.Errorf("%s sees that something came: %.300s", who, line)
		}
	}
	// Who sees all sees that, up to its TLP.
	if all := h.looks("reader", places...); !strings.Contains(all, `"host3.example"`) || !strings.Contains(all, `"secret5.example"`) || strings.Contains(all, `"host4.example"`) || strings.Contains(all, `"open1.example"`) {
		t.Error("reader is not shown what is TLP:CLEAR, and nothing else")
	}
	h.as("hospital-7", 404, get, "/misp/feed/"+secret.String()+"/manifest.json", "")
	h.as("hospital-7", 403, get, "/misp/feed/"+drop.String()+"/manifest.json", "")
	h.as("hospital-7", 404, post, "/misp/source/secret/events/index", "{}")
	if a := h.as("hospital-7", 200, post, "/misp/source/drop/events/index", "{}"); a.body != "[]" {
		t.Errorf("%s", a.body)
	}
}

// aSighting tells that an indicator was seen.
func aSighting(n, of int) string {
	return fmt.Sprintf(`{"type":"sighting","spec_version":"2.1","id":"sighting--33333333-0000-4000-8000-%012d","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-01T00:00:00.000Z","sighting_of_ref":"%s"}`, n, indicatorID(of))
}

// TestPartnerSignsIn: a partner is told what its token is for, and nothing of the officer who answers for it.
func TestPartnerSignsIn(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t, Options{})
	drop := h.opens("drop", "stix", marking.Green)
	h.partner(node.TokenLimits{Partner: "hospital-7", TLP: marking.Green, See: []string{"sensors"}, Write: "drop", Party: "XB"})
	h.partner(node.TokenLimits{Partner: "reader", TLP: marking.Green, See: []string{"sensors"}})
	h.partner(node.TokenLimits{Partner: "writer", TLP: marking.Green, Write: "drop"})
	for who, want := range map[string][3]string{"hospital-7": {"true true", `"name":"XB"`}, "reader": {"false false", `"name":"reader"`}, "writer": {"true false", `"name":"writer"`}} {
		v := read[struct {
			Sync     bool `json:"perm_sync"`
			Sighting bool `json:"perm_sighting"`
		}](t, h.as(who, 200, get, "/misp/servers/getVersion", ""))
		if got := fmt.Sprint(v.Sync, v.Sighting); got != want[0] {
			t.Errorf("%s may %s, want %s", who, got, want[0])
		}
		a := h.as(who, 200, get, "/misp/users/view/me", "")
		r := read[struct {
			Role struct {
				Add      bool `json:"perm_add"`
				Sync     bool `json:"perm_sync"`
				Sighting bool `json:"perm_sighting"`
				Admin    bool `json:"perm_admin"`
			} `json:"Role"`
			User struct {
				Email string `json:"email"`
			} `json:"User"`
		}](t, a)
		if r.Role.Add != v.Sync || r.Role.Sync != v.Sync || r.Role.Sighting != v.Sighting || r.Role.Admin || r.User.Email != who || strings.Contains(a.body, "ana") || !strings.Contains(a.body, want[1]) {
			t.Errorf("%s: %s", who, a.body)
		}
	}
	// With the source goes what is brought into it.
	_, err := h.xa.Node.Say(h.ctx, exchange.Draft{Thread: drop, Kind: intel.KindEnd, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Technical, Precedence: statement.Routine, Facts: jsontext.Value("{}")})
	h.must(err)
	for _, who := range []string{"hospital-7", "writer"} {
		if a := h.as(who, 200, get, "/misp/servers/getVersion", ""); strings.Contains(a.body, `"perm_sync":true`) {
			t.Errorf("%s", a.body)
		}
		h.as(who, 403, post, "/misp/events/add", anEvent(1, "late", "1795000100", "tlp:green", attribute(1, "domain", "late.example", "")))
	}
}

// TestPartnerPushes: a partner brings events into its source and nowhere else, changes what it brought there, and nothing that others brought.
func TestPartnerPushes(t *testing.T) {
	t.Parallel()
	// spec: INT-9, INT-3
	h := newHouse(t, Options{})
	drop := h.opens("drop", "stix", marking.Green)
	h.brings(h.source, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
	h.brings(h.opens("secret", "stix", marking.Clear), marking.Clear, anEvent(2, "almond", "1795000100", "tlp:clear", attribute(2, "domain", "almond.example", "")))
	h.partner(node.TokenLimits{Partner: "hospital-7", TLP: marking.Green, See: []string{"sensors", "drop"}, Write: "drop", Party: "XB"}) // what others have said is TLP:GREEN, and for parties alone
	h.partner(node.TokenLimits{Partner: "writer", TLP: marking.Green, Write: "drop"})
	h.partner(node.TokenLimits{Partner: "reader", TLP: marking.Green, See: []string{"all"}})

	own := anEvent(3, "cashew", "1795000100", "", attribute(3, "domain", "cashew.example", ""))
	made := read[wrapped](t, h.as("hospital-7", 200, post, "/misp/events/add", own)).Event
	if made.Info != "cashew" || misp.TLP(made.Tags) != marking.Green { // no more loosely than the source
		t.Errorf("%+v", made)
	}
	h.as("hospital-7", 404, post, "/misp/events/add", own)
	h.as("hospital-7", 200, post, "/misp/events/edit/"+eventUUID(3), strings.Replace(anEvent(3, "cashew nut", "1795000200", "", attribute(3, "domain", "cashew.example", "")), "1795000000", "1795000150", 1))
	if e := read[wrapped](t, h.gets(200, "/misp/events/view/"+eventUUID(3))).Event; e.Info != "cashew nut" {
		t.Errorf("%s", e.Info)
	}
	// What it is shown and others brought it does not change; what it is not shown it cannot change under the same name.
	newer := anEvent(1, "taken over", "1795000900", "tlp:green", attribute(1, "domain", "walnut.example", ""))
	h.as("hospital-7", 403, post, "/misp/events/edit/"+eventUUID(1), newer)
	h.as("hospital-7", 404, post, "/misp/events/add", newer)
	for n, name := range map[int]string{1: "walnut", 2: "almond"} {
		e := anEvent(n, "taken over", "1795000900", "tlp:green", attribute(7+n, "domain", "other.example", ""))
		if a := h.as("writer", 200, post, "/misp/events/add", e); !strings.Contains(a.body, `"taken over"`) || strings.Contains(a.body, name) {
			t.Errorf("%s", a.body)
		}
		if e := read[wrapped](t, h.gets(200, "/misp/events/view/"+eventUUID(n))).Event; e.Info != name || values(e) != name+".example" {
			t.Errorf("%s is %s, with %s", name, e.Info, values(e))
		}
	}
	// Nowhere else.
	other := anEvent(4, "pecan", "1795000100", "tlp:green", attribute(4, "domain", "pecan.example", ""))
	h.as("hospital-7", 403, post, "/misp/source/sensors/events/add", other)
	h.as("hospital-7", 404, post, "/misp/source/secret/events/add", other)
	h.as("hospital-7", 200, post, "/misp/source/drop/events/add", other)
	h.as("reader", 403, post, "/misp/events/add", strings.ReplaceAll(other, eventUUID(4), eventUUID(5)))
	h.gets(404, "/misp/events/view/"+eventUUID(5))
	// Sightings of what it is shown, and of nothing else.
	sighting := fmt.Sprintf(`[{"uuid":"33333333-0000-4000-8000-000000000001","attribute_uuid":"%s","date_sighting":"1795000500","type":"0"}]`, attributeUUID(1))
	if a := h.as("hospital-7", 200, post, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), sighting); !strings.Contains(a.body, `"saved":true`) {
		t.Errorf("%s", a.body)
	}
	h.as("writer", 405, post, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), sighting)
	h.as("reader", 403, post, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), sighting)
	if a := h.as("hospital-7", 200, post, "/misp/sightings/filterSightingUuidsForPush/"+eventUUID(1), `["33333333-0000-4000-8000-000000000001"]`); a.body != `["33333333-0000-4000-8000-000000000001"]` {
		t.Errorf("%s", a.body)
	}

	// What it brought says who brought it.
	id, err := stix.ParseID("indicator--" + attributeUUID(3))
	h.must(err)
	view, err := h.xa.Object(h.ctx, id)
	h.must(err)
	_, said, err := h.xa.Thread(h.ctx, drop)
	h.must(err)
	titles := map[statement.ID]string{}
	for _, v := range said {
		titles[v.ID] = v.Title
	}
	if title := titles[view.Entries[0].Statement.ID]; !strings.HasPrefix(title, "Brought by hospital-7, with the token ") {
		t.Errorf("%q", title)
	}
	// It is not the party's own, though the source brings that.
	if facts := string(view.Entries[0].Statement.Facts); strings.Contains(facts, `"own"`) {
		t.Errorf("what a partner brought: %s", facts)
	}
	h.brings(drop, marking.Green, anEvent(8, "hazel", "1795000100", "tlp:green", attribute(20, "domain", "hazel.example", "")))
	id, err = stix.ParseID("indicator--" + attributeUUID(20))
	h.must(err)
	mine, err := h.xa.Object(h.ctx, id)
	h.must(err)
	if facts := string(mine.Entries[0].Statement.Facts); !strings.Contains(facts, `"own":true`) {
		t.Errorf("what an officer brought: %s", facts)
	}
	// Beside TAXII and MISP the token is good for nothing, and it ends with its officer's right.
	ctx := auth.With(t.Context(), auth.Claim{Token: auth.Typed(h.tokens["hospital-7"])})
	if _, err := h.xa.Intelligence(ctx); fault.CodeOf(err) != fault.Denied {
		t.Errorf("beside MISP: %v", err)
	}
	h.must(h.xa.SetRoles(h.root(), "ana", []auth.Role{auth.Auditor}))
	if a := h.as("hospital-7", 200, get, "/misp/servers/getVersion", ""); strings.Contains(a.body, `"perm_sync":true`) {
		t.Errorf("%s", a.body)
	}
	h.as("hospital-7", 403, post, "/misp/events/add", strings.ReplaceAll(other, eventUUID(4), eventUUID(6)))
	h.must(h.xa.SetDisabled(h.root(), "ana", true))
	h.as("hospital-7", 403, get, "/misp/servers/getVersion", "")
}
