package vectors

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// grown is XA with a log of some hundred heads.
func grown(t *testing.T, size int) *node {
	t.Helper()
	n := newNode(t, "XA")
	n.say("assist.request", object{"type": "information"}, to("XB"))
	n.chatter(size - 1)
	return n
}

// lines are a note's text and its signature lines.
func lines(note []byte) (text string, sigs []string) {
	text, rest, _ := strings.Cut(string(note), "\n\n")
	return text + "\n\n", strings.SplitAfter(strings.TrimSuffix(rest, "\n")+"\n", "\n")[:strings.Count(rest, "\n")]
}

// flipLine changes the last byte of what a signature line holds.
func flipLine(t *testing.T, line string) string {
	t.Helper()
	part := strings.Split(strings.TrimSuffix(line, "\n"), " ")
	raw, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	part[2] = base64.StdEncoding.EncodeToString(raw)
	return strings.Join(part, " ") + "\n"
}

func checkpoints(t *testing.T) []vector {
	xa, xb := grown(t, 300), newNode(t, "XB")
	note := xa.checkpoint(300)
	text, sigs := lines(note)
	in := func(s string) object { return object{"note": s, "letter": inFile("letters/XA.jsonl")} }
	empty := xa.signTree(translog.Tree{Origin: xa.origin, Root: translog.EmptyRoot()}, 0)
	late := xa.signTree(xa.tree(300), 2*time.Minute)
	_, lateSigs := lines(late)
	ahead := in(string(note))
	ahead["now"] = after(time.Minute - 301*time.Second).String()
	near := in(string(note))
	near["now"] = after(time.Minute - 300*time.Second).String()
	stranger := xb.signTree(translog.Tree{Origin: xa.origin, Size: 300, Root: xa.tree(300).Root}, time.Minute)
	return []vector{
		{"both-signatures", "300 leaves", []string{"LOG-3", "LOG-4", "LOG-5"}, in(string(note)), ok()},
		{"empty-tree", "the root is the digest of nothing", []string{"LOG-3"}, in(string(empty)), ok()},
		{"cosigned", "lines by keys that are not the log's are ignored", []string{"LOG-5", "LOG-11"}, in(string(xb.cosign(note, xa, time.Minute))), ok()},
		{"two-times", "of two signatures by one key the earliest counts", []string{"LOG-5"}, in(text + sigs[0] + lateSigs[1] + sigs[1]), ok()},
		{"300-seconds-ahead", "a clock may be that wrong", []string{"LOG-10"}, near, ok()},
		{"301-seconds-ahead", "one of two clocks is wrong: parked, nothing is lost", []string{"LOG-10"}, ahead, no("LOG-10")},
		{"ed25519-missing", "one of two is none", []string{"LOG-4"}, in(text + sigs[1]), no("LOG-4")},
		{"mldsa44-missing", "one of two is none", []string{"LOG-4"}, in(text + sigs[0]), no("LOG-4")},
		{"ed25519-wrong", "a line by the log's key that does not verify", []string{"LOG-5"}, in(text + flipLine(t, sigs[0]) + sigs[1]), no("LOG-5")},
		{"mldsa44-wrong", "a line by the log's key that does not verify", []string{"LOG-5"}, in(text + sigs[0] + flipLine(t, sigs[1])), no("LOG-5")},
		{"third-line-wrong", "beside two that do", []string{"LOG-5"}, in(text + sigs[0] + sigs[1] + flipLine(t, lateSigs[1])), no("LOG-5")},
		{"other-keys", "signed by XB's keys under XA's name: unknown lines", []string{"LOG-4", "LOG-5"}, in(string(stranger)), no("LOG-4")},
		{"other-origin", "XB's own checkpoint under XA's letter", []string{"LOG-4"}, in(string(xb.signTree(translog.Tree{Origin: xb.origin, Root: translog.EmptyRoot()}, 0))), no("LOG-4")},
		{"other-size", "the text was changed after signing", []string{"LOG-5"}, in(strings.Replace(string(note), "\n300\n", "\n301\n", 1)), no("LOG-5")},
		{"extension-line", "there are none", []string{"LOG-3"}, in(strings.Replace(string(note), "\n\n", "\nmore\n\n", 1)), no("LOG-3")},
		{"empty-tree-with-root", "the empty tree has one root", []string{"LOG-3"}, in(strings.Replace(string(note), "\n300\n", "\n0\n", 1)), no("LOG-3")},
		{"size-with-zero", "one spelling of a number", []string{"LOG-3"}, in(strings.Replace(string(note), "\n300\n", "\n0300\n", 1)), no("LOG-3")},
	}
}

