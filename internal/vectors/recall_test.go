package vectors

import (
	"testing"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// voids are the heads of a thread that change nothing, with the reasons.
type voids = map[*statement.Head]string

// vector is the thread as a success, once its void heads are those expected.
func (k *talk) vector(name, about string, clauses []string, void voids) vector {
	k.t.Helper()
	got, err := check(k.t, "thread", toValue(k.t, k.input()), nil)
	if err != nil {
		k.t.Fatalf("%s: %v", name, err)
	}
	want := map[string]string{}
	for h, why := range void {
		want[h.ID.String()] = why
	}
	if string(toValue(k.t, got["void"])) != string(toValue(k.t, want)) {
		k.t.Errorf("%s: void are %v, want %v", name, got["void"], want)
	}
	return vector{name, about, clauses, k.input(), ok()}
}

// recalls are threads of the desk recall.
func recalls(t *testing.T) []vector {
	t.Helper()
	one, two := statement.ID{1}, statement.ID{2}
	begin := func() *talk {
		return open(t, "recall.ask", object{"of": []statement.ID{one, two}, "reason": "wrong-recipient", "within": 86400}, to("XB", "XC"))
	}
	erased := func(k *talk, by string, ids ...statement.ID) *statement.Head {
		return k.say(party.Code(by), "receipt.recalled", object{"ids": ids, "erased": true})
	}
	var v []vector
	add := func(name, about string, clauses []string, k *talk, void voids) {
		t.Helper()
		v = append(v, k.vector(name, about, clauses, void))
	}

	k := begin()
	erased(k, "XB", one, statement.ID{3})
	k.say("XB", "recall.keep", object{"ids": []statement.ID{two}, "ground": "legal-duty"})
	erased(k, "XC", two, one)
	add("recall-answered", "each party answers for itself; what a receipt names beyond the recall counts for nothing", []string{"RCL-1", "RCL-3", "RCL-4"}, k, nil)
	late := k.say("XB", "recall.keep", object{"ids": []statement.ID{one}, "ground": "proceedings"})
	twice := k.say("XB", "recall.keep", object{"ids": []statement.ID{two}, "ground": "proceedings"})
	own := k.say("XA", "recall.keep", object{"ids": []statement.ID{one}, "ground": "other"})
	erased(k, "XA", one)
	erased(k, "XB", two)
	add("recall-erased-in-the-end", "what was answered for is not kept anew, but is erased any time; who recalls is not asked", []string{"RCL-3", "RCL-4"}, k,
		voids{late: "not-admissible", twice: "not-admissible", own: "not-admissible"})

	k = begin()
	keep := k.say("XB", "recall.keep", object{"ids": []statement.ID{one}, "ground": "in-use"}, beside(k.heads[0]))
	k.say("XB", "receipt.recalled", object{"ids": []statement.ID{one}, "erased": true}, beside(k.heads[0], keep))
	add("recall-crossed", "XB keeps first and erases then, by its own log", []string{"RCL-4", "THR-3"}, k, nil)

	k = begin()
	bad := k.say("XB", "recall.keep", object{"ids": []statement.ID{one}, "ground": "curiosity"})
	none := k.say("XB", "recall.keep", object{"ids": []statement.ID{}, "ground": "other"})
	half := k.say("XB", "receipt.recalled", object{"ids": []statement.ID{one}, "erased": false})
	add("recall-bad-facts", "a ground that is not listed, nothing that is kept, a receipt that nothing was erased", []string{"RCL-3", "RCP-5"}, k,
		voids{bad: "bad-facts", none: "bad-facts", half: "bad-facts"})
	for _, c := range []struct {
		name  string
		facts object
	}{
		{"recall-of-nothing", object{"of": []statement.ID{}, "reason": "incorrect"}},
		{"recall-no-reason", object{"of": []statement.ID{one}, "reason": "embarrassing"}},
		{"recall-within-a-year", object{"of": []statement.ID{one}, "reason": "incorrect", "within": 31_536_001}},
	} {
		k := open(t, "recall.ask", c.facts, to("XB"))
		add(c.name, "an opener that is void", []string{"RCL-2"}, k, voids{k.heads[0]: "bad-facts"})
	}
	return v
}
