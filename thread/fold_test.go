package thread_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// tally is a desk for these tests: its state is the list of what was said, so that the order shows.
type tally struct{}

type said struct {
	Heads []statement.ID `json:"heads"`
}

const (
	kindOpen   statement.Kind = "tally.open"
	kindFirst  statement.Kind = "tally.first"
	kindNote   statement.Kind = "tally.note"
	kindLast   statement.Kind = "tally.last"
	kindBroken statement.Kind = "tally.broken"
)

func (tally) Kind() thread.Kind { return "tally" }

func (tally) Kinds() []thread.KindSpec {
	return []thread.KindSpec{
		{Kind: kindOpen, Rank: 50, Opens: true}, {Kind: kindFirst, Rank: 0}, {Kind: kindNote, Rank: 50}, {Kind: kindLast, Rank: 99},
		{Kind: kindBroken, Rank: 50},
	}
}

func (tally) Moves(thread.State, party.Code) []thread.Move { return []thread.Move{{Kind: kindNote}} }

func (tally) Apply(s thread.State, h *statement.Head) (thread.State, error) {
	if h.Kind == kindBroken {
		return s, errors.New("out of order")
	}
	v, err := thread.Load[said](s)
	if err != nil {
		return s, err
	}
	v.Heads = append(v.Heads, h.ID)
	s.Participants = []party.Code{"XZ"} // what is not the desk's to change does not change
	return thread.Save(s, v), nil
}

func (tally) Summary(thread.State) thread.Summary { return thread.Summary{Status: "counted"} }

// open begins a thread between XA, XB and XC under an agreement.
func open(t testing.TB) *threadtest.Talk {
	t.Helper()
	k := threadtest.NewTalk(t, tally{}, assist.Desk{})
	k.Open("XA", []party.Code{"XB", "XC"}, kindOpen, struct{}{}, func(d *statement.Head) {
		d.Agreement = &statement.AgreementRef{ID: statement.ID{1}, Digest: statement.Digest{2}}
	})
	return k
}

// note says something without effect on the rest.
func note(k *threadtest.Talk, by party.Code, edits ...threadtest.Edit) *statement.Head {
	return k.Say(by, kindNote, struct{}{}, edits...)
}

