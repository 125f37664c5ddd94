package taxii

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// partner has an administrator make a token for somebody outside, for which ana answers.
func (h *house) partner(l node.TokenLimits) {
	h.t.Helper()
	secret, err := h.xa.MakeTokenWithin(h.root(), "ana", nil, l, h.soon())
	h.must(err)
	h.tokens[l.Partner] = secret.Reveal()
}

func (h *house) root() context.Context {
	return auth.With(h.t.Context(), auth.Claim{Token: auth.Typed(h.tokens["root"])})
}

func (h *house) soon() statement.Time { return statement.TimeOf(h.f.Clock.Now().Add(24 * time.Hour)) }

// wants asks as a partner and wants a status.
func (h *house) wants(who string, status int, method, path, body string) answered {
	h.t.Helper()
	a := h.ask(who, method, path, body)
	if a.status != status {
		h.t.Errorf("%s: %s %s: %d, want %d: %.300s", who, method, path, a.status, status, a.body)
	}
	return a
}

// TestPartner: somebody outside sees what the token names, of that what its TLP and the markings leave to outsiders, and brings objects into one source.
func TestPartner(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-1
	h := newHouse(t, Options{})
	drop, secret := h.opens("drop", marking.Green), h.opens("secret", marking.Clear)
	h.adds(h.source, marking.Clear, indicator(1, "clear", v1, marking.Clear), indicator(2, "green", v1, marking.Green), indicator(3, "amber", v1, marking.Amber))
	h.adds(secret, marking.Clear, indicator(4, "hidden", v1, marking.Clear))
	h.partner(node.TokenLimits{Partner: "hospital-7", TLP: marking.Green, See: []string{"sensors"}, Write: "drop"})
	h.partner(node.TokenLimits{Partner: "reader", TLP: marking.Clear, See: []string{"all"}})

	// The collections are those that are named; the one of everything is not among them.
	all := h.wants("hospital-7", 200, get, apiRoot+"collections/", "").read(t).Collections
	if len(all) != 2 || all[0].Title != "Source: drop" || !all[0].CanWrite || all[0].Rest["can_read"] != false || all[1].Title != "Source: sensors" || all[1].CanWrite {
		t.Errorf("%+v", all)
	}
	// Who only brings objects is not told how they are marked; who sees them is, and neither is told what is for the party's own alone.
	bring, _ := all[0].Rest["description"].(string)
	sees, _ := all[1].Rest["description"].(string)
	h.opens("strict", marking.AmberStrict)
	h.partner(node.TokenLimits{Partner: "bringer", TLP: marking.Green, Write: "strict"})
	strict, _ := h.wants("bringer", 200, get, apiRoot+"collections/", "").read(t).Collections[0].Rest["description"].(string)
	if !strings.Contains(strict, "strict") || strings.Contains(strict, "TLP") || !strings.Contains(sees, "sensors") || !strings.Contains(sees, "TLP:") || strings.Contains(bring+sees+strict, "stix") {
		t.Errorf("%q, %q, %q", strict, bring, sees)
	}
	for _, id := range []thread.ID{{}, secret} {
		h.wants("hospital-7", 404, get, h.at(id)+"objects/", "")
		h.wants("hospital-7", 404, get, h.at(id), "")
		h.wants("hospital-7", 404, post, h.at(id)+"objects/", posted(indicator(9, "x", v1, "")))
	}
	// No marking above the token's, and nothing that is not for outsiders, whatever is asked for.
	for _, query := range []string{"", "?match[version]=all", "?match[id]=" + indicatorID(2) + "," + indicatorID(3)} {
		for _, o := range h.wants("hospital-7", 200, get, h.at(h.source)+"objects/"+query, "").read(t).Objects {
			if o["name"] == "amber" {
				t.Errorf("%s gives %v", query, o)
			}
		}
	}
	if r := h.wants("reader", 200, get, h.at(thread.ID{})+"objects/", "").read(t); names(r) != "clear hidden" {
		t.Errorf("%s", names(r))
	}
	// It brings objects into its source, reads nothing there, and writes nowhere else.
	a := h.wants("hospital-7", 202, post, h.at(drop)+"objects/", posted(indicator(5, "brought", v1, ""))).read(t)
	h.wants("hospital-7", 403, get, h.at(drop)+"objects/", "")
	h.wants("hospital-7", 403, get, h.at(drop)+"manifest/", "")
	h.wants("hospital-7", 403, post, h.at(h.source)+"objects/", posted(indicator(6, "x", v1, "")))
	h.wants("reader", 404, post, h.at(drop)+"objects/", posted(indicator(6, "x", v1, "")))
	h.wants("reader", 403, post, h.at(secret)+"objects/", posted(indicator(6, "x", v1, "")))
	h.wants("hospital-7", 200, get, apiRoot+"status/"+a.ID+"/", "")
	h.wants("reader", 404, get, apiRoot+"status/"+a.ID+"/", "")
	h.wants("ana", 404, get, apiRoot+"status/"+a.ID+"/", "")

	// What it brought says who brought it, and is the officer's who answers for the token.
	id, err := stix.ParseID(indicatorID(5))
	h.must(err)
	view, err := h.xa.Object(h.ctx, id)
	h.must(err)
	if title := h.titleOf(drop, view.Entries[0].Statement.ID); !strings.HasPrefix(title, "Brought by hospital-7, with the token ") {
		t.Errorf("%q", title)
	}

	// The token is good for nothing else, and goes when it is revoked.
	ctx := auth.With(t.Context(), auth.Claim{Token: auth.Typed(h.tokens["hospital-7"])})
	if _, err := h.xa.Intelligence(ctx); fault.CodeOf(err) != fault.Denied {
		t.Errorf("beside TAXII: %v", err)
	}
	if _, err := h.xa.OpenSource(ctx, intel.Source{Name: "other", Format: ""}, marking.Marking{TLP: marking.Green}, statement.By{}); fault.CodeOf(err) != fault.Denied {
		t.Errorf("beside TAXII: %v", err)
	}
	if _, err := h.xa.Tokens(ctx); fault.CodeOf(err) != fault.Denied {
		t.Errorf("beside TAXII: %v", err)
	}
	tokens, err := h.xa.Tokens(h.root())
	h.must(err)
	for _, v := range tokens {
		if strings.Contains(strings.Join(v.Scopes, " "), "partner:hospital-7") {
			h.must(h.xa.RevokeToken(h.root(), v.Name))
		}
	}
	h.wants("hospital-7", 401, get, Root, "")
	// It ends with the right of the officer who answers for it.
	h.must(h.xa.SetRoles(h.root(), "ana", []auth.Role{auth.LegalAdviser}))
	h.wants("reader", 200, get, Root, "")
	h.must(h.xa.SetDisabled(h.root(), "ana", true))
	h.wants("reader", 403, get, Root, "")
}

