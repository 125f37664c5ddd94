package vectors

import (
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// rules know the desks that the clauses describe whole.
func rules(t *testing.T) *thread.Rules {
	t.Helper()
	r, err := thread.NewRules(assist.Desk{}, instrument.Desk{}, recall.Desk{}, intel.Desk{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// talk is a thread as somebody saw it who was always there.
type talk struct {
	t     *testing.T
	rules *thread.Rules
	heads []*statement.Head
}

func open(t *testing.T, kind statement.Kind, facts any, edits ...edit) *talk {
	t.Helper()
	k := &talk{t: t, rules: rules(t)}
	k.heads = []*statement.Head{compose(t, draftHead(t, "XA", 0, kind, facts, edits...))}
	return k
}

// ask opens a request of XA.
func ask(t *testing.T, of ...party.Code) *talk {
	t.Helper()
	return open(t, "assist.request", object{"type": "information", "clock": object{"acknowledge": 3600, "answer": 86400}}, to(of...))
}

// say adds a head that comes after all that is there, to all participants.
func (k *talk) say(by party.Code, kind statement.Kind, facts any, edits ...edit) *statement.Head {
	k.t.Helper()
	f, err := k.rules.Fold(k.heads)
	if err != nil {
		k.t.Fatal(err)
	}
	others := slices.DeleteFunc(slices.Clone(f.State.Participants), func(c party.Code) bool { return c == by })
	standard := func(h *statement.Head) {
		h.To, h.Thread, h.After = others, k.heads[0].ID, k.rules.After(f.State, by)
		h.Agreement = k.heads[0].Agreement
	}
	h := compose(k.t, draftHead(k.t, by, len(k.heads), kind, facts, append([]edit{standard}, edits...)...))
	h.Place = statement.Place{Origin: party.MakeOrigin(by, 1), Index: int64(len(k.heads))}
	k.heads = append(k.heads, h)
	return h
}

// beside makes a head come after these alone, as if its author had not seen the rest.
func beside(heads ...*statement.Head) edit {
	return func(h *statement.Head) {
		h.After = nil
		for _, a := range heads {
			h.After = append(h.After, a.ID)
		}
	}
}

func (k *talk) input() object {
	in := object{"heads": raws(k.heads), "places": places(k.heads)}
	n := len(k.heads)
	if n < 2 {
		return in
	}
	// Some orders of arrival, and one with every head twice.
	var orders [][]int
	for shift := range n {
		var o []int
		for i := range n {
			o = append(o, (i*(n-1)+shift)%n)
		}
		orders = append(orders, o)
	}
	var twice []int
	for i := range n {
		twice = append(twice, i, n-1-i)
	}
	in["orders"] = append(orders, twice)
	return in
}

// places are the leaves of heads in their authors' logs.
func places(heads []*statement.Head) (list []object) {
	for _, h := range heads {
		origin := h.Place.Origin
		if origin == "" {
			origin = party.MakeOrigin(h.From, 1)
		}
		list = append(list, object{"origin": origin, "index": h.Place.Index})
	}
	return list
}

func raws(heads []*statement.Head) []string {
	list := []string{}
	for _, h := range heads {
		list = append(list, string(h.Raw))
	}
	return list
}

// voids are heads that count for nothing, and why.

func threads(t *testing.T) []vector {
	var v []vector
	// add tells a story; what the fold gives is written into the vector, and held against want where the story is about that.
	add := func(name, about string, clauses []string, k *talk, void map[*statement.Head]string, status map[string]string) {
		t.Helper()
		got, err := check(t, "thread", toValue(t, k.input()), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := map[string]string{}
		for h, why := range void {
			want[h.ID.String()] = why
		}
		if !slices.Equal(toValue(t, got["void"]), toValue(t, want)) {
			t.Errorf("%s: void are %v, want %v", name, got["void"], want)
		}
		if status != nil && !slices.Equal(toValue(t, got["state"]), toValue(t, status)) {
			t.Errorf("%s: the state is %v, want %v", name, got["state"], status)
		}
		v = append(v, vector{name, about, clauses, k.input(), ok()})
	}
	type stati = map[string]string

	k := ask(t, "XB", "XC")
	k.say("XB", "assist.acknowledge", object{})
	k.say("XC", "assist.refuse", object{"grounds": []string{"national-security"}})
	g := k.say("XB", "assist.grant", object{"extent": "part", "conditions": []string{"no-onward"}})
	k.say("XA", "assist.accept", object{"answer": g.ID})
	k.say("XB", "assist.grant", object{"extent": "full"})
	k.say("XB", "assist.ask-use", object{"answer": g.ID})
	k.say("XA", "assist.report-use", object{"answer": g.ID, "use": []string{"blocked"}})
	add("two-asked", "each asked party has a status of its own", []string{"AST-1", "AST-4", "AST-5", "AST-7", "THR-3", "THR-4"}, k, nil, stati{"XB": "granted", "XC": "refused"})

	k = ask(t, "XB")
	k.say("XB", "assist.acknowledge", object{})
	c := k.say("XB", "assist.clarify", object{"wanted": []string{"time-zone"}})
	k.say("XB", "assist.clarify", object{"wanted": []string{"host-names"}})
	k.say("XA", "assist.supplement", object{"for": c.ID})
	add("second-question", "a second question takes the place of the first, so an answer to the first gives nothing back", []string{"AST-4", "AST-5"}, k, nil,
		stati{"XB": "clarification-asked"})
	k.say("XA", "assist.supplement", object{})
	add("supplement", "and one to all gives back what was before", []string{"AST-4"}, k, nil, stati{"XB": "acknowledged"})

	k = ask(t, "XB")
	k.say("XB", "assist.grant", object{"extent": "part"})
	k.say("XB", "assist.postpone", object{"reason": "workload", "until": after(48 * time.Hour)})
	k.say("XB", "assist.refuse", object{"grounds": []string{"other"}})
	late := k.say("XB", "assist.grant", object{"extent": "full"})
	add("rest-refused", "a refusal after a grant in part refuses the rest and is final", []string{"AST-4", "AST-5"}, k, voids{late: "not-admissible"}, stati{"XB": "partly-granted"})

	k = ask(t, "XB")
	k.say("XB", "assist.grant", object{"extent": "full", "conditions": []string{"no-onward"}})
	p := k.say("XB", "assist.postpone", object{"reason": "workload", "until": after(48 * time.Hour)})
	q := k.say("XB", "assist.clarify", object{"wanted": []string{"host-names"}})
	k.say("XB", "assist.refuse", object{"grounds": []string{"other"}})
	add("conditions-wait", "while conditions wait there is a new grant or a refusal, and nothing else", []string{"AST-5"}, k,
		voids{p: "not-admissible", q: "not-admissible"}, stati{"XB": "refused"})

	k = ask(t, "XB", "XC")
	k.say("XC", "assist.grant", object{"extent": "full"})
	k.say("XA", "assist.withdraw", object{})
	w := k.say("XB", "assist.grant", object{"extent": "full"})
	add("withdrawn", "what was final stays", []string{"AST-4"}, k, voids{w: "not-admissible"}, stati{"XB": "withdrawn", "XC": "granted"})

	k = ask(t, "XB")
	o := k.heads[0]
	k.say("XB", "assist.grant", object{"extent": "full"}, beside(o))
	withdraw := k.say("XA", "assist.withdraw", object{}, beside(o))
	add("crossed", "XB grants while XA withdraws: neither had seen the other, and a withdrawal ranks last", []string{"THR-3", "AST-5"}, k,
		voids{withdraw: "not-admissible"}, stati{"XB": "granted"})

	k = ask(t, "XB")
	k.say("XB", "assist.grant", object{"extent": "full"})
	sly := k.say("XB", "assist.acknowledge", object{}, beside(k.heads[0]))
	add("pushed-aside", "XB says later, by its log, what ranks before its grant, and pretends not to know of that: the grant stands", []string{"THR-3", "THR-6"}, k,
		voids{sly: "omits-own-ancestor"}, stati{"XB": "granted"})

	k = ask(t, "XB")
	k.say("XB", "assist.acknowledge", object{})
	k.say("XB", "assist.grant", object{"extent": "full"})
	k.heads[1].Place.Index, k.heads[2].Place.Index = 2, 1
	add("after-a-later-leaf", "a head that comes after one which its author's log has later: neither is ever taken", []string{"THR-3"}, k, nil, stati{"XB": "open"})

	k = ask(t, "XB")
	k.say("XB", "receipt.refused", object{"id": k.heads[0].ID, "clause": "DEC-1", "reason": "denied", "articles": []string{"4"}})
	add("refused-by-rule", "XB's node refuses the request", []string{"RCP-4", "AST-4"}, k, nil, stati{"XB": "refused-by-rule"})

	k = ask(t, "XB")
	k.say("XB", "assist.grant", object{"extent": "part"})
	k.say("XB", "receipt.refused", object{"id": k.heads[0].ID, "clause": "DEC-1", "reason": "denied", "articles": []string{}})
	add("refused-by-rule-late", "a refusal by rule counts only before the first grant", []string{"AST-5"}, k, nil, stati{"XB": "partly-granted"})

	k = ask(t, "XB")
	first := k.say("XB", "assist.acknowledge", object{})
	k.say("XA", "assist.supplement", object{})
	omits := k.say("XB", "assist.grant", object{"extent": "full"}, beside(k.heads[0]))
	add("omits-own", "XB leaves out what it said before", []string{"THR-2", "THR-6", "THR-7"}, k, voids{omits: "omits-own-ancestor"}, stati{"XB": "acknowledged"})
	_ = first

	k = ask(t, "XB")
	stranger := k.say("XC", "assist.grant", object{"extent": "full"})
	wrong := k.say("XB", "assist.acknowledge", object{}, to("XC"))
	alien := k.say("XB", "assist.acknowledge", object{}, to("XA", "XC"))
	other := k.say("XB", "instrument.sign", object{"digest": statement.Digest{1}})
	unknown := k.say("XB", "assist.applaud", object{})
	second := k.say("XA", "assist.request", object{"type": "analysis"})
	under := k.say("XB", "assist.acknowledge", object{}, func(h *statement.Head) { h.Agreement = &statement.AgreementRef{ID: statement.ID{7}} })
	bad := k.say("XB", "assist.refuse", object{"grounds": []string{}})
	past := k.say("XB", "assist.postpone", object{"reason": "workload", "until": after(0)})
	more := k.say("XB", "assist.acknowledge", object{"note": "x"})
	mine := k.say("XA", "assist.grant", object{"extent": "full"})
	delivered := k.say("XB", "receipt.delivered", object{"origin": "XA/1", "size": 1, "root": statement.Digest{1}})
	add("void", "a reason of each kind", []string{"THR-6", "THR-7", "AST-6"}, k, voids{
		stranger: "not-a-participant", wrong: "wrong-recipients", alien: "wrong-recipients", other: "unknown-kind", unknown: "unknown-kind", second: "not-admissible",
		under: "other-agreement", bad: "bad-facts", past: "bad-facts", more: "bad-facts", mine: "not-admissible", delivered: "not-admissible",
	}, stati{"XB": "open"})

	k = ask(t, "XB")
	both := k.say("XC", "assist.applaud", object{}, to("XD"))
	facts := k.say("XA", "assist.grant", object{"extent": "half"})
	add("first-reason", "where several reasons apply, the first in the order of the clause", []string{"THR-6"}, k, voids{both: "not-a-participant", facts: "bad-facts"}, nil)

	k = ask(t, "XB")
	lost := k.say("XB", "assist.acknowledge", object{})
	k.say("XA", "assist.supplement", object{})
	k.say("XB", "assist.grant", object{"extent": "full"})
	k.heads = slices.DeleteFunc(k.heads, func(h *statement.Head) bool { return h == lost })
	add("unknown-ancestor", "a head whose ancestor is not here waits, and so does what comes after it", []string{"THR-5"}, k, nil, stati{"XB": "open"})

	k = ask(t, "XB")
	k.say("XB", "thread.admit", object{"party": "XC", "heads": []statement.ID{k.heads[0].ID}}, to("XA", "XC"))
	k.say("XC", "receipt.retrieved", object{"ids": []statement.ID{k.heads[0].ID}})
	looks := k.say("XC", "assist.grant", object{"extent": "full"})
	again := k.say("XA", "thread.admit", object{"party": "XC", "heads": []statement.ID{k.heads[0].ID}})
	unlisted := k.say("XA", "thread.admit", object{"party": "XD", "heads": []statement.ID{k.heads[1].ID}})
	add("admitted", "XC takes part, looks on, and is not asked", []string{"THR-8", "RCP-3"}, k,
		voids{looks: "not-admissible", again: "not-admissible", unlisted: "bad-facts"}, stati{"XB": "open"})

	k = ask(t, "XB", "XC")
	alone := k.say("XB", "assist.acknowledge", object{}, to("XA"))
	k.say("XB", "assist.acknowledge", object{})
	k.say("XC", "assist.acknowledge", object{}, beside(k.heads[0], alone))
	add("no-place", "what is not said to all has no place: its author's next head need not name it, and what names it is never taken", []string{"THR-3", "THR-6"}, k,
		voids{alone: "wrong-recipients"}, stati{"XB": "acknowledged", "XC": "open"})

	k = open(t, "assist.request", object{"type": "information"})
	add("nobody-asked", "a request asks somebody", []string{"AST-4", "THR-6"}, k, voids{k.heads[0]: "bad-facts"}, nil)
	k = open(t, "assist.grant", object{"extent": "full"}, to("XB"))
	thanks := k.say("XB", "assist.acknowledge", object{})
	add("opener-void", "a grant opens nothing, and nothing of its desk follows", []string{"THR-6"}, k,
		voids{k.heads[0]: "not-admissible", thanks: "not-admissible"}, nil)
	k = open(t, "weather.report", object{"wind": 3}, to("XB"))
	add("unknown-desk", "stored and void", []string{"STM-8", "THR-6"}, k, voids{k.heads[0]: "unknown-kind"}, nil)

	k = deposit(t)
	k.say("XB", "instrument.sign", object{"digest": statement.Digest{9}})
	k.say("XA", "instrument.sign", object{"digest": statement.Digest{9}})
	twice := k.say("XB", "instrument.sign", object{"digest": statement.Digest{9}})
	add("in-force", "from the latest of the first signatures", []string{"AGR-7", "AGR-8"}, k, voids{twice: "not-admissible"}, nil)
	k = deposit(t)
	k.say("XB", "instrument.sign", object{"digest": statement.Digest{9}})
	text := k.say("XA", "instrument.sign", object{"digest": statement.Digest{8}})
	add("other-text-signed", "a signature on another text is none", []string{"AGR-7"}, k, voids{text: "not-admissible"}, nil)
	k = open(t, "instrument.deposit", terms(9, object{"parties": []string{"XA", "XB", "XC"}}), to("XB"))
	add("party-left-out", "a deposit goes to all the other parties", []string{"AGR-7"}, k, voids{k.heads[0]: "bad-facts"}, nil)
	instruments(t, func(name, about string, clauses []string, k *talk, void voids) {
		add(name, about, clauses, k, void, nil)
	})
	return append(append(v, recalls(t)...), intelligence(t)...)
}

func deposit(t *testing.T) *talk {
	t.Helper()
	return open(t, "instrument.deposit", terms(9, nil), to("XB"))
}
