package vectors

import (
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// item proves the head of index by the checkpoint of a size.
func (n *node) item(index, size int64, body []byte) evidence.Item {
	n.t.Helper()
	path, err := translog.Inclusion(size, index, n)
	if err != nil {
		n.t.Fatal(err)
	}
	return evidence.Item{Head: n.heads[index].Raw, Body: body, Proof: evidence.Proof{Index: index, Path: path, Checkpoint: n.checkpoint(size)}}
}

// steps lead through the sizes.
func (n *node) steps(sizes ...int64) (steps []evidence.Step) {
	n.t.Helper()
	for i := 1; i < len(sizes); i++ {
		path, err := translog.Consistency(sizes[i-1], sizes[i], n)
		if err != nil {
			n.t.Fatal(err)
		}
		steps = append(steps, evidence.Step{From: sizes[i-1], To: sizes[i], Hashes: path})
	}
	return steps
}

// story is one request of XA to XB, which arrived and which XB and XC have witnessed.
type story struct {
	xa, xb, xc       *node
	request, receipt evidence.Item
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{xa: newNode(t, "XA"), xb: newNode(t, "XB"), xc: newNode(t, "XC")}
	s.xa.chatter(5)
	body := bodyOf(t, "Please preserve the logs of 198.51.100.7.")
	s.xa.say("assist.request", object{"type": "preservation"}, to("XB"), with(body))
	s.xa.chatter(2)
	root := s.xa.tree(8).Root
	s.xb.chatter(1)
	s.xb.say("receipt.delivered", thread.Delivered{
		Origin: "XA/1", Size: 8, Root: statement.Digest(root), Heads: []thread.Range{{5, 6}}, Bodies: []thread.Range{{5, 6}}, Blobs: []thread.BlobsArrived{},
	}, to("XA"))
	s.xa.chatter(300)
	s.request = s.xa.item(5, 8, body.Raw)
	s.request.Consistency = s.xa.steps(8, 20, 308)
	s.request.Cosigned = s.xc.cosign(s.xb.cosign(s.xa.checkpoint(308), s.xa, 2*time.Minute), s.xa, 3*time.Minute)
	s.receipt = s.xb.item(1, 2, nil)
	return s
}

func bundles(t *testing.T) []vector {
	s := newStory(t)
	all := []any{inFile("letters/XA.jsonl"), inFile("letters/XB.jsonl"), inFile("letters/XC.jsonl")}
	in := func(letters []any, embedded [][]byte, items ...evidence.Item) object {
		raw, err := (&evidence.Bundle{Items: items, Letters: embedded}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return object{"bundle": string(raw), "letters": letters}
	}
	// but changes a copy of the request.
	but := func(change func(*evidence.Item)) evidence.Item {
		i := s.request
		change(&i)
		return i
	}
	withheld := but(func(i *evidence.Item) { i.Body = nil })
	plain := but(func(i *evidence.Item) { i.Consistency, i.Cosigned = nil, nil })
	one := func(clause string) object {
		return object{"ok": true, "items": []any{object{"verdict": "not proven", "clause": clause}}}
	}
	text, sigs := lines(plain.Proof.Checkpoint)
	checkpoint := func(note string) evidence.Item {
		i := plain
		i.Proof.Checkpoint = []byte(note)
		return i
	}
	tree := s.xa.tree(8)
	closed := s.xa.reopen(tree, false)
	short := s.xa.reopen(s.xa.tree(7), false)
	revoked := s.xa.reopen(s.xa.tree(308), true)
	raw := func(n *node) []any { return []any{string(n.letter.Raw)} }
	xa := []any{inFile("letters/XA.jsonl")}
	both := func(n *node) []any { return append(raw(n), xa...) }
	thief := forked(t, s.xa, 5, 8)
	other := newStory(t)
	other.xb.heads, other.xb.tiles = nil, map[[2]int64][]byte{}
	other.xb.say("receipt.delivered", thread.Delivered{Origin: "XA/1", Size: 8, Root: statement.Digest{1}, Heads: []thread.Range{{5, 6}}}, to("XA"))
	good := in(all, nil, s.request)
	return []vector{
		{"story", "a request, witnessed by two and receipted", []string{"EVD-1", "EVD-2", "EVD-3", "EVD-4", "EVD-5"}, in(all, nil, s.request, s.receipt), ok()},
		{"body-withheld", "what was asked is not shown, that it was is", []string{"EVD-7"}, in(all, nil, withheld, s.receipt), ok()},
		{"letters-embedded", "letters that came with the evidence, for their words to be compared", []string{"EVD-6"},
			in([]any{}, [][]byte{s.xa.letter.Raw, s.xb.letter.Raw, s.xc.letter.Raw}, s.request), ok()},
		{"no-witness-letter", "a cosignature counts only by a letter", []string{"EVD-4"}, in(xa, nil, s.request), ok()},
		{"steps-missing", "proven, but not witnessed: nothing leads to what was cosigned", []string{"EVD-4"},
			in(all, nil, but(func(i *evidence.Item) { i.Consistency = nil })), ok()},
		{"receipt-of-another-history", "a receipt for another tree of the same size", []string{"EVD-5"}, in(all, nil, s.request, other.xb.item(0, 1, nil)), ok()},
		{"closed-later", "a log that was closed at the proof's size", []string{"EVD-3", "LTR-7"}, in(both(closed), nil, plain), ok()},
		{"revoked-and-shown", "revoked keys, but the steps lead to the closing root", []string{"EVD-3", "LTR-7"}, in(both(revoked), nil, s.request), ok()},
		{"no-letter", "nobody said whose keys those are", []string{"LTR-8"}, in([]any{}, nil, plain), one("LTR-8")},
		{"other-body", "another text under the head", []string{"STM-3"}, in(all, nil, but(func(i *evidence.Item) { i.Body = bodyOf(t, "Please erase them.").Raw })), one("STM-3")},
		{"not-in-the-log", "a head that was never said", []string{"LOG-6"}, in(all, nil, but(func(i *evidence.Item) { i.Head, i.Body = sample(t).Raw, nil })), one("LOG-6")},
		{"wrong-author", "XB's head under XA's proof", []string{"LOG-6"}, in(all, nil, but(func(i *evidence.Item) { i.Head, i.Body = s.xb.heads[1].Raw, nil })), one("LOG-6")},
		{"one-signature", "a checkpoint with one of two", []string{"LOG-4"}, in(all, nil, checkpoint(text+sigs[0])), one("LOG-4")},
		{"wrong-signature", "one that does not verify", []string{"LOG-5"}, in(all, nil, checkpoint(text+sigs[0]+flipLine(t, sigs[1]))), one("LOG-5")},
		{"closed-short", "keys that were not revoked spoke for their party: closing short takes nothing back", []string{"LTR-7"}, in(both(short), nil, plain), ok()},
		{"revoked-short", "revoked keys, and a checkpoint beyond what stands", []string{"LTR-7"}, in(both(s.xa.reopen(s.xa.tree(7), true)), nil, plain), one("LTR-7")},
		{"forked-at-the-closing", "another root at the closing size", []string{"LTR-7"}, in(both(closed), nil, thief.item(6, 8, nil)), one("LTR-7")},
		{"revoked-and-not-shown", "who stole the keys can sign any tree", []string{"LTR-7"}, in(both(revoked), nil, plain), one("LTR-7")},
		{"contradicting-letter", "the evidence brings other keys than the user has", []string{"EVD-6"},
			in(xa, [][]byte{contradiction(t).letter.Raw}, plain), one("EVD-6")},
		{"version-2", "another form", []string{"EVD-1"}, object{"bundle": swap(t, []byte(good["bundle"].(string)), `{"v":1,"items"`, `{"v":2,"items"`), "letters": all}, no("EVD-1")},
		{"duplicate-names", "two readers would see two bundles", []string{"ENC-2"}, object{"bundle": swap(t, []byte(good["bundle"].(string)), `{"v":1,"items"`, `{"v":1,"v":1,"items"`), "letters": all}, no("ENC-2")},
		{"proof-with-extra-data", "no proof of the form", []string{"EVD-2"},
			object{"bundle": strings.Replace(good["bundle"].(string), `tlog-proof@v1\n`, `tlog-proof@v1\nextra AAAA\n`, 1), "letters": all}, no("EVD-2")},
	}
}

// contradiction is somebody with keys of his own who calls himself XA.
func contradiction(t *testing.T) *node {
	t.Helper()
	n := newNode(t, "XA")
	n.keys = makeKeys(t, "somebody else")
	d := n.draft()
	n.letter = n.sign(d, nil)
	return n
}

func receipts(t *testing.T) []vector {
	origin := "XA/1"
	// say is a receipt of XB at minute m.
	say := func(m int, facts object, edits ...edit) string {
		all := object{"origin": origin, "size": 10, "root": statement.Digest{1}}
		for name, v := range facts {
			all[name] = v
		}
		return string(compose(t, draftHead(t, "XB", m, "receipt.delivered", all, append([]edit{to("XA"), at(time.Duration(m) * time.Minute)}, edits...)...)).Raw)
	}
	type list = []any
	in := func(index int, body any, receipts ...string) object {
		o := object{"receipts": receipts, "origin": origin, "index": index}
		if body != nil {
			o["body"] = body
		}
		return o
	}
	two := object{"blobs": 2}
	never := func() object { return object{"ok": true, "arrived_at": ""} }
	arrived := func(m int) object {
		return object{"ok": true, "arrived_at": after(time.Duration(m) * time.Minute).String()}
	}
	head := say(1, object{"heads": list{list{0, 3}, list{3, 4}}})
	later := say(2, object{"bodies": list{list{3, 4}}})
	blobs := say(3, object{"blobs": list{object{"index": 3, "arrived": 1}}})
	rest := say(4, object{"blobs": list{object{"index": 3, "arrived": 2}}})
	return []vector{
		{"head", "covered by a range", []string{"RCP-1", "RCP-6"}, in(3, nil, head), arrived(1)},
		{"half-open", "a range ends before its second number", []string{"RCP-1"}, in(4, nil, head), never()},
		{"head-and-body", "by two receipts, of which the second counts", []string{"RCP-6"}, in(3, object{"blobs": 0}, later, head), arrived(2)},
		{"all-blobs", "a clock stops when everything is there", []string{"RCP-6"}, in(3, two, rest, blobs, later, head), arrived(4)},
		{"one-blob-of-two", "no receipt by then", []string{"RCP-6"}, in(3, two, blobs, later, head), never()},
		{"earliest", "of two receipts for the same the earlier counts", []string{"RCP-6"}, in(3, nil, say(5, object{"heads": list{list{0, 10}}}), head), arrived(1)},
		{"other-log", "of another log of the same party", []string{"RCP-6"}, in(3, nil, say(1, object{"origin": "XA/2", "heads": list{list{0, 10}}})), never()},
		{"ranges-fall", "one that is not as the clause says, says nothing", []string{"RCP-1"}, in(3, nil, say(1, object{"heads": list{list{3, 4}, list{0, 1}}})), never()},
		{"ranges-overlap", "nor this", []string{"RCP-1"}, in(3, nil, say(1, object{"heads": list{list{0, 4}, list{3, 5}}})), never()},
		{"beyond-the-log", "nor one about leaves that the log does not have", []string{"RCP-1"}, in(3, nil, say(1, object{"heads": list{list{0, 11}}})), never()},
		{"unknown-member", "nor one with a member that is not defined", []string{"RCP-1"}, in(3, nil, say(1, object{"heads": list{list{0, 4}}, "read": true})), never()},
	}
}
