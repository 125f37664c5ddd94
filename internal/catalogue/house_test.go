package catalogue_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// house is a catalogue over a store of its own and an exchange that writes what it is told, and permits what is not denied.
type house struct {
	t    *testing.T
	path string
	db   *sqlite.DB
	*catalogue.Catalogue

	now    time.Time
	n      int64
	before func(exchange.Draft) error // what Submit is to fail with; nil: nothing
	denied map[party.Code]bool        // whom what others said is kept from
	asked  atomic.Int64               // how often somebody asked
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "store"), now: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), denied: map[party.Code]bool{}}
	h.open()
	t.Cleanup(func() { h.must(h.db.Close()) })
	return h
}

func (h *house) open() {
	h.t.Helper()
	db, err := sqlite.Open(h.t.Context(), h.path)
	h.must(err)
	h.db = db
	h.Catalogue = catalogue.New(catalogue.Options{
		Self: "XA", Store: db, Exchange: h, Key: []byte("a key of the test"), Words: func() func(...string) []store.Word { return words }, Now: func() time.Time { return h.now },
		LookFor: func(text string) ([]store.Word, error) { return words(text), nil },
	})
}

// restart opens the store anew, with a catalogue that remembers nothing.
func (h *house) restart() {
	h.t.Helper()
	h.must(h.db.Close())
	h.open()
}

func words(texts ...string) (all []store.Word) {
	for _, w := range strings.Fields(strings.ToLower(strings.Join(texts, " "))) {
		f := fnv.New64a()
		_, _ = f.Write([]byte(w))
		all = append(all, store.Word(f.Sum64()))
	}
	return all
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// Submit implements catalogue.Exchange.
func (h *house) Submit(_ context.Context, d exchange.Draft) (exchange.Said, error) {
	if h.before != nil {
		if err := h.before(d); err != nil {
			return exchange.Said{}, err
		}
	}
	var parcels []string
	for _, b := range d.Blobs {
		parcels = append(parcels, string(b.Raw))
	}
	id := h.says(statement.Head{From: "XA", To: d.To, Thread: d.Thread, Kind: d.Kind, Marking: d.Marking, Facts: d.Facts}, "", parcels...)
	return exchange.Said{ID: id, Thread: d.Thread}, nil
}

// SubmitAll implements catalogue.Exchange.
func (h *house) SubmitAll(ctx context.Context, drafts []exchange.Draft) (said []exchange.Said, errs []error) {
	for _, d := range drafts {
		s, err := h.Submit(ctx, d)
		said, errs = append(said, s), append(errs, err)
	}
	return said, errs
}

// Update implements catalogue.Exchange.
func (h *house) Update(ctx context.Context, f func(tx store.Tx) error) error {
	return h.db.Update(ctx, f)
}

// Onward implements catalogue.Exchange.
func (h *house) Onward(_ store.Tx, head *statement.Head, to party.Code, _ bool) (exchange.Passage, error) {
	h.asked.Add(1)
	return exchange.Passage{Permitted: head.From == "XA" || !h.denied[to]}, nil
}

// says puts a statement with parcels into the store; void is why it does not count.
func (h *house) says(head statement.Head, void string, parcels ...string) statement.ID {
	h.t.Helper()
	h.n++
	var nonce [16]byte
	binary.BigEndian.PutUint64(nonce[:], uint64(h.n))
	drawn, err := statement.MakeNonce(bytes.NewReader(nonce[:]))
	h.must(err)
	body := statement.Body{Nonce: drawn}
	for i, p := range parcels {
		body.Blobs = append(body.Blobs, statement.Blob{Name: fmt.Sprint(i), Type: intel.ParcelType, Size: int64(len(p)), SHA256: statement.Sum([]byte(p))})
	}
	b, err := statement.ComposeBody(body)
	h.must(err)
	ref := b.Ref()
	head.Nonce, head.Body, head.Track, head.Precedence, head.Time, head.By.Role = body.Nonce, &ref, statement.Technical, statement.Routine, statement.TimeOf(h.now), "analyst"
	if !head.Thread.IsZero() {
		head.After = []statement.ID{head.Thread}
	}
	whole, err := statement.Compose(head)
	h.must(err)
	h.must(h.db.Update(h.t.Context(), func(tx store.Tx) error {
		err := tx.PutStatement(store.Statement{
			ID: whole.ID, Thread: whole.ThreadID(), Origin: party.Origin(whole.From + "/1"), Index: h.n, Kind: whole.Kind, Precedence: whole.Precedence, Head: whole.Raw, Arrived: statement.TimeOf(h.now), Folded: true, Void: void,
		})
		err = errors.Join(err, tx.PutWhole(store.ContentRef{Statement: whole.ID, Part: store.BodyPart}, ref.SHA256, b.Raw))
		for i, p := range parcels {
			err = errors.Join(err, tx.PutWhole(store.ContentRef{Statement: whole.ID, Part: i}, statement.Sum([]byte(p)), []byte(p)))
		}
		return err
	}))
	return whole.ID
}

// gave lets another party give a parcel; the zero thread opens one.
func (h *house) gave(from party.Code, in thread.ID, m marking.TLP, lines ...string) statement.ID {
	h.t.Helper()
	kind, facts := intel.KindShare, any(intel.Share{Objects: int64(len(lines))})
	if !in.IsZero() {
		kind, facts = intel.KindSighting, intel.Sighting{Objects: int64(len(lines)), Count: 1}
	}
	raw, err := json.Marshal(facts)
	h.must(err)
	id := h.says(statement.Head{From: from, To: []party.Code{"XA"}, Thread: in, Kind: kind, Marking: marking.Marking{TLP: m}, Facts: raw}, "", strings.Join(lines, "\n")+"\n")
	h.index()
	return id
}

// source opens a source, which is a statement without parcels.
func (h *house) source() thread.ID {
	return h.says(statement.Head{From: "XA", Kind: intel.KindSource, Marking: marking.Marking{TLP: marking.Green}, Facts: []byte(`{"name":"sensors"}`)}, "")
}

// index takes in what is here, and its words.
func (h *house) index() {
	h.t.Helper()
	for more := true; more; {
		var err error
		more, err = h.Index(h.t.Context())
		h.must(err)
	}
	for more := true; more; {
		var err error
		more, err = h.IndexWords(h.t.Context())
		h.must(err)
	}
}

// takes imports a text into a source under TLP:GREEN.
func (h *house) takes(in thread.ID, text string) catalogue.Report {
	h.t.Helper()
	report, err := h.Import(h.t.Context(), green(in), stix.NewReader(strings.NewReader(text), stix.Limits{}).All(), catalogue.ImportOptions{})
	h.must(err)
	h.index()
	return report
}

func green(in thread.ID) catalogue.Source {
	return catalogue.Source{Thread: in, By: statement.By{Role: "analyst"}, Marking: marking.Marking{TLP: marking.Green}}
}

func (h *house) erase(id statement.ID) {
	h.t.Helper()
	h.must(h.db.Update(h.t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.Erase(store.ContentRef{Statement: id, Part: store.BodyPart}), tx.Erase(store.ContentRef{Statement: id}))
	}))
	h.index()
}

