package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// seal is a recipient whose private half nobody keeps.
//
//go:embed testdata/seal.txt
var seal string

type pair struct {
	classic ed25519.PrivateKey
	quantum *mldsa.PrivateKey
}

// keys are a party's, made from its name: the same in every run, so that a corpus stays proven.
type keys map[party.Role]pair

func makeKeys(tb testing.TB, name string) keys {
	tb.Helper()
	k := keys{}
	for _, role := range []party.Role{party.RoleLog, party.RoleWitness, party.RoleRecovery} {
		seed := sha256.Sum256([]byte(name + " " + string(role)))
		quantum, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed[:])
		if err != nil {
			tb.Fatal(err)
		}
		k[role] = pair{ed25519.NewKeyFromSeed(seed[:]), quantum}
	}
	return k
}

func (k keys) PublicKeys(role party.Role) (party.PublicKeys, error) {
	p := k[role]
	return party.PublicKeys{Ed25519: p.classic.Public().(ed25519.PublicKey), MLDSA44: p.quantum.PublicKey().Bytes()}, nil
}

func (k keys) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	if alg == party.Ed25519 {
		return ed25519.Sign(k[role].classic, message), nil
	}
	return k[role].quantum.SignDeterministic(message, &mldsa.Options{Context: context})
}

func (k keys) public(role party.Role) party.PublicKeys {
	p, _ := k.PublicKeys(role)
	return p
}

// node is a party with one log.
type node struct {
	tb     testing.TB
	code   party.Code
	origin party.Origin
	keys   keys
	letter *party.Letter
	tiles  map[[2]int64][]byte
	heads  []*statement.Head
}

func newNode(tb testing.TB, code party.Code) *node {
	tb.Helper()
	n := &node{tb: tb, code: code, origin: party.MakeOrigin(code, 1), keys: makeKeys(tb, string(code)), tiles: map[[2]int64][]byte{}}
	n.letter = n.sign(n.draft(), false)
	return n
}

func (n *node) draft() party.Letter {
	return party.Letter{
		Code: n.code, Names: map[string]string{"en": "Party " + string(n.code)}, Serial: 1, Origin: n.origin,
		Log:     n.keys.public(party.RoleLog),
		Witness: party.WitnessKeys{Name: string(n.code) + "/witness/1", PublicKeys: n.keys.public(party.RoleWitness)},
		Seal:    strings.TrimSpace(seal), TLS: statement.Digest{1}, Endpoints: []string{}, Contacts: []party.Contact{},
		Recovery: party.RecoveryCommitment(n.keys.public(party.RoleRecovery)), Issued: statement.TimeOf(noon),
	}
}

// sign makes a letter of a draft with the node's keys.
func (n *node) sign(d party.Letter, recovery bool) *party.Letter {
	n.tb.Helper()
	var r party.Signer
	if recovery {
		r = makeKeys(n.tb, string(n.code))
	}
	raw, err := party.SignLetter(d, n.keys, r)
	if err != nil {
		n.tb.Fatal(err)
	}
	l, err := party.ParseLetter(raw)
	if err != nil {
		n.tb.Fatal(err)
	}
	return l
}

// reopen gives the party a log of another serial and keys, by a letter that closes the one that n has.
func (n *node) reopen(closing translog.Tree, revokes bool) *node {
	n.tb.Helper()
	next := newNode(n.tb, n.code)
	next.keys = makeKeys(n.tb, string(n.code)+" again")
	next.origin = party.MakeOrigin(n.code, 2)
	d := n.letter.Follow()
	d.Origin, d.Log = next.origin, next.keys.public(party.RoleLog)
	d.Witness = party.WitnessKeys{Name: string(n.code) + "/witness/2", PublicKeys: next.keys.public(party.RoleWitness)}
	d.Closing = &party.Closing{Origin: n.origin, Size: closing.Size, Root: closing.Root[:]}
	d.Revokes = revokes
	next.letter = next.sign(d, true)
	return next
}

func (n *node) Tile(level int, i int64) ([]byte, error) {
	return n.tiles[[2]int64{int64(level), i}], nil
}

func (n *node) size() int64 { return int64(len(n.heads)) }

// say composes a head, puts it into the log and gives its index.
func (n *node) say(d statement.Head) int64 {
	n.tb.Helper()
	i := n.size()
	random := sha256.Sum256(fmt.Append(nil, n.origin, i))
	nonce, err := statement.MakeNonce(bytes.NewReader(random[:]))
	if err != nil {
		n.tb.Fatal(err)
	}
	d.From, d.Nonce, d.By = n.code, nonce, statement.By{Role: "duty-officer"}
	d.Marking, d.Track, d.Precedence = marking.Marking{TLP: "AMBER"}, statement.Technical, statement.Routine
	d.Time = statement.TimeOf(noon.Add(time.Duration(i) * 100 * time.Millisecond))
	h, err := statement.Compose(d)
	if err != nil {
		n.tb.Fatal(err)
	}
	_, changed, err := translog.Append(i, n, []statement.ID{h.ID})
	if err != nil {
		n.tb.Fatal(err)
	}
	for _, c := range changed {
		n.tiles[[2]int64{int64(c.Level), c.N}] = c.Hashes
	}
	n.heads = append(n.heads, h)
	return i
}

