package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of an import.
const (
	parcelsASaying = 8    // of one marking, before they are said
	maxReported    = 1000 // objects that were refused and are told of one by one; the others are counted
	maxDeferred    = 8 << 20
	maxGathered    = 32 << 20 // bytes of parcels, of all markings together, before they are said
	maxMarkings    = 1_024    // different ones of one import
	maxDefinitions = 10_000   // marking definitions that an import or a parcel brings and that are heeded; what others of it mark counts as RED
)

// Source is where objects come from and how they are to be taken.
type Source struct {
	Thread  thread.ID       // an open source of this party's own (intel.source)
	By      statement.By    // who imports
	Marking marking.Marking // of objects that name no circle themselves, and the least strict of all others
	Title   string          // of each statement that it makes; "" for none
	Own     bool            // what it brings this party has seen or written itself; the source says so too (INT-9)
	Strict  bool            // refuse what breaks a rule of the standard, too, and not only what is no object
}

// Refused is an object that was not taken.
type Refused struct {
	Index  int    `json:"index"`  // place among the objects, from 0
	Offset int64  `json:"offset"` // of its first byte; 0 in a list
	Reason string `json:"reason"` // safe to show
}

// Report is what an import came to, or has come to so far.
type Report struct {
	Objects    int64            `json:"objects"` // that are in the catalogue, or will be in a moment
	Refused    int64            `json:"refused"`
	Duplicates int64            `json:"duplicates"`         // that this source had brought already
	Failures   []Refused        `json:"failures,omitempty"` // of Refused, the first thousand
	Said       []statement.ID   `json:"said,omitempty"`
	Types      map[string]int64 `json:"types,omitempty"`
	Markings   map[string]int64 `json:"markings,omitempty"` // by TLP label

	Unsought      int64     `json:"unsought,omitzero"`        // indicators among what was taken that cannot be looked for in logs
	UnsoughtFirst []Refused `json:"unsought_first,omitempty"` // of these, the first twenty, and why
}

// ImportOptions are what an import may have beside.
type ImportOptions struct {
	Preview  bool                                // say nothing: only find out what would come of it
	Sampled  bool                                // look only some objects up, and the others where one of those was brought before: what is said once more is hidden when it is indexed
	Progress func(Report)                        // told after each statement; it does not keep the report
	Taken    func(o *stix.Object)                // told of each object that is taken
	Known    func(o *stix.Object)                // told of each that the source had brought already
	Refused  func(item stix.Item, reason string) // told of each that is not taken; the reason is safe to show
}

// Import reads objects and says them in a source, each marking by itself, with at most some thousands a statement. What is no object is told by its place, and the others go in. Objects that the
// source had brought already, in the same version, are counted and not said again, so an import that broke off goes on when it is repeated. Where the text cannot be read on, what came before
// stands, and the error comes with the report.
func (c *Catalogue) Import(ctx context.Context, from Source, items iter.Seq2[stix.Item, error], o ImportOptions) (Report, error) {
	// spec: INT-2, INT-3
	g := &gathering{
		c: c, ctx: ctx, from: from, o: o, hash: c.hasher(), parcels: map[string]*gathered{}, marks: map[string]bool{}, ours: map[int64]bool{}, lately: map[uint64]struct{}{},
		defs: definitions{c: c, author: c.Self, source: from.Thread, known: map[stix.ID]stix.Definition{}}, report: Report{Types: map[string]int64{}, Markings: map[string]int64{}},
	}
	g.defs.h = g.hash
	for item, err := range items {
		if err != nil {
			return g.finish(err)
		}
		if err := g.take(item); err != nil {
			return g.report, err
		}
	}
	return g.finish(nil)
}

// gathering is an import under way.
type gathering struct {
	c        *Catalogue
	ctx      context.Context
	from     Source
	o        ImportOptions
	hash     *hasher
	defs     definitions
	parcels  map[string]*gathered // by marking
	marks    map[string]bool      // of all that this import has had
	gathered int                  // bytes of these
	waiting  []stix.Item          // whose marking is not known yet
	waits    int                  // bytes of these
	lately   map[uint64]struct{}  // versions that this import has taken, since the index lags behind
	report   Report

	candidates []candidate
	looking    int            // bytes of these
	last       *gathered      // to which the last object was added
	ours       map[int64]bool // parcels that were looked at: whether the source has brought them
}

// gathered is what waits to be said under one marking.
type gathered struct {
	marking marking.Marking
	whole   [][]byte // parcels that are full
	open    []byte
	n       int // objects in open
	objects int64
}

