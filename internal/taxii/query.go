package taxii

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/stix"
)

// maxValues bounds what a filter names.
const maxValues = 256

func malformed(format string, args ...any) error {
	return fault.New(fault.Malformed, "", format, args...)
}

// query reads the filters of a request (TAXII 2.1, 3.4); fields are those that the resource can be matched by. Error: fault.Malformed.
func (c *call) query(one collection, fields ...string) (q catalogue.Query, err error) {
	q = catalogue.Query{For: c.Viewer, Thread: one.thread}
	given, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return q, malformed("the parameters of the request cannot be read")
	}
	for name, values := range given {
		field, isMatch := strings.CutPrefix(name, "match[")
		field = strings.TrimSuffix(field, "]")
		switch {
		case len(values) > 1:
			return q, malformed("a parameter is given once: several values of one stand with commas between")
		case isMatch && !slices.Contains(fields, field):
			return q, malformed("this resource is matched by %s alone", strings.Join(fields, ", ")) // whoever narrows does not get more than that
		case isMatch:
			err = match(&q, field, strings.Split(values[0], ","))
		case name == "limit":
			err = limit(&q, values[0])
		case name == "added_after":
			err = addedAfter(&q, values[0])
		case name == "next":
			err = next(&q, values[0])
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

func limit(q *catalogue.Query, text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return malformed("limit is a number above 0")
	}
	q.Limit = min(int(n), catalogue.MaxPage)
	return nil
}

// addedAfter takes a time with and without a fraction of a second: clients write both.
func addedAfter(q *catalogue.Query, text string) error {
	t, err := stix.ParseTimestamp(text)
	if err != nil {
		return malformed("added_after is a time in UTC, as 2026-11-21T08:00:00.000000Z")
	}
	q.Added = max(q.Added, t.Time().UnixMicro())
	return nil
}

// next is where a page ended. It is nobody's business what it holds.
func next(q *catalogue.Query, text string) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != 8 || int64(binary.BigEndian.Uint64(b)) < 0 {
		return malformed("next is what the page before gave")
	}
	q.Added = max(q.Added, int64(binary.BigEndian.Uint64(b)))
	return nil
}

func nextAfter(added int64) string {
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(added)))
}

// match narrows by one field. What holds of several fields holds together, of several values of one each will do.
func match(q *catalogue.Query, field string, values []string) error {
	if len(values) > maxValues {
		return malformed("a field is matched by at most %d values", maxValues)
	}
	for _, v := range values {
		switch field {
		case "id":
			id, err := stix.ParseID(v)
			if err != nil {
				return malformed("match[id] has identifiers of STIX objects, with commas between")
			}
			q.IDs = append(q.IDs, id)
		case "type":
			if !isType(v) {
				return malformed("match[type] has types of STIX objects, with commas between")
			}
			q.Types = append(q.Types, stix.Type(v))
		case "spec_version":
			if !isSpec(v) {
				return malformed("match[spec_version] has versions of STIX, as 2.1, with commas between")
			}
			q.Specs = append(q.Specs, v)
		case "version":
			if err := matchVersion(q, v, len(values)); err != nil {
				return err
			}
		}
	}
	return nil
}

func matchVersion(q *catalogue.Query, v string, values int) error {
	switch v {
	case "all":
		if values > 1 {
			return malformed("all stands alone in match[version]")
		}
		q.Versions.All = true
	case "first":
		q.Versions.First = true
	case "last":
		q.Versions.Last = true
	default:
		t, err := stix.ParseTimestamp(v)
		if err != nil {
			return malformed("match[version] has all, or first, last and versions as objects write them, with commas between")
		}
		q.Versions.Exact = append(q.Versions.Exact, t)
	}
	return nil
}

func isType(s string) bool {
	return len(s) <= 250 && regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`).MatchString(s)
}

func isSpec(s string) bool {
	return len(s) <= 16 && regexp.MustCompile(`^[0-9]+\.[0-9]+$`).MatchString(s)
}
