package vectors

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// noon is when everything is said.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) statement.Time { return statement.TimeOf(noon.Add(d)) }

// The private halves of the sealing keys of XB and XC, for anybody who wants to open the packets.
const (
	identityXB = "AGE-SECRET-KEY-PQ-1KWAVC84KUHEFPV399RARPUL9XTLQENYVJ02LJWMXL42MC8PCK8GSS4AW90"
	identityXC = "AGE-SECRET-KEY-PQ-16RWCPGPQU8SDZGKGGXEN6SRNWXK2FQUF62W65C5L7KL98SLHLJDS4S6LM5"
)

// sealOf is the recipient of a party's letter. Nobody opens packets of the others.
func sealOf(t *testing.T, code party.Code) string {
	t.Helper()
	secret := identityXB
	if code != "XB" {
		secret = identityXC
	}
	id, err := age.ParseHybridIdentity(secret)
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

// keys are a party's, made from a name: the same in every run.
type keys map[party.Role]struct {
	classic ed25519.PrivateKey
	quantum *mldsa.PrivateKey
}

func makeKeys(t *testing.T, name string) keys {
	t.Helper()
	k := keys{}
	for _, role := range []party.Role{party.RoleLog, party.RoleWitness, party.RoleRecovery} {
		seed := sha256.Sum256([]byte("comity vectors: " + name + " " + string(role)))
		quantum, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed[:])
		if err != nil {
			t.Fatal(err)
		}
		p := k[role]
		p.classic, p.quantum = ed25519.NewKeyFromSeed(seed[:]), quantum
		k[role] = p
	}
	return k
}

func (k keys) PublicKeys(role party.Role) (party.PublicKeys, error) {
	return party.PublicKeys{Ed25519: k[role].classic.Public().(ed25519.PublicKey), MLDSA44: k[role].quantum.PublicKey().Bytes()}, nil
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
	t      *testing.T
	code   party.Code
	origin party.Origin
	keys   keys
	letter *party.Letter
	tiles  map[[2]int64][]byte
	heads  []*statement.Head
	bodies map[statement.ID][]byte
}

func newNode(t *testing.T, code party.Code) *node {
	t.Helper()
	n := &node{
		t: t, code: code, origin: party.MakeOrigin(code, 1), keys: makeKeys(t, string(code)), tiles: map[[2]int64][]byte{}, bodies: map[statement.ID][]byte{},
	}
	n.letter = n.sign(n.draft(), nil)
	return n
}

func (n *node) draft() party.Letter {
	return party.Letter{
		Code: n.code, Names: map[string]string{"en": "Party " + string(n.code)}, Serial: 1, Origin: n.origin,
		Log:     n.keys.public(party.RoleLog),
		Witness: party.WitnessKeys{Name: string(n.code) + "/witness/1", PublicKeys: n.keys.public(party.RoleWitness)},
		Seal:    sealOf(n.t, n.code), TLS: statement.Digest{1}, Endpoints: []string{"https://node.example:8443"},
		Contacts: []party.Contact{{Role: party.ContactTechnical, Name: "Duty officer", Phone: "+999 555 0100", Languages: []string{"en"}}},
		Recovery: party.RecoveryCommitment(n.keys.public(party.RoleRecovery)), Issued: after(0),
	}
}

// sign makes a letter of a draft with the node's log keys and, if given, a recovery key.
func (n *node) sign(d party.Letter, recovery party.Signer) *party.Letter {
	n.t.Helper()
	raw, err := party.SignLetter(d, n.keys, recovery)
	if err != nil {
		n.t.Fatal(err)
	}
	l, err := party.ParseLetter(raw)
	if err != nil {
		n.t.Fatal(err)
	}
	return l
}

// reopen gives the party a log of another serial and other keys, by a letter that closes the one that n has.
func (n *node) reopen(closing translog.Tree, revokes bool) *node {
	n.t.Helper()
	next := newNode(n.t, n.code)
	next.keys = makeKeys(n.t, string(n.code)+" again")
	next.origin = party.MakeOrigin(n.code, 2)
	d := n.letter.Follow()
	d.Origin, d.Log = next.origin, next.keys.public(party.RoleLog)
	d.Witness = party.WitnessKeys{Name: string(n.code) + "/witness/2", PublicKeys: next.keys.public(party.RoleWitness)}
	d.Closing = &party.Closing{Origin: n.origin, Size: closing.Size, Root: closing.Root[:]}
	d.Revokes = revokes
	next.letter = next.sign(d, n.keys)
	return next
}

