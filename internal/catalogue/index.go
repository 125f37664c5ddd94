package catalogue

import (
	"bytes"
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/stix/pattern"
)

// Bounds of a round of indexing, which holds up whoever writes, and of what one object is found by.
const (
	parcelsAtOnce = 8                          // whose words are noted
	parcelsARound = 32                         // of objects: who posts little at a time, of several markings, makes many small ones
	objectsARound = 8 * intel.MaxParcelObjects // in these, but for the last; a KiB counts as one, too
	maxValues     = 64                         // values of one object
	maxRefs       = 512                        // objects that it refers to
	maxVersions   = 256                        // of one id that are listed

	fewWords = 256 << 10 // bytes of texts in a parcel whose words are noted at once; those of others are when all objects have been
)

// parsed is a parcel before it is held against what is here.
type parsed struct {
	store.Parcel
	kept    store.Parcel // as it is in the store
	head    *statement.Head
	void    bool // the head does not count
	text    []byte
	lines   []parsedLine
	objects []*stix.Object // those that are marked, or say how others are
	skip    bool           // it is no parcel
	words   bool           // it has some that are to be noted later
}

type parsedLine struct {
	offset  int
	hidden  bool
	id      store.Term
	version int64
	sum     int64 // where it has no version
	revoked bool
	terms   []store.Term // beside the id; the words stand last
	words   int          // of these
}

// Index takes some blobs that are here and were not looked at into the catalogue. more tells that there may be others. Blobs are read and parsed before the writer is asked for.
func (c *Catalogue) Index(ctx context.Context) (more bool, err error) {
	end, err := c.round(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	c.opened.forget(c.Now())
	var round []*parsed
	err = c.Store.View(ctx, func(tx store.Tx) error {
		round = nil
		refs, err := tx.Uncatalogued(parcelsARound)
		if err != nil {
			return err
		}
		for i, objects := 0, 0; i < len(refs) && objects < objectsARound; i++ {
			p, err := c.fetch(tx, refs[i])
			if err != nil {
				return err
			}
			round, objects = append(round, p), objects+max(bytes.Count(p.text, []byte{'\n'}), len(p.text)>>10)
		}
		more = len(refs) == parcelsARound || len(round) < len(refs)
		atOnce(round, c.parse)
		for _, p := range round {
			c.hide(tx, p)
		}
		return nil
	})
	if err != nil || len(round) == 0 {
		return false, err
	}
	err = c.write(ctx, func(tx store.Tx) error { return c.keep(tx, round) })
	return more, err
}

// round waits until nobody else indexes in this process.
func (c *Catalogue) round(ctx context.Context) (end func(), err error) {
	select {
	case c.rounds <- struct{}{}:
		return func() { <-c.rounds }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(ctx.Err(), fault.Canceled, "", "the index was not waited for")
	}
}

// atOnce does something with all of a list, on all cores.
func atOnce[T any](list []T, f func(T)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(len(list), runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
				f(list[i])
			}
		})
	}
	all.Wait()
}

// write puts something into the index, and some of what is there together, so that it does not fall behind.
func (c *Catalogue) write(ctx context.Context, f func(tx store.Tx) error) error {
	c.merged.Store(false)
	return c.Exchange.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.MergePostings(); err != nil {
			return err
		}
		return f(tx)
	})
}

// Merge puts some of what the index has together, so that objects are found faster. more tells that there is more to do. It costs nothing where nothing is.
func (c *Catalogue) Merge(ctx context.Context) (more bool, err error) {
	if c.merged.Load() {
		return false, nil
	}
	err = c.Exchange.Update(ctx, func(tx store.Tx) error {
		more, err = tx.MergePostings()
		return err
	})
	if err == nil && !more {
		c.merged.Store(true)
	}
	return more, err
}

