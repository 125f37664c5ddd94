package party_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

func TestParseCode(t *testing.T) {
	t.Parallel()
	// spec: ENC-6
	for s, principal := range map[string]party.Code{
		"XA": "XA", "X1": "X1", "XABCDEFGHIJK": "XABCDEFGHIJK", "XA.cert": "XA", "XA.c": "XA", "XA.cert-2.lab": "XA", "XA." + strings.Repeat("a", 16): "XA",
	} {
		c, err := party.ParseCode(s)
		if err != nil || c.Principal() != principal || c.IsOffice() != strings.Contains(s, ".") {
			t.Errorf("%s: %v, of %s", s, err, c.Principal())
		}
	}
	for _, s := range []string{
		"", "X", "xa", "1A", "Xa", "XABCDEFGHIJKL", "XA.", "XA.Cert", "XA.1", "XA.-a", "XA.a.b.c", "XA..a", ".a", "XA cert", "XA\n", "ХА", "XA." + strings.Repeat("a", 17),
	} {
		_, err := party.ParseCode(s)
		wantFault(t, err, fault.Malformed, "ENC-6")
		var c party.Code
		wantFault(t, c.UnmarshalText([]byte(s)), fault.Malformed, "ENC-6")
	}
}

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	// spec: ENC-7
	rapid.Check(t, func(t *rapid.T) {
		code := party.Code(rapid.StringMatching(`[A-Z][A-Z0-9]{1,11}(\.[a-z][a-z0-9-]{0,15}){0,2}`).Draw(t, "code"))
		serial := rapid.IntRange(1, 9999).Draw(t, "serial")
		o, err := party.ParseOrigin(string(party.MakeOrigin(code, serial)))
		if err != nil || o.Code() != code || o.Serial() != serial {
			t.Fatalf("%s: %v", o, err)
		}
	})
	for _, s := range []string{"", "XA", "XA/", "/1", "XA/0", "XA/01", "XA/10000", "XA/-1", "XA/+1", "XA/1/2", "xa/1", "XA/1 ", "XA/１"} {
		var o party.Origin
		wantFault(t, o.UnmarshalText([]byte(s)), fault.Malformed, "ENC-7")
	}
}
