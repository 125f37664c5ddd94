package catalogue

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

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
	parcelsAtOnce = 4
	maxValues     = 64  // values of one object
	maxRefs       = 512 // objects that it refers to
	maxVersions   = 256 // of one id that are listed
)

// parsed is a parcel before it is held against what is here.
type parsed struct {
	store.Parcel
	lines []parsedLine
	skip  bool // it is no parcel
}

type parsedLine struct {
	offset  int
	hidden  bool
	id      store.Term
	version int64
	sum     int64
	terms   []store.Term // beside the id
}

// Index takes some blobs that are here and were not looked at into the catalogue. more tells that there may be others. Blobs are read and parsed before the writer is asked for.
func (c *Catalogue) Index(ctx context.Context) (more bool, err error) {
	c.opened.forget(c.Now())
	var round []*parsed
	err = c.Store.View(ctx, func(tx store.Tx) error {
		round = nil
		refs, err := tx.Uncatalogued(parcelsAtOnce)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			p, err := c.parse(tx, ref)
			if err != nil {
				return err
			}
			round = append(round, p)
		}
		return nil
	})
	if err != nil || len(round) == 0 {
		return false, err
	}
	err = c.Exchange.Update(ctx, func(tx store.Tx) error {
		left, err := tx.Uncatalogued(parcelsAtOnce)
		if err != nil {
			return err
		}
		for _, p := range round {
			if !slices.Contains(left, p.Content) {
				continue // another round, in this process or in another, was first: again it would lose its words for a moment
			}
			if err := c.keep(tx, p); err != nil {
				return err
			}
		}
		return nil
	})
	return len(round) == parcelsAtOnce, err
}

// parse reads a blob. One that cannot be a parcel is told as that; an object that is none, or is marked more strictly than its head, is hidden.
func (c *Catalogue) parse(tx store.Tx, ref store.ContentRef) (*parsed, error) {
	// spec: INT-2, INT-3
	p := &parsed{Parcel: store.Parcel{Content: ref}}
	h, err := headOf(tx, ref.Statement)
	if err != nil {
		return nil, err
	}
	if _, brings, err := intel.Brings(h); err != nil || !brings || h.From == c.Self && h.Kind == intel.KindIncrement {
		p.skip = true // what this party sends on it has already, under the heads with which it came
		return p, nil
	}
	text, err := read(tx, ref)
	switch fault.CodeOf(err) {
	case "":
	case fault.TooLarge, fault.Withheld, fault.NotFound:
		p.skip = true
		return p, nil
	default:
		return nil, err
	}
	hash := c.hasher()
	p.Thread, p.Class = h.ThreadID(), hash.class(h)
	defs := &definitions{c: c, tx: tx, author: h.From, source: p.Thread, known: map[stix.ID]stix.Definition{}, h: hash}
	var parser stix.Parser
	var objects []*stix.Object
	lines(text, func(n, offset int, line []byte) bool {
		l := parsedLine{offset: offset, hidden: true}
		o, err := parser.Parse(line)
		if err == nil && n < intel.MaxParcelObjects {
			defs.learn(o)
			l = c.parseLine(hash, o, offset, line)
		}
		p.lines, objects = append(p.lines, l), append(objects, o)
		return n+1 < intel.MaxParcelObjects
	})
	for i, o := range objects { // once all definitions of the parcel are known
		if o != nil && (len(o.Markings) > 0 || len(o.Granular) > 0) {
			// Of a definition that is not here its author has made sure: that is the head's marking.
			if m, missing := stix.Resolve(o, defs.find); len(missing) == 0 && m.TLP.Rank() > h.Marking.TLP.Rank() {
				p.lines[i] = parsedLine{offset: p.lines[i].offset, hidden: true}
			}
		}
	}
	p.Objects, p.skip = len(p.lines), len(p.lines) == 0
	return p, nil
}

