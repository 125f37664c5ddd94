package match

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// pool is what the differential tests look for. Values overlap on purpose: a domain and its subdomain, an address, its endpoint and its ranges.
var pool = []string{
	"evil.example", "a.evil.example", "bad-host.example", "_x.bad.example", "xn--bcher-kva.example",
	"192.0.2.1", "192.0.2.10", "198.51.100.7", "192.0.2.0/24", "198.51.0.0/16", "2001:db8::1", "2001:db8:1::/48", "fe80::1",
	"192.0.2.9:443", "198.51.100.7:53", "[2001:db8::5]:8443",
	"http://evil.example/a/b.php", "https://evil.example:8443/x?y=1", "http://192.0.2.77", "http://site.example", "url.example/path/", "port.example:8080", "http://[2001:db8::9]/v",
	"/gate.php", "/a/b/c?d=e", "/?id=7",
	"user@evil.example", "a.b+c@mail.example",
	"d41d8cd98f00b204e9800998ecf8427e", strings.Repeat("0a", 20), strings.Repeat("1b", 32), strings.Repeat("2c", 64),
}

// planted are ways to write what is in the pool, each with the indicator's canonical text, that must be found in any context.
func planted(t *rapid.T) (text, want string) {
	want = rapid.SampledFrom(pool).Draw(t, "indicator")
	v, err := Parse(want, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, want = want, v.Text
	mix := func(s string) string {
		if rapid.Bool().Draw(t, "upper") {
			return strings.ToUpper(s)
		}
		return s
	}
	fanged := func(s string) string {
		switch rapid.IntRange(0, 5).Draw(t, "fang") {
		case 0:
			return strings.ReplaceAll(s, ".", "[.]")
		case 1:
			return strings.Replace(s, ".", "(dot)", 1)
		case 2:
			return strings.ReplaceAll(s, ".", "{.}")
		case 3:
			return strings.ReplaceAll(s, ".", `\u002e`)
		}
		return s
	}
	switch v.Kind {
	case Domain:
		text = fanged(mix(rapid.SampledFrom([]string{"", "www.", "a.b-c.", "_s."}).Draw(t, "sub") + text))
		if want == "xn--bcher-kva.example" {
			text = rapid.SampledFrom([]string{text, "bücher.example", "www.BÜCHER.example", "bücher。example", `b\u00fccher.example`, `b\xc3\xbccher.example`}).Draw(t, "idn")
		}
	case Address:
		if strings.Contains(text, ":") {
			text = rapid.SampledFrom([]string{text, strings.ToUpper(text), strings.ReplaceAll(text, "::", ":0:0:0:0:0:0:"), "[" + text + "]:80"}).Draw(t, "six")
			if strings.Contains(text, ":0:0:0") && v.Text == "2001:db8::1" {
				text = "2001:0DB8:0:0:0:0:0:1"
			}
		} else {
			text = fanged(text)
		}
	case Range:
		text = map[string]string{"192.0.2.0/24": "192.0.2.200", "198.51.0.0/16": "198.51.3.4", "2001:db8:1::/48": "2001:db8:1:2::3"}[want]
	case URL:
		switch rapid.IntRange(0, 5).Draw(t, "url") {
		case 0:
			text = strings.Replace(text, "http", "hxxp", 1)
		case 1:
			if strings.Contains(text, "/a/b.php") {
				text += "?q=1&r=2"
			}
		case 2:
			text = fanged(text)
		case 3:
			if strings.HasPrefix(want, "http://site") {
				text += "/any/thing.html"
			}
		case 4:
			if strings.Contains(text, "://") && v.host != "" {
				text = strings.Replace(text, v.host, strings.ToUpper(v.host), 1)
			}
		case 5:
			text = strings.ReplaceAll(text, "/", `\/`)
		}
	case Path:
		text = rapid.SampledFrom([]string{"", "http://some.host", "https://198.18.0.1:8443", "host.test"}).Draw(t, "before") + text
	case Mail:
		text = rapid.SampledFrom([]string{text, strings.ToUpper(text), strings.Replace(text, "@", "[@]", 1), strings.Replace(text, ".", "[.]", 1), "mailto:" + text}).Draw(t, "mail")
	case Hash:
		text = mix(text)
	}
	return text, want
}

// noise is what stands in logs beside, with near misses among it.
func noise(t *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{
			"notevil.example", "evil.example.test", "evil.exampleX", "evil-example", "-", "(empty)", "1521911720.865716", "0.000870", "192.0.2.1000", "1.192.0.2.1", "192.0.2.256",
			"12:34:56", "aa:bb:cc:dd:ee:ff", "fe80::", "::", "C:\\temp\\new.exe", "text/html", "HTTP/1.1", "Mozilla/5.0", "GET", "F", "NOERROR", "http://", "https://x", "user@", "@evil", "д.рф", "访问",
			"d41d8cd98f00b204e9800998ecf8427", "d41d8cd98f00b204e9800998ecf8427e0", "/gate.phpx", "/x/gate.php", "[.]", "\\", "\\n", "\\u00", "a[.", "{", "}", "2001:db8:::1", "évil.example",
		}),
		rapid.StringMatching(`[a-z0-9.:/@_-]{1,20}`),
		rapid.StringMatching(`[A-Za-z0-9]{1,12}(\.[a-z]{2,5}){0,3}`),
	).Draw(t, "noise")
}

