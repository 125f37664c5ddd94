package threadtest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Suite is what a desk must pass. XA opens, to XB and XC; XD looks in from outside and may be admitted.
type Suite struct {
	Desk thread.Desk
	// Opens is a kind that opens a thread, and Open its facts, admissible from XA to XB and XC.
	Opens statement.Kind
	Open  func(t *rapid.T) any
	// Facts draws facts with which by may say kind in state s, now being the head's time. It is asked when Moves offers the kind;
	// when it does not, any facts will do. nil: by may say the kind, but nothing that it could say of it counts now.
	Facts func(t *rapid.T, s thread.State, by party.Code, kind statement.Kind, now time.Time) any
}

// Test checks the properties on random threads.
func (u Suite) Test(t *testing.T) { rapid.Check(t, u.check) }

// Fuzz lets the fuzzer choose the threads.
func (u Suite) Fuzz(f *testing.F) {
	for n := range 4 { // long enough that no draw runs out of bytes
		f.Add(bytes.Repeat([]byte{byte(n * 37), 1, 2, 0, byte(n), 0, 0, 0}, 1<<12))
	}
	f.Fuzz(rapid.MakeFuzz(u.check))
}

func (u Suite) check(t *rapid.T) {
	k := u.babble(t)
	whole := k.Fold()
	u.anyOrder(t, k, whole)
	u.oneByOne(t, k)
	u.fromAState(t, k, whole)
	u.withOneLost(t, k, whole)
	u.movesAndNothingElse(t, k, whole)
	u.movesAreTaken(t, k, whole.State)
}

// babble lets the parties talk, each from what it has seen.
func (u Suite) babble(t *rapid.T) *Talk {
	k := NewTalk(t, u.Desk)
	opener := k.Open("XA", []party.Code{"XB", "XC"}, u.Opens, u.Open(t), func(d *statement.Head) {
		if rapid.Bool().Draw(t, "agreement") {
			d.Agreement = &statement.AgreementRef{ID: statement.ID{1}, Digest: statement.Digest{2}}
		}
	})
	seen := map[party.Code]map[*statement.Head]bool{}
	all := []party.Code{"XA", "XB", "XC", "XD"}
	for _, c := range all {
		seen[c] = map[*statement.Head]bool{opener: true}
	}
	for range rapid.IntRange(0, 14).Draw(t, "heads") {
		by := rapid.SampledFrom(all).Draw(t, "by")
		for _, from := range all { // what others have seen reaches by, or does not
			if from != by && rapid.IntRange(0, 3).Draw(t, "hears") > 0 {
				for h := range seen[from] {
					seen[by][h] = true
				}
			}
		}
		var view []*statement.Head
		for _, h := range k.Heads {
			if seen[by][h] {
				view = append(view, h)
			}
		}
		k.Now = k.Now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "pause")) * time.Second)
		h := u.utter(t, k, k.Fold(view...).State, by)
		seen[by][h] = true
	}
	return k
}

// utter composes one head: mostly a move, at times anything else, at times misdirected.
func (u Suite) utter(t *rapid.T, k *Talk, s thread.State, by party.Code) *statement.Head {
	kind, facts := u.wild(t, k, s, by)
	if moves := k.Rules.Moves(s, by); len(moves) > 0 && rapid.IntRange(0, 4).Draw(t, "proper") > 0 {
		move := rapid.SampledFrom(moves).Draw(t, "move").Kind
		if f := u.Facts(t, s, by, move, k.Now); f != nil {
			kind, facts = move, f
		}
	}
	return k.compose(k.draft(s, by, kind), facts, []Edit{func(d *statement.Head) {
		switch rapid.IntRange(0, 19).Draw(t, "slip") {
		case 0:
			d.To = d.To[:len(d.To)-1]
		case 1:
			d.After = d.After[:1]
		case 2:
			d.Agreement = &statement.AgreementRef{ID: statement.ID{3}}
		case 3:
			d.To = append(slices.Clone(d.To), "XE")
		}
	}})
}

