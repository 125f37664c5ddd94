package taxii

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/gate"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// FuzzQuery: whatever parameters a request has, it is malformed or asks for no more than it says: for who asks, of the collection that is named, and narrowed by each filter that is there.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=1&added_after=2026-11-21T08:00:00Z&next=AAAAAAAAAAE", "match[id]=indicator--00000000-0000-4000-8000-000000000001,x", "match%5Btype%5D=indicator,malware&match[spec_version]=2.1",
		"match[version]=first,last,2026-11-21T08:00:00.123456Z", "match[version]=all,last", "match[version]=&match[type]=", "limit=99999999999999999999", "limit=0x1", "limit=+1", "next=//////////8", "next=gAAAAAAAAAA",
		"added_after=9999-12-31T23:59:59.999999Z", "added_after=0000-01-01T00:00:00Z", "limit=1;limit=2", "%zz", "match[]=x", "match[id]]=x", "match[id=x", "limit=1&limit=1", "MATCH[id]=x", "other=1",
		"match[id]=" + strings.Repeat("a,", 300) + "a",
	} {
		f.Add(q)
	}
	viewer, source := catalogue.Viewer{Party: "XA", Max: marking.Green}, thread.ID{1}
	fields := []string{"id", "type", "version", "spec_version"}
	f.Fuzz(func(t *testing.T, raw string) {
		c := &call{Caller: gate.Caller{Viewer: viewer}, r: &http.Request{URL: &url.URL{RawQuery: raw}}}
		q, err := c.query(collection{thread: source}, fields...)
		if err != nil {
			if fault.CodeOf(err) != fault.Malformed {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		given, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q is no query, and was taken", raw)
		}
		narrowed := func(field string) bool { return given["match["+field+"]"] != nil }
		versions := q.Versions.All || q.Versions.First || q.Versions.Last || len(q.Versions.Exact) > 0
		if q.For != viewer || q.Thread != source || q.Limit < 0 || q.Limit > catalogue.MaxPage || q.Added < 0 && given["added_after"] == nil || (given["limit"] != nil) != (q.Limit > 0) ||
			narrowed("id") != (len(q.IDs) > 0) || narrowed("type") != (len(q.Types) > 0) || narrowed("spec_version") != (len(q.Specs) > 0) || narrowed("version") != versions ||
			len(q.IDs)+len(q.Types)+len(q.Specs)+len(q.Versions.Exact) > 4*maxValues || q.Versions.All && (q.Versions.First || q.Versions.Last) {
			t.Fatalf("%q asks for %+v", raw, q)
		}
		for name := range given {
			field, is := strings.CutPrefix(name, "match[")
			if is && !slices.Contains(fields, strings.TrimSuffix(field, "]")) {
				t.Fatalf("%q narrows by what is not there", raw)
			}
		}
		// Where a page ended, the next begins, and never before.
		if err := next(&q, nextAfter(max(q.Added, 0)+1)); err != nil || q.Added < 1 {
			t.Fatalf("%q: %v", raw, err)
		}
	})
}

// FuzzBody: whatever is posted, no more is read than a request may have, and each object stands where it is said to, or the text is refused.
func FuzzBody(f *testing.F) {
	one := indicator(1, "one", v1, "")
	for _, body := range []string{
		posted(one), posted(one, `{"type":"indicator"}`, "5", one), " \r\n\t{}", "[" + one + "]", one, `{"objects":[` + one, `{"objects":{}}`, `{"objects":[],"objects":[` + one + `]}`, `{"more":true,"objects":[` + one + `]}x`,
		"\xef\xbb\xbf" + posted(one), "", "null", `{"objects":[` + strings.Repeat("[", 2000), `{"objects":[{"type":"` + strings.Repeat("a", 300) + `"}]}`, "\x1f\x8b\x08\x00",
	} {
		f.Add(body, int64(1<<16))
		f.Add(body, int64(len(body)/2))
	}
	f.Fuzz(func(t *testing.T, body string, most int64) {
		most = max(0, most)
		src := strings.NewReader(body)
		in := bufio.NewReader(&bounded{src, most})
		if !opens(in) {
			return
		}
		for item, err := range stix.NewReader(in, stix.Limits{}).All() {
			if err != nil {
				if code := fault.CodeOf(err); code != fault.Malformed && code != fault.TooLarge || code == fault.TooLarge && int64(len(body)) <= most && len(body) < 1<<20 {
					t.Fatalf("%v", err)
				}
				break
			}
			if item.Offset < 0 || item.Offset >= min(int64(len(body)), most) || item.Object != nil && !strings.HasPrefix(body[item.Offset:], item.Object.Raw) {
				t.Fatalf("%+v", item)
			}
		}
		if read := int64(len(body) - src.Len()); read > most+1 {
			t.Fatalf("%d bytes were read of at most %d", read, most)
		}
		rest, err := io.ReadAll(&bounded{strings.NewReader(body), most})
		if (int64(len(body)) > most) != (fault.CodeOf(err) == fault.TooLarge) || int64(len(rest)) > most {
			t.Fatalf("%d of %d bytes were read of at most %d: %v", len(rest), len(body), most, err)
		}
		if err != nil && errors.Is(err, io.EOF) {
			t.Fatal("too much is no end")
		}
	})
}