// fetch reads a blob. One that cannot be a parcel is told as that.
func (c *Catalogue) fetch(tx store.Tx, ref store.ContentRef) (p *parsed, err error) {
	// spec: INT-2, INT-3
	p = &parsed{Parcel: store.Parcel{Content: ref}}
	row, err := tx.Statement(ref.Statement)
	if err == nil {
		p.void = row.Void != ""
		p.head, err = statement.Reread(row.ID, row.Head)
	}
	if err != nil {
		return nil, err
	}
	if _, brings, err := intel.Brings(p.head); err != nil || !brings || p.head.From == c.Self && p.head.Kind == intel.KindIncrement {
		p.skip = true // what this party sends on it has already, under the heads with which it came
		return p, nil
	}
	p.text, err = read(tx, ref)
	switch fault.CodeOf(err) {
	case "":
	case fault.TooLarge, fault.Withheld, fault.NotFound:
		p.skip = true
	default:
		return nil, err
	}
	return p, nil
}

// parse reads the lines of a parcel. One that is no object is hidden.
func (c *Catalogue) parse(p *parsed) {
	if p.skip {
		return
	}
	hash, wordsOf := c.hasher(), c.Words()
	p.Thread, p.Class = p.head.ThreadID(), c.class(p.head, p.void)
	var parser stix.Parser
	size := 0 // of texts
	if n := min(bytes.Count(p.text, []byte{'\n'})+1, intel.MaxParcelObjects); n > 0 {
		p.lines, p.objects = make([]parsedLine, 0, n), make([]*stix.Object, 0, n)
	}
	lines(p.text, func(n, offset int, line []byte) bool {
		l := parsedLine{offset: offset, hidden: true}
		var marked *stix.Object
		if o, err := parser.Parse(line); err == nil && n < intel.MaxParcelObjects {
			values := Values(o)
			l = c.parseLine(hash, o, values, offset, line)
			if text := texts(o, values); len(text) > 0 && !p.words {
				for _, t := range text {
					size += len(t)
				}
				p.words = size > fewWords
				before := len(l.terms)
				for _, w := range wordsOf(text...) {
					l.terms = append(l.terms, store.Term(w))
				}
				l.words = len(l.terms) - before
			}
			if len(o.Markings) > 0 || len(o.Granular) > 0 || o.Type == markingDefinition {
				marked = o
			}
		}
		p.lines, p.objects = append(p.lines, l), append(p.objects, marked)
		return n+1 < intel.MaxParcelObjects
	})
	for i := range p.lines {
		if l := &p.lines[i]; p.words { // they are all noted later, and not some of them twice
			l.terms = l.terms[:len(l.terms)-l.words]
		}
	}
	p.Objects, p.skip, p.text = len(p.lines), len(p.lines) == 0, nil
}

// hide hides objects that are marked more strictly than the head with which they came.
func (c *Catalogue) hide(tx store.Tx, p *parsed) {
	if p.skip {
		return
	}
	defs := &definitions{c: c, tx: tx, author: p.head.From, source: p.Thread, known: map[stix.ID]stix.Definition{}, h: c.hasher()}
	for _, o := range p.objects {
		if o != nil {
			defs.learn(o)
		}
	}
	for i, o := range p.objects { // once all definitions of the parcel are known
		if o != nil && (len(o.Markings) > 0 || len(o.Granular) > 0) {
			// Of a definition that is not here its author has made sure: that is the head's marking.
			if m, missing := stix.Resolve(o, defs.find); len(missing) == 0 && m.TLP.Rank() > p.head.Marking.TLP.Rank() {
				p.lines[i] = parsedLine{offset: p.lines[i].offset, hidden: true}
			}
		}
	}
	p.objects = nil
}

// versionOf is the version of an object as the index has it, in microseconds since 1970; 0 where it has none.
func versionOf(o *stix.Object) int64 {
	if v := o.Version(); v != "" {
		return v.Time().UnixMicro()
	}
	return 0
}

// parseLine is what an object is found by.
func (c *Catalogue) parseLine(hash *hasher, o *stix.Object, values []string, offset int, line []byte) parsedLine {
	l := parsedLine{offset: offset, id: hash.term(byID, string(o.ID))}
	if l.version = versionOf(o); l.version == 0 {
		l.sum = hash.hash(byLine, string(line))
	}
	l.revoked = o.Revoked
	for _, v := range values {
		l.terms = append(l.terms, hash.term(byValue, v))
	}
	n := 0
	for _, id := range references(o) {
		if n++; n > maxRefs {
			break
		}
		l.terms = append(l.terms, hash.term(byRef, string(id)))
	}
	if termed(o.Type) {
		l.terms = append(l.terms, hash.term(byType, string(o.Type)))
	}
	return l
}