// wild draws any kind with facts that need not suit it.
func (u Suite) wild(t *rapid.T, k *Talk, s thread.State, by party.Code) (statement.Kind, any) {
	said := rapid.SampledFrom(k.Heads).Draw(t, "said")
	kinds := []statement.Kind{thread.KindRefused, thread.KindRetrieved, thread.KindRecalled, thread.KindAdmit, "other.kind"}
	for _, spec := range u.Desk.Kinds() {
		kinds = append(kinds, spec.Kind)
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	switch kind {
	case thread.KindRefused:
		return kind, thread.Refused{ID: said.ID, Clause: "DEC-1", Reason: "agreement", Articles: []string{"4"}}
	case thread.KindRetrieved:
		return kind, thread.Retrieved{IDs: []statement.ID{said.ID}}
	case thread.KindAdmit:
		return kind, thread.Admitted{Party: "XD", Heads: []statement.ID{s.Thread}}
	}
	switch rapid.IntRange(0, 2).Draw(t, "facts") {
	case 0:
		return kind, said.Facts
	case 1:
		return kind, jsontext.Value(`{}`)
	}
	if facts := u.Facts(t, s, by, kind, k.Now); facts != nil {
		return kind, facts
	}
	return kind, said.Facts
}

// anyOrder: heads in any order, some twice, give the same state, the same order and the same summary.
func (u Suite) anyOrder(t *rapid.T, k *Talk, whole thread.Folded) {
	// spec: THR-4, STM-6
	heads := rapid.Permutation(k.Heads).Draw(t, "order")
	heads = append(heads, heads[:rapid.IntRange(0, len(heads)).Draw(t, "twice")]...)
	other := k.Fold(heads...)
	same(t, "state by another order", whole.State, other.State)
	same(t, "order", whole.Placed, other.Placed)
	same(t, "summary", k.Rules.Summary(whole.State), k.Rules.Summary(other.State))
	if len(whole.Placed) != len(k.Heads) || len(other.Waiting)+len(other.Missing) != 0 {
		t.Fatalf("%d of %d heads are placed", len(whole.Placed), len(k.Heads))
	}
}

// oneByOne: where Extend can tell, it tells what Fold does, also from a state that was stored.
func (u Suite) oneByOne(t *rapid.T, k *Talk) {
	for i := 1; i < len(k.Heads); i++ {
		before, after := k.Fold(k.Heads[:i]...), k.Fold(k.Heads[:i+1]...)
		s, p, ok := k.Rules.Extend(stored(t, before.State), k.Heads[i])
		if !ok {
			continue
		}
		same(t, "state after one more", after.State, s)
		j := slices.IndexFunc(after.Placed, func(q thread.Placed) bool { return q.ID == p.ID })
		same(t, "its place", after.Placed[j], p)
		if _, _, again := k.Rules.Extend(s, k.Heads[i]); again && placed(p) {
			t.Fatalf("the same head was taken twice")
		}
	}
}

// fromAState: where Resume can tell, it tells what Fold does.
func (u Suite) fromAState(t *rapid.T, k *Talk, whole thread.Folded) {
	n := rapid.IntRange(1, len(k.Heads)).Draw(t, "stored")
	before := k.Fold(k.Heads[:n]...)
	rest := append([]*statement.Head{}, k.Heads[n:]...)
	if len(rest) > 1 {
		rest = rapid.Permutation(rest).Draw(t, "rest")
	}
	if g, ok := k.Rules.Resume(stored(t, before.State), rest); ok {
		same(t, "resumed state", whole.State, g.State)
		same(t, "resumed order", order(whole.Placed), order(append(before.Placed, g.Placed...)))
	}
}

// placed tells whether a head has a place in the thread's order.
func placed(p thread.Placed) bool {
	return p.Void != thread.NotAParticipant && p.Void != thread.WrongRecipients
}

// order is what has a place.
func order(all []thread.Placed) []thread.Placed {
	return slices.DeleteFunc(slices.Clone(all), func(p thread.Placed) bool { return !placed(p) })
}

// withOneLost: what comes after a lost head waits, and the rest folds as if it were all there is.
func (u Suite) withOneLost(t *rapid.T, k *Talk, whole thread.Folded) {
	// spec: THR-5
	if len(k.Heads) < 2 {
		return
	}
	lost := rapid.SampledFrom(k.Heads[1:]).Draw(t, "lost")
	gone := map[statement.ID]bool{lost.ID: true}
	waits := map[party.Code]bool{}                // authors of whom a head waits: what they said later waits for it
	blind := map[statement.ID]bool{lost.ID: true} // heads whose past is not all here: whether they have a place is not known
	outside := map[statement.ID]bool{}            // what has no place stands in nobody's way, and waits for nobody but its past
	for _, p := range whole.Placed {
		outside[p.ID] = !placed(p)
	}
	var kept, here []*statement.Head
	for _, h := range k.Heads {
		names := func(of map[statement.ID]bool) bool {
			return slices.ContainsFunc(h.After, func(id statement.ID) bool { return of[id] })
		}
		if names(blind) {
			blind[h.ID] = true
		}
		if h != lost && (blind[h.ID] || !outside[h.ID] && (waits[h.From] || names(gone))) {
			gone[h.ID], waits[h.From] = true, true
		}
		if h != lost {
			here = append(here, h)
		}
		if !gone[h.ID] {
			kept = append(kept, h)
		}
	}
	f := k.Fold(here...)
	same(t, "state without a lost head", k.Fold(kept...).State, f.State)
	if len(f.Waiting) != len(gone)-1 || len(f.Waiting) > 0 && !slices.Equal(f.Missing, []statement.ID{lost.ID}) {
		t.Fatalf("waiting %v, missing %v, lost %v", f.Waiting, f.Missing, lost.ID)
	}
}

// movesAndNothingElse: what counted was on offer at its place, and what is void changed nothing.
func (u Suite) movesAndNothingElse(t *rapid.T, k *Talk, whole thread.Folded) {
	// spec: THR-6
	byID := map[statement.ID]*statement.Head{}
	for _, h := range k.Heads {
		byID[h.ID] = h
	}
	var heads []*statement.Head
	var before thread.State
	for _, p := range whole.Placed {
		h := byID[p.ID]
		heads = append(heads, h)
		after := k.Fold(heads...).State
		offered := slices.ContainsFunc(k.Rules.Moves(before, h.From), func(m thread.Move) bool { return m.Kind == h.Kind })
		switch {
		case p.Void == "" && thread.Kind(h.Kind.Desk()) == u.Desk.Kind() && !h.IsOpener() && !offered:
			t.Fatalf("%s of %s counts and was not on offer", h.Kind, h.From)
		case p.Void != "" && !bytes.Equal(before.Desk, after.Desk):
			t.Fatalf("%s of %s is void (%s) and changed the state", h.Kind, h.From, p.Void)
		case p.Void != "" && (p.Clause == "" || p.Why == ""):
			t.Fatalf("%s of %s is void without a reason", h.Kind, h.From)
		}
		before = after
	}
}

// movesAreTaken: what is on offer to anybody counts when it is said next.
func (u Suite) movesAreTaken(t *rapid.T, k *Talk, s thread.State) {
	if len(s.Frontier) >= statement.MaxAfter {
		return
	}
	for _, by := range s.Participants {
		for _, m := range k.Rules.Moves(s, by) {
			if m.Label == "" || m.Means == "" {
				t.Fatalf("%s has no words", m.Kind)
			}
			facts := u.Facts(t, s, by, m.Kind, k.Now)
			if facts == nil {
				continue
			}
			next := *k
			h := next.compose(k.draft(s, by, m.Kind), facts, nil)
			if _, p, ok := k.Rules.Extend(s, h); !ok || p.Void != "" {
				t.Fatalf("%s of %s is on offer, and void: %s", m.Kind, by, p.Why)
			}
		}
	}
}

// stored is s after a stay in a store.
func stored(t *rapid.T, s thread.State) thread.State {
	raw, err := thread.MarshalState(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	s, err = thread.ParseState(raw)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func same(t *rapid.T, what string, a, b any) {
	x, errA := json.Marshal(a, json.Deterministic(true))
	y, errB := json.Marshal(b, json.Deterministic(true))
	if errA != nil || errB != nil || !bytes.Equal(x, y) {
		t.Fatalf("%s differs:\n%s\n%s\n%v %v", what, x, y, errA, errB)
	}
}
