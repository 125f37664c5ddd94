package catalogue_test

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
	"github.com/comity-exchange/comity/thread"
)

// FuzzFromList: every line of a list is an indicator that keeps the rules of STIX and looks for what the line says, or is told by its place; the same list gives the same objects.
func FuzzFromList(f *testing.F) {
	f.Add("evil[.]example\n192.0.2.1 # seen\n\nnot one\nhxxps://a[.]example/x'y\\z\n", false)
	f.Add("value,kind,valid_from,valid_until,revoked\nevil.example,domain,2026-01-01,2026-02-01,true\n\"a,b\",file\nx.exe,file\n", true)
	f.Add("indicator,type\n44d88612fea8a8f36de82e1278abb02f,md5\n2001:db8::1/64,range\n/gate.php,path\na@b.example,mail\n", true)
	f.Add("\ufeff\r\n\x00\xff,\n\"\"\"\n", true)
	f.Add("evil.example,,0001-01-01,9999-12-31T23:59:59.999999Z\nevil.example,,2026-02-01,2026-01-01\n", true)
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		source := thread.ID{1, 2, 3}
		list := func() (all []stix.Item) {
			for item, err := range catalogue.FromList(strings.NewReader(text), csv, source, "2026-11-01T00:00:00.000Z") {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, item)
			}
			return all
		}
		all, again := list(), list()
		last := -1
		for i, item := range all {
			if item.Index <= last || item.Index > strings.Count(text, "\n") || (item.Object == nil) == (item.Err == nil) {
				t.Fatalf("%+v after %d", item, last)
			}
			last = item.Index
			if item.Err != nil {
				continue
			}
			o := item.Object
			if defects := o.Check(); len(defects) > 0 {
				t.Fatalf("%v: %s", defects, o.Raw)
			}
			p, err := pattern.Parse(o.Pattern)
			if err != nil {
				t.Fatalf("%v: %s", err, o.Raw)
			}
			if found, _ := p.Values(); len(found) == 0 {
				t.Fatalf("it looks for nothing: %s", o.Raw)
			}
			if o.Raw != again[i].Object.Raw {
				t.Fatalf("%s, and then %s", o.Raw, again[i].Object.Raw)
			}
		}
	})
}

// TestRefusedInWords: an object's place in a text, and the place in the object, are told apart.
func TestRefusedInWords(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]catalogue.Refused{
		"object 3: Attribute 3, at byte 500: it has no value":                        {Index: 2, Offset: 500, Reason: "Attribute 3, at byte 500: it has no value"},
		"object 3: it is no value":                                                   {Index: 2, Reason: "it is no value"},
		"object 2, which begins at byte 120: at its own byte 15: a value is missing": {Index: 1, Offset: 120, Reason: "at byte 15: a value is missing"},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestListedTimesInWords: what is wrong with a line is said of the line, not of a byte of the object that was to be made of it.
func TestListedTimesInWords(t *testing.T) {
	t.Parallel()
	text := "value,kind,valid_from,valid_until\nb.example,domain,2026-03-01,2026-02-01\n"
	for item, err := range catalogue.FromList(strings.NewReader(text), true, thread.ID{1}, "2026-11-01T00:00:00.000Z") {
		if got := fault.Show(item.Err); err != nil || item.Err == nil || !strings.HasPrefix(got, "line 2: ") || strings.Contains(got, "byte") {
			t.Errorf("%v, %q", err, got)
		}
	}
}