func cosignatures(t *testing.T) []vector {
	xa, xb := grown(t, 300), newNode(t, "XB")
	note := xa.checkpoint(300)
	text, own := lines(note)
	in := func(s string) object { return object{"note": s, "letter": inFile("letters/XB.jsonl")} }
	_, two := lines(xb.cosign(note, xa, 2*time.Minute))
	_, three := lines(xb.cosign(note, xa, 3*time.Minute))
	front := text + own[0] + own[1]
	return []vector{
		{"both", "XB saw this tree two minutes after noon", []string{"LOG-11"}, in(front + two[2] + two[3]), ok()},
		{"twice", "the earlier one counts", []string{"LOG-11", "LOG-5"}, in(front + three[2] + three[3] + two[2] + two[3]), ok()},
		{"beside-a-wrong-line", "anybody can hang lines on a note", []string{"LOG-5", "LOG-11"}, in(front + flipLine(t, three[2]) + two[2] + two[3]), ok()},
		{"ed25519-missing", "one of two is none", []string{"LOG-11"}, in(front + two[3]), no("LOG-11")},
		{"mldsa44-missing", "one of two is none", []string{"LOG-11"}, in(front + two[2]), no("LOG-11")},
		{"two-times", "each by another time", []string{"LOG-11"}, in(front + two[2] + three[3]), no("LOG-11")},
		{"wrong", "a signature that does not verify", []string{"LOG-11"}, in(front + two[2] + flipLine(t, two[3])), no("LOG-11")},
		{"other-tree", "lines that were made for another text", []string{"LOG-11"}, in(strings.Replace(front, "\n300\n", "\n299\n", 1) + two[2] + two[3]), no("LOG-11")},
		{"none", "the log's lines alone", []string{"LOG-11"}, in(front), no("LOG-11")},
	}
}

func tiles(t *testing.T) []vector {
	xa := grown(t, 700)
	root := xa.tree(700).Root
	line := func(n int64) []byte {
		p, err := translog.ProveTile(700, n, xa)
		if err != nil {
			t.Fatal(err)
		}
		return p.MarshalLine()
	}
	in := func(line string, ids ...statement.ID) object {
		list := []string{}
		for _, id := range ids {
			list = append(list, id.String())
		}
		return object{"line": line, "size": 700, "root": hex.EncodeToString(root[:]), "ids": list}
	}
	id := func(i int) statement.ID { return xa.heads[i].ID }
	first := string(line(0))
	return []vector{
		{"whole", "leaves 0 to 255", []string{"PKT-5", "PKT-6", "LOG-1"}, in(first, id(0), id(255)), ok()},
		{"middle", "leaves 256 to 511", []string{"PKT-5", "PKT-6"}, in(string(line(1)), id(300)), ok()},
		{"last", "leaves 512 to 699, a narrower tile", []string{"PKT-5", "PKT-6"}, in(string(line(2)), id(699)), ok()},
		{"never-said", "a head that stands in no tile: not in the log", []string{"PKT-6"}, in(first, sample(t).ID), no("PKT-6")},
		{"other-tile", "a head of another tile", []string{"PKT-6"}, in(first, id(300)), no("PKT-6")},
		{"wrong-number", "the hashes of tile 0 as tile 1", []string{"PKT-5"}, in(swap(t, []byte(first), `"n":0`, `"n":1`), id(0)), no("PKT-5")},
		{"outside", "the tree has no tile 3", []string{"PKT-5"}, in(swap(t, []byte(first), `"n":0`, `"n":3`)), no("PKT-5")},
		{"path-short", "a path without its last hash", []string{"PKT-5"}, in(cutPath(t, first)), no("PKT-5")},
		{"not-compact", "white space", []string{"ENC-1"}, in(swap(t, []byte(first), `"n":0`, `"n": 0`)), no("ENC-1")},
		{"unknown-member", "one that is not defined", []string{"PKT-5"}, in(swap(t, []byte(first), `"n":0`, `"n":0,"m":0`)), no("PKT-5")},
	}
}

