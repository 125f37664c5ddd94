package misp

import (
	"slices"

	"github.com/comity-exchange/comity/stix"
)

// Group splits objects into those of one event each: what came from the same event, and what a report that did not come from MISP names. What
// belongs to none is the last group, if there is any, for which a Frame is needed. Observables, markings and authors go with
// everything that refers to them.
func Group(objects []*stix.Object) (groups [][]*stix.Object) {
	g := grouping{byID: make(map[stix.ID]*stix.Object, len(objects)), of: make(map[stix.ID]int, len(objects)), events: map[UUID]int{}}
	for _, o := range objects {
		if old := g.byID[o.ID]; old == nil || o.Version().Compare(old.Version()) > 0 {
			g.byID[o.ID] = o
		}
	}
	for _, o := range objects {
		if u := EventOf(o); u != "" && o == g.byID[o.ID] {
			if _, known := g.events[u]; !known {
				g.events[u] = g.n
				g.n++
			}
			g.of[o.ID] = g.events[u]
		}
	}
	for _, o := range objects {
		if _, placed := g.of[o.ID]; o.Type == "report" && !placed && o == g.byID[o.ID] {
			g.of[o.ID] = g.n
			for name, ref := range o.Refs() {
				if _, placed := g.of[ref]; name == "object_refs" && !placed && !shared(ref.Type()) && ref.Type() != "report" {
					g.of[ref] = g.n
				}
			}
			g.n++
		}
	}
	for _, o := range objects { // what is said of something goes where that is
		if _, placed := g.of[o.ID]; placed || shared(o.Type) {
			continue
		}
		for name, ref := range o.Refs() {
			if n, there := g.of[ref]; there && oneOf(name, "source_ref", "sighting_of_ref", "object_refs", "object_ref") {
				g.of[o.ID] = n
				break
			}
		}
	}
	return g.split(objects)
}

type grouping struct {
	byID   map[stix.ID]*stix.Object
	of     map[stix.ID]int // the group of an object
	events map[UUID]int
	n      int
}

// shared tells whether objects of a type go with whatever refers to them.
func shared(t stix.Type) bool {
	return t.Observable() || t == "marking-definition" || t == "identity" || t == "extension-definition"
}

func (g *grouping) split(objects []*stix.Object) [][]*stix.Object {
	groups := make([][]*stix.Object, g.n+1)
	taken := map[stix.ID]bool{}
	for _, o := range objects {
		if o != g.byID[o.ID] || shared(o.Type) {
			continue
		}
		n, placed := g.of[o.ID]
		if !placed {
			n = g.n
		}
		groups[n] = append(groups[n], o)
	}
	for i := range groups {
		own := map[stix.ID]bool{}
		// The list grows while it is walked: what is referred to refers on.
		for j := 0; j < len(groups[i]); j++ {
			for _, ref := range groups[i][j].Refs() {
				if o := g.byID[ref]; o != nil && shared(o.Type) && !own[ref] {
					own[ref], taken[ref] = true, true
					groups[i] = append(groups[i], o)
				}
			}
		}
	}
	rest := g.n
	for _, o := range objects {
		if shared(o.Type) && o == g.byID[o.ID] && !taken[o.ID] && o.ID != Extension && o.ID != stix.HandlingExtension && o.Type != "marking-definition" && o.Type != "identity" {
			groups[rest] = append(groups[rest], o)
		}
	}
	return slices.DeleteFunc(groups, func(list []*stix.Object) bool { return len(list) == 0 })
}