// TestVoid has a line for each letter of THR-6, and one for each border.
func TestVoid(t *testing.T) {
	t.Parallel()
	// spec: THR-1, THR-6, THR-7
	type head = *statement.Head
	type talk = *threadtest.Talk
	under := func(id byte) threadtest.Edit {
		return func(d *statement.Head) { d.Agreement = &statement.AgreementRef{ID: statement.ID{id}} }
	}
	tests := []struct {
		name string
		say  func(talk) head
		want thread.Reason
	}{
		{"a note", func(k talk) head { return note(k, "XB") }, ""},
		{"a: an outsider", func(k talk) head { return note(k, "XD", threadtest.To("XA", "XB", "XC")) }, thread.NotAParticipant},
		{"b: not to the opener's author", func(k talk) head { return note(k, "XB", threadtest.To("XC")) }, thread.WrongRecipients},
		{"b: not to all whom it went to", func(k talk) head { return note(k, "XB", threadtest.To("XA")) }, thread.WrongRecipients},
		{"b: the author leaves one out", func(k talk) head { return note(k, "XA", threadtest.To("XB")) }, thread.WrongRecipients},
		{"b: to an outsider as well", func(k talk) head { return note(k, "XB", threadtest.To("XA", "XC", "XD")) }, thread.WrongRecipients},
		{"c: without its own previous head", func(k talk) head {
			k.Say("XB", kindFirst, struct{}{})
			return note(k, "XB", threadtest.After(k.Heads[0]))
		}, thread.OmitsOwn},
		{"c: without the opener, by its author", func(k talk) head {
			b := note(k, "XB")
			return note(k, "XA", threadtest.After(b))
		}, thread.OmitsOwn},
		{"c: its own previous head was void", func(k talk) head {
			k.Say("XB", "tally.sing", struct{}{})
			return note(k, "XB", threadtest.After(k.Heads[0]))
		}, thread.OmitsOwn},
		{"its own previous head had no place", func(k talk) head {
			k.Say("XB", kindFirst, struct{}{}, threadtest.To("XA"))
			return note(k, "XB", threadtest.After(k.Heads[0]))
		}, ""},
		{"d: a kind that nobody knows", func(k talk) head { return k.Say("XB", "tally.sing", struct{}{}) }, thread.UnknownKind},
		{"d: a kind of another desk", func(k talk) head { return k.Say("XB", assist.KindAcknowledge, struct{}{}) }, thread.UnknownKind},
		{"d: a receipt that nobody knows", func(k talk) head { return k.Say("XB", "receipt.sung", struct{}{}) }, thread.UnknownKind},
		{"e: a receipt of delivery in a thread", func(k talk) head {
			return k.Say("XB", thread.KindDelivered, thread.Delivered{Origin: "XA/1", Size: 1, Root: statement.Digest{1}})
		}, thread.NotAdmissible},
		{"f: a receipt without ids", func(k talk) head { return k.Say("XB", thread.KindRetrieved, thread.Retrieved{}) }, thread.BadFacts},
		{"g: another agreement", func(k talk) head { return note(k, "XB", under(3)) }, thread.OtherAgreement},
		{"g: no agreement", func(k talk) head { return note(k, "XB", func(d *statement.Head) { d.Agreement = nil }) }, thread.OtherAgreement},
		{"g: the same with other heads of its making", func(k talk) head { return note(k, "XB", under(1)) }, ""},
		{"a before b", func(k talk) head { return note(k, "XD", threadtest.To("XA")) }, thread.NotAParticipant},
		{"b before c", func(k talk) head {
			k.Say("XB", kindFirst, struct{}{})
			return note(k, "XB", threadtest.After(k.Heads[0]), threadtest.To("XA"))
		}, thread.WrongRecipients},
		{"d before g", func(k talk) head { return k.Say("XB", "tally.sing", struct{}{}, under(3)) }, thread.UnknownKind},
		{"g before f", func(k talk) head { return k.Say("XB", thread.KindRetrieved, thread.Retrieved{}, under(3)) }, thread.OtherAgreement},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			h := tt.say(k)
			if got := k.Void(h); got != tt.want {
				t.Fatalf("void %q, want %q", got, tt.want)
			}
			f := k.Fold()
			if outside := tt.want == thread.NotAParticipant || tt.want == thread.WrongRecipients; slices.Contains(f.State.Frontier, h.ID) == outside || len(f.Placed) != len(k.Heads) {
				t.Fatal("a void head stays in the thread and its order, and one that not all need have in the thread alone")
			}
			if !slices.Equal(f.State.Participants, []party.Code{"XA", "XB", "XC"}) {
				t.Fatal("the desk changed what is not its own")
			}
		})
	}
}

// TestOrder: among heads that could be next the lowest rank goes first, then the lowest id; ancestors before all.
func TestOrder(t *testing.T) {
	t.Parallel()
	// spec: THR-3
	k := open(t)
	o := threadtest.After(k.Heads[0])
	last := k.Say("XB", kindLast, struct{}{}, o)
	noteC := note(k, "XC", o)
	receipt := k.Say("XA", thread.KindRetrieved, thread.Retrieved{IDs: []statement.ID{k.Heads[0].ID}}, o)
	first := k.Say("XC", kindFirst, struct{}{}, threadtest.After(noteC))
	foreign := k.Say("XA", assist.KindAcknowledge, struct{}{}, threadtest.After(k.Heads[0], receipt)) // ranked 50 here, whatever its desk says
	middle := []*statement.Head{noteC, first}
	if foreign.ID.Compare(noteC.ID) < 0 {
		middle = []*statement.Head{foreign, noteC, first}
	} else {
		middle = append(middle, foreign)
	}
	want := append([]*statement.Head{k.Heads[0], receipt}, append(middle, last)...)
	var got, ids []statement.ID
	for _, p := range k.Fold().Placed {
		got = append(got, p.ID)
	}
	for _, h := range want {
		ids = append(ids, h.ID)
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("order\n%v, want\n%v", got, ids)
	}
}

