package fedtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// finds goes through all pages of a search, so many at a time, and gives the names of what is found.
func (p *Party) finds(s catalogue.Search) (names []string) {
	p.F.T.Helper()
	for range 1000 {
		hits, err := p.FindObjects(p.F.T.Context(), s)
		p.F.must(err)
		for _, o := range hits.Objects {
			parsed, err := stix.Parse(o.Raw)
			p.F.must(err)
			names = append(names, strings.TrimPrefix(parsed.Name, "walnut host "))
		}
		if !hits.More {
			return names
		}
		mark, err := catalogue.ParseMark(hits.Next.String())
		p.F.must(err)
		s.After = mark
	}
	p.F.T.Fatal("a search without an end")
	return nil
}

// TestSearchBySourceAndTime: what is found is of one source, came in a time, is of a type, whether there are terms for it or not; pages of any size hold the same.
func TestSearchBySourceAndTime(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	const v = "2026-11-02T00:00:00.000Z"
	malware := func(n int) string {
		return fmt.Sprintf(`{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-%012d","created":"%s","modified":"%s","name":"walnut %d","is_family":true}`, n, v, v, n)
	}
	one, _ := xa.gathers("one", marking.Green, indicator(1, v, ""), malware(1), indicator(2, v, ""))
	f.Clock.Pass(time.Hour)
	between := xa.Now()
	f.Clock.Pass(time.Hour)
	two, _ := xa.gathers("two", marking.Amber, indicator(3, v, ""), malware(2), indicator(1, v, `,"confidence":7`))
	for name, c := range map[string]struct {
		s    catalogue.Search
		want string
	}{
		"a source":                            {catalogue.Search{Thread: one}, "1 walnut 1 2"},
		"the other":                           {catalogue.Search{Thread: two}, "3 walnut 2 1"},
		"words of a source":                   {catalogue.Search{Text: "walnut", Thread: two}, "3 walnut 2 1"},
		"before":                              {catalogue.Search{Until: between}, "1 walnut 1 2"},
		"after":                               {catalogue.Search{From: between}, "3 walnut 2 1"},
		"a value after":                       {catalogue.Search{Value: "host1[.]example", From: between}, "1"},
		"a value before":                      {catalogue.Search{Value: "host3.example", Until: between}, ""},
		"a value of a source":                 {catalogue.Search{Value: "host1.example", Thread: one}, "1"},
		"a type that is a term":               {catalogue.Search{Type: "malware", From: between}, "walnut 2"},
		"a type that is none":                 {catalogue.Search{Type: "indicator"}, "1 2 3 1"},
		"a type that is none, with a value":   {catalogue.Search{Type: "indicator", Value: "host1.example"}, "1 1"},
		"a type that is none, of a source":    {catalogue.Search{Type: "indicator", Thread: two}, "3 1"},
		"a type and a value that are not one": {catalogue.Search{Type: "malware", Value: "host1.example"}, ""},
		"nothing of that time":                {catalogue.Search{From: xa.Now().Add(time.Hour)}, ""},
		"a source in a time that it has not":  {catalogue.Search{Thread: one, From: between}, ""},
	} {
		for _, limit := range []int{1, 2, 50} {
			c.s.Limit = limit
			if got := strings.Join(xa.finds(c.s), " "); got != c.want {
				t.Errorf("%s, %d at a time: %q, want %q", name, limit, got, c.want)
			}
		}
	}
	if _, err := xa.FindObjects(t.Context(), catalogue.Search{}); fault.CodeOf(err) != fault.Usage {
		t.Errorf("a search for nothing: %v", err)
	}
	for _, text := range []string{"x", "1.x", "-1.0", "1.-2", "1", "9999999999999999999.1", "1.99999999999"} {
		if _, err := catalogue.ParseMark(text); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%q is a place: %v", text, err)
		}
	}
	// Who sees less finds less.
	for to, want := range map[marking.TLP]string{marking.Green: "1 walnut 1 2", marking.Amber: "1 walnut 1 2 3 walnut 2 1"} {
		hits, err := xa.Catalogue.Search(t.Context(), catalogue.Search{For: catalogue.Viewer{Party: "XA", Max: to}, From: between.Add(-24 * time.Hour)})
		f.must(err)
		if len(hits.Objects) != len(strings.Fields(strings.ReplaceAll(want, "walnut ", ""))) {
			t.Errorf("up to TLP:%s: %d found", to, len(hits.Objects))
		}
		if slices.ContainsFunc(hits.Objects, func(o catalogue.Object) bool { return to == marking.Green && o.Parcel.Thread == two }) {
			t.Error("a program finds what it does not get")
		}
	}
}
