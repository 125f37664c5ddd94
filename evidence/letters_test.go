package evidence_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// embed puts letters into the bundle.
func embed(b *evidence.Bundle, letters ...*party.Letter) *evidence.Bundle {
	out := &evidence.Bundle{Items: b.Items}
	for _, l := range letters {
		out.Letters = append(out.Letters, l.Raw)
	}
	return out
}

// spec: EVD-6
func TestEmbeddedLetters(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	r := evidence.Verify(embed(s.bundle, s.letters()...), nil)
	if !r.OK() || len(r.Items[0].Witnessed) != 2 || len(r.Letters) != 3 {
		t.Errorf("embedded alone: %+v", r)
	}
	for _, l := range r.Letters {
		if l.Source != evidence.Embedded || !l.Relied || len(l.Words) != 10 {
			t.Errorf("letter %+v", l)
		}
	}
	// One that was given as well is shown as given, once.
	r = evidence.Verify(embed(s.bundle, s.letters()...), s.letters()[:1])
	if len(r.Letters) != 3 || r.Letters[0].Source != evidence.Given || r.Letters[1].Source != evidence.Embedded {
		t.Errorf("some given: %+v", r.Letters)
	}
	r = evidence.Verify(s.bundle, nil)
	wantWhy(t, "without letters", r.Items[0], "LTR-8")
	// A letter of somebody who has no part in it is not relied on.
	xd := newNode(t, "XD")
	r = evidence.Verify(embed(s.bundle, xd.letter), s.letters())
	if !r.OK() || r.Letters[3].Relied || r.Letters[3].Code != "XD" {
		t.Errorf("a letter of another: %+v", r.Letters)
	}
	// One that is no letter takes nothing from the rest.
	b := embed(s.bundle, s.letters()...)
	b.Letters = append(b.Letters, []byte("nothing"), s.xa.letter.Line)
	r = evidence.Verify(b, nil)
	if !r.OK() || len(r.Letters) != 5 || r.Letters[3].Why == nil || r.Letters[4].Why == nil {
		t.Errorf("no letter: %+v", r.Letters)
	}
}

// spec: EVD-6, LTR-6
func TestContradictingLetters(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	// Somebody made keys of their own in XA's name, and evidence with them.
	impostor := newNode(t, "XA")
	impostor.keys = makeKeys(t, "somebody")
	impostor.letter = impostor.sign(impostor.draft(), false)
	impostor.chatter(1)
	forged := &evidence.Bundle{Items: []evidence.Item{impostor.item(0, 1, nil), s.bundle.Items[1]}}
	for name, c := range map[string]struct {
		bundle *evidence.Bundle
		given  []*party.Letter
		clause string
	}{
		"the forged letter alone":    {embed(forged, impostor.letter), s.letters()[1:], ""}, // its words tell
		"beside the given one":       {embed(forged, impostor.letter), s.letters(), "EVD-6"},
		"beside the true one":        {embed(forged, impostor.letter, s.xa.letter), s.letters()[1:], "EVD-6"},
		"true items, forged letter":  {embed(s.bundle, impostor.letter), s.letters(), "EVD-6"},
		"under the given one":        {forged, s.letters(), "LOG-4"},
		"two that the user believes": {s.bundle, append(s.letters(), impostor.letter), "EVD-6"},
	} {
		r := evidence.Verify(c.bundle, c.given)
		wantWhy(t, name, r.Items[0], c.clause)
		wantWhy(t, name+": XB's", r.Items[1], "")
		for _, l := range r.Letters {
			if l.Code == "XA" && c.clause == "EVD-6" && (l.Relied || l.Why == nil) {
				t.Errorf("%s: relied on %+v", name, l)
			}
		}
	}
	// A witness whose letters contradict each other does not count; the item stands.
	other := newNode(t, "XB")
	other.keys = makeKeys(t, "somebody")
	other.letter = other.sign(other.draft(), false)
	r := evidence.Verify(embed(s.bundle, other.letter), s.letters())
	wantWhy(t, "a contradicted witness", r.Items[0], "")
	if w := r.Items[0].Witnessed; len(w) != 1 || w[0].Party != "XC" {
		t.Errorf("witnessed %+v", w)
	}
}

// Letters that follow from the given one, or lead to it, are as good as it is.
//
// spec: EVD-6, LTR-6
func TestFollowingLetters(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	d := s.xa.letter.Follow()
	d.Names = map[string]string{"en": "Another name"}
	second := s.xa.sign(d, false)
	third := s.xa.sign(second.Follow(), false)
	rest := s.letters()[1:]
	for name, c := range map[string]struct {
		given    []*party.Letter
		embedded []*party.Letter
		clause   string
	}{
		"a later one came with it":    {s.letters(), []*party.Letter{second}, ""},
		"an earlier one came with it": {append(rest[:2:2], second), []*party.Letter{s.xa.letter}, ""},
		"all, in any order":           {rest, []*party.Letter{third, s.xa.letter, second}, ""},
		"one between is missing":      {s.letters(), []*party.Letter{third}, "EVD-6"},
	} {
		r := evidence.Verify(embed(s.bundle, c.embedded...), c.given)
		wantWhy(t, name, r.Items[0], c.clause)
	}
	// A witness's later letter with other keys: the earlier cosignature still counts.
	w := s.xb.letter.Follow()
	again := makeKeys(t, "XB again")
	w.Witness = party.WitnessKeys{Name: "XB/witness/2", PublicKeys: again.public(party.RoleWitness)}
	r := evidence.Verify(embed(s.bundle, s.xb.sign(w, true)), s.letters())
	if len(r.Items[0].Witnessed) != 2 {
		t.Errorf("witnessed %+v", r.Items[0].Witnessed)
	}
}