func TestTheOpenerMakesTheThread(t *testing.T) {
	t.Parallel()
	// spec: THR-6, STM-8
	tests := []struct {
		name   string
		kind   statement.Kind
		want   thread.Reason
		status string
	}{
		{"a desk that is not here", "drill.inject", thread.UnknownKind, "unknown-kind"},
		{"a verb that is not here", "tally.sing", thread.UnknownKind, "void"},
		{"a kind that opens nothing", kindNote, thread.NotAdmissible, "void"},
		{"a receipt", thread.KindRetrieved, thread.NotAdmissible, "unknown-kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := threadtest.NewTalk(t, tally{})
			opener := k.Open("XA", []party.Code{"XB"}, tt.kind, struct{}{})
			refusal := k.Say("XB", thread.KindRefused, thread.Refused{ID: opener.ID, Clause: "STM-8", Reason: "unknown-kind"})
			if k.Void(opener) != tt.want || k.Void(refusal) != "" {
				t.Fatalf("opener %q, refusal %q", k.Void(opener), k.Void(refusal))
			}
			if h := note(k, "XB"); k.Void(h) == "" {
				t.Fatal("a thread that never came to be went on")
			}
			if sum := k.Summary(); sum.Status != tt.status || !sum.Closed || k.Can("XA") != nil {
				t.Fatalf("summary %+v", sum)
			}
		})
	}
}

func TestFoldWants(t *testing.T) {
	t.Parallel()
	// spec: THR-1, THR-5
	k := open(t)
	b := note(k, "XB")
	c := note(k, "XC")
	d := note(k, "XC")
	if _, err := k.Rules.Fold([]*statement.Head{b, c}); fault.CodeOf(err) != fault.NotFound {
		t.Fatalf("without the opener: %v", err)
	}
	if _, err := k.Rules.Fold([]*statement.Head{k.Heads[0], threadtest.NewTalk(t).Open("XA", nil, kindOpen, struct{}{})}); fault.CodeOf(err) != fault.Internal {
		t.Fatalf("two threads: %v", err)
	}
	f := k.Fold(d, k.Heads[0], c)
	waiting := []statement.ID{c.ID, d.ID}
	slices.SortFunc(waiting, statement.ID.Compare)
	if len(f.Placed) != 1 || !slices.Equal(f.Waiting, waiting) || !slices.Equal(f.Missing, []statement.ID{b.ID}) {
		t.Fatalf("placed %v, waiting %v, missing %v", f.Placed, f.Waiting, f.Missing)
	}
	broken := k.Say("XA", kindBroken, struct{}{})
	if _, err := k.Rules.Fold(k.Heads); err == nil {
		t.Fatal("a desk that fails was taken for one that refuses")
	}
	if _, _, ok := k.Rules.Extend(k.Fold(k.Heads[:4]...).State, broken); ok {
		t.Fatal("a desk that fails was taken for one that refuses")
	}
}