func cutPath(t *testing.T, line string) string {
	t.Helper()
	i := strings.LastIndex(line, `,"`)
	return line[:i] + line[strings.Index(line[i:], "]")+i:]
}

func inclusions(t *testing.T) []vector {
	xa := grown(t, 300)
	var v []vector
	in := func(index, size int64) object {
		path, err := translog.Inclusion(size, index, xa)
		if err != nil {
			t.Fatal(err)
		}
		hashes := []string{}
		for _, h := range path {
			hashes = append(hashes, hex.EncodeToString(h[:]))
		}
		root := xa.tree(size).Root
		return object{"id": xa.heads[index].ID.String(), "index": index, "size": size, "root": hex.EncodeToString(root[:]), "path": hashes}
	}
	for _, c := range []struct {
		name        string
		index, size int64
	}{{"only-leaf", 0, 1}, {"first", 0, 300}, {"last", 299, 300}, {"seventh-of-seven", 6, 7}} {
		v = append(v, vector{c.name, "the path of a leaf to the root", []string{"LOG-1", "LOG-6"}, in(c.index, c.size), ok()})
	}
	moved := in(6, 7)
	moved["index"] = 5
	other := in(5, 7)
	other["id"] = xa.heads[6].ID.String()
	past := in(6, 7)
	past["index"] = 7
	return append(v,
		vector{"other-index", "the path belongs to its index", []string{"LOG-6"}, moved, no("LOG-6")},
		vector{"other-leaf", "a head that is not in the log there", []string{"LOG-6"}, other, no("LOG-6")},
		vector{"outside", "the tree has no such leaf", []string{"LOG-1"}, past, no("LOG-1")},
	)
}

// forked is a log that agrees with xa on the first shared leaves and goes on otherwise, under the same keys.
func forked(t *testing.T, xa *node, shared, size int) *node {
	t.Helper()
	n := newNode(t, xa.code)
	for _, h := range xa.heads[:shared] {
		n.log(h)
	}
	for len(n.heads) < size {
		n.say("note.record", object{"other": "story"})
	}
	return n
}

func consistencies(t *testing.T) []vector {
	xa := grown(t, 300)
	fork := forked(t, xa, 100, 300)
	proof := func(n *node, from, to int64) string {
		hashes, err := translog.Consistency(from, to, n)
		if err != nil {
			t.Fatal(err)
		}
		return string(translog.FormatConsistency(from, hashes))
	}
	in := func(held, note []byte, proof string) object {
		o := object{"letter": inFile("letters/XA.jsonl"), "held": string(held), "note": string(note)}
		if proof != "" {
			o["consistency"] = proof
		}
		return o
	}
	empty := xa.signTree(translog.Tree{Origin: xa.origin, Root: translog.EmptyRoot()}, 0)
	at := func(size int64) []byte { return xa.checkpoint(size) }
	good := proof(xa, 129, 300)
	return []vector{
		{"grown", "129 leaves are the beginning of 300", []string{"LOG-8", "PKT-2"}, in(at(129), at(300), good), ok()},
		{"grown-by-one", "and 299", []string{"LOG-8"}, in(at(299), at(300), proof(xa, 299, 300)), ok()},
		{"grown-from-a-power-of-two", "where the proof leaves out the old root", []string{"LOG-8"}, in(at(256), at(300), proof(xa, 256, 300)), ok()},
		{"same", "the checkpoint that is held", []string{"LOG-8"}, in(at(300), at(300), ""), ok()},
		{"from-nothing", "everything follows from the empty tree", []string{"LOG-8"}, in(empty, at(300), ""), ok()},
		{"rolled-back", "an older checkpoint with the proof the other way: it adds nothing", []string{"LOG-8"}, in(at(300), at(129), good), ok()},
		{"rolled-back-unproven", "without that proof nothing is accepted", []string{"LOG-8"}, in(at(300), at(129), ""), no("LOG-8")},
		{"proof-missing", "parked, not refused for good", []string{"LOG-8"}, in(at(129), at(300), ""), no("LOG-8")},
		{"proof-from-another-size", "parked", []string{"LOG-8"}, in(at(129), at(300), proof(xa, 130, 300)), no("LOG-8")},
		{"proof-short", "a hash less", []string{"LOG-8"}, in(at(129), at(300), good[:len(good)-45]), no("LOG-8")},
		{"forked-log", "one size, two signed roots", []string{"LOG-9"}, in(at(300), fork.checkpoint(300), ""), no("LOG-9")},
		{"two-views", "another continuation than the one that is held, with a proof of its own", []string{"LOG-8"},
			in(at(129), fork.checkpoint(300), proof(fork, 129, 300)), no("LOG-8")},
		{"proof-without-line-feed", "the member is made of lines", []string{"PKT-2"}, in(at(129), at(300), good[:len(good)-1]), no("PKT-2")},
	}
}

