package misp

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// shelf knows of each parcel what event it makes, and of each event that came from MISP where it lies, whoever may see it. It is made from the catalogue once, in a look at every parcel, and then
// follows its changes. It is safe for concurrent use.
type shelf struct {
	mu     sync.Mutex // guards all
	loaded bool
	last   int64 // change of the catalogue that it has come to
	rows   map[int64]*row
	events map[string][]carried // by uuid
	seen   map[string][]sighted // by the event of what was seen

	// moved are newer versions of what lies in an earlier parcel: they are shown there, since an attribute stays in its event.
	moved map[catalogue.Mark]catalogue.Mark
}

// row is a parcel.
type row struct {
	catalogue.Shelved
	born    store.Lines // came in events of MISP's own, and are shown in these
	silent  store.Lines // make nothing that an event could be of
	carries []carried
	looked  bool
}

// carried is a version of the report that stands for an event that came from MISP.
type carried struct {
	misp.Entry
	uuid    string
	report  stix.ID
	parcel  int64
	added   int64
	version stix.Timestamp
	with    statement.ID
	thread  thread.ID
	from    party.Code
}

// sighted is when a sighting came, and with what.
type sighted struct {
	parcel, at int64
	with       statement.ID
	thread     thread.ID
}

// headOf gives the event of MISP's that an object stands for the whole of; nil where it does not.
func headOf(o *stix.Object) *misp.Event {
	text, ok := o.Select("extensions." + misp.Extension)
	var x struct {
		Head jsontext.Value `json:"event"`
	}
	h := new(misp.Event)
	if o.Type != "report" || !ok || json.Unmarshal([]byte(text), &x) != nil || len(x.Head) == 0 || json.Unmarshal(x.Head, h) != nil {
		return nil
	}
	return h
}

// eventOf is the event of MISP's from which an object came; "" from none.
func eventOf(o *stix.Object) string { return strings.ToLower(string(misp.EventOf(o))) }

// uuid is what the event of a parcel is called: always the same for the same blob of the same statement.
func (r *row) uuid() string {
	return derive("parcel", r.Content.Statement.String()+"/"+strconv.Itoa(r.Content.Part))
}

// of tells whether line i is shown in the event of the parcel.
func (s *shelf) of(r *row, i int) bool {
	_, moved := s.moved[catalogue.Mark{Parcel: r.No, Line: i}]
	return !moved && !r.Hidden.Has(i) && !r.born.Has(i)
}

// shown are the lines that the event of a parcel is of; none where they say nothing for themselves.
func (s *shelf) shown(r *row) (lines store.Lines) {
	speaks := false
	for i := range r.Objects {
		if s.of(r, i) {
			lines, speaks = lines.Add(i), speaks || !r.silent.Has(i)
		}
	}
	if !speaks {
		return nil
	}
	return lines
}

// stamp is the event's timestamp in seconds. It rises with each newer version of something in it, by one: an instance asks for what is newer than what it has.
func (r *row) stamp() int64 {
	n := int64(0)
	for _, b := range r.Older {
		n += int64(bits.OnesCount8(b))
	}
	return r.First/1e6 + 1 + n
}

// follow brings the shelf up to what the catalogue has. Where nothing has changed it is one small question. The caller holds mu.
func (s *shelf) follow(ctx context.Context, n *node.Node) error {
	if !s.loaded {
		if err := s.load(ctx, n); err != nil {
			return err
		}
	}
	for {
		changes, err := n.Catalogue.Changes(ctx, s.last)
		if err != nil {
			return err
		}
		for _, no := range changes.Gone {
			s.drop(no)
		}
		for _, p := range changes.Parcels {
			if err := s.put(ctx, n, p); err != nil {
				return err
			}
		}
		if s.last = changes.Last; !changes.More {
			return nil
		}
	}
}

