package translog_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"filippo.io/mldsa"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// keys are a party's, made from its name: the same in every run, so that a corpus of signed notes stays valid.
type keys map[party.Role]pair

type pair struct {
	classic ed25519.PrivateKey
	quantum *mldsa.PrivateKey
}

func makeKeys(tb testing.TB, name string) keys {
	tb.Helper()
	k := keys{}
	for _, role := range []party.Role{party.RoleLog, party.RoleWitness} {
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
	p, ok := k[role]
	if !ok {
		return party.PublicKeys{}, fault.New(fault.Locked, "", "no such key here")
	}
	return party.PublicKeys{Ed25519: p.classic.Public().(ed25519.PublicKey), MLDSA44: p.quantum.PublicKey().Bytes()}, nil
}

func (k keys) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	p, ok := k[role]
	if !ok {
		return nil, fault.New(fault.Locked, "", "no such key here")
	}
	if alg == party.Ed25519 {
		return ed25519.Sign(p.classic, message), nil
	}
	return p.quantum.SignDeterministic(message, &mldsa.Options{Context: context})
}

func (k keys) public(role party.Role) party.PublicKeys {
	p, err := k.PublicKeys(role)
	if err != nil {
		panic(err)
	}
	return p
}

// without are the keys with one algorithm's missing.
type without struct {
	keys
	alg party.Algorithm
}

func (w without) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	if alg == w.alg {
		return nil, fault.New(fault.Locked, "", "no such key here")
	}
	return w.keys.Sign(role, alg, context, message)
}

// memory is a log's tiles, as a store keeps them.
type memory struct {
	tiles map[[2]int64][]byte
	ids   []statement.ID
	roots []translog.Hash // by size
	reads int
}

func newMemory() *memory {
	return &memory{tiles: map[[2]int64][]byte{}, roots: []translog.Hash{translog.EmptyRoot()}}
}

func (m *memory) Tile(level int, n int64) ([]byte, error) {
	m.reads++
	return m.tiles[[2]int64{int64(level), n}], nil
}

func (m *memory) size() int64 { return int64(len(m.ids)) }

// grow appends n statements in one batch.
func (m *memory) grow(tb testing.TB, n int) translog.Hash {
	tb.Helper()
	ids := makeIDs(len(m.ids), n)
	root, changed, err := translog.Append(m.size(), m, ids)
	if err != nil {
		tb.Fatal(err)
	}
	for _, t := range changed {
		m.tiles[[2]int64{int64(t.Level), t.N}] = t.Hashes
	}
	m.ids = append(m.ids, ids...)
	for len(m.roots) < len(m.ids) {
		m.roots = append(m.roots, translog.Hash{}) // sizes inside the batch
	}
	m.roots = append(m.roots, root)
	return root
}

// makeLog is a log of size leaves, appended in batches of different sizes.
func makeLog(tb testing.TB, size int) *memory {
	tb.Helper()
	m := newMemory()
	for batch := 1; len(m.ids) < size; batch = batch*3 + 1 {
		m.grow(tb, min(batch, size-len(m.ids)))
	}
	return m
}

func (m *memory) root() translog.Hash { return m.roots[len(m.roots)-1] }

func makeIDs(from, n int) []statement.ID {
	ids := make([]statement.ID, n)
	for i := range ids {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(from+i))
		ids[i] = sha256.Sum256(b[:])
	}
	return ids
}

// plainRoot is the tree hash straight from RFC 6962 §2.1, for comparison.
func plainRoot(ids []statement.ID) translog.Hash {
	switch len(ids) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, ids[0][:]...))
	}
	k := 1
	for k*2 < len(ids) {
		k *= 2
	}
	l, r := plainRoot(ids[:k]), plainRoot(ids[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

// wantFault fails unless err is a fault of that code and clause.
func wantFault(tb testing.TB, err error, code fault.Code, clause string) {
	tb.Helper()
	if fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		tb.Errorf("got %v, want %s (%s)", err, code, clause)
	}
}