// parseLine is what an object is found by.
func (c *Catalogue) parseLine(hash *hasher, o *stix.Object, offset int, line []byte) parsedLine {
	l := parsedLine{offset: offset, id: hash.term(byID, string(o.ID)), sum: hash.hash(byLine, string(line))}
	if v := o.Version(); v != "" {
		l.version = v.Time().UnixMicro()
	}
	for _, v := range Values(o) {
		l.terms = append(l.terms, hash.term(byValue, v))
	}
	n := 0
	for _, id := range references(o) {
		if n++; n > maxRefs {
			break
		}
		l.terms = append(l.terms, hash.term(byRef, string(id)))
	}
	if !o.Type.Observable() && o.Type != "indicator" && o.Type != "relationship" {
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

// keep takes a parcel into the catalogue, and marks what it makes older elsewhere.
func (c *Catalogue) keep(tx store.Tx, p *parsed) error {
	content, err := tx.Content(p.Content)
	if err != nil || content.Erased || !content.Whole {
		return err // it went meanwhile
	}
	if p.skip {
		return tx.SkipBlob(p.Content)
	}
	// It is put first: one that was here before, and is held against the others anew, keeps its place before what came later.
	kept, err := tx.PutParcel(p.Parcel, c.Now().UnixMicro(), nil)
	if err != nil {
		return err
	}
	p.No = kept.No
	n := newcomers{tx: tx, p: p, own: map[store.Term]int{}, said: map[saying]bool{}, here: map[store.Term][]store.Found{}, others: map[int64]*store.Parcel{}, marked: map[int64]bool{}}
	for i := range p.lines {
		if p.lines[i].hidden {
			p.Hidden = p.Hidden.Add(i)
			continue
		}
		if err := n.hold(i); err != nil {
			return err
		}
	}
	var postings []store.Posting
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
	kept.Hidden, kept.Older, kept.Shared = p.Hidden, p.Older, p.Shared
	if err := tx.UpdateParcel(kept); err != nil {
		return err
	}
	for _, no := range slices.Sorted(maps.Keys(n.marked)) {
		if err := tx.UpdateParcel(*n.others[no]); err != nil {
			return err
		}
	}
	return nil
}

// newcomers holds the lines of a new parcel against what is here.
type newcomers struct {
	tx     store.Tx
	p      *parsed
	own    map[store.Term]int // the line of the parcel that has the latest version of an id
	said   map[saying]bool    // what lines before have said
	here   map[store.Term][]store.Found
	others map[int64]*store.Parcel // that were looked at; nil: it is gone
	marked map[int64]bool          // of others, those whose sets have changed
}

// versions are those of an id that are here.
func (n *newcomers) versions(id store.Term) ([]store.Found, error) {
	if found, ok := n.here[id]; ok {
		return found, nil
	}
	var all []store.Found
	_, err := each(n.tx, id, func(f store.Found) (bool, error) {
		all = append(all, f)
		return true, nil
	})
	n.here[id] = all
	return all, err
}

// saying is an object in a version; one without versions is told by its bytes.
type saying struct {
	id      store.Term
	version int64
}

// hold finds out whether line i is here already, older than what is here, or makes that older. Versions of other threads and classes stay beside it.
func (n *newcomers) hold(i int) error {
	l, p := &n.p.lines[i], n.p
	found, err := n.versions(l.id)
	if err != nil {
		return err
	}
	for _, f := range found {
		q, err := n.parcel(f.Parcel)
		switch {
		case err != nil:
			return err
		case q == nil || q.No == p.No:
			continue // it was erased
		case q.Thread != p.Thread || q.Class != p.Class:
			p.Shared, q.Shared = p.Shared.Add(i), q.Shared.Add(f.Line)
			n.marked[q.No] = true
		case same(l.version, f.Version, l.sum, f.Sum):
			p.Hidden = p.Hidden.Add(i)
			return nil
		case l.version < f.Version || l.version == f.Version && p.No < q.No: // what has no versions is the newer the later it came
			p.Older = p.Older.Add(i)
		default:
			q.Older = q.Older.Add(f.Line)
			n.marked[q.No] = true
		}
	}
	says := saying{l.id, cmp.Or(l.version, l.sum)}
	if n.said[says] {
		p.Hidden = p.Hidden.Add(i)
		return nil
	}
	n.said[says] = true
	if j, ok := n.own[l.id]; ok {
		if l.version < p.lines[j].version {
			p.Older = p.Older.Add(i)
			return nil
		}
		p.Older = p.Older.Add(j)
	}
	n.own[l.id] = i
	return nil
}

// same tells whether two lines say the same: an object with versions is the same in one of them, whatever else differs; one without is when no byte does.
func same(v, w, sum, other int64) bool { return v == w && (v != 0 || sum == other) }

// parcel is one that is here; nil: it was erased.
func (n *newcomers) parcel(no int64) (*store.Parcel, error) {
	if q, ok := n.others[no]; ok {
		return q, nil
	}
	q, err := n.tx.Parcel(no)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		n.others[no] = nil
	case err != nil:
		return nil, err
	default:
		n.others[no] = &q
	}
	return n.others[no], nil
}

// IndexWords notes the words of some parcels that are in the catalogue. more tells that there may be others.
func (c *Catalogue) IndexWords(ctx context.Context) (more bool, err error) {
	found := map[int64][]store.Posting{}
	err = c.Store.View(ctx, func(tx store.Tx) error {
		clear(found)
		parcels, err := tx.WordlessParcels(parcelsAtOnce)
		if err != nil {
			return err
		}
		for _, p := range parcels {
			text, err := read(tx, p.Content)
			if code := fault.CodeOf(err); err != nil && code != fault.Withheld && code != fault.NotFound {
				return err
			}
			found[p.No] = c.wordsOf(p, text)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		return false, err
	}
	err = c.Exchange.Update(ctx, func(tx store.Tx) error {
		for no, postings := range found {
			if _, err := tx.Parcel(no); fault.CodeOf(err) == fault.NotFound {
				continue // it was erased
			}
			if err := tx.PutPostings(no, postings); err != nil {
				return err
			}
			if err := tx.WordsPut(no); err != nil {
				return err
			}
		}
		return nil
	})
	return len(found) == parcelsAtOnce, err
}

// wordsOf are the words of what a parcel's objects are called and described as. An indicator's and an observable's values are found as values.
func (c *Catalogue) wordsOf(p store.Parcel, text []byte) (postings []store.Posting) {
	var parser stix.Parser
	lines(text, func(n, offset int, line []byte) bool {
		if p.Hidden.Has(n) {
			return true
		}
		o, err := parser.Parse(line)
		if err != nil || o.Type.Observable() || o.Type == "relationship" {
			return true
		}
		name := o.Name
		if o.Type == "indicator" && slices.Contains(Values(o), Normal(name)) {
			name = "" // it is found as a value
		}
		for _, w := range c.Words(append([]string{name, o.Description}, o.Labels...)...) {
			postings = append(postings, store.Posting{Term: store.Term(w), Line: n, Offset: offset})
		}
		return true
	})
	return postings
}

// statementOf is the head with which a parcel came.
func statementOf(p store.Parcel) statement.ID { return p.Content.Statement }