// TestExtend: where one head more cannot be told from the state alone, it says so.
func TestExtend(t *testing.T) {
	t.Parallel()
	// spec: THR-4
	k := open(t)
	b := note(k, "XB")
	s := k.Fold().State
	next := note(k, "XC")
	beside := note(k, "XC", threadtest.After(k.Heads[0]))
	odd := note(k, "XA", func(d *statement.Head) { d.After = []statement.ID{k.Heads[0].ID, b.ID, {9}} })
	for name, tt := range map[string]struct {
		h  *statement.Head
		ok bool
	}{
		"after all of it":       {next, true},
		"beside it":             {beside, false},
		"in it already":         {b, false},
		"after what is unknown": {odd, false},
		"the opener":            {k.Heads[0], false},
	} {
		if _, _, ok := k.Rules.Extend(s, tt.h); ok != tt.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
	before, _ := thread.MarshalState(s)
	if got, _, _ := k.Rules.Extend(s, next); got.Taken != 3 {
		t.Fatalf("%+v", got)
	}
	if after, _ := thread.MarshalState(s); string(before) != string(after) {
		t.Fatal("a state was changed in place")
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	// spec: THR-2
	k := open(t)
	o := k.Heads[0]
	b := note(k, "XB")
	note(k, "XC")
	if got := k.Rules.After(k.Fold().State, "XB"); len(got) != 2 || !slices.Contains(got, b.ID) {
		t.Fatalf("XB goes on after its own and the frontier, not after %v", got)
	}
	for range 40 { // void heads widen the frontier beyond what a head can name
		note(k, "XC", threadtest.After(o))
	}
	s := k.Fold().State
	if len(s.Frontier) < 40 {
		t.Fatalf("frontier of %d", len(s.Frontier))
	}
	for _, by := range []party.Code{"XA", "XB", "XC"} {
		after := k.Rules.After(s, by)
		if len(after) != statement.MaxAfter || !slices.Contains(after, s.Last[by]) || !slices.IsSortedFunc(after, statement.ID.Compare) {
			t.Fatalf("%s: %d ids", by, len(after))
		}
		if h := note(k, by); k.Void(h) != "" {
			t.Fatalf("%s is void: %s", by, k.Void(h))
		}
	}
	if _, _, ok := k.Rules.Extend(s, k.Heads[len(k.Heads)-1]); ok {
		t.Fatal("a head that cannot name the whole frontier came after it")
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	// spec: THR-8, THR-9
	under := open(t)
	if h := under.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: []statement.ID{under.Heads[0].ID}}); under.Void(h) != thread.NotAdmissible {
		t.Errorf("somebody was let in to what is said under an agreement: %q", under.Void(h))
	}
	k := threadtest.NewTalk(t, tally{})
	k.Open("XA", []party.Code{"XB", "XC"}, kindOpen, struct{}{})
	o := []statement.ID{k.Heads[0].ID}
	early := note(k, "XD", threadtest.To("XA", "XB", "XC"))
	admit := k.Say("XB", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: o}, threadtest.To("XA", "XC", "XD"))
	unaware := note(k, "XC", threadtest.To("XA", "XB"))
	joined := note(k, "XD", threadtest.To("XA", "XB", "XC"))
	again := k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XD", Heads: o})
	bare := k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XE", Heads: []statement.ID{admit.ID}})
	guest := k.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XE", Heads: o}, threadtest.To("XB", "XC", "XF"))
	for h, want := range map[*statement.Head]thread.Reason{
		early: thread.NotAParticipant, admit: "", unaware: "", joined: "", again: thread.NotAdmissible, bare: thread.BadFacts, guest: thread.WrongRecipients,
	} {
		if got := k.Void(h); got != want {
			t.Errorf("%s of %s: void %q, want %q", h.Kind, h.From, got, want)
		}
	}
	if got := k.Fold().State.Participants; !slices.Equal(got, []party.Code{"XA", "XB", "XC", "XD"}) {
		t.Errorf("participants %v", got)
	}
	local := threadtest.NewTalk(t, tally{})
	opener := local.Open("XA", nil, kindOpen, struct{}{})
	if h := note(local, "XA"); local.Void(h) != "" {
		t.Errorf("a local record is void: %s", local.Void(h))
	}
	if h := local.Say("XA", thread.KindAdmit, thread.Admitted{Party: "XB", Heads: []statement.ID{opener.ID}}); local.Void(h) != thread.NotAdmissible {
		t.Errorf("a local record let somebody in: %q", local.Void(h))
	}
}

func TestFoldWithin(t *testing.T) {
	t.Parallel()
	// spec: LED-5
	k := open(t)
	c := note(k, "XC")
	b := note(k, "XB", threadtest.After(c)) // what came before is another's alone
	f, err := k.Rules.FoldWithin([]*statement.Head{b, c, k.Heads[0], b}, "XA", "XB")
	if err != nil || len(f.Placed) != 2 || f.Placed[1].ID != b.ID || f.Placed[1].Void != "" || len(f.Waiting)+len(f.Missing) != 0 {
		t.Fatalf("%+v %v", f, err)
	}
	if _, err := k.Rules.FoldWithin(k.Heads, "XB", "XC"); fault.CodeOf(err) != fault.NotFound {
		t.Fatalf("without the opener's author: %v", err)
	}
}

