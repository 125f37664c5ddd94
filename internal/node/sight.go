package node

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// MaxSeen bounds what is told of at once.
const MaxSeen = 50_000

// Seen is that an object was seen on a day: all that is taken of a log.
type Seen struct {
	Object stix.ID        `json:"object"`
	Thread thread.ID      `json:"thread,omitzero" doc:"the source, feed or share with which it came; absent: each with which it came"`
	Count  int64          `json:"count" doc:"how often, at least once"`
	First  statement.Time `json:"first,omitzero" doc:"both within one day of UTC, or both absent"`
	Last   statement.Time `json:"last,omitzero"`
}

// Sightings is what was seen, and how it is to be told.
type Sightings struct {
	Seen    []Seen
	Exact   bool         // with the first and last time of each day; else with the day alone
	Preview bool         // only find out what would be told to whom
	By      statement.By // who tells
}

// KeptReason is why something that was seen is not told.
type KeptReason string

// The reasons.
const (
	KeptSaid   KeptReason = "said-before" // as often, or more often, was said of that day
	KeptGone   KeptReason = "not-here"    // no such object is here, or not in that thread
	KeptThread KeptReason = "thread"      // where it came takes no sightings
	KeptOther  KeptReason = "other-way"   // the same party is told in another thread, with which it came as well
)

// KeptSighting is something that is not told.
type KeptSighting struct {
	Object stix.ID    `json:"object"`
	Thread thread.ID  `json:"thread,omitzero"`
	Reason KeptReason `json:"reason"`
	Count  int64      `json:"count"`
}

// ToldSighting is a statement that tells of sightings, or would.
type ToldSighting struct {
	Thread    thread.ID        `json:"thread,omitzero"` // absent: a source of this party's own that is opened for it
	Form      intel.Form       `json:"form"`
	Name      string           `json:"name,omitzero"`
	Own       bool             `json:"own,omitzero"` // kept here: they are of objects that this party has gathered itself
	To        []party.Code     `json:"to,omitempty"`
	TLP       marking.TLP      `json:"tlp"`
	Objects   int64            `json:"objects"` // sightings
	Count     int64            `json:"count"`   // occurrences that were not said before
	First     statement.Time   `json:"first,omitzero"`
	Last      statement.Time   `json:"last,omitzero"`
	Verdict   *Verdict         `json:"verdict,omitempty"`
	Approval  string           `json:"approval,omitzero"` // who asks for a second officer
	Withheld  string           `json:"withheld,omitzero"` // why it is not said
	Said      statement.ID     `json:"said,omitzero"`     // once it was
	Draft     string           `json:"draft,omitzero"`    // that waits for a second officer
	Sightings []jsontext.Value `json:"sightings"`         // exactly what is in it
}

// SightingReport is what is told, and what is not.
type SightingReport struct {
	Told []ToldSighting `json:"told"`
	Kept []KeptSighting `json:"kept"`
}

// sightingNamespace makes the ids of sightings, so that the same is said once.
var sightingNamespace = [16]byte{0x2b, 0x8d, 0x51, 0xe7, 0x0a, 0x34, 0x4c, 0x19, 0xb6, 0x0f, 0x7e, 0x43, 0xd2, 0x95, 0x18, 0x6c}

// IdentityOf is the identity object that stands for a party in what nodes make.
func IdentityOf(code party.Code) stix.ID {
	return stix.DeriveID("identity", sightingNamespace, []byte("party "+code))
}

// sourceOfSightings is the own source that keeps sightings of what this party has gathered itself.
const sourceOfSightings = "sightings"

// Sight tells each party from which objects came how often and on which days they were seen: a count and times, and nothing of the log. What was said before is not said again; where more was seen of a
// day, the difference is. Of what this party has gathered itself it keeps the sightings in a source of its own, TLP:RED. What an agreement does not let pass is told with the verdict, and the others go.
// Errors: fault.Denied for who may not read; fault.Usage for what cannot have been seen.
func (n *Node) Sight(ctx context.Context, s Sightings) (SightingReport, error) {
	// spec: INT-8
	viewer, err := n.AtDesk(ctx)
	if err != nil {
		return SightingReport{}, err
	}
	n.sighting.Lock() // what one has just said, another must see
	defer n.sighting.Unlock()
	if err := n.Indexed(ctx); err != nil { // what was said before stands in the catalogue
		return SightingReport{}, err
	}
	t := telling{n: n, ctx: ctx, s: s, now: n.Now(), viewer: viewer, threads: map[thread.ID]*sightThread{}, groups: map[string]*sightGroup{}, report: SightingReport{Told: []ToldSighting{}, Kept: []KeptSighting{}}}
	if err := t.gather(); err != nil {
		return t.report, err
	}
	if err := t.hold(); err != nil {
		return t.report, err
	}
	return t.report, t.say()
}

// telling is Sight under way.
type telling struct {
	n       *Node
	ctx     context.Context
	s       Sightings
	now     time.Time
	viewer  catalogue.Viewer
	threads map[thread.ID]*sightThread
	days    []*daySeen
	groups  map[string]*sightGroup
	order   []*sightGroup
	report  SightingReport
}

