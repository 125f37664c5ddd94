package stix_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/stix"
)

// drawAddress draws texts that are addresses, nearly are, or are ranges of them.
func drawAddress(t *rapid.T) string {
	group := rapid.StringMatching(`[0-9a-fA-F]{1,5}`)
	v4 := rapid.StringMatching(`(25[0-9]|2[0-4][0-9]|1?[0-9]{1,2}|0[0-9])(\.(25[0-9]|1?[0-9]{1,2})){2,4}`)
	v6 := rapid.Custom(func(t *rapid.T) string {
		s := strings.Join(rapid.SliceOfN(group, 0, 8).Draw(t, "head"), ":")
		if rapid.Bool().Draw(t, "gap") {
			s += "::" + strings.Join(rapid.SliceOfN(group, 0, 6).Draw(t, "tail"), ":")
		}
		if rapid.IntRange(0, 4).Draw(t, "mapped") == 0 {
			s += ":" + v4.Draw(t, "v4")
		}
		return s
	})
	return rapid.OneOf(v4, v6, rapid.StringMatching(`[0-9a-f:.]{0,12}`)).Draw(t, "address") + rapid.SampledFrom([]string{"", "", "/0", "/24", "/32", "/33", "/64", "/128", "/129", "/08", "/", "/x", "%eth0"}).Draw(t, "length")
}

// TestAddressesAgreeWithNetip: an address or range is one for Check if it is one for package netip.
func TestAddressesAgreeWithNetip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawAddress(t)
		addr, err := netip.ParseAddr(s)
		if p, bad := netip.ParsePrefix(s); bad == nil {
			addr, err = p.Addr(), nil
		}
		quoted, bad := json.Marshal(s)
		if bad != nil {
			t.Fatal(bad)
		}
		for typ, good := range map[string]bool{"ipv4-addr": err == nil && addr.Is4(), "ipv6-addr": err == nil && addr.Is6() && addr.Zone() == ""} {
			o, err := stix.Parse(fmt.Appendf(nil, `{"type":%q,"id":"%s--00000000-0000-4000-8000-000000000001","value":%s}`, typ, typ, quoted))
			if err != nil {
				t.Fatal(err)
			}
			if found := o.Check(); (len(found) == 0) != good {
				t.Fatalf("%s %q: %v, should be good: %v", typ, s, found, good)
			}
		}
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	const uuid = "00000000-0000-4000-8000-00000000000A"
	for _, good := range []string{"url--" + uuid, "x-acme-lead--" + uuid, "a1-2--" + uuid, "x----" + uuid} {
		id, err := stix.ParseID(good)
		if err != nil || id.UUID() != uuid || string(id.Type())+"--"+id.UUID() != good {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "--" + uuid, "url-" + uuid, "url" + uuid, "URL--" + uuid, "1url--" + uuid, "u_l--" + uuid, "ur--" + uuid, strings.Repeat("a", 251) + "--" + uuid,
		"url--" + uuid[1:], "url--" + strings.ReplaceAll(uuid, "-", "a"), "url--" + strings.ReplaceAll(uuid, "A", "g"), "url--" + strings.Replace(uuid, "0", "-", 1)} {
		if id, err := stix.ParseID(bad); err == nil {
			t.Errorf("%s is taken", id)
		}
	}
	if id := stix.ID("x"); id.Type() != "" || id.UUID() != "" {
		t.Error("what is no identifier has parts")
	}
	own := [16]byte{1, 2, 3}
	if a, b := stix.DeriveID("identity", own, []byte("XA")), stix.DeriveID("identity", own, []byte("XB")); a == b || a != stix.DeriveID("identity", own, []byte("XA")) || a.UUID()[14] != '5' {
		t.Errorf("%s and %s", a, b)
	}
}
