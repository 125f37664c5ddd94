package mirror

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// eventsAPage is how many events of a feed are one page.
const eventsAPage = 32

// Feed is an Origin that is a feed of MISP: a directory with a manifest and a file for each event. Of what the manifest lists it fetches what is newer than what is here; where the server tells that the
// manifest has not changed (ETag, Last-Modified), a run is one request without a body.
type Feed struct {
	Site  *Site // whose address is the directory's, or the manifest's
	Known func(context.Context, misp.UUID) misp.Seconds

	listed  bool
	refused []stix.Item // of the manifest; told with the first page
	left    []misp.UUID // that this run has still to fetch
	version version     // of the manifest
}

// feedCursor is where a run stands: behind an event of a manifest that was not fetched to its end, or behind all of one.
type feedCursor struct {
	version
	Behind misp.UUID `json:"behind,omitzero"`
}

// Close implements Origin.
func (f *Feed) Close() { f.Site.Close() }

// Next implements Origin.
func (f *Feed) Next(ctx context.Context, cursor string) (Page, error) {
	files := misp.Feed{
		Open:  func(name string) (io.ReadCloser, error) { return f.open(ctx, name) },
		Known: func(u misp.UUID) misp.Seconds { return f.Known(ctx, u) },
	}
	if !f.listed {
		same, err := f.list(ctx, cursor, files)
		if err != nil || same {
			return &feedPage{cursor: cursor}, err
		}
	}
	n := min(len(f.left), eventsAPage)
	p := &feedPage{files: files, refused: f.refused, events: f.left[:n], cursor: cursor, more: n < len(f.left)}
	f.left, f.refused = f.left[n:], nil
	at := feedCursor{version: f.version}
	if p.more {
		at = feedCursor{Behind: p.events[n-1]}
	}
	b, err := json.Marshal(at, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "", "what the server calls this version of the manifest is no text")
	}
	p.next = string(b)
	return p, nil
}

// list reads the manifest. same tells that it is the one of which everything was fetched.
func (f *Feed) list(ctx context.Context, cursor string, files misp.Feed) (same bool, err error) {
	var at feedCursor
	if cursor != "" && json.Unmarshal([]byte(cursor), &at) != nil {
		at = feedCursor{} // another program's: all of it again
	}
	a, err := f.Site.Get(ctx, name(f.Site.At(), "manifest.json"), at.headers())
	switch {
	case err != nil:
		return false, err
	case a.Status == http.StatusNotModified && at.version != (version{}):
		a.Discard()
		return true, nil
	case a.Status != http.StatusOK:
		return false, a.Fault()
	}
	files.Open = func(string) (io.ReadCloser, error) { return a.Body, nil }
	m, refused, err := files.Manifest()
	if err != nil {
		return false, err
	}
	f.version = versionOf(a.Header)
	f.left, f.refused, f.listed = files.Changed(m), refused, true
	return false, nil
}

// headers are those by which a server tells whether a file is the one that was read last.
func (v version) headers() http.Header {
	h := http.Header{"Accept": {"*/*"}}
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.Modified != "" {
		h.Set("If-Modified-Since", v.Modified)
	}
	return h
}

// versionOf is what a server calls a file; nothing where that is too long to be kept.
func versionOf(h http.Header) version {
	v := version{h.Get("ETag"), h.Get("Last-Modified")}
	if len(v.ETag) > maxTag || len(v.Modified) > maxTag {
		return version{}
	}
	return v
}

// name is a file of a feed, by the address of its directory or of its manifest.
func name(at *url.URL, file string) *url.URL {
	u := *at
	if u.Path == "" || u.Path[len(u.Path)-1] != '/' {
		if base, ok := cutManifest(u.Path); ok {
			u.Path = base
		} else {
			u.Path += "/"
		}
	}
	u.Path, u.RawPath = u.Path+file, ""
	return &u
}

func cutManifest(path string) (string, bool) {
	const manifest = "manifest.json"
	if n := len(path) - len(manifest); n >= 0 && path[n:] == manifest {
		return path[:n], true
	}
	return "", false
}

// open opens an event's file.
func (f *Feed) open(ctx context.Context, file string) (io.ReadCloser, error) {
	a, err := f.Site.Get(ctx, name(f.Site.At(), file), http.Header{"Accept": {"application/json, */*"}})
	if err != nil {
		return nil, err
	}
	switch a.Status {
	case http.StatusOK:
		return a.Body, nil
	case http.StatusUnauthorized, http.StatusForbidden: // the other files will not be had either
		return nil, fault.New(fault.Denied, "", "%s", fault.Of(a.Fault()).Msg)
	}
	return nil, a.Fault()
}

// feedPage is some events of a feed.
type feedPage struct {
	files        misp.Feed
	refused      []stix.Item
	events       []misp.UUID
	cursor, next string
	more         bool
}

// Items implements Page.
func (p *feedPage) Items() iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		for _, item := range p.refused {
			if !yield(item, nil) {
				return
			}
		}
		for item, err := range p.files.Items(p.events) {
			if !yield(item, err) || err != nil {
				return
			}
		}
		if p.next != "" {
			p.cursor = p.next
		}
	}
}

// Cursor implements Page.
func (p *feedPage) Cursor() string { return p.cursor }

// More implements Page.
func (p *feedPage) More() bool { return p.more }

// Close implements Page.
func (p *feedPage) Close() {}