// sightThread is where a sighting may be told.
type sightThread struct {
	IntelView
	purpose string
	can     bool // this party can say a sighting there
}

// daySeen is what was seen of one object of one party's on one day.
type daySeen struct {
	Seen
	id      stix.ID // of the sighting
	day     string  // "" where the log says no time
	from    party.Code
	entry   catalogue.Entry
	created stix.Timestamp // of the sighting, where there is one
	newer   stix.Timestamp // its version
	more    int64          // of Count, what was not said before
}

// gather finds out who gave each object, and adds up by day.
func (t *telling) gather() error {
	if len(t.s.Seen) > MaxSeen {
		return fault.New(fault.TooLarge, "", "at most %d sightings are told at once", MaxSeen)
	}
	came := map[stix.ID][]catalogue.Entry{}
	byID := map[stix.ID]*daySeen{}
	for _, seen := range t.s.Seen {
		day, err := dayOf(seen)
		if err != nil {
			return err
		}
		entries, ok := came[seen.Object]
		if !ok {
			if entries, err = t.n.Catalogue.Came(t.ctx, t.viewer, seen.Object); err != nil {
				return err
			}
			came[seen.Object] = entries
		}
		chosen, err := t.choose(seen, entries)
		if err != nil {
			return err
		}
		for _, e := range chosen {
			from := e.Statement.From
			id := stix.DeriveID("sighting", sightingNamespace, fmt.Appendf(nil, "%s %s %s %s", t.n.Config.Code, from, seen.Object, day))
			d := byID[id]
			if d == nil {
				d = &daySeen{Seen: seen, id: id, day: day, from: from, entry: e, created: stix.At(t.now)}
				byID[id], t.days = d, append(t.days, d)
				continue
			}
			d.Count = min(d.Count+seen.Count, maxCount)
			if seen.First.Before(d.First) {
				d.First = seen.First
			}
			if d.Last.Before(seen.Last) {
				d.Last = seen.Last
			}
		}
	}
	return nil
}

// maxCount is the greatest count that a sighting may have (STIX 2.1, 5.3).
const maxCount = 999_999_999

// dayOf is the day on which something was seen, and makes sure that it was one.
func dayOf(s Seen) (string, error) {
	if _, err := stix.ParseID(string(s.Object)); err != nil || s.Count < 1 || s.Count > maxCount {
		return "", fault.New(fault.Usage, "INT-8", "what was seen is an object's id, and a count from 1 to %d", maxCount)
	}
	if s.First.IsZero() && s.Last.IsZero() {
		return "", nil
	}
	day := s.First.Std().UTC().Format(time.DateOnly)
	if s.First.IsZero() || s.Last.Before(s.First) || s.Last.Std().UTC().Format(time.DateOnly) != day {
		return "", fault.New(fault.Usage, "INT-8", "first and last are of one day (UTC), the first not after the last: give each day by itself")
	}
	return day, nil
}

// choose takes, of all words on an object, one of each party: where this party can tell it, else where it came last. The others are kept.
func (t *telling) choose(seen Seen, entries []catalogue.Entry) (chosen []catalogue.Entry, err error) {
	keep := func(id thread.ID, why KeptReason) {
		t.report.Kept = append(t.report.Kept, KeptSighting{seen.Object, id, why, seen.Count})
	}
	if !seen.Thread.IsZero() {
		entries = slices.DeleteFunc(slices.Clone(entries), func(e catalogue.Entry) bool { return e.Parcel.Thread != seen.Thread })
	}
	if len(entries) == 0 {
		keep(seen.Thread, KeptGone)
		return nil, nil
	}
	best := map[party.Code]catalogue.Entry{}
	for _, e := range entries {
		from := e.Statement.From
		if from == t.n.Config.Code {
			best[from] = e // it is kept here once, wherever it stands
			continue
		}
		at, err := t.thread(e.Parcel.Thread)
		if err != nil {
			return nil, err
		}
		if !at.can || at.By != from {
			keep(e.Parcel.Thread, KeptThread)
			continue
		}
		other, ok := best[from]
		switch {
		case !ok:
			best[from] = e
		case e.Added > other.Added:
			keep(other.Parcel.Thread, KeptOther)
			best[from] = e
		default:
			keep(e.Parcel.Thread, KeptOther)
		}
	}
	for _, e := range best {
		chosen = append(chosen, e)
	}
	slices.SortFunc(chosen, func(a, b catalogue.Entry) int { return cmp.Compare(a.Statement.From, b.Statement.From) })
	return chosen, nil
}

