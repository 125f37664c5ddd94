package party_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// rotate writes what a change of log keys needs into a draft.
func rotate(d *party.Letter, s signer, size int64) {
	d.Closing = &party.Closing{Origin: d.Origin, Size: size, Root: make([]byte, 32)}
	d.Origin = party.MakeOrigin(d.Code, d.Origin.Serial()+1)
	d.Log = s.keys(party.RoleLog)
}

func TestSucceeds(t *testing.T) {
	t.Parallel()
	// spec: LTR-6, LTR-7
	old, fresh := newSigner(t, "XA"), newSigner(t, "XA again")
	first := sign(t, draftOf(t, old), old, nil)
	for name, c := range map[string]struct {
		change   func(d *party.Letter)
		log      signer
		recovery signer // nil: none
		code     fault.Code
		clause   string
	}{
		"nothing":                     {func(*party.Letter) {}, old, nil, "", ""},
		"names, endpoints, contacts":  {func(d *party.Letter) { d.Names = map[string]string{"en": "X"}; d.Endpoints = nil; d.Contacts = nil }, old, nil, "", ""},
		"needless recovery signature": {func(*party.Letter) {}, old, old, "", ""},
		"recovery by another key":     {func(*party.Letter) {}, old, fresh, fault.NotAuthentic, "LTR-6"},
		"seal":                        {func(d *party.Letter) { d.Seal = newSeal(t) }, old, old, "", ""},
		"seal without recovery":       {func(d *party.Letter) { d.Seal = newSeal(t) }, old, nil, fault.NotAuthentic, "LTR-6"},
		"seal, recovery of another":   {func(d *party.Letter) { d.Seal = newSeal(t) }, old, fresh, fault.NotAuthentic, "LTR-6"},
		"tls without recovery":        {func(d *party.Letter) { d.TLS = wire.Digest{9} }, old, nil, fault.NotAuthentic, "LTR-6"},
		"witness without recovery":    {func(d *party.Letter) { d.Witness.PublicKeys = fresh.keys(party.RoleWitness) }, old, nil, fault.NotAuthentic, "LTR-6"},
		"witness name without it":     {func(d *party.Letter) { d.Witness.Name = "XA/witness/2" }, old, nil, fault.NotAuthentic, "LTR-6"},
		"commitment without recovery": {func(d *party.Letter) { d.Recovery = wire.Digest{9} }, old, nil, fault.NotAuthentic, "LTR-6"},
		"commitment by the new key":   {func(d *party.Letter) { d.Recovery = party.RecoveryCommitment(fresh.keys(party.RoleRecovery)) }, old, fresh, fault.NotAuthentic, "LTR-6"},
		"commitment by the old key":   {func(d *party.Letter) { d.Recovery = party.RecoveryCommitment(fresh.keys(party.RoleRecovery)) }, old, old, "", ""},
		"rotation":                    {func(d *party.Letter) { rotate(d, fresh, 7) }, fresh, old, "", ""},
		"rotation without recovery":   {func(d *party.Letter) { rotate(d, fresh, 7) }, fresh, nil, fault.NotAuthentic, "LTR-6"},
		"revocation":                  {func(d *party.Letter) { rotate(d, fresh, 7); d.Revokes = true }, fresh, old, "", ""},
		"new origin, same keys":       {func(d *party.Letter) { rotate(d, old, 7) }, old, old, "", ""},
		"revocation, same keys":       {func(d *party.Letter) { rotate(d, old, 7); d.Revokes = true }, old, old, fault.Inadmissible, "LTR-7"},
		"log keys without origin":     {func(d *party.Letter) { d.Log = fresh.keys(party.RoleLog) }, fresh, old, fault.Inadmissible, "LTR-7"},
		"origin without closing":      {func(d *party.Letter) { rotate(d, fresh, 7); d.Closing = nil }, fresh, old, fault.Inadmissible, "LTR-7"},
		"closing of another origin":   {func(d *party.Letter) { d.Origin = "XA/3"; rotate(d, fresh, 7) }, fresh, old, fault.Inadmissible, "LTR-7"},
		"another previous":            {func(d *party.Letter) { d.Previous = wire.Digest{9} }, old, old, fault.Inadmissible, "LTR-6"},
		"serial skipped":              {func(d *party.Letter) { d.Serial++ }, old, old, fault.Inadmissible, "LTR-6"},
		"another party": {func(d *party.Letter) {
			d.Code, d.Origin, d.Witness.Name = "XB", "XB/1", "XB/witness/1"
		}, old, old, fault.Inadmissible, "LTR-6"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := first.Follow()
			c.change(&d)
			var recovery party.Signer
			if c.recovery != nil {
				recovery = c.recovery
			}
			err := party.Succeeds(first, sign(t, d, c.log, recovery))
			if c.code == "" && err == nil {
				return
			}
			wantFault(t, err, c.code, c.clause)
		})
	}
}

