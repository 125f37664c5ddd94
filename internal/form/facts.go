package form

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Facts makes facts of what was filled in.
type Facts struct {
	Spec   thread.KindSpec
	Moment func(text string) (statement.Time, error) // in the officer's time zone
	Find   func(prefix string) (statement.ID, error) // completes an id
	Label  func(name string) string                  // a fact as the officer sees it, for errors
	Was    jsontext.Value                            // facts that have no field stay as they were; nil: there are none
	Part   bool                                      // what is missing yet is left out; what is there has to be what it is
}

// Read takes what was filled in under the names of the fields. What is left empty is left out. Error: fault.Usage, which names the field.
func (r *Facts) Read(values map[string][]string) (jsontext.Value, error) {
	t := reflect.TypeOf(r.Spec.Facts)
	if t == nil {
		return jsontext.Value("{}"), nil
	}
	target := reflect.New(t)
	if len(r.Was) > 0 {
		if err := json.Unmarshal(r.Was, target.Interface()); err != nil {
			return nil, fault.Wrap(err, fault.Usage, "STM-4", "the facts that were there cannot be read")
		}
	}
	missing := map[string]bool{}
	for _, f := range Fields(r.Spec) {
		v := fieldOf(target.Elem(), f.Name)
		v.SetZero()
		given := filled(values[f.Name])
		if len(given) == 0 {
			if missing[f.Name] = true; r.Part {
				continue
			}
			if f.Required && f.Shape != Yes && f.Shape != Number {
				return nil, fault.New(fault.Usage, "STM-4", "%s: this is to be filled in", r.Label(f.Name))
			}
			continue
		}
		if err := r.set(v, f, given); err != nil {
			return nil, err
		}
	}
	raw, err := json.Marshal(target.Interface(), json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "STM-4", "the facts cannot be written")
	}
	if r.Part {
		return without(raw, missing)
	}
	return raw, nil
}

// without leaves out of facts what is missing: a zero id or time is none that could be read back.
func without(raw jsontext.Value, missing map[string]bool) (jsontext.Value, error) {
	all := map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fault.Wrap(err, fault.Usage, "STM-4", "the facts cannot be written")
	}
	for name := range missing {
		delete(all, name)
	}
	raw, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "STM-4", "the facts cannot be written")
	}
	return raw, nil
}

// Check is Check, with what is wrong told as a wrong call.
func (r *Facts) Check(h *statement.Head) error { return usage(Check(r.Spec, h)) }

// Check asks the kind's own check, where it has one, before anything is composed: it says better what is missing than a void statement would.
func Check(spec thread.KindSpec, h *statement.Head) error {
	if spec.Facts == nil {
		return nil
	}
	v := reflect.New(reflect.TypeOf(spec.Facts))
	if err := json.Unmarshal(h.Facts, v.Interface()); err != nil {
		return fault.Wrap(err, fault.Usage, "STM-4", "the facts do not fit %s", spec.Kind)
	}
	if err := statement.CheckFacts(h.Facts); err != nil {
		return err
	}
	if c, ok := v.Interface().(interface{ Check(*statement.Head) error }); ok {
		return c.Check(h)
	}
	return nil
}

// usage makes of a fault in what was typed a wrong call, with the same words.
func usage(err error) error {
	if err == nil {
		return nil
	}
	f := fault.Of(err)
	return fault.Wrap(err, fault.Usage, f.Clause, "%s", f.Msg)
}

// filled is what was typed, without what is empty. Lists may be given at once, with commas or lines between.
func filled(given []string) []string {
	var out []string
	for _, g := range given {
		if g = strings.TrimSpace(g); g != "" {
			out = append(out, g)
		}
	}
	return out
}

func fieldOf(v reflect.Value, name string) reflect.Value {
	for _, m := range Members(v.Type()) {
		if m.Name == name {
			return v.FieldByIndex(m.Index)
		}
	}
	return reflect.Value{}
}

// set reads a field as its type has it.
func (r *Facts) set(v reflect.Value, f Field, given []string) error {
	err := Typed{r.Moment, r.Find}.Set(v, given)
	if err == nil {
		return nil
	}
	says := fault.Of(err).Msg
	if f.Shape == Moment {
		says = "a date and a time are wanted"
	}
	return fault.Wrap(err, fault.Usage, "STM-4", "%s: %s", r.Label(f.Name), says)
}

// Values is what facts look like in the fields. moment writes a time as Facts.Moment reads it.
func Values(spec thread.KindSpec, facts jsontext.Value, moment func(statement.Time) string) map[string][]string {
	out := map[string][]string{}
	t := reflect.TypeOf(spec.Facts)
	if t == nil || len(facts) == 0 {
		return out
	}
	target := reflect.New(t)
	if err := json.Unmarshal(facts, target.Interface()); err != nil {
		return out // what does not fit has no place in the form
	}
	for _, f := range Fields(spec) {
		v := fieldOf(target.Elem(), f.Name)
		if v.IsZero() {
			continue
		}
		switch f.Shape {
		case Word, Choice, Party:
			out[f.Name] = []string{v.String()}
		case Words:
			for i := range v.Len() {
				out[f.Name] = append(out[f.Name], v.Index(i).String())
			}
		case Yes:
			out[f.Name] = []string{"yes"}
		case Number:
			out[f.Name] = []string{strconv.FormatInt(v.Int(), 10)}
		case Moment:
			out[f.Name] = []string{moment(v.Interface().(statement.Time))}
		case Statement:
			out[f.Name] = []string{v.Interface().(statement.ID).String()}
		case Several:
			for _, id := range v.Interface().([]statement.ID) {
				out[f.Name] = append(out[f.Name], id.String())
			}
		case Digest:
			out[f.Name] = []string{v.Interface().(statement.Digest).String()}
		}
	}
	return out
}
