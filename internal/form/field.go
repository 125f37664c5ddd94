package form

import (
	"reflect"
	"strings"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Shape is what a field looks like.
type Shape string

// The shapes.
const (
	Word      Shape = "word"      // one identifier
	Words     Shape = "words"     // a list of them
	Choice    Shape = "choice"    // one of Options
	Number    Shape = "number"    // a whole one
	Yes       Shape = "yes"       // yes or no
	Moment    Shape = "moment"    // a time
	Statement Shape = "statement" // a statement's id
	Several   Shape = "several"   // statements' ids
	Digest    Shape = "digest"    // of a text or file
	Party     Shape = "party"     // a code
)

// Field is one fact to fill in.
type Field struct {
	Name     string // as JSON has it
	Shape    Shape
	Required bool
	Options  []string // with Choice
}

// Fields are those of a kind, in the order of its type.
func Fields(spec thread.KindSpec) []Field {
	var out []Field
	t := reflect.TypeOf(spec.Facts)
	if t == nil {
		return nil
	}
	for _, m := range Members(t) {
		f := Field{Name: m.Name, Required: !m.Optional, Options: choices(t.FieldByIndex(m.Index).Type)}
		if f.Shape = shape(t.FieldByIndex(m.Index).Type); f.Shape == "" {
			continue
		}
		if spec.Kind == instrument.KindRatify && f.Name == "as" {
			f.Options = []string{"ratification", "acceptance", "approval"}
		}
		if len(f.Options) > 0 {
			f.Shape = Choice
		}
		out = append(out, f)
	}
	return out
}

// Whole tells whether every fact of a kind that must be there has a field.
func Whole(spec thread.KindSpec) bool {
	t := reflect.TypeOf(spec.Facts)
	if t == nil {
		return true
	}
	for _, f := range reflect.VisibleFields(t) {
		if _, options, _ := strings.Cut(f.Tag.Get("json"), ","); strings.Contains(options, "embed") {
			return false
		}
	}
	for _, m := range Members(t) {
		if !m.Optional && shape(t.FieldByIndex(m.Index).Type) == "" {
			return false
		}
	}
	return true
}

func shape(t reflect.Type) Shape {
	switch t {
	case reflect.TypeFor[statement.ID]():
		return Statement
	case reflect.TypeFor[[]statement.ID]():
		return Several
	case reflect.TypeFor[statement.Digest]():
		return Digest
	case reflect.TypeFor[statement.Time]():
		return Moment
	case reflect.TypeFor[party.Code]():
		return Party
	}
	switch t.Kind() {
	case reflect.String:
		return Word
	case reflect.Bool:
		return Yes
	case reflect.Int, reflect.Int64:
		return Number
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return Words
		}
	}
	return ""
}

// choices are the values of a type that has a closed list of them.
func choices(t reflect.Type) []string {
	switch t {
	case reflect.TypeFor[assist.Type]():
		return texts(assist.Types())
	case reflect.TypeFor[assist.Extent]():
		return texts([]assist.Extent{assist.Full, assist.Part})
	case reflect.TypeFor[instrument.Outcome]():
		return texts([]instrument.Outcome{instrument.OutcomeAdopted, instrument.OutcomeBroken})
	case reflect.TypeFor[recall.Reason]():
		return texts(recall.Reasons())
	case reflect.TypeFor[recall.Ground]():
		return texts(recall.Grounds())
	}
	return nil
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// Member is one field of a facts type under its JSON name.
type Member struct {
	Name     string
	Index    []int
	Optional bool
}

// Members are the fields of a facts type, in its order; none where it is no structure.
func Members(t reflect.Type) []Member {
	var out []Member
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" {
			continue
		}
		out = append(out, Member{name, f.Index, strings.Contains(options, "omit")})
	}
	return out
}
