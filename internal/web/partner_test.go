package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

// TestPartnerToken: an administrator makes a token for somebody outside on the page, within the limits that the command line has; it is shown once, is good for what it names and nothing else, and is revoked there.
func TestPartnerToken(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	d := newDesk(t)
	source, err := d.xa.OpenSource(d.as("writer"), intel.Source{Name: "hospitals", Format: "stix"}, marking.Marking{TLP: marking.Green}, d.xa.By("", ""))
	d.must(err)
	d.has("the form", d.page("root", "/officers"), "A token for a partner who has no node", `action="/officers/writer/partner"`)
	whole := url.Values{"partner": {"hospital-7"}, "party": {"XC"}, "tlp": {"GREEN"}, "see": {"hospitals"}, "write": {source.String()[:12]}, "days": {"30"}}
	with := func(changed url.Values) url.Values {
		out := url.Values{}
		for k, v := range whole {
			out[k] = v
		}
		for k, v := range changed {
			out[k] = v
		}
		return out
	}
	const evil = `"><script>alert(1)</script>`
	for name, c := range map[string]struct {
		values url.Values
		code   int
		says   string
	}{
		"nobody":               {url.Values{"partner": {" "}}, http.StatusBadRequest, "say who outside"},
		"no name":              {url.Values{"partner": {evil}}, http.StatusBadRequest, "a partner is named by"},
		"no label":             {url.Values{"tlp": {""}}, http.StatusBadRequest, "up to which TLP"},
		"a label of its own":   {url.Values{"tlp": {"PINK"}}, http.StatusBadRequest, "AMBER+STRICT"},
		"all, and some":        {url.Values{"all": {"yes"}}, http.StatusBadRequest, "sees all, or at most"},
		"nothing":              {url.Values{"see": {""}, "write": {""}}, http.StatusBadRequest, "sees or writes something"},
		"what is not there":    {url.Values{"see": {"nowhere" + evil}}, http.StatusBadRequest, "no collection of the name"},
		"no source of our own": {url.Values{"write": {"nowhere"}}, http.StatusBadRequest, "no collection of the name"},
		"no party":             {url.Values{"party": {"x y"}}, http.StatusBadRequest, ""},
		"for ever":             {url.Values{"days": {"4000"}}, http.StatusBadRequest, "within a year"},
		"no days":              {url.Values{"days": {"soon"}}, http.StatusBadRequest, "a number of days"},
	} {
		a := d.post("root", "/officers/writer/partner", with(c.values))
		if a.Code != c.code || !strings.Contains(strings.ToLower(said(a.body)), strings.ToLower(c.says)) {
			t.Errorf("%s: %d %s", name, a.Code, said(a.body))
		}
		d.lacks(name, a.body, "<script>alert", "comity_token_", "⟦")
		if partner := with(c.values).Get("partner"); partner == "hospital-7" { // what was filled in stands there again, where it was
			d.has(name, a.body, `value="hospital-7"`, `<details open>`)
		}
	}
	for _, who := range []string{"duty", "release", "audit", "writer"} {
		if a := d.post(who, "/officers/writer/partner", whole); a.Code != http.StatusForbidden {
			t.Errorf("%s makes one: %d", who, a.Code)
		}
		d.lacks(who, d.page(who, "/officers"), "/partner\"")
	}
	if a := d.post("root", "/officers/nobody/partner", whole); a.Code != http.StatusNotFound {
		t.Errorf("for nobody: %d", a.Code)
	}

	a := d.post("root", "/officers/writer/partner", whole)
	secret := regexp.MustCompile(`comity_token_[0-9A-Za-z_-]+`).FindString(a.body)
	if a.Code != http.StatusOK || secret == "" || a.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %s", a.Code, said(a.body))
	}
	d.has("made", a.body, "Token for the partner hospital-7", "never again")
	for _, language := range []string{"en", "ru", "ar"} {
		list := d.page("root", "/officers", "Cookie", "comity-language="+language)
		d.lacks("shown again, in "+language, list, secret, "⟦")
		d.has("listed in "+language, list, "hospital-7", "TLP:GREEN", source.String()[:8], "XC")
	}
	ctx := auth.With(d.Context(), auth.Claim{Token: auth.Typed(secret)})
	actor, mayNot, err := d.xa.Fetcher(ctx)
	if d.must(err); mayNot != nil || actor.Limits.Partner != "hospital-7" || actor.Limits.Party != "XC" || actor.Limits.Max != marking.Green || !actor.Limits.Writes(source) || !actor.Limits.Sees(source) {
		t.Errorf("%+v, %v", actor, mayNot)
	}
	if _, err := d.xa.Officers(ctx); fault.CodeOf(err) != fault.Denied {
		t.Errorf("the token is good for more than it names: %v", err)
	}
	if _, err := d.xa.Threads(ctx, node.Filter{}); fault.CodeOf(err) != fault.Denied {
		t.Errorf("a partner reads threads: %v", err)
	}
	d.sends("root", "/officers/tokens/"+actor.Token+"/revoke", nil)
	if _, _, err := d.xa.Fetcher(ctx); fault.CodeOf(err) != fault.Denied {
		t.Errorf("it was revoked: %v", err)
	}
	d.has("revoked", d.page("root", "/officers"), "revoked")
}
