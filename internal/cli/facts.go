package cli

import (
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// factReader makes facts of what was typed, by the Go type of the kind's facts. A value is read by form.Typed, as in the pages; what is here is a command line's own: facts come by
// name in any order, all at once as JSON, or into a member of a member by dots, which no form has a field for.
type factReader struct {
	spec   thread.KindSpec
	moment func(flag, text string) (statement.Time, error)
	find   func(prefix string) (statement.ID, error) // completes an id
	lax    bool                                      // facts may be missing
}

// read takes a JSON object, or name=value for each fact.
func (r *factReader) read(whole string, single []string) (jsontext.Value, error) {
	kind := reflect.TypeOf(r.spec.Facts)
	if kind == nil {
		kind = reflect.TypeFor[struct{}]()
	}
	target := reflect.New(kind)
	given := map[string]bool{}
	if whole != "" {
		if err := json.Unmarshal([]byte(whole), target.Interface(), json.RejectUnknownMembers(true)); err != nil {
			return nil, fault.Wrap(err, fault.Usage, "STM-4", "--facts: this does not fit the facts of %s", r.spec.Kind)
		}
		var members map[string]jsontext.Value
		if err := json.Unmarshal([]byte(whole), &members); err != nil {
			return nil, fault.Wrap(err, fault.Usage, "STM-4", "--facts: a JSON object is wanted")
		}
		for name := range members {
			given[name] = true
		}
	}
	for _, f := range single {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fault.New(fault.Usage, "STM-4", "--fact: a fact is given as name=value")
		}
		if err := r.set(target.Elem(), name, name, value); err != nil {
			return nil, err
		}
		top, _, _ := strings.Cut(name, ".")
		given[top] = true
	}
	for _, f := range form.Members(kind) {
		if !f.Optional && !given[f.Name] && !r.lax {
			return nil, fault.New(fault.Usage, "STM-4", "%s lacks the fact %s", r.spec.Kind, f.Name)
		}
	}
	raw, err := json.Marshal(target.Interface(), json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "STM-4", "the facts cannot be written")
	}
	return raw, nil
}

// set puts one value into a struct, where name may lead through members with dots.
func (r *factReader) set(v reflect.Value, path, name, value string) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	first, rest, nested := strings.Cut(name, ".")
	var known []string
	if v.Kind() == reflect.Struct {
		for _, f := range form.Members(v.Type()) {
			known = append(known, f.Name)
			if f.Name != first {
				continue
			}
			field := v.FieldByIndex(f.Index)
			if nested {
				return r.set(field, path, rest, value)
			}
			return r.fill(field, path, value)
		}
	}
	slices.Sort(known)
	if len(known) == 0 {
		return fault.New(fault.Usage, "STM-4", "%s has no fact %s", r.spec.Kind, line(path))
	}
	return fault.New(fault.Usage, "STM-4", "%s has no fact %s; it has %s", r.spec.Kind, line(path), strings.Join(known, ", "))
}

// fill reads a value as every face does. A list that is given again grows.
func (r *factReader) fill(v reflect.Value, name, value string) error {
	typed := form.Typed{Moment: func(text string) (statement.Time, error) { return r.moment("--fact "+line(name), text) }, Find: r.find}
	err := typed.Set(v, []string{value})
	if f := fault.Of(err); err != nil && f.Code == fault.Usage && f.Clause == "STM-4" {
		return fault.Wrap(err, fault.Usage, "STM-4", "--fact %s: %s", line(name), f.Msg)
	}
	return err
}
