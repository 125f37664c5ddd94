package match

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

// FuzzParse: what the normaliser takes is canonical, is found where it stands alone, and comes back as one row.
func FuzzParse(f *testing.F) {
	for _, text := range pool {
		f.Add(text, uint8(0))
	}
	for _, text := range []string{"bücher。example", "hxxp[:]//a[.]b/c?d#e", "::ffff:1.2.3.4", "1.2.3.4/33", "a@b", "[::1]:1", "http://[::1]:80", "/.", "*.a.b", `a\.b`, "h**p://a.b"} {
		f.Add(text, uint8(0))
	}
	f.Add("evil.exe", uint8(File))
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		v, err := Parse(text, Kind(kind))
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Malformed && code != fault.TooLarge {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := Parse(v.Text, v.Kind)
		if err != nil || again.Text != v.Text || again.Kind != v.Kind || !bytes.Equal(again.bytes(), v.bytes()) {
			t.Fatalf("%q is %s %q, and that is %s %q, %v", text, v.Kind, v.Text, again.Kind, again.Text, err)
		}
		b := NewBuilder(Key{1}, 1)
		if err := b.Add(v, Row{ID: 7}); err != nil {
			t.Fatal(err)
		}
		set, _ := b.Build()
		if v.Kind == Range {
			return // it is found by what is in it
		}
		log := strings.TrimPrefix(v.Text, "//")
		for _, h := range newScanner(set).scan([]byte(log)) {
			if h.value == v.Text && h.kind == v.Kind {
				return
			}
		}
		t.Fatalf("%s %q is not found in %q", v.Kind, v.Text, log)
	})
}

// FuzzScan: whatever a log holds, in whatever format and however it is cut, places are within it, and what is found does not depend on the cuts.
func FuzzScan(f *testing.F) {
	set := built(f, pool...)
	f.Add("#fields\tts\tuid\tquery\n1521911720.8\tC1\tevil.example\n", uint8(1))
	f.Add(`{"ts":1521911720,"http":{"hostname":"evil.example","url":"\/a/b.php"}}`, uint8(2))
	f.Add("hxxp://evil[.]example/a/b.php 192.0.2.9:443 [2001:db8::5]:8443 user@evil.example b\\u00fccher.example", uint8(3))
	f.Add(strings.Repeat("a", 300)+".evil.example\x00\xff\n\n", uint8(0))
	f.Fuzz(func(t *testing.T, log string, format uint8) {
		o := Options{Format: Format(format % 4), Window: least}
		scan := func(text string) (n int) {
			stats, err := Scan(context.Background(), strings.NewReader(text), set, o, func(f Occurrence) error {
				if f.Offset < 0 || f.Offset > int64(len(text)) || !strings.HasPrefix(text[f.Offset:], f.Written) || f.Line < 1 || len(f.IDs) == 0 {
					t.Fatalf("%+v", f)
				}
				n++
				return nil
			})
			if err != nil || stats.Bytes != int64(len(text)) || stats.Found != int64(n) {
				t.Fatalf("%+v of %d bytes, %d found: %v", stats, len(text), n, err)
			}
			return n
		}
		n := scan(log + "\n")
		if o.Format != Plain || len(log) > 1024 {
			return
		}
		for _, fill := range []int{least - overlap - len(log)/2, least - len(log)/2} {
			if m := scan(strings.Repeat("x ", fill/2) + " " + log + "\n"); m != n {
				t.Fatalf("%d found, and %d behind %d bytes", n, m, fill)
			}
		}
	})
}

// FuzzZeek: columns and lines of any kind are read within their bounds.
func FuzzZeek(f *testing.F) {
	f.Add("#fields\tts\tuid\tid.orig_h", "1521911720.8\tC1\t192.0.2.1")
	f.Add("#fields,a,b", ",")
	f.Add("#fields\t", "")
	f.Add("#fields\ta\ta\ta", "\t\t\t")
	f.Fuzz(func(t *testing.T, head, line string) {
		cols := parseColumns([]byte(head))
		var r record
		r.parse([]byte(line), Zeek, cols)
		checkRecord(t, &r)
		if r.columns != nil && len(r.members) != len(cols.names) {
			t.Fatalf("%d fields in %d columns", len(r.members), len(cols.names))
		}
	})
}

// FuzzJSON: what is JSON is read, with the values that a strict reader sees.
func FuzzJSON(f *testing.F) {
	for _, line := range []string{`{}`, `{"a":{"b":["c",1,null,true,{"d":"e"}]}}`, `{"a":"\"\\"}`, `{"ts":"2018-03-24T17:15:20Z"}`, `{"a":1}x`, `{`, strings.Repeat(`{"a":`, 40), `{"a":[[[]]]}`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var r record
		r.parse([]byte(line), JSON, nil)
		checkRecord(t, &r)
		v := jsontext.Value(strings.TrimRight(line, "\r\n"))
		if !strings.HasPrefix(string(v), "{") || !v.IsValid() || strings.Count(line, "{")+strings.Count(line, "[") > maxDepth {
			return
		}
		values := 0
		for d := jsontext.NewDecoder(strings.NewReader(string(v))); ; {
			tok, err := d.ReadToken()
			if err != nil {
				break
			}
			_, n := d.StackIndex(d.StackDepth())
			k, _ := d.StackIndex(d.StackDepth())
			if name := k == '{' && n%2 == 1 && tok.Kind() == '"'; !name && tok.Kind() != '}' && tok.Kind() != ']' {
				values++
			}
		}
		if want := min(values, maxFields); len(r.members) != want {
			t.Fatalf("%q has %d values, want %d", line, len(r.members), want)
		}
	})
}

// FuzzPlain: times and names of fields in front of a place are taken from any text.
func FuzzPlain(f *testing.F) {
	for _, line := range []string{"2018-03-24T17:15:20.5+0100 a=b", "2018-03-24 17:15:20 x", "1521911720.865 1", "a [24/Mar/2018:17:15:20 +0000] b", `"a": "b"`, "=", "1970-01-01T00:00:60Z", "9999999999999 x"} {
		f.Add(line, 3)
	}
	f.Fuzz(func(t *testing.T, line string, place int) {
		var r record
		r.parse([]byte(line), Plain, nil)
		checkRecord(t, &r)
		if place >= 0 && place <= len(r.line) {
			if name := r.field(place); !strings.Contains(line, name) {
				t.Fatalf("%q has no %q", line, name)
			}
		}
		momentOf([]byte(line))
	})
}

func checkRecord(t *testing.T, r *record) {
	t.Helper()
	for i, m := range r.members {
		if m.value.lo < 0 || m.value.hi < m.value.lo || m.value.hi > len(r.line) || m.parent >= i {
			t.Fatalf("%q: member %d is %+v", r.line, i, m)
		}
		r.path(i)
	}
	for place := range r.line {
		r.at(place)
	}
	if at := r.time(); !at.IsZero() && (at.Year() < 1969 || at.Year() > 10000) {
		t.Fatalf("%q: %v", r.line, at)
	}
	r.uid()
	r.pathOf()
}

// FuzzReadSet: a written set that somebody changed is refused or harmless.
func FuzzReadSet(f *testing.F) {
	var b bytes.Buffer
	if _, err := built(f, pool...).WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[:headerSize])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		set, err := ReadSet(raw)
		if err != nil {
			return
		}
		newScanner(set).scan([]byte("evil.example 192.0.2.1 2001:db8::1"))
	})
}
