package form

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Typed reads what people type, in a form or after --fact, as the Go type of a fact has it. It is the one place that knows how.
type Typed struct {
	Moment func(text string) (statement.Time, error) // in the reader's time zone
	Find   func(prefix string) (statement.ID, error) // completes an id
}

// Set fills v with what was given. Of what is one, the first counts; lists may be given at once, with commas, semicolons or lines between, and grow. Errors: what Moment, Find and
// the type's own reading of text give, else fault.Usage, which says what is wanted and does not name the fact.
func (r Typed) Set(v reflect.Value, given []string) error {
	if _, text := v.Addr().Interface().(interface{ UnmarshalText([]byte) error }); v.Kind() == reflect.Slice && !text {
		return r.grow(v, given)
	}
	if len(given) == 0 {
		return nil
	}
	return r.one(v, given[0])
}

// grow adds to a list.
func (r Typed) grow(v reflect.Value, given []string) error {
	for _, g := range given {
		for _, part := range strings.FieldsFunc(g, func(c rune) bool { return c == ',' || c == ';' || c == '\n' || c == '\r' }) {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := r.one(e, part); err != nil {
				return err
			}
			v.Set(reflect.Append(v, e))
		}
	}
	return nil
}

// one reads a single value.
func (r Typed) one(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case statement.ID:
		id, err := r.Find(text)
		if err == nil {
			v.Set(reflect.ValueOf(id))
		}
		return err
	case statement.Time:
		t, err := r.Moment(text)
		if err == nil {
			v.Set(reflect.ValueOf(t))
		}
		return err
	}
	if u, ok := v.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := truth(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return wanted("a whole number")
		}
		v.SetInt(i)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return r.one(v.Elem(), text)
	default:
		return wanted("the whole as JSON; this member")
	}
	return nil
}

// truth reads yes or no, as forms and commands say it.
func truth(text string) (bool, error) {
	switch text {
	case "yes", "on":
		return true, nil
	case "no":
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, wanted("yes or no")
	}
	return b, nil
}

func wanted(what string) error { return fault.New(fault.Usage, "STM-4", "%s is wanted", what) }
