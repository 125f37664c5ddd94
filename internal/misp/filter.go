package misp

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
)

// Bounds of what one filter names: a word is looked up, a pattern is held against every value.
const (
	maxWords    = 10_000
	maxPatterns = 100
)

// words is what a filter lets through: one of any, where there are any, all of every, and none of none. A percent sign stands for anything.
type words struct{ any, every, none terms }

// terms are words and patterns, made ready to be compared as MISP's database does: without case.
type terms struct {
	exact    map[string]bool // in small letters
	patterns []pattern
	list     []string // all of them, as they were given
}

// pattern is what stands between percent signs, in small letters.
type pattern []string

func (t *terms) add(s string) {
	t.list = append(t.list, s)
	small := strings.ToLower(s)
	if strings.Contains(small, "%") {
		t.patterns = append(t.patterns, strings.Split(small, "%"))
		return
	}
	if t.exact == nil {
		t.exact = map[string]bool{}
	}
	t.exact[small] = true
}

func (t *terms) empty() bool { return len(t.list) == 0 }

// some tells whether one of the terms is one of values, which are in small letters.
func (t *terms) some(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return t.exact[v] || slices.ContainsFunc(t.patterns, func(p pattern) bool { return p.fits(v) })
	})
}

// all tells whether each of the terms is.
func (t *terms) all(values []string) bool {
	for word := range t.exact {
		if !slices.Contains(values, word) {
			return false
		}
	}
	return !slices.ContainsFunc(t.patterns, func(p pattern) bool { return !slices.ContainsFunc(values, p.fits) })
}

func (w *words) empty() bool { return w.any.empty() && w.every.empty() && w.none.empty() }

// count tells how many terms and patterns a filter has.
func (w *words) count() (all, patterns int) {
	for _, t := range []*terms{&w.any, &w.every, &w.none} {
		all, patterns = all+len(t.list), patterns+len(t.patterns)
	}
	return all, patterns
}

// hold tells whether what has these values is let through.
func (w *words) hold(values ...string) bool {
	if w.empty() {
		return true
	}
	small := make([]string, len(values))
	for i, v := range values {
		small[i] = strings.ToLower(v)
	}
	return (w.any.empty() || w.any.some(small)) && !w.none.some(small) && w.every.all(small)
}

