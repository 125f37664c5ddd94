package mirror

import (
	"context"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// File is an Origin that is one file: a list of indicators, or a bundle. Where its server tells versions of it apart (ETag, Last-Modified), one that has not changed is one request without a body.
type File struct {
	Site *Site
	Read func(r io.Reader) iter.Seq2[stix.Item, error]
}

// version is a cursor of a File: what the server called what was read last.
type version struct {
	ETag     string `json:"etag,omitzero"`
	Modified string `json:"modified,omitzero"`
}

const maxTag = 1 << 10 // bytes of what a server calls a version

// Close implements Origin.
func (f *File) Close() { f.Site.Close() }

// Next implements Origin.
func (f *File) Next(ctx context.Context, cursor string) (Page, error) {
	var v version
	if cursor != "" && json.Unmarshal([]byte(cursor), &v) != nil {
		v = version{} // another program's: all of it again
	}
	a, err := f.Site.Get(ctx, &url.URL{}, v.headers())
	if err != nil {
		return nil, err
	}
	switch {
	case a.Status == http.StatusNotModified || a.Status == http.StatusNoContent:
		a.Discard()
		return &filePage{cursor: cursor}, nil
	case a.Status != http.StatusOK:
		return nil, a.Fault()
	}
	if kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		a.Discard()
		return nil, fault.New(fault.Malformed, "", "what comes is a page for people, and no list: look at the address")
	}
	is := versionOf(a.Header)
	next := ""
	if is != (version{}) {
		b, err := json.Marshal(is, json.Deterministic(true))
		if err != nil {
			a.Discard()
			return nil, fault.Wrap(err, fault.Malformed, "", "what the server calls this version of the file is no text")
		}
		next = string(b)
	}
	return &filePage{file: f, body: a.Body, cursor: cursor, next: next}, nil
}

// filePage is the file as it came, or that nothing did.
type filePage struct {
	file         *File
	body         io.ReadCloser // nil: it has not changed
	cursor, next string
}

// Items implements Page.
func (p *filePage) Items() iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		if p.body == nil {
			return
		}
		for item, err := range p.file.Read(p.body) {
			if !yield(item, err) || err != nil {
				return
			}
		}
		p.cursor = p.next
	}
}

// Cursor implements Page.
func (p *filePage) Cursor() string { return p.cursor }

// More implements Page.
func (p *filePage) More() bool { return false }

// Close implements Page.
func (p *filePage) Close() {
	if p.body != nil {
		_ = p.body.Close() // it was only read
	}
}

// Stands says in words how far a cursor of a File or a Feed is.
func Stands(cursor string) string {
	var at feedCursor
	if json.Unmarshal([]byte(cursor), &at) != nil {
		return "the beginning"
	}
	switch t, err := http.ParseTime(at.Modified); {
	case at.Behind != "":
		return "the event " + string(at.Behind) + " of the manifest; the rest of it is next"
	case err == nil:
		return "all of what the server had as of " + t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return "all of what the server had when it was read last; it tells by a mark of its own whether that has changed"
}
