package misp

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/thread"
)

// scope is what the caller sees: all of it, or the source that its address names.
func (c *call) scope() (scope, error) {
	if c.source == "" {
		return viewOf(c.Caller, thread.ID{}), nil
	}
	v, err := c.node.CollectionSource(c.ctx(), c.source)
	return viewOf(c.Caller, v.ID), err // of one that a partner only writes nothing
}

func (c *call) listing() (*listing, scope, error) {
	at, err := c.scope()
	if err != nil {
		return nil, at, err
	}
	l, err := c.server.listing(c.ctx(), at)
	return l, at, err
}

// asked is what a request asks for: in its body, its query and its path.
func (c *call) asked() (filter, error) {
	all := map[string]jsontext.Value{}
	if c.r.Method == http.MethodPost {
		body := jsontext.Value{}
		if err := c.ask(&body); err != nil {
			return filter{}, err
		}
		if body.Kind() == '{' {
			if err := json.Unmarshal(body, &all); err != nil {
				return filter{}, refuse("what is searched for cannot be read")
			}
		} else if !nothingAsked(body) {
			return filter{}, refuse("what is searched for is told by a JSON object")
		}
	}
	if inner, ok := all["request"]; ok && inner.Kind() == '{' { // as older programs wrap it
		delete(all, "request")
		if err := json.Unmarshal(inner, &all); err != nil {
			return filter{}, refuse("what is searched for cannot be read")
		}
	}
	for _, named := range []map[string][]string{c.args, c.r.URL.Query()} {
		for name, values := range named {
			name = strings.TrimSuffix(strings.TrimPrefix(name, "search"), "[]")
			b, err := json.Marshal(values)
			if len(values) == 1 {
				b, err = json.Marshal(values[0])
			}
			if err != nil {
				return filter{}, refuse("a parameter is no UTF-8")
			}
			all[name] = b
		}
	}
	return parseFilter(all, c.node.Now())
}

// minimalRow is an event of the index as an instance that pulls wants it.
type minimalRow struct {
	ID        string    `json:"id"`
	Timestamp string    `json:"timestamp"`
	Sighted   string    `json:"sighting_timestamp"`
	Published bool      `json:"published"`
	UUID      string    `json:"uuid"`
	Orgc      misp.UUID `json:"orgc_uuid"`
}

// indexRow is one as programs want it.
type indexRow struct {
	minimalRow
	Info         string            `json:"info"`
	Date         string            `json:"date"`
	Analysis     misp.Word         `json:"analysis"`
	Threat       misp.Word         `json:"threat_level_id"`
	Distribution misp.Distribution `json:"distribution"`
	PublishedAt  string            `json:"publish_timestamp"`
	Org          *misp.Org         `json:"Org"`
	Creator      *misp.Org         `json:"Orgc"`
	Tags         []eventTag        `json:"EventTag"`
}

type eventTag struct {
	Tag misp.Tag `json:"Tag"`
}

// index lists events. It is what an instance asks first when it pulls, and where it has the same list it is told so and nothing else.
func index(c *call) error {
	f, err := c.asked()
	if err != nil {
		return err
	}
	if f.narrows() {
		return refuse("the index tells of events: what attributes are is asked of events/restSearch")
	}
	l, _, err := c.listing()
	if err != nil {
		return err
	}
	all := f.of(l.all)
	f.eventTags = f.tags
	all = slices.DeleteFunc(all, func(e *entry) bool { return !f.eventTags.empty() && !f.eventTags.hold(namesOf(e.Tags)...) })
	all = f.cut(all)
	var answer any
	if f.minimal {
		rows := make([]minimalRow, len(all))
		for i, e := range all {
			rows[i] = minimalOf(e)
		}
		answer = rows
	} else {
		rows := make([]indexRow, len(all))
		for i, e := range all {
			rows[i] = indexRow{minimalOf(e), e.Info, e.Date, e.Analysis, e.ThreatLevel, distributable, strconv.FormatInt(e.stamp, 10), orgOf(c.node.Config.Code), e.Orgc, eventTags(e)}
		}
		answer = rows
	}
	if f.plain() { // of all that there is the digest is known before it is written
		kind := "full"
		if f.minimal {
			kind = "minimal"
		}
		if fresh(c.w, c.r, l.etag+"-"+kind, l.newest) {
			return nil
		}
		write(c.w, http.StatusOK, answer)
		return nil
	}
	return tagged(c.w, c.r, l.newest, answer)
}