// fits compares as MISP's database does, with % for anything.
func (p pattern) fits(v string) bool {
	v, ok := strings.CutPrefix(v, p[0])
	if !ok {
		return false
	}
	for _, part := range p[1 : len(p)-1] {
		if _, v, ok = strings.Cut(v, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(v, p[len(p)-1])
}

// span is a stretch of time in seconds; to is 0 where it has no end.
type span struct{ from, to int64 }

func (s span) holds(t int64) bool { return t >= s.from && (s.to == 0 || t <= s.to) }

// filter is what a search asks for. What is not given asks nothing.
type filter struct {
	event, value, kind, category, tags, eventTags, org, info, attribute words
	toIDs                                                               *bool
	published                                                           *bool
	stamp, eventStamp, since, days                                      span
	deleted                                                             bool // deleted attributes are wanted, too
	metadata, minimal                                                   bool
	limit, page                                                         int
	byStamp, down                                                       bool
}

// shapes only say how an answer is to look, in ways that make no difference here: none of them narrows.
func shapes() []string {
	return []string{
		"withAttachments", "sgReferenceOnly", "includeEventUuid", "includeEventTags", "includeContext", "headerless", "includeDecayScore", "includeCorrelations", "includeSightings",
		"includeEventCorrelations", "includeFeedCorrelations", "includeWarninglistHits", "includeAllTags", "includeAnalystData", "includeAttachments", "includeUuid", "includeAttribute",
		"includeEvent", "includeGalaxy", "includeProposals", "excludeGalaxy", "excludeLocalTags", "extended", "extensionList", "allow_proposal_blocking", "request",
	}
}

// parseFilter reads what a search asks for. A filter that is not known here is refused unless it asks nothing: who narrows must not get more, or nothing, without knowing it.
func parseFilter(asked map[string]jsontext.Value, now time.Time) (f filter, err error) {
	f.page = 1
	for name, v := range asked {
		if nothingAsked(v) {
			if name == "published" {
				f.published = new(bool)
			}
			if name == "to_ids" {
				f.toIDs = new(bool)
			}
			continue
		}
		if err = f.take(name, v, now); err != nil {
			return f, err
		}
	}
	return f, nil
}

// nothingAsked tells of a value that leaves a filter out.
func nothingAsked(v jsontext.Value) bool {
	switch s := strings.TrimSpace(string(v)); s {
	case "null", "false", "0", `"0"`, `""`, "[]", "{}", `"false"`:
		return true
	}
	return false
}

func (f *filter) take(name string, v jsontext.Value, now time.Time) (err error) {
	into := map[string]*words{
		"eventid": &f.event, "event_id": &f.event, "value": &f.value, "type": &f.kind, "category": &f.category, "tags": &f.tags, "tag": &f.tags, "event_tags": &f.eventTags, "org": &f.org, "orgs": &f.org,
		"eventinfo": &f.info, "uuid": &f.attribute,
	}[name]
	if into != nil {
		*into, err = wordsOf(name, v)
		return err
	}
	switch name {
	case "timestamp", "attribute_timestamp":
		f.stamp, err = spanOf(name, v, now)
	case "event_timestamp":
		f.eventStamp, err = spanOf(name, v, now)
	case "last", "publish_timestamp", "publishtimestamp":
		f.since, err = spanOf(name, v, now)
	case "from", "datefrom":
		f.days.from, err = dayOf(name, v, now)
	case "to", "until", "dateuntil":
		f.days.to, err = dayOf(name, v, now)
		f.days.to += 24*3600 - 1
	case "published":
		f.published = ptr(true)
	case "to_ids":
		f.toIDs = ptr(true)
	case "metadata":
		f.metadata = true
	case "minimal":
		f.minimal = true
	case "desc":
		f.down = true
	case "deleted":
		f.deleted = strings.ContainsAny(string(v), "1t") // 1, "1", true, or both
	case "limit":
		f.limit, err = countOf(name, v)
	case "page":
		f.page, err = countOf(name, v)
	case "returnFormat":
		if s := textOf(v); s != "json" {
			err = refuse("returnFormat is json here, not another")
		}
	case "sort":
		if s := textOf(v); s == "timestamp" || s == "publish_timestamp" {
			f.byStamp = true
		} else if s != "id" {
			err = refuse("events are sorted by id or timestamp")
		}
	case "direction":
		f.down = strings.EqualFold(textOf(v), "desc")
	default:
		if !slices.Contains(shapes(), name) {
			err = refuse("this filter is not known here, and nothing is searched without it: %s", safeName(name))
		}
	}
	return err
}

func refuse(format string, args ...any) error { return fault.New(fault.Malformed, "", format, args...) }

// safeName is a filter's name, if it looks like one.
func safeName(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool { return r > 'z' || r < '0' }) {
		return "one whose name is none"
	}
	return s
}

func ptr[T any](v T) *T { return &v }

// textOf is a string or a number as text.
func textOf(v jsontext.Value) string {
	var s misp.Word
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return string(s)
}

func countOf(name string, v jsontext.Value) (int, error) {
	n, err := strconv.ParseUint(textOf(v), 10, 31)
	if err != nil || n == 0 {
		return 0, refuse("%s is a number above 0", name)
	}
	return int(n), nil
}

// wordsOf reads a filter: one word, a list, or what is wanted by OR, AND and NOT. In a list ! means not; && between words of one text means all of them.
func wordsOf(name string, v jsontext.Value) (w words, err error) {
	var by map[string]jsontext.Value
	if v.Kind() == '{' {
		if err := json.Unmarshal(v, &by); err != nil {
			return w, refuse("%s cannot be read", name)
		}
	} else {
		by = map[string]jsontext.Value{"OR": v}
	}
	for op, list := range by {
		all := []misp.Word{}
		if list.Kind() != '[' {
			list = jsontext.Value("[" + string(list) + "]")
		}
		if err := json.Unmarshal(list, &all); err != nil || len(all) > maxWords {
			return w, refuse("%s is a word or a list of at most %d", name, maxWords)
		}
		for _, one := range all {
			if err := w.add(op, string(one)); err != nil {
				return w, err
			}
		}
	}
	switch all, patterns := w.count(); {
	case all > maxWords:
		return w, refuse("%s is a word or a list of at most %d", name, maxWords)
	case patterns > maxPatterns:
		return w, refuse("%s has at most %d words with %%: each of them is held against everything that there is; ask in several searches", name, maxPatterns)
	}
	return w, nil
}

func (w *words) add(op, s string) error {
	rest, not := strings.CutPrefix(s, "!")
	switch {
	case s == "":
	case op == "OR" && not, op == "NOT":
		w.none.add(rest)
	case op == "AND":
		w.every.add(s)
	case op == "OR" && strings.Contains(s, "&&"):
		for _, one := range strings.Split(s, "&&") {
			if err := w.add("AND", one); err != nil {
				return err
			}
		}
	case op == "OR":
		w.any.add(s)
	default:
		return refuse("what is wanted of a filter is told by OR, AND and NOT")
	}
	return nil
}

// spanOf reads since when, or from when to when: seconds since 1970, a date, or how long ago, as 5d.
func spanOf(name string, v jsontext.Value, now time.Time) (s span, err error) {
	list := []jsontext.Value{v}
	if v.Kind() == '[' {
		if err := json.Unmarshal(v, &list); err != nil || len(list) == 0 || len(list) > 2 {
			return s, refuse("%s is a time, or two", name)
		}
	}
	if s.from, err = momentOf(name, list[0], now); err == nil && len(list) == 2 {
		s.to, err = momentOf(name, list[1], now)
		if s.from > s.to {
			s.from, s.to = s.to, s.from // two spans back, written the long one first or last
		}
	}
	return s, err
}

func momentOf(name string, v jsontext.Value, now time.Time) (int64, error) {
	s := textOf(v)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	for unit, seconds := range map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600} {
		if digits, ok := strings.CutSuffix(s, unit); ok {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n >= 0 && n < 1e9 {
				return max(0, now.Unix()-n*seconds), nil
			}
		}
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, refuse("%s is a time: seconds since 1970, 2026-11-21, or how long ago, as 5d", name)
}

// dayOf reads a date as the moment at which it begins.
func dayOf(name string, v jsontext.Value, now time.Time) (int64, error) {
	n, err := momentOf(name, v, now)
	return n - n%(24*3600), err
}

// wants tells whether an event is asked for, as far as its listing tells.
func (f *filter) wants(e *entry) bool {
	day, err := time.Parse(dateOfSaying, e.Date)
	switch {
	case f.published != nil && !*f.published: // whatever is here is published
		return false
	case !f.event.empty() && !f.event.hold(e.uuid, e.id), !f.info.hold(e.Info), !f.eventStamp.holds(e.stamp), !f.since.holds(e.stamp):
		return false
	case f.days != (span{}) && (err != nil || !f.days.holds(day.Unix())):
		return false
	case !f.org.empty() && (e.Orgc == nil || !f.org.hold(e.Orgc.Name, string(e.Orgc.UUID))):
		return false
	}
	return f.eventTags.empty() || f.eventTags.hold(namesOf(e.Tags)...)
}

func namesOf(lists ...[]misp.Tag) (names []string) {
	for _, tags := range lists {
		for _, t := range tags {
			names = append(names, t.Name)
		}
	}
	return names
}

// narrows tells whether attributes are asked for by what they are.
func (f *filter) narrows() bool {
	return !f.value.empty() || !f.kind.empty() || !f.category.empty() || !f.attribute.empty() || f.toIDs != nil
}

// wantsAttribute holds an attribute against the filter.
func (f *filter) wantsAttribute(e *entry, a *misp.Attribute) bool {
	values := []string{string(a.Value)}
	if strings.Contains(a.Type, "|") || a.Type == "malware-sample" {
		values = append(values, strings.SplitN(string(a.Value), "|", 2)...)
	}
	return f.value.hold(values...) && f.kind.hold(a.Type) && f.category.hold(a.Category) && (f.attribute.empty() || f.attribute.hold(string(a.UUID), e.uuid)) &&
		(f.toIDs == nil || bool(a.ToIDs) == *f.toIDs) && (f.deleted || !bool(a.Deleted)) && (f.tags.empty() || f.tags.hold(namesOf(e.Tags, a.Tags)...))
}
