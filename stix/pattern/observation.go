package pattern

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Observation is what was seen together: cyber observables, and when. It does not change and may be used by several goroutines.
type Observation struct {
	first, last time.Time
	count       int
	objects     []map[string]any
	byID        map[string]map[string]any // an identifier, or a name of STIX 2.0's own list
}

// NewObservation makes an observation of objects that were seen together count times between first and last. A count below 1 is 1; a
// last before first is first.
func NewObservation(first, last time.Time, count int, objects ...*stix.Object) (*Observation, error) {
	o := &Observation{first: first, last: last, count: max(count, 1), byID: map[string]map[string]any{}}
	if last.Before(first) {
		o.last = first
	}
	for _, x := range objects {
		if err := o.add(string(x.ID), x.Raw); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// ObservationOf makes an observation of observed data. find gives the objects that it refers to, nil for those that are not here. The
// list of objects inside, as STIX 2.0 had it, is taken too.
func ObservationOf(data *stix.Object, find func(stix.ID) *stix.Object) (*Observation, error) {
	if data.Type != "observed-data" {
		return nil, fault.New(fault.Malformed, "", "this is no observed data")
	}
	var body struct {
		First   string                    `json:"first_observed"`
		Last    string                    `json:"last_observed"`
		Count   int                       `json:"number_observed"`
		Objects map[string]jsontext.Value `json:"objects"`
		Refs    []stix.ID                 `json:"object_refs"`
	}
	err := json.Unmarshal([]byte(data.Raw), &body)
	first, noFirst := stix.ParseTimestamp(body.First)
	last, noLast := stix.ParseTimestamp(body.Last)
	if err != nil || noFirst != nil || noLast != nil {
		return nil, fault.Wrap(err, fault.Malformed, "", "the observed data has no times or count that can be read")
	}
	var there []*stix.Object
	for _, id := range body.Refs {
		if x := find(id); x != nil {
			there = append(there, x)
		}
	}
	o, err := NewObservation(first.Time(), last.Time(), body.Count, there...)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(body.Objects)) {
		if err := o.add(name, string(body.Objects[name])); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *Observation) add(id, raw string) error {
	var tree map[string]any
	if err := json.Unmarshal([]byte(raw), &tree); err != nil {
		return fault.Wrap(err, fault.Malformed, "", "an observed object is broken")
	}
	if _, twice := o.byID[id]; !twice {
		o.byID[id] = tree
		o.objects = append(o.objects, tree)
	}
	return nil
}

// walk gives the values that steps lead to from v until yield returns false. name is that of the property which v is the value of: a
// name behind one that ends in _ref or _refs is looked for in the object referred to. It returns false when it was stopped.
func (e *evaluation) walk(o *Observation, v any, name string, steps []Step, yield func(any, string) bool) bool {
	if !e.spend(1) {
		return false
	}
	if len(steps) == 0 {
		return yield(v, name)
	}
	s := steps[0]
	if s.Name != "" {
		if id, ok := v.(string); ok && (strings.HasSuffix(name, "_ref") || strings.HasSuffix(name, "_refs")) {
			if to, ok := o.byID[id]; ok {
				v = to
			}
		}
		if m, ok := v.(map[string]any); ok {
			if x, ok := m[s.Name]; ok {
				return e.walk(o, x, s.Name, steps[1:], yield)
			}
		}
		return true
	}
	list, _ := v.([]any)
	if !s.Any {
		if s.Index < len(list) {
			return e.walk(o, list[s.Index], name, steps[1:], yield)
		}
		return true
	}
	for _, x := range list {
		if !e.walk(o, x, name, steps[1:], yield) {
			return false
		}
	}
	return true
}