// take takes one item of what is read.
func (g *gathering) take(item stix.Item) error {
	if err := g.ctx.Err(); err != nil {
		return fault.Wrap(err, fault.Canceled, "", "the import was broken off")
	}
	o := item.Object
	switch {
	case item.Err != nil:
		g.refuse(item, fault.Show(item.Err))
		return nil
	case len(o.Raw) >= intel.MaxParcelBytes:
		g.refuse(item, "an object has less than "+strconv.Itoa(intel.MaxParcelBytes)+" bytes")
		return nil
	}
	if g.from.Strict {
		if defects := o.Check(); len(defects) > 0 {
			g.refuse(item, defects[0].String())
			return nil
		}
	}
	g.defs.learn(o)
	m, missing, err := g.marked(o)
	if err != nil {
		return err
	}
	if len(missing) > 0 && g.waits+len(o.Raw) <= maxDeferred { // the definition may come later in the same text
		g.waiting, g.waits = append(g.waiting, item), g.waits+len(o.Raw)
		return nil
	}
	return g.put(item, m)
}

// marked is how an object is marked, at least as strictly as its source. Definitions that neither came with it nor are here are missing.
func (g *gathering) marked(o *stix.Object) (m marking.Marking, missing []stix.ID, err error) {
	if len(o.Markings) == 0 && len(o.Granular) == 0 {
		return g.from.Marking, nil, nil
	}
	m, missing = stix.Resolve(o, g.defs.find)
	if len(missing) > 0 {
		err = g.c.Store.View(g.ctx, func(tx store.Tx) error {
			g.defs.tx = tx
			m, missing = stix.Resolve(o, g.defs.find)
			g.defs.tx = nil
			return nil
		})
	}
	if m.TLP == "" {
		m.TLP = g.from.Marking.TLP
	}
	return marking.Combine(g.from.Marking, m), missing, err
}

func (g *gathering) refuse(item stix.Item, reason string) {
	g.report.Refused++
	if g.o.Refused != nil {
		g.o.Refused(item, reason)
	}
	if len(g.report.Failures) < maxReported {
		g.report.Failures = append(g.report.Failures, Refused{item.Index, item.Offset, reason})
	}
}

// candidate is an object that is taken, unless the source has brought it.
type candidate struct {
	item    stix.Item
	line    []byte
	marking marking.Marking
	id      store.Term
	version int64 // of the object; of one without versions the hash of its line
	sum     int64
	known   bool
}

// candidatesAtOnce are looked up together, or fewer where they have so many bytes.
const (
	candidatesAtOnce = 512
	candidateBytes   = 8 << 20
)

// put makes an object a candidate.
func (g *gathering) put(item stix.Item, m marking.Marking) error {
	o := item.Object
	line, err := oneLine(o.Raw)
	if err != nil {
		g.refuse(item, fault.Show(err))
		return nil
	}
	c := candidate{item: item, line: line, marking: m, id: g.hash.term(byID, string(o.ID))}
	if v := o.Version(); v != "" {
		c.version = v.Time().UnixMicro()
	} else {
		c.sum = g.hash.hash(byLine, string(line))
		c.version = c.sum
	}
	g.candidates, g.looking = append(g.candidates, c), g.looking+len(line)
	if len(g.candidates) < candidatesAtOnce && g.looking < candidateBytes {
		return nil
	}
	return g.settle()
}

// samples are how many of them are looked up first.
const samples = 8