func (s *shelf) load(ctx context.Context, n *node.Node) error {
	s.rows, s.events, s.seen = map[int64]*row{}, map[string][]carried{}, map[string][]sighted{}
	s.moved = map[catalogue.Mark]catalogue.Mark{}
	last, err := n.Catalogue.LastChange(ctx)
	if err != nil {
		return err
	}
	for after, more := int64(0), true; more; {
		var page []catalogue.Shelved
		if page, more, err = n.Catalogue.Shelf(ctx, after); err != nil {
			return err
		}
		for _, p := range page {
			after = p.No
			if err := s.put(ctx, n, p); err != nil {
				return err
			}
		}
	}
	s.last, s.loaded = last, true
	return nil
}

// drop forgets a parcel.
func (s *shelf) drop(no int64) {
	r := s.rows[no]
	if r == nil {
		return
	}
	delete(s.rows, no)
	for _, c := range r.carries {
		left := slices.DeleteFunc(s.events[c.uuid], func(o carried) bool { return o.parcel == no })
		if s.events[c.uuid] = left; len(left) == 0 {
			delete(s.events, c.uuid)
		}
	}
	for event, all := range s.seen {
		s.seen[event] = slices.DeleteFunc(all, func(o sighted) bool { return o.parcel == no })
	}
	s.rehome(no)
}

// rehome shows what was shown in a parcel that is gone where the next version of it lies.
func (s *shelf) rehome(no int64) {
	orphans := map[catalogue.Mark][]catalogue.Mark{}
	for at, home := range s.moved {
		switch no {
		case at.Parcel:
			delete(s.moved, at)
		case home.Parcel:
			delete(s.moved, at)
			orphans[home] = append(orphans[home], at)
		}
	}
	for _, all := range orphans {
		slices.SortFunc(all, func(a, b catalogue.Mark) int {
			return cmp.Or(cmp.Compare(a.Parcel, b.Parcel), cmp.Compare(a.Line, b.Line))
		})
		for _, at := range all[1:] {
			s.moved[at] = all[0]
		}
	}
}

// put takes a parcel that is new, or is another than it was.
func (s *shelf) put(ctx context.Context, n *node.Node, p catalogue.Shelved) error {
	r := s.rows[p.No]
	if r == nil {
		r = &row{}
		s.rows[p.No] = r
	}
	before := r.Older
	r.Shelved = p
	if !r.looked {
		if err := s.look(ctx, n, r); err != nil {
			return err
		}
	}
	return s.move(ctx, n, r, before)
}

// look reads a parcel once.
func (s *shelf) look(ctx context.Context, n *node.Node, r *row) error {
	all, err := n.Catalogue.Lines(ctx, catalogue.Viewer{Officer: true}, r.No)
	if err != nil {
		return err
	}
	var parser stix.Parser
	at, named := map[stix.ID]int{}, map[stix.ID]bool{}
	for _, o := range all {
		parsed, err := parser.Parse(o.Raw)
		if err != nil {
			continue
		}
		at[parsed.ID] = o.Line
		if from := eventOf(parsed); from != "" {
			r.born = r.born.Add(o.Line)
			for _, id := range parsed.Refs() {
				if id.Type().Observable() {
					named[id] = true
				}
			}
			if head := headOf(parsed); head != nil {
				c := carried{Entry: head.Entry(), uuid: from, report: parsed.ID, parcel: r.No, added: o.Added, version: parsed.Version(), with: r.Content.Statement, thread: r.Thread, from: r.From}
				r.carries = append(r.carries, c)
				s.events[from] = append(s.events[from], c)
			}
		}
		if parsed.Type == "sighting" && parsed.SightingOf != "" {
			if err := s.sight(ctx, n, r, o, parsed.SightingOf); err != nil {
				return err
			}
		}
		if silent(parsed.Type) {
			r.silent = r.silent.Add(o.Line)
		}
	}
	r.looked = true
	return s.claim(ctx, n, r, at, named)
}