// Tile implements translog.Tiles.
func (n *node) Tile(level int, i int64) ([]byte, error) {
	return n.tiles[[2]int64{int64(level), i}], nil
}

func (n *node) size() int64 { return int64(len(n.heads)) }

type edit func(*statement.Head)

// draftHead is a request of from to to, a second later for each n.
func draftHead(t *testing.T, from party.Code, n int, kind statement.Kind, facts any, edits ...edit) statement.Head {
	t.Helper()
	raw, err := json.Marshal(facts, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	h := statement.Head{
		Nonce: nonce(t, fmt.Sprint(from, n, kind)), From: from, Kind: kind, Marking: marking.Marking{TLP: "AMBER"}, Track: statement.Technical,
		Precedence: statement.Routine, Time: after(time.Duration(n) * time.Second), By: statement.By{Role: "duty-officer", Officer: "0011223344556677"}, Facts: raw,
	}
	for _, e := range edits {
		e(&h)
	}
	return h
}

func compose(t *testing.T, h statement.Head) *statement.Head {
	t.Helper()
	done, err := statement.Compose(h)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func nonce(t *testing.T, of string) statement.Nonce {
	t.Helper()
	sum := sha256.Sum256([]byte("comity vectors: " + of))
	n, err := statement.MakeNonce(bytes.NewReader(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func to(codes ...party.Code) edit            { return func(h *statement.Head) { h.To = codes } }
func at(d time.Duration) edit                { return func(h *statement.Head) { h.Time = after(d) } }
func with(b *statement.Body) edit            { return func(h *statement.Head) { r := b.Ref(); h.Body = &r } }
func precedence(p statement.Precedence) edit { return func(h *statement.Head) { h.Precedence = p } }

// text of a body.
func bodyOf(t *testing.T, text string, blobs ...statement.Blob) *statement.Body {
	t.Helper()
	b, err := statement.ComposeBody(statement.Body{Nonce: nonce(t, text), Text: text, Blobs: blobs})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// log puts a head into the node's log and gives its index.
func (n *node) log(h *statement.Head) int64 {
	n.t.Helper()
	i := n.size()
	_, changed, err := translog.Append(i, n, []statement.ID{h.ID})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, c := range changed {
		n.tiles[[2]int64{int64(c.Level), c.N}] = c.Hashes
	}
	n.heads = append(n.heads, h)
	return i
}

// say composes a head and logs it.
func (n *node) say(kind statement.Kind, facts any, edits ...edit) *statement.Head {
	n.t.Helper()
	h := compose(n.t, draftHead(n.t, n.code, len(n.heads), kind, facts, edits...))
	n.log(h)
	return h
}

// chatter makes the log longer by local records.
func (n *node) chatter(count int) {
	for range count {
		n.say("note.record", object{})
	}
}

func (n *node) tree(size int64) translog.Tree {
	n.t.Helper()
	root, err := translog.Root(size, n)
	if err != nil {
		n.t.Fatal(err)
	}
	return translog.Tree{Origin: n.origin, Size: size, Root: root}
}

// checkpoint signs the first size leaves, a minute after noon.
func (n *node) checkpoint(size int64) []byte { return n.signTree(n.tree(size), time.Minute) }

func (n *node) signTree(tree translog.Tree, d time.Duration) []byte {
	n.t.Helper()
	b, err := translog.SignCheckpoint(n.keys, tree, noon.Add(d))
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

// cosign hangs n's cosignature on a note of another log.
func (n *node) cosign(note []byte, of *node, d time.Duration) []byte {
	n.t.Helper()
	cp, err := translog.OpenCheckpoint(note, of.origin, of.keys.public(party.RoleLog))
	if err != nil {
		n.t.Fatal(err)
	}
	l, err := translog.Cosign(n.keys, n.letter.Witness.Name, cp, noon.Add(d))
	if err != nil {
		n.t.Fatal(err)
	}
	return append(bytes.Clone(note), l...)
}