// titleOf is what a statement of a thread is called.
func (h *house) titleOf(in thread.ID, id statement.ID) string {
	h.t.Helper()
	_, said, err := h.xa.Thread(h.ctx, in)
	h.must(err)
	for _, v := range said {
		if v.ID == id {
			return v.Title
		}
	}
	h.t.Fatal("no such statement")
	return ""
}

// TestTokenTLP: a program's token is good for what it says.
func TestTokenTLP(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t, Options{})
	h.adds(h.source, marking.Green, indicator(1, "green", v1, marking.Green), indicator(2, "amber", v1, marking.Amber), indicator(3, "red", v1, marking.Red))
	for tlp, want := range map[marking.TLP]string{"": "amber green", marking.Green: "green", marking.Red: "amber green red"} {
		secret, err := h.xa.MakeTokenWithin(h.root(), "ana", nil, node.TokenLimits{TLP: tlp}, h.soon())
		h.must(err)
		h.tokens["own"] = secret.Reveal()
		if r := h.wants("own", http.StatusOK, get, h.at(h.source)+"objects/", "").read(t); names(r) != want {
			t.Errorf("TLP:%s sees %s", tlp, names(r))
		}
		// Where nobody holds what is given against it, a token with a TLP of its own is good for nothing.
		_, err = h.xa.FindObjects(auth.With(t.Context(), auth.Claim{Token: secret}), catalogue.Search{Value: "host1.example"})
		if (fault.CodeOf(err) == fault.Denied) != (tlp != "") {
			t.Errorf("TLP:%s at the desk: %v", tlp, err)
		}
	}
	for _, bad := range []node.TokenLimits{
		{TLP: "PINK"}, {See: []string{"sensors"}}, {Partner: "x"}, {Partner: "x", TLP: marking.Green}, {Partner: "x y", TLP: marking.Green, See: []string{"all"}}, {Party: "XB"},
		{Partner: "x", TLP: marking.Green, See: []string{"nothing"}}, {Partner: "x", TLP: marking.Green, Party: "?", See: []string{"all"}},
	} {
		if _, err := h.xa.MakeTokenWithin(h.root(), "ana", nil, bad, h.soon()); err == nil {
			t.Errorf("%+v was made", bad)
		}
	}
	if _, err := h.xa.MakeTokenWithin(h.root(), "ana", []auth.Role{auth.Analyst}, node.TokenLimits{Partner: "x", TLP: marking.Green, See: []string{"all"}}, h.soon()); err == nil {
		t.Error("a partner has a role")
	}
}
