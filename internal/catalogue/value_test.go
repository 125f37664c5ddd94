package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/catalogue"
)

// TestFoundHoweverItIsWritten: a value is found in whatever form it is typed, and in whatever form its source wrote it.
func TestFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	forms := [][]string{
		{"bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "bücher[.]example", "bücher。example", "xn--bcher-kva.example."},
		{"2001:db8::1", "2001:DB8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001[:]db8[:][:]1"},
		{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2[.]1", "192[.0[.2[.1", "192.0.2.1/32", " 192.0.2.1 "},
		{"192.0.2.0/24", "192.0.2.77/24", "192.0.2[.]0/24"},
		{"198.51.100.7:443", "198[.]51.100.7[:]443"},
		{"https://evil.example/Gate.php?x=1", "hxxps://EVIL[.]example:443/Gate.php?x=1", "https://user@evil.example/Gate.php?x=1#top"},
		{"http://evil.example", "hxxp[:]//evil.example/", "http://evil.example:80"},
		{"duty.officer@example.org", "Duty.Officer@EXAMPLE.org", "duty.officer[@]example[.]org", "duty.officer(at)example.org"},
		{"44d88612fea8a8f36de82e1278abb02f", "44D88612FEA8A8F36DE82E1278ABB02F"},
		{"loader.EXE", "loader.exe"},
		{"a name with Blanks", "A NAME with blanks"},
		{"/Gate.php", "/gate.php"},
		{"hxxp://localhost/Path", "http://LOCALHOST/Path"},
	}
	for i, all := range forms {
		for j, form := range all {
			one := strings.Replace(indicator(100*i+j, 0, fmt.Sprintf("n%02d-%d", i, j), ""), fmt.Sprintf("host%d.example", 100*i+j), form, 1)
			if r := h.takes(source, one); r.Objects != 1 {
				t.Fatalf("%q: %+v", form, r)
			}
		}
	}
	for i, all := range forms {
		var want []string
		for j := range all {
			want = append(want, fmt.Sprintf("n%02d-%d", i, j))
		}
		for _, form := range all {
			h.is(form, h.found(catalogue.Search{For: officer(), Value: form}), strings.Join(want, " "))
		}
	}
	// What means something else is not the same.
	for _, other := range []string{"https://evil.example/gate.php?x=1", "http://evil.example/Gate.php?x=1", "192.0.2.0/25", "198.51.100.7", "xn--bcher.example"} {
		h.is(other, h.found(catalogue.Search{For: officer(), Value: other}), "")
	}
}

// FuzzNormal: a value's form is its own form, so that what is found is found again by how it is shown.
func FuzzNormal(f *testing.F) {
	for _, v := range []string{"", " ", "evil[.]example.", "hxxp://A/B", "http://", "://", "[.]", "(dot)", "1.2.3.4/33", "//a.b/c", "/x", "a@b.c", "HXXP", "hxxp[:]//x[.]y.", "xn--", "a.b..", "..a"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		once := catalogue.Normal(value)
		if len(once) > 8*len(value)+16 {
			t.Fatalf("%q became %d bytes", value, len(once))
		}
		if upper := strings.ToUpper(value); !strings.ContainsAny(value, ":/") && strings.ToLower(upper) == value && catalogue.Normal(upper) != once {
			t.Fatalf("%q is %q, %q is %q", value, once, upper, catalogue.Normal(upper))
		}
	})
}