// thread tells of a thread whether a sighting can be said in it now.
func (t *telling) thread(id thread.ID) (*sightThread, error) {
	if at := t.threads[id]; at != nil {
		return at, nil
	}
	at := &sightThread{}
	err := t.n.Store.View(t.ctx, func(tx store.Tx) error {
		row, err := tx.Thread(id)
		if err != nil {
			return err
		}
		at.IntelView, _ = intelOf(row)
		if len(row.State) > 0 {
			state, err := thread.ParseState(row.State)
			if err != nil {
				return err
			}
			for _, m := range t.n.Rules.Moves(state, t.n.Config.Code) {
				at.can = at.can || m.Kind == intel.KindSighting
			}
		}
		opener, err := headOf(tx, id)
		if err != nil {
			return err
		}
		at.purpose = at.View.Offer.Purpose
		if f, err := thread.Facts[intel.Share](opener); err == nil && opener.Kind == intel.KindShare {
			at.purpose = f.Purpose
		}
		return nil
	})
	t.threads[id] = at
	return at, err
}

// hold takes away what was said before, and puts the rest into groups of one thread and marking.
func (t *telling) hold() error {
	const atOnce = 500
	for days := range slices.Chunk(t.days, atOnce) {
		var ids []stix.ID
		for _, d := range days {
			ids = append(ids, d.id)
		}
		own, err := t.n.Catalogue.Own(t.ctx, ids...)
		if err != nil {
			return err
		}
		for _, d := range days {
			d.more = d.Count
			if o := own[d.id]; o != nil {
				d.more, d.created, d.newer = d.Count-int64(max(o.Count, 0)), o.Created, o.Version()
			}
			if d.more <= 0 {
				t.report.Kept = append(t.report.Kept, KeptSighting{d.Object, d.entry.Parcel.Thread, KeptSaid, d.Count})
				continue
			}
			if err := t.put(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// sightGroup is what one statement will tell.
type sightGroup struct {
	ToldSighting
	marking marking.Marking
	purpose string
	parcels [][]byte
	open    []byte
	n       int
	objects []*stix.Object
}

// put adds a sighting to the statement that will tell it.
func (t *telling) put(d *daySeen) error {
	own := d.from == t.n.Config.Code
	m := d.entry.Statement.Marking
	if own {
		m = marking.Marking{TLP: marking.Red}
	}
	o, err := t.object(d, m)
	if err != nil {
		return err
	}
	k, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "a marking cannot be written")
	}
	key := string(k)
	if !own {
		key = d.entry.Parcel.Thread.String() + key
	}
	g := t.groups[key]
	if g == nil || g.n == intel.MaxParcelObjects*intel.MaxParcels {
		g = &sightGroup{marking: m, ToldSighting: ToldSighting{Own: own, TLP: m.TLP, Form: intel.ASource, Name: sourceOfSightings}}
		if !own {
			at, err := t.thread(d.entry.Parcel.Thread)
			if err != nil {
				return err
			}
			g.Thread, g.Form, g.Name, g.purpose = at.ID, at.Form, at.Name, at.purpose
		}
		t.groups[key], t.order = g, append(t.order, g)
	}
	g.add(o, d.more)
	return nil
}

// add adds one sighting, of which so many occurrences are new.
func (g *sightGroup) add(o *stix.Object, more int64) {
	if g.n%intel.MaxParcelObjects == 0 && g.n > 0 {
		g.parcels, g.open = append(g.parcels, g.open), nil
	}
	g.open, g.n = append(append(g.open, o.Raw...), '\n'), g.n+1
	g.objects = append(g.objects, o)
	g.Sightings = append(g.Sightings, jsontext.Value(o.Raw))
	g.Objects, g.Count = g.Objects+1, g.Count+more
	if o.FirstSeen == "" {
		return
	}
	if first := statement.TimeOf(o.FirstSeen.Time()); g.First.IsZero() || first.Before(g.First) {
		g.First = first
	}
	if last := statement.TimeOf(o.LastSeen.Time()); g.Last.Before(last) {
		g.Last = last
	}
}

// object makes the sighting: whose, of what, how often and when. There is nothing else in it.
func (t *telling) object(d *daySeen, m marking.Marking) (*stix.Object, error) {
	self := IdentityOf(t.n.Config.Code)
	count := int(d.Count)
	modified := t.now
	if was := d.newer; was != "" && !modified.After(was.Time()) {
		modified = was.Time().Add(time.Millisecond)
	}
	s := stix.Sighting{
		Common: stix.Common{ID: d.id, CreatedBy: self, Created: d.created, Modified: stix.At(modified), Markings: []stix.ID{stix.TLPRef(m.TLP)}},
		Of:     d.Object, Count: &count, Where: []stix.ID{self},
	}
	switch {
	case d.day == "":
	case t.s.Exact:
		s.FirstSeen, s.LastSeen = stix.At(d.First.Std()), stix.At(d.Last.Std())
	default:
		begins := d.First.Std().UTC().Truncate(24 * time.Hour)
		ends := begins.Add(24*time.Hour - time.Second)
		if t.now.Before(ends) && t.now.After(begins) {
			ends = t.now // the day is not over
		}
		s.FirstSeen, s.LastSeen = stix.At(begins), stix.At(ends)
	}
	return s.Object()
}