// spec: LTR-7
func TestClosedLog(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	proofSize, grown := s.index+3, s.xa.size()
	s.xa.chatter(50)
	late := s.xa.item(grown+10, s.xa.size(), nil)
	fork := newNode(t, "XA")
	fork.chatter(20)
	forked := fork.item(3, 20, nil)
	forkedToo := forked
	forkedToo.Cosigned = s.xb.witness(fork.checkpoint(20), fork, noon.Add(time.Hour))
	plain := s.bundle.Items[0]
	plain.Consistency, plain.Cosigned = nil, nil
	atClosing := s.xa.item(s.index, grown, s.body)
	for name, c := range map[string]struct {
		item    evidence.Item
		closing translog.Tree
		revokes bool
		clause  string
	}{
		"before the closing":                 {plain, s.xa.tree(grown), false, ""},
		"at it":                              {atClosing, s.xa.tree(grown), false, ""},
		"after it":                           {late, s.xa.tree(grown), false, ""}, // closing short takes nothing back
		"closed with another root":           {atClosing, translog.Tree{Size: grown, Root: translog.Hash{1}}, false, "LTR-7"},
		"revoked, with steps to the closing": {s.bundle.Items[0], s.xa.tree(grown), true, ""},
		"revoked, at it":                     {atClosing, s.xa.tree(grown), true, ""},
		"revoked, without steps":             {plain, s.xa.tree(grown), true, "LTR-7"},
		"revoked, after it":                  {late, s.xa.tree(grown), true, "LTR-7"},
		"stolen keys, revoked":               {forked, s.xa.tree(grown), true, "LTR-7"},
		"stolen keys, revoked, cosigned":     {forkedToo, s.xa.tree(grown), true, "LTR-7"},
	} {
		next := s.xa.reopen(c.closing, c.revokes)
		next.chatter(2)
		b := &evidence.Bundle{Items: []evidence.Item{c.item, next.item(1, 2, nil)}}
		letters := append(s.letters(), next.letter)
		r := evidence.Verify(b, letters)
		wantWhy(t, name, r.Items[0], c.clause)
		wantWhy(t, name+": the new log", r.Items[1], "")
		if r.Items[1].Origin != "XA/2" {
			t.Errorf("%s: %+v", name, r.Items[1])
		}
	}
	// A cosigned checkpoint past the closing still witnesses, unless the keys were revoked.
	next := s.xa
	for _, revokes := range []bool{true, false} {
		next = s.xa.reopen(s.xa.tree(proofSize+1), revokes)
		r := evidence.Verify(s.bundle, append(s.letters(), next.letter)).Items[0]
		if (len(r.Witnessed) == 0) != revokes {
			t.Errorf("revokes %v: got %+v", revokes, r)
		}
	}
	// An origin that no letter names.
	next.chatter(1)
	r := evidence.Verify(&evidence.Bundle{Items: []evidence.Item{next.item(0, 1, nil)}}, s.letters()).Items[0]
	wantWhy(t, "no letter names the log", r, "LTR-8")
}

// Letters are shown without what they claim being believed: a report names only what was parsed and checked.
func TestUnreadableLetter(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	raw := bytes.Replace(s.xa.letter.Raw, []byte(`"Party XA"`), []byte(`"Party XZ"`), 1)
	r := evidence.Verify(&evidence.Bundle{Letters: [][]byte{raw}}, nil)
	if len(r.Letters) != 1 || r.Letters[0].Why == nil || r.Letters[0].Code != "" || r.Letters[0].Digest != (statement.Digest{}) || r.Letters[0].Words != nil {
		t.Errorf("got %+v", r.Letters)
	}
}

// TestDatedAhead: whoever dates a statement after the checkpoint that proves it, to have it count from later, proves nothing.
func TestDatedAhead(t *testing.T) {
	t.Parallel()
	// spec: LOG-7, EVD-3
	s := newStory(t)
	s.xa.chatter(1300) // a tenth of a second each, before a checkpoint of a minute past noon
	for index, clause := range map[int64]string{1190: "", 1210: "LOG-7"} {
		r := evidence.Verify(&evidence.Bundle{Items: []evidence.Item{s.xa.item(index, s.xa.size(), nil)}}, s.letters())
		wantWhy(t, "dated ahead", r.Items[0], clause)
	}
}
