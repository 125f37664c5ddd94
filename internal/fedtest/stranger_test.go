package fedtest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// stranger makes a mallory that never had a node: keys, and a letter that the named parties have confirmed. Its log is empty.
func (f *Federation) stranger(code party.Code, at ...party.Code) *mallory {
	f.T.Helper()
	m, keys := f.faceless(code)
	recovery, err := keystore.GenerateRecovery()
	f.must(err)
	public, err := recovery.PublicKeys(party.RoleRecovery)
	f.must(err)
	m.signer = keys
	d := keys.Draft(public)
	d.Names, d.Issued = map[string]string{"en": "Stranger"}, statement.TimeOf(f.Clock.Now())
	m.introduce(d, nil, at...)
	m.recovery = recovery
	return m
}

// faceless has keys, and speaks TLS by them. What its log is signed by is left to the caller.
func (f *Federation) faceless(code party.Code) (*mallory, *keystore.Keys) {
	f.T.Helper()
	keys, err := keystore.Generate(code, 1)
	f.must(err)
	cert, err := keys.Certificate()
	f.must(err)
	t := f.T.(*testing.T)
	return &mallory{T: t, f: f, keys: keys, code: code, accepted: map[party.Code]int64{}, client: clientWith(t, cert)}, keys
}

// introduce signs a letter by the log's keys and, if given, a recovery key, and has parties confirm it, where it does not follow one that they have.
func (m *mallory) introduce(d party.Letter, recovery party.Signer, at ...party.Code) {
	m.Helper()
	raw, err := party.SignLetter(d, m.signer, recovery)
	m.f.must(err)
	m.letter, err = party.ParseLetter(raw)
	m.f.must(err)
	for _, code := range at {
		_, err := m.f.At(code).ImportLetter(m.Context(), raw)
		m.f.must(err)
		if recovery == nil && d.Serial == 1 {
			_, err = m.f.At(code).Confirm(m.Context(), m.code, m.letter.Words())
			m.f.must(err)
		}
	}
}

const vectors = "../../spec/vectors"

// vector is one case of a family.
type vector struct {
	Name    string                    `json:"name"`
	About   string                    `json:"about"`
	Clauses []string                  `json:"clauses"`
	Input   map[string]jsontext.Value `json:"input"`
	Want    struct {
		OK      bool                      `json:"ok"`
		Clause  string                    `json:"clause"`
		Refused map[statement.ID]string   `json:"refused"`
		Dropped []statement.ID            `json:"dropped"`
		Arrived *string                   `json:"arrived_at"`
		Rest    map[string]jsontext.Value `json:",embed"`
	} `json:"want"`
}

// family reads the vectors of one family.
func family(t testing.TB, name string) (all []vector) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(vectors, name+".json"))
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// text is a text of a vector's input: as it is, in base64, in pieces repeated by rule, or a file (spec/vectors/README.md).
func (v vector) text(t testing.TB, name string) []byte { return readText(t, v.Input[name]) }

// texts is a list of them.
func (v vector) texts(t testing.TB, name string) (out [][]byte) {
	t.Helper()
	var list []jsontext.Value
	decode(t, v.Input[name], &list)
	for _, one := range list {
		out = append(out, readText(t, one))
	}
	return out
}

func decode(t testing.TB, raw jsontext.Value, to any) {
	t.Helper()
	if err := json.Unmarshal(raw, to); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

func readText(t testing.TB, raw jsontext.Value) []byte {
	t.Helper()
	if raw.Kind() == '"' {
		var s string
		decode(t, raw, &s)
		return []byte(s)
	}
	var v struct {
		Base64 string              `json:"base64"`
		File   string              `json:"file"`
		Repeat [][2]jsontext.Value `json:"repeat"`
	}
	decode(t, raw, &v)
	var out []byte
	var err error
	switch {
	case v.Base64 != "":
		out, err = base64.StdEncoding.DecodeString(v.Base64)
	case v.File != "":
		out, err = os.ReadFile(filepath.Join(vectors, v.File))
	default:
		for _, r := range v.Repeat {
			var s string
			var n int
			decode(t, r[0], &s)
			decode(t, r[1], &n)
			out = append(out, strings.Repeat(s, n)...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// fixed are the keys of a party of the vectors, which are made from its name.
type fixed struct{ name string }

func (k fixed) seed(role party.Role) []byte {
	seed := sha256.Sum256([]byte("comity vectors: " + k.name + " " + string(role)))
	return seed[:]
}

func (k fixed) quantum(role party.Role) (*mldsa.PrivateKey, error) {
	return mldsa.NewPrivateKey(mldsa.MLDSA44(), k.seed(role))
}

// PublicKeys implements party.Signer.
func (k fixed) PublicKeys(role party.Role) (party.PublicKeys, error) {
	q, err := k.quantum(role)
	if err != nil {
		return party.PublicKeys{}, err
	}
	return party.PublicKeys{Ed25519: ed25519.NewKeyFromSeed(k.seed(role)).Public().(ed25519.PublicKey), MLDSA44: q.PublicKey().Bytes()}, nil
}

// Sign implements party.Signer.
func (k fixed) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	if alg == party.Ed25519 {
		return ed25519.Sign(ed25519.NewKeyFromSeed(k.seed(role)), message), nil
	}
	q, err := k.quantum(role)
	if err != nil {
		return nil, err
	}
	return q.SignDeterministic(message, &mldsa.Options{Context: context})
}

// judged is when the vectors' receivers look at a packet.
func judged() time.Time { return time.Date(2026, 11, 21, 12, 2, 0, 0, time.UTC) }

// puppet is a party of the vectors, with its letter as there but for the key by which it speaks TLS: so the vectors' bytes come from their author.
func (f *Federation) puppet(code party.Code, at ...party.Code) *mallory {
	f.T.Helper()
	m, keys := f.faceless(code)
	m.signer = fixed{string(code)}
	raw, err := os.ReadFile(filepath.Join(vectors, "letters", string(code)+".jsonl"))
	f.must(err)
	l, err := party.ParseLetter(raw)
	f.must(err)
	d := *l
	d.TLS, d.Seal, d.Endpoints = keys.TLSDigest(), keys.Seal(), []string{}
	m.introduce(d, nil, at...)
	return m
}

// vectorDay is a federation on the day of the vectors.
func vectorDay(t *testing.T, codes ...string) *Federation {
	t.Helper()
	f := New(t, codes...)
	f.Clock.Pass(judged().Sub(f.Clock.Now()))
	return f
}
