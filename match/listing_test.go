package match

import (
	"strings"
	"testing"
	"time"
)

// TestListing: what is written as a list is read back as it was, defanged or not, and no cell of it is a formula.
func TestListing(t *testing.T) {
	t.Parallel()
	texts := map[string]Kind{
		"192.0.2.1": 0, "2001:db8::1": 0, "192.0.2.0/24": 0, "192.0.2.1:443": 0, "[2001:db8::1]:443": 0, "a.example": 0, "http://a.example/x,y?z=1.2": 0, "a.example/x": 0, "http://a.example": 0,
		"https://[2001:db8::1]:8443/x": 0, "+a@b.example": 0, "-a@b.example": 0, "d41d8cd98f00b204e9800998ecf8427e": 0, "/gate.php": 0, "-evil.exe": File, "ftp://a.example/x": 0,
	}
	from, until := time.Date(2026, 1, 2, 3, 4, 5, 6000000, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, kind := range texts {
		v, err := Parse(text, kind)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		row := Row{From: from, Until: until, Revoked: true}
		line := string(AppendListed(nil, v, row, "=1+1", "a\nb", `say "no", it's`))
		for _, c := range cells(strings.TrimSpace(line)) {
			if c != "" && strings.Contains(formula, c[:1]) {
				t.Errorf("%s: the cell %q is a formula", text, c)
			}
		}
		n := 0
		_, err = ReadList(strings.NewReader(Heading("id", "source", "note")+line), true, func(l Listed) error {
			n++
			if l.Err != nil || l.Value.Kind != v.Kind || l.Text != v.Text || !l.From.Equal(from) || !l.Until.Equal(until) || !l.Revoked {
				t.Errorf("%s: %q gives %+v", text, line, l)
			}
			return nil
		})
		if err != nil || n != 1 {
			t.Errorf("%s: %d lines, %v", text, n, err)
		}
		if again, err := Parse(v.Defanged(), v.Kind); err != nil || again.Text != v.Text {
			t.Errorf("%s: defanged %s gives %s, %v", text, v.Defanged(), again.Text, err)
		}
	}
	if v, err := Parse("https://a.example/b.c", 0); err != nil || v.Defanged() != "hxxps://a[.]example/b.c" {
		t.Errorf("%s, %v", v.Defanged(), err)
	}
}
