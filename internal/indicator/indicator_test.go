package indicator

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// parcels is a node that has these, and has forgotten some lines.
type parcels struct {
	texts  []string
	shared store.Lines
	gone   map[int]bool // lines of the first parcel
}

func (p *parcels) text(no int64) catalogue.Text {
	raw := []byte(p.texts[no-1])
	return catalogue.Text{Parcel: store.Parcel{No: no, Objects: bytes.Count(raw, []byte("\n")), Shared: p.shared}, Raw: raw, Head: &statement.Head{From: "XA"}}
}

func (p *parcels) EachParcel(_ context.Context, _ thread.ID, yield func(catalogue.Text) error) error {
	for i := range p.texts {
		if err := yield(p.text(int64(i + 1))); err != nil {
			return err
		}
	}
	return nil
}

func (p *parcels) ObjectsAt(_ context.Context, no int64, lines ...int) (map[int]catalogue.Entry, error) {
	out := map[int]catalogue.Entry{}
	t := p.text(no)
	t.Lines(func(n int, line []byte) bool {
		o, err := stix.Parse(line)
		for _, want := range lines {
			if want == n && err == nil && (no > 1 || !p.gone[n]) {
				out[n] = catalogue.Entry{Parsed: o, Statement: t.Head}
			}
		}
		return true
	})
	return out, nil
}

func object(n int, version, pattern, extra string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-%012d","created":"2026-01-01T00:00:00Z","modified":"%s","pattern":"%s","pattern_type":"stix","valid_from":"2026-01-01T00:00:00Z"%s}`+"\n",
		n, version, pattern, extra)
}

