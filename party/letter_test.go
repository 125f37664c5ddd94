package party_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/mldsa"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// pair is one role's keys, made from a name.
type pair struct {
	ed ed25519.PrivateKey
	pq *mldsa.PrivateKey
}

// signer is a party.Signer for tests.
type signer map[party.Role]pair

func newPair(t testing.TB, name string) pair {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	pq, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	return pair{ed25519.NewKeyFromSeed(seed[:]), pq}
}

func newSigner(t testing.TB, name string) signer {
	s := signer{}
	for _, role := range []party.Role{party.RoleLog, party.RoleWitness, party.RoleRecovery} {
		s[role] = newPair(t, name+"/"+string(role))
	}
	return s
}

func (s signer) PublicKeys(role party.Role) (party.PublicKeys, error) {
	p := s[role]
	return party.PublicKeys{Ed25519: p.ed.Public().(ed25519.PublicKey), MLDSA44: p.pq.PublicKey().Bytes()}, nil
}

func (s signer) Sign(role party.Role, alg party.Algorithm, context string, message []byte) ([]byte, error) {
	if alg == party.Ed25519 {
		return ed25519.Sign(s[role].ed, message), nil
	}
	return s[role].pq.Sign(nil, message, &mldsa.Options{Context: context})
}

func (s signer) keys(role party.Role) party.PublicKeys {
	k, _ := s.PublicKeys(role)
	return k
}