// ask says something with a body to another party.
func (n *node) ask(to *node, text string) (index int64, body []byte) {
	n.tb.Helper()
	random := sha256.Sum256([]byte(text))
	nonce, err := statement.MakeNonce(bytes.NewReader(random[:]))
	if err != nil {
		n.tb.Fatal(err)
	}
	b, err := statement.ComposeBody(statement.Body{Nonce: nonce, Text: text})
	if err != nil {
		n.tb.Fatal(err)
	}
	ref := b.Ref()
	return n.say(statement.Head{To: []party.Code{to.code}, Kind: "assist.request", Body: &ref}), b.Raw
}

// receipt says that what a party said arrived.
func (n *node) receipt(of *node, d thread.Delivered) int64 {
	n.tb.Helper()
	facts, err := json.Marshal(d)
	if err != nil {
		n.tb.Fatal(err)
	}
	return n.say(statement.Head{To: []party.Code{of.code}, Kind: thread.KindDelivered, Facts: jsontext.Value(facts)})
}

// chatter makes the log longer.
func (n *node) chatter(count int) {
	for range count {
		n.say(statement.Head{Kind: "note.record"})
	}
}

func (n *node) tree(size int64) translog.Tree {
	n.tb.Helper()
	root, err := translog.Root(size, n)
	if err != nil {
		n.tb.Fatal(err)
	}
	return translog.Tree{Origin: n.origin, Size: size, Root: root}
}

func (n *node) checkpoint(size int64) []byte {
	n.tb.Helper()
	b, err := translog.SignCheckpoint(n.keys, n.tree(size), noon.Add(time.Minute))
	if err != nil {
		n.tb.Fatal(err)
	}
	return b
}

// witness hangs n's cosignature on a note of another log.
func (n *node) witness(note []byte, of *node, at time.Time) []byte {
	n.tb.Helper()
	cp, err := translog.OpenCheckpoint(note, of.origin, of.keys.public(party.RoleLog))
	if err != nil {
		n.tb.Fatal(err)
	}
	l, err := translog.Cosign(n.keys, n.letter.Witness.Name, cp, at)
	if err != nil {
		n.tb.Fatal(err)
	}
	return append(bytes.Clone(note), l...)
}

// item proves the head of index by the checkpoint of a size.
func (n *node) item(index, size int64, body []byte) evidence.Item {
	n.tb.Helper()
	path, err := translog.Inclusion(size, index, n)
	if err != nil {
		n.tb.Fatal(err)
	}
	return evidence.Item{
		Head: n.heads[index].Raw, Body: body,
		Proof: evidence.Proof{Index: index, Path: path, Checkpoint: n.checkpoint(size)},
	}
}

// steps lead through the sizes.
func (n *node) steps(sizes ...int64) (steps []evidence.Step) {
	n.tb.Helper()
	for i := 1; i < len(sizes); i++ {
		path, err := translog.Consistency(sizes[i-1], sizes[i], n)
		if err != nil {
			n.tb.Fatal(err)
		}
		steps = append(steps, evidence.Step{From: sizes[i-1], To: sizes[i], Hashes: path})
	}
	return steps
}

// story is one request of XA to XB, received by XB and witnessed by XB and XC.
type story struct {
	xa, xb, xc *node
	index      int64 // of the request in XA's log
	body       []byte
	bundle     *evidence.Bundle
}

func newStory(tb testing.TB) *story {
	tb.Helper()
	s := &story{xa: newNode(tb, "XA"), xb: newNode(tb, "XB"), xc: newNode(tb, "XC")}
	s.xa.chatter(5)
	s.index, s.body = s.xa.ask(s.xb, "Please preserve the logs of 198.51.100.7.")
	s.xa.chatter(2)
	size := s.xa.size()
	root := s.xa.tree(size).Root
	s.xb.chatter(1)
	r := s.xb.receipt(s.xa, thread.Delivered{
		Origin: s.xa.origin, Size: size, Root: statement.Digest(root),
		Heads: []thread.Range{{s.index, s.index + 1}}, Bodies: []thread.Range{{s.index, s.index + 1}}, Blobs: []thread.BlobsArrived{},
	})
	s.xa.chatter(300)
	request := s.xa.item(s.index, size, s.body)
	request.Consistency = s.xa.steps(size, 20, s.xa.size())
	request.Cosigned = s.xc.witness(s.xb.witness(s.xa.checkpoint(s.xa.size()), s.xa, noon.Add(2*time.Minute)), s.xa, noon.Add(3*time.Minute))
	s.bundle = &evidence.Bundle{Items: []evidence.Item{request, s.xb.item(r, s.xb.size(), nil)}}
	return s
}

func (s *story) letters() []*party.Letter {
	return []*party.Letter{s.xa.letter, s.xb.letter, s.xc.letter}
}

// wantWhy fails unless the item is not proven by that clause; "" wants it proven.
func wantWhy(tb testing.TB, what string, r evidence.ItemReport, clause string) {
	tb.Helper()
	switch {
	case clause == "" && r.Verdict != evidence.Proven:
		tb.Errorf("%s: %s: %+v", what, r.Verdict, r.Why)
	case clause != "" && (r.Verdict != evidence.NotProven || r.Why == nil || r.Why.Clause != clause):
		tb.Errorf("%s: %s: %+v, want %s", what, r.Verdict, r.Why, clause)
	}
}
