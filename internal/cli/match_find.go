package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
)

// maxSources bounds the lines of indicator files that are shown of one indicator, and the fields in which it was seen.
const maxSources = 8

// finding is all that was found of one indicator.
type finding struct {
	Indicator string       `json:"indicator"`
	Kind      string       `json:"kind"`
	Count     int64        `json:"count"`
	First     time.Time    `json:"first,omitzero"`
	Last      time.Time    `json:"last,omitzero"`
	Fields    []string     `json:"fields"`
	Sources   []string     `json:"sources"`
	Origins   []originView `json:"origins,omitempty"` // of a catalogue
	Allowed   string       `json:"allowed,omitzero"`
	Places    []placeView  `json:"places"`

	kind match.Kind
	rows map[uint32]*rowSeen
}

// placeView is one occurrence.
type placeView struct {
	Log     string    `json:"log"`
	Line    int64     `json:"line"`
	Offset  int64     `json:"offset"`
	Field   string    `json:"field,omitzero"`
	UID     string    `json:"uid,omitzero"`
	Time    time.Time `json:"time,omitzero"`
	Written string    `json:"written"`
}

func placeOf(log string, f match.Occurrence) placeView {
	return placeView{Log: log, Line: f.Line, Offset: f.Offset, Field: f.Field, UID: f.UID, Time: f.Time, Written: f.Written}
}

type foundKey struct {
	kind  match.Kind
	value string
	list  string
}

// findings gathers occurrences by indicator. Its memory grows with the indicators that are found, and not with how often.
type findings struct {
	set       *match.Set
	from      *indicators
	places    int
	show      bool // what is on an allow-list too
	catalogue bool // some indicators are of a catalogue: the days on which each was seen are counted
	all       map[foundKey]*finding
	lists     map[string]int64
	stats     match.Stats
	took      time.Duration
}

func newFindings(set *match.Set, from *indicators, places int, show bool) *findings {
	return &findings{set: set, from: from, places: places, show: show, catalogue: from.FromCatalogue(), all: map[foundKey]*finding{}, lists: map[string]int64{}}
}

func (f *findings) add(log string, o match.Occurrence) {
	if o.Allowed != "" {
		f.lists[o.Allowed]++
		if !f.show {
			return
		}
	}
	k := foundKey{o.Kind, o.Value, o.Allowed}
	x := f.all[k]
	if x == nil {
		x = &finding{Indicator: o.Value, Kind: o.Kind.String(), Sources: []string{}, Allowed: o.Allowed, kind: o.Kind, rows: map[uint32]*rowSeen{}}
		f.all[k] = x
	}
	x.Count++
	if !o.Time.IsZero() {
		if x.First.IsZero() || o.Time.Before(x.First) {
			x.First = o.Time
		}
		if o.Time.After(x.Last) {
			x.Last = o.Time
		}
	}
	if o.Field != "" && len(x.Fields) < maxSources && !slices.Contains(x.Fields, o.Field) {
		x.Fields = append(x.Fields, o.Field)
	}
	for _, id := range o.IDs {
		r := x.rows[id]
		if r == nil {
			r = &rowSeen{}
			x.rows[id] = r
		}
		r.add(o.Time, f.catalogue)
	}
	if len(x.Places) < f.places {
		x.Places = append(x.Places, placeOf(log, o))
	}
}

func (f *findings) count(s match.Stats) {
	f.stats.Bytes += s.Bytes
	f.stats.Lines += s.Lines
	f.stats.Found += s.Found
	f.stats.Allowed += s.Allowed
	f.stats.Void += s.Void
}

// sorted are the findings, the most frequent first.
func (f *findings) sorted() []*finding {
	var out []*finding
	for _, x := range f.all {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.Allowed, b.Allowed), cmp.Compare(b.Count, a.Count), cmp.Compare(a.kind, b.kind), cmp.Compare(a.Indicator, b.Indicator))
	})
	return out
}

