package node

import (
	"testing"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// TestEveryKindTakesAPermission: whatever desks there are, only receipts that the node makes by itself take none.
func TestEveryKindTakesAPermission(t *testing.T) {
	t.Parallel()
	rules, err := thread.NewRules(Desks()...)
	if err != nil {
		t.Fatal(err)
	}
	special := map[statement.Kind]auth.Action{
		"instrument.sign": auth.SignAgreement, "instrument.ratify": auth.SignAgreement, "instrument.accede": auth.SignAgreement, "instrument.suspend": auth.SignAgreement,
		"instrument.resume": auth.SignAgreement, "instrument.withdraw": auth.SignAgreement, "instrument.terminate": auth.SignAgreement,
		"receipt.retrieved": auth.Open, "intel.increment": "",
	}
	desks := map[string]auth.Action{
		"assist": auth.Release, "instrument": auth.Negotiate, "thread": auth.Negotiate, "recall": auth.Recall, "credence": auth.ManageKeys, "intel": auth.Release, "receipt": "",
	}
	seen := map[statement.Kind]bool{}
	for _, s := range rules.Specs() {
		if seen[s.Kind] = true; s.Kind.Desk() == string(office.Kind) {
			continue // the node's own records: see guard
		}
		want, ok := special[s.Kind]
		if !ok {
			want, ok = desks[s.Kind.Desk()]
		}
		if got := actionOf(&statement.Head{Kind: s.Kind, To: []party.Code{"XB"}}); got != want || !ok {
			t.Errorf("%s takes %q, want %q", s.Kind, got, want)
		}
	}
	for k := range special {
		if !seen[k] {
			t.Errorf("there is no kind %s", k)
		}
	}
	for kind, want := range map[statement.Kind]auth.Action{"assist.request": auth.Draft, "credence.office": auth.ManageKeys, "receipt.recalled": ""} {
		if got := actionOf(&statement.Head{Kind: kind}); got != want {
			t.Errorf("%s to nobody takes %q, want %q", kind, got, want)
		}
	}
}

// TestAsksApproval: articles, caveats and the setting, and what never waits.
func TestAsksApproval(t *testing.T) {
	t.Parallel()
	// spec: DEC-10
	by := func(articles, caveats []string) exchange.Verdict {
		return exchange.Verdict{Verdict: agreement.Verdict{Permitted: true, Approval: true, ApprovalBy: articles}, AskedBy: caveats}
	}
	everywhere := []string{"all"}
	for _, c := range []struct {
		name    string
		kind    statement.Kind
		to      []party.Code
		verdict exchange.Verdict
		setting []string
		want    string
	}{
		{"nothing asks", "assist.grant", []party.Code{"XB"}, exchange.Verdict{}, nil, ""},
		{"an article", "assist.grant", []party.Code{"XB"}, by([]string{"7"}, nil), nil, "article 7 of the agreement"},
		{"two articles and a caveat", "assist.grant", []party.Code{"XB"}, by([]string{"7", "9"}, []string{"night"}), nil, "article 7, 9 of the agreement and the caveat night"},
		{"the setting", "assist.grant", []party.Code{"XB"}, exchange.Verdict{}, []string{"TLP:GREEN"}, "this node's setting approval (TLP:GREEN)"},
		{"an article and the setting", "assist.grant", []party.Code{"XB"}, by([]string{"7"}, nil), everywhere, "article 7 of the agreement and this node's setting approval (all)"},
		{"an admission", "thread.admit", []party.Code{"XB"}, exchange.Verdict{}, everywhere, "this node's setting approval (all)"},
		{"a receipt", "receipt.recalled", []party.Code{"XB"}, exchange.Verdict{}, everywhere, ""},
		{"a recall", "recall.request", []party.Code{"XB"}, exchange.Verdict{}, everywhere, ""},
		{"a local record", "assist.request", nil, exchange.Verdict{}, everywhere, ""},
	} {
		n := &Node{Config: config.Defaults("XA")}
		n.Config.Approval = c.setting
		h := &statement.Head{Kind: c.kind, To: c.to, Marking: marking.Marking{TLP: marking.Green}}
		if got := n.asksApproval(exchange.Proposal{Head: h, Verdict: c.verdict}); got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}
