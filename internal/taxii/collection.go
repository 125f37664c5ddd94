package taxii

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// collection is the resource of TAXII 2.1, 5.2.1.
type collection struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitzero"`
	CanRead     bool     `json:"can_read"`
	CanWrite    bool     `json:"can_write"`
	MediaTypes  []string `json:"media_types"`

	thread  thread.ID       // zero: all
	marking marking.Marking // of who opened it
}

// namespace is of the ids of collections: a UUID that was drawn for them.
func namespace() [16]byte {
	return [16]byte{0x5c, 0x0a, 0x3d, 0x91, 0x7e, 0x42, 0x4b, 0x6f, 0x9a, 0x1d, 0x2f, 0x86, 0xc3, 0x70, 0xe5, 0x18}
}

// idOf is the same for the same name, on every start.
func idOf(name string) string { return stix.DeriveID("collection", namespace(), []byte(name)).UUID() }

// allOf is the collection of all that may be seen.
func allOf(code party.Code) collection {
	return collection{
		ID: idOf(string(code) + "\nall"), Title: "All", Description: "All that this token may see here, in the order in which it came", CanRead: true,
		MediaTypes: []string{stixType("2.1")},
	}
}

func stixType(spec string) string { return "application/stix+json;version=" + spec }

// CollectionOf is the id of the collection that is a source, feed or share.
func CollectionOf(id thread.ID) string { return collectionID(id) }

// CollectionOfAll is the id of the collection of all that may be seen at a party's node.
func CollectionOfAll(code party.Code) string { return allOf(code).ID }

func collectionID(id thread.ID) string { return idOf("thread\n" + id.String()) }

// collectionOf is a source, feed or share as a collection, whose opener is marked so. It tells collections apart by what whoever sees the opener knows by that: by whom it is, since when, and how it is marked;
// to whom else it goes, and what is asked of a feed, is not for outsiders.
func collectionOf(self party.Code, v node.IntelView, m marking.Marking, inside bool) collection {
	// spec: INT-9
	c := collection{ID: collectionID(v.ID), CanRead: true, MediaTypes: []string{stixType("2.1")}, thread: v.ID, marking: m}
	by, since := string(v.View.By), v.Opened.Std().UTC().Format("2006-01-02")
	switch v.View.Form {
	case intel.ASource:
		c.Title, c.Description = "Source: "+v.View.Name, "What "+by+" has gathered from one place, "+v.View.Name+", since "+since
		if f := v.View.Format; inside && f != "" {
			c.Description += ", as " + f
		}
		c.CanWrite = v.View.By == self && v.View.Status == intel.Open
	case intel.AFeed:
		c.Title, c.Description = "Feed: "+v.View.Offer.Feed+", by "+by, "What "+by+" gives as it comes, in the feed "+v.View.Offer.Feed+", since "+since
		if inside {
			c.Description += wanted(v.View)
		}
	default:
		c.Title, c.Description = "Share: "+v.ID.Short()+", by "+by, "What "+by+" has given once, on "+since
	}
	if m.TLP != "" {
		c.Description += "; TLP:" + string(m.TLP)
	}
	c.Description += " (" + v.ID.Short() + ")"
	return c
}

// wanted is to whom a feed goes and what belongs to it, for those of the party's own.
func wanted(v intel.View) (out string) {
	for _, to := range v.To {
		out += ", to " + string(to)
	}
	o := v.Offer
	for _, list := range [][]string{o.Types, o.Labels} {
		if len(list) > 0 {
			out += "; " + strings.Join(list[:min(len(list), maxNamed)], ", ")
		}
		if len(list) > maxNamed {
			out += " …"
		}
	}
	if o.Sector != "" {
		out += "; sector " + o.Sector
	}
	return out
}

// maxNamed bounds the types and labels that a description names.
const maxNamed = 8

// collections remembers which thread has which id. It is safe for concurrent use.
type collections struct {
	mu      sync.Mutex
	threads map[string]thread.ID // guarded by mu; there are no more of them than threads
}

func (c *collections) find(id string) (thread.ID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.threads[id]
	return found, ok
}