// newSeal is a recipient whose private half nobody keeps.
func newSeal(t testing.TB) string {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

func issued(t testing.TB) wire.Time {
	t.Helper()
	at, err := wire.ParseTime("2026-11-21T08:00:00.000Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func draftOf(t testing.TB, s signer) party.Letter {
	t.Helper()
	return party.Letter{
		Code: "XA", Names: map[string]string{"en": "Republic of Xanadu", "fr": "République de Xanadu"}, Serial: 1, Origin: "XA/1",
		Log:     s.keys(party.RoleLog),
		Witness: party.WitnessKeys{Name: "XA/witness/1", PublicKeys: s.keys(party.RoleWitness)},
		Seal:    newSeal(t), TLS: wire.Digest{1}, Endpoints: []string{"https://node.xa.example:8443"},
		Contacts: []party.Contact{{Role: party.ContactTechnical, Name: "Duty desk", Email: "duty@xa.example", Hours: "always", Languages: []string{"en", "fr"}}},
		Recovery: party.RecoveryCommitment(s.keys(party.RoleRecovery)), Issued: issued(t),
	}
}

func sign(t testing.TB, d party.Letter, log, recovery party.Signer) *party.Letter {
	t.Helper()
	raw, err := party.SignLetter(d, log, recovery)
	if err != nil {
		t.Fatal(err)
	}
	l, err := party.ParseLetter(raw)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantFault(t testing.TB, err error, code fault.Code, clause string) {
	t.Helper()
	if fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		t.Fatalf("got %v, want %s by %s", err, code, clause)
	}
}

func TestLetterRoundTrip(t *testing.T) {
	t.Parallel()
	// spec: LTR-1, LTR-2, LTR-3, LTR-4, LTR-5
	s := newSigner(t, "XA")
	d := draftOf(t, s)
	l := sign(t, d, s, nil)
	if l.Code != "XA" || l.Names["fr"] != d.Names["fr"] || !l.Log.Equal(d.Log) || l.Witness.Name != "XA/witness/1" || l.Seal != d.Seal || l.Contacts[0].Email != "duty@xa.example" {
		t.Fatalf("the letter reads otherwise than it was written: %s", l.Line)
	}
	line, _, _ := bytes.Cut(l.Raw, []byte("\n"))
	if l.Digest != sha256.Sum256(line) || !bytes.Equal(line, l.Line) {
		t.Fatal("the digest is not that of the letter line")
	}
	if l.HasRecoverySignature() {
		t.Fatal("a first letter has no recovery signature")
	}
	if got := bytes.Count(l.Raw, []byte("\n")); got != 2 {
		t.Fatalf("%d lines", got)
	}
}

// edit signs a letter line that SignLetter would refuse to write.
func edit(t testing.TB, s signer, d party.Letter, change func(m map[string]any)) []byte {
	t.Helper()
	line, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	m["v"] = 1
	change(m)
	if line, err = json.Marshal(m, json.Deterministic(true)); err != nil {
		t.Fatal(err)
	}
	return withSignature(t, s, line)
}

func withSignature(t testing.TB, s signer, line []byte) []byte {
	t.Helper()
	sigs, err := party.SignBoth(s, party.RoleLog, "comity/letter/v1", append([]byte("comity/letter/v1\n"), line...))
	if err != nil {
		t.Fatal(err)
	}
	sl, err := json.Marshal(struct {
		By string `json:"by"`
		party.Signatures
	}{"log", sigs})
	if err != nil {
		t.Fatal(err)
	}
	return []byte(string(line) + "\n" + string(sl) + "\n")
}

func TestLetterMembers(t *testing.T) {
	t.Parallel()
	// spec: LTR-3, LTR-1, ENC-2
	s := newSigner(t, "XA")
	d := draftOf(t, s)
	long := strings.Repeat("x", 201)
	if _, err := party.ParseLetter(edit(t, s, d, func(map[string]any) {})); err != nil {
		t.Fatalf("an unchanged letter is refused: %v", err)
	}
	set := func(name string, v any) func(map[string]any) { return func(m map[string]any) { m[name] = v } }
	contact := func(name string, v any) func(map[string]any) {
		return func(m map[string]any) { m["contacts"].([]any)[0].(map[string]any)[name] = v }
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		code   fault.Code
		clause string
	}{
		"version":             {set("v", 2), fault.Malformed, "LTR-3"},
		"unknown member":      {set("motto", "x"), fault.Malformed, "LTR-3"},
		"null":                {set("seal", nil), fault.Malformed, "ENC-2"},
		"no endpoints member": {func(m map[string]any) { delete(m, "endpoints") }, fault.Malformed, "LTR-3"},
		"no log":              {func(m map[string]any) { delete(m, "log") }, fault.Malformed, "LTR-3"},
		"code":                {set("code", "xa"), fault.Malformed, "ENC-6"},
		"origin of another":   {set("origin", "XB/1"), fault.Malformed, "LTR-3"},
		"origin":              {set("origin", "XA/01"), fault.Malformed, "ENC-7"},
		"serial 0":            {set("serial", 0), fault.Malformed, "LTR-3"},
		"no names":            {set("names", map[string]any{}), fault.Malformed, "LTR-3"},
		"long name":           {set("names", map[string]any{"en": long}), fault.Malformed, "LTR-3"},
		"control in name":     {set("names", map[string]any{"en": "a\nb"}), fault.Malformed, "LTR-3"},
		"direction in name":   {set("names", map[string]any{"en": "a\u202eb"}), fault.Malformed, "LTR-3"},
		"language":            {set("names", map[string]any{"English": "a"}), fault.Malformed, "LTR-3"},
		"log key size":        {set("log", map[string]any{"ed25519": "AAAA", "mldsa44": "AAAA"}), fault.Malformed, "LTR-3"},
		"witness is log": {func(m map[string]any) {
			m["witness"].(map[string]any)["ed25519"] = m["log"].(map[string]any)["ed25519"]
		}, fault.Malformed, "LTR-3"},
		"witness name":          {func(m map[string]any) { m["witness"].(map[string]any)["name"] = "XB/witness/1" }, fault.Malformed, "LTR-3"},
		"witness serial":        {func(m map[string]any) { m["witness"].(map[string]any)["name"] = "XA/witness/01" }, fault.Malformed, "LTR-3"},
		"recovery is log":       {set("recovery", party.RecoveryCommitment(d.Log).String()), fault.Malformed, "LTR-3"},
		"recovery is witness":   {set("recovery", party.RecoveryCommitment(d.Witness.PublicKeys).String()), fault.Malformed, "LTR-3"},
		"recovery zero":         {set("recovery", wire.Digest{}.String()), fault.Malformed, "LTR-3"},
		"classic seal":          {set("seal", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"), fault.Malformed, "LTR-3"},
		"broken seal":           {set("seal", "age1pq1xyz"), fault.Malformed, "LTR-3"},
		"tls":                   {set("tls", strings.Repeat("A", 64)), fault.Malformed, "ENC-4"},
		"endpoint path":         {set("endpoints", []any{"https://a.example:1/x"}), fault.Malformed, "LTR-3"},
		"endpoint http":         {set("endpoints", []any{"http://a.example:1"}), fault.Malformed, "LTR-3"},
		"endpoint without port": {set("endpoints", []any{"https://a.example"}), fault.Malformed, "LTR-3"},
		"endpoint port":         {set("endpoints", []any{"https://a.example:65536"}), fault.Malformed, "LTR-3"},
		"endpoint user":         {set("endpoints", []any{"https://u@a.example:1"}), fault.Malformed, "LTR-3"},
		"9 endpoints":           {set("endpoints", []any{"https://a:1", "https://a:2", "https://a:3", "https://a:4", "https://a:5", "https://a:6", "https://a:7", "https://a:8", "https://a:9"}), fault.Malformed, "LTR-3"},
		"33 contacts":           {func(m map[string]any) { m["contacts"] = slicesRepeat(m["contacts"].([]any)[0], 33) }, fault.Malformed, "LTR-3"},
		"contact role":          {contact("role", "press"), fault.Malformed, "LTR-3"},
		"contact detail":        {contact("phone", long), fault.Malformed, "LTR-3"},
		"contact language":      {contact("languages", []any{"?"}), fault.Malformed, "LTR-3"},
		"issued":                {set("issued", "2026-11-21T08:00:00Z"), fault.Malformed, "ENC-5"},
		"previous in the first": {set("previous", wire.Digest{1}.String()), fault.Malformed, "LTR-3"},
		"no previous":           {set("serial", 2), fault.Malformed, "LTR-3"},
		"closing in the first":  {func(m map[string]any) { m["origin"] = "XA/2"; m["closing"] = closing("XA/1", 3, 32) }, fault.Malformed, "LTR-7"},
		"revokes nothing":       {set("revokes", true), fault.Malformed, "LTR-7"},
		"revokes false":         {set("revokes", false), fault.Malformed, "LTR-3"},
		"long line":             {func(m map[string]any) { m["names"] = manyNames(200) }, fault.TooLarge, "LTR-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := party.ParseLetter(edit(t, s, d, c.change))
			wantFault(t, err, c.code, c.clause)
		})
	}
}

func slicesRepeat(v any, n int) []any {
	s := make([]any, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func manyNames(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m["en-a"+string(rune('a'+i/26%26))+string(rune('a'+i%26))] = strings.Repeat("x", 200)
	}
	return m
}

func closing(origin string, size, root int) map[string]any {
	return map[string]any{"origin": origin, "size": size, "root": make([]byte, root)}
}

func TestLetterLines(t *testing.T) {
	t.Parallel()
	// spec: LTR-1, LTR-4, LTR-5, ENC-1
	s := newSigner(t, "XA")
	d := draftOf(t, s)
	l := sign(t, d, s, nil)
	line, sig, _ := strings.Cut(string(l.Raw), "\n")
	stranger := newSigner(t, "XB")
	half, err := party.SignBoth(stranger, party.RoleLog, "comity/letter/v1", []byte("comity/letter/v1\n"+line))
	if err != nil {
		t.Fatal(err)
	}
	own := struct {
		By string `json:"by"`
		party.Signatures
	}{By: "log"}
	if err := json.Unmarshal([]byte(sig), &own); err != nil {
		t.Fatal(err)
	}
	write := func(ed, pq []byte) string {
		o := own
		o.Ed25519, o.MLDSA44 = ed, pq
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return line + "\n" + string(b) + "\n"
	}
	noContext, err := s.Sign(party.RoleLog, party.MLDSA44, "", []byte("comity/letter/v1\n"+line))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw    string
		code   fault.Code
		clause string
	}{
		"empty":                   {"", fault.Malformed, "LTR-1"},
		"one line":                {line + "\n", fault.Malformed, "LTR-1"},
		"four lines":              {line + "\n" + sig + sig + sig, fault.Malformed, "LTR-1"},
		"no last line feed":       {strings.TrimSuffix(string(l.Raw), "\n"), fault.Malformed, "ENC-1"},
		"empty line":              {line + "\n\n" + sig, fault.Malformed, "ENC-1"},
		"carriage return":         {line + "\r\n" + sig, fault.Malformed, "ENC-1"},
		"byte order mark":         {"\ufeff" + string(l.Raw), fault.Malformed, "ENC-1"},
		"too long":                {strings.Repeat("x", party.MaxLetter+1), fault.TooLarge, "LTR-1"},
		"long signature":          {line + "\n" + strings.Repeat("x", party.MaxSignatureLine+1) + "\n", fault.TooLarge, "LTR-4"},
		"another name in it":      {strings.Replace(string(l.Raw), "Republic", "Kingdom", 1), fault.NotAuthentic, "LTR-5"},
		"Ed25519 by a stranger":   {write(half.Ed25519, own.MLDSA44), fault.NotAuthentic, "LTR-5"},
		"ML-DSA by a stranger":    {write(own.Ed25519, half.MLDSA44), fault.NotAuthentic, "LTR-5"},
		"Ed25519 missing":         {write(nil, own.MLDSA44), fault.NotAuthentic, "LTR-5"},
		"ML-DSA missing":          {write(own.Ed25519, nil), fault.NotAuthentic, "LTR-5"},
		"ML-DSA without context":  {write(own.Ed25519, noContext), fault.NotAuthentic, "LTR-5"},
		"recovery line first":     {line + "\n" + strings.Replace(sig, `"log"`, `"recovery"`, 1), fault.Malformed, "LTR-4"},
		"unknown signature field": {line + "\n" + strings.Replace(sig, `{"by"`, `{"at":1,"by"`, 1), fault.Malformed, "LTR-4"},
		"three lines in a first":  {string(l.Raw) + sig, fault.Malformed, "LTR-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := party.ParseLetter([]byte(c.raw))
			wantFault(t, err, c.code, c.clause)
		})
	}
}

func TestSignLetterNeedsItsOwnKeys(t *testing.T) {
	t.Parallel()
	// spec: LTR-5
	d := draftOf(t, newSigner(t, "XA"))
	_, err := party.SignLetter(d, newSigner(t, "XB"), nil)
	wantFault(t, err, fault.NotAuthentic, "LTR-5")
}

func FuzzLetter(f *testing.F) {
	s := newSigner(f, "XA")
	d := draftOf(f, s)
	first := sign(f, d, s, nil)
	next := d
	next.Serial, next.Previous, next.Seal = 2, first.Digest, newSeal(f)
	f.Add(first.Raw)
	f.Add(sign(f, next, s, s).Raw)
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte(`{"v":1,"revokes":false}` + "\n" + `{"by":"log"}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkLetter(t, raw)
		// A changed line fails on its signature; signed again it reaches the checks behind.
		if line, _, ok := bytes.Cut(raw, []byte("\n")); ok {
			checkLetter(t, withSignature(t, s, line))
		}
	})
}

// checkLetter parses an input and holds what came out against what went in.
func checkLetter(t *testing.T, raw []byte) {
	t.Helper()
	l, err := party.ParseLetter(raw)
	if err != nil {
		if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge && c != fault.NotAuthentic {
			t.Fatalf("an input raises %s", c)
		}
		return
	}
	if !bytes.Equal(l.Raw, raw) || !bytes.HasPrefix(raw, append(bytes.Clone(l.Line), '\n')) {
		t.Fatal("the bytes were changed")
	}
	if len(l.Words()) != 10 || l.Confirm(strings.Join(l.Words(), " ")) != nil {
		t.Fatal("a letter does not confirm its own words")
	}
	if party.Succeeds(l, l) == nil {
		t.Fatal("a letter succeeds itself")
	}
}

// TestSpelling: bits that base64 leaves over are zero, so that a letter has one text.
func TestSpelling(t *testing.T) {
	t.Parallel()
	// spec: ENC-4
	s := newSigner(t, "XA")
	raw := sign(t, draftOf(t, s), s, nil).Raw
	for at, c := range raw[:len(raw)-2] {
		if raw[at+1] != '=' || c == '=' {
			continue
		}
		other := bytes.Clone(raw)
		other[at]++ // Q, g or w, or a digit between: the next letter has the same leading bits
		if _, err := party.ParseLetter(other); err == nil {
			t.Fatalf("a second spelling at byte %d is taken", at)
		}
	}
}