func minimalOf(e *entry) minimalRow {
	return minimalRow{e.id, strconv.FormatInt(e.stamp, 10), strconv.FormatInt(e.sighted, 10), true, e.uuid, e.Orgc.UUID}
}

func eventTags(e *entry) []eventTag {
	out := make([]eventTag, len(e.Tags))
	for i, t := range e.Tags {
		out[i].Tag = t
	}
	return out
}

// plain tells that all events are asked for.
func (f *filter) plain() bool {
	return f.event.empty() && f.tags.empty() && f.eventTags.empty() && f.org.empty() && f.info.empty() && f.published == nil && f.stamp == (span{}) && f.eventStamp == (span{}) &&
		f.since == (span{}) && f.days == (span{}) && f.limit == 0 && !f.byStamp && !f.down
}

// of are the events that a filter lets through, in the order that it asks for.
func (f *filter) of(all []*entry) (out []*entry) {
	for _, e := range all {
		if f.wants(e) && f.stamp.holds(e.stamp) {
			out = append(out, e)
		}
	}
	if f.byStamp {
		slices.SortStableFunc(out, func(a, b *entry) int { return cmp.Compare(a.stamp, b.stamp) })
	}
	if f.down {
		slices.Reverse(out)
	}
	return out
}

// cut is the page that a filter asks for.
func (f *filter) cut(all []*entry) []*entry {
	if f.limit == 0 {
		return all
	}
	from := min((f.page-1)*f.limit, len(all))
	return all[from:min(from+f.limit, len(all))]
}

// one is the event that the path names, by its UUID or number.
func (c *call) one() (*entry, scope, error) {
	l, at, err := c.listing()
	if err != nil {
		return nil, at, err
	}
	if len(c.at) != 1 {
		return nil, at, noEvent()
	}
	if e := l.find(c.at[0]); e != nil {
		return e, at, nil
	}
	return nil, at, noEvent()
}

func (l *listing) find(name string) *entry {
	if e := l.byUUID[strings.ToLower(name)]; e != nil {
		return e
	}
	for _, e := range l.all {
		if e.id == name {
			return e
		}
	}
	return nil
}

// view is one event. HEAD makes none: it asks whether it is here.
func view(c *call) error {
	e, at, err := c.one()
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodHead {
		c.w.Header().Set("Content-Type", mediaType)
		c.w.WriteHeader(http.StatusOK)
		return nil
	}
	made, err := c.event(c.ctx(), at, e)
	if err != nil {
		return err
	}
	if !slices.Contains(c.args["deleted"], "1") {
		live(made)
	}
	return tagged(c.w, c.r, e.stamp, map[string]*misp.Event{"Event": made})
}

// live leaves out what is deleted: whoever wants to hear of that asks for it.
func live(e *misp.Event) {
	e.Attributes = slices.DeleteFunc(e.Attributes, func(a misp.Attribute) bool { return bool(a.Deleted) })
	e.Objects = slices.DeleteFunc(e.Objects, func(o misp.Object) bool { return bool(o.Deleted) })
	for i := range e.Objects {
		e.Objects[i].Attributes = slices.DeleteFunc(slices.Clone(e.Objects[i].Attributes), func(a misp.Attribute) bool { return bool(a.Deleted) })
	}
	e.Reports = slices.DeleteFunc(e.Reports, func(r misp.EventReport) bool { return bool(r.Deleted) })
}

// none answers what there is never anything of here.
func none(c *call) error {
	write(c.w, http.StatusOK, []string{})
	return nil
}

// notHere refuses what MISP has and a node has not, in words that an operator understands.
func notHere(c *call) error {
	return fault.New(fault.Denied, "", "events are changed by pushing a newer version, and recalled at the desk")
}
