package misp

import (
	"cmp"
	"crypto/sha256"
	"strconv"
	"strings"

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

// shelf knows of each parcel what event it makes, and of each event that came from MISP where it lies, whoever may see it. Nothing of it is changed once keeper has given it out.
type shelf struct {
	last   int64 // change of the catalogue that it has come to
	rows   map[int64]*row
	events map[string][]carried // by uuid
	seen   map[string][]sighted // by the event of what was seen
}

// row is a parcel.
type row struct {
	catalogue.Shelved
	born    store.Lines // came in events of MISP's own, and are shown in these
	silent  store.Lines // make nothing that an event could be of
	carries []carried
	sights  []string         // events of which sightings are in it
	claims  []catalogue.Mark // observables elsewhere that attributes in it are of

	claimed map[int]int // by line: how many parcels claim it

	// moved are newer versions of what lies in an earlier parcel: they are shown there, since an attribute stays in its event. guests is how many are shown here.
	moved  map[int]catalogue.Mark // by line
	guests int

	// What follows from the rest, once no more of it comes.
	shown store.Lines // that the event of the parcel is of; none where they say nothing for themselves
	entry *entry      // of that event; nil: there is none
	sum   [8]byte     // changes when what is in the parcel to be seen does
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
func (r *row) of(i int) bool {
	_, moved := r.moved[i]
	return !moved && !r.Hidden.Has(i) && !r.born.Has(i) && r.claimed[i] == 0
}

// finish finds out what follows from what is known of a parcel.
func (r *row) finish(in node.IntelView) {
	r.shown, r.entry = nil, nil
	speaks := false
	var older store.Lines
	for i := range r.Objects {
		if !r.of(i) {
			continue
		}
		r.shown, speaks = r.shown.Add(i), speaks || !r.silent.Has(i)
		if r.Older.Has(i) {
			older = older.Add(i)
		}
	}
	h := sha256.New()
	for _, l := range []store.Lines{r.Hidden, r.Older} {
		h.Write([]byte{byte(len(l))})
		h.Write(l)
	}
	r.sum = [8]byte(h.Sum(nil))
	if !speaks {
		r.shown = nil
		return
	}
	r.entry = entryOfRow(r, older, in)
}

// stamp is the event's timestamp in seconds. It rises with each newer version of something in it, by one: an instance asks for what is newer than what it has.
func (r *row) stamp() int64 { return r.First/1e6 + 1 + int64(r.guests) }

// eventOfObject is the event in which an object is shown.
func (s *shelf) eventOfObject(o catalogue.Object) string {
	parsed, err := stix.Parse(o.Raw)
	if err != nil {
		return ""
	}
	if from := eventOf(parsed); from != "" {
		return from
	}
	return s.eventAt(catalogue.Mark{Parcel: o.Parcel.No, Line: o.Line})
}

// eventAt is the event of a parcel in which a line is shown; "" where the parcel is not here.
func (s *shelf) eventAt(at catalogue.Mark) string {
	r := s.rows[at.Parcel]
	if r == nil {
		return ""
	}
	if home, ok := r.moved[at.Line]; ok {
		if r = s.rows[home.Parcel]; r == nil {
			return ""
		}
	}
	return r.uuid()
}

// isOpen tells of an object of a scope that is for everybody whether it may be.
func (s *shelf) isOpen(o catalogue.Object) bool {
	r := s.rows[o.Parcel.No]
	return r != nil && plainly(r.Marking)
}

// silent tells of types that say nothing for themselves.
func silent(t stix.Type) bool {
	switch t {
	case "identity", "marking-definition", "extension-definition", "language-content", "relationship", "sighting", "opinion":
		return true
	}
	return false
}

// plainly tells whether what lies in a parcel may be for everybody.
func plainly(m marking.Marking) bool {
	return m.TLP == marking.Clear && m.PAP.Rank() <= 0 && len(m.Handling) == 0 && m.PersonalData.Rank() <= 0
}

// newest is the first version of an event that came from MISP that is seen, and the newest of these, of one version the first that came. Nobody changes an event that came
// from elsewhere first: what another party gave, that party changes, and what was gathered in a source, that source, since some are written by partners, or mirror what others say.
func newest(all []carried, self party.Code, seen func(*carried) bool) (first, found *carried) {
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