// line is one log line with zero or more planted values, between signs that are no part of any value.
func line(t *rapid.T) (text string, want []string) {
	sep := rapid.SampledFrom([]string{" ", "\t", `","`, " | "}).Draw(t, "separator")
	var parts []string
	for range rapid.IntRange(0, 8).Draw(t, "parts") {
		if rapid.IntRange(0, 2).Draw(t, "plant") == 0 {
			p, w := planted(t)
			parts, want = append(parts, p), append(want, w)
		} else {
			parts = append(parts, noise(t))
		}
	}
	return strings.Join(parts, sep), want
}

// TestPlanted: whatever is planted, in whatever form and context, is found, and nothing else that a slow and simple reading would not find.
func TestPlanted(t *testing.T) {
	t.Parallel()
	set := built(t, pool...)
	rapid.Check(t, func(t *rapid.T) {
		text, want := line(t)
		s := newScanner(set)
		var got []string
		for _, h := range s.scan([]byte(text)) {
			if h.near {
				continue
			}
			got = append(got, h.value)
			if !sound(h, text[h.lo:h.hi]) {
				t.Fatalf("in %q: %s %q stands at %q", text, h.kind, h.value, text[h.lo:h.hi])
			}
		}
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Fatalf("in %q: %q is not found, but %q", text, w, got)
			}
		}
	})
}

// sound tells whether a value is really what was written, by the indicators' own reading.
func sound(h hit, written string) bool {
	text := string(unfold(nil, []byte(written)))
	folded := strings.ContainsAny(written, `[({\\`) // it stands for the whole run that was read a second time
	v, err := Parse(strings.Trim(text, "."), 0)
	switch h.kind {
	case Path:
		return strings.Contains(text, h.value)
	case Domain:
		low := strings.ToLower(text)
		return strings.Contains(low, h.value) || err == nil && (v.Text == h.value || strings.HasSuffix(v.Text, "."+h.value)) || strings.Contains(text, "cher")
	case Range:
		p := netip.MustParsePrefix(h.value)
		return err == nil && v.Kind == Address && p.Contains(netip.MustParseAddr(v.Text)) || folded
	case Mail, Hash, Address, Endpoint, URL:
		return strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimPrefix(h.value, "//"))) || err == nil && (v.Text == h.value || v.Text[2:] == h.value) || folded
	}
	return false
}

