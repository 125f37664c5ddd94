package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/i18n"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// TestWords holds the languages to what the desks and the protocol can say: each kind, fact, choice, status and code has a word in each of them.
func TestWords(t *testing.T) {
	t.Parallel()
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		t.Fatal(err)
	}
	var keys, kinds []string
	add := func(group string, ids ...string) {
		for _, id := range ids {
			keys = append(keys, group+"."+id)
		}
	}
	for _, spec := range rules.Specs() {
		kinds = append(kinds, "kind."+string(spec.Kind)+".label", "kind."+string(spec.Kind)+".means")
		add("desk", spec.Kind.Desk())
		for _, f := range form.Fields(spec) {
			add("fact", f.Name)
			add("value", f.Options...)
		}
	}
	for _, s := range assist.Statuses() {
		add("status", string(s))
	}
	for _, clock := range []string{assist.ClockAcknowledge, assist.ClockAnswer, recall.ClockErase, "silence"} {
		add("owed.name", clock)
		add("owes.us", clock)
		add("owes.them", clock)
		add("others.name", clock)
	}
	for _, p := range statement.Precedences() {
		add("precedence", string(p))
	}
	for _, r := range auth.Roles() {
		add("role", string(r))
	}
	for _, l := range marking.TLPs() {
		add("tlp", strings.ToLower(strings.TrimPrefix(string(l), "AMBER+")))
	}
	for _, r := range []thread.Reason{thread.NotAParticipant, thread.WrongRecipients, thread.OmitsOwn, thread.UnknownKind, thread.NotAdmissible, thread.BadFacts, thread.OtherAgreement} {
		add("void", string(r))
	}
	for _, c := range []fault.Code{
		fault.Malformed, fault.TooLarge, fault.NotAuthentic, fault.NotAddressed, fault.Denied, fault.Inadmissible, fault.NotFound, fault.Exists, fault.Unknown, fault.Revoked, fault.Fork,
		fault.Parked, fault.Clock, fault.Behind, fault.Quota, fault.Unavailable, fault.Usage, fault.Failed, fault.Canceled, fault.Internal,
	} {
		add("fault", string(fault.Wire(c)), "means."+string(fault.Wire(c)))
	}
	slices.Sort(keys)
	for _, l := range catalog.Languages() {
		p := catalog.Printer(l, nil)
		for _, k := range slices.Compact(slices.Clone(keys)) {
			if !p.Has(k) {
				t.Errorf("%s lacks %s", l.Code(), k)
			}
		}
		if l.Code() == "en" {
			continue // the desks speak it themselves
		}
		for _, k := range kinds {
			if !p.Has(k) {
				t.Errorf("%s lacks %s", l.Code(), k)
			}
		}
		for _, k := range l.Keys() {
			if strings.HasPrefix(k, "kind.") && !slices.Contains(kinds, k) {
				t.Errorf("%s has %s, which no desk says", l.Code(), k)
			}
		}
	}
}

// TestWordsTellApart: what stands side by side (the moves of a desk, the members of a form, the choices of one) has words of its own in each language. Whoever reads two
// buttons alike presses the wrong one, and suspends a treaty to comment on it.
func TestWordsTellApart(t *testing.T) {
	t.Parallel()
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		t.Fatal(err)
	}
	side := map[string][]string{} // the ids of what stands side by side
	put := func(where, group string, ids ...string) {
		for _, id := range ids {
			side[where] = append(side[where], group+"."+id)
		}
	}
	for _, spec := range rules.Specs() {
		put("moves of "+spec.Kind.Desk(), "kind", string(spec.Kind)+".label")
		for _, f := range form.Fields(spec) {
			put("members of "+string(spec.Kind), "fact", f.Name)
			put("choices of "+string(spec.Kind)+" "+f.Name, "value", f.Options...)
		}
	}
	for _, s := range assist.Statuses() {
		put("statuses", "status", string(s))
	}
	for _, p := range statement.Precedences() {
		put("precedences", "precedence", string(p))
	}
	for _, r := range auth.Roles() {
		put("roles", "role", string(r))
	}
	for _, l := range catalog.Languages() {
		p := catalog.Printer(l, nil)
		for where, ids := range side {
			of := map[string]string{}
			for _, id := range ids {
				if !p.Has(id) {
					continue // TestWords says so
				}
				word := strings.ToLower(p.T(id))
				if other, there := of[word]; there && other != id {
					t.Errorf("%s, %s: %s and %s are both %q", l.Code(), where, other, id, word)
				}
				of[word] = id
			}
		}
	}
}
