package client

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/stix"
)

// Options are what an Origin may be given beside its server.
type Options struct {
	// Here tells whether a marking definition is known already; nil: none is. What is not is asked for.
	Here func(ctx context.Context, id stix.ID) bool
	Now  func() time.Time // nil: time.Now
}

// Origin is the objects of a collection, in the order in which they were added. It implements mirror.Origin.
type Origin struct {
	caller
	opt   Options
	known map[stix.ID]stix.Definition // definitions that came, or need not come; bounded by maxKnown
	gone  map[stix.ID]bool            // that the server has not
	away  map[stix.ID]bool            // that are not here; bounded likewise
}

// maxKnown bounds what is remembered of definitions in a run.
const maxKnown = 10_000

// NewOrigin makes one of a site whose address is that of a collection (Direct, Find).
func NewOrigin(site *mirror.Site, o Options) *Origin {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Origin{caller: caller{site: site}, opt: o, known: map[stix.ID]stix.Definition{}, gone: map[stix.ID]bool{}, away: map[stix.ID]bool{}}
}

// Close implements mirror.Origin.
func (o *Origin) Close() { o.site.Close() }

// below is a resource of the collection, with parameters.
func (o *Origin) below(name string, q url.Values) *url.URL {
	return slash(o.site.At()).ResolveReference(&url.URL{Path: name, RawQuery: q.Encode()})
}

// parameters are those of a page (3.4). With next goes what was asked for at first, as the standard has it.
func (c cursor) parameters() url.Values {
	q := url.Values{}
	if after := c.after(); after != "" {
		q.Set("added_after", after)
	}
	if c.Next != "" {
		q.Set("next", c.Next)
	}
	if n := c.limit(); n > 0 {
		q.Set("limit", strconv.Itoa(n))
	}
	return q
}

// Next implements mirror.Origin.
func (o *Origin) Next(ctx context.Context, text string) (mirror.Page, error) {
	c := parseCursor(text)
	for {
		a, err := o.get(ctx, o.below("objects/", c.parameters()))
		if err != nil {
			return nil, err
		}
		switch {
		case a.Status == http.StatusOK, a.Status == http.StatusPartialContent:
			if err := spoken(a); err != nil {
				a.Discard()
				return nil, err
			}
			return &page{o: o, ctx: ctx, asked: c, answer: a}, nil
		case a.Status == http.StatusNoContent, a.Status == http.StatusRequestedRangeNotSatisfiable && c.Next == "": // there is nothing after that
			a.Discard()
			return &page{o: o, ctx: ctx, asked: c}, nil
		}
		if a.Status == http.StatusNotFound && c.Next == "" && o.there(ctx) { // some answer so where nothing fits
			a.Discard()
			return &page{o: o, ctx: ctx, asked: c}, nil
		}
		again, ok := c.otherwise(a.Status)
		if !ok {
			return nil, a.Fault()
		}
		a.Discard()
		if c.Limit > usualLimit {
			return nil, tied(c.Added)
		}
		c = again
	}
}

// there tells whether the collection itself is there, and may be read.
func (o *Origin) there(ctx context.Context) bool {
	r, err := o.read(ctx, slash(o.site.At()))
	return err == nil && r.ID != "" && r.readable()
}

// otherwise is how the same can be asked for where a server refuses it.
func (c cursor) otherwise(status int) (cursor, bool) {
	switch {
	case c.Next != "" && missing(status):
		// The server has forgotten where it was. What it has shown last is as good: unless the pages came out of order, then they are asked for anew.
		if c.Mixed {
			c.Added, c.Exact = c.Since, true
		}
		c.Since, c.Next, c.Mixed = "", "", false
		return c, true
	case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge && status != http.StatusUnprocessableEntity:
		return c, false
	}
	switch { // it may be the size of the page
	case c.Limit == 0, c.Limit > usualLimit:
		c.Limit = smallLimit
	case c.Limit == smallLimit:
		c.Limit = noLimit
	default:
		return c, false
	}
	c.Slim = 0
	return c, true
}

// smaller asks for a tenth of what was too much.
func (c cursor) smaller() cursor {
	c.Slim = min(c.Slim+1, mostSlim)
	return c
}

func tied(date string) error {
	return fault.New(fault.Failed, "", "more objects were added at one moment (%s) than the server gives at once, and it gives nothing to go on with (next): what comes after them cannot be fetched without losing some. Whoever runs the server can give larger pages, or pages with next", date)
}

// behindPage is where it goes on behind a page that was read to its end: n objects, from first to last, more of them, next to ask with.
func (c cursor) behindPage(first, last string, n int, more bool, next string) (cursor, error) {
	to := cursor{Added: c.Added, Limit: c.Limit, Slim: max(c.Slim-1, 0), Exact: c.Exact}
	if compare(last, c.Added) > 0 {
		to.Added, to.Exact = last, false
	}
	if to.Limit > usualLimit {
		to.Limit = 0
	}
	switch {
	case !more:
		return to, nil
	case next != "":
		if len(next) > maxNext {
			return to, fault.New(fault.TooLarge, "", "what the server gives to go on with has more than %d bytes", maxNext)
		}
		to.Since, to.Next, to.Limit = c.after(), next, c.Limit
		to.Mixed = c.Mixed || c.Next != "" && first != "" && compare(first, c.Added) < 0
		return to, nil
	case last == "":
		return to, fault.New(fault.Malformed, "", "the server says that there is more, and neither by what to ask for it (next) nor when its last object was added (X-TAXII-Date-Added-Last)")
	case to.after() != c.after():
		return to, nil
	}
	// All of it has one date, and there is more of that: a larger page has it, where the server gives one.
	if to.Limit, to.Tied = max(c.Limit, usualLimit)*10, n; to.Limit > mostLimit || c.Tied > 0 && n <= c.Tied {
		return to, tied(last)
	}
	return to, nil
}

// tailOf keeps the last of what came, so that it is known when it comes again.
func tailOf(tail []string, raw string) []string {
	tail = append(tail, hashOf(raw))
	return tail[max(0, len(tail)-maxTail):]
}

// skips tells whether an object came with the page before.
func (c cursor) skips(raw string) bool {
	return c.Next == "" && len(c.Tail) > 0 && slices.Contains(c.Tail, hashOf(raw))
}
