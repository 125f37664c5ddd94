package thread_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// crowd are n parties that take part.
func crowd(n int) (codes []party.Code) {
	for i := range n {
		codes = append(codes, party.Code(fmt.Sprintf("XA%02d", i)))
	}
	return codes
}

// A head that goes to a party that was let in comes after what let it in, however many have spoken at once.
func TestWideFrontier(t *testing.T) {
	t.Parallel()
	// spec: THR-2, THR-6
	for seat := range 30 { // whichever id the head that knew has
		k := threadtest.NewTalk(t, tally{})
		all := crowd(30)
		opener := k.Open("XA", all, kindOpen, struct{}{})
		admit := k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XZ", Heads: []statement.ID{opener.ID}}, threadtest.To(append(slices.Clone(all), "XZ")...))
		for i, code := range all {
			edits := []threadtest.Edit{threadtest.After(opener), threadtest.To(append(without(all, code), "XA")...)}
			if i == seat {
				edits = []threadtest.Edit{threadtest.After(admit)}
			}
			note(k, code, edits...)
		}
		s := k.Fold().State
		if len(s.Frontier) != 30 || !k.Rules.Wide(s) {
			t.Fatalf("the frontier has %d heads", len(s.Frontier))
		}
		var after []*statement.Head
		for _, id := range k.Rules.AfterOf(s, k.Heads, "XA") {
			after = append(after, k.Heads[slices.IndexFunc(k.Heads, func(h *statement.Head) bool { return h.ID == id })])
		}
		if len(after) != statement.MaxAfter || !slices.Contains(after, admit) {
			t.Fatalf("it names %d, its author's own among them: %v", len(after), slices.Contains(after, admit))
		}
		other := all[(seat+1)%30]
		after = after[:0]
		for _, id := range k.Rules.AfterOf(s, k.Heads, other) {
			after = append(after, k.Heads[slices.IndexFunc(k.Heads, func(h *statement.Head) bool { return h.ID == id })])
		}
		if why := k.Void(note(k, other, threadtest.After(after...))); why != "" {
			t.Fatalf("seat %d: it goes to all who take part, and is void: %s", seat, why)
		}
	}
}

// Of a great many admissions that a head knew, the 256 with the lowest ids count, on every node alike.
func TestManyAdmissions(t *testing.T) {
	t.Parallel()
	// spec: THR-8
	k := threadtest.NewTalk(t, tally{})
	opener := k.Open("XA", []party.Code{"XB"}, kindOpen, struct{}{})
	var admits []*statement.Head
	for i := range 300 {
		code := party.Code(fmt.Sprintf("XC%03d", i))
		h := k.Say("XA", thread.KindAdmit, thread.Admitted{Party: code, Heads: []statement.ID{opener.ID}}, threadtest.To("XB", code), func(d *statement.Head) {
			d.After = []statement.ID{opener.ID}
			if len(admits) > 0 {
				d.After = []statement.ID{admits[len(admits)-1].ID}
			}
		})
		admits = append(admits, h)
	}
	lowest := slices.Clone(admits)
	slices.SortFunc(lowest, func(a, b *statement.Head) int { return a.ID.Compare(b.ID) })
	letIn := func(h *statement.Head) party.Code {
		f, err := thread.Facts[thread.Admitted](h)
		if err != nil {
			t.Fatal(err)
		}
		return f.Party
	}
	in := k.Say(letIn(lowest[0]), kindNote, struct{}{}, threadtest.To("XA", "XB"), threadtest.After(admits[299]))
	out := k.Say(letIn(lowest[299]), kindNote, struct{}{}, threadtest.To("XA", "XB"), threadtest.After(admits[299]))
	if k.Void(in) != "" || k.Void(out) != thread.NotAParticipant {
		t.Errorf("the lowest: %q, the highest: %q", k.Void(in), k.Void(out))
	}
	if _, _, ok := k.Rules.Extend(k.Fold(k.Heads[:301]...).State, in); ok {
		t.Error("a state does not keep enough to tell")
	}
}

func without(codes []party.Code, code party.Code) []party.Code {
	return slices.DeleteFunc(slices.Clone(codes), func(c party.Code) bool { return c == code })
}
