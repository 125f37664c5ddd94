package taxii

import (
	"bufio"
	"cmp"
	"net/http"
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/stix"
)

// maxRounds bounds how often a page is looked for that has something in it: one look passes by thousands of parcels.
const maxRounds = 16

// page gives the next page that has something in it, if it is to be found in a bounded time. Where it is not, there is more, and next tells where.
func (c *call) page(q catalogue.Query) (page catalogue.Page, err error) {
	for range maxRounds {
		now := q
		now.For, c.First = cmp.Or(c.First, q.For), catalogue.Viewer{}
		page, err = c.node.Catalogue.Page(c.r.Context(), now)
		if err != nil || len(page.Objects) > 0 || !page.More {
			break
		}
		q.Added = page.Next
	}
	return page, err
}

// dated sets when the first and the last object of a page were added (1.6.8). Of a page without any it is where the caller stands: whoever goes on after that misses nothing.
func dated(w http.ResponseWriter, page catalogue.Page) {
	first, last := page.Next, page.Next
	if n := len(page.Objects); n > 0 {
		first, last = page.Objects[0].Added, page.Objects[n-1].Added
	}
	w.Header().Set("X-TAXII-Date-Added-First", at(first))
	w.Header().Set("X-TAXII-Date-Added-Last", at(last))
}

// envelope writes objects as they are kept, in a TAXII envelope (3.7). None is parsed.
func envelope(w http.ResponseWriter, page catalogue.Page) {
	dated(w, page)
	begin, end := "{", "}"
	if page.More {
		begin = `{"more":true,"next":"` + nextAfter(page.Next) + `"`
	}
	if len(page.Objects) > 0 {
		if page.More {
			begin += ","
		}
		begin, end = begin+`"objects":[`, "]}"
	}
	size := len(begin) + len(end) + max(0, len(page.Objects)-1)
	for _, o := range page.Objects {
		size += len(o.Raw)
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(size))
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriterSize(w, min(size, 64<<10))
	_, _ = out.WriteString(begin)
	for i, o := range page.Objects {
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.Write(o.Raw)
	}
	_, _ = out.WriteString(end)
	_ = out.Flush() // nobody is there to be told
}

// objects gives objects of a collection (5.4).
func objects(c *call) error {
	one, err := c.readable()
	if err != nil {
		return err
	}
	q, err := c.query(one, "id", "type", "version", "spec_version")
	if err != nil {
		return err
	}
	page, err := c.page(q)
	if err != nil {
		return err
	}
	envelope(c.w, page)
	return nil
}

// named gives a page of the versions of the object that the path names. Error: fault.NotFound.
func (c *call) named(all bool, fields ...string) (page catalogue.Page, err error) {
	one, err := c.readable()
	if err != nil {
		return page, err
	}
	q, err := c.query(one, fields...)
	if err != nil {
		return page, err
	}
	none := fault.New(fault.NotFound, "", "there is no such object in this collection")
	id, err := stix.ParseID(c.r.PathValue("object"))
	if err != nil {
		return page, none
	}
	q.IDs = []stix.ID{id}
	if all {
		q.Versions = catalogue.Versions{All: true}
	}
	if page, err = c.page(q); err != nil || len(page.Objects) > 0 {
		return page, err
	}
	any, err := c.page(catalogue.Query{For: q.For, Thread: q.Thread, IDs: q.IDs, Versions: catalogue.Versions{All: true}, Limit: 1})
	if err == nil && len(any.Objects) == 0 {
		err = none
	}
	return page, err
}

// object gives one object (5.6).
func object(c *call) error {
	page, err := c.named(false, "version", "spec_version")
	if err != nil {
		return err
	}
	envelope(c.w, page)
	return nil
}

// versions lists the versions of one object (5.8).
func versions(c *call) error {
	page, err := c.named(true, "spec_version")
	if err != nil {
		return err
	}
	all, err := each(page, version)
	if err != nil {
		return err
	}
	dated(c.w, page)
	write(c.w, http.StatusOK, struct {
		going
		Versions []string `json:"versions,omitempty"`
	}{goingOn(page), all})
	return nil
}

// going is how a list of a page goes on (3.7).
type going struct {
	More bool   `json:"more,omitzero"`
	Next string `json:"next,omitzero"`
}

func goingOn(p catalogue.Page) going {
	if !p.More {
		return going{}
	}
	return going{true, nextAfter(p.Next)}
}

// each reads the objects of a page.
func each[T any](p catalogue.Page, of func(o *stix.Object, added int64) T) (all []T, err error) {
	var parser stix.Parser
	for _, o := range p.Objects {
		parsed, err := parser.Parse(o.Raw)
		if err != nil {
			return nil, err
		}
		all = append(all, of(parsed, o.Added))
	}
	return all, nil
}

// version is how a version is named: as the object writes it, or, of one that has none, by when it was added (5.3).
func version(o *stix.Object, added int64) string { return cmp.Or(string(o.Version()), at(added)) }

// record is an entry of a manifest (5.3.2).
type record struct {
	ID        stix.ID `json:"id"`
	DateAdded string  `json:"date_added"`
	Version   string  `json:"version"`
	MediaType string  `json:"media_type"`
}

// manifest tells of objects without giving them (5.3).
func manifest(c *call) error {
	one, err := c.readable()
	if err != nil {
		return err
	}
	q, err := c.query(one, "id", "type", "version", "spec_version")
	if err != nil {
		return err
	}
	page, err := c.page(q)
	if err != nil {
		return err
	}
	all, err := each(page, func(o *stix.Object, added int64) record {
		return record{o.ID, at(added), version(o, added), stixType(cmp.Or(o.SpecVersion, "2.1"))}
	})
	if err != nil {
		return err
	}
	dated(c.w, page)
	write(c.w, http.StatusOK, struct {
		going
		Objects []record `json:"objects,omitempty"`
	}{goingOn(page), all})
	return nil
}
