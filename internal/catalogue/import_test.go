package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
)

// bundle is n objects, of which some places hold something else.
func bundle(n int, instead map[int]string) string {
	var b strings.Builder
	b.WriteString(`{"type":"bundle","id":"` + string(idOf("bundle", 1)) + `","objects":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if other, ok := instead[i]; ok {
			b.WriteString(other)
			continue
		}
		b.WriteString(indicator(i, 0, fmt.Sprintf("n%d", i), ""))
	}
	b.WriteString("]}")
	return b.String()
}

// TestOneBrokenObjectOfTenThousand: it is told by its place and why, and all the others go in.
func TestOneBrokenObjectOfTenThousand(t *testing.T) {
	t.Parallel()
	// spec: INT-2
	h := newHouse(t)
	const n = 10_000
	broken := map[int]string{6122: `{"type":"indicator","id":"indicator--1"}`, 6123: `[1,2]`, 9000: `{"type":"malware","id":"` + string(idOf("indicator", 9000)) + `"}`}
	text := bundle(n, broken)
	source := h.source()
	report := h.takes(source, text)
	if report.Objects != n-3 || report.Refused != 3 || len(report.Failures) != 3 || report.Types["indicator"] != n-3 {
		t.Fatalf("%d taken, %d refused: %+v", report.Objects, report.Refused, report.Failures)
	}
	for i, place := range []int{6122, 6123, 9000} {
		f := report.Failures[i]
		if f.Index != place || !strings.HasPrefix(text[f.Offset:], broken[place]) || f.Reason == "" || strings.Contains(f.Reason, "indicator--1") {
			t.Errorf("%+v", f)
		}
	}
	if got := len(strings.Fields(h.names(catalogue.Query{For: officer(), Thread: source}))); got != n-3 {
		t.Errorf("%d objects", got)
	}
	for _, id := range []int{0, 999, 1000, 6121, 6124, 9999} {
		h.is("by value", h.found(catalogue.Search{For: officer(), Value: fmt.Sprintf("HOST%d[.]example", id)}), fmt.Sprintf("n%d", id))
	}
	// In a strict source what breaks a rule of the standard is refused likewise.
	strict := green(source)
	strict.Strict = true
	odd := strings.Replace(indicator(1, 1, "odd", ""), `"valid_from":"2026-11-01T00:00:00Z"`, `"x_a":1`, 1)
	again, err := h.Import(t.Context(), strict, stix.NewReader(strings.NewReader(odd+indicator(2, 1, "even", "")), stix.Limits{}).All(), catalogue.ImportOptions{})
	if err != nil || again.Refused != 1 || again.Objects != 1 || !strings.Contains(again.Failures[0].Reason, "valid_from") {
		t.Errorf("%v %+v", err, again)
	}
}

// TestAnImportThatBrokeOffGoesOn: what was said before stands, and when it is repeated it brings what is missing and nothing twice, whether or not the catalogue has taken in what came before.
func TestAnImportThatBrokeOffGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	const n, first = 9_500, parcelsASaying * intel.MaxParcelObjects
	text, said := bundle(n, nil), 0
	h.before = func(exchange.Draft) error {
		if said++; said > 1 {
			return errBroken
		}
		return nil
	}
	report, err := h.Import(t.Context(), green(source), stix.NewReader(strings.NewReader(text), stix.Limits{}).All(), catalogue.ImportOptions{})
	if fault.CodeOf(err) != fault.Unavailable || report.Objects != first || len(report.Said) != 1 {
		t.Fatalf("%v: %d taken in %d statements", err, report.Objects, len(report.Said))
	}
	h.before = nil
	h.index()
	report = h.takes(source, text)
	if report.Objects != n-first || report.Duplicates != first {
		t.Errorf("%d taken, %d known", report.Objects, report.Duplicates)
	}
	all := strings.Fields(h.names(catalogue.Query{For: officer(), Thread: source, Versions: catalogue.Versions{All: true}}))
	for i, name := range all {
		if name != fmt.Sprintf("n%d", i) {
			t.Fatalf("object %d is %s", i, name)
		}
	}
	if len(all) != n {
		t.Errorf("%d objects", len(all))
	}
	// A preview finds out the same, and says nothing.
	before := h.n
	report, err = h.Import(t.Context(), green(source), stix.NewReader(strings.NewReader(bundle(n+1, nil)), stix.Limits{}).All(), catalogue.ImportOptions{Preview: true})
	if err != nil || report.Objects != 1 || report.Duplicates != n || h.n != before {
		t.Errorf("%v: %d would be taken, %d are known, %d were said", err, report.Objects, report.Duplicates, h.n-before)
	}

	// A text that ends too early: what came before stands.
	report, err = h.Import(t.Context(), green(source), stix.NewReader(strings.NewReader(`{"objects":[`+indicator(30_000, 0, "a", "")+`,`+indicator(30_001, 0, "b", "")[:200]), stix.Limits{}).All(), catalogue.ImportOptions{})
	if fault.CodeOf(err) != fault.Malformed || report.Objects != 1 {
		t.Errorf("%v: %+v", err, report)
	}
}

const parcelsASaying = 8

// TestWhatIsSaidTwiceInOneText: a version of an object is taken once, however often and in whatever order it stands in a text, and whether or not the text comes twice at the same time.
func TestWhatIsSaidTwiceInOneText(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	source := h.source()
	text := indicator(1, 0, "a0", "") + indicator(1, 1, "a1", "") + indicator(1, 0, "a0", "") + indicator(1, 1, "a1", "") + domain(7, "d0") + domain(7, "d1") + domain(7, "d0")
	if report := h.takes(source, text); report.Objects != 4 || report.Duplicates != 3 {
		t.Errorf("%+v", report)
	}
	all := catalogue.Query{For: officer(), Thread: source, Versions: catalogue.Versions{All: true}}
	h.is("all versions", h.names(all), "a0 a1 d0 d1")
	h.is("the last", h.names(catalogue.Query{For: officer(), Thread: source}), "a1 d1")
	if report := h.takes(source, text); report.Objects != 0 || report.Duplicates != 7 {
		t.Errorf("again: %+v", report)
	}
	// Both imports read before either was indexed.
	for range 2 {
		_, err := h.Import(t.Context(), green(source), stix.NewReader(strings.NewReader(indicator(2, 0, "b0", "")+indicator(2, 1, "b1", "")), stix.Limits{}).All(), catalogue.ImportOptions{})
		h.must(err)
	}
	h.index()
	h.is("after both", h.names(all), "a0 a1 d0 d1 b0 b1")
	// What a peer puts twice into a parcel is likewise there once.
	h.gave("XB", source, marking.Green, indicator(3, 0, "c0", ""), indicator(3, 1, "c1", ""), indicator(3, 0, "c0", ""), indicator(3, 1, "c1", ""))
	h.is("of a peer", h.names(all), "a0 a1 d0 d1 b0 b1 c0 c1")
}

// TestPoisonedPatterns: patterns that would cost others minutes or gigabytes go in like any object, and are found by their id.
func TestPoisonedPatterns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	quoted := func(p string) string { return strings.ReplaceAll(p, `"`, `\"`) }
	poison := []string{
		"[a:b MATCHES '" + strings.Repeat("(a*)*", 10_000) + "$']",
		"[a:b MATCHES '" + strings.Repeat("(", 1000) + "a{1000}{1000}" + strings.Repeat("){1000}", 1000) + "']",
		strings.Repeat("(", 100_000) + "[a:b = 1]" + strings.Repeat(")", 100_000),
		"[" + strings.Repeat("a:b = 'x' AND ", 50_000) + "a:b = 'y']",
		"[" + strings.Repeat("NOT ", 100_000) + "a:b = 'y']",
		"[a:b IN (" + strings.Repeat("'x',", 100_000) + "'y')]",
		strings.Repeat("[a:b = 'x'] FOLLOWEDBY ", 20_000) + "[a:b = 'y']",
		strings.Repeat("[a:b = 'x'] AND [a:b = 'z'] OR ", 10_000) + "[a:b = 'y'] REPEATS 1000000000 TIMES",
		"[a" + strings.Repeat(".b[*]", 100_000) + " = 'y']", "[", "", "[a:b = 'x'", strings.Repeat("'", 100_001),
	}
	var text strings.Builder
	for i, p := range poison {
		text.WriteString(strings.Replace(indicator(i, 0, fmt.Sprintf("p%d", i), ""), fmt.Sprintf("[domain-name:value = 'host%d.example']", i), quoted(p), 1))
	}
	source := h.source()
	report := h.takes(source, text.String()+indicator(99, 0, "good", ""))
	if got := len(strings.Fields(h.names(catalogue.Query{For: officer(), Thread: source}))); int64(got) != report.Objects || report.Objects+report.Refused != int64(len(poison))+1 {
		t.Errorf("%d objects of %+v", got, report)
	}
	h.is("by value", h.found(catalogue.Search{For: officer(), Value: "host99.example"}), "good")
	for i := range poison {
		if report.Refused > 0 {
			break
		}
		if _, err := h.Object(t.Context(), officer(), idOf("indicator", i)); err != nil {
			t.Errorf("pattern %d: %v", i, err)
		}
	}
}

// TestNobodyElseSaysWhatAMarkingMeans: a definition that one party has given says nothing of what another has marked with its id.
func TestNobodyElseSaysWhatAMarkingMeans(t *testing.T) {
	t.Parallel()
	// spec: INT-3
	h := newHouse(t)
	source := h.source()
	definition := func(rest string) string {
		return `{"type":"marking-definition","spec_version":"2.1","id":"` + string(idOf("marking-definition", 1)) + `","created":"2026-11-01T00:00:00.000Z",` + rest + `}`
	}
	red, open := definition(`"definition_type":"tlp","definition":{"tlp":"red"}`), definition(`"definition_type":"tlp","definition":{"tlp":"clear"}`)
	mark := marked(idOf("marking-definition", 1))
	tells := func(what, object string, want marking.TLP) {
		t.Helper()
		var got marking.TLP
		h.before = func(d exchange.Draft) error { got = d.Marking.TLP; return nil }
		h.takes(source, object)
		if h.before = nil; got != want {
			t.Errorf("%s: TLP:%s, want %s", what, got, want)
		}
	}
	tells("nobody has said", indicator(1, 0, "a", mark), marking.Red)
	h.gave("XB", idZero(), marking.Green, open)
	tells("a peer has said that it is for all", indicator(2, 0, "b", mark), marking.Red)
	h.takes(source, red)
	h.gave("XB", idZero(), marking.Green, open)
	tells("one's own says that it is not", indicator(3, 0, "c", mark), marking.Red)

	// Nor can a peer hide by a definition what another peer has given, or have its own shown more widely by somebody else's.
	h.gave("XC", idZero(), marking.Green, definition(`"definition_type":"tlp","definition":{"tlp":"green"}`), indicator(4, 0, "d", mark))
	h.is("as its author means it", h.found(catalogue.Search{For: officer(), Value: "host4.example"}), "d")
	h.gave("XB", idZero(), marking.Green, red, indicator(5, 0, "e", mark))
	h.is("marked more strictly than its head by its author", h.found(catalogue.Search{For: officer(), Value: "host5.example"}), "")
	h.gave("XC", idZero(), marking.Green, indicator(6, 0, "f", mark))
	h.is("by the definition that its author gave before", h.found(catalogue.Search{For: officer(), Value: "host6.example"}), "f")
}

// TestAnImportHasSoManyMarkings: each marking takes a statement, so a text in which every object has one of its own is refused from some number on, and what it has is held in bounded memory.
func TestAnImportHasSoManyMarkings(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var lines []string
	for i := range 1030 {
		def := fmt.Sprintf("marking-definition--00000000-0000-4000-8000-%012d", i)
		lines = append(lines,
			fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2026-11-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"Copyright %d"}}`, def, i),
			indicator(i, 0, "a", fmt.Sprintf(`,"object_marking_refs":["%s"]`, def)))
	}
	report := h.takes(h.source(), strings.Join(lines, "\n"))
	if report.Refused != 7 || report.Objects != 2060-7 || len(report.Said) != 1024 || !strings.Contains(report.Failures[0].Reason, "1024 different markings") {
		t.Errorf("%d in, %d refused, %d statements: %+v", report.Objects, report.Refused, len(report.Said), report.Failures)
	}
}

// TestManyMarkingsAreHeldInBoundedMemory: parcels of many markings are said when there are so many bytes of them, though none is full.
func TestManyMarkingsAreHeldInBoundedMemory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const marks, size = 80, 900 << 10
	long, held, most, said := strings.Repeat("x", size), 0, 0, 0
	h.before = func(d exchange.Draft) error {
		for _, b := range d.Blobs {
			held, said = held-len(b.Raw), said+len(b.Raw)
		}
		return nil
	}
	items := func(yield func(stix.Item, error) bool) {
		for i := range 2 * marks {
			def := fmt.Sprintf("marking-definition--00000000-0000-4000-8000-%012d", i%marks)
			raw := indicator(i, 0, "a", fmt.Sprintf(`,"x_long":"%s","object_marking_refs":["%s"]`, long, def))
			if i < marks {
				raw = fmt.Sprintf(`{"type":"marking-definition","spec_version":"2.1","id":"%s","created":"2026-11-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"Copyright %d"}}`, def, i)
			}
			o, err := stix.Parse([]byte(raw))
			h.must(err)
			if !yield(stix.Item{Object: o, Index: i}, nil) {
				return
			}
		}
	}
	_, err := h.Import(t.Context(), green(h.source()), items, catalogue.ImportOptions{Taken: func(o *stix.Object) {
		held += len(o.Raw) + 1
		most = max(most, held)
	}})
	h.must(err)
	if most > 33<<20 || held != 0 || said < marks*size {
		t.Errorf("%d bytes were held at most and %d at the end, %d were said", most, held, said)
	}
}