// settle puts candidates into the parcels of their markings, but for those that the source has brought before.
func (g *gathering) settle() error {
	all := g.candidates
	g.candidates, g.looking = nil, 0
	err := g.c.Store.View(g.ctx, func(tx store.Tx) error {
		clear(g.ours) // some may have been erased since
		if g.o.Sampled && len(all) > 4*samples {
			known := false
			for i := 0; i < len(all); i += len(all) / samples {
				if err := g.lookUp(tx, &all[i]); err != nil {
					return err
				}
				known = known || all[i].known
			}
			if !known {
				return nil
			}
		}
		for i := range all {
			if err := g.lookUp(tx, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range all {
		v := uint64(c.id) ^ uint64(c.version)*0x9e3779b97f4a7c15 // both are hashes, or one is
		if _, ok := g.lately[v]; c.known || ok {
			g.report.Duplicates++
			if g.o.Known != nil {
				g.o.Known(c.item.Object)
			}
			continue
		}
		if len(g.lately) < maxLately {
			g.lately[v] = struct{}{}
		}
		if err := g.add(c); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds out whether the source has brought a candidate.
func (g *gathering) lookUp(tx store.Tx, c *candidate) error {
	c.known = false
	_, err := each(tx, c.id, func(f store.Found) (bool, error) {
		if f.Version != c.version && (f.Version != 0 || f.Sum != c.sum) {
			return true, nil
		}
		ours, ok := g.ours[f.Parcel]
		if !ok {
			p, err := tx.Parcel(f.Parcel)
			if err != nil && fault.CodeOf(err) != fault.NotFound {
				return false, err
			}
			ours = err == nil && p.Thread == g.from.Thread
			g.ours[f.Parcel] = ours
		}
		c.known = ours
		return !ours, nil
	})
	return err
}

// maxLately bounds what an import remembers of itself: some tens of bytes an object. What it forgets, the index hides.
const maxLately = 1_000_000

// add puts an object into the parcel of its marking.
func (g *gathering) add(c candidate) error {
	p, err := g.parcelOf(c.marking)
	if err != nil || p == nil {
		if p == nil && err == nil {
			g.refuse(c.item, "an import has at most "+strconv.Itoa(maxMarkings)+" different markings: each takes a statement of its own")
		}
		return err
	}
	if p.n == intel.MaxParcelObjects || len(p.open)+len(c.line)+1 > intel.MaxParcelBytes {
		p.whole, p.open, p.n = append(p.whole, p.open), nil, 0
	}
	if g.gathered += len(c.line) + 1; g.gathered > maxGathered || len(p.whole) == parcelsASaying {
		// With all that came before: whoever finds a report said takes what it names for said.
		if err := g.say(); err != nil {
			return err
		}
		if p, err = g.parcelOf(c.marking); err != nil {
			return err
		}
		g.gathered = len(c.line) + 1
	}
	if need := len(c.line) + 1; need > cap(p.open)-len(p.open) { // most have more than a few objects: fourfold, for at each step all is copied
		p.open = slices.Grow(p.open, max(need, min(3*len(p.open), intel.MaxParcelBytes-len(p.open))))
	}
	p.open, p.n, p.objects = append(append(p.open, c.line...), '\n'), p.n+1, p.objects+1
	g.report.Types[string(c.item.Object.Type)]++
	g.report.Markings[string(c.marking.TLP)]++
	g.sought(c.item)
	if g.o.Taken != nil {
		g.o.Taken(c.item.Object)
	}
	return nil
}

// parcelOf gives what waits to be said under a marking; nil where there are too many of them. Most objects are marked as the one before.
func (g *gathering) parcelOf(m marking.Marking) (*gathered, error) {
	if g.last != nil && alike(g.last.marking, m) {
		return g.last, nil
	}
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a marking cannot be written")
	}
	p := g.parcels[string(b)]
	if p == nil {
		if !g.marks[string(b)] && len(g.marks) == maxMarkings {
			return nil, nil
		}
		p = &gathered{marking: m}
		g.parcels[string(b)], g.marks[string(b)] = p, true
	}
	g.last = p
	return p, nil
}

func alike(a, b marking.Marking) bool {
	return a.TLP == b.TLP && a.PAP == b.PAP && a.PersonalData == b.PersonalData && a.RetainUntil == b.RetainUntil && slices.Equal(a.Handling, b.Handling)
}

// oneLine is an object without line feeds: where there are any, they are white space between its parts.
func oneLine(raw string) ([]byte, error) {
	line := []byte(raw)
	if bytes.IndexByte(line, '\n') < 0 && bytes.IndexByte(line, '\r') < 0 {
		return line, nil
	}
	v := jsontext.Value(line)
	if err := v.Compact(); err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "INT-2", "it is no JSON")
	}
	return v, nil
}

// finish says what is left. failed is why the text could not be read on.
func (g *gathering) finish(failed error) (Report, error) {
	for _, item := range g.waiting {
		m, _, err := g.marked(item.Object)
		if err == nil {
			err = g.put(item, m)
		}
		if err != nil {
			return g.report, err
		}
	}
	if err := g.settle(); err != nil {
		return g.report, err
	}
	if err := g.say(); err != nil {
		return g.report, err
	}
	return g.report, failed
}

// say says what has gathered, by marking.
func (g *gathering) say() error {
	var drafts []exchange.Draft
	var objects []int64
	for _, key := range slices.Sorted(maps.Keys(g.parcels)) {
		p := g.parcels[key]
		if p.n > 0 {
			p.whole, p.open, p.n = append(p.whole, p.open), nil, 0
		}
		if len(p.whole) == 0 {
			continue
		}
		facts, err := json.Marshal(intel.Import{Objects: p.objects, Own: g.from.Own})
		if err != nil {
			return fault.Wrap(err, fault.Internal, "", "the facts cannot be written")
		}
		drafts, objects = append(drafts, exchange.Draft{
			Thread: g.from.Thread, Kind: intel.KindImport, Marking: p.marking, By: g.from.By, Facts: facts, Title: g.from.Title, Blobs: attach(p.whole),
		}), append(objects, p.objects)
	}
	g.gathered, g.last = 0, nil
	clear(g.parcels)
	if len(drafts) == 0 {
		return nil
	}
	if g.o.Preview {
		for _, n := range objects {
			g.report.Objects += n
		}
		return nil
	}
	var failed error // one that is not said keeps nobody from counting the others
	said, errs := g.c.Exchange.SubmitAll(g.ctx, drafts)
	for i, err := range errs {
		if err != nil {
			failed = cmp.Or(failed, err)
			continue
		}
		g.report.Objects += objects[i]
		g.report.Said = append(g.report.Said, said[i].ID)
		if g.o.Progress != nil {
			g.o.Progress(g.report)
		}
	}
	return failed
}

// attach makes attachments of parcels.
func attach(parcels [][]byte) (blobs []exchange.Attachment) {
	for i, p := range parcels {
		blobs = append(blobs, exchange.Attachment{Name: strconv.Itoa(i+1) + ".jsonl", Type: intel.ParcelType, Raw: p})
	}
	return blobs
}
