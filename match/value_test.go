package match

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		as   Kind
		kind Kind
		want string // "" for refused
	}{
		{"192.0.2.1", 0, Address, "192.0.2.1"},
		{" 192[.]0[.]2[.]1 ", 0, Address, "192.0.2.1"},
		{"192(.)0{.}2[dot]1", 0, Address, "192.0.2.1"},
		{`192\.0\.2\.1`, 0, Address, "192.0.2.1"},
		{"192[.0.2.]1", 0, Address, "192.0.2.1"},
		{"2001:DB8:0:0:0:0:0:1", 0, Address, "2001:db8::1"},
		{"2001[:]db8[:][:]1", 0, Address, "2001:db8::1"},
		{"[2001:db8::1]", 0, Address, "2001:db8::1"},
		{"::ffff:192.0.2.1", 0, Address, "192.0.2.1"},
		{"::ffff:c000:201", 0, Address, "192.0.2.1"},
		{"192.0.2.1/32", 0, Address, "192.0.2.1"},
		{"192.0.2.77/24", 0, Range, "192.0.2.0/24"},
		{"2001:db8:ffff::/32", 0, Range, "2001:db8::/32"},
		{"0.0.0.0/0", 0, Range, "0.0.0.0/0"},
		{"192.0.2.1:443", 0, Endpoint, "192.0.2.1:443"},
		{"[2001:db8::1]:8443", 0, Endpoint, "[2001:db8::1]:8443"},
		{"192.0.2.1:0", 0, 0, ""},
		{"192.0.2.1:65536", 0, 0, ""},
		{"192.0.2.01", 0, 0, ""},
		{"192.0.2", 0, 0, ""},
		{"Example.ORG.", 0, Domain, "example.org"},
		{"*.example.org", 0, Domain, "example.org"},
		{".example.org", 0, Domain, "example.org"},
		{"EXAMPLE[.]org", 0, Domain, "example.org"},
		{"example(dot)org", 0, Domain, "example.org"},
		{"bücher.example", 0, Domain, "xn--bcher-kva.example"},
		{"BÜCHER。example", 0, Domain, "xn--bcher-kva.example"},
		{"xn--bcher-kva.example", 0, Domain, "xn--bcher-kva.example"},
		{"ｅｘａｍｐｌｅ．org", 0, Domain, "example.org"},
		{"_dmarc.example.org", 0, Domain, "_dmarc.example.org"},
		{"example.org/", 0, Domain, "example.org"},
		{"localhost", 0, 0, ""},
		{"example.123", 0, 0, ""},
		{"a..example", 0, 0, ""},
		{strings.Repeat("a", 64) + ".example", 0, 0, ""},
		{strings.Repeat("a.", 130) + "example", 0, 0, ""},
		{"hxxp://Example[.]org/A?b=C#d", 0, URL, "http://example.org/A?b=C"},
		{"hXXps://user:pw@example.org:443/", 0, URL, "https://example.org"},
		{"https://example.org:8443/x", 0, URL, "https://example.org:8443/x"},
		{"h**p://example.org?x", 0, URL, "http://example.org/?x"},
		{"hxxp[:]//example[.]org[/]x", 0, URL, "http://example.org/x"},
		{"hxxp[://]example.org/x", 0, URL, "http://example.org/x"},
		{"http://192.0.2.1/x", 0, URL, "http://192.0.2.1/x"},
		{"http://[2001:DB8::1]:80/x", 0, URL, "http://[2001:db8::1]/x"},
		{"http://bücher.example/ü", 0, URL, "http://xn--bcher-kva.example/ü"},
		{"example.org/a/b", 0, URL, "//example.org/a/b"},
		{"example.org:8080", 0, URL, "//example.org:8080"},
		{"http://example.org/a b", 0, 0, ""},
		{"http:///x", 0, 0, ""},
		{"/Gate.php?id=1", 0, Path, "/Gate.php?id=1"},
		{"/?id=1", 0, Path, "/?id=1"},
		{"//x", 0, 0, ""},
		{"/", 0, 0, ""},
		{"A.B+c@Example.org", 0, Mail, "a.b+c@example.org"},
		{"a[@]example[.]org", 0, Mail, "a@example.org"},
		{"a(at)example(dot)org", 0, Mail, "a@example.org"},
		{"mailto:a@bücher.example", 0, Mail, "a@xn--bcher-kva.example"},
		{"a b@example.org", 0, 0, ""},
		{"@example.org", 0, 0, ""},
		{"D41D8CD98F00B204E9800998ECF8427E", 0, Hash, "d41d8cd98f00b204e9800998ecf8427e"},
		{strings.Repeat("aB", 20), 0, Hash, strings.Repeat("ab", 20)},
		{strings.Repeat("aB", 32), 0, Hash, strings.Repeat("ab", 32)},
		{strings.Repeat("aB", 64), 0, Hash, strings.Repeat("ab", 64)},
		{strings.Repeat("aB", 24), Hash, 0, ""},
		{"Evil.EXE", File, File, "evil.exe"},
		{"evil", File, 0, ""},
		{"a b.exe", File, 0, ""},
		{"", 0, 0, ""},
		{strings.Repeat("/a", 1100), 0, 0, ""},
	} {
		v, err := Parse(c.in, c.as)
		switch {
		case c.want == "" && err == nil:
			t.Errorf("%q is taken as %s %q", c.in, v.Kind, v.Text)
		case c.want == "":
			if code := fault.CodeOf(err); code != fault.Malformed && code != fault.TooLarge {
				t.Errorf("%q: %v", c.in, err)
			}
		case err != nil || v.Kind != c.kind || v.Text != c.want:
			t.Errorf("%q: %s %q, %v; want %s %q", c.in, v.Kind, v.Text, err, c.kind, c.want)
		default:
			if again, err := Parse(v.Text, v.Kind); err != nil || again.Text != v.Text || again.Kind != v.Kind {
				t.Errorf("%q: the canonical form %q is read as %s %q, %v", c.in, v.Text, again.Kind, again.Text, err)
			}
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for k := Address; k <= File; k++ {
		if KindOf(k.String()) != k {
			t.Errorf("%s is read as %s", k, KindOf(k.String()))
		}
	}
	for name, want := range map[string]Kind{"domain-name:value": Domain, " SHA-256 ": Hash, "ip-dst|port": Endpoint, "email-src": Mail, "cidr": Range, "": 0, "colour": 0} {
		if got := KindOf(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}

// TestAddresses holds our reading of addresses against the standard library's, which the kernel does not import.
func TestAddresses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`([0-9]{1,3}\.){3}[0-9]{1,3}`),
			rapid.StringMatching(`([0-9a-fA-F]{0,4}:){1,8}[0-9a-f]{0,4}`),
			rapid.StringMatching(`[0-9a-f:]{0,20}::[0-9a-f:]{0,20}`),
			rapid.StringMatching(`::ffff:([0-9]{1,3}\.){3}[0-9]{1,3}`),
			rapid.StringMatching(`[0-9a-f:.]{2,46}`),
			rapid.Custom(func(t *rapid.T) string {
				b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0, 0, 1, 0xff, 0x20}), 16, 16).Draw(t, "b")
				return netip.AddrFrom16([16]byte(b)).String()
			}),
		).Draw(t, "text")
		want, err := netip.ParseAddr(text)
		got, ok := parseAddr([]byte(text))
		if ok != (err == nil) {
			t.Fatalf("%q: taken %v, and elsewhere: %v", text, ok, err)
		}
		if !ok {
			return
		}
		if want = want.Unmap(); got.String() != want.String() || string(got.bytes()) != string(want.AsSlice()) {
			t.Fatalf("%q is %s, want %s", text, got, want)
		}
		length := rapid.IntRange(0, 8*got.n).Draw(t, "length")
		if p, err := want.Prefix(length); err != nil || got.masked(length).String() != p.Addr().String() {
			t.Fatalf("%s/%d is %s, want %s", want, length, got.masked(length), p)
		}
	})
}

// TestSipHash holds the digest against the reference implementation's vectors (key and message 00 01 02 …, the kind being the first byte).
func TestSipHash(t *testing.T) {
	t.Parallel()
	var key Key
	for i := range key {
		key[i] = byte(i)
	}
	h := hashes{k0: 0x0706050403020100, k1: 0x0f0e0d0c0b0a0908}
	// A message of twelve bytes, computed with OpenSSL 3: openssl mac -macopt hexkey:0001… -macopt size:16 siphash
	d := h.digest(3, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if got := words(d); got != "d7bc887c670edb76302e881d158f4ff6" {
		t.Errorf("the digest is %s", got)
	}
	if a, b := newHashes(key), newHashes(Key{1}); a.digest(Domain, []byte("a.example")) == b.digest(Domain, []byte("a.example")) || a.seed == b.seed {
		t.Error("the key does not count")
	}
}

func words(d digest) string {
	var b []byte
	for _, w := range []uint64{d.hi, d.lo} {
		for i := range 8 {
			b = append(b, byte(w>>(8*i)))
		}
	}
	return hex.EncodeToString(b)
}