// TestNaive holds the scanner against expressions that say, in one line each, what an occurrence is: for lines without escapes and defanging, both find
// the same values at the same places.
func TestNaive(t *testing.T) {
	t.Parallel()
	set := built(t, pool...)
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.OneOf(
			rapid.SampledFrom(pool),
			rapid.StringMatching(`(www\.|x-)?(evil|bad-host|notevil)\.example(\.|\.com|:80|/)?`),
			rapid.StringMatching(`(192\.0\.2|198\.51\.100)\.[0-9]{1,3}(:443|:53|#53|-|_|\.|/x)?`),
			rapid.StringMatching(`(x@|user@|a\.b\+c@)(evil|mail)\.example\.?`),
			rapid.StringMatching(`[a-f0-9.:@_-]{1,40}`),
			rapid.StringMatching(`(2001:db8|fe80)(:[0-9]){0,3}::[0-9]`),
		), 1, 8).Draw(t, "words")
		var text strings.Builder
		for _, w := range words {
			text.WriteString(w + rapid.SampledFrom([]string{" ", "\t", ",", ";", "\"", "=", "(", ")", "'", "\n"}).Draw(t, "sep"))
		}
		want := naive(text.String())
		var got []string
		for _, h := range newScanner(set).scan([]byte(text.String())) {
			if !h.near && h.kind != URL && h.kind != Path {
				got = append(got, fmt.Sprintf("%06d %s %s", h.lo, h.kind, h.value))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("in %q:\nfound  %q\nnaive  %q", text.String(), got, want)
		}
	})
}

var (
	atoms    = regexp.MustCompile(`[0-9A-Za-z._-]+`)
	pieces   = regexp.MustCompile(`[0-9A-Za-z.]+`)
	alnums   = regexp.MustCompile(`[0-9A-Za-z]+`)
	colons   = regexp.MustCompile(`[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*`)
	mails    = regexp.MustCompile(`[0-9A-Za-z._%+~-]+@[0-9A-Za-z._-]+`)
	portSign = regexp.MustCompile(`^\.*[:#]([0-9]{1,5})(?:[^0-9A-Za-z_-]|$)`)
	sixPort  = regexp.MustCompile(`^\]:([0-9]{1,5})(?:[^0-9A-Za-z_-]|$)`)
)