func letters(t *testing.T, f files) []vector {
	xa, xb := newNode(t, "XA"), newNode(t, "XB")
	for _, n := range []*node{xa, xb, newNode(t, "XC")} {
		f["letters/"+string(n.code)+".jsonl"] = n.letter.Raw
	}
	log := grown(t, 300)
	in := func(letters ...[]byte) object {
		list := []any{}
		for _, l := range letters {
			if bytes.Equal(l, xa.letter.Raw) {
				list = append(list, inFile("letters/XA.jsonl"))
			} else {
				list = append(list, string(l))
			}
		}
		return object{"letters": list}
	}
	// next makes the letter after XA's first.
	next := func(recovery party.Signer, change func(*party.Letter)) object {
		d := xa.letter.Follow()
		d.Issued = after(time.Hour)
		change(&d)
		signer := xa.keys
		if d.Origin != xa.origin {
			signer = makeKeys(t, "XA again")
		}
		raw, err := party.SignLetter(d, signer, recovery)
		if err != nil {
			t.Fatal(err)
		}
		return in(xa.letter.Raw, raw)
	}
	closing := func(revokes bool) func(*party.Letter) {
		return func(d *party.Letter) {
			tree := log.tree(300)
			fresh := makeKeys(t, "XA again")
			d.Origin, d.Log = "XA/2", fresh.public(party.RoleLog)
			d.Closing, d.Revokes = &party.Closing{Origin: "XA/1", Size: 300, Root: tree.Root[:]}, revokes
		}
	}
	seal := func(d *party.Letter) { d.Seal = xb.letter.Seal }
	// Changes of the text need new signatures, but by then our own code refuses to make them; these are refused before signatures are looked at.
	broken := func(old, new string) object { return in([]byte(swap(t, xa.letter.Raw, old, new))) }
	all := strings.SplitAfter(string(xa.letter.Raw), "\n")
	other := strings.SplitAfter(string(xb.letter.Raw), "\n")
	return []vector{
		{"first", "XA introduces itself; two people compare the words", []string{"LTR-1", "LTR-2", "LTR-3", "LTR-5", "LTR-9"}, in(xa.letter.Raw), ok()},
		{"first-of-XB", "another party, other words", []string{"LTR-9"}, object{"letters": []any{inFile("letters/XB.jsonl")}}, ok()},
		{"names-changed", "a later letter that changes no key needs no recovery signature", []string{"LTR-6"},
			next(nil, func(d *party.Letter) { d.Names = map[string]string{"en": "Party XA", "fr": "Partie XA"} }), ok()},
		{"seal-changed", "signed by the recovery key", []string{"LTR-4", "LTR-6"}, next(xa.keys, seal), ok()},
		{"log-closed", "a new origin, which closes the old one at 300", []string{"LTR-6", "LTR-7"}, next(xa.keys, closing(false)), ok()},
		{"keys-revoked", "the old keys are not to be trusted any more", []string{"LTR-7"}, next(xa.keys, closing(true)), ok()},
		{"seal-changed-alone", "by the log's keys alone, which somebody may have stolen", []string{"LTR-6"}, next(nil, seal), no("LTR-6")},
		{"wrong-recovery-key", "by another recovery key than the one committed to", []string{"LTR-6"}, next(xb.keys, seal), no("LTR-6")},
		{"wrong-recovery-key-needlessly", "even where none is needed", []string{"LTR-6"}, next(xb.keys, func(*party.Letter) {}), no("LTR-6")},
		{"serial-skipped", "a letter between is missing", []string{"LTR-6"}, next(nil, func(d *party.Letter) { d.Serial = 3 }), no("LTR-6")},
		{"other-previous", "it follows another letter", []string{"LTR-6"}, next(nil, func(d *party.Letter) { d.Previous[0] ^= 1 }), no("LTR-6")},
		{"other-party", "a letter of XB after one of XA", []string{"LTR-6"}, in(xa.letter.Raw, follow(t, xb)), no("LTR-6")},
		{"log-keys-changed", "without a new origin", []string{"LTR-7"}, next2(t, xa, in), no("LTR-7")},
		{"closing-missing", "a new origin that does not say where the old one ends", []string{"LTR-7"},
			next(xa.keys, func(d *party.Letter) { closing(false)(d); d.Closing = nil }), no("LTR-7")},
		{"revoked-key-used-again", "half a pair of revoked keys", []string{"LTR-7"}, reused(t, xa, in, closing(true)), no("LTR-7")},
		{"signed-by-others", "XB's signature on XA's letter", []string{"LTR-5"}, in([]byte(all[0] + other[1])), no("LTR-5")},
		{"changed-after-signing", "one byte", []string{"LTR-5"}, broken("Party XA", "Party XZ"), no("LTR-5")},
		{"one-signature", "Ed25519 alone", []string{"LTR-5"}, in([]byte(all[0] + oneSignature(t, all[1]))), no("LTR-5")},
		{"unknown-member", "one that is not defined", []string{"LTR-3"}, broken(`"v":1`, `"v":1,"w":1`), no("LTR-3")},
		{"endpoint-with-path", "a host and a port", []string{"LTR-3"}, broken(`:8443"`, `:8443/x"`), no("LTR-3")},
		{"seal-classic", "not a hybrid key", []string{"LTR-3"}, broken(`"seal":"age1pq1`, `"seal":"age1`), no("LTR-3")},
		{"no-names", "a party has a name", []string{"LTR-3"}, broken(`"names":{"en":"Party XA"}`, `"names":{}`), no("LTR-3")},
		{"other-origin", "the log of another party", []string{"LTR-3"}, broken(`"origin":"XA/1"`, `"origin":"XB/1"`), no("LTR-3")},
		{"not-compact", "white space", []string{"ENC-1"}, broken(`"v":1`, `"v": 1`), no("ENC-1")},
		{"one-line", "no signature line", []string{"LTR-1"}, in([]byte(all[0])), no("LTR-1")},
	}
}