// references are the objects that an object tells something of.
func references(o *stix.Object) (ids []stix.ID) {
	for path, id := range o.Refs() {
		name, _, _ := strings.Cut(path, "[")
		switch name {
		case "source_ref", "target_ref", "sighting_of_ref", "where_sighted_refs", "observed_data_refs", "object_refs", "sample_refs", "object_ref":
			ids = append(ids, id)
		}
	}
	return ids
}

// Values are the values that an object is, or looks for by equality, as Normal has them.
func Values(o *stix.Object) (values []string) {
	add := func(v string) {
		if v != "" && len(values) < maxValues {
			values = append(values, Normal(v))
		}
	}
	for _, v := range mispValues(o) {
		add(v)
	}
	if o.Type.Observable() {
		add(o.Value)
		if text, ok := o.Property("hashes"); ok {
			for _, v := range hashes(text) {
				add(v)
			}
		}
		if o.Type == "file" {
			add(o.Name)
		}
		return values
	}
	if o.Type != "indicator" || o.Pattern == "" || o.PatternType != "stix" && o.PatternType != "" {
		for _, ref := range o.References {
			add(ref.ExternalID)
		}
		return values
	}
	p, err := pattern.Parse(o.Pattern)
	if err != nil {
		return values
	}
	found, _ := p.Values()
	for _, v := range found {
		if v.Literal.Kind == pattern.String {
			add(v.Literal.Text)
		}
	}
	return values
}

// hashes are the values of a file's or certificate's hashes.
func hashes(text string) (values []string) {
	all := map[string]jsontext.Value{}
	if json.Unmarshal([]byte(text), &all) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var v string
		if json.Unmarshal(all[name], &v) == nil {
			values = append(values, v)
		}
	}
	return values
}

// keep takes parcels into the catalogue, and marks what they make older elsewhere.
func (c *Catalogue) keep(tx store.Tx, round []*parsed) error {
	left, err := tx.Uncatalogued(parcelsARound)
	if err != nil {
		return err
	}
	here := make([]*parsed, 0, len(round))
	for _, p := range round {
		content, err := tx.Content(p.Content)
		switch {
		case err != nil:
			return err
		case content.Erased || !content.Whole: // it went meanwhile
			continue
		case !slices.Contains(left, p.Content):
			continue // another round, in this process or in another, was first: again it would lose its words for a moment
		case p.skip:
			if err := tx.SkipBlob(p.Content); err != nil {
				return err
			}
			continue
		}
		// All are put first: one that was here before, and is held against the others anew, keeps its place before what came later.
		if p.kept, err = tx.PutParcel(p.Parcel, c.Now().UnixMicro(), nil); err != nil {
			return err
		}
		p.No, p.Hidden, p.Older, p.Shared = p.kept.No, nil, nil, nil
		here = append(here, p)
	}
	return c.hold(tx, here)
}

// hold holds parcels that were put against what is here, and puts what they are found by.
func (c *Catalogue) hold(tx store.Tx, here []*parsed) error {
	n := newcomers{tx: tx, held: map[store.Term][]held{}, others: map[int64]*store.Parcel{}, changed: map[int64]bool{}, covers: map[int64]map[int64]bool{}}
	for _, p := range here {
		for i := range p.lines {
			if p.lines[i].hidden {
				p.Hidden = p.Hidden.Add(i)
				continue
			}
			if err := n.hold(p, i); err != nil {
				return err
			}
		}
	}
	for _, p := range here {
		if err := c.put(tx, p); err != nil {
			return err
		}
	}
	for _, no := range slices.Sorted(maps.Keys(n.covers)) {
		if err := tx.PutCovers(no, slices.Sorted(maps.Keys(n.covers[no]))); err != nil {
			return err
		}
	}
	for _, no := range slices.Sorted(maps.Keys(n.changed)) {
		if err := tx.UpdateParcel(*n.others[no]); err != nil {
			return err
		}
	}
	return nil
}