// naive finds what TestNaive's texts hold, each kind by itself and each indicator in turn.
func naive(text string) []string {
	var out []string
	add := func(at int, v Value) { out = append(out, fmt.Sprintf("%06d %s %s", at, v.Kind, v.Text)) }
	for _, p := range pool {
		v, _ := Parse(p, 0)
		switch v.Kind {
		case Domain:
			for _, m := range atoms.FindAllStringIndex(text, -1) {
				a := strings.ToLower(strings.TrimRight(text[m[0]:m[1]], "."))
				if strings.Trim(a, ".") == v.Text || strings.HasSuffix(a, "."+v.Text) {
					add(m[0]+len(a)-len(v.Text), v)
				}
			}
		case Hash:
			for _, m := range alnums.FindAllStringIndex(text, -1) {
				if strings.EqualFold(text[m[0]:m[1]], v.Text) {
					add(m[0], v)
				}
			}
		case Mail:
			for _, m := range mails.FindAllStringIndex(text, -1) {
				if strings.EqualFold(strings.TrimRight(text[m[0]:m[1]], "."), v.Text) {
					add(m[0], v)
				}
			}
		case Address, Range, Endpoint:
			for at, a := range addresses(text) {
				hit := v.Kind == Address && a.addr.String() == v.Text
				if v.Kind == Range {
					hit = netip.MustParsePrefix(v.Text).Contains(a.addr)
				}
				if v.Kind == Endpoint {
					hit = a.port != "" && netip.MustParseAddrPort(v.Text) == netip.AddrPortFrom(a.addr, uint16(number([]byte(a.port)))) && number([]byte(a.port)) < 1<<16
				}
				if hit && v.Kind == Endpoint && a.addr.Is6() {
					at-- // the bracket
				}
				if hit {
					add(at, v)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type located struct {
	addr netip.Addr
	port string
}

func addresses(text string) map[int]located {
	out := map[int]located{}
	for _, m := range pieces.FindAllStringIndex(text, -1) {
		trimmed := strings.TrimLeft(text[m[0]:m[1]], ".")
		lo := m[1] - len(trimmed)
		trimmed = strings.TrimRight(trimmed, ".")
		if a, err := netip.ParseAddr(trimmed); err == nil && a.Is4() {
			l := located{addr: a}
			if p := portSign.FindStringSubmatch(text[lo+len(trimmed):]); p != nil {
				l.port = p[1]
			}
			out[lo] = l
		}
	}
	for _, m := range colons.FindAllStringIndex(text, -1) {
		lo, hi := m[0], m[1]
		for hi > lo && text[hi-1] == '.' {
			hi--
		}
		end := m[1]
		if strings.HasSuffix(text[lo:hi], ":") && !strings.HasSuffix(text[lo:hi], "::") {
			hi--
			end = hi
		}
		if strings.HasPrefix(text[lo:hi], ":") && !strings.HasPrefix(text[lo:hi], "::") {
			lo++
		}
		if hi <= lo {
			continue
		}
		if lo > 0 && text[lo] != ':' && shapes[text[lo-1]]&(letter|digit|joint) != 0 || end < len(text) && shapes[text[end]]&(letter|joint) != 0 {
			continue
		}
		if a, err := netip.ParseAddr(text[lo:hi]); err == nil && a.Is6() && !a.Is4In6() {
			l := located{addr: a}
			if p := sixPort.FindStringSubmatch(text[end:]); p != nil {
				l.port = p[1]
			}
			out[lo] = l
		}
	}
	return out
}

// TestCuts: wherever a log is cut, between lines or within a long one, by whoever reads it in whatever pieces, the same is found at the same places.
func TestCuts(t *testing.T) {
	t.Parallel()
	set := built(t, pool...)
	rapid.Check(t, func(t *rapid.T) {
		var log strings.Builder
		n := 0
		for range rapid.IntRange(1, 6).Draw(t, "blocks") {
			text, want := line(t)
			// Filling that brings the next line to a border: of whole lines, or of windows in one line.
			fill := rapid.SampledFrom([]int{0, 10, least - 40, least - overlap - 40, 2*least - 60, overlap}).Draw(t, "fill") + rapid.IntRange(0, 60).Draw(t, "more")
			end := rapid.SampledFrom([]string{" ", "\n"}).Draw(t, "end")
			log.WriteString(strings.Repeat(rapid.SampledFrom([]string{"x ", "xy\n"}).Draw(t, "filling"), fill/2) + " " + text + end)
			n += len(want)
		}
		raw := []byte(log.String())
		want := whole(set, raw)
		for _, o := range []Options{{Window: least, Format: Plain}, {Window: least + 13, Workers: 3, Format: Plain}, {Format: Plain}} {
			var r io.Reader = bytes.NewReader(raw)
			if o.Workers == 3 {
				r = iotest.HalfReader(r)
			}
			var got []string
			stats, err := Scan(context.Background(), r, set, o, func(f Occurrence) error {
				got = append(got, fmt.Sprintf("%d %d %s %s", f.Line, f.Offset, f.Kind, f.Value))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("window %d, %d bytes, %d planted:\nfound %q\nwant  %q", o.Window, len(raw), n, got, want)
			}
			lines := bytes.Count(raw, []byte("\n"))
			if len(raw) > 0 && raw[len(raw)-1] != '\n' {
				lines++
			}
			if stats.Bytes != int64(len(raw)) || stats.Lines != int64(lines) || stats.Found != int64(len(got)) {
				t.Fatalf("counted %+v of %d bytes, %d lines", stats, len(raw), lines)
			}
		}
	})
}

// whole is what a scan finds that is not cut.
func whole(set *Set, raw []byte) []string {
	var out []string
	for _, h := range newScanner(set).scan(raw) {
		if !h.near {
			out = append(out, fmt.Sprintf("%d %d %s %s", 1+bytes.Count(raw[:h.lo], []byte("\n")), h.lo, h.kind, h.value))
		}
	}
	slices.Sort(out)
	return out
}
