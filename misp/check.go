package misp

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// The bounds of what an event says in single values. What is longer is no value that anybody looks for.
const (
	maxValue = 1 << 20 // bytes of a value, comment or name
	maxTags  = 1 << 10
)

// Check holds the whole event against the rules of the format: identifiers, times, the words that a member may have, and that no
// identifier occurs twice. The error names the place: fault.Malformed or fault.TooLarge.
func (e *Event) Check() error {
	if err := e.checkHead(); err != nil {
		return err
	}
	seen := map[UUID]struct{}{}
	once := func(u UUID, list string, i int) error {
		if u == "" {
			return nil
		}
		u = UUID(strings.ToLower(string(u)))
		if _, twice := seen[u]; twice {
			return fault.New(fault.Malformed, "", "%s %d has a uuid that occurs twice", list, i+1)
		}
		seen[u] = struct{}{}
		return nil
	}
	for i := range e.Attributes {
		if err := first(e.Attributes[i].check(), once(e.Attributes[i].UUID, "Attribute", i)); err != nil {
			return place(err, "Attribute", i)
		}
	}
	for i := range e.Objects {
		if err := first(e.Objects[i].check(), once(e.Objects[i].UUID, "Object", i)); err != nil {
			return place(err, "Object", i)
		}
		for j := range e.Objects[i].Attributes {
			if err := once(e.Objects[i].Attributes[j].UUID, "Attribute", j); err != nil {
				return place(err, "Object", i)
			}
		}
	}
	for i := range e.Reports {
		if err := first(e.Reports[i].check(), once(e.Reports[i].UUID, "EventReport", i)); err != nil {
			return place(err, "EventReport", i)
		}
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func place(err error, list string, i int) error {
	f := fault.Of(err)
	if strings.HasPrefix(f.Msg, list+" ") {
		return err
	}
	return fault.Wrap(err, f.Code, f.Clause, "%s %d: %s", list, i+1, f.Msg)
}

func malformed(format string, args ...any) error {
	return fault.New(fault.Malformed, "", format, args...)
}

// checkHead holds what an event has beside its lists against the rules.
func (e *Event) checkHead() error {
	switch {
	case !e.UUID.Valid():
		return malformed("the event has no uuid")
	case e.Info == "":
		return malformed("the event has no info")
	case len(e.Info) > maxValue:
		return fault.New(fault.TooLarge, "", "info has more than %d bytes", maxValue)
	case e.Extends != "" && !e.Extends.Valid():
		return malformed("extends_uuid is no UUID")
	case e.Orgc != nil && e.Orgc.UUID != "" && !e.Orgc.UUID.Valid():
		return malformed("the organisation has a uuid that is none")
	case !oneOf(string(e.Analysis), "", "0", "1", "2"):
		return malformed("analysis is 0, 1 or 2")
	case !oneOf(string(e.ThreatLevel), "", "1", "2", "3", "4", "0", "undefined"):
		return malformed("threat_level_id is 1 to 4")
	}
	if _, err := time.Parse(time.DateOnly, e.Date); err != nil && e.Date != "" {
		return malformed("date is like 2026-11-21")
	}
	return first(e.Timestamp.check("timestamp"), e.PublishTimestamp.check("publish_timestamp"), e.Distribution.check(), checkTags(e.Tags))
}

func oneOf(s string, words ...string) bool {
	for _, w := range words {
		if s == w {
			return true
		}
	}
	return false
}

func (s Seconds) check(name string) error {
	if s == "" || s == "0" {
		return nil
	}
	if _, ok := s.Time(); !ok {
		return malformed("%s is no number of seconds since 1970", name)
	}
	return nil
}

func (d Distribution) check() error {
	if d == "" {
		return nil
	}
	if n, err := strconv.ParseUint(string(d), 10, 8); err != nil || n > 5 {
		return malformed("distribution is 0 to 5")
	}
	return nil
}

func checkTags(tags []Tag) error {
	if len(tags) > maxTags {
		return fault.New(fault.TooLarge, "", "there are more than %d tags", maxTags)
	}
	for _, t := range tags {
		if t.Name == "" || len(t.Name) > maxValue {
			return malformed("a tag has no name, or one that is too long")
		}
	}
	return nil
}

func (a *Attribute) check() error {
	switch {
	case a.UUID != "" && !a.UUID.Valid():
		return malformed("uuid is no UUID")
	case a.Type == "" || len(a.Type) > 255:
		return malformed("the attribute has no type")
	case a.Value == "":
		return malformed("the attribute has no value")
	case len(a.Value) > maxValue || len(a.Comment) > maxValue:
		return fault.New(fault.TooLarge, "", "a value and a comment have at most %d bytes", maxValue)
	case !isTime(a.FirstSeen) || !isTime(a.LastSeen):
		return malformed("first_seen and last_seen are times such as 2026-11-21T08:00:00.000000+00:00")
	}
	if _, err := base64.StdEncoding.DecodeString(a.Data); err != nil {
		return malformed("data is no base64")
	}
	for _, s := range a.Sightings {
		if s.UUID != "" && !s.UUID.Valid() {
			return malformed("a sighting has a uuid that is none")
		}
		if err := s.Date.check("date_sighting"); err != nil {
			return err
		}
	}
	return first(a.Timestamp.check("timestamp"), a.Distribution.check(), checkTags(a.Tags))
}

func isTime(s string) bool {
	if s == "" {
		return true
	}
	_, ok := moment(s)
	return ok
}

// moment reads a time as MISP writes it: RFC 3339, with a colon in its zone or without, or seconds since 1970.
func moment(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return t.UTC(), true
		}
	}
	return Seconds(s).Time()
}

func (o *Object) check() error {
	switch {
	case o.UUID != "" && !o.UUID.Valid():
		return malformed("uuid is no UUID")
	case o.Name == "" || len(o.Name) > 255:
		return malformed("the object has no name")
	case len(o.Description) > maxValue || len(o.Comment) > maxValue:
		return fault.New(fault.TooLarge, "", "a description and a comment have at most %d bytes", maxValue)
	case !isTime(o.FirstSeen) || !isTime(o.LastSeen):
		return malformed("first_seen and last_seen are times such as 2026-11-21T08:00:00.000000+00:00")
	}
	for i := range o.Attributes {
		if err := o.Attributes[i].check(); err != nil {
			return place(err, "Attribute", i)
		}
	}
	for i, r := range o.References {
		if r.UUID != "" && !r.UUID.Valid() || !r.Referenced.Valid() || r.Source != "" && !r.Source.Valid() {
			return malformed("ObjectReference %d has a uuid that is none", i+1)
		}
		if err := r.Timestamp.check("timestamp"); err != nil {
			return err
		}
	}
	return first(o.Timestamp.check("timestamp"), o.Distribution.check())
}

func (r *EventReport) check() error {
	switch {
	case r.UUID != "" && !r.UUID.Valid():
		return malformed("uuid is no UUID")
	case len(r.Name) > maxValue:
		return fault.New(fault.TooLarge, "", "a report's name has at most %d bytes", maxValue)
	}
	return first(r.Timestamp.check("timestamp"), r.Distribution.check(), checkTags(r.Tags))
}
