package client

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
)

// Bounds of what is looked at.
const (
	maxRoots       = 16
	maxCollections = 1000
	maxTold        = 300 // letters of a title or description
)

// ofCollection is the address of a collection, or of its objects (5.2, 5.4).
var ofCollection = regexp.MustCompile(`^(/(?:.*/)?collections/[^/]+/)(?:objects/|manifest/)?$`)

// Direct gives the address of the collection that an address is of, if it is of one.
func Direct(address string) (string, bool) {
	u, err := mirror.Address(address)
	if err != nil || u.RawQuery != "" {
		return "", false
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	m := ofCollection.FindStringSubmatch(u.Path)
	if m == nil {
		return "", false
	}
	u.Path, u.RawPath = m[1], ""
	return u.String(), true
}

// Find lists the collections of a server: from its discovery, an API root, or its list of collections. What it points to on other servers is left out. Errors: those of mirror.Site; fault.NotFound where there is nothing
// of TAXII at that address.
func Find(ctx context.Context, site *mirror.Site) (all []mirror.Collection, err error) {
	f := &finder{caller: caller{site: site}, seen: map[string]bool{}}
	at := slash(site.At())
	err = f.look(ctx, at, true)
	if code := fault.CodeOf(err); (code == fault.NotFound || code == fault.Malformed) && !strings.HasSuffix(at.Path, "/taxii2/") {
		if again := f.look(ctx, site.At().ResolveReference(&url.URL{Path: "/taxii2/"}), true); again == nil {
			err = nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case len(f.all) == 0:
		return nil, fault.New(fault.NotFound, "", "the server lists no collection that this node may see%s", f.elsewhere())
	}
	return f.all, nil
}

// Choose finds the one that is meant: by its id, its alias or its title. Error: fault.NotFound, fault.Usage where several are meant.
func Choose(all []mirror.Collection, name string) (mirror.Collection, error) {
	for _, same := range []func(c mirror.Collection) bool{
		func(c mirror.Collection) bool { return c.ID == name },
		func(c mirror.Collection) bool { return c.Alias != "" && c.Alias == name },
		func(c mirror.Collection) bool { return c.Title == name },
		func(c mirror.Collection) bool { return name == "" },
	} {
		var fit []mirror.Collection
		for _, c := range all {
			if same(c) {
				fit = append(fit, c)
			}
		}
		switch {
		case len(fit) == 1:
			return fit[0], nil
		case len(fit) > 1:
			return mirror.Collection{}, fault.New(fault.Usage, "", "the server has %d collections that could be meant: look at what it has, and name one by its id", len(fit))
		}
	}
	return mirror.Collection{}, fault.New(fault.NotFound, "", "the server lists no such collection")
}

type finder struct {
	caller
	all     []mirror.Collection
	seen    map[string]bool
	skipped int // API roots on other servers
}

func (f *finder) elsewhere() string {
	if f.skipped > 0 {
		return "; it points to other servers, which are asked only when they are named themselves"
	}
	return ""
}

// slash is an address with a slash at its end, as every one of TAXII has.
func slash(u *url.URL) *url.URL {
	c := *u
	if !strings.HasSuffix(c.Path, "/") {
		c.Path, c.RawPath = c.Path+"/", ""
	}
	return &c
}

// look looks at what stands at an address, and at what that leads to.
func (f *finder) look(ctx context.Context, at *url.URL, roots bool) error {
	if f.seen[at.String()] {
		return nil
	}
	f.seen[at.String()] = true
	r, err := f.read(ctx, at)
	if err != nil {
		return err
	}
	switch {
	case len(r.Roots) > 0 || r.Default != "":
		if !roots {
			return nil
		}
		return f.roots(ctx, at, r)
	case len(r.Versions) > 0 || r.MaxContent > 0:
		list, err := f.read(ctx, at.ResolveReference(&url.URL{Path: "collections/"}))
		if err != nil {
			return err
		}
		f.add(at.ResolveReference(&url.URL{Path: "collections/"}), r.name(), list.Collections)
	case len(r.Collections) > 0:
		f.add(at, "", r.Collections)
	case r.ID != "" && ofCollection.MatchString(at.Path):
		f.add(at.ResolveReference(&url.URL{Path: "../"}), "", []resource{r})
	case strings.HasSuffix(at.Path, "/collections/"): // a list that is empty is left out
	default:
		return fault.New(fault.NotFound, "", "there is neither a discovery of TAXII 2.1 nor an API root at that address")
	}
	return nil
}

// roots looks at the API roots that discovery lists. One that fails costs the others nothing.
func (f *finder) roots(ctx context.Context, at *url.URL, r resource) error {
	var failed error
	list := slices.Compact(append([]string{r.Default}, r.Roots...))
	for i, text := range list {
		to, err := url.Parse(text)
		if text == "" || err != nil || i > maxRoots {
			continue
		}
		to = slash(at.ResolveReference(to))
		if !f.site.Here(to) || to.User != nil {
			f.skipped++
			continue
		}
		if err := f.look(ctx, to, false); err != nil && failed == nil {
			failed = err
		}
	}
	if len(f.all) > 0 {
		return nil
	}
	return failed
}

// add takes over collections that stand below an address.
func (f *finder) add(list *url.URL, root string, all []resource) {
	for _, r := range all {
		if r.ID == "" || len(r.ID) > maxTold || strings.ContainsAny(r.ID, "/?#\\") || len(f.all) >= maxCollections {
			continue
		}
		at := *list
		at.Path, at.RawPath, at.RawQuery = list.Path+r.ID+"/", "", ""
		f.all = append(f.all, mirror.Collection{
			URL: at.String(), ID: r.ID, Title: told(r.name()), Description: told(r.Description), Alias: told(r.Alias), Root: told(root), CanRead: r.readable(),
		})
	}
}

// told is a text of a server's as it may be shown: without control characters, and of some length.
func told(text string) string {
	clean := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "�"))
	if r := []rune(clean); len(r) > maxTold {
		return string(r[:maxTold-1]) + "…"
	}
	return clean
}

// missing tells of an answer that what was asked for is not there, or not in that way.
func missing(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusRequestedRangeNotSatisfiable, http.StatusUnprocessableEntity:
		return true
	}
	return false
}