func TestClosingWithoutOpening(t *testing.T) {
	t.Parallel()
	// spec: LTR-3, LTR-7
	s := newSigner(t, "XA")
	d := draftOf(t, s)
	d.Origin = "XA/2"
	first := sign(t, d, s, nil)
	d = first.Follow()
	d.Closing = &party.Closing{Origin: "XA/1", Size: 1, Root: make([]byte, 32)}
	wantFault(t, party.Succeeds(first, sign(t, d, s, s)), fault.Inadmissible, "LTR-7")
}

func TestClosingBounds(t *testing.T) {
	t.Parallel()
	// spec: LTR-3, LTR-7
	old, fresh := newSigner(t, "XA"), newSigner(t, "XA again")
	first := sign(t, draftOf(t, old), old, nil)
	for name, change := range map[string]func(d *party.Letter){
		"serial rises by two": func(d *party.Letter) { d.Origin = "XA/3" },
		"serial falls":        func(d *party.Letter) { d.Origin = "XA/1" },
		"negative size":       func(d *party.Letter) { d.Closing.Size = -1 },
		"too large":           func(d *party.Letter) { d.Closing.Size = party.MaxLeaves + 1 },
		"short root":          func(d *party.Letter) { d.Closing.Root = make([]byte, 31) },
		"of another party":    func(d *party.Letter) { d.Closing.Origin = "XB/1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := first.Follow()
			rotate(&d, fresh, 7)
			change(&d)
			_, err := party.SignLetter(d, fresh, old)
			wantFault(t, err, fault.Malformed, "LTR-7")
		})
	}
	c := party.Closing{Origin: "XA/1", Size: 7, Root: make([]byte, 32)}
	if err := c.Check(6, [32]byte{1}); err != nil {
		t.Errorf("a smaller size stands: %v", err)
	}
	if err := c.Check(7, [32]byte{}); err != nil {
		t.Errorf("the closing checkpoint itself stands: %v", err)
	}
	wantFault(t, c.Check(8, [32]byte{}), fault.Revoked, "LTR-7")
	wantFault(t, c.Check(7, [32]byte{1}), fault.Revoked, "LTR-7")
}

