package match

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
)

func listed(t testing.TB, text string, csv bool) (out []string) {
	t.Helper()
	_, err := ReadList(strings.NewReader(text), csv, func(l Listed) error {
		switch {
		case l.Err != nil:
			out = append(out, fmt.Sprintf("%d %s", l.Line, fault.CodeOf(l.Err)))
		default:
			s := fmt.Sprintf("%d %s %s", l.Line, l.Kind, l.Text)
			if !l.From.IsZero() {
				s += " from " + l.From.Format("2006-01-02T15")
			}
			if !l.Until.IsZero() {
				s += " until " + l.Until.Format("2006-01-02T15")
			}
			if l.Revoked {
				s += " revoked"
			}
			out = append(out, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadList(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		csv  bool
		want []string
	}{
		{"\ufeff# remark\n\nEvil[.]example # seen\r\n192.0.2.1\t# too\nnot one\nhttp://a.example/#b", false, []string{"3 domain evil.example", "4 address 192.0.2.1", "5 malformed", "6 url http://a.example"}},
		{strings.Repeat("a", 3*maxLine) + "\na.example", false, []string{"1 too-large", "2 domain a.example"}},
		{"a.example\nb.exe,file\nc.example,domain,2026-01-01\nd.example,,2026-01-01T05:00:00Z,2026-02-01,true\n\"http://e.example/a,b\",url", true, []string{
			"1 domain a.example", "2 file b.exe", "3 domain c.example from 2026-01-01T00", "4 domain d.example from 2026-01-01T05 until 2026-02-01T00 revoked", "5 url http://e.example/a,b",
		}},
		{"Type,Indicator,note,revoked\ndomain,a.example,\"x \"\"y\"\", z\"\nip,192.0.2.1,,yes\n", true, []string{"2 domain a.example", "3 address 192.0.2.1 revoked"}},
		{"a.example,colour\na.example,domain,soon\na.example,domain,,,perhaps\n,domain\n", true, []string{"1 malformed", "2 malformed", "3 malformed", "4 malformed"}},
		{"", true, nil},
	} {
		if got := listed(t, c.text, c.csv); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text[:min(len(c.text), 80)], got, c.want)
		}
	}
	stop := errors.New("enough")
	if n, err := ReadList(strings.NewReader("a.example\nb.example\n"), false, func(Listed) error { return stop }); err != stop || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
}

// FuzzList: a list of any bytes is read to its end, and every line is taken or refused.
func FuzzList(f *testing.F) {
	f.Add("value,kind\na.example,domain,2026-01-01,\"\n", true)
	f.Add("a.example # b\n\"", false)
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		want := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			want++
		}
		n, err := ReadList(strings.NewReader(text), csv, func(l Listed) error {
			if l.Err == nil && (l.Text == "" || l.Kind == 0) {
				t.Fatalf("line %d is nothing", l.Line)
			}
			return nil
		})
		if err != nil || n != want {
			t.Fatalf("%d lines, want %d, %v", n, want, err)
		}
	})
}