// matchReport is what `comity match --output json` prints.
type matchReport struct {
	Findings   []*finding       `json:"findings"`
	Allowed    map[string]int64 `json:"allowed"` // occurrences by allow-list
	Found      int64            `json:"found"`
	Void       int64            `json:"void"` // occurrences of what was revoked or not valid
	Indicators int              `json:"indicators"`
	Refused    int64            `json:"refused"` // lines and objects that cannot be looked for
	Others     int64            `json:"others"`  // objects that are no indicators
	Wide       int64            `json:"wide"`    // ranges that are not looked for, as they are too wide
	SetBytes   int              `json:"set_bytes"`
	Bytes      int64            `json:"bytes"`
	Lines      int64            `json:"lines"`
	Seconds    float64          `json:"seconds"` // of reading logs
}

func (f *findings) report() matchReport {
	return matchReport{
		Findings: f.sorted(), Allowed: f.lists, Found: f.stats.Found, Void: f.stats.Void, Indicators: f.set.Len(), Refused: f.from.refused, Others: f.from.others, Wide: f.from.wide,
		SetBytes: f.set.Bytes(), Bytes: f.stats.Bytes, Lines: f.stats.Lines, Seconds: f.took.Seconds(),
	}
}

func (f *findings) write(p *page) {
	t := newTable("kind", "indicator", ">found", "first", "last", "fields", "where", "listed in", "allowed by")
	for _, x := range f.sorted() {
		var where []string
		for _, at := range x.Places {
			where = append(where, fmt.Sprintf("%s:%d", at.Log, at.Line))
		}
		t.addAlert(x.Allowed == "", x.Kind, cut(line(x.Indicator), 80), number(x.Count), instant(x.First), instant(x.Last),
			cut(line(strings.Join(x.Fields, ", ")), 40), cut(line(strings.Join(where, ", ")), 80), cut(line(strings.Join(x.where(), ", ")), 100), cut(line(x.Allowed), 40))
	}
	p.table(t)
	p.gap()
	p.say("%s in %s (%s), %s of %s", plural(f.stats.Found, "occurrence", "occurrences"), plural(f.stats.Lines, "line", "lines"), size(f.stats.Bytes),
		plural(len(f.all), "indicator", "indicators"), number(f.set.Len()))
	if f.stats.Allowed > 0 {
		p.say("%s on allow-lists, and %s", plural(f.stats.Allowed, "more is", "more are"), map[bool]string{true: "shown", false: "not shown (--show-allowed)"}[f.show])
	}
	if f.stats.Void > 0 {
		p.say("%s of what was revoked or not valid at the time (--ignore-validity)", plural(f.stats.Void, "more is", "more are"))
	}
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05Z")
}

// told is one occurrence of a followed log.
type told struct {
	Indicator string       `json:"indicator"`
	Kind      string       `json:"kind"`
	Sources   []string     `json:"sources"`
	Origins   []originView `json:"origins,omitempty"`
	Allowed   string       `json:"allowed,omitzero"`
	placeView `json:",embed"`
}

// tell prints an occurrence at once.
func (s *session) tell(ctx context.Context, log string, f match.Occurrence, from *indicators) error {
	v := told{Indicator: f.Value, Kind: f.Kind.String(), Sources: []string{}, Allowed: f.Allowed, placeView: placeOf(log, f)}
	ids := f.IDs[:min(len(f.IDs), maxSources)]
	all, err := from.Resolve(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		o, ok := all[id]
		if !ok {
			continue
		}
		v.Sources = append(v.Sources, o.Name)
		if o.Entry != nil {
			v.Origins = append(v.Origins, viewOrigin(o.Entry))
		}
	}
	if len(v.Sources) == 0 {
		return nil // what gave it has gone meanwhile
	}
	if s.json {
		b, err := json.Marshal(v, json.Deterministic(true))
		if err != nil {
			return fault.Wrap(err, fault.Internal, "", "an occurrence cannot be written as JSON")
		}
		return s.print(append(escaped(b), '\n'))
	}
	p := s.page()
	p.say("%s  %s %s  %s:%d  %s  %s", orNone(instant(f.Time), "-"), v.Kind, p.warn(line(f.Value)), line(log), f.Line, line(f.Field), line(fmt.Sprintf("%.100s", f.Written)))
	return s.print([]byte(p.String()))
}