// look finds what a log has, and names where each came from.
func look(t *testing.T, set *match.Set, from *Origins, log string) string {
	t.Helper()
	var out []string
	_, err := match.Scan(t.Context(), strings.NewReader(log), set, match.Options{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Skip: from.Skip}, func(o match.Occurrence) error {
		all, err := from.Resolve(t.Context(), o.IDs)
		for _, id := range o.IDs {
			if at, ok := all[id]; ok {
				out = append(out, o.Value+" "+at.Name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// TestOrigins: whatever way indicators came, each finding says from where; what a newer version has replaced, or has gone, is not found. A compiled set says the same.
func TestOrigins(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	const v1, v2 = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
	const id = "indicator--00000000-0000-4000-8000-00000000000"
	n := &parcels{shared: store.Lines{}.Add(1), gone: map[int]bool{1: true}, texts: []string{
		object(1, v1, "[domain-name:value = 'a.example']", "") + object(2, v1, "[domain-name:value = 'b.example']", "") + `{"type":"malware"}` + "\n" + object(3, v1, "[file:size = 3]", ""),
		object(4, v1, "[domain-name:value = 'a.example' OR domain-name:value = 'd.example']", "") + object(5, v1, "[domain-name:value = 'e.example']", `,"revoked":true`),
	}}
	b, err := NewBuilder()
	if err != nil {
		t.Fatal(err)
	}
	file := object(6, v2, "[domain-name:value = 'f.example']", "") + object(6, v1, "[domain-name:value = 'g.example']", "") + object(7, v1, "[domain-name:value = 'h.example']", "") + object(7, v2, "[domain-name:value = 'i.example']", "")
	for _, err := range []error{
		b.List("one.txt", strings.NewReader("a.example\nnot one\n"), false), b.Catalogue(t.Context(), n, thread.ID{}), b.List("none.txt", strings.NewReader(""), false),
		b.Objects("two.json", stix.NewReader(strings.NewReader(file), stix.Limits{}).All()), b.List("three.txt", strings.NewReader("c.example\n"), false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	refused, others := b.Refused()
	if len(refused) != 2 || refused[0].First != 2 || refused[1].Name != "" || refused[1].Count != 1 || others != 1 {
		t.Errorf("%+v, %d", refused, others)
	}
	set, from, dropped := b.Build()
	from.Watch(t.Context(), n)
	log := "a.example\nb.example\nc.example\nd.example\ne.example\nf.example\ng.example\nh.example\ni.example\n"
	want := "a.example one.txt:1; a.example " + id + "1; a.example " + id + "4; c.example three.txt:1; d.example " + id + "4; f.example two.json, object 1; i.example two.json, object 4"
	if got := look(t, set, from, log); got != want || dropped != 0 || !from.FromCatalogue() {
		t.Errorf("found %s\nwant  %s", got, want)
	}

	var image bytes.Buffer
	if err := WriteTo(&image, set, from); err != nil {
		t.Fatal(err)
	}
	again, told, err := Read(image.Bytes(), "all.set")
	if err != nil {
		t.Fatal(err)
	}
	told.Watch(t.Context(), n)
	if got := look(t, again, told, log); got != want {
		t.Errorf("compiled: found %s", got)
	}
	n.gone[0] = true // it went after the set was compiled
	if got := look(t, again, told, "a.example\n"); got != "a.example one.txt:1; a.example "+id+"4" {
		t.Errorf("compiled, and gone since: %s", got)
	}
	var bare bytes.Buffer
	if _, err := set.WriteTo(&bare); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(bare.Bytes(), "old.set"); err != nil {
		t.Errorf("a set that says nothing of where its rows came from: %v", err)
	}
	for i := range 64 { // of the part that was added, too
		raw := bytes.Clone(image.Bytes())
		raw[len(raw)-1-i*(len(raw)-bare.Len())/64] ^= 0x55
		if _, o, err := Read(raw, "bad.set"); err == nil && len(o.parts) == 0 {
			t.Errorf("damaged at %d: it was taken", i)
		} else if err != nil && fault.CodeOf(err) != fault.Malformed {
			t.Errorf("damaged at %d: %v", i, err)
		}
	}
}

// TestSizeOfAnIndicator: what comes from a catalogue takes at most 60 bytes an indicator, where it came from included.
func TestSizeOfAnIndicator(t *testing.T) {
	t.Parallel()
	n := &parcels{}
	const each, all = 1000, 50
	for p := range all {
		var text strings.Builder
		for i := range each {
			text.WriteString(object(p*each+i, "2026-01-01T00:00:00Z", fmt.Sprintf("[domain-name:value = 'host%d.example']", p*each+i), `,"valid_until":"2027-01-01T00:00:00Z"`))
		}
		n.texts = append(n.texts, text.String())
	}
	b, err := NewBuilder()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Catalogue(t.Context(), n, thread.ID{}); err != nil {
		t.Fatal(err)
	}
	set, from, _ := b.Build()
	const part = 300 // of a parcel: its row, and the largest set of shared lines
	if per := float64(set.Bytes()+part*len(from.parts)) / (each * all); set.Len() != each*all || per > 60 {
		t.Errorf("%d indicators, %.1f bytes each", set.Len(), per)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	again, err := NewBuilder()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Catalogue(ctx, n, thread.ID{}); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("interrupted: %v", err)
	}
}

// TestTooWide: a range that would be found on every line is held back and counted, from wherever it comes, unless it is asked for.
func TestTooWide(t *testing.T) {
	t.Parallel()
	const v1 = "2026-01-01T00:00:00Z"
	for _, wide := range []bool{false, true} {
		b, err := NewBuilder()
		if err != nil {
			t.Fatal(err)
		}
		b.Wide = wide
		n := &parcels{texts: []string{object(1, v1, "[ipv6-addr:value ISSUBSET '::/0']", "")}}
		file := object(2, v1, "[ipv4-addr:value ISSUBSET '128.0.0.0/1' OR domain-name:value = 'a.example']", "")
		for _, err := range []error{
			b.List("one.txt", strings.NewReader("0.0.0.0/0\n198.51.100.0/24\n"), false), b.Catalogue(t.Context(), n, thread.ID{}),
			b.Objects("two.json", stix.NewReader(strings.NewReader(file), stix.Limits{}).All()),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		held, values := b.HeldBack(), 5
		if !wide {
			values = 2
		}
		if set, _, _ := b.Build(); held != int64(5-values) || set.Len() != values {
			t.Errorf("wide %t: %d held back, %d looked for", wide, held, set.Len())
		}
	}
}
