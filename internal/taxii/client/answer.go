package client

import (
	"cmp"
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
)

// accepted are the media types that are asked for, one after the other where a server refuses one: that of the standard (1.6.8.1), as some spell it, and without its version.
func accepted() []string {
	return []string{"application/taxii+json;version=2.1", "application/taxii+json; version=2.1", "application/taxii+json"}
}

// caller asks one server. It belongs to one goroutine.
type caller struct {
	site   *mirror.Site
	accept int // of accepted
}

// get asks for a resource. Answers that refuse the media type are asked again with another.
func (c *caller) get(ctx context.Context, at *url.URL) (*mirror.Answer, error) {
	for {
		a, err := c.site.Get(ctx, at, http.Header{"Accept": {accepted()[c.accept]}})
		if err != nil {
			return nil, err
		}
		if (a.Status != http.StatusNotAcceptable && a.Status != http.StatusUnsupportedMediaType) || c.accept+1 >= len(accepted()) {
			return a, nil
		}
		a.Discard()
		c.accept++
	}
}

// spoken is the fault of an answer that is no TAXII 2.1. Servers leave the version out, or say only that it is JSON.
func spoken(a *mirror.Answer) error {
	given := a.Header.Get("Content-Type")
	if given == "" {
		return nil
	}
	name, parameters, err := mime.ParseMediaType(given)
	version := parameters["version"]
	switch {
	case err == nil && version != "" && version != "2.1" && (name == "application/taxii+json" || name == "application/vnd.oasis.taxii+json" || name == "application/vnd.oasis.stix+json"):
		return fault.New(fault.Malformed, "", "the server speaks another version of TAXII than 2.1")
	case err == nil && (name == "application/taxii+json" || name == "application/stix+json" || name == "application/json"):
		return nil
	case err == nil && name == "application/vnd.oasis.stix+json":
		return fault.New(fault.Malformed, "", "the server speaks another version of TAXII than 2.1")
	}
	return fault.New(fault.Malformed, "", "what answers is no TAXII server: look at the address, and whether it wants somebody to sign in")
}

const maxResource = 8 << 20 // bytes of a resource that holds no objects

// resource is what discovery, API roots and collections may have (4.1, 4.2, 5.1, 5.2).
type resource struct {
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Default     string     `json:"default"`
	Roots       []string   `json:"api_roots"`
	Versions    []string   `json:"versions"`
	MaxContent  int64      `json:"max_content_length"`
	Collections []resource `json:"collections"`
	ID          string     `json:"id"`
	Alias       string     `json:"alias"`
	CanRead     *bool      `json:"can_read"`

	Objects []struct {
		ID        string `json:"id"`
		DateAdded string `json:"date_added"`
	} `json:"objects"` // of a manifest
}

// read reads a resource that holds no objects.
func (c *caller) read(ctx context.Context, at *url.URL) (r resource, err error) {
	a, err := c.get(ctx, at)
	if err != nil {
		return r, err
	}
	if a.Status != http.StatusOK {
		return r, a.Fault()
	}
	defer a.Body.Close()
	if err := spoken(a); err != nil {
		return r, err
	}
	b, err := io.ReadAll(io.LimitReader(a.Body, maxResource+1))
	switch {
	case err != nil:
		return r, err
	case len(b) > maxResource:
		return r, fault.New(fault.TooLarge, "", "the server's list of collections has more than %d bytes", maxResource)
	}
	// Several names of one thing, and bytes that are no text, are nothing that a list is refused for.
	if err := json.Unmarshal(b, &r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		return r, fault.Wrap(err, fault.Malformed, "", "the server's answer is no resource of TAXII 2.1")
	}
	return r, nil
}

func (r *resource) readable() bool { return r.CanRead == nil || *r.CanRead }

func (r *resource) name() string { return cmp.Or(r.Title, r.Alias, r.ID) }