// follow is a second letter of a party, unchanged but for its serial.
func follow(t *testing.T, n *node) []byte {
	t.Helper()
	return n.sign(n.letter.Follow(), nil).Raw
}

// next2 is a letter with other log keys under the same origin.
func next2(t *testing.T, xa *node, in func(...[]byte) object) object {
	t.Helper()
	fresh := makeKeys(t, "XA again")
	d := xa.letter.Follow()
	d.Log = fresh.public(party.RoleLog)
	raw, err := party.SignLetter(d, fresh, xa.keys)
	if err != nil {
		t.Fatal(err)
	}
	return in(xa.letter.Raw, raw)
}

// reused opens an origin with half of the keys that it revokes.
func reused(t *testing.T, xa *node, in func(...[]byte) object, change func(*party.Letter)) object {
	t.Helper()
	mixed := makeKeys(t, "XA again")
	p := mixed[party.RoleLog]
	p.classic = xa.keys[party.RoleLog].classic
	mixed[party.RoleLog] = p
	d := xa.letter.Follow()
	change(&d)
	d.Log = mixed.public(party.RoleLog)
	raw, err := party.SignLetter(d, mixed, xa.keys)
	if err != nil {
		t.Fatal(err)
	}
	return in(xa.letter.Raw, raw)
}

// oneSignature breaks the ML-DSA-44 half of a signature line.
func oneSignature(t *testing.T, line string) string {
	t.Helper()
	const name = `"mldsa44":"`
	i := strings.Index(line, name) + len(name)
	return line[:i] + strings.Repeat("A", strings.Index(line[i:], `"`)-1) + "=" + line[i+strings.Index(line[i:], `"`):]
}