func TestAncestry(t *testing.T) {
	t.Parallel()
	// spec: DEC-2
	k := open(t)
	o := k.Heads[0]
	b := note(k, "XB", threadtest.After(o))
	c := note(k, "XC", threadtest.After(o))
	a := note(k, "XA", threadtest.After(o, b))
	for name, tt := range map[string]struct {
		at, want []*statement.Head
	}{
		"nothing":      {nil, nil},
		"the opener":   {[]*statement.Head{o}, []*statement.Head{o}},
		"one side":     {[]*statement.Head{a}, []*statement.Head{o, b, a}},
		"both sides":   {[]*statement.Head{b, c}, []*statement.Head{o, b, c}},
		"itself twice": {[]*statement.Head{b, b}, []*statement.Head{o, b}},
	} {
		var at []statement.ID
		for _, h := range tt.at {
			at = append(at, h.ID)
		}
		got := k.Rules.Ancestry(k.Heads, append(at, statement.ID{9}))
		byID := func(x, y *statement.Head) int { return x.ID.Compare(y.ID) }
		slices.SortFunc(got, byID)
		slices.SortFunc(tt.want, byID)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %d heads, want %d", name, len(got), len(tt.want))
		}
	}
}

type badDesk struct {
	tally
	name  thread.Kind
	kinds []thread.KindSpec
}

func (d badDesk) Kind() thread.Kind        { return d.name }
func (d badDesk) Kinds() []thread.KindSpec { return d.kinds }

func TestNewRules(t *testing.T) {
	t.Parallel()
	// spec: THR-3
	for name, d := range map[string]badDesk{
		"the engine's name": {name: "receipt"},
		"a kind twice":      {name: "talk", kinds: []thread.KindSpec{{Kind: "talk.open"}, {Kind: "talk.open"}}},
		"another's kind":    {name: "talk", kinds: []thread.KindSpec{{Kind: "tally.open"}}},
		"a rank too high":   {name: "talk", kinds: []thread.KindSpec{{Kind: "talk.open", Rank: 100}}},
		"a rank too low":    {name: "talk", kinds: []thread.KindSpec{{Kind: "talk.open", Rank: -1}}},
	} {
		if _, err := thread.NewRules(d); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := thread.NewRules(tally{}, tally{}); err == nil {
		t.Error("a desk twice")
	}
	r, err := thread.NewRules(assist.Desk{}, tally{})
	if err != nil {
		t.Fatal(err)
	}
	specs := r.Specs()
	if len(specs) != 11+5+5 || specs[0].Kind != assist.KindRequest || specs[20].Kind != thread.KindAdmit {
		t.Errorf("%d kinds", len(specs))
	}
	for _, want := range specs {
		if got, ok := r.Spec(want.Kind); !ok || got.Rank != want.Rank {
			t.Errorf("%s is not found", want.Kind)
		}
	}
	if _, ok := r.Desk("assist"); !ok {
		t.Error("no desk assist")
	}
	if _, ok := r.Desk("drill"); ok {
		t.Error("a desk drill")
	}
}

// TestNothingIsPushedAside: a head that a party says later, and pretends to have said in ignorance of its own earlier one, is the one that is
// void, however low its rank and id.
func TestNothingIsPushedAside(t *testing.T) {
	t.Parallel()
	// spec: THR-3, THR-6
	k := open(t)
	opener, first := k.Heads[0], k.Say("XB", kindLast, struct{}{})
	sly := k.Say("XB", thread.KindRetrieved, thread.Retrieved{IDs: []statement.ID{opener.ID}}, threadtest.After(opener))
	if k.Void(first) != "" || k.Void(sly) != thread.OmitsOwn {
		t.Fatalf("the earlier head is %q, the later one %q", k.Void(first), k.Void(sly))
	}
}
