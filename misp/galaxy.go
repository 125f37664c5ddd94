package misp

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// galaxy is one galaxy of an event, or a part of one: what MISP knows about the tags that name its clusters. They come with pages of text each,
// so they do not fit the report.
type galaxy struct {
	Name     string           `json:"name"`
	Part     int              `json:"comity_part,omitzero"` // of one that is more than one note
	Clusters []jsontext.Value `json:"GalaxyCluster,omitempty"`
	Rest     jsontext.Value   `json:",embed"`
}

// galaxy gives a note of each galaxy, with the names of its clusters.
func (x *mapper) galaxy(index int, text jsontext.Value) {
	var g galaxy
	// In one spelling, so that it is cut at the same places when it comes back.
	plain, err := json.Marshal(text)
	if err == nil {
		err = json.Unmarshal(plain, &g)
	}
	if err != nil || g.Part != 0 {
		x.refuse(x.offset, fault.Wrap(err, fault.Malformed, "", "Galaxy %d cannot be read", index+1))
		return
	}
	all := g.Clusters
	for part := 0; part == 0 || len(all) > 0; part++ {
		n, size := 0, 0
		for n < len(all) && (n == 0 || size+len(all[n]) <= maxKept/2) {
			size += len(all[n])
			n++
		}
		g.Part, g.Clusters, all = part, all[:n], all[n:]
		if err := x.galaxyPart(index, g); err != nil {
			x.refuse(x.offset, fault.Wrap(err, fault.CodeOf(err), "", "Galaxy %d, from its cluster %d on: %s", index+1, part+1, fault.Show(err)))
		}
	}
}

func (x *mapper) galaxyPart(index int, g galaxy) error {
	id := stix.DeriveID("note", namespace, []byte(string(x.head.UUID)+" galaxy "+strconv.Itoa(index)+" "+strconv.Itoa(g.Part)))
	c := x.common(id, x.head.Timestamp, false)
	custom, left := x.keep(kept{Galaxy: &g})
	if c.Custom, c.Confidence = custom, nil; left != nil {
		return left
	}
	names := []string{g.Name}
	for _, cluster := range g.Clusters {
		var named struct {
			Value string `json:"value"`
		}
		if json.Unmarshal(cluster, &named) == nil && named.Value != "" {
			names = append(names, named.Value)
		}
	}
	o, err := stix.Domain{Common: c, Type: "note", Properties: []stix.Property{
		{Name: "abstract", Value: "galaxy"}, {Name: "content", Value: strings.Join(names, "\n")}, {Name: "object_refs", Value: []stix.ID{x.report}}}}.Object()
	if err == nil {
		x.give(stix.Item{Offset: x.offset, Object: o})
		x.refer(own(o.ID))
	}
	return err
}

// join adds a galaxy, or what follows of one, to those of e.
func (e *Event) join(g galaxy, open *galaxy) error {
	if g.Part > 0 && open.Name == g.Name && len(e.Galaxies) > 0 {
		open.Clusters = slices.Concat(open.Clusters, g.Clusters)
		e.Galaxies = e.Galaxies[:len(e.Galaxies)-1]
	} else {
		*open = g
	}
	open.Part = 0
	text, err := json.Marshal(*open, json.Deterministic(true))
	if err == nil {
		e.Galaxies = append(e.Galaxies, text)
	}
	return err
}