// officer sees all.
func officer() catalogue.Viewer { return catalogue.Viewer{Officer: true} }

// names lists what all pages of a query hold, by name, and that their dates ascend.
func (h *house) names(q catalogue.Query) string {
	h.t.Helper()
	var all []string
	last := int64(0)
	for range 1000 {
		page, err := h.Page(h.t.Context(), q)
		h.must(err)
		for _, o := range page.Objects {
			if o.Added <= last {
				h.t.Errorf("added at %d, after %d", o.Added, last)
			}
			last, all = o.Added, append(all, name(h.t, o.Raw))
		}
		if q.Added = page.Next; !page.More {
			return strings.Join(all, " ")
		}
	}
	h.t.Fatal("it does not end")
	return ""
}

func name(t *testing.T, raw []byte) string {
	t.Helper()
	o, err := stix.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o.Name + o.Text("x_name")
}

// found lists what a search gives, by name and sorted.
func (h *house) found(s catalogue.Search) string {
	h.t.Helper()
	var all []string
	for more := true; more; {
		hits, err := h.Search(h.t.Context(), s)
		h.must(err)
		for _, o := range hits.Objects {
			all = append(all, name(h.t, o.Raw))
		}
		more, s.After = hits.More, hits.Next
	}
	return strings.Join(slices.Sorted(slices.Values(all)), " ")
}

// is compares what is got with what is wanted.
func (h *house) is(what, got, want string) {
	h.t.Helper()
	if got != want {
		h.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// indicator is STIX that looks for a domain; version 0 is its first.
func indicator(id, version int, name string, extra string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-11-01T00:00:00.000Z","modified":"2026-11-0%dT00:00:00.000Z","name":"%s","pattern":"[domain-name:value = 'host%d.example']","pattern_type":"stix","valid_from":"2026-11-01T00:00:00Z"%s}`,
		idOf("indicator", id), version+1, name, id, extra)
}

// domain is an observable, which has no versions.
func domain(id int, name string) string {
	return fmt.Sprintf(`{"type":"domain-name","spec_version":"2.1","id":"%s","value":"host%d.example","x_name":"%s"}`, idOf("domain-name", id), id, name)
}

func idOf(kind string, n int) stix.ID {
	return stix.ID(fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", kind, n))
}

func marked(ref stix.ID) string { return fmt.Sprintf(`,"object_marking_refs":["%s"]`, ref) }

var errBroken = fault.New(fault.Unavailable, "", "the exchange is not there now")

func ids(all ...int) (out []stix.ID) {
	for _, n := range all {
		out = append(out, idOf("indicator", n))
	}
	return out
}