func TestRecoverySignature(t *testing.T) {
	t.Parallel()
	// spec: LTR-4
	s := newSigner(t, "XA")
	first := sign(t, draftOf(t, s), s, nil)
	next := sign(t, first.Follow(), s, s)
	if !next.HasRecoverySignature() {
		t.Fatal("the recovery signature was not seen")
	}
	lines := strings.SplitAfter(string(next.Raw), "\n")
	other := sign(t, first.Follow(), s, newSigner(t, "XB"))
	otherLines := strings.SplitAfter(string(other.Raw), "\n")
	swap := func(line, from, to, member string) string {
		return strings.Replace(line, valueOf(t, from, member), valueOf(t, to, member), 1)
	}
	for name, third := range map[string]string{
		"another Ed25519 signature": swap(lines[2], lines[2], otherLines[2], `"ed25519":"`),
		"another ML-DSA signature":  swap(lines[2], lines[2], otherLines[2], `"mldsa44":"`),
	} {
		_, err := party.ParseLetter([]byte(lines[0] + lines[1] + third))
		if fault.CodeOf(err) != fault.NotAuthentic || fault.ClauseOf(err) != "LTR-4" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := party.ParseLetter([]byte(lines[0] + lines[2] + lines[1]))
	wantFault(t, err, fault.Malformed, "LTR-4")
	_, err = party.ParseLetter([]byte(lines[0] + lines[1] + lines[1]))
	wantFault(t, err, fault.Malformed, "LTR-4")
}

// valueOf finds the first string after a member's name.
func valueOf(t *testing.T, line, member string) string {
	t.Helper()
	_, rest, ok := strings.Cut(line, member)
	v, _, end := strings.Cut(rest, `"`)
	if !ok || !end {
		t.Fatalf("no %s", member)
	}
	return v
}

func TestHistory(t *testing.T) {
	t.Parallel()
	// spec: LTR-7, LTR-8
	old, fresh := newSigner(t, "XA"), newSigner(t, "XA again")
	first := sign(t, draftOf(t, old), old, nil)
	second := sign(t, first.Follow(), old, nil)
	d := second.Follow()
	rotate(&d, fresh, 7)
	d.Revokes = true
	third := sign(t, d, fresh, old)
	h, err := party.MakeHistory(third, first, second)
	if err != nil {
		t.Fatal(err)
	}
	if h.Open() != "XA/2" || h.Newest() != third {
		t.Fatalf("the open origin is %s", h.Open())
	}
	keys, closed, revoked, err := h.Keys("XA/1")
	if err != nil || !keys.Equal(first.Log) || closed == nil || closed.Size != 7 || !revoked {
		t.Fatalf("the closed origin: %v %v %v", closed, revoked, err)
	}
	keys, closed, revoked, err = h.Keys("XA/2")
	if err != nil || !keys.Equal(third.Log) || closed != nil || revoked {
		t.Fatalf("the open origin: %v %v %v", closed, revoked, err)
	}
	_, _, _, err = h.Keys("XA/3")
	wantFault(t, err, fault.Unknown, "LTR-8")
	_, err = party.MakeHistory()
	wantFault(t, err, fault.Unknown, "LTR-8")
	_, err = party.MakeHistory(first, third)
	wantFault(t, err, fault.Inadmissible, "LTR-6")
}

func TestOffices(t *testing.T) {
	t.Parallel()
	// spec: LTR-10, ENC-6
	s := newSigner(t, "XA.cert")
	d := draftOf(t, s)
	d.Code, d.Origin, d.Witness.Name = "XA.cert", "XA.cert/1", "XA.cert/witness/1"
	l := sign(t, d, s, nil)
	o := party.Offices{}
	if o.Vouches(l) {
		t.Fatal("nobody introduced the office")
	}
	for _, c := range []struct{ author, office party.Code }{
		{"XB", "XA.cert"}, {"XA.cert", "XA.cert"}, {"XA", "XA"}, {"XA.cert", "XA.cert.lab"}, {"XA", "XAB.cert"},
	} {
		wantFault(t, o.Introduce(c.author, party.OfficeFacts{Office: c.office, Letter: l.Digest}), fault.Inadmissible, "LTR-10")
		wantFault(t, o.Withdraw(c.author, party.WithdrawOfficeFacts{Office: c.office}), fault.Inadmissible, "LTR-10")
	}
	wantFault(t, o.Introduce("XA", party.OfficeFacts{Office: "XA.cert"}), fault.Malformed, "LTR-10")
	if err := o.Introduce("XA", party.OfficeFacts{Office: "XA.cert", Letter: l.Digest}); err != nil || !o.Vouches(l) {
		t.Fatalf("the office is introduced: %v", err)
	}
	if o.Vouches(sign(t, l.Follow(), s, nil)) {
		t.Fatal("another letter of the office was vouched for")
	}
	if err := o.Withdraw("XA", party.WithdrawOfficeFacts{Office: "XA.cert"}); err != nil || o.Vouches(l) {
		t.Fatalf("the office is withdrawn: %v", err)
	}
}

// TestAnyChange: whatever is changed of what the recovery key guards, the log's keys alone do not suffice.
func TestAnyChange(t *testing.T) {
	t.Parallel()
	// spec: LTR-6
	old, fresh := newSigner(t, "XA"), newSigner(t, "XA again")
	first := sign(t, draftOf(t, old), old, nil)
	seal := newSeal(t)
	changes := []func(*party.Letter){
		func(d *party.Letter) { d.Seal = seal },
		func(d *party.Letter) { d.TLS = wire.Digest{2} },
		func(d *party.Letter) { d.Recovery = wire.Digest{2} },
		func(d *party.Letter) { d.Witness.PublicKeys = fresh.keys(party.RoleWitness) },
		func(d *party.Letter) { rotate(d, fresh, 1) },
		func(d *party.Letter) { d.Names = map[string]string{"en": "Y"} },
		func(d *party.Letter) { d.Endpoints = nil },
	}
	const harmless = 5 // changes from here on need nothing
	rapid.Check(t, func(t *rapid.T) {
		d, log, guarded := first.Follow(), old, false
		for i, change := range changes {
			if rapid.Bool().Draw(t, "change") {
				change(&d)
				guarded = guarded || i < harmless
				if i == 4 {
					log = fresh
				}
			}
		}
		bare, err := parsed(party.SignLetter(d, log, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := party.Succeeds(first, bare); (err != nil) != guarded {
			t.Fatalf("without recovery: %v", err)
		}
		signed, err := parsed(party.SignLetter(d, log, old))
		if err != nil {
			t.Fatal(err)
		}
		if err := party.Succeeds(first, signed); err != nil {
			t.Fatalf("with recovery: %v", err)
		}
	})
}

func parsed(raw []byte, err error) (*party.Letter, error) {
	if err != nil {
		return nil, err
	}
	return party.ParseLetter(raw)
}