func (c *collections) learn(all []node.IntelView) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.threads == nil {
		c.threads = map[string]thread.ID{}
	}
	for _, v := range all {
		c.threads[collectionID(v.ID)] = v.ID
	}
}

// all lists what the caller may see, by title.
func (c *call) all(ctx context.Context) ([]collection, error) {
	// spec: INT-9
	views, err := c.node.Collections(ctx)
	if err != nil {
		return nil, err
	}
	c.server.collections.learn(views)
	ids := make([]statement.ID, len(views))
	for i, v := range views {
		ids[i] = v.ID
	}
	may, err := c.node.Catalogue.Shows(ctx, c.Viewer, ids...)
	if err != nil {
		return nil, err
	}
	marks, err := c.node.OpenerMarkings(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var out []collection
	for i, v := range views {
		if may[i] || c.Actor.Limits.IsPartner() && c.Actor.Limits.Writes(v.ID) {
			out = append(out, c.told(v, marks[i], may[i]))
		}
	}
	slices.SortFunc(out, func(a, b collection) int { return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID)) })
	if c.Actor.Limits.Sees(thread.ID{}) {
		out = append([]collection{allOf(c.node.Config.Code)}, out...)
	}
	return out, nil
}

// told is a collection as the caller gets it. Who only brings objects into it is not told how it is marked.
func (c *call) told(v node.IntelView, m marking.Marking, may bool) collection {
	self := c.node.Config.Code
	shown := m
	if !may {
		shown = marking.Marking{}
	}
	one := collectionOf(self, v, shown, c.Viewer.Party == self && !c.Actor.Limits.IsPartner())
	one.marking = m
	return c.within(one)
}

// within narrows what may be done with a collection to what the token is for.
func (c *call) within(one collection) collection {
	one.CanRead = one.CanRead && c.Actor.Limits.Sees(one.thread)
	one.CanWrite = one.CanWrite && c.Actor.Limits.Writes(one.thread)
	return one
}

// readable is the collection that the path names, where the caller may read it. Errors: fault.NotFound; fault.Denied where it can only be written.
func (c *call) readable() (collection, error) {
	one, err := c.collection()
	if err == nil && !one.CanRead {
		err = fault.New(fault.Denied, "", "this token only brings objects into this collection")
	}
	return one, err
}

// list is the collections resource (5.1).
func list(c *call) error {
	all, err := c.all(c.r.Context())
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, struct {
		Collections []collection `json:"collections,omitempty"`
	}{all})
	return nil
}

// show is one collection (5.2).
func show(c *call) error {
	one, err := c.collection()
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, one)
	return nil
}

// collection is the one that the path names. Error: fault.NotFound, also where the caller may not see it.
func (c *call) collection() (collection, error) {
	// spec: INT-9
	none := fault.New(fault.NotFound, "", "there is no such collection: %scollections/ lists them", apiRoot)
	ctx, id := c.r.Context(), c.r.PathValue("collection")
	if all := allOf(c.node.Config.Code); id == all.ID {
		if !c.Actor.Limits.Sees(thread.ID{}) {
			return collection{}, none
		}
		return all, nil
	}
	if one, ok := c.Known.Load(id); ok {
		return one.(collection), nil
	}
	found, ok := c.server.collections.find(id)
	if !ok {
		views, err := c.node.Collections(ctx)
		if err != nil {
			return collection{}, err
		}
		c.server.collections.learn(views)
		if found, ok = c.server.collections.find(id); !ok {
			return collection{}, none
		}
	}
	may, err := c.node.Catalogue.Shows(ctx, c.Viewer, found)
	if err != nil {
		return collection{}, err
	}
	if !may[0] && !(c.Actor.Limits.IsPartner() && c.Actor.Limits.Writes(found)) { // into what is named to them a partner brings objects, whatever they may see of it
		return collection{}, none
	}
	v, m, err := c.node.Collection(ctx, found)
	if fault.CodeOf(err) == fault.NotFound {
		return collection{}, none
	}
	if err != nil {
		return collection{}, err
	}
	one := c.told(v, m, may[0])
	c.Known.Store(id, one)
	return one, nil
}