// put puts a parcel that was held against what is here.
func (c *Catalogue) put(tx store.Tx, p *parsed) error {
	n := 0
	for i := range p.lines {
		n += 1 + len(p.lines[i].terms)
	}
	postings := make([]store.Posting, 0, n)
	for i, l := range p.lines {
		if p.Hidden.Has(i) {
			continue
		}
		postings = append(postings, store.Posting{Term: l.id, Line: i, Offset: l.offset, Version: l.version, Sum: l.sum})
		for _, t := range l.terms {
			postings = append(postings, store.Posting{Term: t, Line: i, Offset: l.offset})
		}
	}
	if err := tx.PutPostings(p.No, postings); err != nil {
		return err
	}
	if k := p.kept; !bytes.Equal(k.Hidden, p.Hidden) || !bytes.Equal(k.Older, p.Older) || !bytes.Equal(k.Shared, p.Shared) {
		k.Hidden, k.Older, k.Shared = p.Hidden, p.Older, p.Shared
		if err := tx.UpdateParcel(k); err != nil {
			return err
		}
	}
	if p.words {
		return nil
	}
	return tx.WordsPut(p.No)
}

// worded is a parcel of which the words are looked for.
type worded struct {
	store.Parcel
	text     []byte
	postings []store.Posting
}

// IndexWords notes the words of some parcels that are in the catalogue. more tells that there may be others.
func (c *Catalogue) IndexWords(ctx context.Context) (more bool, err error) {
	end, err := c.round(ctx)
	if err != nil {
		return false, err
	}
	defer end()
	var round []*worded
	err = c.Store.View(ctx, func(tx store.Tx) error {
		round = nil
		parcels, err := tx.WordlessParcels(parcelsAtOnce)
		if err != nil {
			return err
		}
		for _, p := range parcels {
			text, err := read(tx, p.Content)
			if code := fault.CodeOf(err); err != nil && code != fault.Withheld && code != fault.NotFound {
				return err
			}
			round = append(round, &worded{Parcel: p, text: text})
		}
		return nil
	})
	if err != nil || len(round) == 0 {
		return false, err
	}
	atOnce(round, c.wordsOf)
	err = c.write(ctx, func(tx store.Tx) error {
		left, err := tx.WordlessParcels(parcelsAtOnce)
		if err != nil {
			return err
		}
		for _, p := range round {
			if !slices.ContainsFunc(left, func(q store.Parcel) bool { return q.No == p.No && q.Content == p.Content }) {
				continue // it was erased, or another round, in this process or in another, was first
			}
			if err := tx.PutPostings(p.No, p.postings); err != nil {
				return err
			}
			if err := tx.WordsPut(p.No); err != nil {
				return err
			}
		}
		return nil
	})
	return len(round) == parcelsAtOnce, err
}

// wordsOf finds the words of what a parcel's objects are called and described as.
func (c *Catalogue) wordsOf(p *worded) {
	var parser stix.Parser
	words := c.Words()
	lines(p.text, func(n, offset int, line []byte) bool {
		if p.Hidden.Has(n) {
			return true
		}
		o, err := parser.Parse(line)
		if err != nil {
			return true
		}
		for _, w := range words(texts(o, Values(o))...) {
			p.postings = append(p.postings, store.Posting{Term: store.Term(w), Line: n, Offset: offset})
		}
		return true
	})
	p.text = nil
}

// texts are what an object is called and described as, but for what is found as a value.
func texts(o *stix.Object, values []string) []string {
	if o.Type.Observable() || o.Type == "relationship" {
		return nil
	}
	name := o.Name
	if o.Type == "indicator" && name != "" && isValue(Normal(name), values) {
		name = ""
	}
	if name == "" && o.Description == "" && len(o.Labels) == 0 {
		return nil
	}
	return append([]string{name, o.Description}, o.Labels...)
}

// isValue tells whether a name is found as a value; that of an endpoint by its address.
func isValue(name string, values []string) bool {
	if slices.Contains(values, name) {
		return true
	}
	i := strings.LastIndexByte(name, ':')
	return i > 0 && strings.Trim(name[i+1:], "0123456789") == "" && slices.Contains(values, strings.Trim(name[:i], "[]"))
}

// statementOf is the head with which a parcel came.
func statementOf(p store.Parcel) statement.ID { return p.Content.Statement }
