package exchange

import (
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// TestOnward walks through ONW-1 to ONW-3: XB got something from XA, and XC too; XD is bound by the same agreement, XE is any party.
func TestOnward(t *testing.T) {
	t.Parallel()
	// spec: ONW-1, ONW-2, ONW-3
	where := []party.Code{"XB", "XB.cert", "XA", "XC", "XD", "XE", Outside}
	for _, c := range []struct {
		name    string
		m       marking.Marking
		use     agreement.Use
		to      string // which of where it may go to, as y and n
		article bool   // whether every denial names the article
	}{
		{"red", marking.Marking{TLP: marking.Red}, agreement.Use{}, "nnyynnn", false},
		{"amber, strict", marking.Marking{TLP: marking.AmberStrict}, agreement.Use{}, "yyyynnn", false},
		{"amber", marking.Marking{TLP: marking.Amber}, agreement.Use{}, "yyyynnn", false},
		{"green", marking.Marking{TLP: marking.Green}, agreement.Use{}, "yyyyyyn", false},
		{"clear", marking.Marking{TLP: marking.Clear}, agreement.Use{}, "yyyyyyy", false},
		{"clear, but no onward", marking.Marking{TLP: marking.Clear, Handling: []string{"H1", noOnward}}, agreement.Use{}, "ynyynnn", false},
		{"green, with persons", marking.Marking{TLP: marking.Green, PersonalData: marking.PersonalMinimised}, agreement.Use{}, "yyyynnn", false},
		{"green, with persons, free", marking.Marking{TLP: marking.Green, PersonalData: marking.PersonalAllowed}, agreement.Use{Onward: agreement.OnwardFree, OnwardBy: "7"}, "yyyyyyn", false},
		{"clear, to nobody", marking.Marking{TLP: marking.Clear}, agreement.Use{Onward: agreement.OnwardNone, OnwardBy: "7"}, "yyyynnn", true},
		{"clear, when asked", marking.Marking{TLP: marking.Clear}, agreement.Use{Onward: agreement.OnwardAsk, OnwardBy: "7"}, "yyyynnn", true},
		{"amber, to parties", marking.Marking{TLP: marking.Amber}, agreement.Use{Onward: agreement.OnwardParties, OnwardBy: "7"}, "yyyyynn", true},
		{"amber, strict, to parties", marking.Marking{TLP: marking.AmberStrict}, agreement.Use{Onward: agreement.OnwardParties, OnwardBy: "7"}, "yyyynnn", false},
		{"red, to parties", marking.Marking{TLP: marking.Red}, agreement.Use{Onward: agreement.OnwardParties, OnwardBy: "7"}, "nnyynnn", false},
		{"clear, to parties", marking.Marking{TLP: marking.Clear}, agreement.Use{Onward: agreement.OnwardParties, OnwardBy: "7"}, "yyyyynn", true},
		{"amber, free", marking.Marking{TLP: marking.Amber}, agreement.Use{Onward: agreement.OnwardFree, OnwardBy: "7"}, "yyyynnn", false},
	} {
		s := source{head: &statement.Head{From: "XA", To: []party.Code{"XB", "XC"}, Marking: c.m}, use: c.use, binds: func(p party.Code) bool { return slices.Contains([]party.Code{"XA", "XB", "XC", "XD"}, p) }}
		got := ""
		for _, to := range where {
			p := s.onward("XB", to, false)
			got += map[bool]string{true: "y", false: "n"}[p.Permitted]
			if p.Permitted {
				if p.Denied() != nil || p.Ask != "" {
					t.Errorf("%s: permitted, and %+v", c.name, p)
				}
				continue
			}
			err := p.Denied()
			if fault.CodeOf(err) != fault.Denied || p.Ask != "XA" || !strings.HasSuffix(p.Reason, "; ask XA") || c.article && p.Article != "7" {
				t.Errorf("%s to %q: %v, %+v", c.name, to, err, p)
			}
		}
		if got != c.to {
			t.Errorf("%s: %s, want %s", c.name, got, c.to)
		}
		if own := s.onward("XA", Outside, false); !own.Permitted {
			t.Errorf("%s: the author's own: %+v", c.name, own)
		}
	}
}

// What a party has only gathered goes no further than what it got would, and nobody is told to ask the party itself.
func TestGatheredOnward(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-1, ONW-2
	where := []party.Code{"XA", "XA.cert", "XB", Outside}
	for _, c := range []struct {
		m  marking.Marking
		to string
	}{
		{marking.Marking{TLP: marking.Red}, "ynnn"},
		{marking.Marking{TLP: marking.AmberStrict}, "yynn"},
		{marking.Marking{TLP: marking.Amber}, "yynn"},
		{marking.Marking{TLP: marking.Green}, "yyyn"},
		{marking.Marking{TLP: marking.Clear}, "yyyy"},
		{marking.Marking{TLP: marking.Clear, Handling: []string{noOnward}}, "ynnn"},
		{marking.Marking{TLP: marking.Clear, PersonalData: marking.PersonalMinimised}, "yynn"},
	} {
		h := &statement.Head{From: "XA", Kind: "intel.import", Marking: c.m}
		gathered, own := source{head: h, gathered: true}, source{head: h}
		got := ""
		for _, to := range where {
			p := gathered.onward("XA", to, false)
			got += map[bool]string{true: "y", false: "n"}[p.Permitted]
			if !p.Permitted && (p.Ask != "" || p.Clause != "ONW-2" || !strings.HasSuffix(p.Reason, "XA has only gathered it")) {
				t.Errorf("%+v to %q: %+v", c.m, to, p)
			}
			if p := own.onward("XA", to, false); !p.Permitted {
				t.Errorf("%+v to %q: what XA has said itself: %+v", c.m, to, p)
			}
		}
		if got != c.to {
			t.Errorf("%+v: %s, want %s", c.m, got, c.to)
		}
	}
}

func TestProceedings(t *testing.T) {
	t.Parallel()
	// spec: ONW-3
	for _, c := range []struct {
		m    marking.Marking
		use  agreement.Use
		want bool
	}{
		{marking.Marking{TLP: marking.Amber}, agreement.Use{Proceedings: agreement.ProceedingsYes, ProceedingsBy: "9"}, true},
		{marking.Marking{TLP: marking.Clear}, agreement.Use{Proceedings: agreement.ProceedingsNo, ProceedingsBy: "9"}, false},
		{marking.Marking{TLP: marking.Clear}, agreement.Use{Proceedings: agreement.ProceedingsPermission, ProceedingsBy: "9"}, false},
		{marking.Marking{TLP: marking.Red}, agreement.Use{Proceedings: agreement.ProceedingsYes, ProceedingsBy: "9"}, false},
		{marking.Marking{TLP: marking.Clear, Handling: []string{noOnward}}, agreement.Use{Proceedings: agreement.ProceedingsYes, ProceedingsBy: "9"}, false},
		{marking.Marking{TLP: marking.Amber}, agreement.Use{}, false},
		{marking.Marking{TLP: marking.Clear}, agreement.Use{}, true},
	} {
		s := source{head: &statement.Head{From: "XA", To: []party.Code{"XB"}, Marking: c.m}, use: c.use}
		if p := s.onward("XB", Outside, true); p.Permitted != c.want {
			t.Errorf("%+v %+v: %+v", c.m, c.use, p)
		}
	}
}

// Between whoever has made a reservation to an article and the others, what the article lets be done is asked for; what it forbids stays.
func TestReservedUse(t *testing.T) {
	t.Parallel()
	// spec: AGR-10, ONW-2, ONW-3
	digest := statement.Digest{1}
	h := &statement.Head{From: "XA.cert", To: []party.Code{"XB"}, Agreement: &statement.AgreementRef{Digest: digest}}
	free := agreement.Use{Onward: agreement.OnwardFree, OnwardBy: "7", Proceedings: agreement.ProceedingsYes, ProceedingsBy: "8"}
	asked := agreement.Use{Onward: agreement.OnwardAsk, OnwardBy: "7", Proceedings: agreement.ProceedingsPermission, ProceedingsBy: "8"}
	strict := agreement.Use{Onward: agreement.OnwardNone, OnwardBy: "7", Proceedings: agreement.ProceedingsNo, ProceedingsBy: "8"}
	for name, c := range map[string]struct {
		reserved  map[party.Code][]string
		use, want agreement.Use
	}{
		"nobody":                  {nil, free, free},
		"its author":              {map[party.Code][]string{"XA": {"7", "8"}}, free, asked},
		"whoever got it":          {map[party.Code][]string{"XB": {"7", "8"}}, free, asked},
		"somebody else":           {map[party.Code][]string{"XC": {"7", "8"}}, free, free},
		"another article":         {map[party.Code][]string{"XA": {"1"}}, free, free},
		"an article that forbids": {map[party.Code][]string{"XA": {"7", "8"}}, strict, strict},
	} {
		m := &agreement.Standing{Versions: []agreement.Version{{Terms: agreement.Terms{Digest: digest, Parties: []party.Code{"XA", "XB", "XC"}}, Reserved: c.reserved}}}
		if got := unreserved(c.use, m, h, "XB"); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