// claim takes observables that attributes of MISP's became out of the events of parcels: they are shown as these attributes.
func (s *shelf) claim(ctx context.Context, n *node.Node, r *row, at map[stix.ID]int, named map[stix.ID]bool) error {
	for id := range named {
		if line, here := at[id]; here {
			r.born = r.born.Add(line)
			continue
		}
		places, err := n.Catalogue.Places(ctx, r.Thread, id)
		if err != nil {
			return err
		}
		for _, p := range places {
			if q := s.rows[p.Parcel]; q != nil {
				q.born = q.born.Add(p.Line)
			}
		}
	}
	return nil
}

// silent tells of types that say nothing for themselves.
func silent(t stix.Type) bool {
	switch t {
	case "identity", "marking-definition", "extension-definition", "language-content", "relationship", "sighting", "opinion":
		return true
	}
	return false
}

// sight notes a sighting with the event of what was seen.
func (s *shelf) sight(ctx context.Context, n *node.Node, r *row, o catalogue.Object, of stix.ID) error {
	found, err := n.Catalogue.Newest(ctx, catalogue.Viewer{Officer: true}, thread.ID{}, []stix.ID{of})
	if err != nil || len(found) == 0 {
		return err
	}
	parsed, err := stix.Parse(found[0].Raw)
	if err != nil {
		return nil // it is shown to nobody
	}
	event := eventOf(parsed)
	if event == "" {
		at := catalogue.Mark{Parcel: found[0].Parcel.No, Line: found[0].Line}
		if home, ok := s.moved[at]; ok {
			at = home
		}
		if q := s.rows[at.Parcel]; q != nil {
			event = q.uuid()
		}
	}
	seen := sighted{r.No, o.Added, r.Content.Statement, r.Thread}
	if i := slices.IndexFunc(s.seen[event], func(x sighted) bool { return x.parcel == r.No }); i >= 0 {
		s.seen[event][i] = seen
		return nil
	}
	s.seen[event] = append(s.seen[event], seen)
	return nil
}

// move notes newer versions of what the parcel has, or where older ones lie.
func (s *shelf) move(ctx context.Context, n *node.Node, r *row, before store.Lines) error {
	var parser stix.Parser
	var all []catalogue.Object
	for i := range r.Objects {
		if !r.Older.Has(i) || before.Has(i) || r.born.Has(i) {
			continue
		}
		if all == nil {
			var err error
			if all, err = n.Catalogue.Lines(ctx, catalogue.Viewer{Officer: true}, r.No); err != nil {
				return err
			}
		}
		at := slices.IndexFunc(all, func(o catalogue.Object) bool { return o.Line == i })
		if at < 0 {
			continue
		}
		parsed, err := parser.Parse(all[at].Raw)
		if err != nil {
			continue
		}
		places, err := n.Catalogue.Places(ctx, r.Thread, parsed.ID)
		if err != nil {
			return err
		}
		places = slices.DeleteFunc(places, func(p catalogue.Place) bool { return p.Class != r.Class })
		for j, at := range places {
			if j > 0 {
				s.moved[at.Mark] = places[0].Mark
			}
		}
	}
	return nil
}

// plainly tells whether what lies in a parcel may be for everybody.
func plainly(m marking.Marking) bool {
	return m.TLP == marking.Clear && m.PAP.Rank() <= 0 && len(m.Handling) == 0 && m.PersonalData.Rank() <= 0
}

// newest is the newest version of an event that came from MISP among those that are seen, of one version the first that came; and the first that is seen of any. Nobody changes an event that came
// from elsewhere first: what another party gave, that party changes, and what was gathered in a source, that source, since some are written by partners, or mirror what others say.
func (s *shelf) newest(all []carried, self party.Code, seen func(*carried) bool) (first, found *carried) {
	for i := range all {
		if c := &all[i]; seen(c) && (first == nil || c.added < first.added) {
			first = c
		}
	}
	for i := range all {
		c := &all[i]
		if seen(c) && (c.thread == first.thread || c.from == first.from && c.from != self) &&
			(found == nil || cmp.Or(found.version.Compare(c.version), cmp.Compare(c.added, found.added)) < 0) {
			found = c
		}
	}
	return first, found
}
